import ArgumentParser
import BedExport
import DeviceModel
import Foundation
import NabdHost
import Nomenclature
import PatientStore
import Patients
import RealTime
import SampleJournal
import StrictYAML

/// A patient's time at a bed as one document, and as tables.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "The record of a patient's time at a bed: one FHIR document, and tables.",
        discussion:
            "A record begins where a patient was bound to a bed and ends where the patient was unbound, or with the "
            + "journal. --deidentified takes out whose it is and shifts its dates; docs/export.md says what stays."
    ).examples(
        "nabd export --bed chair-1", "nabd export --bed chair-1 --binding 1207 --to chair-1.json --csv chair-1",
        "nabd export --bed chair-1 --binding 1207 --to research.json --deidentified")

    @OptionGroup var place: JournalCommand.Place
    @Option(help: "The bed's id.") var bed: String
    @Option(help: "Which patient's time at it: the number of the binding, as the list of them says.")
    var binding: Int64?
    @Option(help: "The document's file, which is not there yet.") var to: String?
    @Option(help: "The tables' folder, which is empty or not there yet.") var csv: String?
    @Option(help: "The protected place of the patients, where it is not beside the journal.") var patients: String?
    @Flag(help: "Without patient, people, serial numbers, names and true dates: for research.") var deidentified = false
    @Flag(help: "Mark the document as test data, as “test-data” in the configuration does.") var testData = false

    func run() throws {
        let reader = try place.open()
        let history = try BedHistory(reader)
        let ofBed = history.sessions(of: bed)
        guard history.beds.contains(bed) || !ofBed.isEmpty else { throw unknown(history) }
        guard to != nil || csv != nil else {
            if binding != nil || deidentified || patients != nil {
                throw Failure(.usage, "say where to: --to FILE, --csv FOLDER, or both")
            }
            for session in ofBed { print(try Self.line(session, reader)) }
            if ofBed.isEmpty { print("no patient was bound to \(bed) in this journal") }
            return
        }
        let session = try chosen(ofBed)
        let configuration = place.journal == nil ? try place.file.load(faultsCost: .itsPart) : nil
        let names = configuration?.names ?? NomenclatureShelf.names().nomenclature
        let folder =
            patients
            ?? (configuration == nil ? "\(reader.files.directory).patients" : configuration?.patientFolder)
        let store = folder.map(PatientReader.init)
        let request = SessionExport.Request(
            session: session, veil: deidentified ? Self.veil() : .none, names: names,
            isTestData: testData || configuration?.isTestData ?? false, now: WallClock.now(),
            identifiers: { store?.identifiers(of: $0) })
        do {
            let summary = try SessionExport.write(
                request, from: reader, history: history, document: to, tables: csv)
            print(
                "binding \(session.binding.number): \(summary.samples) samples, \(summary.gaps) gaps, "
                    + "\(summary.alarms) changes of alarms, \(summary.commands) events of commands, "
                    + "\(summary.scores) scores and entries")
            if session.binding.isOpen { printError("the patient is still bound: the record goes on") }
        } catch let error as ExportError {
            throw Failure(error.isOfContent ? .bad : .io, error.description)
        }
    }

    /// By chance, and told nobody.
    private static func veil() -> Veil {
        Veil.deidentified(days: Int64.random(in: Veil.shifts), salt: UUID().uuidString + UUID().uuidString)
    }

    /// The binding that was asked for; without one, the only one that there is.
    private func chosen(_ sessions: [BedSession]) throws -> BedSession {
        if let binding {
            guard let session = sessions.first(where: { $0.binding.number == binding }) else {
                throw Failure(
                    .bad, "no binding \(binding) of \(bed) is in the journal: nabd export --bed \(bed) lists them")
            }
            return session
        }
        let whole = sessions.filter { !$0.binding.isWithdrawn }
        guard let only = whole.first else { throw Failure(.bad, "no patient was bound to \(bed) in this journal") }
        guard whole.count == 1 else {
            throw Failure(
                .usage,
                "\(whole.count) patients were bound to \(bed): say which with --binding; nabd export --bed \(bed) "
                    + "lists them")
        }
        return only
    }

    private static func line(_ session: BedSession, _ reader: JournalReader) throws -> String {
        let sessions = try reader.sessions()
        func time(_ moment: Moment) throws -> String {
            let number = sessions.first { $0.key == moment.session }?.id
            let offset = try number.flatMap { try reader.clockOffset(session: $0) }
            return offset.map { UTCTime.text(nanoseconds: moment.nanoseconds &+ $0) } ?? "at a time that nobody knows"
        }
        let binding = session.binding
        let end = binding.isWithdrawn ? "withdrawn" : try binding.until.map(time) ?? "goes on"
        return "\(binding.number)  \(try time(binding.since))  \(end)"
    }

    private func unknown(_ history: BedHistory) -> Failure {
        let near = YAMLValue.suggest(bed, among: history.beds).map { " — \($0)" }
        let known = history.beds.isEmpty ? "it has none" : "it has \(history.beds.joined(separator: ", "))"
        return Failure(.bad, "the journal has no bed “\(bed)”\(near ?? "; \(known)")")
    }
}
