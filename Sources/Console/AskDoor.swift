import Foundation
import OperatorDesk
import Synchronization

/// What people ask at a screen: handed on to the people's socket as `nabd pump`, `nabd alarms` and `nabd bed` do it,
/// and what is answered there handed back. Nothing is decided here, and nothing of it is kept or logged: a secret is in
/// memory as long as its request.
package final class AskDoor: Sendable {
    /// What comes of an ask: lines, and then perhaps why no more come.
    package enum Event: Sendable {
        case line([UInt8])
        case failure(Refusal)
    }

    /// Longer than the host lets its command path take.
    private static let patience = Duration.seconds(45)
    /// A stop is told at once, and followed until it is known: 15 s, and a little for the way.
    private static let stopFollowed = Duration.seconds(17)

    private struct State {
        var asks = 0
        var stops = 0
        var presses = OnceBook()
    }

    private let socket: String?
    private let state = Mutex(State())

    /// - Parameter socket: the people's; `nil` for a unit without one.
    package init(socket: String?) { self.socket = socket }

    /// Asks once, and never again by itself.
    ///
    /// - Parameter press: what tells this press of a button from every other.
    /// - Returns: what comes of it, as it comes.
    package func ask(_ body: [UInt8], press: String?) throws(Refusal) -> AsyncStream<Event> {
        guard let socket else { throw .nobodyAsked }
        let line: DeskLine
        let bytes: [UInt8]
        do throws(DeskLine.Fault) {
            line = try DeskLine(inAnyOrder: body)
            bytes = try line.line()
        } catch { throw Refusal(400, "\(error)", error.words) }
        let isStop = if case .stop = line.ask { true } else { false }
        try enter(isStop: isStop, press: press)
        let (events, telling) = AsyncStream.makeStream(of: Event.self)
        // A thread of its own: whoever waits for the desk keeps nobody else waiting.
        Thread.detachNewThread { [self] in
            Self.run(bytes, isStop: isStop, socket: socket) { telling.yield($0) }
            leave(isStop: isStop)
            telling.finish()
        }
        return events
    }

    private func enter(isStop: Bool, press: String?) throws(Refusal) {
        let refusal = state.withLock { state -> Refusal? in
            // A stop that is said twice is a stop: it waits for no form.
            if isStop {
                guard state.stops < ConsoleLimits.stops else { return .tooManyStops }
                state.stops += 1
                return nil
            }
            guard let press, OnceBook.isPress(press) else { return .noPress }
            guard state.asks < ConsoleLimits.asks else { return .tooManyAsks }
            guard state.presses.note(press.lowercased()) else { return .askedAlready }
            state.asks += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    private func leave(isStop: Bool) {
        state.withLock { if isStop { $0.stops -= 1 } else { $0.asks -= 1 } }
    }

    private static func run(_ line: [UInt8], isStop: Bool, socket: String, _ tell: (Event) -> Void) {
        let client: DeskClient
        do throws(DeskClientError) { client = try DeskClient(path: socket) } catch {
            return tell(.failure(Refusal(503, "unreachable", "Nothing was done: \(error)")))
        }
        do throws(DeskClientError) {
            try client.say(line)
            guard let answer = try client.answer(within: isStop ? stopFollowed : patience) else {
                throw DeskClientError(description: "the host does not answer in time")
            }
            tell(.line(answer.line))
            guard case .stop(_, nil, _) = answer.answer, isStop else { return }
            guard let end = try client.answer(within: stopFollowed) else {
                throw DeskClientError(description: "the host does not tell what the pump shows")
            }
            tell(.line(end.line))
        } catch {
            let words =
                isStop
                ? "It is not known whether the pump stands: stop it by its own STOP key now. (\(error))"
                : "It is not known whether it was done: look at it before you ask again. (\(error))"
            tell(.failure(Refusal(502, "unknown", words)))
        }
    }
}

extension Refusal {
    static let noPress = Refusal(
        400, "once", "What is asked must say which press it is, once: reload the page of the screen.")
    static let askedAlready = Refusal(
        409, "twice", "This was asked already; it is not known here what became of it.")
}
