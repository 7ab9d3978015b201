import DeviceModel
import Foundation
import Nomenclature
import Presets
import TestSupport
import Testing

@testable import Alarms

/// What a bed's watch tells, case by case.
@Suite struct LimitWatchTests {
    typealias Bed = LimitWatchFixture

    // MARK: Limits

    @Test func anAlarmBeginsWhenItsDelayIsOverAndNotBefore() throws {
        var bed = try Bed()
        bed.hold(950, from: 0, to: 10)
        bed.hold(890, from: 10, to: 40)
        #expect(bed.words == ["low begins medium@25.0"])
        #expect(bed.told[0].turn - bed.told[0].change.at < LimitWatch.settling + Bed.round)
        let condition = bed.changes[0].condition
        #expect(condition.text == "Chair 1: SpO2 89 % below 90 % (oximeter)")
        #expect(condition.arabicText == "كرسي 1: تشبع الأكسجين 89%، أقل من 90% (oximeter)")
        #expect(condition.since == 10 * Bed.second && !condition.isLatching && condition.level == 0)
    }

    @Test func aShorterExcursionIsNone() throws {
        var bed = try Bed()
        bed.hold(950, from: 0, to: 10)
        bed.hold(890, from: 10, to: 25)
        bed.hold(900, from: 25, to: 60)
        #expect(bed.words == [])
    }

    @Test func aValueAtTheLimitIsWithin() throws {
        var bed = try Bed()
        bed.hold(900, from: 0, to: 60)
        bed.hold(990, from: 60, to: 120)
        #expect(bed.words == [])
    }

    @Test func theAlarmEndsOnlyBeyondItsHysteresis() throws {
        var bed = try Bed()
        bed.hold(890, from: 0, to: 20)
        bed.hold(919, from: 20, to: 60)
        #expect(bed.words == ["low begins medium@15.0"])
        bed.hold(920, from: 60, to: 70)
        #expect(bed.words == ["low begins medium@15.0", "low ends cleared@60.0"])
    }

    @Test(arguments: [Validity.questionable, .invalid, .notAvailable, .ongoing, .overflow, .calibrationOngoing])
    func valuesThatDoNotCountNeitherBeginNorEnd(validity: Validity) throws {
        var bed = try Bed()
        bed.hold(950, from: 0, to: 5)
        bed.hold(700, from: 5, to: 24, validity)
        #expect(bed.words == [])
        bed.hold(890, from: 24, to: 44)
        bed.hold(970, from: 44, to: 60, validity)
        #expect(bed.words == ["low begins medium@39.0"])
    }

    @Test func anAlarmDoesNotBeginWhileTheNewestValueDoesNotCount() throws {
        var bed = try Bed()
        bed.hold(890, from: 0, to: 14.5)
        bed.hold(890, from: 14.5, to: 18.5, .questionable)
        #expect(bed.words == [])
        // What was before is not forgotten.
        bed.hold(890, from: 18.5, to: 19)
        #expect(bed.words == ["low begins medium@18.5"])
    }

    @Test func aGapLongerThanTheDelayBeginsAnew() throws {
        var bed = try Bed()
        bed.hold(890, from: 0, to: 10)
        bed.run(to: 26)
        bed.hold(890, from: 26, to: 50)
        #expect(bed.words == ["low begins medium@41.0"])
    }

    @Test func aValueStandsForThreePeriodsOnly() throws {
        var bed = try Bed()
        bed.hold(890, from: 0, to: 12)
        // The last value is of 11 s; at 15 s it is 4 s old.
        bed.run(to: 19)
        #expect(bed.words == [])
        bed.hold(890, from: 19, to: 20)
        #expect(bed.words == ["low begins medium@19.0"])
    }

    @Test func twoLevelsAreOneAlarmWhosePriorityRises() throws {
        var bed = try Bed()
        bed.hold(890, from: 0, to: 20)
        bed.hold(840, from: 20, to: 40)
        #expect(bed.words == ["low begins medium@15.0", "low rises high@30.0"])
        #expect(bed.changes[1].condition.text == "Chair 1: SpO2 84 % below 85 % (oximeter)")
        #expect(bed.changes[1].condition.key == bed.changes[0].condition.key && bed.changes[1].condition.isLatching)
        // Back from the worse one, and there again: somebody has to be told again.
        bed.hold(870, from: 40, to: 60)
        bed.hold(840, from: 60, to: 75)
        bed.hold(950, from: 75, to: 80)
        #expect(bed.words.dropFirst(2) == ["low rises high@70.0", "low ends cleared@75.0"])
        #expect(bed.changes[3].condition.priority == .high)
    }

    @Test func theWorseLimitMayLastFirst() throws {
        var bed = try Bed()
        bed.hold(800, from: 0, to: 12)
        bed.hold(870, from: 12, to: 30)
        #expect(bed.words == ["low begins high@10.0"])
        bed.hold(920, from: 30, to: 32)
        #expect(bed.words.last == "low ends cleared@30.0")
    }

    @Test func lowAndHighAreTwoConditions() throws {
        var bed = try Bed()
        bed.hold(995, from: 0, to: 40)
        bed.hold(800, from: 40, to: 55)
        #expect(bed.words == ["high begins low@30.0", "high ends cleared@40.0", "low begins high@50.0"])
    }

    @Test func aLimitWithoutDelayNeedsOneValue() throws {
        let cuff = Bed.stream("MDC_PRESS_BLD_NONINV_SYS", device: "cuff", unit: "mm[Hg]")
        var bed = try Bed(Bed.text, Bed.watched(cuff))
        bed.hold(800, from: 5, to: 6)
        bed.run(to: 600)
        bed.hold(900, from: 600, to: 601)
        #expect(bed.words.filter { $0.hasPrefix("low") } == ["low begins high@5.0", "low ends cleared@600.0"])
        #expect(bed.changes[0].condition.text == "Chair 1: systolic pressure 80 mmHg below 90 mmHg (cuff)")
    }

    // MARK: Silence

    @Test func aDeadSensorIsMissingAndNeverNormal() throws {
        var bed = try Bed()
        bed.hold(890, from: 0, to: 20)
        bed.run(to: 100)
        #expect(
            bed.words == ["low begins medium@15.0", "low unconfirmed@39.0", "missing begins medium@39.0"])
        #expect(bed.changes[1].condition.text.contains("no valid value has come since"))
        #expect(bed.changes[2].condition.text == "Chair 1: no valid SpO2 for 20 s (oximeter)")
        bed.hold(890, from: 100, to: 101)
        #expect(bed.words.dropFirst(3) == ["missing ends cleared@100.0", "low confirmed@100.0"])
    }

    @Test func aSensorThatSaysNothingThatCountsIsMissing() throws {
        var bed = try Bed()
        bed.hold(950, from: 0, to: 5)
        bed.hold(950, from: 5, to: 60, .questionable)
        #expect(bed.words == ["missing begins medium@24.0"])
    }

    @Test func nothingIsMissingAtABedThatIsNotInUse() throws {
        var bed = try Bed()
        bed.run(to: 100)
        #expect(bed.words == [])
        bed.change { $0.bind(at: 100 * Bed.second) }
        bed.run(to: 130)
        #expect(bed.words == ["missing begins medium@120.0"])
        bed.change { $0.release(at: 130 * Bed.second) }
        bed.run(to: 200)
        #expect(bed.words.dropFirst() == ["missing ends patientLeft@130.0"])
    }

    @Test func withoutAPatientTheUseLapses() throws {
        var bed = try Bed()
        bed.hold(890, from: 0, to: 20)
        bed.run(to: 700)
        #expect(bed.words.last == "missing ends notInUse@619.0")
        // The limit's alarm stands: nobody has seen the value come back.
        #expect(!bed.words.contains { $0.hasPrefix("low ends") })
        var bound = try Bed()
        bound.change { $0.bind(at: 0) }
        bound.hold(950, from: 0, to: 20)
        bound.run(to: 3000)
        #expect(bound.words == ["missing begins medium@39.0"])
    }

    @Test func whatNoDeviceHasIsMissingOfTheBed() throws {
        let cuff = Bed.stream("MDC_PRESS_BLD_NONINV_SYS", device: "cuff", unit: "mm[Hg]")
        var bed = try Bed(Bed.text, Bed.watched(cuff))
        #expect(bed.watch.unwatched == [UnwatchedRule(metric: "MDC_PULS_OXIM_SAT_O2", cause: .noDevice)])
        bed.change { $0.bind(at: 0) }
        bed.run(to: 60)
        #expect(bed.words == ["missing begins medium@20.0"])
        #expect(bed.changes[0].condition.key.device == nil)
        #expect(bed.changes[0].condition.text == "Chair 1: no device here measures SpO2")
        #expect(bed.changes[0].condition.arabicText == "كرسي 1: لا يوجد جهاز هنا يقيس تشبع الأكسجين")
    }

    /// What nothing is held against is told as what it is: neither as watched, nor twice.
    @Test func limitsThatNothingIsHeldAgainstAreTold() throws {
        let cuff = Bed.stream("MDC_PRESS_BLD_NONINV_SYS", device: "cuff", unit: "mm[Hg]")
        #expect(try Bed(Bed.text, Bed.watched(Bed.stream(), cuff)).watch.unwatchedLimits.isEmpty)
        let absent = try Bed(Bed.text, Bed.watched(cuff)).watch.unwatchedLimits
        #expect(absent.map(\.metric) == ["MDC_PULS_OXIM_SAT_O2"])
        #expect(absent[0].text == "Chair 1: no device here measures SpO2: its limits are not watched")
        #expect(absent[0].arabicText == "كرسي 1: لا يوجد جهاز هنا يقيس تشبع الأكسجين: هذه الحدود غير مراقَبة")
        let strange = try Bed(Bed.text, Bed.watched(Bed.stream(unit: "mL"), cuff)).watch.unwatchedLimits
        #expect(strange.map(\.text) == ["Chair 1: SpO2 comes in mL, not in %: its limits are not watched (oximeter)"])
        // A vital without a limit has none that could be left unwatched.
        let without = try Bed(Bed.text.replacing(#/  MDC_PRESS_BLD_NONINV_SYS:\n    low: .*\n/#, with: ""))
        #expect(without.watch.unwatched.map(\.metric) == ["MDC_PRESS_BLD_NONINV_SYS"])
        #expect(without.watch.unwatchedLimits.isEmpty)
    }

    @Test func anEpisodicValueIsOverdue() throws {
        let cuff = Bed.stream("MDC_PRESS_BLD_NONINV_SYS", device: "cuff", unit: "mm[Hg]")
        let oximeter = Bed.stream()
        var bed = try Bed(Bed.text, Bed.watched(cuff, oximeter))
        bed.hold(1200, from: 60, to: 61)
        bed.hold(970, from: 61, to: 1300, stream: 1)
        #expect(bed.words == ["overdue begins low@1260.0"])
        #expect(bed.changes[0].condition.text == "Chair 1: systolic pressure not measured for 20 min (cuff)")
        #expect(bed.changes[0].condition.arabicText == "كرسي 1: لم يتم قياس الضغط الانقباضي منذ 20 دقيقة (cuff)")
        bed.hold(1200, from: 1300, to: 1301)
        #expect(bed.words.last == "overdue ends cleared@1300.0")
    }

    // MARK: Devices

    @Test func twoDevicesWithOneVitalAreJudgedEachByItself() throws {
        var bed = try Bed(Bed.text, Bed.watched(Bed.stream(), Bed.stream(device: "monitor")))
        for second in 0..<60 {
            bed.hold(890, from: Double(second), to: Double(second) + 0.5)
            if second < 20 { bed.hold(960, from: Double(second) + 0.5, to: Double(second) + 1, stream: 1) }
        }
        #expect(bed.words == ["low begins medium@15.0", "missing begins medium@39.5"])
        #expect(bed.changes.map(\.condition.key.device) == ["oximeter", "monitor"])
    }

    @Test func aStreamInAnotherUnitIsComparedInItsOwn() throws {
        let cuff = Bed.stream(
            "MDC_PRESS_BLD_NONINV_SYS", device: "cuff", unit: "kPa",
            form: .integer(DecimalScale(multiplier: 1, exponent: -2)))
        var bed = try Bed(Bed.text, Bed.watched(cuff))
        // 90 mmHg is 11.999 kPa.
        bed.hold(1200, from: 0, to: 1)
        bed.hold(1199, from: 1, to: 2)
        #expect(bed.words == ["low begins high@1.0"])
        #expect(bed.changes[0].condition.text.contains("89.93 mmHg below 90 mmHg"))
        let strange = try Bed(Bed.text, Bed.watched(Bed.stream(unit: "mL"), Bed.stream(isWaveform: true)))
        #expect(
            strange.watch.unwatched.contains {
                $0.cause == .otherUnit(device: "oximeter", unit: "mL")
            })
        #expect(strange.watch.watchedStreams == [])
    }

    @Test func singlesAreComparedAsDecimals() throws {
        let text = Bed.text.replacing("below: 90, priority: medium", with: "below: 90.1, priority: medium")
        var bed = try Bed(text, Bed.watched(Bed.stream(form: .float32)))
        let bits = { (value: Float) in Int64(value.bitPattern) }
        // As a double the single 90.1 lies below 90.1.
        #expect(Double(Float(90.1)) < 90.1)
        bed.hold(bits(90.1), from: 0, to: 40)
        #expect(bed.words == [])
        bed.hold(bits(90), from: 40, to: 60)
        #expect(bed.words == ["low begins medium@55.0"])
        bed.hold(bits(.nan), from: 60, to: 62)
        bed.hold(bits(.infinity), from: 62, to: 64)
        #expect(bed.words.count == 1)
    }

    @Test(arguments: LimitAlert.allCases) func numbersOfNamesAreThoseOfTheTables(alert: LimitAlert) {
        #expect(Bed.names.event(alert.rawValue)?.code == alert.code)
        #expect((alert.code == nil) == alert.rawValue.hasPrefix("NABD_"))
    }

    @Test(
        arguments: [
            (5, "5 s", "5 ثوانٍ"), (20, "20 s", "20 ثانية"), (60, "1 min", "دقيقة"), (90, "90 s", "90 ثانية"),
            (120, "2 min", "دقيقتين"), (300, "5 min", "5 دقائق"), (660, "11 min", "11 دقيقة"),
            (6180, "103 min", "103 دقائق"),
        ] as [(Int64, String, String)])
    func timesHaveTheirWords(seconds: Int64, english: String, arabic: String) {
        let words = LimitWatchWords.words(seconds * Bed.second)
        #expect(words.english == english && words.arabic == arabic)
    }

    /// Times that no clock gives, in any order, cost nothing but sense.
    @Test func impossibleTimesAndBitsTrapNothing() throws {
        var random = SeededGenerator(seed: 5)
        let times: [Int64] = [.min, -1, 0, 1, Bed.second, .max / 2, .max - 1, .max]
        for form in [
            ValueForm.integer(DecimalScale(multiplier: .max, exponent: 18)),
            .integer(DecimalScale(multiplier: -1, exponent: -18)), .float32, .float64,
        ] {
            var bed = try Bed(Bed.text, Bed.watched(Bed.stream(form: form, period: .max)))
            for _ in 0..<2000 {
                bed.change { watch in
                    watch.take(
                        Bed.record(
                            Int64.random(in: .min ... .max, using: &random),
                            at: times.randomElement(using: &random) ?? 0), stream: 0)
                    let now = times.randomElement(using: &random) ?? 0
                    switch Int.random(in: 0..<6, using: &random) {
                    case 0: watch.bind(at: now)
                    case 1: watch.release(at: now)
                    default: break
                    }
                    for change in watch.turn(now: now) { #expect(!change.condition.text.isEmpty) }
                }
            }
        }
    }

    // MARK: All beds

    @Test func eachRecordGoesToItsBed() throws {
        let preset = try Bed.preset()
        func watch(_ id: String, _ index: Int) -> LimitWatch {
            LimitWatch(
                bed: WatchedBed(id: id, name: id, arabicName: id), preset: preset,
                streams: [WatchedStream(index: index, descriptor: Bed.stream())], names: Bed.names, now: 0)
        }
        var watches = LimitWatches([watch("a", 3), watch("b", 7)])
        for second in 0..<20 {
            for (stream, value) in [(3, 950), (7, 840), (5, 100), (-1, 100), (1000, 100)] {
                watches.take(Bed.record(Int64(value), at: Int64(second) * Bed.second), stream: stream)
            }
        }
        let told = watches.turn(now: 20 * Bed.second)
        #expect(told.map(\.condition.key.bed) == ["b"] && told.map(Bed.words) == ["low begins high@10.0"])
        let ended = watches.set(watch("b", 5), now: 21 * Bed.second)
        #expect(ended.map(Bed.words) == ["low ends notWatched@21.0"])
        watches.change("b") { $0.bind(at: 21 * Bed.second) }
        #expect(
            watches.turn(now: 60 * Bed.second).map(Bed.words) == [
                "missing begins medium@39.0", "missing begins medium@41.0",
            ])
    }

    @Test func eventsAndAlertsAreNoSamples() throws {
        var bed = try Bed()
        bed.change { watch in
            for kind in [SampleRecord.Kind.event, .alertStart, .alertEnd] {
                watch.take(SampleRecord(kind: kind, index: 0, monotonicNanoseconds: 0, bits: 100), stream: 0)
            }
        }
        bed.run(to: 60)
        #expect(bed.words == [])
    }
}
