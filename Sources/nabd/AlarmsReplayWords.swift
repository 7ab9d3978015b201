import Alarms
import DeviceModel
import Presets

extension AlarmsReplay.Result {
    private func rounded(_ value: Double?) -> String { value.map(SummaryText.rounded) ?? "–" }

    func words(_ preset: Preset) -> String {
        var lines = ["\(preset.title), \(preset.reviewWords); \(sessions) sessions"]
        if damaged > 0 { lines.append("\(damaged) blocks are damaged and left out: nabd journal verify") }
        for (number, bed) in beds.enumerated() {
            let tally = bed.tally
            lines += [
                "", "bed \(number + 1): \(bed.devices.joined(separator: ", "))",
                "  watched \(rounded(tally.hours)) h; \(tally.gaps) gaps, together "
                    + "\(rounded(Double(tally.gapTime) / 3.6e12)) h",
                "  \(tally.alarms) alarms: \(rounded(tally.perHour(tally.alarms))) a bed-hour",
            ]
            for row in tally.rows {
                lines.append(
                    "    \(row.metric)  \(row.alert.rawValue)  \(row.priority.rawValue)  \(row.begun) begun, "
                        + "\(row.risen) risen: \(rounded(tally.perHour(row.begun + row.risen))) a bed-hour")
            }
            for rule in bed.unwatched { lines.append("  not watched: \(rule.metric), \(rule.words)") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    func json(_ preset: Preset) -> JSON {
        func number(_ value: Double?) -> JSON { value.map { .number(SummaryText.rounded($0)) } ?? .null }
        return JSON.members([
            "preset": .string(preset.name), "digest": .string(preset.digest), "reviewed": .bool(preset.review != nil),
            "sessions": .integer(sessions), "damagedBlocks": .integer(damaged),
            "beds": .array(
                beds.map { bed in
                    let tally = bed.tally
                    return JSON.members([
                        "devices": .array(bed.devices.map(JSON.string)), "samples": .integer(tally.samples),
                        "hours": number(tally.hours), "gaps": .integer(tally.gaps),
                        "gapHours": number(Double(tally.gapTime) / 3.6e12), "alarms": .integer(tally.alarms),
                        "alarmsPerBedHour": number(tally.perHour(tally.alarms)),
                        "rows": .array(
                            tally.rows.map { row in
                                JSON.members([
                                    "metric": .string(row.metric), "alert": .string(row.alert.rawValue),
                                    "priority": .string(row.priority.rawValue), "begun": .integer(row.begun),
                                    "risen": .integer(row.risen),
                                    "perBedHour": number(tally.perHour(row.begun + row.risen)),
                                ])
                            }),
                        "unwatched": .array(
                            bed.unwatched.map { .string("\($0.metric): \($0.words)") }),
                    ])
                }),
        ])
    }
}

extension UnwatchedRule {
    /// Why, in words.
    var words: String {
        switch cause {
        case .noDevice: "no device here has it"
        case .otherUnit(let device, let unit): "\(device) has it in \(unit ?? "no unit"), which is another quantity"
        }
    }
}
