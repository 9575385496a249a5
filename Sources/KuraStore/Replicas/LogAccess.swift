public import KuraFormat
internal import KuraLog
public import KuraSeal

/// With which key, and in whose name, a program uses the logs of vaults.
public struct LogAccess: Sendable {
    /// Signs what is written; nil: vaults can only be read.
    public var key: SigningKey?
    public var surface: LogRecord.Surface
    /// user@host, as records have it. 1...`Limits.nameBytesMax` bytes.
    public var actor: String

    public init(
        key: SigningKey? = nil, surface: LogRecord.Surface = .library, actor: String = "library"
    ) {
        self.key = key
        self.surface = surface
        self.actor = actor
    }
}

extension LogAccess {
    func seal(of vault: UniqueID) -> LogSeal {
        LogSeal(vault: vault, signer: key, verifier: SealVerifier())
    }

    /// A record with these bodies, as the one after a state.
    func record(
        _ operation: String, note: String = "", _ bodies: [LogBody], after tip: LogTip<VaultState>,
        at time: Int64
    ) -> LogRecord {
        let failovers = bodies.count { if case .failover = $0 { true } else { false } }
        return LogRecord(
            vault: tip.state.vault, number: tip.position.number + 1,
            previous: tip.position.number == 0 ? nil : tip.position.digest,
            epoch: tip.state.epoch + UInt64(failovers), time: time,
            salt: Digest(words: (0, 0, 0, 0)), surface: surface,
            actor: actor, operation: operation, note: note, bodies: bodies)
    }
}
