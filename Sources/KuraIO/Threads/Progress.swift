/// How far a long operation is. Written by workers, read by a display.
public final class Progress: Sendable {
    public struct Values: Sendable {
        /// Bytes of the disks or packs that are behind us, holes included.
        public var doneBytes: UInt64 = 0
        /// 0 while it is not known.
        public var totalBytes: UInt64 = 0
        /// How many `dataBytes` there will be, about; 0 while it is not known.
        public var totalDataBytes: UInt64 = 0
        /// Of `doneBytes`, those in chunks.
        public var dataBytes: UInt64 = 0
        /// Of `dataBytes`, those the vault did not hold before.
        public var newBytes: UInt64 = 0
        /// What is being done, where an operation has several parts: "replicating".
        public var stage: String?
    }

    private let values = Guarded(Values())

    public init() {}

    public var current: Values { values.read() }

    /// Begins another part of an operation: counts start anew.
    package func begin(stage: String) {
        values.update { values in
            values = Values()
            values.stage = stage
        }
    }

    package func update(_ body: (inout Values) -> Void) { values.update(body) }
}
