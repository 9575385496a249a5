internal import KuraCodec
internal import KuraFormat
internal import KuraIO
internal import Synchronization
internal import SystemPackage

/// Requests to one bucket: signed, repeated where that may help, with answers that are understood.
///
/// Every call blocks and is safe from any thread. Each request in flight has a connection of its
/// own, which is kept.
package final class S3Client: Sendable {
    package let address: BucketAddress
    let options: S3Options
    let surroundings: Surroundings
    private let credentials: S3Credentials
    private let settings: TransferSettings
    private let handles = HandlePool()
    private let throttle: Throttle
    private let counter = RequestCounter()
    /// Number of the endpoint that requests go to.
    private let endpoint = Atomic<Int>(0)

    private static let pauseMin: Int64 = 100_000_000
    private static let pauseMax: Int64 = 20_000_000_000
    /// Longest pause that a server may ask for.
    private static let askedPauseMax: Int64 = 60_000_000_000

    package init(
        _ address: BucketAddress, _ credentials: S3Credentials, options: S3Options = S3Options(),
        surroundings: Surroundings = Surroundings()
    ) {
        self.address = address
        self.credentials = credentials
        self.options = options
        self.surroundings = surroundings
        settings = TransferSettings(
            proxy: options.proxy, authorities: options.authorities?.string,
            stallLimit: options.stallLimit, connectLimit: options.connectLimit,
            steady: surroundings.steady)
        throttle = Throttle(max: options.connectionsMax)
    }

    package var counts: RequestCounts { counter.current }

    /// Requests that may be on their way at a time now.
    package var connectionLimit: Int { throttle.current }

    /// A client for one endpoint of the same bucket alone.
    package func client(for endpoint: BucketAddress.Endpoint) -> S3Client {
        var address = address
        address.endpoints = [endpoint]
        return S3Client(
            address, credentials, options: options, surroundings: surroundings)
    }

    // MARK: Requests

    /// Makes a request until there is an answer that another try would not change.
    /// - Returns: also for answers that are no success: the caller knows what they mean.
    func send(
        _ request: S3Request, into sink: AnswerSink = .memory(max: XMLElement.bytesMax)
    ) throws(IOError) -> S3Reply {
        try send(request, into: sink, attempts: options.attempts)
    }

    /// Makes a request of which a refusal is believed.
    func sendOnce(_ request: S3Request) throws(IOError) -> S3Reply {
        try send(request, into: .memory(max: XMLElement.bytesMax), attempts: 1)
    }

    private func send(
        _ request: S3Request, into sink: AnswerSink, attempts: Int
    ) throws(IOError) -> S3Reply {
        var wasUnclear = false
        var attempt = 0
        while true {
            attempt += 1
            let isLast = attempt >= attempts
            do throws(TransferFailure) {
                let answer = try exchange(request, into: sink, isRepeat: attempt > 1)
                // Without a body the library repeats a request and does not say so.
                if answer.wasRepeated
                    || (answer.status == 412 && request.body.allSatisfy(\.isEmpty))
                {
                    wasUnclear = true
                }
                let (error, document) = read(answer, request)
                guard let error, error.isPassing, !isLast else {
                    return S3Reply(
                        answer: answer, error: error, wasUnclear: wasUnclear, document: document)
                }
                if error.isUnclear { wasUnclear = true }
                pause(attempt, asked: answer.headers["retry-after"])
            } catch {
                if error.mayHaveArrived { wasUnclear = true }
                guard error.isPassing, !isLast else {
                    throw error.error(
                        request.operation, request.place,
                        isOutcomeUnknown: request.isChange && wasUnclear)
                }
                nextEndpoint()
                pause(attempt, asked: nil)
            }
        }
    }

    /// The error of an answer that is not what the caller needs.
    func failure(_ request: S3Request, _ reply: S3Reply) -> IOError {
        let isUnclear = reply.wasUnclear || reply.error?.isUnclear ?? false
        let isUnknown = request.isChange && isUnclear
        guard let error = reply.error else {
            return IOError(
                request.operation, place: request.place, .ioError, isOutcomeUnknown: isUnknown,
                detail: "the server's answer makes no sense",
                advice: "check host, bucket and style of the address: this may be no S3 server")
        }
        return error.error(request.operation, request.place, isOutcomeUnknown: isUnknown)
    }

    /// Makes a request that must succeed.
    @discardableResult
    func succeed(
        _ request: S3Request, into sink: AnswerSink = .memory(max: XMLElement.bytesMax)
    ) throws(IOError) -> S3Reply {
        let reply = try send(request, into: sink)
        guard reply.error == nil else { throw failure(request, reply) }
        return reply
    }

    /// The error that a part of an answer holds.
    func serverError(status: Int, _ element: XMLElement) -> ServerError {
        ServerError(status: status, element, credentials)
    }

    /// Closes connections that are kept, so that the next request goes another way.
    func reconnect() { handles.empty() }

    private func read(
        _ answer: HTTPAnswer, _ request: S3Request
    ) -> (error: ServerError?, document: XMLElement?) {
        guard answer.isGood else { return (ServerError(answer, credentials), nil) }
        guard let root = request.root else { return (nil, nil) }
        let document = XMLElement.parse(answer.body)
        if let document, document.name == root { return (nil, document) }
        // Some requests are answered before they are done, so that an error comes too late for the
        // status.
        var error = ServerError(status: answer.status, document, credentials)
        if error.code.isEmpty {
            error.code = "InternalError"
            error.message = "an answer that is no \(root)"
        }
        return (error, nil)
    }

    private func exchange(
        _ request: S3Request, into sink: AnswerSink, isRepeat: Bool
    ) throws(TransferFailure) -> HTTPAnswer {
        if surroundings.cancellation.isCancelled {
            throw TransferFailure(reason: .cancelled, text: "", mayHaveArrived: false)
        }
        throttle.enter()
        var asksForLess = false
        defer { throttle.leave(asksForLess: asksForLess) }
        guard let handle = handles.take() else {
            throw TransferFailure(
                reason: .broken, text: "libcurl does not work", mayHaveArrived: false)
        }
        let signed = signed(request)
        var received = 0
        defer {
            counter.add(
                request.kind, isRepeat: isRepeat, sent: signed.bodyByteCount, received: received)
        }
        let answer = try handle.perform(
            signed, into: sink, with: settings, surroundings.cancellation)
        handles.give(handle)
        received = answer.byteCount
        asksForLess = !answer.isGood && ServerError(answer, credentials).asksForLess
        return answer
    }

    private func nextEndpoint() {
        if address.endpoints.count > 1 { endpoint.add(1, ordering: .relaxed) }
    }

    // MARK: Pauses

    /// Waits as long as chance says, at most twice as long as before: many clients that were
    /// refused together do not come back together.
    private func pause(_ attempt: Int, asked: String?) {
        let most = min(Self.pauseMax, Self.pauseMin << Int64(min(attempt, 16) - 1))
        let asked = asked.flatMap { Int64($0) }.map { min(max(0, $0), 60) * 1_000_000_000 } ?? 0
        surroundings.pause(min(asked, Self.askedPauseMax) + surroundings.random(most))
    }

    // MARK: Signing

    private func signed(_ request: S3Request) -> HTTPRequest {
        let endpoints = address.endpoints
        let endpoint = endpoints[
            abs(self.endpoint.load(ordering: .relaxed) % endpoints.count)]
        let isPath = address.style == .path
        let host = isPath ? "\(endpoint)" : "\(address.bucket).\(endpoint)"
        var path = isPath ? "/\(address.bucket)" : ""
        if let key = request.key { path += "/" + PercentCoding.encoded(key, keepsSlashes: true) }
        if path.isEmpty { path = "/" }
        let moment = RequestSignature.Moment(surroundings.clock.now())
        var headers = request.headers
        headers.append(("host", host))
        headers.append(("x-amz-content-sha256", request.digest.hex))
        headers.append(("x-amz-date", moment.text))
        if let token = credentials.sessionToken {
            headers.append(("x-amz-security-token", token))
        }
        let signed = RequestSignature.Request(
            method: request.method, path: path, query: request.query, headers: headers,
            payload: request.digest.hex)
        let authorization = RequestSignature(region: address.region).authorization(
            signed, at: moment, by: credentials)
        headers.append(("authorization", authorization))
        // A name without a value is sent as such, and signed with an empty one.
        let query = RequestSignature.query(request.query).split(separator: "&")
            .map { $0.hasSuffix("=") ? $0.dropLast() : $0 }.joined(separator: "&")
        return HTTPRequest(
            method: request.method,
            url: "\(address.isSecure ? "https" : "http")://\(host)\(path)"
                + (query.isEmpty ? "" : "?\(query)"),
            headers: headers, body: request.body)
    }
}

extension TransferFailure {
    /// Whether another try may succeed.
    fileprivate var isPassing: Bool {
        switch reason {
        case .stalled, .unreachable, .unsecured, .broken: true
        case .cancelled, .untrusted, .tooLong, .different: false
        }
    }
}
