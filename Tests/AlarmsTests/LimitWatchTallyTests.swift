import DeviceModel
import Testing

@testable import Alarms

/// Alarms an hour: what is counted, and over what time.
@Suite struct LimitWatchTallyTests {
    private func change(_ what: LimitChange.What, _ priority: AlertPriority) -> LimitChange {
        let key = BedCondition.Key(bed: "0", device: "d", vmd: nil, metric: "M", alert: .low)
        return LimitChange(
            what: what,
            condition: BedCondition(
                key: key, priority: priority, level: 0, isLatching: false, text: "", arabicText: "", since: 0), at: 0)
    }

    @Test func timeWithoutSamplesIsNotWatched() {
        var tally = LimitWatchTally()
        for second in 0...1800 { tally.sample(at: Int64(second) * 1_000_000_000) }
        // A silence of an hour, then another half hour.
        for second in 5400...7200 { tally.sample(at: Int64(second) * 1_000_000_000) }
        #expect(tally.hours == 1 && tally.gaps == 1 && tally.gapTime == 3_600_000_000_000 && tally.samples == 3602)
        // Another session has times of its own; one that lies behind adds nothing.
        tally.beginSession()
        tally.sample(at: 5)
        tally.sample(at: 1)
        #expect(tally.hours == 1 && tally.gaps == 1)
    }

    @Test func beginningsAndRisesAreCounted() {
        var tally = LimitWatchTally()
        for second in 0...1800 { tally.sample(at: Int64(second) * 1_000_000_000) }
        for what in [LimitChange.What.begins, .unconfirmed, .confirmed, .ends(.cleared), .begins] {
            tally.count(change(what, .medium))
        }
        tally.count(change(.priorityRaised, .high))
        #expect(tally.rows.map(\.priority) == [.medium, .high])
        #expect(tally.rows.map(\.begun) == [2, 0] && tally.rows.map(\.risen) == [0, 1])
        #expect(tally.alarms == 3 && tally.perHour(tally.alarms) == 6)
        #expect(LimitWatchTally().perHour(1) == nil)
    }
}
