internal import KuraIO
internal import SystemPackage

extension ServerError {
    /// The error of a call: what the server said, and what to do about it.
    func error(
        _ operation: String, _ place: String, isOutcomeUnknown: Bool
    ) -> IOError {
        let (errno, advice) = meaning
        return IOError(
            operation, place: place, errno, isOutcomeUnknown: isOutcomeUnknown, detail: text,
            advice: advice)
    }

    private var text: String {
        let name = code.isEmpty ? "\(status)" : "\(status) \(code)"
        guard !message.isEmpty else { return "the server answers \(name)" }
        return "the server answers \(name): \(message)"
    }

    private var meaning: (Errno, advice: String?) {
        if let known = Self.meanings[code] { return known }
        switch status {
        case 403:
            return (.permissionDenied, "check the credentials and what they may do in the bucket")
        case 404:
            return (
                .ioError, "check host, bucket and style of the address: this may be no S3 server"
            )
        case 301, 302, 307, 308:
            return (.ioError, "the bucket is elsewhere: correct host or region of its address")
        case 507: return (.noSpace, "add room to the store, or delete what nothing needs")
        case 501: return (.notSupported, "this server cannot do what is needed here")
        case 500...599: return (.ioError, "look at the server: it does not do its work now")
        default: return (.ioError, nil)
        }
    }

    private static let meanings: [String: (Errno, advice: String?)] = [
        "NoSuchKey": (.noSuchFileOrDirectory, nil),
        "NoSuchBucket": (.ioError, "make the bucket, or correct its name in the address"),
        "AccessDenied": (
            .permissionDenied,
            "let these credentials read, write, list and delete below the prefix of the address"
        ),
        "AllAccessDisabled": (.permissionDenied, "ask the owner of the bucket"),
        "InvalidAccessKeyId": (.permissionDenied, "check the access key of the credentials"),
        "SignatureDoesNotMatch": (
            .permissionDenied,
            "check the secret key of the credentials, and the region of the address"
        ),
        "ExpiredToken": (.permissionDenied, "get new credentials: these have ended"),
        "InvalidToken": (.permissionDenied, "check the session token of the credentials"),
        "RequestTimeTooSkewed": (
            .ioError, "set the clock of this machine: it is more than 15 minutes from the server's"
        ),
        "AuthorizationHeaderMalformed": (
            .ioError, "add the bucket's region to its address: ?region=NAME"
        ),
        "PermanentRedirect": (
            .ioError, "the bucket is elsewhere: correct host or region of its address"
        ),
        "QuotaExceeded": (.diskQuotaExceeded, "raise the quota of the bucket, or delete from it"),
        "InsufficientStorage": (.noSpace, "add room to the store, or delete what nothing needs"),
        "EntityTooLarge": (.fileTooLarge, nil),
        "ServiceUnavailable": (.ioError, "look at the server: it does not do its work now"),
        "SlowDown": (.ioError, "the server has too much to do: try again later"),
        "MethodNotAllowed": (.notSupported, "check host, bucket and style of the address"),
        "NotImplemented": (.notSupported, "this server cannot do what is needed here"),
    ]
}

extension TransferFailure {
    static let otherBytes = "the server sent other bytes"

    func error(
        _ operation: String, _ place: String, isOutcomeUnknown: Bool
    ) -> IOError {
        let (errno, detail, advice): (Errno, String?, String?) =
            switch reason {
            case .cancelled: (.interrupted, nil, nil)
            case .stalled:
                (.timedOut, "the server stopped answering", "look at the server and the network")
            case .unreachable:
                (.networkUnreachable, text, "check host and port of the address, and the network")
            case .unsecured:
                (
                    .ioError, "no connection by TLS: \(text)",
                    "check host and port of the address: the server may not speak TLS there"
                )
            case .untrusted:
                (
                    .ioError, "no trusted connection by TLS: \(text)",
                    "name the file of the certificates that your server's is signed with, or "
                        + "correct the host of the address"
                )
            case .tooLong: (.fileTooLarge, "the server sent more than was asked for", nil)
            case .different: (.ioError, Self.otherBytes, nil)
            case .broken: (.ioError, "the connection broke: \(text)", nil)
            }
        return IOError(
            operation, place: place, errno, isOutcomeUnknown: isOutcomeUnknown, detail: detail,
            advice: advice)
    }
}
