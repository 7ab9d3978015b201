import Foundation

/// A host's status as a table of text.
struct StatusTable {
    private static let nothing = "––"
    private static let blocks = Array("▁▂▃▄▅▆▇█")
    private static let deviceWidth = 14
    private static let nameWidth = 38

    private(set) var lines: [String] = []

    init(_ status: StatusDocument) {
        let label = status.testData == true ? "   TEST DATA" : ""
        lines.append(
            "\(status.unit)   \(status.time)   clock \(status.clock)   \(status.health.state)\(label)   "
                + "nabd \(status.version)"
        )
        lines += status.health.reasons.map { "  ! \($0)" }
        lines.append("")
        for device in status.devices { add(device) }
        if !status.alerts.isEmpty { lines.append("") }
        for alert in status.alerts { add(alert) }
        lines += (status.unwatched ?? []).map { "note    \($0.text)" }
        lines.append("")
        add(status.lines, status.journal, status.uplink)
    }

    private mutating func add(_ device: StatusDocument.Device) {
        let hint = device.hint.map { ": \($0)" } ?? ""
        lines.append(
            "\(Self.left(device.device, Self.deviceWidth))\(device.link)\(hint)   "
                + "\(device.profile ?? "") on \(device.line)"
        )
        for value in device.values { add(value) }
        for waveform in device.waveforms {
            let name = Self.name(waveform.vmd, waveform.display)
            lines.append("\(Self.left("", 2))\(Self.left(name, Self.nameWidth))\(Self.sweep(waveform.columns))")
        }
    }

    private mutating func add(_ value: StatusDocument.Value) {
        let name = Self.left(Self.name(value.vmd, value.display), Self.nameWidth)
        let age = value.ageMilliseconds.map(Self.age) ?? ""
        // What is plainly valid needs no word; whatever else does.
        let words = [value.validity.flatMap { $0 == "valid" ? nil : $0 }, value.reason].compactMap { $0 }
        let shown = "\(Self.right(value.text ?? Self.nothing, 12)) \(Self.left(Self.unit(value.unit), 12))"
        lines.append(
            "  \(name)\(shown)\(Self.right(age, 8))" + (words.isEmpty ? "" : "   \(words.joined(separator: ", "))"))
    }

    private mutating func add(_ alert: StatusDocument.Alert) {
        let place = [alert.bed ?? alert.device ?? "the unit", alert.vmd].compactMap { $0 }.joined(separator: " ")
        let words =
            [alert.text ?? alert.alert, "for \(Self.age(alert.heldMilliseconds))"] + AlarmWords.state(alert)
        lines.append(
            "alert   \(Self.left(alert.priority ?? "", 7))\(Self.left(place, Self.deviceWidth))"
                + words.joined(separator: ", "))
    }

    private mutating func add(
        _ all: [StatusDocument.Line], _ journal: StatusDocument.Journal, _ uplink: StatusDocument.Uplink?
    ) {
        for line in all {
            let late =
                line.latenessMicroseconds.p99.map { "woken at most \(Self.lateness($0)) late in 99 of 100" }
                ?? "not timed yet"
            let share = String(format: "%.1f", line.utilisation * 100)
            lines.append(
                "line    \(line.line), \(share) % of its time taken, \(late), \(line.missedDeadlines) deadlines missed")
        }
        lines.append(
            "journal \(Self.size(journal.bytes)) of \(Self.size(journal.limitBytes)), \(journal.samples) samples, "
                + "\(journal.events) events, \(journal.gaps) gaps since the start")
        guard let uplink else { return lines.append("uplink  none: the journal stays on this unit") }
        let since = uplink.nothingStoredMilliseconds.map { ", nothing for \(Self.age($0))" } ?? ""
        lines.append("uplink  \(uplink.stored) resources stored, \(uplink.parked) parked\(since)")
        for words in [uplink.problem, uplink.identity] { if let words { lines.append("        \(words)") } }
    }

    // MARK: Text

    private static func name(_ vmd: String?, _ display: String) -> String { vmd.map { "\($0) \(display)" } ?? display }

    /// A pure number has no unit that a person reads.
    private static func unit(_ ucum: String?) -> String { ucum.flatMap { $0 == "1" ? nil : $0 } ?? "" }

    /// Cut, or filled with spaces, to a width.
    private static func left(_ text: String, _ width: Int) -> String {
        let text = text.count < width ? text : text.prefix(max(0, width - 2)) + "… "
        return text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func lateness(_ microseconds: Double) -> String {
        switch microseconds {
        case ..<1_000: "\(Int(microseconds)) µs"
        case ..<1_000_000: String(format: "%.1f ms", microseconds / 1_000)
        default: String(format: "%.1f s", microseconds / 1_000_000)
        }
    }

    static func age(_ milliseconds: Int) -> String {
        switch milliseconds {
        case ..<60_000: String(format: "%.1f s", Double(milliseconds) / 1000)
        case ..<3_600_000: "\(milliseconds / 60_000) min"
        case ..<172_800_000: "\(milliseconds / 3_600_000) h"
        default: "\(milliseconds / 86_400_000) d"
        }
    }

    private static func size(_ bytes: Int) -> String {
        switch bytes {
        case ..<(1 << 20): "\(bytes >> 10) KiB"
        case ..<(1 << 30): "\(bytes >> 20) MiB"
        default: String(format: "%.1f GiB", Double(bytes) / Double(1 << 30))
        }
    }

    /// A trace of blocks between the least and the greatest value of the stretch; a gap is a gap.
    static func sweep(_ columns: [Double?]) -> String {
        let values = columns.compactMap { $0 }
        guard let least = values.min(), let greatest = values.max() else { return nothing }
        let span = greatest - least
        return String(
            columns.map { value in
                guard let value else { return " " }
                let share = span > 0 ? (value - least) / span : 0
                return blocks[min(blocks.count - 1, Int(share * Double(blocks.count)))]
            })
    }
}
