import Glibc
import KuraIO
import KuraNBD
import SystemPackage
import TestSupport
import Testing

@Suite("A socket on which a server of NBD listens") struct NBDListenerTests {
    private static let server = NBDServer(
        [NBDServer.Disk("os", SparseSource([1, 2, 3]))], threads: 1)

    /// Calls `body` while a server listens.
    private func listening(
        _ place: NBDListener.Place, _ body: (NBDListener) throws -> Void
    ) throws {
        let listener = try NBDListener(place)
        let cancellation = Cancellation()
        let ended = Latch(1)
        Threads.detach {
            do throws(KuraError) {
                try listener.run(Self.server, cancellation: cancellation)
            } catch {
                Issue.record(error)
            }
            ended.signal()
        }
        defer {
            cancellation.cancel()
            #expect(ended.wait(until: Clock.steady() + 10_000_000_000))
        }
        try body(listener)
    }

    @Test("is its user's alone, and is gone with the server")
    func ownership() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("s")
            try listening(.socket(path)) { listener in
                #expect(listener.address == "nbd+unix:///?socket=\(path)")
                var status = stat()
                #expect(lstat(path.string, &status) == 0)
                #expect(status.st_mode & 0o777 == 0o600)
                let stream = try SocketStream.connect(to: path, cancellation: Cancellation())
                #expect(try NBDSource([stream], name: "disk").firstBytes(3) == [1, 2, 3])
            }
            #expect(access(path.string, F_OK) != 0)
        }
    }

    @Test("takes the place of one that a killed server left, and of nothing else")
    func places() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("s")
            // Bound, and closed without being removed.
            close(try UnixSocket.listen(at: path, backlog: 1))
            try listening(.socket(path)) { _ in
                let error = #expect(throws: KuraError.self) { _ = try NBDListener(.socket(path)) }
                #expect(error?.code == .exists)
                #expect(error?.message.contains("listens on") == true)
            }
            let file = directory.appending("file")
            try writeFile([7], to: file)
            let error = #expect(throws: KuraError.self) { _ = try NBDListener(.socket(file)) }
            #expect(error?.code == .exists)
            #expect(try readFile(file) == [7])
        }
    }

    @Test("a port of this machine is one, and one that is taken is an error")
    func port() throws {
        try listening(.loopback(0)) { listener in
            let port = try #require(
                listener.address.split { !$0.isNumber }.last.flatMap { UInt16($0) })
            #expect(port > 0)
            let error = #expect(throws: KuraError.self) { _ = try NBDListener(.loopback(port)) }
            #expect(error?.message.contains("port \(port)") == true)
        }
    }

    @Test("who comes when there are too many is sent away, and the next one is not")
    func crowd() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("s")
            try listening(.socket(path)) { _ in
                var streams: [SocketStream] = []
                for _ in 0..<NBDListener.clientsMax {
                    let stream = try SocketStream.connect(to: path, cancellation: Cancellation())
                    streams.append(stream)
                    _ = try NBDSource([stream], name: "disk")
                }
                let late = try SocketStream.connect(to: path, cancellation: Cancellation())
                #expect(throws: KuraError.self) { _ = try NBDSource([late], name: "disk") }
                streams = []
                var isServed = false
                // A server notices by and by that they have left.
                for _ in 0..<10_000 where !isServed {
                    let stream = try SocketStream.connect(to: path, cancellation: Cancellation())
                    do {
                        _ = try NBDSource([stream], name: "disk")
                        isServed = true
                    } catch { continue }
                }
                #expect(isServed)
            }
        }
    }
}
