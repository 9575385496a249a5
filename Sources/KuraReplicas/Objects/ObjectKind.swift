package import KuraFormat

/// The properties of one kind of objects. A new kind needs a row in the table of kinds, and a case
/// of `VaultFile`; nothing else has a list of kinds.
package struct ObjectKind: Sendable {
    /// How replicas of a vault get each other's objects of a kind.
    package enum Copying: Sendable {
        /// By listing them.
        case listed
        /// As the index runs name them.
        case byIndex
        /// The vault's record, by its revision.
        case record
        /// Never: each replica has its own.
        case never
    }

    /// Compares the bytes of an object with the last part of its name and the vault's record.
    /// Throws where they do not agree.
    package typealias Check =
        @Sendable (
            _ bytes: [UInt8], _ leaf: String, _ record: VaultRecord
        ) throws -> Void

    /// Folder below the vault's; empty for the vault's own.
    package var folder: String
    package var structure: Structure
    /// Place in the order in which objects become durable: one refers to those before it only.
    package var order: Int
    /// Whether copies may appear or be removed at any moment, because another process commits,
    /// drops or ends: then a copy that is missing beside good ones is no damage. The next session
    /// copies it.
    package var comesAndGoes: Bool
    /// Whether the folder is made only when it is first needed.
    package var isMadeLate: Bool
    /// Whether the folder has 256 folders, one for each first two digits of a name.
    package var isFannedOut = false
    package var copying: Copying
    /// The object with this last part of its name; nil where no object of this kind can have it.
    package var file: @Sendable (_ leaf: String) -> VaultFile?
    /// Nil for objects that may be too long for memory.
    package var check: Check?

    /// Longest object that is read into memory as a whole, in bytes.
    package static let byteCountMax = Limits.packBytesMax

    // MARK: The table

    package static let pack = ObjectKind(
        folder: Layout.packs, structure: .pack, order: 0, comesAndGoes: false, isMadeLate: false,
        isFannedOut: true, copying: .byIndex, file: { PackID(hex: $0).map { .pack($0) } },
        check: { bytes, leaf, record in
            try bytes.withUnsafeBytes { try PackCheck.check($0, named: leaf, of: record.id) }
        })

    package static let run = ObjectKind(
        folder: Layout.index, structure: .indexRun, order: 1, comesAndGoes: false,
        isMadeLate: false, copying: .byIndex, file: { RunID(hex: $0).map { .run($0) } },
        check: nil)

    package static let repair = ObjectKind(
        folder: Layout.repairs, structure: .repair, order: 2, comesAndGoes: false,
        isMadeLate: true, copying: .listed, file: { RepairID(hex: $0).map { .repair($0) } },
        check: { bytes, leaf, record in
            let (line, seal) = try RepairRecord.decode(bytes)
            try require(seal.hex == leaf, .checksumMismatch(.repair))
            try require(line.vault == record.id, .invalidField(.repair, field: "vault"))
        })

    package static let journal = ObjectKind(
        folder: Layout.journal, structure: .journal, order: 3, comesAndGoes: true,
        isMadeLate: true, copying: .listed, file: { JournalID(hex: $0).map { .journal($0) } },
        check: { bytes, leaf, record in
            let (entry, seal) = try JournalEntry.decode(bytes)
            try require(seal.hex == leaf, .checksumMismatch(.journal))
            try require(entry.vault == record.id, .invalidField(.journal, field: "vault"))
        })

    package static let dropped = ObjectKind(
        folder: Layout.dropped, structure: .dropped, order: 4, comesAndGoes: true,
        isMadeLate: true, copying: .listed,
        file: { RecoveryPointID(hex: $0).map { .dropped($0) } },
        check: { bytes, leaf, record in
            let tombstone = try DroppedPoint.decode(bytes)
            try require(tombstone.point.hex == leaf, .invalidField(.dropped, field: "point"))
            try require(tombstone.vault == record.id, .invalidField(.dropped, field: "vault"))
        })

    package static let condemned = ObjectKind(
        folder: Layout.condemned, structure: .condemned, order: 5, comesAndGoes: true,
        isMadeLate: true, copying: .listed,
        file: { leaf in UniqueID(hex: leaf).map { .condemned($0) } },
        check: { bytes, leaf, record in
            let condemnation = try Condemnation.decode(bytes)
            try require(condemnation.id.hex == leaf, .invalidField(.condemned, field: "id"))
            try require(condemnation.vault == record.id, .invalidField(.condemned, field: "vault"))
        })

    package static let point = ObjectKind(
        folder: Layout.points, structure: .recoveryPoint, order: 6, comesAndGoes: true,
        isMadeLate: false, copying: .listed,
        file: { RecoveryPointID(hex: $0).map { .point($0) } },
        check: { bytes, leaf, record in
            let (point, seal) = try RecoveryPoint.decode(bytes)
            try require(seal.hex == leaf, .checksumMismatch(.recoveryPoint))
            try require(point.vault == record.id, .invalidField(.recoveryPoint, field: "vault"))
        })

    package static let receipt = ObjectKind(
        folder: Layout.receipts, structure: .receipt, order: 7, comesAndGoes: true,
        isMadeLate: true, copying: .never,
        file: { RecoveryPointID(hex: $0).map { .receipt($0) } },
        check: { bytes, leaf, _ in
            let receipt = try DurabilityReceipt.decode(bytes)
            try require(receipt.point.hex == leaf, .invalidField(.receipt, field: "point"))
        })

    package static let session = ObjectKind(
        folder: Layout.sessions, structure: .session, order: 8, comesAndGoes: true,
        isMadeLate: false, copying: .never,
        file: { leaf in UniqueID(hex: leaf).map { .session($0) } },
        check: { bytes, leaf, _ in
            let session = try SessionRecord.decode(bytes)
            try require(session.id.hex == leaf, .invalidField(.session, field: "id"))
        })

    /// Last: a vault that has a record is complete. An older record than the vault's is not good:
    /// where replicas differ, the highest revision counts.
    package static let record = ObjectKind(
        folder: "", structure: .vault, order: 9, comesAndGoes: false, isMadeLate: false,
        copying: .record, file: { $0 == "vault" ? .record : nil },
        check: { bytes, _, record in
            let found = try VaultRecord.decode(bytes)
            try require(found.id == record.id, .invalidField(.vault, field: "id"))
            try require(
                found.revision >= record.revision, .invalidField(.vault, field: "revision"))
        })

    /// Every kind, in the order in which objects become durable.
    package static let all = [
        pack, run, repair, journal, dropped, condemned, point, receipt, session, record,
    ]

    private static func require(
        _ condition: Bool, _ error: @autoclosure () -> FormatError
    ) throws(FormatError) {
        if !condition { throw error() }
    }
}

extension VaultFile {
    /// Whether an object becomes durable before another one; of one kind, by name.
    package static func isBefore(_ left: VaultFile, _ right: VaultFile) -> Bool {
        (left.kind.order, left.leaf) < (right.kind.order, right.leaf)
    }
}
