import Synchronization

/// What somebody waits for and several may give: the first counts. So nobody waits for a call of C that does not end.
final class Once<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, Never>)
        case given(Value)
        case over
    }

    private let state = Mutex(State.open)

    func give(_ value: Value) {
        let waiting: CheckedContinuation<Value, Never>? = state.withLock { state in
            switch state {
            case .open:
                state = .given(value)
                return nil
            case .awaited(let waiting):
                state = .over
                return waiting
            case .given, .over: return nil
            }
        }
        waiting?.resume(returning: value)
    }

    /// What was given first. It is asked for once.
    func value() async -> Value {
        await withCheckedContinuation { waiting in
            let given: Value? = state.withLock { state in
                guard case .given(let value) = state else {
                    state = .awaited(waiting)
                    return nil
                }
                state = .over
                return value
            }
            if let given { waiting.resume(returning: given) }
        }
    }
}
