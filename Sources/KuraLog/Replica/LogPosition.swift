package import KuraFormat

extension LogPosition {
    /// Before the first record: number 0, and zeros for a digest.
    package static let start = LogPosition(number: 0, digest: Digest(words: (0, 0, 0, 0)))

    /// What the next record names as the one before it.
    package var previous: Digest? { number == 0 ? nil : digest }
}

extension LogRecord.Encoded {
    package var position: LogPosition { LogPosition(number: number, digest: digest) }
}
