package import KuraFormat
package import KuraSeal

extension SigningKey: LogSigner {}

/// Checks the Ed25519 signatures of real vaults.
package struct SealVerifier: LogVerifier {
    package init() {}

    package func isValid(
        _ signature: [UInt8], for bytes: [UInt8], by key: PublicKeyBytes
    ) -> Bool {
        PublicKey(known: key).isValid(signature, for: bytes)
    }
}
