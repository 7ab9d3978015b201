import BedDesk
import DeviceModel
import Patients

/// Patients kept in memory; it can be told to fail.
final class MemoryPatients: PatientKeeping {
    private(set) var known: [String: PatientIdentifiers] = [:]
    var fails = false
    /// Called before a patient is kept.
    var onKeep: () -> Void = {}

    private struct Failure: Error {}

    /// One subject for the same text; not a digest.
    func subject(of identifiers: PatientIdentifiers) -> String {
        let digits = Hex.text(identifiers.digested)
        return String((digits.suffix(64) + String(repeating: "0", count: 64)).prefix(64))
    }

    func keep(_ identifiers: PatientIdentifiers, as subject: String) throws {
        onKeep()
        if fails { throw Failure() }
        known[subject] = identifiers
    }
}

/// A desk, with a journal in memory that is folded anew by whoever wants to.
final class DeskStory {
    static let digest = String(repeating: "ab", count: 32)
    static let rules = BedRules(
        presets: [
            BedRules.Preset(name: "icu", digest: digest, isReviewed: true),
            BedRules.Preset(name: "palliative", digest: digest, isReviewed: false),
        ],
        fault: { item, value in item == "oxygen" && value == "air" ? nil : "Oxygen is air or oxygen." })

    let store = MemoryPatients()
    private(set) var desk: BedDesk
    /// Each event as the journal has it.
    private(set) var journal: [(kind: String, body: String, position: BindingFold.Position)] = []
    var session = "s1"
    /// Unit: s.
    var time: Int64 = 100
    var journalFails = false

    private struct Failure: Error {}

    static func bed(_ id: String, _ devices: [String], preset: String? = "icu") -> BedDesk.Bed {
        BedDesk.Bed(
            bed: id, configured: ConfiguredBed(name: "Chair \(id)", nameArabic: "كرسي", devices: devices),
            preset: preset)
    }

    init(_ beds: [BedDesk.Bed] = [bed("a", ["d-a"]), bed("b", ["d-b"])]) {
        desk = BedDesk(BindingFold(), rules: Self.rules, store: store)
        add(.hostStarted)
        _ = desk.begin(beds, now: now, write: write)
    }

    var now: BindingFold.Position {
        BindingFold.Position(
            sequence: Int64(journal.count), moment: Moment(session: session, nanoseconds: time * 1_000_000_000),
            utc: (1_700_000_000 + time) * 1_000_000_000)
    }

    func add(_ kind: EventKind, _ body: String = "{}") {
        append(kind.name, body)
        desk.took(kind: kind.name, body: body, at: now)
    }

    private func append(_ kind: String, _ body: String) {
        let position = now
        journal.append(
            (
                kind, body,
                BindingFold.Position(sequence: position.sequence + 1, moment: position.moment, utc: position.utc)
            ))
    }

    func write(_ events: [BedEvent]) throws -> Int64 {
        if journalFails { throw Failure() }
        for event in events {
            guard let unit = UnitEvent.bed(event, at: 0) else { throw Failure() }
            append(unit.kind.name, unit.members.text)
        }
        return Int64(journal.count)
    }

    func ask(_ request: BedRequest) -> BedAnswer {
        time += 1
        return desk.answer(request, now: now, write: write)
    }

    /// The host is killed and begins anew with what the journal holds.
    func restart(_ session: String, at time: Int64, beds: [BedDesk.Bed]) {
        var fold = BindingFold()
        for event in journal { fold.take(kind: event.kind, body: event.body, at: event.position) }
        desk = BedDesk(fold, rules: Self.rules, store: store)
        (self.session, self.time) = (session, time)
        add(.hostStarted)
        _ = desk.begin(beds, now: now, write: write)
    }

    func fold() -> BindingFold {
        var fold = BindingFold()
        for event in journal { fold.take(kind: event.kind, body: event.body, at: event.position) }
        return fold
    }

    // MARK: Short forms

    static func identifiers(_ number: Int, _ name: String = "Nora") -> [EnteredIdentifier] {
        [EnteredIdentifier(kind: "mrn", text: "\(number)"), EnteredIdentifier(kind: "name", text: name)]
    }

    func bind(_ bed: String, _ number: Int, since: Int64 = 0) -> BedAnswer {
        ask(.bind(bed: bed, identifiers: Self.identifiers(number), since: since * 1_000_000_000, by: "amal"))
    }

    func subject(_ number: Int) throws -> String {
        store.subject(of: try PatientIdentifiers([("mrn", "\(number)"), ("name", "Nora")]))
    }

    func subject(ofDevice device: String, _ seconds: Int64) -> String? {
        desk.fold.subject(ofDevice: device, at: Moment(session: session, nanoseconds: seconds * 1_000_000_000))
    }
}

extension BedAnswer {
    var refusal: Refusal? { if case .refused(let code, _) = self { code } else { nil } }

    var view: BedView? { if case .done(_, let view) = self { view } else { nil } }

    var words: String {
        switch self {
        case .refused(_, let words), .done(let words, _): words
        case .beds: ""
        }
    }
}
