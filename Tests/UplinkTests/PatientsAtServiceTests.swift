import DeviceModel
import FHIRMapping
import Foundation
import Logging
import Nomenclature
import SampleJournal
import Synchronization
import TestSupport
import Testing

@testable import Uplink

/// Whose values they are at the records service, however people and the way to it behave.
@Suite(.serialized) struct PatientsAtServiceTests {
    let folder: TemporaryFolder
    let service = ScriptedService()
    let story: BedStory
    let ana = BedStory.subject("a")
    let ben = BedStory.subject("b")

    init() throws {
        folder = try TemporaryFolder()
        story = BedStory("\(folder.path)/journal")
        try story.begin()
    }

    static let server = "https://records.example/fhir"

    func book() throws -> DeliveryBook {
        try DeliveryBook.opened(
            DeliveryBooks(journal: story.journal), destination: Self.server, unit: try identity()
        ).book
    }

    func identity() throws -> String { try #require(try JournalReader(directory: story.journal).unit()) }

    /// A process that delivers, from the book as it is: whatever was before it was killed.
    func makeRunner(
        _ book: DeliveryBook, _ watch: Reconciliation? = nil,
        identity: @escaping @Sendable (String) -> PatientIdentity? = { _ in nil }
    ) throws -> LaneRunner {
        let reader = try JournalReader(directory: story.journal)
        let settings = UplinkService.Settings(
            unit: "u", destination: Self.server, isTestData: true, window: 10 * BedStory.second,
            names: Nomenclature(), compresses: false, reconcileEvery: 3_600_000_000_000, identity: identity)
        return try LaneRunner(
            service, DeliveryWork(reader, book, unit: try self.identity(), settings: settings),
            watch ?? Reconciliation(book, every: .seconds(3600)))
    }

    enum Part: CaseIterable { case configuration, parked, alarms, events, numerics }

    func step(_ runner: LaneRunner, _ part: Part) async throws -> LaneRunner.Progress {
        switch part {
        case .configuration: try await runner.configuration()
        case .parked: try await runner.parked()
        case .alarms: try await runner.advance(.alarms)
        case .events: try await runner.advance(.events)
        case .numerics: try await runner.advance(.numerics)
        }
    }

    /// Until nothing is left.
    func deliver(identity: @escaping @Sendable (String) -> PatientIdentity? = { _ in nil }) async throws {
        let runner = try makeRunner(try book(), identity: identity)
        for _ in 0..<2000 {
            var isIdle = true
            for part in Part.allCases where try await step(runner, part) != .idle { isIdle = false }
            if isIdle { break }
        }
        if story.writer == nil { #expect(try runner.work.pending() == 0) }
    }

    /// As long as a session goes on, its last window is not delivered: what is not there at all is no fault.
    func faults() throws -> [String] {
        var filed = FiledAtService(unit: try identity(), isOver: story.writer == nil)
        return filed.faults(in: service.state.withLock { $0.resources }, of: story)
    }

    var urls: Set<String> { service.state.withLock { Set($0.resources.keys) } }

    func observations(under subject: String) throws -> [String] {
        let patient = FHIRMapper(unit: try identity(), name: "u", isTestData: true, names: Nomenclature())
            .patient(subject).url
        return service.state.withLock { state in
            state.resources.filter { $0.key.hasPrefix("Observation/") && $0.value.contains(#""\#(patient)""#) }.map(
                \.key)
        }
    }

    // MARK: One thing after another

    @Test func valuesAreThePatientsWhileThatIsKnownAndTheDevicesBeforeAndAfter() async throws {
        try story.run(seconds: 14)
        let number = try #require(try story.bind("chair-1", ana))
        try story.alert(device: "ox", bed: nil)
        try story.alert(device: nil, bed: "chair-1")
        try story.alert(device: "fridge", bed: nil)
        try story.run(seconds: 17)
        try story.unbind(number)
        try story.alert(device: nil, bed: "chair-1")
        try story.run(seconds: 20)
        try story.end()
        service.state.withLock { $0.checksReferences = true }
        try await deliver()
        #expect(try faults() == [])
        #expect(try !observations(under: ana).isEmpty)
        #expect(try book().parkedCounts() == (0, 0))
    }

    /// The oracle finds what it is to find.
    @Test func aValueUnderTheWrongSubjectIsFound() async throws {
        try story.run(seconds: 14)
        try story.bind("chair-1", ana)
        try story.run(seconds: 17)
        try story.end()
        try await deliver()
        #expect(try faults() == [])
        let some = try #require(
            try observations(under: ana).first { url in
                service.state.withLock { $0.resources[url]?.contains("valueSampledData") == true }
            })
        let text = try #require(service.state.withLock { $0.resources[some] })
        service.state.withLock { $0.resources[some] = text.replacing("\"Patient/", with: "\"Device/") }
        #expect(try !faults().isEmpty)
        service.state.withLock { $0.resources[some] = nil }
        #expect(try !faults().isEmpty)
        service.state.withLock { state in
            state.resources[some] = text
            state.resources[some + "x"] = text.replacing(some.dropFirst(12), with: some.dropFirst(12) + "x")
        }
        #expect(try !faults().isEmpty)
    }

    /// Somebody says late who has been there: the same ids under the patient, and nothing else is sent.
    @Test func aLateBindingPutsTheSameIdsAgain() async throws {
        try story.run(seconds: 20)
        try story.bind("chair-2", ben)
        try story.run(seconds: 45)
        try story.alert(device: "ox", bed: nil)
        try story.run(seconds: 20)
        try await deliver()
        #expect(try faults() == [])
        let (before, puts) = (urls, service.state.withLock { $0.puts })
        // On the border of a window: no run is cut.
        try story.bind("chair-1", ana, ago: 45)
        try await deliver()
        #expect(try faults() == [])
        let new = urls.subtracting(before)
        #expect(new.filter { $0.hasPrefix("Observation/obs") }.count <= 2 && !new.contains { $0.contains("/ref-") })
        let again = service.state.withLock { state in
            state.puts.filter { $0.value > puts[$0.key, default: 0] && before.contains($0.key) }.keys
        }
        // Of the oximeter from there on, and the alert; nothing of other devices.
        let patients = Set(try observations(under: ana))
        #expect(
            !again.isEmpty
                && again.filter { $0.hasPrefix("Observation/") }.allSatisfy { url in
                    patients.contains(url) || new.count > 0 && url.hasPrefix("Observation/obs")
                })
        #expect(again.count < before.count / 2)
    }

    @Test(arguments: [true, false])
    func aWrongPatientsValuesAreEnteredInErrorAndComeAnew(hasReplacement: Bool) async throws {
        try story.run(seconds: 14)
        let number = try #require(try story.bind("chair-1", ana))
        try story.alert(device: nil, bed: "chair-1")
        try story.enter(bed: "chair-1")
        try story.run(seconds: 33)
        try await deliver()
        #expect(try faults() == [])
        let mistaken = Set(try observations(under: ana))
        try story.withdraw(number, for: hasReplacement ? ben : nil)
        try story.run(seconds: 20)
        try story.end()
        try await deliver()
        #expect(try faults() == [])
        // All that was filed under the wrong patient is there still, and says that it is an error.
        let texts = service.state.withLock { state in mistaken.map { state.resources[$0] ?? "" } }
        #expect(!texts.isEmpty && texts.allSatisfy { $0.contains(#""status":"entered-in-error""#) })
        #expect(try observations(under: ben).isEmpty != hasReplacement)
        #expect(try observations(under: ben).contains { $0.hasPrefix("Observation/ref-") } == hasReplacement)
    }

    /// The same resources from a book that was lost, and not one more.
    @Test func aLostBookDoublesNothing() async throws {
        try story.run(seconds: 14)
        let number = try #require(try story.bind("chair-1", ana, ago: 7))
        try story.run(seconds: 13)
        try await deliver()
        try story.withdraw(number, for: ben)
        try story.run(seconds: 13)
        try await deliver()
        try story.bind("chair-2", ana, ago: 30)
        try story.run(seconds: 13)
        try story.end()
        try await deliver()
        #expect(try faults() == [])
        let before = service.state.withLock { $0.resources }
        try FileManager.default.removeItem(atPath: DeliveryBooks(journal: story.journal).directory)
        try await deliver()
        #expect(service.state.withLock { $0.resources } == before)
    }

    // MARK: What the service says

    @Test func theAuditSaysThatSomebodyCameAndNotWho() async throws {
        let number = try #require(try story.bind("chair-1", ana))
        try story.run(seconds: 5)
        try story.withdraw(number)
        try story.end()
        try await deliver {
            PatientIdentity(
                identifiers: [PatientIdentifier(system: "urn:mrn", value: "1234567")], birthDate: "1961-02-03",
                name: "N N \($0.prefix(1))")
        }
        let texts = service.state.withLock { $0.resources.filter { $0.key.hasPrefix("AuditEvent/") }.map(\.value) }
        #expect(texts.count == 2)
        for text in texts {
            #expect(text.contains("Patient/pat-") && text.contains("patient-association"))
            for word in ["1234567", "1961", "N N", "nurse", ana] { #expect(!text.contains(word)) }
        }
        let patient = service.state.withLock { $0.resources.first { $0.key.hasPrefix("Patient/") }?.value } ?? ""
        for word in ["1234567", "1961-02-03", "N N a", ana] { #expect(patient.contains(word)) }
    }

    /// As long as the protected store cannot be read the patient has the digest only, and gets the rest when it can.
    @Test func aPatientGetsTheRestOnceItCanBeRead() async throws {
        try story.bind("chair-1", ana)
        try story.run(seconds: 25)
        try await deliver()
        func patient() -> String {
            service.state.withLock { $0.resources.first { $0.key.hasPrefix("Patient/") }?.value } ?? ""
        }
        #expect(patient().contains(ana) && !patient().contains("1234567"))
        try await deliver { _ in
            PatientIdentity(identifiers: [PatientIdentifier(system: "urn:mrn", value: "1234567")])
        }
        #expect(patient().contains(ana) && patient().contains("1234567"))
    }

    /// A service that refuses the patient, and takes nothing that refers to what it does not have, gets the alarm all
    /// the same; once it takes the patient the alarm is filed where it belongs.
    @Test(arguments: [true, false]) func anAlarmDoesNotWaitForItsPatient(isRefused: Bool) async throws {
        try story.run(seconds: 3)
        try story.bind("chair-1", ana)
        try story.alert(device: nil, bed: "chair-1")
        try story.run(seconds: 5)
        let answer = isRefused ? Answer.refused(reason: "HTTP 422") : .notNow(reason: "HTTP 503", retryAfter: nil)
        service.state.withLock {
            $0.checksReferences = true
            $0.poison = Poison(answer: answer) { $0.type == "Patient" }
        }
        let runner = try makeRunner(try book())
        for _ in 0..<3 { _ = try await runner.advance(.alarms) }
        func alerts() -> [String] {
            service.state.withLock { $0.resources.values.filter { $0.contains("urn:nabd:alert") } }
        }
        #expect(alerts().count == 1 && alerts().allSatisfy { !$0.contains("Patient/") })
        service.state.withLock { $0.poison = nil }
        try DeliveryBooks(journal: story.journal).leave(.retry)
        try book().follow(DeliveryBooks(journal: story.journal))
        try story.end()
        try await deliver()
        #expect(alerts().count == 1 && alerts().allSatisfy { $0.contains("Patient/") })
        #expect(try faults() == [] && book().parkedCounts() == (0, 0))
    }

    /// All else of a patient waits behind the one description that is refused, and counts as nothing refused.
    @Test func whatIsOfARefusedPatientWaitsBehindTheDescription() async throws {
        try story.run(seconds: 3)
        try story.bind("chair-1", ana)
        for _ in 0..<5 { try story.enter(bed: "chair-1") }
        try story.run(seconds: 25)
        try story.end()
        service.state.withLock {
            $0.checksReferences = true
            $0.poison = Poison(answer: .refused(reason: "HTTP 422")) { $0.type == "Patient" }
        }
        let runner = try makeRunner(try book())
        for _ in 0..<20 { for part in Part.allCases { _ = try await step(runner, part) } }
        let counts = try book().parkedCounts()
        #expect(counts.refused == 1 && counts.behind > 8, "\(counts)")
        service.state.withLock { $0.poison = nil }
        try book().retry()
        try await deliver()
        #expect(try faults() == [] && book().parkedCounts() == (0, 0))
        let entries = service.state.withLock { $0.resources.values.filter { $0.contains("urn:nabd:entry\"") } }
        #expect(entries.count == 5 && entries.allSatisfy { $0.contains("Patient/") })
    }
}
