import DeviceModel
import Patients
import SampleJournal
import TestSupport
import Testing

@testable import BedExport

@Suite struct BedSessionTests {
    @Test func eventsTellWhoWasWhereAndUnderWhichNames() throws {
        let history = try BedHistory(JournalReader(directory: SampleUnit.shared().journal))
        #expect(history.beds == ["chair-north", "chair-south"])
        let north = history.sessions(of: "chair-north")
        #expect(north.map(\.binding.subject) == [SampleUnit.alice, SampleUnit.dora])
        #expect(north[0].binding.since.nanoseconds == 110 * SampleUnit.second)
        #expect(north[0].binding.until?.nanoseconds == 50 * SampleUnit.second && north[1].binding.isOpen)
        // The preset holds on for the next patient, until somebody chooses another.
        #expect(north.map { $0.presets.map(\.preset) } == [["oncology-chair"], ["oncology-chair"]])
        #expect(north[0].configured?.nameArabic == "كرسي الشمال")
        let south = history.sessions(of: "chair-south")
        #expect(south.map(\.binding.isWithdrawn) == [true, false])
        #expect(south[0].replacement == south[1].binding.number)
        #expect(history.sessions(of: "chair-west").isEmpty)
    }

    /// Names and presets are those of the patient's time.
    @Test func whatCameAfterThePatientIsOfTheNextOne() throws {
        let folder = try TemporaryFolder()
        let host = try SampleUnit.Host("\(folder.path)/j", start: 10)
        func choose(_ name: String, at time: Int64) throws {
            let preset = PresetChoice(
                preset: name, digest: String(repeating: "e5", count: 32), isReviewed: false, by: ["n"])
            try host.tell(.presetChosen(bed: "chair-north", preset), at: time)
        }
        try choose("a", at: 11)
        try choose("b", at: 12)
        let binding = try host.bind("chair-north", SampleUnit.alice, at: 20)
        try choose("c", at: 25)
        try host.tell(.unbound(bed: "chair-north", binding: binding, by: ["n"]), at: 30)
        try choose("d", at: 31)
        let renamed = ConfiguredBed(name: "Renamed", nameArabic: "سرير", devices: ["pump-77"])
        try host.tell(.configured(bed: "chair-north", renamed), at: 32)
        try host.bind("chair-north", SampleUnit.bob, at: 40)
        try host.finish(at: 60)
        let history = try BedHistory(JournalReader(directory: "\(folder.path)/j"))
        let sessions = history.sessions(of: "chair-north")
        #expect(sessions.map { $0.presets.map(\.preset) } == [["b", "c"], ["d"]])
        #expect(sessions.map { $0.configured?.name } == ["North Chair", "Renamed"])
        // A device that the bed has no more is of nobody.
        let key = host.key
        let (oximeter, pump) = (
            history.ranges(of: sessions[1].binding, device: "oximeter-77", in: key),
            history.ranges(of: sessions[1].binding, device: "pump-77", in: key)
        )
        #expect(oximeter == [] && pump == [40 * SampleUnit.second..<Int64.max])
        #expect(
            history.ranges(of: sessions[0].binding, device: "oximeter-77", in: key) == [
                20 * SampleUnit.second..<30 * SampleUnit.second
            ])
    }

    @Test func whatIsNoEventOfABedIsLetGo() throws {
        let folder = try TemporaryFolder()
        let host = try SampleUnit.Host("\(folder.path)/j", start: 10)
        try host.event("patientBound", at: 20, ["bed": .string("chair-north")])
        try host.event("patientBound", at: 20, ["bed": .integer(5), "subject": .array([])])
        try host.event("patientUnbound", at: 20, ["binding": .string("1")])
        try host.event("bindingWithdrawn", at: 20, ["binding": .number("1e400")])
        try host.event("bedConfigured", at: 20, ["devices": .string("x")])
        try host.event("presetChosen", at: 20)
        try host.finish(at: 60)
        let history = try BedHistory(JournalReader(directory: "\(folder.path)/j"))
        #expect(history.sessions(of: "chair-north").isEmpty && history.beds.count == 2)
    }
}
