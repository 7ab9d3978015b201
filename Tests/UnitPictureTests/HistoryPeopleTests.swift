import DeviceModel
import Foundation
import Patients
import Testing

@testable import SampleJournal
@testable import UnitPicture

private let second = PictureUnit.second
private let anna = String(repeating: "a1", count: 32)
private let basil = String(repeating: "b2", count: 32)

/// Whose values of the past are, and which of them are told to whom.
@Suite struct HistoryPeopleTests {
    /// What is told of the saturation: its values, why others are missing, and whose they are.
    private struct Told {
        var values: Set<String> = []
        var words: Set<String> = []
        var whose: [[Any]] = []
        var events: [String] = []

        /// Whose, as text.
        var holders: [String] { whose.map { "\($0[1])" } }
    }

    /// One value each second.
    private func measure(_ unit: PictureUnit, _ bits: Int64, seconds: Int = 10) throws {
        for _ in 0..<seconds {
            unit.now += second
            unit.sample(PictureUnit.saturation, bits)
            try unit.commit()
        }
        // What is said next is said after the last value.
        unit.now += second / 2
    }

    private func told(_ unit: PictureUnit, _ scope: HistoryScope) throws -> Told {
        let reading = try HistoryReading(unit.directory, scope)
        let number = try reading.number("MDC_PULS_OXIM_SAT_O2")
        let middle = (PictureUnit.utc + unit.now) / 1_000_000
        let answer = try reading.object(
            "/history",
            [
                "streams": "\(number)", "from": "\(middle - 7_200_000)", "to": "\(middle + 7_200_000)",
                "columns": "4000",
            ])
        let stream = try #require((answer["streams"] as? [[String: Any]])?.first)
        var told = Told()
        for member in ["low", "high"] {
            told.values.formUnion(try #require(stream[member] as? [Any]).compactMap { $0 as? String })
        }
        told.words = Set(try #require(stream["gaps"] as? [[Any]]).compactMap { $0[2] as? String })
        told.whose = try #require(stream["whose"] as? [[Any]])
        told.events = try #require(answer["events"] as? [[Any]]).compactMap { $0[1] as? String }
        return told
    }

    /// The number of an event that stands for one by which somebody may look.
    private func opened(_ unit: PictureUnit) throws -> Int64 {
        try unit.record([.hostStopped(alertsEnded: 0, at: unit.now)])
    }

    // MARK: From afar

    @Test func fromAfarOnlyWhoIsThereNowIsSeen() throws {
        let unit = try PictureUnit()
        try measure(unit, 70)
        let first = try unit.bind("chair-1", anna)
        try measure(unit, 71)
        try unit.line(.deviceSilent, "oximeter")
        try unit.say([.unbound(bed: "chair-1", binding: first, by: ["layla"])])
        try measure(unit, 72)
        try unit.bind("chair-1", basil)
        try measure(unit, 80)
        let far = try told(unit, .far(consultation: try opened(unit), bed: nil))
        #expect(far.values == ["80"] && far.words.contains("withheld"))
        #expect(!far.events.contains("deviceSilent") && !far.events.contains("patientUnbound"))
        // All that was measured is there for those on the unit.
        let near = try told(unit, .unit)
        #expect(near.values == ["70", "71", "72", "80"] && !near.words.contains("withheld"))
        #expect(near.events.contains("deviceSilent"))
    }

    @Test func whatADeviceMeasuredAtAnotherBedIsNotSeen() throws {
        let unit = try PictureUnit()
        try unit.bind("chair-1", anna)
        let second = try unit.bind("chair-2", basil)
        try measure(unit, 71)
        try unit.say([
            .configured(bed: "chair-1", ConfiguredBed(name: "Chair 1", nameArabic: "كرسي 1", devices: ["pump"])),
            .configured(
                bed: "chair-2",
                ConfiguredBed(name: "Chair 2", nameArabic: "كرسي 2", devices: ["monitor", "oximeter"])),
        ])
        try measure(unit, 80)
        let far = try told(unit, .far(consultation: try opened(unit), bed: "chair-2"))
        #expect(far.values == ["80"] && far.words.contains("withheld"))
        #expect(far.holders == ["\(second)"])
        #expect(try told(unit, .far(consultation: opened(unit), bed: "chair-1")).values.isEmpty)
    }

    /// The first patient's values bear later times than the second one's arrival, and are not taken for the second's.
    @Test func anArrivalThatWasSaidWhileTheClockWasNotSetCountsByItsPlace() throws {
        let unit = try PictureUnit()
        let first = try unit.bind("chair-1", anna)
        try measure(unit, 71)
        try unit.say([.unbound(bed: "chair-1", binding: first, by: ["layla"])])
        unit.now += second
        (unit.offset, unit.quality) = (PictureUnit.utc - 3_600 * second, .unknown)
        let binding = try unit.bind("chair-1", basil)
        try measure(unit, 80)
        (unit.offset, unit.quality) = (PictureUnit.utc, .synchronised)
        try measure(unit, 81)
        let far = try told(unit, .far(consultation: try opened(unit), bed: nil))
        #expect(far.values == ["80", "81"] && far.holders == ["\(binding)"])
    }

    /// Of a time before the run of the host in which somebody said so, only the wall clock could tell.
    @Test func anArrivalInAnEarlierRunOfTheHostIsSeenFromWhenItWasSaid() throws {
        let unit = try PictureUnit()
        try measure(unit, 70)
        let since = Moment(session: unit.writer.sessionKey, nanoseconds: unit.now)
        try measure(unit, 71)
        try unit.restart()
        try measure(unit, 72)
        try unit.bind("chair-1", anna, since: since)
        try measure(unit, 80)
        #expect(try told(unit, .far(consultation: opened(unit), bed: nil)).values == ["80"])
        // On the unit it is seen whose they are thought to be.
        #expect(try Set(told(unit, .unit).holders).count == 2)
    }

    /// One that was said in its own run of the host is known over all later ones.
    @Test func aPatientWhoStaysOverARestartIsSeenFromTheArrivalOn() throws {
        let unit = try PictureUnit()
        try measure(unit, 70)
        try unit.bind("chair-1", anna)
        try measure(unit, 80)
        try unit.restart(boot: "another", at: 5 * second)
        try measure(unit, 81)
        #expect(try told(unit, .far(consultation: opened(unit), bed: nil)).values == ["80", "81"])
    }

    @Test func whereNobodyIsBoundItIsSeenSinceItWasOpened() throws {
        let unit = try PictureUnit()
        let first = try unit.bind("chair-1", anna)
        try measure(unit, 71)
        try unit.say([.unbound(bed: "chair-1", binding: first, by: ["layla"])])
        try measure(unit, 72)
        let opening = try opened(unit)
        try measure(unit, 80)
        let far = try told(unit, .far(consultation: opening, bed: nil))
        #expect(far.values == ["80"] && far.words.contains("withheld"))
        #expect(try told(unit, .far(consultation: 1_000_000, bed: nil)).values.isEmpty, "one that is not in the record")
    }

    @Test func whereEventsOfBedsMayBeLostNobodyIsSeenOfBefore() throws {
        let unit = try PictureUnit()
        try unit.bind("chair-1", anna)
        try measure(unit, 71)
        _ = try unit.writer.record(
            [JournalWriter.Event("journalGap", body: ["part": .string("events")], monotonic: unit.now)],
            now: unit.now, utcOffset: unit.offset, quality: unit.quality)
        try measure(unit, 72)
        #expect(try told(unit, .far(consultation: opened(unit), bed: nil)).values.isEmpty)
    }

    @Test func streamsOfOthersAreNotListed() throws {
        let unit = try PictureUnit()
        let first = try unit.bind("chair-1", anna)
        try measure(unit, 71)
        unit.sample(PictureUnit.rate, 5)
        try unit.commit()
        unit.now += second
        try unit.say([.unbound(bed: "chair-1", binding: first, by: ["layla"])])
        try unit.bind("chair-1", basil)
        let begin = (unit.now + PictureUnit.utc) / 1_000_000
        try measure(unit, 80)
        let reading = try HistoryReading(unit.directory, .far(consultation: try opened(unit), bed: nil))
        let answer = try reading.object("/streams", ["from": "\(begin - 60_000)", "to": "\(begin + 60_000)"])
        let streams = try #require(answer["streams"] as? [[String: Any]])
        #expect(streams.map { $0["metric"] as? String } == ["MDC_PULS_OXIM_SAT_O2"])
        #expect(try #require(streams.first?["first"] as? Int64) >= begin)
        for (path, more) in [("/history", ["streams": "1", "format": "csv"]), ("/log", [:])] {
            let asked = ["from": "\(begin)", "to": "\(begin + 1)"].merging(more) { $1 }
            #expect(throws: HistoryFault.self) { _ = try reading.bytes(path, asked) }
        }
    }

    // MARK: On the unit

    @Test func itIsToldWhoseTheValuesAre() throws {
        let unit = try PictureUnit()
        try measure(unit, 70)
        let first = try unit.bind("chair-1", anna)
        try measure(unit, 71)
        try unit.say([.unbound(bed: "chair-1", binding: first, by: ["layla"])])
        let second = try unit.bind("chair-1", basil)
        try measure(unit, 80, seconds: 30)
        let near = try told(unit, .unit)
        // Columns are 3.6 s wide: where one patient follows the other in one, it is of neither.
        #expect(near.holders.filter { $0 != "several" } == ["<null>", "\(first)", "\(second)"])
        #expect(near.holders.contains("several"))
        let columns = try near.whose.map { try #require($0[0] as? Int) }
        #expect(columns == columns.sorted() && Set(columns).count == columns.count)
    }

    /// Who goes and comes again is not another one.
    @Test func onePatientIsOneOverTwoStays() throws {
        let unit = try PictureUnit()
        let first = try unit.bind("chair-1", anna)
        try measure(unit, 71)
        try unit.say([.unbound(bed: "chair-1", binding: first, by: ["layla"])])
        let again = try unit.bind("chair-1", anna)
        try measure(unit, 72)
        #expect(try told(unit, .unit).holders == ["\(again)"])
    }
}
