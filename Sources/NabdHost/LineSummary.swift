package import DeviceModel
import Fieldbus
package import LineEngine
import RealTime
import Sampling

/// What one line and its devices have come to.
package struct LineSummary: Sendable {
    package let line: String
    /// The share of its time that was taken. Range: 0…1.
    package let utilisation: Double
    package let missedDeadlines: Int64
    /// Lateness of the thread's wake-ups; `nil` before the first. Unit: ns.
    package let latenessMedian: Int64?
    package let latenessP99: Int64?
    /// Wake-ups that were timed.
    package let wakeUps: UInt64
    package let devices: [Device]

    /// What was counted of one device.
    package struct Device: Sendable {
        package let handle: String
        /// In the order of ``LinkCount``.
        package let counts: [(count: LinkCount, value: Int64)]

        /// The counts as an object, as the journal and the summary write them.
        package var members: JSON {
            .object(counts.map { JSON.Member(name: $0.count.name, value: .integer($0.value)) })
        }
    }

    init(_ worker: LineWorker, now: Int64) {
        line = worker.address.description
        utilisation = worker.recorder.utilisation(now: now)
        missedDeadlines = worker.recorder.missedDeadlines
        latenessMedian = LatenessHistogram.quantile(0.5, of: [worker.recorder.lateness])
        latenessP99 = LatenessHistogram.quantile(0.99, of: [worker.recorder.lateness])
        wakeUps = worker.recorder.lateness.total
        devices = worker.devices.enumerated().map { index, handle in
            Device(handle: handle, counts: LinkCount.allCases.map { ($0, worker.recorder.count($0, device: index)) })
        }
    }

    /// The line's own figures, as the journal and the summary write them.
    package var members: KeyValuePairs<String, JSON?> {
        func microseconds(_ nanoseconds: Int64?) -> JSON {
            nanoseconds.map { .number(DecimalText.render($0 / 10, exponent: -2)) } ?? .null
        }
        return [
            "line": .string(line),
            "utilisation": .number(DecimalText.render(Int64((utilisation * 10_000).rounded()), exponent: -4)),
            "missedDeadlines": .integer(missedDeadlines),
            "latenessMicroseconds": .members(["p50": microseconds(latenessMedian), "p99": microseconds(latenessP99)]),
        ]
    }
}
