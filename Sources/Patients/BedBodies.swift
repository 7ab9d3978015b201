import DeviceModel

// Each part of an event of a bed as it stands in the journal: how it is written, then how it is read. Members stand in
// the order of their names. What was written is read for ever: a name never changes its meaning.

extension ConfiguredBed {
    func body(_ bed: String) -> JSON { JSON.members(["bed": .string(bed)]).adding(members) }

    var members: KeyValuePairs<String, JSON?> {
        [
            "devices": .array(devices.map(JSON.string)), "name": .string(name), "nameArabic": .string(nameArabic),
        ]
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> ConfiguredBed {
        let devices = try reader.strings("devices")
        let (name, arabic) = (try reader.string("name"), try reader.string("nameArabic"))
        guard devices.count <= BedRecord.mostDevices, Set(devices).count == devices.count,
            devices.allSatisfy(Handle.isOne), isName(name), isName(arabic)
        else { throw reader.damage }
        return ConfiguredBed(name: name, nameArabic: arabic, devices: devices)
    }

    /// Whether people can read it on one line.
    package static func isName(_ text: String) -> Bool {
        (1...BedRecord.longestName).contains(text.utf8.count) && Printable.text(text, keepingLines: false) == text
            && text.utf8.contains { $0 != UInt8(ascii: " ") }
    }
}

extension PresetChoice {
    var members: KeyValuePairs<String, JSON?> {
        [
            "by": .array(by.map(JSON.string)), "digest": .string(digest),
            "limits": limits.isEmpty ? nil : .array(limits.map(\.body)), "preset": .string(preset),
            "reviewed": .bool(isReviewed),
        ]
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> PresetChoice {
        let by = try BedRecord.people(&reader)
        let digest = try BedRecord.digest("digest", &reader)
        var limits: [WatchedLimits] = []
        if reader.hasMember("limits") {
            limits = try reader.array { reader throws(BodyReader.Damage) in try reader.object(WatchedLimits.read) }
            // None is said by no member.
            guard (1...BedRecord.mostLimits).contains(limits.count), Set(limits.map(\.metric)).count == limits.count
            else { throw reader.damage }
        }
        let preset = try BedRecord.handle("preset", &reader)
        return PresetChoice(
            preset: preset, digest: digest, isReviewed: try reader.boolean("reviewed"), by: by, limits: limits)
    }
}

extension WatchedLimits {
    var body: JSON {
        .members([
            "high": .array(high.map(\.body)), "low": .array(low.map(\.body)), "metric": .string(metric),
            "unit": .string(unit),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> WatchedLimits {
        func levels(_ name: StaticString, _ reader: inout BodyReader) throws(BodyReader.Damage) -> [Level] {
            try reader.member(name)
            let levels = try reader.array { reader throws(BodyReader.Damage) in try reader.object(Level.read) }
            guard levels.count <= BedRecord.mostLevels else { throw reader.damage }
            return levels
        }
        let (high, low) = (try levels("high", &reader), try levels("low", &reader))
        let metric = try BedRecord.word("metric", &reader)
        return WatchedLimits(metric: metric, unit: try BedRecord.word("unit", &reader), low: low, high: high)
    }
}

extension WatchedLimits.Level {
    var body: JSON {
        .members([
            "delayNanoseconds": .integer(delay), "priority": .string(priority.rawValue), "value": .string(value),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> WatchedLimits.Level {
        let delay = try reader.integer("delayNanoseconds")
        let priority: AlertPriority = try reader.word("priority")
        let value = try reader.string("value")
        // A number as the host writes it, and no longer than a preset's.
        guard delay >= 0, value.utf8.count <= 24, let number = DecimalText.parse(Array(value.utf8)),
            DecimalText.render(number.mantissa, exponent: number.exponent) == value
        else { throw reader.damage }
        return WatchedLimits.Level(value: value, priority: priority, delay: delay)
    }
}

extension Moment {
    static func read(
        _ nanoseconds: StaticString, _ session: StaticString, _ reader: inout BodyReader
    ) throws(BodyReader.Damage) -> Moment {
        let time = try reader.integer(nanoseconds)
        return Moment(session: try BedRecord.word(session, &reader), nanoseconds: time)
    }
}

extension Arrival {
    func body(_ bed: String) -> JSON {
        .members([
            "bed": .string(bed), "by": .array(by.map(JSON.string)), "replaces": replaces.map { .integer($0) },
            "sinceMonotonicNanoseconds": .integer(since.nanoseconds), "sinceSession": .string(since.session),
            "subject": .string(subject),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> Arrival {
        let by = try BedRecord.people(&reader)
        let replaces = try reader.numberIfAny("replaces")
        let since = try Moment.read("sinceMonotonicNanoseconds", "sinceSession", &reader)
        return Arrival(subject: try BedRecord.digest("subject", &reader), since: since, replaces: replaces, by: by)
    }
}

extension BedSnapshot {
    var body: JSON {
        .members([
            "beds": .array(beds.map(\.body)), "bindings": .array(bindings.map(\.body)),
            "sessions": .array(sessions.map(JSON.string)),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> BedSnapshot {
        try reader.member("beds")
        let beds = try reader.array { reader throws(BodyReader.Damage) in try reader.object(Bed.read) }
        try reader.member("bindings")
        let bindings = try reader.array { reader throws(BodyReader.Damage) in try reader.object(Binding.read) }
        let sessions = try reader.strings("sessions")
        let named: Set<String> = bindings.reduce(into: []) { $0.formUnion($1.sessions) }
        // Each once, in their order.
        guard Set(sessions).count == sessions.count, named.isSubset(of: sessions),
            sessions.allSatisfy(BedRecord.isWord),
            zip(beds, beds.dropFirst()).allSatisfy({ $0.bed < $1.bed }),
            zip(bindings, bindings.dropFirst()).allSatisfy({ $0.number < $1.number })
        else { throw reader.damage }
        return BedSnapshot(beds: beds, bindings: bindings, sessions: sessions)
    }
}

extension BedSnapshot.Bed {
    var body: JSON {
        configured.body(bed).adding([
            "preset": preset.map { .members($0.members) }, "sinceMonotonicNanoseconds": since.map { .integer($0) },
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> BedSnapshot.Bed {
        let bed = try BedRecord.handle("bed", &reader)
        let configured = try ConfiguredBed.read(&reader)
        let preset = reader.hasMember("preset") ? try reader.object(PresetChoice.read) : nil
        let since = try reader.integerIfAny("sinceMonotonicNanoseconds")
        return BedSnapshot.Bed(bed: bed, configured: configured, preset: preset, since: since)
    }
}

extension Binding {
    var body: JSON {
        let withdrawal: Withdrawal? = if case .withdrawn(let withdrawal) = state { withdrawal } else { nil }
        let ending: Ending? = if case .ended(let ending) = state { ending } else { withdrawal?.ending }
        return .members([
            "bed": .string(bed), "by": .array(by.map(JSON.string)), "ended": ending?.body, "number": .integer(number),
            "replaces": replaces.map { .integer($0) }, "sinceMonotonicNanoseconds": .integer(since.nanoseconds),
            "sinceSession": .string(since.session), "subject": .string(subject), "withdrawn": withdrawal?.body,
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> Binding {
        let bed = try BedRecord.handle("bed", &reader)
        let by = try BedRecord.people(&reader)
        let ending = reader.hasMember("ended") ? try reader.object(Ending.read) : nil
        let number = try reader.number("number")
        let replaces = try reader.numberIfAny("replaces")
        let since = try Moment.read("sinceMonotonicNanoseconds", "sinceSession", &reader)
        let subject = try BedRecord.digest("subject", &reader)
        var state = ending.map(State.ended) ?? .open
        if reader.hasMember("withdrawn") {
            state = .withdrawn(
                try reader.object { reader throws(BodyReader.Damage) in try Withdrawal.read(&reader, after: ending) })
        }
        guard replaces ?? 0 < number else { throw reader.damage }
        return Binding(
            number: number, bed: bed, subject: subject, since: since, replaces: replaces, by: by, state: state)
    }
}

extension Binding.Ending {
    var body: JSON {
        .members([
            "atMonotonicNanoseconds": .integer(at.nanoseconds), "atSession": .string(at.session),
            "by": .array(by.map(JSON.string)), "cause": .string(cause.rawValue),
        ])
    }

    static func read(_ reader: inout BodyReader) throws(BodyReader.Damage) -> Binding.Ending {
        let at = try Moment.read("atMonotonicNanoseconds", "atSession", &reader)
        let by = try BedRecord.people(&reader)
        return Binding.Ending(at: at, by: by, cause: try reader.word("cause"))
    }
}

extension Binding.Withdrawal {
    var body: JSON {
        .members([
            "atMonotonicNanoseconds": .integer(at.nanoseconds), "atSession": .string(at.session),
            "by": .array(by.map(JSON.string)), "replacement": replacement.map { .integer($0) },
        ])
    }

    static func read(
        _ reader: inout BodyReader, after ending: Binding.Ending?
    ) throws(BodyReader.Damage) -> Binding.Withdrawal {
        let at = try Moment.read("atMonotonicNanoseconds", "atSession", &reader)
        let by = try BedRecord.people(&reader)
        let replacement = try reader.numberIfAny("replacement")
        return Binding.Withdrawal(at: at, by: by, ending: ending, replacement: replacement)
    }
}
