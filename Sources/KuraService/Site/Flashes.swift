internal import KuraPortal
internal import Synchronization

/// Messages for the next page of a session.
final class Flashes: Sendable {
    private static let sessionsMax = 1000
    private static let each = 20

    private let waiting = Mutex<[String: [Toast]]>([:])

    func add(_ toasts: [Toast], for session: String) {
        waiting.withLock { waiting in
            guard waiting.count < Self.sessionsMax || waiting[session] != nil else { return }
            waiting[session] = Array(((waiting[session] ?? []) + toasts).suffix(Self.each))
        }
    }

    func take(for session: String) -> [Toast] {
        waiting.withLock { $0.removeValue(forKey: session) ?? [] }
    }
}

/// Forms that were sent: what is sent twice, by a double click, is done once.
final class SentForms: Sendable {
    private static let kept = 1000

    private struct State {
        /// The oldest first.
        var order: [String] = []
        /// Nil while its first sending is at work.
        var answers: [String: Answer?] = [:]
    }

    enum Turn: Sendable {
        case first
        /// The answer to the first sending; nil while that is at work.
        case again(Answer?)
    }

    private let state = Mutex(State())

    func begin(_ form: String) -> Turn {
        state.withLock { state in
            if let known = state.answers[form] { return .again(known) }
            state.order.append(form)
            state.answers[form] = .some(nil)
            if state.order.count > Self.kept {
                state.answers[state.order.removeFirst()] = nil
            }
            return .first
        }
    }

    /// - Parameter answer: nil where the form may be sent again.
    func end(_ form: String, _ answer: Answer?) {
        state.withLock { state in
            if let answer {
                if state.answers[form] != nil { state.answers[form] = .some(answer) }
            } else {
                state.answers[form] = nil
                state.order.removeAll { $0 == form }
            }
        }
    }
}
