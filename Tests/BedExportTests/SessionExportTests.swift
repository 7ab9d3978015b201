import DeviceModel
import FHIRMapping
import Foundation
import Nomenclature
import Patients
import SampleJournal
import TestSupport
import Testing

@testable import BedExport

/// A record written to files, and read back as text.
struct Written {
    let document: String
    let tables: [String: String]
    var everything: String { ([document] + tables.sorted { $0.key < $1.key }.map(\.value)).joined(separator: "\n") }

    func rows(_ table: String) -> [[String]] {
        (tables["\(table).csv"] ?? "").split(separator: "\n").dropFirst().map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    init(
        _ unit: SampleUnit, _ veil: Veil = .none, bed: String = "chair-north", place: Int = 0, isTestData: Bool = true
    ) throws {
        let reader = try JournalReader(directory: unit.journal)
        let history = try BedHistory(reader)
        let session = history.sessions(of: bed).filter { !$0.binding.isWithdrawn }[place]
        let out = "\(unit.folder.path)/\(UUID().uuidString)"
        _ = try SessionExport.write(
            SessionExport.Request(
                session: session, veil: veil, names: Nomenclature(), isTestData: isTestData,
                now: 1_800_000_000_000_000_000, identifiers: SampleUnit.identifiers),
            from: reader, history: history, document: "\(out).json", tables: out)
        document = try String(contentsOfFile: "\(out).json", encoding: .utf8)
        var tables: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: out) {
            tables[name] = try String(contentsOfFile: "\(out)/\(name)", encoding: .utf8)
        }
        self.tables = tables
    }
}

@Suite struct BedExportTests {
    private func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func resources(_ document: String) throws -> [[String: Any]] {
        let entries = try #require(try json(document)["entry"] as? [[String: Any]])
        return entries.compactMap { $0["resource"] as? [String: Any] }
    }

    // MARK: Tables

    @Test func trendsAreTheBedsOwnSamplesOfItsTimeAndNoOthers() throws {
        let written = try Written(SampleUnit.shared())
        let trends = written.rows("trends")
        #expect(Set(trends.map { $0[3] }) == ["oximeter-77", "pump-77"])
        let saturation = trends.filter { $0[5] == "MDC_PULS_OXIM_SAT_O2" }
        // 110…149 and 160…169 of the first session, 15…49 of the second.
        #expect(saturation.count == 40 + 10 + 35)
        #expect(saturation.map { $0[1] }.first == "110000000000" && saturation.last?[1] == "49000000000")
        #expect(saturation.first?[0] == "2026-11-01T08:00:10.000Z")
        #expect(!trends.contains { $0[5] == "MDC_PULS_OXIM_PLETH" })
        // What has no value says why, and has none.
        let none = saturation.filter { $0[9] == "notAvailable" }
        #expect(none.count == 3 && none.allSatisfy { $0[7].isEmpty && $0[10] == "sentinel" })
        #expect(saturation.first { $0[9] == "questionable" }?[7] == "85")
    }

    @Test func gapsSayFromWhenToWhenAndWhy() throws {
        let gaps = try Written(SampleUnit.shared()).rows("gaps").filter { $0[6] == "MDC_PULS_OXIM_SAT_O2" }
        let told = gaps.map { [$0[2], $0[3], $0[7], $0[8], $0[9], $0[10]] }
        #expect(
            told == [
                ["140000000000", "143000000000", "no-value", "notAvailable", "sentinel", "3"],
                ["149000000000", "160000000000", "no-samples", "", "", ""],
                ["169000000000", "15000000000", "host-not-running", "", "", ""],
            ])
        let events = try Written(SampleUnit.shared()).rows("gaps").filter { $0[6].isEmpty }.map { $0[7] }
        #expect(events == ["deviceSilent", "hostStopped", "hostStarted"])
    }

    @Test func alarmsAreThoseOfTheBed() throws {
        let alarms = try Written(SampleUnit.shared()).rows("alarms")
        #expect(alarms.map { $0[4] } == ["alertStart", "alertUpdate", "alertEnd"])
        #expect(alarms.allSatisfy { $0[8] == "MDC_EVT_LO_VAL_LT_LIM" && $0[9] == "medium" })
    }

    @Test func infusionsShowWhatWasSetAndWhatWasGivenWhereItChanges() throws {
        let written = try Written(SampleUnit.shared())
        let rows = written.rows("infusions")
        #expect(rows.filter { $0[5] == "programmed" }.map { $0[7] } == ["100", "50"])
        // 1.0 to 6.9 mL in tenths, each a change.
        let delivered = rows.filter { $0[5] == "delivered" }
        #expect(delivered.count == 60 && delivered.first?[7] == "1" && delivered.last?[7] == "6.9")
        #expect(rows.filter { $0[5] == "command" }.map { $0[11] } == ["commandDrafted", "commandSent"])
    }

    /// What a command says is therapy: it stays in the journal, in every form of the record.
    @Test func nothingOfACommandIsToldButThatItWas() throws {
        let unit = try SampleUnit.shared()
        var events = ""
        _ = try JournalExport(JournalReader(directory: unit.journal)).events(after: 0) { events += $0 }
        for secret in ["Paclitaxel", "125.5"] {
            #expect(events.contains(secret))
            #expect(try !Written(unit).everything.contains(secret))
        }
    }

    @Test func scoresAreTotalsPartsAndWhatIsMissing() throws {
        let rows = try Written(SampleUnit.shared()).rows("scores").map { [$0[4]] + $0[5...10] }
        #expect(
            rows == [
                ["bedEntered", "esas-pain", "", "4", "4", "", ""],
                ["scoreGiven", "news2", "", "", "", "", "\"temperature: never-measured\""],
                ["scoreGiven", "news2", "pulse", "95", "1", "", ""],
                ["scoreGiven", "news2", "temperature", "", "", "", "never-measured"],
                ["scoreGiven", "news2", "", "", "6", "medium", ""],
                ["scoreGiven", "news2", "saturation", "98", "3", "", ""],
                ["scoreGiven", "news2", "consciousness", "V", "3", "", ""],
            ])
    }

    @Test func provenanceIsKept() throws {
        let text = try #require(try Written(SampleUnit.shared()).tables["provenance.json"])
        let all = try json(text)
        #expect((all["profiles"] as? [Any])?.count == 2 && all["recordedBy"] as? [String] == ["0.2.0"])
        let preset = try #require((all["presets"] as? [[String: Any]])?.first)
        #expect(
            preset["digest"] as? String == String(repeating: "e5", count: 32) && preset["reviewed"] as? Bool == false)
        #expect((all["profiles"] as? [[String: Any]])?.allSatisfy { $0["unverifiedFacts"] as? Bool == true } == true)
        #expect((all["samplesByValidity"] as? [String: Int])?["notAvailable"] == 3)
        #expect((all["samplesByClock"] as? [String: Int])?["synchronised"] ?? 0 > 100)
    }

    // MARK: The document

    @Test func theDocumentBeginsWithItsCompositionAndHasAllThatItRefersTo() throws {
        let written = try Written(SampleUnit.shared())
        let bundle = try json(written.document)
        #expect(bundle["type"] as? String == "document" && bundle["timestamp"] as? String == "2027-01-15T08:00:00.000Z")
        let all = try resources(written.document)
        #expect(all.first?["resourceType"] as? String == "Composition")
        let addresses = all.map { "\($0["resourceType"] ?? "")/\($0["id"] ?? "")" }
        #expect(Set(addresses).count == addresses.count)
        let references = written.document.matches(of: /"reference":"([^"]*)"/).map { String($0.1) }
        #expect(references.count > 10 && Set(references).subtracting(addresses) == [])
        let sections = try #require(all.first?["section"] as? [[String: Any]])
        #expect(sections.count == 4 && sections.allSatisfy { ($0["entry"] as? [Any])?.isEmpty == false })
        let patient = try #require(all.first { $0["resourceType"] as? String == "Patient" })
        #expect((patient["identifier"] as? [[String: Any]])?.count == 2)
        for one in all where one["resourceType"] as? String == "Observation" {
            let subject = (one["subject"] as? [String: Any])?["reference"] as? String
            #expect(subject == "Patient/\(patient["id"] ?? "")")
        }
        #expect(all.filter { $0["resourceType"] as? String == "AuditEvent" }.count == 2)
    }

    /// A value that is in the document stands in the tables, and the other way round: one record, two forms.
    @Test func documentAndTablesSayTheSame() throws {
        let written = try Written(SampleUnit.shared())
        var values: [String] = []
        for one in try resources(written.document) {
            guard let data = one["valueSampledData"] as? [String: Any], let text = data["data"] as? String,
                (one["code"] as? [String: Any])?["text"] as? String == "MDC_PULS_OXIM_SAT_O2"
            else { continue }
            values += text.split(separator: " ").filter { $0 != "E" }.map(String.init)
        }
        let told = written.rows("trends").filter { $0[5] == "MDC_PULS_OXIM_SAT_O2" && !$0[7].isEmpty }.map { $0[7] }
        #expect(values.sorted() == told.sorted() && !told.isEmpty)
    }

    /// The delivery windows of the session cut the record too: what begins with one has the id of what is delivered.
    @Test func anObservationHasTheIdThatItHasAtTheRecordsService() throws {
        let unit = try SampleUnit.shared()
        let reader = try JournalReader(directory: unit.journal)
        let (session, second) = (try #require(try reader.sessions().first), SampleUnit.second)
        let window = session.started + 60 * second
        var builder = SampleRunBuilder(SampleUnit.pulse, .sorted)
        for time in Int64(160)..<170 {
            builder.append(
                SampleRunBuilder.Sample(
                    bits: 70, text: nil, validity: .valid, sequence: time - 105, time: time * second,
                    utc: time * second + SampleUnit.utc))
        }
        let run = try #require(builder.finish().first)
        let mapper = FHIRMapper(
            unit: try #require(try reader.unit()), name: "", isTestData: true, names: Nomenclature())
        let delivered = mapper.observation(run, of: SampleUnit.pulse, session: session.key, window: window)
        let ids = try resources(Written(unit).document).filter {
            ($0["code"] as? [String: Any])?["text"] as? String == "MDC_PULS_OXIM_PULS_RATE"
                && $0["resourceType"] as? String == "Observation"
        }.compactMap { $0["id"] as? String }
        #expect(ids.count == 2 && ids.last == delivered.id)
    }

    @Test func anIncompleteScoreHasNoNumberAndSaysWhy() throws {
        let all = try resources(Written(SampleUnit.shared()).document)
        let scores = all.filter { ($0["code"] as? [String: Any])?["text"] as? String == "NEWS2" }
        #expect(scores.count == 2 && scores[0]["valueInteger"] == nil && scores[1]["valueInteger"] as? Int == 6)
        #expect(scores[0]["dataAbsentReason"] != nil)
        let text = try #require(String(data: JSONSerialization.data(withJSONObject: scores[1]), encoding: .utf8))
        // On scale 2 the saturation's points have the code of that scale.
        #expect(text.contains("1104321000000108") && !text.contains("1104311000000102"))
    }

    @Test func aRecordThatGoesOnIsPreliminary() throws {
        let written = try Written(SampleUnit.shared(), place: 1)
        #expect(written.document.contains(#""status":"preliminary""#))
        #expect(written.rows("trends").count == 10 + 8)
        #expect(written.tables["provenance.json"]?.contains(#""isOpen": true"#) == true)
    }

    // MARK: What is refused

    @Test func aWrongPatientsBindingIsNotExported() throws {
        let unit = try SampleUnit.shared()
        let reader = try JournalReader(directory: unit.journal)
        let history = try BedHistory(reader)
        let wrong = try #require(history.sessions(of: "chair-south").first { $0.binding.isWithdrawn })
        let request = SessionExport.Request(
            session: wrong, veil: .none, names: Nomenclature(), isTestData: true, now: 0)
        do {
            _ = try SessionExport.write(
                request, from: reader, history: history, document: "\(unit.folder.path)/x.json", tables: nil)
            Issue.record("it was exported")
        } catch let error as ExportError {
            #expect(error.description.contains("--binding \(try #require(wrong.replacement))"))
        }
        #expect(!FileManager.default.fileExists(atPath: "\(unit.folder.path)/x.json"))
    }

    /// Half a record looks like a whole one.
    @Test func whatFailsLeavesNothing() throws {
        let unit = try SampleUnit.shared()
        let reader = try JournalReader(directory: unit.journal)
        let history = try BedHistory(reader)
        let session = try #require(history.sessions(of: "chair-north").first)
        let request = SessionExport.Request(
            session: session, veil: .none, names: Nomenclature(), isTestData: true, now: 0)
        let (file, folder) = ("\(unit.folder.path)/no-such-folder/x.json", "\(unit.folder.path)/half")
        #expect(throws: ExportError.self) {
            _ = try SessionExport.write(request, from: reader, history: history, document: file, tables: folder)
        }
        #expect(!FileManager.default.fileExists(atPath: folder) && !FileManager.default.fileExists(atPath: file))
    }

    @Test func nothingIsWrittenOver() throws {
        let unit = try SampleUnit.shared()
        let file = try unit.folder.write("old.json", "old")
        #expect(throws: ExportError.self) { try ExportFile.write("new", to: file) }
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "old")
        #expect(throws: ExportError.self) { _ = try TableFolder(unit.folder.path) }
    }
}

/// The sample unit's journal for those who test from outside: `Tests/journals/beds-1`. Made anew only when it is asked
/// for by the environment, `NABD_RECORD_BEDS=FOLDER`.
@Suite struct SampleUnitTests {
    private static let target = ProcessInfo.processInfo.environment["NABD_RECORD_BEDS"]

    @Test(.enabled(if: target != nil)) func theSampleUnitIsRecorded() throws {
        let target = try #require(Self.target)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        for file in try FileManager.default.contentsOfDirectory(atPath: SampleUnit.shared().journal)
        where file.hasSuffix(".sqlite") {
            try FileManager.default.copyItem(
                atPath: "\(SampleUnit.shared().journal)/\(file)", toPath: "\(target)/\(file)")
        }
    }

    /// What stands there is read as what is written today; a copy of it, since readers leave files beside it.
    @Test func theRecordedUnitIsReadAlike() throws {
        let folder = try TemporaryFolder()
        for file in ["samples-000001.sqlite", "events-000001.sqlite"] {
            try FileManager.default.copyItem(
                atPath: Repository.path("Tests/journals/beds-1/\(file)"), toPath: "\(folder.path)/\(file)")
        }
        func subjects(_ journal: String) throws -> [String] {
            let history = try BedHistory(JournalReader(directory: journal))
            return history.beds.flatMap { history.sessions(of: $0).map(\.binding.subject) }
        }
        let kept = try subjects(folder.path)
        #expect(try kept == subjects(SampleUnit.shared().journal) && kept.count == 4)
    }
}
