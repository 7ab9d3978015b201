import DeviceModel
import FHIRMapping
import Foundation
import SampleJournal

/// What the journal holds that a destination does not have, and the book of it. It belongs to one task.
final class DeliveryWork {
    let book: DeliveryBook
    let reader: JournalReader
    let mapper: FHIRMapper
    /// Whether bodies go in gzip, to a service that reads it.
    let compresses: Bool
    /// Tells this machine from another; `nil` where nothing does.
    let machine: String?
    private let window: Int64
    private let unsetClock: UnsetClock
    private var feeds: [DeliveryLane: LaneFeed] = [:]
    /// Under whom everything is filed, as far as was read; and up to which event of beds the book says so.
    var (filings, filed) = (PatientFilings(), Int64(0))
    /// Bindings of which values had left the journal when they were said or withdrawn.
    var gone = 0
    /// The newest event when it was last asked who is where.
    var stockTaken: Int64 = -1
    /// Who patients are, as far as anybody has said.
    var patients: PatientCards
    /// Descriptions known to be stored, so that the book is not asked for each window.
    var known: [String: [UInt8]] = [:]
    private var newestConfiguration: Int64 = -1
    private(set) var devices: [DeviceDescription] = []
    private var facts = DeviceFacts()
    /// How often the lanes had gone back when that was last looked at: descriptions are forgotten then, by each task.
    var seenReturns: Int64 = 0
    /// The newest event when the journal was last asked for them.
    private var looked: Int64 = 0
    /// Descriptions that the destination does not take as they are, and when they were sent: tried again after a while.
    private var refused: [String: (digest: [UInt8], at: ContinuousClock.Instant)] = [:]
    private static let patience = Duration.seconds(600)
    var clocks = SessionClocks()
    let selection: WaveformSelection
    /// When the list of what is withheld was last held against the journal.
    var listChecked: ContinuousClock.Instant?
    /// Windows that are held in memory at once while what is parked in them is tried again.
    private static let windowsAtOnce = 4

    init(_ reader: JournalReader, _ book: DeliveryBook, unit: String, settings: UplinkService.Settings) throws {
        self.reader = reader
        compresses = settings.compresses
        machine = settings.machine
        self.book = book
        mapper = FHIRMapper(unit: unit, name: settings.unit, isTestData: settings.isTestData, names: settings.names)
        window = settings.window
        selection = WaveformSelection(settings.waveforms)
        unsetClock = settings.unsetClock
        patients = PatientCards(settings.identity)
        try layOutFeeds()
    }

    /// Makes the lanes of samples anew from the book, with what is known now of who is where.
    func layOutFeeds() throws {
        for lane in DeliveryLane.allCases where lane.isOfSamples {
            let windows = SampleWindows(
                lane, reader: reader, mapper: mapper, length: window, filings: filings, unsetClock: unsetClock)
            feeds[lane] = try LaneFeed(windows, book, filed: filed, selection)
        }
    }

    /// How long a session's windows are. Unit: ns.
    func windowLength(of session: JournalSession) -> Int64 { session.window ?? window }

    func item(_ description: FHIRResource) -> DeliveryItem {
        DeliveryItem(.description(description), mapper, origin: .description)
    }

    // MARK: Descriptions

    /// The host and its devices, as they are configured now, that the destination lacks.
    func missingConfiguration() throws -> [DeliveryItem] {
        let newest = try reader.newestEvent()
        guard newest != newestConfiguration || patients.isDue else { return [] }
        newestConfiguration = newest
        try readDevices()
        let missing = try missing([gateway] + devices.map(mapper.device) + patientsToDescribe())
        // What is missing still is looked at again, whether or not anything happens.
        if !missing.isEmpty { newestConfiguration = -1 }
        return missing
    }

    /// The host itself.
    var gateway: FHIRResource { mapper.gateway(version: facts.hostVersion, machine: machine) }

    /// What the journal says of the host and its devices; only what is new is read.
    func readDevices() throws {
        let newest = try reader.newestEvent()
        guard newest > looked else { return }
        while true {
            let events = try reader.events(of: DeviceFacts.kinds, after: facts.through, limit: 500)
            for event in events {
                facts.take(event.id, name: event.kind, device: event.device, members: event.members)
            }
            guard events.count == 500 else { break }
        }
        looked = newest
        devices = facts.descriptions
    }

    /// The descriptions that an item refers to, what is referred to first.
    func descriptions(of item: DeliveryItem) -> [FHIRResource] {
        var found = [gateway]
        if let subject = item.subject { found.append(patient(subject)) }
        if let handle = item.device {
            found += devices.filter { $0.handle == handle }.map(mapper.device)
        }
        if let stream = item.stream {
            if let vmd = stream.vmd { found.append(mapper.virtualDevice(vmd, of: stream.device)) }
            found.append(mapper.metric(stream))
        }
        return found
    }

    /// Those that the destination lacks, each once, without those it does not take as they are.
    func missing(_ wanted: [FHIRResource]) throws -> [DeliveryItem] {
        var missing: [String: FHIRResource] = [:]
        var order: [String] = []
        for resource in wanted where missing[resource.url] == nil && !isRefused(resource) {
            let digest = resource.digest
            if known[resource.url] == digest { continue }
            if try book.isDescribed(resource.url, hash: digest) {
                known[resource.url] = digest
            } else {
                missing[resource.url] = resource
                order.append(resource.url)
            }
        }
        return order.compactMap { missing[$0].map(item) }
    }

    /// Parts and metrics of all streams that may be delivered, as far as the destination lacks them. Not while it does
    /// not take what they refer to: each would be refused with it.
    func missingOfStreams() throws -> [DeliveryItem] {
        guard !([gateway] + devices.map(mapper.device)).contains(where: isRefused) else { return [] }
        let streams = try reader.streams().map(\.descriptor).filter { stream in
            DeliveryLane(of: stream) != .waveforms || selection.policy != .never
        }
        let parts = streams.compactMap { stream in stream.vmd.map { mapper.virtualDevice($0, of: stream.device) } }
        return try missing(parts + streams.map(mapper.metric))
    }

    func isRefused(_ resource: FHIRResource) -> Bool {
        guard let entry = refused[resource.url], ContinuousClock.now - entry.at < Self.patience else { return false }
        return entry.digest == resource.digest
    }

    /// The description without which an item is not sent, since the destination does not take it; `nil` when there is
    /// none. Of an event that is the patient's; an alarm is sent in any case.
    func obstacle(of item: DeliveryItem) -> String? {
        guard !refused.isEmpty else { return nil }
        if item.stream != nil { return descriptions(of: item).first(where: isRefused)?.url }
        return item.unfiled == nil && isPatientRefused(of: item) ? patientURL(of: item) : nil
    }

    /// Descriptions were sent: those that are stored now, and those that the destination does not take.
    func settle(descriptions: [DeliveryItem], _ parked: [ParkedResource]) throws {
        let urls = Set(parked.map(\.url))
        for item in descriptions {
            let digest = item.resource.digest
            refused[item.url] = urls.contains(item.url) ? (digest, .now) : nil
            if !urls.contains(item.url) { known[item.url] = digest }
        }
        try book.describe(
            descriptions.filter { !urls.contains($0.url) }.map { ($0.url, $0.resource.digest) }, parked: parked)
    }

    /// The destination has lost descriptions that it had taken: all go again.
    func forgetDescriptions() throws {
        try book.forgetDescriptions()
        known = [:]
        patients.forgetTold()
        newestConfiguration = -1
    }

    // MARK: Samples

    /// The next resources of a lane of samples, at least one bundle's worth if there is so much.
    func steps(_ lane: DeliveryLane, entries: Int, bytes: Int) throws -> [SampleFeed.Step] {
        try readDevices()
        if lane == .waveforms { try checkWithheld() }
        try feeds[lane]?.fill(entries: entries, bytes: bytes)
        return feeds[lane]?.steps ?? []
    }

    /// What of a lane is in hand behind the first so many, at least so much if its stretch has so much.
    func stepsInHand(
        _ lane: DeliveryLane, beyond count: Int, entries: Int, bytes: Int
    ) throws -> ArraySlice<SampleFeed.Step> {
        let before = feeds[lane]?.steps.prefix(count).reduce(0) { $0 + $1.item.bytes } ?? 0
        try feeds[lane]?.readOn(entries: count + entries, bytes: before + bytes)
        return feeds[lane]?.steps.dropFirst(count) ?? []
    }

    /// Whether something of a lane has times by now that went without.
    func takeMapped(_ lane: DeliveryLane) -> Bool { feeds[lane]?.takeMapped() ?? false }

    /// The first so many are dealt with.
    ///
    /// - Returns: whether that counts; not where something was said of beds since they were made.
    func settle(_ lane: DeliveryLane, _ count: Int, stored: [String], parked: [ParkedResource]) throws -> Bool {
        try feeds[lane]?.settle(count, stored: stored, parked: parked) ?? true
    }

    // MARK: What is parked

    /// What is to be tried again, made anew from the journal where it still has it.
    func due(limit: Int) throws -> [DeliveryItem] {
        try readDevices()
        var windows: [DeliveryOrigin: [DeliveryItem]] = [:]
        return try book.due(limit: limit).compactMap { parked in
            if case .window = parked.origin, windows[parked.origin] == nil, windows.count == Self.windowsAtOnce {
                return nil
            }
            var found: DeliveryItem?
            switch parked.origin {
            case .description: found = try description(parked.url)
            case .event(let number):
                let event = try reader.events(after: number - 1, limit: 1).first { $0.id == number }
                found = event.map(items)?.first { $0.url == parked.url }
            case .window(let lane, let position):
                if windows[parked.origin] == nil {
                    // What a pump tells was parked as a number by versions that had one lane for both.
                    let lanes: [DeliveryLane] = lane == .numerics ? [lane, .pumpState] : [lane]
                    windows[parked.origin] = try lanes.flatMap {
                        try feeds[$0]?.windows.window(at: position)?.items ?? []
                    }
                }
                found = windows[parked.origin]?.first { $0.url == parked.url }
            }
            if let found, found.url == parked.url { return found }
            guard !parked.resource.isEmpty else {
                try book.giveUpTrying(parked.url)
                return nil
            }
            return DeliveryItem(.kept(url: parked.url, json: parked.resource), mapper, origin: parked.origin)
        }
    }

    private func description(_ url: String) throws -> DeliveryItem? {
        var wanted = [gateway] + devices.map(mapper.device) + filings.subjects.map(patient)
        for stream in try reader.streams().map(\.descriptor) {
            if let vmd = stream.vmd { wanted.append(mapper.virtualDevice(vmd, of: stream.device)) }
            wanted.append(mapper.metric(stream))
        }
        return wanted.first { $0.url == url }.map(item)
    }

    // MARK: How much is left

    /// Resources that nothing is known of yet, counted for at most this long and to ten thousand.
    func pending(within limit: Duration = .seconds(2)) throws -> Int {
        let end = ContinuousClock.now + limit
        _ = try takeStock()
        try selection.takeStock(reader, filings)
        let newest = try reader.newestEvent()
        var count = 0
        for lane in DeliveryLane.allCases where !lane.isOfSamples {
            for range in try book.missing(lane, through: newest) where count < 10_000 && ContinuousClock.now < end {
                count += try reader.events(after: range.lowerBound - 1, limit: 10_000).count {
                    $0.id <= range.upperBound && Self.lane(of: $0) == lane && !$0.recorded.isOwnAffair
                }
            }
        }
        for feed in feeds.values {
            var windows = feed.windows
            let spans = try book.spans(feed.lane)
            for (place, span) in spans.enumerated() {
                var span = span
                while count < 10_000, ContinuousClock.now < end,
                    place + 1 == spans.count || !span.hasReached(spans[place + 1].begin),
                    let window = try windows.next(after: span.position, includingOpen: true, feed.choice)
                {
                    count += window.items.count { $0.url > span.position.part }
                    if window.next == span.position { break }
                    span.position = window.next
                }
            }
            for refiling in try book.refilings(feed.lane) where count < 10_000 && ContinuousClock.now < end {
                var left = LaneFeed.feed(of: refiling)
                _ = try left.fill(&windows, to: refiling.end, entries: 10_000, bytes: 1 << 20)
                count += left.steps.count
            }
        }
        return count
    }
}
