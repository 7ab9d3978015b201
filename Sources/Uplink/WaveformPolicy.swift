import SampleJournal

/// Which waveforms are sent.
package enum WaveformPolicy: String, Sendable, CaseIterable {
    case always
    /// Windows that touch the time around an alarm of the device or of its bed.
    case aroundAlarms = "around-alarms"
    case never
}

/// Which windows of waveforms are wanted by the policy and what the journal says of alarms. It belongs to one task.
final class WaveformSelection {
    let policy: WaveformPolicy
    private var alarms = AlarmTimes()
    /// How often more came to be wanted of what was passed already.
    private(set) var changes = 0

    init(_ policy: WaveformPolicy) { self.policy = policy }

    /// Reads the alarms that the journal has since it was last asked.
    func takeStock(_ reader: JournalReader, _ filings: PatientFilings) throws {
        guard policy == .aroundAlarms else { return }
        while true {
            let events = try reader.events(of: AlarmTimes.kinds, after: alarms.through, limit: 500)
            for event in events { alarms.take(event, filings) }
            if !events.isEmpty { changes += 1 }
            guard events.count == 500 else { return }
        }
    }

    /// Whether a window of a device is sent.
    ///
    /// - Parameter range: Unit: ns of the monotonic clock.
    func wants(_ device: String, in session: String, _ range: Range<Int64>, _ filings: PatientFilings) -> Bool {
        switch policy {
        case .always: true
        case .never: false
        case .aroundAlarms: !alarms.stretches(of: device, in: session, touching: range, filings).isEmpty
        }
    }

    /// The newest windows of a stretch that are wanted, at most so many at once; `nil` where none is.
    func newest(of stretch: Withheld, in session: String, atMost windows: Int64, _ filings: PatientFilings)
        -> Withheld?
    {
        let wanted: Range<Int64>
        switch policy {
        case .never: return nil
        case .always: wanted = stretch.first..<stretch.end
        case .aroundAlarms:
            let found = alarms.stretches(
                of: stretch.device, in: session, touching: stretch.first..<stretch.end, filings)
            guard let last = found.max(by: { $0.upperBound < $1.upperBound }) else { return nil }
            wanted = last
        }
        return Self.windows(of: stretch, touching: wanted, atMost: windows)
    }

    /// The last windows of a stretch that touch a range, by the grid on which it lies.
    static func windows(of stretch: Withheld, touching range: Range<Int64>, atMost count: Int64) -> Withheld? {
        let (from, to) = (max(range.lowerBound, stretch.first), min(range.upperBound, stretch.end))
        guard from < to, count > 0 else { return nil }
        let length = stretch.length
        // The last window that begins before the range ends, and the first that ends after it begins.
        let last = (to - 1 - stretch.first) / length
        let first = max((from - stretch.first) / length, last - count + 1)
        let begin = stretch.first + first * length
        let (next, isOver) = (stretch.first + last * length).addingReportingOverflow(length)
        return stretch.cut(from: begin, to: isOver ? stretch.end : min(next, stretch.end))
    }
}
