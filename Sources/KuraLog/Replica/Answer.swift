internal import KuraFormat
package import KuraIO

/// What comes back when a replica is asked for an object.
package enum Answer<Value: Sendable>: Sendable {
    case there(Value)
    /// The store has answered that it is not there.
    case missing
    /// Something is there, and it is not what it must be.
    case damaged(KuraError)
    /// The store has not answered.
    case silent(IOError)

    /// The value, where it is there; otherwise nil.
    package var value: Value? {
        if case .there(let value) = self { return value }
        return nil
    }

    package var isMissing: Bool {
        if case .missing = self { return true }
        return false
    }

    /// What `body` makes of the value, where it is there.
    func then<Made: Sendable>(_ body: (Value) -> Answer<Made>) -> Answer<Made> {
        switch self {
        case .there(let value): body(value)
        case .missing: .missing
        case .damaged(let error): .damaged(error)
        case .silent(let error): .silent(error)
        }
    }

    /// The value made into something else; a `FormatError` makes it damaged.
    /// - Parameter place: of the object, for people.
    func decoded<Made: Sendable>(
        at place: String, _ decode: (Value) throws(FormatError) -> Made
    ) -> Answer<Made> {
        then { value in
            do throws(FormatError) {
                return .there(try decode(value))
            } catch {
                return .damaged(KuraError(format: error, at: place))
            }
        }
    }
}

/// What came of a put if absent.
enum PutAnswer: Sendable {
    /// The object is there with the bytes of this put.
    case took
    /// Another object is there.
    case stands([UInt8])
    /// Another object was there, and was removed since.
    case removed
    /// The store has neither taken nor refused it, as far as is known.
    case silent(IOError)
}
