package import KuraFormat
package import KuraIO

/// What the records of a log say together, as far as reading and deciding have to know it.
package protocol LogFold: Sendable {
    /// Ids of the replicas that decide the next number; empty before the first record.
    var members: [UniqueID] { get }
    /// Number of the record that named the members.
    var membersNumber: UInt64 { get }

    /// The public key of a signer whose records, votes and decisions count for the next number; nil
    /// where it has none.
    /// - Parameter record: the record that would be the next one. The first of a log brings the
    ///   key by which it is checked.
    func key(of signer: KeyID, for record: LogRecord) -> PublicKeyBytes?

    /// The public key of a signer that was ever admitted.
    func knownKey(of signer: KeyID) -> PublicKeyBytes?

    /// Throws where a record would be refused as the next one.
    func check(_ record: LogRecord, by signer: KeyID) throws(KuraError)

    /// Takes in the next record, whose chain and signature are checked.
    mutating func apply(_ record: LogRecord.Encoded) throws(KuraError)
}

/// Checks signatures.
package protocol LogVerifier: Sendable {
    func isValid(_ signature: [UInt8], for bytes: [UInt8], by key: PublicKeyBytes) -> Bool
}

/// Signs with the key of this program's home.
package protocol LogSigner: Sendable {
    var id: KeyID { get }

    /// - Returns: 64 bytes.
    func sign(_ bytes: [UInt8]) -> [UInt8]
}

/// A state with the place in the log that it is the state after.
package struct LogTip<State: LogFold>: Sendable {
    package var state: State
    package var position: LogPosition

    package init(state: State, position: LogPosition) {
        self.state = state
        self.position = position
    }
}
