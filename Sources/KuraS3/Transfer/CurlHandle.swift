internal import CCurl
internal import KuraIO

/// How requests travel.
struct TransferSettings: Sendable {
    /// Nil for none.
    var proxy: String?
    /// Certificates that are trusted in place of the system's; the path of a file.
    var authorities: String?
    /// Longest time in which nearly nothing comes or goes, in nanoseconds.
    var stallLimit: Int64
    /// Longest time until a connection stands, in milliseconds.
    var connectLimit: Int
    /// Nanoseconds since some fixed moment.
    var steady: @Sendable () -> Int64
}

/// A handle of libcurl, with the connections that it keeps. One thread at a time uses it.
final class CurlHandle: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    private static let beginning = kura_curl_begin()
    private static let bufferBytes = 1 << 20

    /// Nil where the library does not work.
    init?() {
        guard Self.beginning == CURLE_OK, let handle = curl_easy_init() else { return nil }
        self.handle = handle
    }

    deinit {
        curl_easy_cleanup(handle)
        errorText.deallocate()
    }

    func perform(
        _ request: HTTPRequest, into sink: AnswerSink, with settings: TransferSettings,
        _ cancellation: Cancellation
    ) throws(TransferFailure) -> HTTPAnswer {
        let exchange = Exchange(request, into: sink, with: settings, cancellation)
        // Connections stay.
        curl_easy_reset(handle)
        errorText[0] = 0
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        for (name, value) in request.headers {
            headers = curl_slist_append(headers, "\(name): \(value)") ?? headers
        }
        // What the library would add by itself.
        for name in ["Expect", "Accept", "Content-Type"]
        where !request.headers.contains(where: { $0.name == name.lowercased() }) {
            headers = curl_slist_append(headers, "\(name):") ?? headers
        }
        set(settings)
        set(request)
        kura_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers)
        let code = withExtendedLifetime(exchange) {
            connect(exchange)
            return curl_easy_perform(handle)
        }
        guard code == CURLE_OK else { throw failure(code, exchange) }
        return exchange.answer
    }

    // MARK: Settings

    private func set(_ settings: TransferSettings) {
        kura_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
        kura_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        kura_curl_set_long(handle, CURLOPT_PATH_AS_IS, 1)
        kura_curl_set_long(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        kura_curl_set_long(handle, CURLOPT_TCP_NODELAY, 1)
        kura_curl_set_long(handle, CURLOPT_TCP_KEEPALIVE, 1)
        kura_curl_set_long(handle, CURLOPT_UPLOAD_BUFFERSIZE, Self.bufferBytes)
        kura_curl_set_long(handle, CURLOPT_BUFFERSIZE, Self.bufferBytes / 2)
        kura_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, settings.connectLimit)
        kura_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        kura_curl_set_text(handle, CURLOPT_USERAGENT, "kura")
        // An empty one: the library must not look into this process's environment.
        kura_curl_set_text(handle, CURLOPT_PROXY, settings.proxy ?? "")
        kura_curl_set_long(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if let file = settings.authorities { kura_curl_set_text(handle, CURLOPT_CAINFO, file) }
    }

    private func set(_ request: HTTPRequest) {
        kura_curl_set_text(handle, CURLOPT_URL, request.url)
        switch request.method {
        case "GET": kura_curl_set_long(handle, CURLOPT_HTTPGET, 1)
        case "HEAD": kura_curl_set_long(handle, CURLOPT_NOBODY, 1)
        case "PUT":
            kura_curl_set_long(handle, CURLOPT_UPLOAD, 1)
            kura_curl_set_size(
                handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(request.bodyByteCount))
        case "POST":
            kura_curl_set_long(handle, CURLOPT_POST, 1)
            kura_curl_set_size(
                handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.bodyByteCount))
        default: kura_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    private func connect(_ exchange: Exchange) {
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        for option in [
            CURLOPT_READDATA, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_SEEKDATA,
            CURLOPT_XFERINFODATA,
        ] {
            kura_curl_set_pointer(handle, option, context)
        }
        kura_curl_set_data(handle, CURLOPT_READFUNCTION) { target, size, count, context in
            CurlHandle.exchange(context).send(
                into: UnsafeMutableRawBufferPointer(start: target, count: size * count))
        }
        // Every answer needs a place for its body, or the connection is lost.
        kura_curl_set_data(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            let bytes = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return CurlHandle.exchange(context).receive(body: bytes) ? bytes.count : 0
        }
        kura_curl_set_data(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            let bytes = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return CurlHandle.exchange(context).receive(head: bytes) ? bytes.count : 0
        }
        kura_curl_set_seek(handle) { context, place, origin in
            guard origin == SEEK_SET, CurlHandle.exchange(context).seek(to: Int(place)) else {
                return CURL_SEEKFUNC_FAIL
            }
            return CURL_SEEKFUNC_OK
        }
        kura_curl_set_long(handle, CURLOPT_NOPROGRESS, 0)
        kura_curl_set_progress(handle) { context, _, received, _, sent in
            CurlHandle.exchange(context).progress(byteCount: Int64(received + sent)) ? 0 : 1
        }
    }

    private static func exchange(_ context: UnsafeMutableRawPointer?) -> Exchange {
        Unmanaged<Exchange>.fromOpaque(context!).takeUnretainedValue()
    }

    // MARK: Failures

    private func failure(_ code: CURLcode, _ exchange: Exchange) -> TransferFailure {
        var sent = 0
        kura_curl_get_long(handle, CURLINFO_REQUEST_SIZE, &sent)
        let detail = String(cString: errorText)
        let text = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        return TransferFailure(
            reason: exchange.failure ?? Self.reason(code), text: text, mayHaveArrived: sent > 0)
    }

    private static func reason(_ code: CURLcode) -> TransferFailure.Reason {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
            CURLE_OPERATION_TIMEDOUT:
            .unreachable
        case CURLE_SSL_CONNECT_ERROR: .unsecured
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CIPHER:
            .untrusted
        default: .broken
        }
    }
}
