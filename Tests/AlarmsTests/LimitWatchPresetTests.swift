import DeviceModel
import Foundation
import Nomenclature
import Presets
import TestSupport
import Testing

@testable import Alarms

/// A device of its own drives the value of each vital through each limit of each preset that is shipped.
@Suite struct LimitWatchPresetTests {
    private typealias Bed = LimitWatchFixture
    static let shipped = ["cardiac", "emergency", "icu", "oncology-chair", "palliative", "stroke"]

    /// One limit of a preset, and what surrounds it.
    struct Passage: CustomStringConvertible, Sendable {
        let preset: Preset
        let limits: Preset.VitalLimits
        let isLow: Bool
        let level: Int

        var rule: Preset.Level { (isLow ? limits.low : limits.high)[level] }
        var description: String {
            "\(preset.name) \(limits.vital.metric) \(isLow ? "below" : "above") \(rule.value.text)"
        }

        /// A value within all limits. Unit: thousandths.
        var normal: Int64 {
            let low = limits.low.first.map { $0.value + $0.hysteresis }?.thousandths
            let high = limits.high.first.map { $0.value - $0.hysteresis }?.thousandths
            return switch (low, high) {
            case (let low?, let high?): (low + high) / 2
            case (let low?, nil): low + 1000
            case (nil, let high?): high - 1000
            case (nil, nil): 0
            }
        }

        /// As little beyond as the stream can tell.
        var beyond: Int64 { rule.value.thousandths + (isLow ? -1 : 1) }
    }

    private static func load(_ name: String) throws -> Preset {
        try Preset.load(Repository.path("presets/\(name).yaml"), names: Bed.names)
    }

    static func passages(of name: String) throws -> [Passage] {
        let preset = try load(name)
        return preset.limits.flatMap { limits in
            [true, false].flatMap { isLow in
                (isLow ? limits.low : limits.high).indices.map {
                    Passage(preset: preset, limits: limits, isLow: isLow, level: $0)
                }
            }
        }
    }

    /// Values of a passage as a device sends them, and what its bed tells.
    struct Drive {
        private let passage: Passage
        private let period: Int64
        private var watch: LimitWatch
        private var now: Int64 = 0
        private var time: Int64 = 1_000_000_000
        private(set) var told: [(change: LimitChange, turn: Int64)] = []

        init(_ passage: Passage, period: Int64) {
            (self.passage, self.period) = (passage, period)
            let stream = LimitWatchFixture.stream(
                passage.limits.vital.metric, device: "device", unit: passage.limits.vital.unit.ucum,
                form: .integer(DecimalScale(multiplier: 1, exponent: -3)), period: period)
            watch = LimitWatch(
                bed: LimitWatchFixture.bed, preset: passage.preset, streams: LimitWatchFixture.watched(stream),
                names: LimitWatchFixture.names, now: 0)
        }

        /// When the next value comes. Unit: ns.
        var next: Int64 { time }

        mutating func send(_ thousandths: Int64, _ validity: Validity = .valid) {
            turn(until: time)
            watch.take(LimitWatchFixture.record(thousandths, at: time, validity), stream: 0)
            time += period
        }

        /// The rounds before a time: what comes then is drained in the next one.
        mutating func turn(until end: Int64) {
            while now + LimitWatchFixture.round < end {
                now += LimitWatchFixture.round
                for change in watch.turn(now: now) { told.append((change, now)) }
            }
        }

        /// From normal towards the limit and just beyond, and how long it stays there. Returns when it is beyond.
        mutating func ramp(for length: Int64, _ validity: Validity = .valid) -> Int64 {
            let (start, end) = (passage.normal, passage.beyond)
            for step in 0..<8 { send(start + (passage.rule.value.thousandths - start) * Int64(step) / 8) }
            let since = time
            while time < since + max(length, 1) { send(end, validity) }
            return since
        }

        mutating func back(seconds: Int) {
            let end = time + Int64(seconds) * 1_000_000_000
            while time < end { send(passage.normal) }
        }

        /// What was told of the limit itself, from its level on.
        var ofLimit: [(change: LimitChange, turn: Int64)] {
            let alert: LimitAlert = passage.isLow ? .low : .high
            return told.filter {
                $0.change.condition.key.alert == alert && $0.change.condition.level >= passage.level
                    && [.begins, .priorityRaised].contains($0.change.what)
            }
        }
    }

    /// Periods of a Nonin, of most monitors, and one that no delay is a multiple of. Unit: ns.
    private static let periods: [Int64] = [333_333_333, 1_000_000_000, 1_370_000_000]

    @Test(arguments: shipped) func anExcursionThatLastsBeginsWithinTheDelayAndARound(name: String) throws {
        var count = 0
        for passage in try Self.passages(of: name) {
            for period in Self.periods {
                var drive = Drive(passage, period: period)
                let since = drive.ramp(for: passage.rule.delay + 5 * Bed.second)
                drive.turn(until: drive.next)
                let first = try #require(drive.ofLimit.first, "\(passage)")
                #expect(first.change.at == since + passage.rule.delay, "\(passage)")
                #expect(
                    first.turn <= since + passage.rule.delay + LimitWatch.settling + Bed.round
                        && first.turn >= since + passage.rule.delay, "\(passage)")
                #expect(first.change.condition.priority == passage.rule.priority, "\(passage)")
                #expect(first.change.condition.isLatching == passage.rule.isLatching, "\(passage)")
                #expect(first.change.condition.text.contains(passage.rule.value.text), "\(passage)")
                drive.back(seconds: 30)
                #expect(
                    drive.told.contains {
                        $0.change.what == .ends(.cleared) && $0.change.condition.key == first.change.condition.key
                    }, "\(passage)")
                count += 1
            }
        }
        #expect(count >= 6)
    }

    @Test(arguments: shipped) func aShorterExcursionBeginsNothing(name: String) throws {
        for passage in try Self.passages(of: name) where passage.rule.delay > 0 {
            for period in Self.periods {
                // The last value beyond is followed, before the delay is over, by one within.
                var drive = Drive(passage, period: period)
                _ = drive.ramp(for: passage.rule.delay - period)
                drive.back(seconds: 200)
                #expect(drive.ofLimit.isEmpty, "\(passage)")
            }
        }
    }

    @Test(arguments: shipped, [Validity.questionable, .invalid, .notAvailable])
    func valuesThatDoNotCountBeginNothing(name: String, validity: Validity) throws {
        for passage in try Self.passages(of: name) {
            var drive = Drive(passage, period: Bed.second)
            _ = drive.ramp(for: 300 * Bed.second, validity)
            drive.back(seconds: 10)
            #expect(drive.ofLimit.isEmpty, "\(passage)")
        }
    }

    /// An alarm that holds is neither ended nor forgotten when its sensor dies, and the vital is missing.
    @Test(arguments: shipped) func aDeadSensorIsMissingNeverNormal(name: String) throws {
        for passage in try Self.passages(of: name) {
            var drive = Drive(passage, period: Bed.second)
            _ = drive.ramp(for: passage.rule.delay + 2 * Bed.second)
            drive.turn(until: drive.next + 590 * Bed.second)
            let told = drive.told.map(\.change)
            #expect(!told.contains { if case .ends = $0.what { true } else { false } }, "\(passage)")
            guard let rule = passage.preset.missing.first(where: { $0.vital == passage.limits.vital }),
                rule.after < 580 * Bed.second
            else { continue }
            #expect(told.contains { $0.what == .unconfirmed }, "\(passage)")
            let missing = told.filter { $0.condition.key.alert == .missing && $0.condition.key.device == "device" }
            #expect(missing.map(\.at) == [drive.next - Bed.second + rule.after], "\(passage)")
            #expect(missing.first?.condition.priority == rule.priority, "\(passage)")
        }
    }
}
