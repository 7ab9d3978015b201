import DeviceModel
import FHIRMapping
package import Nomenclature
package import Patients
package import SampleJournal

/// The record of a patient's time at a bed: as one document in FHIR, and as tables.
///
/// What of a command to a pump leaves the unit with the records service leaves it here too, and no more: that it
/// was, when and with which outcome. Quantities, drugs, orders and who gave it stay in the journal.
package struct SessionExport {
    /// What is asked for.
    package struct Request {
        package let session: BedSession
        package let veil: Veil
        /// Names, units and events.
        package let names: Nomenclature
        package let isTestData: Bool
        /// When the document is made. Unit: ns since 1970.
        package let now: Int64
        /// Who it is that a digest stands for, by the protected store; `nil` where that is not read.
        package let identifiers: ((String) -> PatientIdentifiers?)?

        package init(
            session: BedSession, veil: Veil, names: Nomenclature, isTestData: Bool, now: Int64,
            identifiers: ((String) -> PatientIdentifiers?)? = nil
        ) {
            (self.session, self.veil, self.names) = (session, veil, names)
            (self.isTestData, self.now, self.identifiers) = (isTestData, now, identifiers)
        }
    }

    /// What was written.
    package struct Summary: Sendable {
        package internal(set) var samples = 0
        package internal(set) var gaps = 0
        package internal(set) var alarms = 0
        package internal(set) var commands = 0
        package internal(set) var scores = 0
    }

    let request: Request
    let source: SessionReader
    var veil: Veil
    let mapper: FHIRMapper
    let start: StreamGap.Mark
    let tables: TableFolder?
    var collector: RunCollector?
    var facts = DeviceFacts()
    var summary = Summary()
    var account = ProvenanceAccount()
    var alarms: [FHIRResource] = []
    var commands: [FHIRResource] = []
    var scores: [FHIRResource] = []
    /// Devices of alarms and commands, under the names that are told.
    var met: Set<String> = []
    var gaps: [Int64: (watch: GapWatch, stream: StreamDescriptor)] = [:]
    var changes: [Int64: ChangeWatch] = [:]

    /// Writes a session's record.
    ///
    /// - Parameters:
    ///   - document: the file of the document, and `tables`: the folder of the tables; at least one of the two.
    /// - Throws: ``ExportError``, and what the journal says.
    package static func write(
        _ request: Request, from reader: JournalReader, history: BedHistory, document: String?, tables: String?
    ) throws -> Summary {
        let session = request.session
        if session.binding.isWithdrawn {
            throw ExportError.withdrawn(binding: session.binding.number, replacement: session.replacement)
        }
        var export = try SessionExport(request, reader, history, hasDocument: document != nil, tables: tables)
        do {
            try export.readEvents()
            try export.readSamples()
            let made = try document.map { ($0, try export.document(reader).text) }
            try export.tables?.write("provenance.json", try export.provenance().indentedText)
            try export.tables?.finish()
            if let (path, text) = made { try ExportFile.write("\(text)\n", to: path) }
        } catch {
            export.tables?.discard()
            throw error
        }
        return export.summary
    }

    private init(
        _ request: Request, _ reader: JournalReader, _ history: BedHistory, hasDocument: Bool, tables: String?
    ) throws {
        (self.request, veil) = (request, request.veil)
        source = try SessionReader(reader, request.session, history)
        mapper = FHIRMapper(
            unit: veil.unit(try reader.unit() ?? ""), name: try Self.unitName(reader, veil),
            isTestData: request.isTestData, names: request.names)
        start = StreamGap.Mark(moment: source.start, utc: try source.clocks.utc(at: source.start))
        self.tables = try tables.map(TableFolder.init)
        // In one order, whatever is met first.
        for handle in history.allDevices(of: request.session.bed) { _ = veil.device(handle) }
        let veil = veil
        collector = hasDocument ? RunCollector(mapper, source.sessions) { veil.utc($0) } : nil
    }

    /// What people call the unit, by the newest session.
    private static func unitName(_ reader: JournalReader, _ veil: Veil) throws -> String {
        var last: (id: Int64, name: String?) = (0, nil)
        while let event = try reader.events(of: [.hostStarted], after: last.id, limit: 500).last {
            last = (event.id, event.members["unit"] ?? last.name)
        }
        return veil.name(last.name, else: "a unit")
    }

    // MARK: Words

    private func time(_ utc: Int64?) -> String { utc.map { UTCTime.text(nanoseconds: veil.utc($0)) } ?? "" }

    func monotonic(_ moment: JournalMoment) -> Int64 {
        veil.monotonic(moment, start: source.start, sessionStart: source.start(of: moment.session))
    }

    func when(_ moment: JournalMoment, _ utc: Int64?, _ clock: ClockQuality) -> [String] {
        [time(utc), "\(monotonic(moment))", clock.word]
    }

    // MARK: Events

    private mutating func readEvents() throws {
        var events: [(EventRecord, JournalMoment, Bool)] = []
        // One after the other, and never all of a journal: what is of no use here is let go at once.
        try source.events { event, moment, isWithin in
            if DeviceFacts.kinds.contains(where: { $0.name == event.kind }) || isWithin {
                events.append((event, moment, isWithin))
                if events.count >= 500 { try takeAll(&events) }
            }
        }
        try takeAll(&events)
    }

    private mutating func takeAll(_ events: inout [(EventRecord, JournalMoment, Bool)]) throws {
        for (event, moment, isWithin) in events { try take(event, at: moment, isWithin: isWithin) }
        events.removeAll(keepingCapacity: true)
    }

    private mutating func take(_ event: EventRecord, at moment: JournalMoment, isWithin: Bool) throws {
        facts.take(event.id, name: event.kind, device: event.device, members: event.members)
        account.take(event, isWithin: isWithin)
        guard isWithin else { return }
        let body = EventBody(event)
        let isOfBed =
            body.text("bed") == request.session.bed
            || event.device.map { source.isOfPatient($0, at: event) } ?? false
        switch event.kind {
        case "scoreGiven" where isOfBed: try takeScore(event, body, moment)
        case "bedEntered" where isOfBed: try takeEntry(event, body, moment)
        case _ where isOfBed && (event.kind.hasPrefix("alert") || event.kind.hasPrefix("alarm")):
            try takeAlarm(event, body, moment)
        case _ where isOfBed && EventKind.isNamedAsOfCommand(event.kind) && !event.recorded.isOwnAffair:
            try takeCommand(event, moment)
        case _ where Self.explaining.contains(event.kind) && (isOfBed || event.device == nil):
            try takeReason(event, body, moment)
        default: break
        }
    }

    /// Events that explain why there are no values, of the bed's devices and of the host.
    private static let explaining: Set<String> = Set(
        [
            EventKind.hostStarted, .hostStopped, .deviceConnected, .deviceDisconnected, .deviceSilent, .deviceStale,
            .wrongDevice, .deadlinesMissed, .vmdConnected, .vmdDisconnected, .registersRefused, .registersRestored,
            .heldInput, .samplesExceeded, .conflictingReplies, .busContention, .clockStepped, .samplesLost, .eventsLost,
            .journalSetAside, .journalFileFailed, .journalGap, .samplesShed,
        ].map(\.name))

    mutating func place(_ event: EventRecord, _ moment: JournalMoment) throws -> FHIRMapper.Place {
        FHIRMapper.Place(
            number: event.id, session: event.session,
            utc: try source.clocks.utc(of: event, at: moment).map { veil.utc($0) }, clock: event.quality)
    }

    private mutating func takeAlarm(_ event: EventRecord, _ body: EventBody, _ moment: JournalMoment) throws {
        summary.alarms += 1
        let alert = AlertRecord(device: event.device, members: event.members).map {
            veil.alert($0, request.names)
        }
        if let device = alert?.device { met.insert(device) }
        let reason = veil.reason(body.text("reason"))
        try tables?.row(
            .alarms,
            when(moment, try source.clocks.utc(of: event, at: moment), event.quality) + [
                "\(veil.number(event.id))", event.kind, alert?.device ?? "", alert?.vmd ?? "",
                body.text("metric") ?? "", alert?.name ?? "", alert?.priority ?? "", body.text("presence") ?? "",
                body.text("activation") ?? "", veil.change(body.text("change")) ?? "", alert?.instance ?? "",
                alert?.text ?? "", alert?.arabicText ?? "",
                reason ?? "", veil.operators(body.texts("by")).joined(separator: " "),
            ])
        guard collector != nil else { return }
        let recorded: RecordedEvent =
            switch event.recorded {
            case .alertStart(let alert): .alertStart(veil.alert(alert, request.names))
            case .alertEnd(let alert, _): .alertEnd(veil.alert(alert, request.names), reason: reason)
            case .alertUpdate(let alert, let standing):
                veil.standing(standing).map { .alertUpdate(veil.alert(alert, request.names), $0) }
                    ?? .unknown(event.kind)
            case let other: other
            }
        let place = try place(event, moment)
        let isWhole = veil.removed.isEmpty
        alarms.append(
            mapper.event(
                recorded, name: event.kind, id: event.id, session: event.session,
                device: event.device.map { veil.device($0) }, utc: place.utc, clock: event.quality,
                line: isWhole ? event.line : line(event, place, alert),
                hash: veil.removed.contains(.names) ? [] : event.hash))
    }

    /// An event that has no form of its own in FHIR, without what is not told.
    private mutating func line(_ event: EventRecord, _ place: FHIRMapper.Place, _ alert: AlertRecord?) -> String {
        JSON.members([
            "event": .string(event.kind), "device": alert?.device.map(JSON.string),
            "time": place.utc.map { .string(UTCTime.text(nanoseconds: $0)) }, "clock": .string(event.quality.word),
            "alert": alert.map { .string($0.name) }, "priority": alert?.priority.map(JSON.string),
            "instance": alert?.instance.map(JSON.string),
        ]).text
    }

    private mutating func takeCommand(_ event: EventRecord, _ moment: JournalMoment) throws {
        summary.commands += 1
        let device = event.device.map { veil.device($0) }
        if let device { met.insert(device) }
        try tables?.row(
            .infusions,
            when(moment, try source.clocks.utc(of: event, at: moment), event.quality) + [
                device ?? "", "", "command", "", "", "", "", "", event.kind,
            ])
        guard collector != nil else { return }
        let place = try place(event, moment)
        commands.append(
            mapper.event(
                event.recorded, name: event.kind, id: event.id, session: event.session, device: device, utc: place.utc,
                clock: event.quality, line: ""))
    }

    private mutating func takeReason(_ event: EventRecord, _ body: EventBody, _ moment: JournalMoment) throws {
        let time = time(try source.clocks.utc(of: event, at: moment))
        let figure = body.integer("figure").map { "\($0)" } ?? ""
        let device = event.device.map { veil.device($0) } ?? ""
        let own = "\(monotonic(moment))"
        try tables?.row(.gaps, [time, "", own, "", device, "", "", event.kind, "", "", figure])
    }

    // MARK: Samples

    private mutating func readSamples() throws {
        var batch: [SessionSample] = []
        let all = source
        try all.samples { sample in
            batch.append(sample)
            if batch.count >= 4096 { try takeAll(&batch) }
        }
        try takeAll(&batch)
        let end = source.end ?? account.last ?? source.start
        for number in gaps.keys.sorted() {
            guard let (known, stream) = gaps[number] else { continue }
            var watch = known
            for gap in watch.finish(end) { try write(gap, stream) }
        }
        collector?.finish()
    }

    private mutating func takeAll(_ batch: inout [SessionSample]) throws {
        for sample in batch { try take(sample) }
        batch.removeAll(keepingCapacity: true)
    }

    private mutating func take(_ sample: SessionSample) throws {
        account.take(sample)
        summary.samples += 1
        guard veil.shows(sample.descriptor) else { return }
        let stream = veil.stream(sample.descriptor)
        let when = when(sample.moment, sample.utc, sample.clock)
        let value = [
            sample.value ?? "", stream.unit ?? "", sample.validity.word,
            sample.reason == .none ? "" : sample.reason.word,
        ]
        let names = [stream.device, stream.vmd ?? "", stream.metric]
        if let tables {
            let sequence = veil.sequence(sample.sequence, of: sample.stream)
            try tables.row(.trends, when + names + ["\(sequence)"] + value)
        }
        if let part = Infusions.part(of: stream), changes[sample.stream, default: ChangeWatch()].isNews(sample) {
            try tables?.row(
                .infusions, when + [stream.device, stream.vmd ?? "", part.rawValue, stream.metric] + value + [""])
        }
        for gap in gaps[sample.stream, default: (GapWatch(stream, from: start), stream)].watch.take(sample) {
            try write(gap, stream)
        }
        try collector?.take(sample, as: stream)
    }

    private mutating func write(_ gap: StreamGap, _ stream: StreamDescriptor) throws {
        summary.gaps += 1
        var (validity, reason) = ("", "")
        if case .told(let told, let why) = gap.cause {
            (validity, reason) = (told.word, why == .none ? "" : why.word)
        }
        try tables?.row(
            .gaps,
            [
                time(gap.from.utc), gap.to.map { time($0.utc) } ?? "", "\(monotonic(gap.from.moment))",
                gap.to.map { "\(monotonic($0.moment))" } ?? "", stream.device, stream.vmd ?? "", stream.metric,
                gap.cause.word, validity, reason, gap.samples.map { "\($0)" } ?? "",
            ])
    }
}
