import DeviceModel
import TestSupport
import Testing

@testable import Alarms

/// A pump's counter, limit and words, held against each other (C-30, C-32; public cases 6, 11, 17 to 19).
@Suite struct InfusionWatchTests {
    private static let second: Int64 = 1_000_000_000

    /// A pump that is read once a second, as it tells of itself.
    private struct Pump {
        var watch = InfusionWatch(device: "pump", vmd: nil, step: 0.001)
        var told: [AlertKind: Bool] = [:]
        var everTold: Set<AlertKind> = []
        var time: Int64 = 1_000_000_000_000
        var volume = 0.0
        var rate = 60.0
        var limit: Double?
        var status = "infusing"

        /// - Parameter given: unit mL, what the counter goes up by in each second; `nil`: what the rate says.
        mutating func run(_ seconds: Int, given: Double? = nil, left: Double? = nil) {
            for _ in 0..<seconds {
                let step = given ?? (status == "infusing" ? rate / 3600 : 0)
                volume += step
                if let before = limit { limit = left ?? max(0, before - step) }
                read()
            }
        }

        mutating func read() {
            time += InfusionWatchTests.second
            watch.take(status: status, at: time)
            watch.take(rate: rate, at: time)
            // As the counter shows it.
            watch.take(volume: (volume * 1000).rounded(.down) / 1000, at: time)
            if let limit { watch.take(limit: (limit * 1000).rounded(.down) / 1000, at: time) }
            turn()
        }

        mutating func turn() {
            for (alert, holds) in watch.turn(at: time) {
                #expect(told[alert, default: false] != holds, "told twice: \(alert) \(holds)")
                told[alert] = holds
                if holds { everTold.insert(alert) }
            }
        }

        var holding: Set<AlertKind> { Set(told.filter(\.value).keys) }
    }

    @Test func aPumpThatTellsTheTruthRaisesNothing() {
        var pump = Pump()
        pump.limit = 5
        pump.run(600)
        pump.status = "standing"
        pump.run(120)
        #expect(pump.everTold.isEmpty)
    }

    @Test func aCounterThatGoesBackIsToldForAMinute() {
        var pump = Pump()
        pump.run(30)
        pump.volume = 0
        pump.read()
        #expect(pump.holding == [.volumeWentBack])
        pump.run(58)
        #expect(pump.holding == [.volumeWentBack])
        pump.run(3)
        #expect(pump.holding.isEmpty)
    }

    @Test func aCounterThatStandsStillWhileThePumpSaysThatItInfuses() {
        var pump = Pump()
        pump.run(10)
        pump.run(59, given: 0)
        #expect(pump.holding.isEmpty)
        pump.run(3, given: 0)
        #expect(pump.holding == [.volumeStandsStill])
        pump.run(1)
        #expect(pump.holding.isEmpty)
    }

    /// At 0.1 mL/h a count of 0.001 mL takes 36 s: patience goes by what should have been given, not by the clock.
    @Test func aSlowPumpIsGivenItsTime() {
        var pump = Pump()
        pump.rate = 0.1
        pump.run(3600 * 2)
        #expect(pump.everTold.isEmpty)
        pump.run(1700, given: 0)
        #expect(pump.everTold.isEmpty)
        pump.run(200, given: 0)
        #expect(pump.holding == [.volumeStandsStill])
    }

    @Test(arguments: [("standing", 60.0), ("infusing", 0.0)])
    func aPumpThatStandsOrHasNoRateMayStandStill(status: String, rate: Double) {
        var pump = Pump()
        (pump.status, pump.rate) = (status, rate)
        pump.run(600, given: 0)
        #expect(pump.everTold.isEmpty)
    }

    @Test func anAlarmUnderWhichTheCounterMovesIsOne() {
        var pump = Pump()
        pump.run(10)
        pump.watch.take(alarm: "MDC_EVT_PUMP_GENERAL_ALARM", begins: true, at: pump.time)
        pump.run(3)
        #expect(pump.holding.isEmpty, "it may take its time to stand")
        pump.run(2)
        #expect(pump.holding == [.givesUnderAlarm])
        pump.watch.take(alarm: "MDC_EVT_PUMP_GENERAL_ALARM", begins: false, at: pump.time)
        pump.turn()
        #expect(pump.holding.isEmpty)
    }

    @Test func anAlarmUnderWhichThePumpStandsIsNone() {
        var pump = Pump()
        pump.run(10)
        for name in ["one", "two"] { pump.watch.take(alarm: name, begins: true, at: pump.time) }
        pump.status = "alarm"
        pump.run(2, given: 0.001)
        pump.run(100)
        pump.watch.take(alarm: "one", begins: false, at: pump.time)
        pump.run(100)
        #expect(pump.everTold.isEmpty)
        // The other one stands still.
        pump.run(1, given: 0.01)
        #expect(pump.holding == [.givesUnderAlarm])
    }

    @Test func controlThatIsLostWhileItInfuses() {
        var pump = Pump()
        pump.status = "standing"
        pump.run(60)
        pump.watch.take(controlLost: true, at: pump.time)
        pump.turn()
        #expect(pump.holding.isEmpty)
        pump.status = "infusing"
        pump.read()
        #expect(pump.holding == [.infusesBeyondControl])
        pump.watch.take(controlLost: false, at: pump.time)
        pump.turn()
        #expect(pump.holding.isEmpty)
    }

    /// A pump without words: its counter says that it infuses, and half a minute later that it does so no more.
    @Test func aPumpWithoutWordsInfusesAsItsCounterMoves() {
        var pump = Pump()
        pump.status = "7"
        pump.watch.take(controlLost: true, at: pump.time)
        pump.run(3, given: 0.01)
        #expect(pump.holding == [.infusesBeyondControl])
        pump.run(32)
        #expect(pump.holding.isEmpty)
    }

    @Test func anEndBeforeTheLimitIsTold() {
        var pump = Pump()
        pump.limit = 5
        pump.run(60)
        // It has given 3 of 5, and says that nothing is left.
        pump.run(1, given: 2, left: 0)
        pump.status = "standing"
        pump.run(2)
        #expect(pump.holding == [.endedShort])
    }

    /// Somebody sets a limit and starts it at once: that all of it is still to be given is known all the same.
    @Test(arguments: [0.0, 2.0])
    func aLimitThatWasJustSetIsWhole(short: Double) {
        var pump = Pump()
        pump.status = "standing"
        pump.run(10)
        pump.watch.take(limit: nil, at: pump.time)
        (pump.status, pump.limit) = ("infusing", 5)
        pump.run(1, left: 5)
        pump.run(1, given: 5 - short, left: 0)
        pump.run(2)
        #expect(pump.everTold == (short > 0 ? [.endedShort] : []))
    }

    /// Nobody knows what a limit is of that was set before the first reading, and does not count down.
    @Test func aLimitOfBeforeTellsNothing() {
        var pump = Pump()
        pump.limit = 5
        pump.run(1, left: 5)
        pump.run(1, left: 0)
        pump.run(5)
        #expect(pump.everTold.isEmpty)
    }

    /// A limit that does not count down tells nothing when it is gone.
    @Test(arguments: [true, false])
    func aLimitThatIsTakenAwayIsNoEnd(standsFirst: Bool) {
        var pump = Pump()
        pump.limit = 5
        for _ in 0..<60 { pump.run(1, left: 5) }
        if standsFirst { pump.status = "standing" }
        pump.run(1, left: 0)
        pump.run(5)
        #expect(pump.everTold.isEmpty)
    }

    @Test func nothingIsTwiceToldWhateverComes() {
        for seed in UInt64(1)...200 {
            var random = SeededGenerator(seed: seed)
            var pump = Pump()
            pump.limit = 3
            for _ in 0..<300 {
                switch Int.random(in: 0..<8, using: &random) {
                case 0: pump.volume = .random(in: 0...5, using: &random)
                case 1: pump.status = ["infusing", "standing", "", "INFUSE", "\u{202E}"].randomElement(using: &random)!
                case 2: pump.rate = [0, 0.1, 60, 1e300, -1].randomElement(using: &random)!
                case 3: pump.limit = [nil, 0, 1, 5, 1e300].randomElement(using: &random)!
                case 4: pump.watch.take(alarm: "a", begins: .random(using: &random), at: pump.time)
                case 5: pump.watch.take(controlLost: .random(using: &random), at: pump.time)
                default:
                    pump.run(.random(in: 0...90, using: &random), given: [nil, 0, 0.01].randomElement(using: &random)!)
                }
                pump.turn()
            }
        }
    }
}
