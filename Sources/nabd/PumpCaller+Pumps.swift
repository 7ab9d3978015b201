#if Commands
import ArgumentParser
import CommandFacts
import Foundation
import OperatorDesk

/// What is followed until it is known: a command that was started, and a stop.
extension PumpCaller {
    /// A stop is told within a second, and followed until it is known: 15 s, and a little for the way.
    private static let stopAnswer = Duration.seconds(1)
    private static let stopFollowed = Duration.seconds(16)
    private static let startFollowed = Duration.seconds(90)
    /// How long it may be in doubt before the caller is told so.
    private static let doubt = Duration.seconds(30)

    func start(_ number: Int64) throws {
        let clock = ContinuousClock()
        let end = clock.now + Self.startFollowed
        var answer = try ask(.start(number))
        if case .refused = answer {
            say(answer)
            throw ExitCode(1)
        }
        var stage: CommandView.Stage?
        var uncertainSince: ContinuousClock.Instant?
        while clock.now < end {
            if case .command(let view) = answer {
                if view.stage == .ended { break }
                if view.stage == .uncertain {
                    // It is asked what it did, and mostly tells within seconds.
                    let since = uncertainSince ?? clock.now
                    if clock.now >= since + Self.doubt { break }
                    uncertainSince = since
                }
                if !isJSON, view.stage != stage { print(PumpWords.stage(view)) }
                stage = view.stage
            }
            Thread.sleep(forTimeInterval: 1)
            answer = try ask(.show(number))
            if case .refused = answer { break }
        }
        say(answer)
        guard case .command(let view) = answer, view.stage == .ended else {
            throw Self.refuse("It is not known whether the pump does it: look at the pump.")
        }
        if view.end != "confirmed" { throw ExitCode(1) }
    }

    func stop(_ device: String) throws {
        let key = "Stop the pump by its own STOP key now."
        do throws(DeskClientError) {
            let client = try DeskClient(path: path)
            // A name that no line can hold does not keep a pump from being stopped.
            let named = try? DeskLine(.stop(device: device), by: by).line()
            guard let line = named ?? (try? DeskLine(.stop(device: device)).line()) else {
                throw DeskClientError(description: "“\(device)” is no pump's name")
            }
            try client.say(line)
            var last = try client.answer(within: Self.stopAnswer)?.answer
            if let last { say(last) } else { Self.complain("The host has not answered yet. \(key)") }
            if last == nil { last = try client.answer(within: Self.stopFollowed)?.answer }
            if case .stop(_, nil, _)? = last, let next = try client.answer(within: Self.stopFollowed)?.answer {
                last = next
                say(next)
            }
            if case .stop(_, true?, _)? = last { return }
        } catch {
            throw cannotReach("\(error)\n\(key)")
        }
        throw Self.refuse("It is not known that the pump stands. \(key)")
    }
}
#endif
