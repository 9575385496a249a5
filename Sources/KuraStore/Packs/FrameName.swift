internal import KuraFormat

/// A frame, by its pack and its number there.
struct FrameName: Hashable, Sendable {
    var pack: PackID
    var number: Int

    init(_ place: FoundChunk) {
        pack = place.pack
        number = place.frame
    }
}
