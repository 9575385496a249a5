public import SystemPackage

/// A call to a file, a device or a store that failed: which one, on what, and why.
public struct IOError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried, as a verb: "open", "write", "flush".
    public var operation: String
    /// What it was tried on, for people: a path, or the address of an object.
    public var place: String
    public var errno: Errno
    /// Whether the call may have done its work all the same: the answer was lost. Look before you
    /// try again.
    public var isOutcomeUnknown = false
    /// What a store said, in its words and for people; it takes the place of the text of `errno`.
    public var detail: String?
    /// What to do about it, in plain words, where more is known than `errno` tells.
    public var advice: String?

    public init(_ operation: String, at path: FilePath, _ errno: Errno) {
        self.init(operation, place: path.string, errno)
    }

    public init(
        _ operation: String, place: String, _ errno: Errno, isOutcomeUnknown: Bool = false,
        detail: String? = nil, advice: String? = nil
    ) {
        self.operation = operation
        self.place = place
        self.errno = errno
        self.isOutcomeUnknown = isOutcomeUnknown
        self.detail = detail
        self.advice = advice
    }

    public var description: String {
        "cannot \(operation) \(place): \(reason)"
            + (isOutcomeUnknown ? "; it may have been done all the same" : "")
    }

    private var reason: String {
        if let detail { return detail }
        return switch errno {
        case .tooManySymbolicLinkLevels: "a symbolic link is in its place or on the way to it"
        case .noSuchAddressOrDevice: "it is a pipe, a socket or a device, and no file"
        default: "\(errno)"
        }
    }

    /// Whether the file, or a directory on the way to it, does not exist.
    public var isNotFound: Bool { errno == .noSuchFileOrDirectory || errno == .notDirectory }

    /// Whether something else is in the place of the file: a link, a pipe, a device, a directory.
    public var isNoFile: Bool {
        [.tooManySymbolicLinkLevels, .noSuchAddressOrDevice, .isDirectory].contains(errno)
    }

    /// Whether something else is in the place of a folder, or of one on the way to it. `isNotFound`
    /// is true, too.
    public var isNoFolder: Bool { errno == .notDirectory }

    public var isNoSpace: Bool { errno == .noSpace || errno == .diskQuotaExceeded }

    /// Whether the file is longer than the caller wanted to read.
    public var isTooLong: Bool { errno == .fileTooLarge }

    /// Whether this user may not do that.
    public var isRefused: Bool { errno == .permissionDenied || errno == .notPermitted }

    /// Whether the caller was asked to stop while it waited.
    public var isInterrupted: Bool { errno == .interrupted }

    /// Whether there was no answer in time.
    public var isTimedOut: Bool { errno == .timedOut }
}

// For modules that know nothing of system calls.
extension IOError {
    public static func interrupted(_ operation: String, place: String) -> IOError {
        IOError(operation, place: place, .interrupted)
    }

    public static func notFound(_ operation: String, place: String) -> IOError {
        IOError(operation, place: place, .noSuchFileOrDirectory)
    }

    /// The device or the store does not do it, and does not say why.
    public static func failed(_ operation: String, place: String) -> IOError {
        IOError(operation, place: place, .ioError)
    }
}
