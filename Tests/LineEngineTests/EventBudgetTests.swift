import DeviceModel
import Testing

@testable import LineEngine

@Suite struct EventBudgetTests {
    private static let second: Int64 = 1_000_000_000

    private struct Change {
        let alert: Int
        let holds: Bool
        /// Unit: ns.
        let time: Int64
    }

    /// `count` changes of some alerts in turn, each of which begins and ends alternately.
    private func toggling(_ count: Int, alerts: Int = 1, every pause: Int64) -> [Change] {
        (0..<count).map { step in
            Change(alert: step % alerts, holds: (step / alerts) % 2 == 0, time: Int64(step) * pause)
        }
    }

    private func change(_ holds: Bool, at time: Int64) -> SampleRecord {
        SampleRecord(kind: holds ? .alertStart : .alertEnd, index: 0, monotonicNanoseconds: time)
    }

    /// What is told when alerts change at times.
    private func told(_ changes: [Change], alerts: Int, until end: Int64)
        -> [(alert: Int, record: SampleRecord)]
    {
        var budget = EventBudget(alerts: alerts)
        var told: [(alert: Int, record: SampleRecord)] = []
        func drain(_ now: Int64, isLast: Bool = false) {
            budget.refill(at: now)
            while let (record, then) = budget.next(isLast: isLast) {
                told.append((Int(record.index), record))
                if let then { told.append((Int(then.index), then)) }
            }
        }
        var next = 0
        for now in stride(from: Int64(0), through: end, by: 10_000_000) {
            drain(now)
            while next < changes.count, changes[next].time <= now {
                var record = change(changes[next].holds, at: changes[next].time)
                record.index = UInt32(changes[next].alert)
                if budget.admit(record, alert: changes[next].alert) { told.append((changes[next].alert, record)) }
                next += 1
            }
        }
        drain(end, isLast: true)
        return told
    }

    @Test("What a quiet device raises is told as it comes, each for itself")
    func quietDeviceIsToldAsItComes() {
        let changes = toggling(40, alerts: 4, every: 100_000_000)
        let told = told(changes, alerts: 4, until: 5 * Self.second)
        #expect(told.map(\.alert) == changes.map(\.alert))
        #expect(told.allSatisfy { $0.record.repeats == 0 })
    }

    @Test(
        "A toggling alert is told once a second in the end, alternates, and ends with the latest state",
        arguments: [
            2_999, 3_000, 3_001, 3_002,
        ])
    func togglingAlertIsPutTogether(count: Int) {
        let changes = toggling(count, every: 5_000_000)
        let told = told(changes, alerts: 1, until: 60 * Self.second)
        #expect(told.count < 60 + 20 + 2)
        for (before, after) in zip(told, told.dropFirst()) {
            #expect(before.record.kind != after.record.kind, "begin and end alternate")
            #expect(before.record.monotonicNanoseconds < after.record.monotonicNanoseconds)
        }
        #expect(told.last?.record.kind == (count % 2 == 0 ? .alertEnd : .alertStart))
        #expect(told.reduce(0) { $0 + 1 + Int($1.record.repeats) } == count, "all are counted")
    }

    @Test("An alert that comes and goes while others toggle is told as come and as gone, within two seconds")
    func shortAlertIsNotHidden() {
        var changes = toggling(4_000, alerts: 20, every: 5_000_000)
        let began = 15 * Self.second
        changes.append(Change(alert: 20, holds: true, time: began))
        changes.append(Change(alert: 20, holds: false, time: began + 1_000_000))
        changes.sort { $0.time < $1.time }
        let budgeted = told(changes, alerts: 21, until: 21 * Self.second)
        let short = budgeted.filter { $0.alert == 20 }
        #expect(short.map(\.record.kind) == [.alertStart, .alertEnd])
        let place = budgeted.firstIndex { $0.alert == 20 } ?? 0
        let behind = budgeted[..<place].filter { $0.record.monotonicNanoseconds > began + 2 * Self.second }
        #expect(behind.isEmpty, "it went before what came two seconds later")
    }

    @Test("Other events beyond the budget are put together by kind, with the newest text")
    func eventsArePutTogetherByKind() {
        var budget = EventBudget(alerts: 0)
        budget.refill(at: 0)
        var admitted = 0
        for number in 0..<1_000 {
            var record = SampleRecord(kind: .event, index: 0, monotonicNanoseconds: Int64(number), event: .wrongDevice)
            _ = record.setText("\(number)".utf8)
            if budget.admit(record) { admitted += 1 }
        }
        #expect(admitted == Int(EventBudget.burst))
        #expect(budget.next().map { _ in true } == nil)
        budget.refill(at: Self.second)
        let told = budget.next()?.0
        #expect(told?.textValue == "999")
        #expect(told?.repeats == UInt32(1_000 - admitted - 1))
        #expect(!budget.isWaiting)
    }

    @Test("Figures that count add up, and no kind of event hides another")
    func figuresAddUp() {
        var budget = EventBudget(alerts: 0)
        budget.refill(at: 0)
        func record(_ event: EventCode, _ figure: Int64) -> SampleRecord {
            SampleRecord(kind: .event, index: 0, monotonicNanoseconds: 1, bits: figure, event: event)
        }
        for _ in 0..<EventBudget.burst { _ = budget.admit(record(.deviceStale, 0)) }
        var told: [EventCode: Int64] = [:]
        for step in 1...20 {
            for (event, figure) in [(EventCode.deadlinesMissed, Int64(2)), (.lateReply, 5), (.deviceSilent, 3)] {
                _ = budget.admit(record(event, figure))
            }
            budget.refill(at: Int64(step) * Self.second)
            while let (record, _) = budget.next() {
                told[record.event, default: 0] += record.event == .deviceSilent ? 1 : record.bits
            }
        }
        while let (record, _) = budget.next(isLast: true) {
            told[record.event, default: 0] += record.event == .deviceSilent ? 1 : record.bits
        }
        #expect(told[.deadlinesMissed] == 40)
        #expect(told[.lateReply] == 100)
        #expect((told[.deviceSilent] ?? 0) >= 5)
    }

    @Test("A device brings its described rate and several times more, and then no more than that")
    func samplesAreBounded() {
        var budget = SampleBudget(periods: [Self.second])
        var taken = 0
        for step in 0..<60_000 {
            budget.refill(at: Int64(step) * 1_000_000)
            for _ in 0..<3 where budget.take() { taken += 1 }
        }
        // 24 a second for the minute, and what it had saved up.
        #expect((119 * 24...120 * 24 + 1).contains(taken), "\(taken)")
        var described = SampleBudget(periods: [2_000_000])
        for step in 0..<60_000 {
            described.refill(at: Int64(step) * 1_000_000)
            let isTaken = described.take()
            #expect(isTaken, "twice the described rate")
        }
    }
}
