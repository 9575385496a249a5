internal import KuraFormat
internal import KuraIO

/// The frames that one worker decoded last.
final class FrameCache {
    private final class Slot {
        var pack: PackID?
        var frame = 0
        var lastUse = 0
        let buffer = FrameBuffer()
        var plain = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private let reader: PackReader
    private let decoder = FrameDecoder()
    private var slots: [Slot] = []
    private let capacity: Int
    private var clock = 0

    init(_ reader: PackReader, capacity: Int) {
        self.reader = reader
        self.capacity = capacity
    }

    /// Plain bytes of a frame, valid until the next call.
    /// - Parameter checked: whether the frame is read again even if it is in the cache, and its
    ///   stored bytes are compared with their hash.
    func frame(
        _ number: Int, of pack: PackID, checked: Bool = false
    ) throws(KuraError) -> UnsafeRawBufferPointer {
        clock += 1
        let known = slots.first { $0.pack == pack && $0.frame == number }
        if let known, !checked {
            known.lastUse = clock
            return known.plain
        }
        let slot = known ?? freeSlot()
        slot.pack = nil
        let entry = try reader.frame(number, of: pack)
        let target = slot.buffer.bytes(Int(entry.entry.plainByteCount))
        try reader.read(entry, of: pack, decoder, checked: checked, into: target)
        slot.plain = UnsafeRawBufferPointer(target)
        slot.pack = pack
        slot.frame = number
        slot.lastUse = clock
        return slot.plain
    }

    private func freeSlot() -> Slot {
        if slots.count < capacity {
            slots.append(Slot())
            return slots[slots.count - 1]
        }
        return slots.min { $0.lastUse < $1.lastUse }!
    }
}
