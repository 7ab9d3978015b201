import DeviceModel
import LineEngine
import NabdHost
import RealTime

/// A host's summary as a person or a machine reads it.
enum SummaryText {
    /// The documented members, and for a run of the host a few more after them.
    static func json(_ summary: HostSummary, withCounters: Bool) -> String {
        func microseconds(_ nanoseconds: Int64?) -> JSON {
            nanoseconds.map { .number(rounded(Double($0) / 1000)) } ?? .null
        }
        let result = JSON.members([
            "devices": .integer(summary.devices), "samples": .integer(summary.samples), "gaps": .integer(summary.gaps),
            "latenessMicroseconds": .members([
                "p50": microseconds(summary.latenessMedian), "p99": microseconds(summary.latenessP99),
            ]),
            "journalBytesPerSample": summary.journalBytesPerSample.map { .number(rounded($0)) } ?? .null,
            "resourcesStored": .integer(summary.resourcesStored),
            "resourcesPending": summary.resourcesPending.map { .integer($0) } ?? .null,
        ])
        if !withCounters { return result.text }
        return result.adding([
            "resourcesParked": .integer(summary.resourcesParked), "events": .integer(summary.events),
            "scheduling": summary.scheduling.map(JSON.string), "memory": summary.memory.map { .string($0.rawValue) },
            "missedDeadlines": .integer(summary.missedDeadlines), "requests": .integer(summary.requests),
            "replies": .integer(summary.replies),
            "lines": .array(summary.lines.map(line)),
        ]).text
    }

    private static func line(_ line: LineSummary) -> JSON {
        JSON.members(line.members).adding([
            "devices": .array(
                line.devices.map {
                    .object(
                        [JSON.Member(name: "device", value: .string($0.handle))]
                            + $0.counts.map { JSON.Member(name: $0.count.name, value: .integer($0.value)) }
                    )
                })
        ])
    }

    static func words(_ summary: HostSummary) -> String {
        var lines = [
            row("samples", "\(summary.samples) of \(summary.devices) devices"),
            row("gaps", "\(summary.gaps)"),
            row("requests", "\(summary.requests), answered \(summary.replies)"),
            row(
                "lateness",
                "p50 \(time(summary.latenessMedian)), p99 \(time(summary.latenessP99)), \(summary.missedDeadlines) "
                    + "deadlines missed"
            ),
            row(
                "journal",
                "\(summary.journalBytes) bytes, "
                    + "\(summary.journalBytesPerSample.map { "\(rounded($0)) a sample" } ?? "no sample yet")"
            ),
            row(
                "stored",
                "\(summary.resourcesStored) resources at the records service, \(summary.resourcesParked) parked"),
        ]
        if let scheduling = summary.scheduling { lines.append(row("threads", scheduling)) }
        if let memory = summary.memory { lines.append(row("memory", memory.rawValue)) }
        for line in summary.lines {
            lines.append(row("line", "\(line.line), \(rounded(line.utilisation * 100)) % of its time taken"))
            for device in line.devices { lines.append(row("", "\(device.handle): \(counts(device))")) }
        }
        if let pending = summary.resourcesPending { lines.append(row("pending", "\(pending) resources")) }
        if let problem = summary.uplinkProblem { lines.append(row("uplink", problem)) }
        if let problem = summary.journalProblem { lines.append(row("journal", problem)) }
        return lines.joined(separator: "\n")
    }

    /// Requests and answers, or what was heard of a device that is never asked; and whatever else was seen.
    private static func counts(_ device: LineSummary.Device) -> String {
        let isAsked = device.counts.contains { $0.count == .requests && $0.value > 0 }
        func isTold(_ count: LinkCount, _ value: Int64) -> Bool {
            switch count {
            case .requests, .replies: isAsked
            case .frames: !isAsked
            default: value > 0
            }
        }
        return device.counts.filter { isTold($0.count, $0.value) }.map {
            $0.count == .frames ? "\($0.value) frames heard" : "\($0.value) \($0.count.name)"
        }.joined(separator: ", ")
    }

    private static func row(_ name: String, _ text: String) -> String {
        "  \(name)\(String(repeating: " ", count: max(1, 11 - name.count)))\(text)"
    }

    static func time(_ nanoseconds: Int64?) -> String { nanoseconds.map { "\(rounded(Double($0) / 1000)) µs" } ?? "–" }

    /// Two digits after the point.
    static func rounded(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "0" }
        return DecimalText.render(Int64((value * 100).rounded()), exponent: -2)
    }
}
