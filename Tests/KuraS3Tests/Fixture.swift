import KuraFormat
import KuraIO
import KuraReplicas
import KuraS3
import ScriptedServer
import SystemPackage

/// A store in a bucket of a server of its own. Pauses take no time, and are written down.
final class Fixture: Sendable {
    let server: ScriptedServer
    let client: S3Client
    let store: S3Store
    let vault = UniqueID.random()
    let session = UniqueID.random()
    private let pauseList = Guarded<[Int64]>([])

    init(
        pageCount: Int = 1000, abilities: ServerAbilities = .standard,
        _ change: (inout S3Options, inout Surroundings) -> Void = { _, _ in }
    ) throws {
        server = ScriptedServer(pageCount: pageCount)
        var options = S3Options()
        options.partBytes = 1000
        options.wholeMax = 4000
        var surroundings = Surroundings()
        surroundings.random = { $0 }
        surroundings.pause = { [pauseList] time in pauseList.update { $0.append(time) } }
        change(&options, &surroundings)
        client = S3Client(
            try BucketAddress(server.address("p")),
            S3Credentials(accessKey: "canary-access", secretKey: "canary-secret"),
            options: options, surroundings: surroundings)
        store = S3Store(client, abilities)
    }

    deinit { server.stop() }

    /// The pauses before each further try, in milliseconds.
    var pauses: [Int64] { pauseList.read().map { $0 / 1_000_000 } }

    func folder(_ name: String) -> StoreFolder { StoreFolder("vaults/\(vault.hex)/\(name)") }

    var name: StoreName { folder("points").object("one") }
    var key: String { "p/\(name.key)" }

    @discardableResult
    func put(
        _ bytes: [UInt8], _ condition: PutCondition = .ifAbsent
    ) throws(IOError) -> PutOutcome {
        try store.put(name, bytes, condition: condition, by: session)
    }

    func read() throws(IOError) -> [UInt8] { try store.contents(name, max: 1 << 20) }

    /// The error of a call.
    func failure(_ body: () throws(IOError) -> Void) -> IOError? {
        do throws(IOError) {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
