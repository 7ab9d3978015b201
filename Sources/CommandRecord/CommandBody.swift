import CommandFacts
import DeviceModel

// Each part of a command as it stands in the journal: how it is written, then how it is read. Members stand in the
// order of their names. What was written is read for ever: a name never changes its meaning.

extension CommandContent {
    var body: JSON {
        .members([
            "command": .string(command), "entries": .array(entries.map(\.body)), "kind": .string(kind.rawValue),
            "line": .string(line), "order": order.map(JSON.string), "people": .integer(people),
            "pump": .string(pump.text), "reason": reason.map(JSON.string),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> CommandContent {
        let command = try reader.string("command")
        try reader.member("entries")
        let entries = try reader.array { reader throws(BodyReader.Damage) in try reader.object(CommandEntry.read) }
        let kind: CommandKind = try reader.word("kind")
        let line = try reader.string("line")
        let order = try reader.stringIfAny("order")
        let people = try reader.integer("people")
        let pump = try PumpKey.read(&reader)
        let reason = try reader.stringIfAny("reason")
        guard (1...2).contains(people) else { throw reader.damage }
        let content = CommandContent(
            pump: pump, line: line, command: command, kind: kind, entries: entries, people: Int(people), order: order,
            reason: reason)
        guard content.entries == entries else { throw reader.damage }
        return content
    }
}

extension CommandEntry {
    var body: JSON {
        .members(["name": .string(name), "quantity": .string(quantity.text), "unit": .string(unit)])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> CommandEntry {
        let (name, text, unit) = (try reader.string("name"), try reader.string("quantity"), try reader.string("unit"))
        guard let quantity = try? ExactQuantity(text) else { throw reader.damage }
        return CommandEntry(name, quantity, unit: unit)
    }
}

extension PumpKey {
    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> PumpKey {
        let text = try reader.string("pump")
        guard ["serial:", "port:"].contains(where: { text.utf8.starts(with: $0.utf8) }) else { throw reader.damage }
        return PumpKey(text: text)
    }
}

extension Reading {
    var body: JSON { Expectation(field, [value]).body }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> Reading {
        let told = try Expectation.read(&reader)
        guard told.values.count == 1, !told.isOther else { throw reader.damage }
        return Reading(told.field, told.values[0])
    }

    static func readAll(_ reader: inout BodyReader) throws(BodyReader.Damage) -> [Reading] {
        try reader.array { reader throws(BodyReader.Damage) in try reader.object(Reading.read) }
    }

    /// What a pump showed when a command was entered; `nil` where an older host did not keep it.
    static func readShownIfAny(_ reader: inout BodyReader) throws(BodyReader.Damage) -> [Reading]? {
        reader.hasMember("shown") ? try readAll(&reader) : nil
    }
}

extension [Reading] {
    var body: JSON { .array(map(\.body)) }
}

extension Expectation {
    // “other” stands only where it is so: older hosts wrote none.
    var body: JSON {
        .members([
            "field": .string(field), "other": isOther ? .bool(true) : nil,
            "values": .array(values.map(JSON.string)),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> Expectation {
        let field = try reader.string("field")
        let other = try reader.booleanIfAny("other")
        guard other != false else { throw reader.damage }
        return Expectation(field, try reader.strings("values"), isOther: other ?? false)
    }
}

extension Effect {
    var body: JSON {
        .members([
            "before": before.body, "bytes": .string(Hex.text(bytes)), "expires": .integer(expires),
            "own": .bool(isEvidenceOwn), "profile": .string(profileDigest), "wanted": .array(wanted.map(\.body)),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> Effect {
        try reader.member("before")
        let before = try Reading.readAll(&reader)
        guard let bytes = Hex.bytes(try reader.string("bytes")), !bytes.isEmpty else { throw reader.damage }
        let expires = try reader.integer("expires")
        let isEvidenceOwn = try reader.boolean("own")
        let profile = try reader.string("profile")
        try reader.member("wanted")
        let wanted = try reader.array { reader throws(BodyReader.Damage) in try reader.object(Expectation.read) }
        return Effect(
            bytes: bytes, wanted: wanted, isEvidenceOwn: isEvidenceOwn, before: before, profileDigest: profile,
            expires: expires)
    }
}

extension ReadBack {
    var body: JSON {
        .members([
            "after": .bool(isAskedAfter), "clean": .bool(isClean), "readings": readings.body,
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> ReadBack {
        let (isAskedAfter, isClean) = (try reader.boolean("after"), try reader.boolean("clean"))
        try reader.member("readings")
        return ReadBack(isAskedAfter: isAskedAfter, isClean: isClean, readings: try Reading.readAll(&reader))
    }
}

extension Operator {
    /// One person.
    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> Operator {
        let people = try readAll(&reader)
        guard people.count == 1 else { throw reader.damage }
        return people[0]
    }

    /// One at least.
    static func readAll(_ reader: inout BodyReader) throws(BodyReader.Damage) -> [Operator] {
        guard let people = try readIfAny(&reader) else { throw reader.damage }
        return people
    }

    static func readIfAny(_ reader: inout BodyReader) throws(BodyReader.Damage) -> [Operator]? {
        guard reader.hasMember("by") else { return nil }
        let people = try reader.array { reader throws(BodyReader.Damage) in Operator(try reader.string()) }
        guard !people.isEmpty else { throw reader.damage }
        return people
    }
}

extension [Operator] {
    var body: JSON { .array(map { .string($0.id) }) }
}
