import ArgumentParser
import DeviceModel
import Foundation
import OperatorDesk

/// Asks the host, and says what it answers.
struct PumpCaller {
    let path: String
    let isJSON: Bool
    let by: Credential?
    let second: Credential?

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

    func cannotReach(_ words: String) -> ExitCode {
        Self.complain(words)
        return ExitCode(2)
    }

    func tell(_ asked: DeskLine.Ask) throws {
        let answer = try ask(asked)
        say(answer)
        if case .refused = answer { throw ExitCode(1) }
    }

    /// Once, and never again by itself: what was asked may have been done although nothing is heard of it.
    func ask(_ asked: DeskLine.Ask) throws -> DeskAnswer {
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

    func say(_ answer: DeskAnswer) {
        if isJSON {
            print(String(decoding: AnswerLine(answer).line.dropLast(), as: UTF8.self))
        } else if case .refused = answer {
            Self.complain(PumpWords.text(answer))
        } else {
            print(PumpWords.text(answer))
        }
    }
}
