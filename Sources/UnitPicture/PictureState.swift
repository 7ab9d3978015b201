import DeviceModel
import JournalFolds
import Patients
import SampleJournal

/// All that a picture is made of: the newest session of a journal, as it has come so far.
struct PictureState {
    let settings: PictureSettings
    /// `nil` where the journal has no session, or the newest one has no samples.
    let session: JournalSession?
    private(set) var events: SessionEvents
    private(set) var samples: SessionSamples
    private(set) var layout: PictureLayout
    /// When each open binding was said, and since when the patient is there. Unit: ns since 1970.
    private(set) var arrivals: [Int64: Int64?] = [:]
    /// Since when a device's values are of whoever is at its bed now, be it nobody: what it told before is another's.
    /// Unit: ns of the monotonic clock; none where it is so since the session began.
    private(set) var begins: [String: Int64] = [:]

    /// Reads what the picture needs: from the events on that say what went before, and the newest of the samples.
    init(_ reader: JournalReader, _ settings: PictureSettings) throws {
        self.settings = settings
        let sessions = try reader.sessions()
        // A session whose samples found no disk has events all the same.
        let told = try reader.lastEvents(in: 1...Int64.max - 1, limit: 1).last?.session
        let key = told.flatMap { key in sessions.contains { $0.key == key } ? nil : key } ?? sessions.last?.key
        session = sessions.last { $0.key == key }
        events = try SessionEvents(reader, session: key ?? "")
        samples = try SessionSamples(reader, session: session?.id)
        layout = PictureLayout(
            samples, events.devices.devices, beds: events.bindings.fold.beds.mapValues(\.devices))
        recallArrivals(reader)
        recallBegins()
    }

    /// Whether the session goes on, on this machine since it started.
    var isRecording: Bool {
        guard let session else { return false }
        return !session.isEnded && !events.isEnded && session.bootID == settings.bootID
    }

    /// What a look at the journal brought.
    struct Change {
        var events: SessionEvents.Change = []
        /// The streams that have something new.
        var streams: Set<Int64> = []
        /// Whether there may be other streams, or at other beds.
        var isLaidAnew = false
        /// Whether another session began: everything is to be read anew.
        var isAnotherSession = false
    }

    /// Takes what was committed since.
    mutating func take(_ reader: JournalReader) throws -> Change {
        var change = Change()
        while case let found = try reader.events(after: events.last, limit: 1000), !found.isEmpty {
            for event in found {
                change.events.formUnion(events.take(event))
                if event.session != events.session { change.isAnotherSession = true }
            }
        }
        let known = samples.streams.count
        while case let chunks = try reader.chunks(after: samples.cursor, limit: 100), !chunks.isEmpty {
            for chunk in chunks {
                if chunk.session == session?.id {
                    for stream in try samples.take(chunk, reader) { change.streams.insert(stream) }
                } else {
                    samples.pass(chunk.id)
                    if chunk.session > session?.id ?? 0 { change.isAnotherSession = true }
                }
            }
        }
        // One of a device that the session does not have is not shown, however often it comes.
        let isNew =
            samples.streams.count != known
            || change.streams.contains { number in
                layout.byNumber[number] == nil
                    && samples.streams[number].map { events.devices.devices[$0.device] != nil } ?? false
            }
        if isNew || change.events.contains(.devices) {
            layout = PictureLayout(
                samples, events.devices.devices, beds: events.bindings.fold.beds.mapValues(\.devices))
            change.isLaidAnew = true
        }
        if change.events.contains(.devices) { recallBegins() }
        if change.events.contains(.beds) { recallArrivals(reader) }
        return change
    }

    private mutating func recallBegins() {
        begins = [:]
        for (device, bed) in layout.bedOfDevice {
            let times = [events.places.moved[device], lastChange(atBed: bed)].compactMap(\.self)
            begins[device] = times.max()
        }
    }

    /// When the last one came to a bed within the session, or left it. Unit: ns of the monotonic clock.
    private func lastChange(atBed bed: String) -> Int64? {
        let fold = events.bindings.fold
        let last = fold.openBinding(atBed: bed) ?? fold.bindings.last { $0.bed == bed && !$0.isWithdrawn }
        guard let last else { return nil }
        let moment = last.until ?? last.since
        return moment.session == events.session ? moment.nanoseconds : nil
    }

    /// Since when the patients are there, by the clock as it was when somebody said so: known of sessions before too.
    private mutating func recallArrivals(_ reader: JournalReader) {
        let fold = events.bindings.fold
        let open = fold.bindings.filter(\.isOpen)
        arrivals = arrivals.filter { number, _ in open.contains { $0.number == number } }
        for binding in open where arrivals[binding.number] == nil {
            let event = try? reader.events(after: binding.number - 1, limit: 1).first
            guard let event, event.id == binding.number, event.session == binding.since.session else {
                arrivals[binding.number] = .some(fold.utc(of: binding.since) ?? event?.utc)
                continue
            }
            arrivals[binding.number] = .some(
                event.utc &- (event.monotonicNanoseconds &- binding.since.nanoseconds))
        }
    }
}
