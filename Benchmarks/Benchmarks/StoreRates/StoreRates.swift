import Foundation
import KuraFormat
import KuraIO
import KuraReplicas
import KuraS3
import Synchronization

/// Writes objects to a bucket and reads them, as Kura does with packs, and says how long it took.
///
///     store-rates put|get ADDRESS COUNT BYTES THREADS
///
/// Credentials are in the environment. `get` reads what `put` wrote below the same address. One
/// line goes to standard output: seconds, and processor seconds of this process.
@main
struct StoreRates {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 5, let count = Int(arguments[3]), let size = Int(arguments[4]),
            let threads = Int(arguments[5]), ["put", "get"].contains(arguments[1])
        else {
            FileHandle.standardError.write(
                Data("store-rates put|get ADDRESS COUNT BYTES THREADS\n".utf8))
            exit(64)
        }
        let search = CredentialSearch(
            environment: ProcessInfo.processInfo.environment, home: nil)
        let store = try S3Store.open(arguments[2], search, abilities: .standard)
        let isPut = arguments[1] == "put"
        // Bytes that do not compress, made before the clock runs.
        let bytes = isPut ? noise(size) : []
        let next = Atomic<Int>(0)
        let failure = Mutex<IOError?>(nil)
        let (start, processor) = (Clock.steady(), Clock.processor())
        Threads.run(threads) { _ in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
            defer { buffer.deallocate() }
            while failure.withLock({ $0 == nil }) {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < count else { return }
                let name = StoreName("object-\(number)")
                do throws(IOError) {
                    if isPut {
                        try put(name, bytes, in: store)
                    } else if try store.open(name).read(at: 0, into: buffer) != size {
                        throw IOError.failed("read", place: name.key)
                    }
                } catch {
                    failure.withLock { $0 = error }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        let seconds = Double(Clock.steady() - start) / 1e9
        print(seconds, Double(Clock.processor() - processor) / 1e9)
    }

    private static func put(
        _ name: StoreName, _ bytes: [UInt8], in store: S3Store
    ) throws(IOError) {
        let outcome = try store.put(name, bytes, condition: .content, by: .random())
        guard outcome == .written else { throw IOError.failed("write", place: name.key) }
    }

    private static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state)
        }
    }
}
