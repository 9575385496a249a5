/// What an Ed25519 signature is made over and how long it is. This module makes and checks none:
/// it gives the bytes to sign, and keeps what it is given.
public enum Signature {
    /// Bytes of a signature.
    public static let byteCount = 64

    /// What stands where there is no signature: in `KeyBody` of record 1.
    public static let none = [UInt8](repeating: 0, count: byteCount)

    /// What a signature says. No two purposes start with the same bytes, so no signature that was
    /// made for one passes for another.
    public enum Purpose: String, Sendable, CaseIterable {
        /// A log record: what its signer proposes.
        case record = "kura/record/2"
        /// That a record was decided.
        case decided = "kura/decided/2"
        case vote = "kura/vote/2"
        case claim = "kura/claim/2"
        /// That a replica is whole to a number.
        case whole = "kura/whole/2"
        /// That a key is admitted or removed: signed with the root key.
        case key = "kura/key/2"
        /// That a root key takes the place of another.
        case rekey = "kura/rekey/2"

        /// The purpose in ASCII, and behind it `content`.
        func bytes(_ content: [UInt8]) -> [UInt8] { Array(rawValue.utf8) + content }
    }
}
