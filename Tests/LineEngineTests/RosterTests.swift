import Testing

@testable import LineEngine

/// A line in virtual time: one device that answers at once, one that failed and takes a while to say so.
private struct RosterRun {
    static let ms: Int64 = 1_000_000
    /// The longest time between two values of the device that answers, and how often each was asked. Unit: ns.
    private(set) var longest: Int64 = 0
    private(set) var asked = [0, 0]

    /// - Parameters:
    ///   - period: of the device that is well. Unit: ns.
    ///   - phase: when the failed device is first due, and how long after each of its failures again. Unit: ns.
    ///   - takes: how long the failed one holds the line. Unit: ns.
    ///   - delay: how long the roster expects that to be. Unit: ns.
    init(period: Int64, phase: Int64, every pause: Int64, takes: Int64, delay: Int64) {
        var roster = Roster<Void>([
            .init(device: 0, part: nil, period: period, due: 0, body: ()),
            .init(device: 1, part: nil, period: min(period, pause), due: phase, body: ()),
        ])
        var now: Int64 = 0
        var last: Int64?
        while now < 120_000 * Self.ms {
            guard let index = roster.next(at: now, isWell: { $0 == 0 }, delay: { _ in delay }) else { return }
            let due = roster.questions[index].due
            guard due <= now else {
                // As a line's loop does, which looks around every 100 ms.
                now = min(due, now + 100 * Self.ms)
                continue
            }
            _ = roster.take(index, at: now, isWell: index == 0)
            asked[index] += 1
            now += index == 0 ? 5 * Self.ms : takes
            if index == 0 {
                longest = max(longest, now - (last ?? now))
                last = now
            } else {
                roster.postpone(1, until: now + pause)
            }
        }
    }
}

@Suite struct RosterTests {
    @Test("A failed device holds up its neighbour for no more than it takes, wherever in the period it falls due")
    func failedDeviceIsAskedRightAfter() {
        let ms = RosterRun.ms
        for phase in stride(from: Int64(0), to: 500, by: 7) {
            let run = RosterRun(
                period: 500 * ms, phase: phase * ms, every: (2_000 + phase) * ms, takes: 1_000 * ms, delay: 4_000 * ms)
            #expect(run.longest <= 1_005 * ms, "due at \(phase) ms: \(run.longest / ms) ms without a value")
            #expect(run.asked[1] >= 25, "the failed one was asked \(run.asked[1]) times in two minutes")
        }
    }

    @Test("What fits before the neighbour is due does not wait for it")
    func failedDeviceIsAskedWhereThereIsRoom() {
        let ms = RosterRun.ms
        let run = RosterRun(period: 60_000 * ms, phase: 0, every: 1_000 * ms, takes: 500 * ms, delay: 500 * ms)
        #expect(run.asked[1] >= 75)
        #expect(run.longest <= 60_005 * ms)
    }

    @Test("On a line that is full a failed device has its turn after ten periods")
    func failedDeviceIsNotForgotten() {
        let ms = RosterRun.ms
        let run = RosterRun(period: 5 * ms, phase: 0, every: 10 * ms, takes: 20 * ms, delay: 20 * ms)
        #expect(run.asked[1] > 500)
        #expect(run.asked[0] > run.asked[1])
    }
}
