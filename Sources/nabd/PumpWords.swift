import CommandFacts
import OperatorDesk

/// Answers as sentences for whoever stands at the pump.
enum PumpWords {
    static func text(_ answer: DeskAnswer) -> String {
        switch answer {
        case .refused(_, let words, let command):
            words + (command.map { " (See command \($0).)" } ?? "")
        case .command(let view): text(view)
        case .commands(let views):
            views.isEmpty ? "There are no commands." : views.map(text).joined(separator: "\n\n")
        case .pumps(let pumps):
            pumps.isEmpty ? "There are no pumps." : pumps.map(text).joined(separator: "\n\n")
        case .preview(let bytes, let words):
            "\(words)\nNothing was sent. These bytes would go out:\n  \(hexadecimal(bytes))\n  \(text(of: bytes))"
        case .stop(_, _, let words), .done(let words): words
        case .beds(let beds):
            beds.isEmpty ? "There are no beds." : beds.map(BedWords.text).joined(separator: "\n")
        case .consultations(let report, let words): ConsultationWords.text(report, words)
        case .visit(let number): "The visit is \(number)."
        case .bed(let bed, let words): "\(words)\n\(BedWords.text(bed))"
        }
    }

    private static func text(_ view: CommandView) -> String {
        var lines = ["Command \(view.number) on \(view.device): \(view.command)"]
        if let entries = view.entries {
            lines += entries.map { "  \($0.name): \($0.quantity) \($0.unit)" }
        } else {
            lines.append("  What was entered is not shown before all have entered it.")
        }
        lines.append(stage(view))
        if !view.atEntry.isEmpty { lines.append("When it was entered, the pump showed: \(text(view.atEntry)).") }
        if !view.readings.isEmpty { lines.append("The pump showed: \(text(view.readings)).") }
        if let next = view.waitsFor { lines.append(next) }
        return lines.joined(separator: "\n")
    }

    private static func text(_ readings: [ReadingView]) -> String {
        readings.map { "\($0.field) \($0.value)" + ($0.unit.map { " \($0)" } ?? "") }.joined(separator: ", ")
    }

    static func stage(_ view: CommandView) -> String {
        switch view.stage {
        case .draft: "Entered by \(view.people) of \(view.needed) people."
        case .verified: "Entered by all \(view.needed), and not started."
        case .intended: "It is about to be sent."
        case .sent: "It was sent; nothing is proven yet."
        case .acknowledged: "The pump said that it takes it; it is being read back."
        case .uncertain: "UNCERTAIN: it is not known whether the pump does it. Look at the pump."
        case .ended:
            switch view.end {
            case "confirmed": "Confirmed: the pump shows it."
            case "changed": "Void: the pump shows something else than when it was entered. Nothing was sent."
            case "rejected": "The pump refused it: nothing was done."
            case "notInEffect": "The pump shows that it is not in effect."
            case let end: "Ended: \(end ?? "it is not said how")."
            }
        }
    }

    private static func text(_ pump: PumpView) -> String {
        var lines = [
            "\(pump.device): \(pump.model) on \(pump.line)"
                + (pump.isDriven ? "" : ", which gets no commands from here; at most it can be stopped")
        ]
        for offer in pump.commands {
            lines.append("  \(offer.command)")
            lines += offer.arguments.map { "    \($0.name) in \($0.unit): \($0.range)" }
        }
        if let number = pump.openCommand { lines.append("  Command \(number) is open.") }
        switch pump.stop {
        case .asked, .sent: lines.append("  It is being stopped; nothing is proven yet.")
        case .notDelivered: lines.append("  STOP NOT PROVEN: look at the pump, and stop it by its own STOP key.")
        case nil: break
        }
        if pump.mustBeLookedAt { lines.append("  Somebody must look at it (`looked-at`) before it is commanded.") }
        if pump.isLocked { lines.append("  It is locked after too many failures (`unlock`).") }
        return lines.joined(separator: "\n")
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.count < 2 ? "0\(digits)" : digits
        }.joined(separator: " ")
    }

    /// What can be seen as it is, the rest by its number.
    private static func text(of bytes: [UInt8]) -> String {
        bytes.map { byte in
            (0x21..<0x7F).contains(byte) && byte != UInt8(ascii: "<")
                ? String(UnicodeScalar(byte)) : "<\(hexadecimal([byte]))>"
        }.joined()
    }
}
