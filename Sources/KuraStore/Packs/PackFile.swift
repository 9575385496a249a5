internal import KuraFormat
internal import KuraReplicas

/// A copy of a pack, open for reading.
struct PackFile {
    let pack: PackID
    let reader: any ObjectReader
}
