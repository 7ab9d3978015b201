import CommandFacts
import Foundation

/// An answer as it goes over the socket: one JSON object, one line.
package struct AnswerLine {
    package static let version = 1
    /// The longest line, its line feed included: a unit's pumps with all that may be asked of them. Unit: bytes.
    package static let longest = 1 << 20

    package let answer: DeskAnswer

    package init(_ answer: DeskAnswer) { self.answer = answer }

    /// Reads a line without its line feed; `nil` where it is no answer of this version.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count < Self.longest, let wire = try? JSONDecoder().decode(Wire.self, from: Data(bytes)),
            wire.desk == Self.version, let answer = wire.value
        else { return nil }
        self.answer = answer
    }

    /// The line with its line feed.
    package var line: [UInt8] {
        if let data = try? WireForm.encoder.encode(Wire(answer)), data.count < Self.longest {
            return Array(data) + [0x0A]
        }
        let refusal = DeskAnswer.refused(
            code: "tooLong", words: "The answer is too long to be told: ask for less.", command: nil)
        return (try? WireForm.encoder.encode(Wire(refusal))).map { Array($0) + [0x0A] } ?? []
    }

    private struct Wire: Codable {
        var desk = AnswerLine.version
        var answer: String
        var code: String?
        var words: String?
        var number: Int64?
        var command: CommandView?
        var pumps: [PumpView]?
        var commands: [CommandView]?
        var bytes: String?
        var asked: Bool?
        var proven: Bool?
        var beds: [BedReport]?
        var bed: BedReport?
        var consultations: [ConsultationReport.Open]?
        var clinicians: [ConsultationReport.Clinician]?
        var isListening: Bool?

        init(_ value: DeskAnswer) {
            switch value {
            case .refused(let code, let words, let command):
                (answer, self.code, self.words, number) = ("refused", code, words, command)
            case .command(let view): (answer, command) = ("command", view)
            case .pumps(let views): (answer, pumps) = ("pumps", views)
            case .commands(let views): (answer, commands) = ("commands", views)
            case .preview(let bytes, let words):
                (answer, self.bytes, self.words) = ("preview", Hexadecimal.text(bytes), words)
            case .stop(let asked, let isProven, let words):
                (answer, self.asked, proven, self.words) = ("stop", asked, isProven, words)
            case .beds(let reports): (answer, beds) = ("beds", reports)
            case .bed(let report, let words): (answer, bed, self.words) = ("bed", report, words)
            case .consultations(let report, let words):
                (answer, consultations, clinicians) = ("consultations", report.open, report.clinicians)
                (isListening, self.words) = (report.isListening, words)
            case .visit(let number): (answer, self.number) = ("visit", number)
            case .done(let words): (answer, self.words) = ("done", words)
            }
        }

        var value: DeskAnswer? {
            switch answer {
            case "refused": code.flatMap { code in words.map { .refused(code: code, words: $0, command: number) } }
            case "command": command.map(DeskAnswer.command)
            case "pumps": pumps.map(DeskAnswer.pumps)
            case "commands": commands.map(DeskAnswer.commands)
            case "preview":
                bytes.flatMap(Hexadecimal.bytes).flatMap { bytes in words.map { .preview(bytes: bytes, words: $0) } }
            case "stop": asked.flatMap { asked in words.map { .stop(asked: asked, isProven: proven, words: $0) } }
            case "beds": beds.map(DeskAnswer.beds)
            case "bed": bed.flatMap { bed in words.map { .bed(bed, words: $0) } }
            case "consultations": report.map { .consultations($0, words: words) }
            case "visit": number.map(DeskAnswer.visit)
            case "done": words.map(DeskAnswer.done)
            default: nil
            }
        }

        private var report: ConsultationReport? {
            guard let consultations, let clinicians, let isListening else { return nil }
            return ConsultationReport(open: consultations, clinicians: clinicians, isListening: isListening)
        }
    }
}

/// Bytes in hexadecimal digits, two a byte.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
    }

    static func bytes(_ text: String) -> [UInt8]? {
        let digits = text.utf8.map { byte in Self.digits.firstIndex(of: byte) }
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[place], let low = digits[place + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }
}
