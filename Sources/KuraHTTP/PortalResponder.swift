#if Server
    internal import Glibc
    internal import HTTPTypes
    internal import Hummingbird
    internal import KuraPortal
    internal import KuraService
    internal import NIOCore
    internal import NIOPosix
    internal import ServiceLifecycle

    /// What is known of a connection besides the request.
    struct PortalContext: RequestContext {
        var coreContext: CoreRequestContextStorage
        let channel: any Channel

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            channel = source.channel
        }
    }

    /// `struct ucred` of the kernel.
    private struct PeerCredentials {
        var process: Int32
        var user: UInt32
        var group: UInt32
    }

    /// Takes requests from sockets to the engine's threads, and answers back.
    struct PortalResponder: HTTPResponder {
        let kurad: Kurad
        let isSecure: Bool

        func respond(
            to request: Hummingbird.Request, context: PortalContext
        ) async throws -> Response {
            guard let method = Self.method(of: request.method) else {
                return text(405, "this method is not used here\n")
            }
            let source = await Self.source(of: context.channel)
            let target = request.head.path ?? "/"
            guard var asked = KuraService.Request(method, target: target, from: source) else {
                return text(400, "this is no path of the portal\n")
            }
            asked.isSecure = isSecure
            asked.languages = request.headers[.acceptLanguage] ?? ""
            asked.host = request.head.authority ?? ""
            asked.origin = request.headers[.origin]
            asked.fetchSite = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
            for header in request.headers[values: .cookie] { asked.takeCookies(header) }
            if method == .get, asked.path == ["events"] { return await events(asked) }
            if method == .post {
                let body: ByteBuffer
                do {
                    body = try await request.body.collect(upTo: Site.bodyBytesMax)
                } catch {
                    return text(413, "what was sent is too large, or it ended too early\n")
                }
                guard let form = FormValues(urlEncoded: body.readableBytesView) else {
                    return text(400, "what was sent is no form\n")
                }
                asked.form = form
            }
            let (site, question) = (kurad.site, asked)
            guard let answer = await onEngine({ site.answer(question) }) else { return busy() }
            return response(answer, withBody: request.method != .head)
        }

        private static func method(
            of method: HTTPRequest.Method
        ) -> KuraService.Request.Method? {
            switch method {
            case .get, .head: .get
            case .post: .post
            default: nil
            }
        }

        /// Of a local socket, the user whom the kernel names.
        private static func source(of channel: any Channel) async -> KuraService.Request.Source {
            let address = channel.remoteAddress ?? channel.localAddress
            if case .unixDomainSocket = channel.localAddress {
                let provider = channel as? any SocketOptionProvider
                do {
                    let peer: PeerCredentials? = try await provider?.unsafeGetSocketOption(
                        level: .socket, name: .init(rawValue: SO_PEERCRED)
                    ).get()
                    return .user(id: peer?.user ?? .max)
                } catch {
                    return .user(id: .max)
                }
            }
            return .address(address?.ipAddress ?? "unknown")
        }

        /// Nil where too many wait.
        private func onEngine<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T? {
            let pool = kurad.pool
            return await withCheckedContinuation { continuation in
                let isTaken = pool.run { continuation.resume(returning: body()) }
                if !isTaken { continuation.resume(returning: nil) }
            }
        }

        // MARK: Answers

        private func response(_ answer: Answer, withBody: Bool) -> Response {
            var headers = HTTPFields()
            for (name, value) in answer.headers {
                if let name = HTTPField.Name(name) {
                    headers.append(HTTPField(name: name, value: value))
                }
            }
            return Response(
                status: .init(code: answer.status), headers: headers,
                body: withBody ? .init(byteBuffer: ByteBuffer(string: answer.body)) : .init())
        }

        private func text(_ status: Int, _ text: String) -> Response {
            response(Answer(status, type: "text/plain; charset=utf-8", text), withBody: true)
        }

        private func busy() -> Response {
            var answer = Answer(
                503, type: "text/plain; charset=utf-8", "busy: try again in a moment\n")
            answer.retryAfter = 2
            return response(answer, withBody: true)
        }

        /// A stream of what happens to jobs.
        private func events(_ request: KuraService.Request) async -> Response {
            let kurad = kurad
            guard await onEngine({ kurad.mayListen(request) }) == true else {
                return text(401, "sign in first\n")
            }
            let (stream, continuation) = AsyncStream.makeStream(
                of: String.self, bufferingPolicy: .bufferingNewest(200))
            guard let listener = kurad.feed.listen({ continuation.yield($0) }) else {
                return busy()
            }
            continuation.onTermination = { _ in kurad.feed.end(listener) }
            continuation.yield("retry: 2000\n\n")
            let headers: HTTPFields = [
                .contentType: "text/event-stream", .cacheControl: "no-store",
            ]
            let body = ResponseBody { writer in
                for await text in stream.cancelOnGracefulShutdown() {
                    try await writer.write(ByteBuffer(string: text))
                }
                try await writer.finish(nil)
            }
            return Response(status: .ok, headers: headers, body: body)
        }
    }
#endif
