package import NIOCore
import Synchronization

/// One screen that looks: what is to be told to it, and who waits to tell it.
package final class Screen: Sendable {
    private enum State {
        case open(Backlog)
        /// Everything is told; somebody waits for more.
        case waiting(CheckedContinuation<[ByteBuffer]?, Never>)
        case closed
    }

    package let waves: WavesWanted
    /// Whether a far clinician looks.
    let isFar: Bool
    private let state = Mutex(State.open(Backlog()))
    /// Ends the way to it: whoever tells it something may be waiting for it to be taken.
    private let closing: @Sendable () -> Void

    package init(waves: WavesWanted, isFar: Bool = false, closing: @escaping @Sendable () -> Void) {
        (self.waves, self.isFar, self.closing) = (waves, isFar, closing)
    }

    /// Tells it something, in its turn. Unit of the time: ns of the monotonic clock.
    ///
    /// - Returns: whether it is still there.
    func push(_ frame: Frame, at now: Int64) -> Bool {
        if case .waves(let bed) = frame.kind, !waves.takes(bed) { return true }
        return change { backlog in backlog.push(frame, at: now) != .tooSlow }
    }

    /// Tells it what a screen begins with.
    func open(_ frames: [Frame], at now: Int64) -> Bool {
        let wanted = frames.filter { frame in
            if case .waves(let bed) = frame.kind { waves.takes(bed) } else { true }
        }
        return change { backlog in
            backlog.open(wanted, at: now)
            return true
        }
    }

    private func change(_ body: (inout Backlog) -> Bool) -> Bool {
        let (isThere, wake) = state.withLock { state -> (Bool, (() -> Void)?) in
            switch state {
            case .closed: return (false, nil)
            case .open(var backlog):
                let isThere = body(&backlog)
                state = isThere ? .open(backlog) : .closed
                return (isThere, nil)
            case .waiting(let continuation):
                var backlog = Backlog()
                guard body(&backlog) else {
                    state = .closed
                    return (false, { continuation.resume(returning: nil) })
                }
                let told = backlog.take()
                if told.isEmpty { return (true, nil) }
                state = .open(Backlog())
                return (true, { continuation.resume(returning: told) })
            }
        }
        wake?()
        if !isThere { closing() }
        return isThere
    }

    /// What is to be told next, once there is something; `nil` when the screen is closed. For one who tells it.
    package func next() async -> [ByteBuffer]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let told = state.withLock { state -> [ByteBuffer]?? in
                    switch state {
                    case .closed, .waiting: return .some(nil)
                    case .open(var backlog):
                        guard backlog.isEmpty else {
                            let told = backlog.take()
                            state = .open(backlog)
                            return .some(told)
                        }
                        state = .waiting(continuation)
                        return nil
                    }
                }
                if let told { continuation.resume(returning: told) }
            }
        } onCancel: {
            close()
        }
    }

    package func close() {
        let waiting = state.withLock { state -> CheckedContinuation<[ByteBuffer]?, Never>? in
            defer { state = .closed }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        waiting?.resume(returning: nil)
        closing()
    }

    package var isClosed: Bool { state.withLock { if case .closed = $0 { true } else { false } } }
}
