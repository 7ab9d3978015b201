package import DeviceModel

/// Events of consultations as the journal has them: written in one form, and read in no other.
package enum ConsultationRecord {
    /// An event that does not say what an event of its kind must say.
    package struct Fault: Error, Sendable, Hashable {}

    /// The longest name of a clinician. Unit: bytes.
    package static let longestName = 80
    /// The longest address of a visit, as text. Unit: bytes.
    package static let longestAddress = 64
    private static let mostPeople = 4

    /// All that whoever folds a journal must read, in the journal's order, from the newest session's beginning on.
    package static let kinds: [EventKind] =
        EventKind.allCases.filter(\.isOfConsultation) + [
            .hostStarted, .hostStopped, .journalGap, .journalSetAside, .journalFileFailed, .eventsLost,
        ]

    /// What an event says of a consultation; `nil` for an event of another kind.
    ///
    /// - Parameters:
    ///   - name: the event's name in the journal.
    ///   - text: its members, a JSON object as the journal has it.
    package static func event(kind name: String, body text: String) throws(Fault) -> ConsultationEvent? {
        guard let kind = EventKind(rawValue: name), kind.isOfConsultation else { return nil }
        var reader = BodyReader(text)
        do throws(BodyReader.Damage) {
            return try reader.whole { reader throws(BodyReader.Damage) in try read(kind, &reader) }
        } catch { throw Fault() }
    }

    private static func read(
        _ kind: EventKind, _ reader: inout BodyReader
    ) throws(BodyReader.Damage) -> ConsultationEvent {
        switch kind {
        case .consultationOpened: return .opened(try grant(&reader))
        case .consultationClosed:
            let by = reader.hasMember("by") ? try people(&reader) : nil
            let number = try reader.number("consultation")
            return .closed(consultation: number, try ending(by, &reader))
        case .consultationJoined:
            let number = try reader.number("consultation")
            let from = try reader.string("from")
            guard isAddress(from) else { throw reader.damage }
            return .joined(consultation: number, from: from)
        case .consultationLeft:
            let number = try reader.number("consultation")
            return .left(consultation: number, visit: try reader.number("visit"))
        // A kind that nothing here reads.
        default: throw reader.damage
        }
    }

    private static func grant(_ reader: inout BodyReader) throws(BodyReader.Damage) -> ConsultationGrant {
        let bed = try reader.stringIfAny("bed")
        try reader.member("by")
        let by = try people(&reader)
        let certificate = try reader.string("certificate")
        let (clinician, name) = (try reader.string("clinician"), try reader.string("name"))
        let until = try reader.integer("until")
        guard bed.map(Handle.isOne) ?? true, isDigest(certificate), Handle.isOne(clinician), isName(name) else {
            throw reader.damage
        }
        return ConsultationGrant(
            clinician: clinician, name: name, certificate: certificate, bed: bed, until: until, by: by)
    }

    /// Somebody did it, or there is a reason; never both.
    private static func ending(
        _ by: [String]?, _ reader: inout BodyReader
    ) throws(BodyReader.Damage) -> ConsultationEnding {
        if let by { return .closed(by: by) }
        switch try reader.string("reason") {
        case "expired": return .expired
        case "removed": return .removed
        default: throw reader.damage
        }
    }

    /// One or more, each once. The member's name has been read.
    private static func people(_ reader: inout BodyReader) throws(BodyReader.Damage) -> [String] {
        let ids = try reader.array { reader throws(BodyReader.Damage) in try reader.string() }
        guard (1...mostPeople).contains(ids.count), Set(ids).count == ids.count, ids.allSatisfy(Handle.isOne) else {
            throw reader.damage
        }
        return ids
    }

    // MARK: Parts

    /// Whether it is SHA-256 in hexadecimal digits of lower case.
    package static func isDigest(_ text: String) -> Bool { text.utf8.count == 64 && Hex.bytes(text) != nil }

    /// Whether people can read it on one line.
    package static func isName(_ text: String) -> Bool {
        (1...longestName).contains(text.utf8.count) && Printable.text(text, keepingLines: false) == text
            && text.utf8.contains { $0 != UInt8(ascii: " ") }
    }

    /// Whether it may be an address of the internet, as text: it is told and compared, and not looked up.
    package static func isAddress(_ text: String) -> Bool {
        (1...longestAddress).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

extension ConsultationEvent {
    /// As what it stands in the journal.
    package var kind: EventKind {
        switch self {
        case .opened: .consultationOpened
        case .closed: .consultationClosed
        case .joined: .consultationJoined
        case .left: .consultationLeft
        }
    }

    /// In the order of their names.
    package var members: JSON {
        switch self {
        case .opened(let grant):
            .members([
                "bed": grant.bed.map { .string($0) }, "by": .array(grant.by.map(JSON.string)),
                "certificate": .string(grant.certificate), "clinician": .string(grant.clinician),
                "name": .string(grant.name), "until": .integer(grant.until),
            ])
        case .closed(let number, .closed(let by)):
            .members(["by": .array(by.map(JSON.string)), "consultation": .integer(number)])
        case .closed(let number, .expired):
            .members(["consultation": .integer(number), "reason": .string("expired")])
        case .closed(let number, .removed):
            .members(["consultation": .integer(number), "reason": .string("removed")])
        case .joined(let number, let from):
            .members(["consultation": .integer(number), "from": .string(from)])
        case .left(let number, let visit):
            .members(["consultation": .integer(number), "visit": .integer(visit)])
        }
    }
}

extension UnitEvent {
    /// An event of a consultation on its way to the journal; `nil` for what could not be read again as what it is, such
    /// as a clinician with a name of another form.
    ///
    /// - Parameter time: unit ns of the monotonic clock.
    package static func consultation(_ event: ConsultationEvent, at time: Int64) -> UnitEvent? {
        let members = event.members
        guard (try? ConsultationRecord.event(kind: event.kind.name, body: members.text)) == event else { return nil }
        return .consultation(event.kind, members, at: time)
    }
}
