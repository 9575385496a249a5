public import KuraFormat

/// What went wrong, where, and what to do about it: the one error that leaves the engine.
public struct KuraError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable, CaseIterable {
        /// No such vault, item, recovery point, disk or region.
        case notFound = "not-found"
        /// Another process holds what this needs.
        case locked
        /// Bytes are not what they must be, in every copy that could be read.
        case damaged
        /// Written by a newer Kura, or needing a feature that this one does not know.
        case unsupported
        case noSpace = "no-space"
        /// A file or device could not be read or written.
        case io
        /// A replica directory is not there, or is another one's.
        case replicaMissing = "replica-missing"
        /// Something that is known to exist is in no place that can be read: a region, a vault, a
        /// recovery point.
        case absent
        case interrupted
        /// What the caller asked for makes no sense.
        case invalidInput = "invalid-input"
        /// It can be done, but would lose something: only when it is asked for in so many words.
        case refused
        /// Something that must not exist does.
        case exists
    }

    public var code: Code
    public var message: String
    /// What to do next, where something can be done.
    public var remedy: Remedy?
    /// The error of a lower layer that this one explains: for logs and debuggers. Two errors may be
    /// equal with different causes.
    public var cause: (any Error)?

    public init(
        _ code: Code, _ message: String, remedy: Remedy? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.cause = cause
    }

    public static func == (left: KuraError, right: KuraError) -> Bool {
        left.code == right.code && left.message == right.message && left.remedy == right.remedy
    }

    public var description: String { message }

    /// Gives errors of the layers below the code and remedy that a user needs.
    public init(_ error: any Error) {
        switch error {
        case let error as KuraError: self = error
        case let error as IOError: self.init(io: error)
        case let error as FormatError: self.init(format: error, at: nil)
        default: self.init(.io, "\(error)", cause: error)
        }
    }

    public init(io error: IOError) {
        if error.isNoSpace {
            let room = error.advice.map { Remedy.advice($0) } ?? .freeSpace(path: error.place)
            self.init(
                .noSpace, "no space left: \(error)", remedy: .steps([room, .retry()]),
                cause: error)
        } else if let advice = error.advice {
            self.init(.io, error.description, remedy: .advice(advice), cause: error)
        } else if error.isRefused {
            self.init(
                .io, error.description,
                remedy: .advice("check who owns \(error.place) and what this user may do there"),
                cause: error)
        } else {
            self.init(.io, error.description, cause: error)
        }
    }

    /// - Parameter place: the file whose bytes are wrong.
    public init(format error: FormatError, at place: String?) {
        let place = place.map { " (\($0))" } ?? ""
        switch error {
        case .unsupportedVersion, .unsupportedFeature:
            self.init(.unsupported, "\(error)\(place)", remedy: .useNewerKura, cause: error)
        default:
            self.init(
                .damaged, "\(error)\(place)", remedy: .vault(.repair(.chunks)), cause: error)
        }
    }

    /// Whether something is not where it should be, which may be back later.
    package var isAboutAbsence: Bool { code == .replicaMissing || code == .absent }

    package static let interruptedByUser = KuraError(
        .interrupted, "interrupted; what was stored so far stays", remedy: .resume)
}

/// Runs `body` and turns whatever it throws into a `KuraError`.
package func withKuraErrors<T>(_ body: () throws -> T) throws(KuraError) -> T {
    do {
        return try body()
    } catch {
        throw KuraError(error)
    }
}
