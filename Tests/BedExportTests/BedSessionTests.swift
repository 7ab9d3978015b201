import DeviceModel
import SampleJournal
import TestSupport
import Testing

@testable import BedExport

@Suite struct BedSessionTests {
    @Test func eventsTellWhoWasWhereAndWhen() throws {
        let unit = try SampleUnit.shared()
        let history = try BedHistory(JournalReader(directory: unit.journal))
        #expect(history.beds == ["chair-north", "chair-south"])
        let north = history.sessions.filter { $0.bed == "chair-north" }
        #expect(north.map(\.subject) == [SampleUnit.alice, SampleUnit.bob])
        #expect(north[0].start == JournalMoment(session: 1, time: 110 * SampleUnit.second))
        #expect(north[0].end == JournalMoment(session: 2, time: 50 * SampleUnit.second))
        #expect(north[1].end == nil && north[0].presets.map(\.name) == ["oncology-chair"])
        #expect(north[0].presets.first?.isReviewed == false && north[0].arabicName == "كرسي الشمال")
        let south = history.sessions.filter { $0.bed == "chair-south" }
        #expect(south.map(\.isWithdrawn) == [true, false])
        #expect(south[0].replacement == south[1].binding && south[1].start == south[0].start)
    }

    /// A device belongs to its bed from the session's start, and moves with the configuration.
    @Test func aBedsDevicesAreThoseOfTheTime() throws {
        let folder = try TemporaryFolder()
        let host = try SampleUnit.Host("\(folder.path)/j", start: 10)
        try host.event(
            "bedConfigured", at: 20, ["bed": .string("chair-north"), "devices": .array([.string("pump-77")])])
        try host.finish(at: 30)
        let history = try BedHistory(JournalReader(directory: "\(folder.path)/j"))
        func devices(_ time: Int64, session: Int64 = 1) -> Set<String> {
            history.devices(of: "chair-north", at: JournalMoment(session: session, time: time * SampleUnit.second))
        }
        #expect(devices(5) == ["oximeter-77", "pump-77"] && devices(19) == ["oximeter-77", "pump-77"])
        #expect(devices(20) == ["pump-77"] && devices(5, session: 2) == [])
        #expect(history.devices(of: "chair-west", at: JournalMoment(session: 1, time: 0)) == [])
    }

    @Test func anotherPatientEndsTheTimeOfTheOneBefore() throws {
        let folder = try TemporaryFolder()
        let host = try SampleUnit.Host("\(folder.path)/j", start: 10)
        let first = try host.bind("chair-north", SampleUnit.alice, at: 20)
        try host.bind("chair-north", SampleUnit.bob, at: 40, since: (host.key, 30))
        // What comes late of a binding that ended does not lengthen it.
        try host.unbind("chair-north", first, at: 50)
        try host.finish(at: 60)
        let sessions = try BedHistory(JournalReader(directory: "\(folder.path)/j")).sessions
        #expect(sessions.map { $0.end?.time } == [30 * SampleUnit.second, nil])
    }

    @Test func whatIsNoEventOfABedIsLetGo() throws {
        let folder = try TemporaryFolder()
        let host = try SampleUnit.Host("\(folder.path)/j", start: 10)
        try host.event("patientBound", at: 20, ["bed": .string("chair-north")])
        try host.event("patientBound", at: 20, ["subject": .string(SampleUnit.bob)])
        try host.event("patientBound", at: 20, ["bed": .integer(5), "subject": .array([])])
        try host.event("patientUnbound", at: 20, ["binding": .string("1")])
        try host.event("bindingWithdrawn", at: 20, ["binding": .number("1e400")])
        try host.event("bedConfigured", at: 20, ["devices": .string("x")])
        try host.event("presetChosen", at: 20)
        try host.finish(at: 60)
        #expect(try BedHistory(JournalReader(directory: "\(folder.path)/j")).sessions == [])
    }
}
