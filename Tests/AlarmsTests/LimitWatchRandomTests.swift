import DeviceModel
import Foundation
import Presets
import TestSupport
import Testing

@testable import Alarms

/// Random streams against the oracle, and the same stream cut into rounds in every way.
@Suite struct LimitWatchRandomTests {
    private static let tenth: Int64 = 100_000_000
    private static let end = 9000

    private static func preset(_ random: inout SeededGenerator, isLow: Bool) throws -> (Preset, LimitWatchOracle) {
        let levels = Int.random(in: 1...2, using: &random)
        let after = Int.random(in: 5...40, using: &random)
        var made: [LimitWatchOracle.Level] = []
        var lines: [String] = []
        for level in 0..<levels {
            let limit = isLow ? 900 - 50 * level : 900 + 50 * level
            let hysteresis = Int.random(in: 0...60, using: &random)
            let delay = Int.random(in: 0...150, using: &random)
            made.append(
                LimitWatchOracle.Level(
                    limit: limit, back: isLow ? limit + hysteresis : limit - hysteresis, delay: delay))
            let words = level == 0 ? "medium, harm: reversible" : "high, harm: death"
            lines.append(
                """
                          - {\(isLow ? "below" : "above"): \(limit / 10), priority: \(words), onset: prompt, \
                delay: \(delay * 100)ms, hysteresis: \(hysteresis / 10).\(hysteresis % 10), proposed: true}
                """)
        }
        let text = """
            nabd: preset/1
            name: fixture
            title: A fixture
            title-arabic: تجربة
            for: Nobody
            for-arabic: لا أحد
            reviewed:
            vitals:
              MDC_PULS_OXIM_SAT_O2: {name: SpO2, name-arabic: تشبع الأكسجين, unit: "%"}
            limits:
              MDC_PULS_OXIM_SAT_O2:
                \(isLow ? "low" : "high"):
            \(lines.joined(separator: "\n"))
            missing:
              MDC_PULS_OXIM_SAT_O2:
                {of: device, after: \(after)s, priority: medium, harm: death, onset: delayed, proposed: true}

            """
        let oracle = LimitWatchOracle(
            isLow: isLow, levels: made, period: 10, missingAfter: after * 10,
            values: stream(&random, isLow: isLow))
        return (try LimitWatchFixture.preset(text), oracle)
    }

    /// Values that wander about the limits, with silences and values that do not count.
    private static func stream(_ random: inout SeededGenerator, isLow: Bool) -> [LimitWatchOracle.Value] {
        var values: [LimitWatchOracle.Value] = []
        var time = Int.random(in: 0...50, using: &random)
        var level = 900
        var countsLeft = 0
        while time < end {
            if countsLeft <= 0 {
                countsLeft = Int.random(in: 1...30, using: &random)
                level = 900 + Int.random(in: -120...120, using: &random)
                switch Int.random(in: 0..<20, using: &random) {
                case 0: time += Int.random(in: 7000...8000, using: &random)
                case 1...3: time += Int.random(in: 30...500, using: &random)
                default: break
                }
            }
            countsLeft -= 1
            let counts = Int.random(in: 0..<8, using: &random) > 0
            let tenths = level + Int.random(in: -15...15, using: &random)
            values.append(LimitWatchOracle.Value(time: time, tenths: counts ? tenths : nil))
            time += Int.random(in: 0..<10, using: &random) == 0 ? Int.random(in: 1...40, using: &random) : 10
        }
        return values.filter { $0.time < end - 100 }
    }

    private static func told(_ change: LimitChange) -> String {
        let what =
            switch change.what {
            case .begins: change.condition.key.alert == .missing ? "begins" : "begins \(change.condition.level)"
            case .priorityRaised: "rises \(change.condition.level)"
            case .unconfirmed: "unconfirmed"
            case .confirmed: "confirmed"
            case .ends(let ending): "ends \(ending)"
            }
        return "\(change.at / tenth) \(change.condition.key.alert) \(what)"
            + (change.at % tenth == 0 ? "" : " between the tenths")
    }

    /// Feeds a watch; `next` says when the following round is.
    private static func story(
        _ preset: Preset, _ values: [LimitWatchOracle.Value], next: (Int64) -> Int64
    ) -> [LimitChange] {
        var watch = LimitWatch(
            bed: LimitWatchFixture.bed, preset: preset,
            streams: LimitWatchFixture.watched(LimitWatchFixture.stream()), names: LimitWatchFixture.names, now: 0)
        var changes: [LimitChange] = []
        var place = 0
        var now: Int64 = 0
        let last = Int64(end) * tenth + LimitWatch.settling
        while now < last {
            now = min(last, next(now))
            while place < values.count, Int64(values[place].time) * tenth <= now {
                let value = values[place]
                watch.take(
                    LimitWatchFixture.record(
                        Int64(value.tenths ?? 500), at: Int64(value.time) * tenth,
                        value.tenths == nil ? .questionable : .valid), stream: 0)
                place += 1
            }
            changes += watch.turn(now: now)
        }
        return changes
    }

    @Test(arguments: 0..<160) func theWatchTellsWhatTheOracleTells(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let (preset, oracle) = try Self.preset(&random, isLow: seed % 2 == 0)
        let changes = Self.story(preset, oracle.values) { $0 + LimitWatchFixture.round }
        let expected = oracle.story(until: Self.end)
        #expect(changes.map(Self.told).sorted() == expected, "seed \(seed)")
    }

    /// The oracle is worth something only when there is something to tell.
    @Test func theRandomStreamsTellOfEverything() throws {
        var all: Set<String> = []
        for seed in 0..<160 {
            var random = SeededGenerator(seed: UInt64(seed))
            let (_, oracle) = try Self.preset(&random, isLow: seed % 2 == 0)
            for line in oracle.story(until: Self.end) { all.insert(String(line.drop { $0 != " " }.dropFirst())) }
        }
        let sides = ["low", "high"].flatMap { side in
            ["begins 0", "begins 1", "rises 1", "unconfirmed", "confirmed", "ends cleared"].map { "\(side) \($0)" }
        }
        #expect(all == Set(sides + ["missing begins", "missing ends cleared", "missing ends notInUse"]))
    }

    @Test(arguments: 0..<40) func howItIsCutIntoRoundsChangesNothing(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let (preset, oracle) = try Self.preset(&random, isLow: seed % 2 == 1)
        let steady = Self.story(preset, oracle.values) { $0 + LimitWatchFixture.round }
        let ragged = Self.story(preset, oracle.values) { now in
            now + Int64.random(in: 1_000_000...40_000_000_000, using: &random)
        }
        let once = Self.story(preset, oracle.values) { _ in .max }
        for other in [ragged, once] {
            #expect(steady.map(Self.told).sorted() == other.map(Self.told).sorted(), "seed \(seed)")
        }
    }

    /// Every beginning has one end at most, and nothing changes about a condition that does not hold.
    @Test(arguments: 0..<40) func conditionsBeginAndEndInTurn(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let (preset, oracle) = try Self.preset(&random, isLow: true)
        var standing: Set<BedCondition.Key> = []
        for change in Self.story(preset, oracle.values, next: { $0 + LimitWatchFixture.round }) {
            switch change.what {
            case .begins: #expect(standing.insert(change.condition.key).inserted)
            case .ends: #expect(standing.remove(change.condition.key) != nil)
            case .priorityRaised, .unconfirmed, .confirmed: #expect(standing.contains(change.condition.key))
            }
        }
    }
}
