import Foundation
import SampleJournal
import TestSupport
import Testing

@testable import Uplink

/// What a link may carry, decided without any.
@Suite struct LinkLimitTests {
    private static func utc(_ text: String) -> Int64 {
        let seconds = (try? Date(text, strategy: .iso8601))?.timeIntervalSince1970 ?? 0
        return Int64(seconds) * 1_000_000_000
    }

    @Test(arguments: [
        ("2026-01-01T00:00:00Z", "2026-01"), ("2026-01-31T23:59:59Z", "2026-01"), ("2026-02-01T00:00:00Z", "2026-02"),
        ("2028-02-29T12:00:00Z", "2028-02"), ("2028-03-01T00:00:00Z", "2028-03"), ("2026-12-31T23:59:59Z", "2026-12"),
        ("2027-01-01T00:00:00Z", "2027-01"), ("2100-02-28T23:59:59Z", "2100-02"), ("2100-03-01T00:00:00Z", "2100-03"),
    ]) func aMonthIsThatOfTheCalendarInUTC(moment: String, month: String) {
        #expect(MonthCount().turned(to: Self.utc(moment)).name == month)
    }

    @Test(arguments: [0, -1, .min, utc("2025-12-31T23:59:59Z")]) func aMomentBeforeTheHostIsNoMonth(utc: Int64) {
        #expect(MonthCount().turned(to: utc).month == nil)
    }

    /// Every day from 2026 on, as the system's own calendar has it.
    @Test func everyDayIsInItsMonth() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for day in 0..<30_000 {
            let date = Date(timeIntervalSince1970: 1_767_225_600 + Double(day) * 86_400)
            let parts = calendar.dateComponents([.year, .month], from: date)
            let expected = Int64((parts.year ?? 0) * 12 + (parts.month ?? 0) - 1)
            guard MonthCount.month(Int64(date.timeIntervalSince1970) * 1_000_000_000) == expected else {
                Issue.record("\(date)")
                return
            }
        }
    }

    @Test func aMonthBeginsWithNothingAndAClockThatIsNotSetBeginsNone() {
        var count = MonthCount()
        // Before anybody knows which month it is, it is the one that turns out to be.
        count.add(100, at: nil)
        count.add(10, at: Self.utc("2026-11-30T23:59:59Z"))
        #expect(count.name == "2026-11" && count.bytes == 110)
        count.add(5, at: nil)
        #expect(count.bytes == 115)
        #expect(count.bytes(at: Self.utc("2026-12-01T00:00:00Z")) == 0)
        count.add(7, at: Self.utc("2026-12-01T00:00:00Z"))
        #expect(count.name == "2026-12" && count.bytes == 7)
        // A clock that goes back gives nobody a second month.
        count.add(1, at: Self.utc("2026-11-30T23:00:00Z"))
        #expect(count.name == "2026-11" && count.bytes == 8)
    }

    /// A clock that was wrong by years does not end the counting.
    @Test func aClockThatWasAheadIsPutRight() {
        var count = MonthCount(month: 2026 * 12 + 10, bytes: 900)
        count.add(10, at: Self.utc("2031-05-05T00:00:00Z"))
        count.add(10, at: Self.utc("2026-11-05T00:00:00Z"))
        #expect(count.name == "2026-11" && count.bytes == 20)
        #expect(count.bytes(at: Self.utc("2026-12-01T00:00:00Z")) == 0)
    }

    @Test func whatABookSaysIsBounded() {
        #expect(MonthCount(month: 3, bytes: -7) == MonthCount())
        #expect(MonthCount(month: .max, bytes: .max).month == nil)
        var count = MonthCount(month: nil, bytes: .max)
        count.add(.max, at: nil)
        count.add(-5, at: nil)
        #expect(count.bytes == MonthCount.mostBytes)
        let limits = LinkLimits(bitsPerSecond: 1, bytesPerMonth: .max)
        #expect(limits.bitsPerSecond == 8000 && limits.bytesPerMonth == 100_000_000_000_000)
    }

    @Test(arguments: [
        (Int64(0), LinkStage.everything), (79_999_999, .everything), (80_000_000, .noWaveforms),
        (99_999_999, .noWaveforms), (100_000_000, .alarmsAndPumpEvents), (.max, .alarmsAndPumpEvents),
    ]) func waveformsStopFirstThenNumbers(bytes: Int64, stage: LinkStage) {
        #expect(LinkLimits(bytesPerMonth: 100_000_000).stage(at: bytes) == stage)
        #expect(LinkLimits().stage(at: bytes) == .everything)
        let parts = DeliveryPart.allCases.filter { $0.goes(at: stage) }
        switch stage {
        case .everything: #expect(parts == DeliveryPart.allCases)
        case .noWaveforms: #expect(parts == DeliveryPart.allCases.filter { $0 != .waveforms })
        case .alarmsAndPumpEvents: #expect(parts == [.configuration, .pumpEvents])
        }
    }

    /// Whatever is sent, and whenever: no more than the rate in the end, but for what was sent last.
    @Test(arguments: 0..<20) func theRateHolds(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let rate: Int64 = 64_000
        var cap = RateCap(bitsPerSecond: rate)
        var (now, sent, last) = (Int64.random(in: 0...1 << 40, using: &random), Int64(0), Int64(0))
        let begin = now
        for _ in 0..<200 {
            now += cap.wait(at: now)
            #expect(cap.wait(at: now) == 0)
            // What was sent up to now took its time.
            #expect(Double(sent) * 8 <= Double(now - begin) / 1e9 * Double(rate) + 1)
            last = Int64.random(in: 1...100_000, using: &random)
            sent += last
            cap.charge(last, at: now)
            now += Int64.random(in: 0...2_000_000_000, using: &random)
        }
    }

    @Test func anIdleLinkSavesNothingUpAndNothingIsOwedForEver() {
        var cap = RateCap(bitsPerSecond: 8000)
        #expect(cap.wait(at: 0) == 0)
        cap.charge(1000, at: 3_600_000_000_000)
        #expect(cap.wait(at: 3_600_000_000_000) == 1_000_000_000)
        cap.charge(.max, at: 3_600_000_000_000)
        #expect(cap.wait(at: 3_600_000_000_000) == 3_600_000_000_000)
        cap.charge(-1, at: .max)
        #expect(cap.wait(at: .max) == 0)
    }

    @Test func aSlowLinkGetsSmallBundles() {
        #expect(LinkLimits(bitsPerSecond: 64_000).bundleBytes == 16_000)
        #expect(LinkLimits(bitsPerSecond: 8000).bundleBytes == Pace.fewestBytes)
        #expect(LinkLimits().bundleBytes == .max)
        var pace = Pace(entries: nil, bytes: nil, most: 16_000)
        #expect(pace.bytes == 16_000)
        for _ in 0..<100 { pace.answered(entries: pace.entries, bytes: pace.bytes, seconds: 1.2) }
        #expect(pace.bytes == 16_000 && pace.underWay == 1)
        pace = Pace(entries: nil, bytes: .max, most: .max)
        #expect(pace == Pace())
    }
}

/// What the book keeps of a month.
@Suite struct LinkUseTests {
    private let folder: TemporaryFolder
    private let november: Int64 = 1_795_000_000_000_000_000
    private let december: Int64 = 1_798_000_000_000_000_000

    init() throws { folder = try TemporaryFolder() }

    private func book() throws -> DeliveryBook {
        try DeliveryBook.opened(
            DeliveryBooks(journal: "\(folder.path)/journal"), destination: "https://a.example", unit: "u"
        ).book
    }

    private func makeUse(_ utc: Int64?, _ meter: WireMeter = WireMeter()) throws -> LinkUse {
        let use = LinkUse(LinkLimits(bytesPerMonth: 10_000_000), meter: meter) { utc }
        try use.begin(book())
        return use
    }

    /// A kill forgets nothing of what was counted, and what it counts too much is bounded.
    @Test func aKillForgetsNothing() throws {
        for _ in 0..<5 {
            let use = try makeUse(november)
            use.meter.sent(900_000)
            use.meter.received(100_000)
            try use.settle(book())
        }
        let kept = MonthCount(try book().monthCount())
        #expect(kept.name == "2026-11")
        #expect((5_000_000...(5_000_000 + 5 * LinkUse.ahead)).contains(kept.bytes))
    }

    @Test func anOrderlyEndIsExactAndIsRead() throws {
        let use = try makeUse(november)
        use.meter.sent(7_999_999)
        #expect(use.stage == .everything)
        try use.settle(book())
        use.meter.sent(1)
        #expect(use.stage == .noWaveforms)
        try use.settle(book(), isEnd: true)
        #expect(MonthCount(try book().monthCount()).bytes == 8_000_000)
        let next = try makeUse(november)
        #expect(next.stage == .noWaveforms)
        next.meter.received(2_000_000)
        #expect(next.stage == .alarmsAndPumpEvents)
        try next.settle(book(), isEnd: true)
        // The same month goes on where no clock says another, and another begins with nothing.
        #expect(try makeUse(nil).stage == .alarmsAndPumpEvents)
        #expect(try makeUse(december).stage == .everything)
        let last = try makeUse(december)
        try last.settle(book())
        #expect(MonthCount(try book().monthCount()).name == "2026-12")
    }

    @Test func aBookThatIsOpenedOnceMoreCountsOnce() throws {
        let use = try makeUse(november)
        use.meter.sent(1000)
        try use.settle(book())
        try use.begin(book())
        try use.settle(book(), isEnd: true)
        #expect(MonthCount(try book().monthCount()).bytes == 1000)
    }

    @Test func aCapIsPaidForByWhatWasSent() throws {
        let use = LinkUse(LinkLimits(bitsPerSecond: 8000))
        #expect(use.wait(at: 5_000_000_000) == 0)
        use.meter.sent(2000)
        use.meter.received(100_000)
        #expect(use.wait(at: 5_000_000_000) == 2_000_000_000)
        #expect(use.wait(at: 6_000_000_000) == 1_000_000_000)
    }
}
