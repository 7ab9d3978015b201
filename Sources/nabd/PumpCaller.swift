import ArgumentParser
import DeviceModel
import Foundation
import OperatorDesk
import PumpControl

/// Asks the host, and says what it answers.
struct PumpCaller {
    let path: String
    let isJSON: Bool
    let by: Credential?
    let second: Credential?

    /// A stop is told within a second, and followed until it is known: 15 s, and a little for the way.
    private static let stopAnswer = Duration.seconds(1)
    private static let stopFollowed = Duration.seconds(16)
    private static let startFollowed = Duration.seconds(90)
    /// How long it may be in doubt before the caller is told so.
    private static let doubt = Duration.seconds(30)
    /// Longer than the host lets its command path take.
    private static let patience = Duration.seconds(45)

    /// Standard error.
    static func complain(_ words: String) {
        FileHandle.standardError.write(Data("\(Printable.text(words))\n".utf8))
    }

    static func refuse(_ words: String) -> ExitCode {
        complain(words)
        return ExitCode(1)
    }

    private func cannotReach(_ words: String) -> ExitCode {
        Self.complain(words)
        return ExitCode(2)
    }

    func tell(_ asked: DeskLine.Ask) throws {
        let answer = try ask(asked)
        say(answer)
        if case .refused = answer { throw ExitCode(1) }
    }

    /// Once, and never again by itself: what was asked may have been done although nothing is heard of it.
    private func ask(_ asked: DeskLine.Ask) throws -> DeskAnswer {
        let line: [UInt8]
        do throws(DeskLine.Fault) { line = try DeskLine(asked, by: by, second: second).line() } catch {
            throw Self.refuse(error.words)
        }
        let client: DeskClient
        do throws(DeskClientError) { client = try DeskClient(path: path) } catch {
            throw cannotReach("\(error)\nNothing was done.")
        }
        do throws(DeskClientError) {
            try client.say(line)
            if let answer = try client.answer(within: Self.patience) { return answer.answer }
            throw DeskClientError(description: "\(path) does not answer in time")
        } catch {
            throw cannotReach("\(error)\nIt is not known whether it was done: look at the pump, and at `history`.")
        }
    }

    private func say(_ answer: DeskAnswer) {
        if isJSON {
            print(String(decoding: AnswerLine(answer).line.dropLast(), as: UTF8.self))
        } else if case .refused = answer {
            Self.complain(PumpWords.text(answer))
        } else {
            print(PumpWords.text(answer))
        }
    }

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
