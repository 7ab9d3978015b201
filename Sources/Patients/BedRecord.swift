package import DeviceModel

/// Events of beds as the journal has them.
///
/// What is read is, byte for byte, what would be written for it: a text in any other form is damage. That a text was
/// changed into another one of the form, such as a digit into another digit, the journal's chain of hashes tells.
package enum BedRecord {
    /// An event that does not say what an event of its kind must say.
    package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        package let kind: EventKind
        /// Where in its members it begins to be otherwise, counted in bytes from 1.
        package let column: Int

        /// What to do, without a word of what the event says.
        package var description: String {
            "members:1:\(column): an event “\(kind.name)” does not say what it must: the record is damaged, look at "
                + "every bed and bind its patient anew"
        }
    }

    /// The most devices of a bed.
    package static let mostDevices = 64
    /// The most people of one event.
    static let mostPeople = 4
    /// The longest name of a bed. Unit: bytes.
    package static let longestName = 80
    /// The most metrics whose limits a preset's choice tells; more than a preset has.
    package static let mostLimits = 32
    /// The most limits on one side of a metric.
    package static let mostLevels = 2
    /// The longest word of an entry, and the longest key of a session. Unit: bytes.
    static let longestWord = 64

    /// All that whoever folds a journal must read, in the journal's order.
    package static let kinds: [EventKind] =
        EventKind.allCases.filter(isRead) + [.hostStarted, .journalGap, .journalSetAside, .journalFileFailed]

    /// Scores are read by the room that reckons them.
    private static func isRead(_ kind: EventKind) -> Bool { kind.isOfBed && kind != .scoreGiven }

    /// What an event says of a bed; `nil` for an event of another kind.
    ///
    /// - Parameters:
    ///   - name: the event's name in the journal.
    ///   - text: its members, a JSON object as the journal has it.
    package static func event(kind name: String, body text: String) throws(Fault) -> BedEvent? {
        guard let kind = EventKind(rawValue: name), isRead(kind) else { return nil }
        var reader = BodyReader(text)
        do throws(BodyReader.Damage) {
            return try reader.whole { reader throws(BodyReader.Damage) in try read(kind, &reader) }
        } catch { throw Fault(kind: kind, column: error.place + 1) }
    }

    private static func read(_ kind: EventKind, _ reader: inout BodyReader) throws(BodyReader.Damage) -> BedEvent {
        switch kind {
        case .bedLedger: return .snapshot(try BedSnapshot.read(&reader))
        case .bedConfigured:
            let bed = try handle("bed", &reader)
            return .configured(bed: bed, try ConfiguredBed.read(&reader))
        case .presetChosen:
            let bed = try handle("bed", &reader)
            return .presetChosen(bed: bed, try PresetChoice.read(&reader))
        case .patientBound:
            let bed = try handle("bed", &reader)
            return .bound(bed: bed, try Arrival.read(&reader))
        case .patientUnbound, .bindingWithdrawn:
            let bed = try handle("bed", &reader)
            let number = try reader.number("binding")
            let by = try people(&reader)
            return kind == .patientUnbound
                ? .unbound(bed: bed, binding: number, by: by) : .withdrawn(bed: bed, binding: number, by: by)
        case .bedEntered:
            let bed = try handle("bed", &reader)
            let by = try people(&reader)
            let item = try word("item", &reader)
            return .entered(bed: bed, BedEntry(item: item, value: try word("value", &reader), by: by))
        // A kind that nothing here reads.
        default: throw reader.damage
        }
    }

    // MARK: Parts

    static func handle(_ name: StaticString, _ reader: inout BodyReader) throws(BodyReader.Damage) -> String {
        let text = try reader.string(name)
        guard Handle.isOne(text) else { throw reader.damage }
        return text
    }

    /// A word that is written and read by programs: ASCII, without a space.
    static func word(_ name: StaticString, _ reader: inout BodyReader) throws(BodyReader.Damage) -> String {
        let text = try reader.string(name)
        guard isWord(text) else { throw reader.damage }
        return text
    }

    static func isWord(_ text: String) -> Bool {
        (1...longestWord).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    static func digest(_ name: StaticString, _ reader: inout BodyReader) throws(BodyReader.Damage) -> String {
        let text = try reader.string(name)
        guard text.utf8.count == 64, Hex.bytes(text) != nil else { throw reader.damage }
        return text
    }

    /// None, or each once.
    static func people(_ reader: inout BodyReader) throws(BodyReader.Damage) -> [String] {
        let ids = try reader.strings("by")
        guard ids.count <= mostPeople, Set(ids).count == ids.count, ids.allSatisfy(Handle.isOne) else {
            throw reader.damage
        }
        return ids
    }
}

extension UnitEvent {
    /// An event of a bed on its way to the journal; `nil` for what could not be read again as what it is, such as a
    /// bed with a name of another form.
    ///
    /// - Parameter time: unit ns of the monotonic clock.
    package static func bed(_ event: BedEvent, at time: Int64) -> UnitEvent? {
        let members = event.members
        guard (try? BedRecord.event(kind: event.kind.name, body: members.text)) == event else { return nil }
        return .bed(event.kind, members, at: time)
    }
}

extension BedEvent {
    /// As what it stands in the journal.
    package var kind: EventKind {
        switch self {
        case .configured: .bedConfigured
        case .presetChosen: .presetChosen
        case .bound: .patientBound
        case .unbound: .patientUnbound
        case .withdrawn: .bindingWithdrawn
        case .entered: .bedEntered
        case .snapshot: .bedLedger
        }
    }

    /// In the order of their names. The number of what begins here is the event's own, and stands in no member.
    package var members: JSON {
        switch self {
        case .configured(let bed, let configured): configured.body(bed)
        case .presetChosen(let bed, let choice): JSON.members(["bed": .string(bed)]).adding(choice.members)
        case .bound(let bed, let arrival): arrival.body(bed)
        case .unbound(let bed, let binding, let by), .withdrawn(let bed, let binding, let by):
            .members(["bed": .string(bed), "binding": .integer(binding), "by": .array(by.map(JSON.string))])
        case .entered(let bed, let entry):
            .members([
                "bed": .string(bed), "by": .array(entry.by.map(JSON.string)), "item": .string(entry.item),
                "value": .string(entry.value),
            ])
        case .snapshot(let snapshot): snapshot.body
        }
    }
}
