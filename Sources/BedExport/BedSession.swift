import DeviceModel
package import SampleJournal

/// A patient's time at a bed, as the events of a journal tell it.
package struct BedSession: Sendable, Hashable {
    /// The alarm preset that was chosen for a bed.
    package struct Preset: Sendable, Hashable {
        package let name: String
        /// 64 hexadecimal digits.
        package let digest: String?
        package let isReviewed: Bool
        package let moment: JournalMoment
    }

    /// The bed's id.
    package let bed: String
    /// The number of the binding: of the event that tells it.
    package let binding: Int64
    /// The keyed digest of the patient's identifiers. 64 hexadecimal digits.
    package let subject: String
    /// Who said that the patient is there.
    package let by: [String]
    package let start: JournalMoment
    /// `nil` while the patient is there, as far as the journal goes.
    package fileprivate(set) var end: JournalMoment?
    /// Whether it was the wrong patient: nothing is filed under it.
    package fileprivate(set) var isWithdrawn = false
    /// The binding that took its place; `nil` where none did.
    package fileprivate(set) var replacement: Int64?
    /// The bed's name, as it was called last.
    package fileprivate(set) var name: String?
    package fileprivate(set) var arabicName: String?
    /// The one in force at the start, and those chosen since, in their order.
    package fileprivate(set) var presets: [Preset] = []

    package func holds(_ moment: JournalMoment) -> Bool { moment >= start && (end.map { moment < $0 } ?? true) }
}

/// All that the events of a journal say of its beds, one after the other.
package struct BedHistory: Sendable {
    /// The events that it is made of, by their names in the journal.
    package static let kinds = [
        "bedConfigured", "presetChosen", "patientBound", "patientUnbound", "bindingWithdrawn",
    ]
    private struct Configuration {
        let moment: JournalMoment
        let devices: Set<String>
    }

    /// In the order of their bindings. As many as the journal has: it is what bounds them.
    package private(set) var sessions: [BedSession] = []
    /// Where they stand: by the number of the binding, and of each bed in their order.
    private var places: [Int64: Int] = [:]
    private var placesOfBed: [String: [Int]] = [:]
    /// The beds, in the order in which they were first configured.
    package private(set) var beds: [String] = []
    private var configurations: [String: [Configuration]] = [:]
    private var presets: [String: [BedSession.Preset]] = [:]
    private var names: [String: (name: String?, arabic: String?)] = [:]
    private let numbers: [String: Int64]
    /// Of a session whose samples are gone: the one before it.
    private var lastNumber: Int64 = 0

    /// - Parameter sessions: of the journal.
    package init(of sessions: [JournalSession]) {
        numbers = Dictionary(sessions.map { ($0.key, $0.id) }) { $1 }
    }

    /// Reads all of a journal.
    package init(_ reader: JournalReader) throws {
        self.init(of: try reader.sessions())
        var last: Int64 = 0
        while true {
            let events = try reader.events(named: Self.kinds, after: last, limit: 500)
            guard let newest = events.last else { return }
            for event in events { take(event) }
            last = newest.id
        }
    }

    /// When an event was.
    package mutating func moment(of event: EventRecord) -> JournalMoment {
        if let number = numbers[event.session] { lastNumber = number }
        return JournalMoment(session: lastNumber, time: event.monotonicNanoseconds)
    }

    /// The devices of a bed at a time. What a session is told of a bed at its start holds from its beginning.
    package func devices(of bed: String, at moment: JournalMoment) -> Set<String> {
        let ofSession = (configurations[bed] ?? []).filter { $0.moment.session == moment.session }
        return (ofSession.last { $0.moment <= moment } ?? ofSession.first)?.devices ?? []
    }

    /// All devices that a bed ever had, in the order of their handles.
    func allDevices(of bed: String) -> [String] {
        Set((configurations[bed] ?? []).flatMap(\.devices)).sorted()
    }

    package mutating func take(_ event: EventRecord) {
        let moment = moment(of: event)
        let body = EventBody(event)
        switch event.kind {
        case "bedConfigured":
            guard let bed = body.text("bed") else { return }
            if !beds.contains(bed) { beds.append(bed) }
            configurations[bed, default: []].append(
                Configuration(moment: moment, devices: Set(body.texts("devices"))))
            names[bed] = (body.text("name"), body.text("nameArabic"))
            for place in open(bed) {
                (sessions[place].name, sessions[place].arabicName) = (body.text("name"), body.text("nameArabic"))
            }
        case "presetChosen":
            guard let bed = body.text("bed"), let name = body.text("preset") else { return }
            let preset = BedSession.Preset(
                name: name, digest: body.text("digest"), isReviewed: body.flag("reviewed") ?? false, moment: moment)
            presets[bed] = [preset]
            for place in open(bed) {
                sessions[place].presets.append(preset)
            }
        case "patientBound": bind(event, body, moment)
        case "patientUnbound": end(body.integer("binding"), at: moment)
        case "bindingWithdrawn":
            end(body.integer("binding"), at: moment)
            if let place = body.integer("binding").flatMap({ places[$0] }) { sessions[place].isWithdrawn = true }
        default: break
        }
    }

    /// Who is in a bed: the last one bound, unless the time has ended.
    private func open(_ bed: String) -> [Int] {
        (placesOfBed[bed]?.last).map { sessions[$0].end == nil ? [$0] : [] } ?? []
    }

    private mutating func bind(_ event: EventRecord, _ body: EventBody, _ moment: JournalMoment) {
        guard let bed = body.text("bed"), let subject = body.text("subject") else { return }
        var start = moment
        // It is said late that the patient has been there since.
        if let key = body.text("sinceSession"), let session = numbers[key],
            let time = body.integer("sinceMonotonicNanoseconds")
        {
            start = min(moment, JournalMoment(session: session, time: time))
        }
        // Two patients are not in one bed: the one before left it at the latest when this one came.
        for place in (placesOfBed[bed] ?? []).reversed() {
            guard (sessions[place].end ?? moment) > start else { break }
            sessions[place].end = max(sessions[place].start, start)
        }
        if let place = body.integer("replaces").flatMap({ places[$0] }) { sessions[place].replacement = event.id }
        var session = BedSession(
            bed: bed, binding: event.id, subject: subject, by: body.texts("by"), start: start)
        (session.name, session.arabicName) = names[bed] ?? (nil, nil)
        session.presets = presets[bed] ?? []
        places[event.id] = sessions.count
        placesOfBed[bed, default: []].append(sessions.count)
        sessions.append(session)
    }

    private mutating func end(_ binding: Int64?, at moment: JournalMoment) {
        guard let place = binding.flatMap({ places[$0] }) else { return }
        sessions[place].end = min(sessions[place].end ?? moment, max(moment, sessions[place].start))
    }
}
