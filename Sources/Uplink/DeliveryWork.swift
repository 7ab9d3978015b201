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
    private var feeds: [DeliveryLane: LaneFeed] = [:]
    /// Descriptions known to be stored, so that the book is not asked for each window.
    private var known: [String: [UInt8]] = [:]
    private var newestConfiguration: Int64 = -1
    private var devices: [DeviceDescription] = []
    private var facts = DeviceFacts()
    /// How often the lanes had gone back when that was last looked at: descriptions are forgotten then, by each task.
    private var seenReturns: Int64 = 0
    /// The newest event when the journal was last asked for them.
    private var looked: Int64 = 0
    /// Descriptions that the destination does not take as they are, and when they were sent: tried again after a while.
    private var refused: [String: (digest: [UInt8], at: ContinuousClock.Instant)] = [:]
    private static let patience = Duration.seconds(600)
    private var clocks = SessionClocks()
    /// Windows that are held in memory at once while what is parked in them is tried again.
    private static let windowsAtOnce = 4

    init(_ reader: JournalReader, _ book: DeliveryBook, unit: String, settings: UplinkService.Settings) throws {
        self.reader = reader
        compresses = settings.compresses
        machine = settings.machine
        self.book = book
        mapper = FHIRMapper(unit: unit, name: settings.unit, isTestData: settings.isTestData, names: settings.names)
        for lane in DeliveryLane.allCases where lane.isOfSamples {
            let windows = SampleWindows(lane, reader: reader, mapper: mapper, length: settings.window)
            feeds[lane] = try LaneFeed(windows, book)
        }
    }

    func item(_ description: FHIRResource) -> DeliveryItem {
        DeliveryItem(.description(description), mapper, origin: .description)
    }

    // MARK: Descriptions

    /// The host and its devices, as they are configured now, that the destination lacks.
    func missingConfiguration() throws -> [DeliveryItem] {
        let newest = try reader.newestEvent()
        guard newest != newestConfiguration else { return [] }
        newestConfiguration = newest
        try readDevices()
        let missing = try missing([gateway] + devices.map(mapper.device))
        // What is missing still is looked at again, whether or not anything happens.
        if !missing.isEmpty { newestConfiguration = -1 }
        return missing
    }

    /// The host itself.
    var gateway: FHIRResource { mapper.gateway(version: facts.hostVersion, machine: machine) }

    /// What the journal says of the host and its devices; only what is new is read.
    private func readDevices() throws {
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

    private func isRefused(_ resource: FHIRResource) -> Bool {
        guard let entry = refused[resource.url], ContinuousClock.now - entry.at < Self.patience else { return false }
        return entry.digest == resource.digest
    }

    /// The description without which an item is not sent, since the destination does not take it; `nil` when there is
    /// none. An alarm is sent in any case.
    func obstacle(of item: DeliveryItem) -> String? {
        guard !refused.isEmpty, item.stream != nil else { return nil }
        return descriptions(of: item).first(where: isRefused)?.url
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
        newestConfiguration = -1
    }

    // MARK: Samples

    /// The next resources of a lane of samples, at least one bundle's worth if there is so much.
    func steps(_ lane: DeliveryLane, entries: Int, bytes: Int) throws -> [SampleFeed.Step] {
        try readDevices()
        try feeds[lane]?.fill(entries: entries, bytes: bytes)
        return feeds[lane]?.steps ?? []
    }

    /// The first so many are dealt with.
    func settle(_ lane: DeliveryLane, _ count: Int, stored: [String], parked: [ParkedResource]) throws {
        try feeds[lane]?.settle(count, stored: stored, parked: parked)
    }

    // MARK: Events

    /// The next events of a lane that are missing, newest or oldest first, and what is missing when they are dealt
    /// with.
    func events(_ lane: DeliveryLane, newestFirst: Bool, limit: Int) throws -> EventBatch? {
        try readDevices()
        let returns = try book.returnCount()
        if returns != seenReturns { (known, seenReturns) = ([:], returns) }
        let newest = try reader.newestEvent()
        var ranges = try book.missing(lane, through: newest)
        guard let range = newestFirst ? ranges.last : ranges.first else { return nil }
        // So many are looked at, whatever lane they are of; numbers between them that no event has are passed over.
        let span = limit * 8
        let read =
            newestFirst
            ? try reader.lastEvents(in: range, limit: span)
            : try reader.events(after: range.lowerBound - 1, limit: span).filter { $0.id <= range.upperBound }
        var done = range
        if read.count == span, let first = read.first, let last = read.last {
            done = newestFirst ? first.id...range.upperBound : range.lowerBound...last.id
        }
        var events = read.filter { Self.lane(of: $0) == lane && !$0.recorded.isOwnAffair }
        if events.count > limit {
            events = newestFirst ? Array(events.suffix(limit)) : Array(events.prefix(limit))
            if let first = events.first, let last = events.last {
                done = newestFirst ? first.id...range.upperBound : range.lowerBound...last.id
            }
        }
        ranges.removeAll { $0 == range }
        if done.lowerBound > range.lowerBound { ranges.append(range.lowerBound...(done.lowerBound - 1)) }
        if done.upperBound < range.upperBound { ranges.append((done.upperBound + 1)...range.upperBound) }
        let items = (newestFirst ? events.reversed() : events).map(item)
        return EventBatch(
            lane: lane, items: items, missing: ranges.sorted { $0.lowerBound < $1.lowerBound }, seen: newest,
            returns: returns)
    }

    /// Whether an alarm was recorded after an event.
    func hasAlarm(after number: Int64) throws -> Bool {
        try reader.events(after: number, limit: 1000).contains { Self.lane(of: $0) == .alarms }
    }

    private static func lane(of event: EventRecord) -> DeliveryLane {
        switch event.recorded {
        case .alertStart, .alertUpdate, .alertEnd, .alarmSwitch: .alarms
        default: .events
        }
    }

    /// When an event was, by the wall clock as it was known later where it was not known then; `nil` where it never
    /// was.
    private func utc(of event: EventRecord) -> Int64? {
        guard event.quality == .unknown else { return event.utc }
        let session = try? reader.sessions().first { $0.key == event.session }
        guard let session, session.form != nil else { return event.utc }
        return (try? clocks.offset(of: session.id, in: reader)).flatMap { $0 }.map { event.monotonicNanoseconds &+ $0 }
    }

    private func item(_ event: EventRecord) -> DeliveryItem {
        // A device that was refused before it ever ran is not described, and never was.
        let device = event.device.flatMap { handle in devices.contains { $0.handle == handle } ? handle : nil }
        let resource = mapper.event(
            event.recorded, name: event.kind, id: event.id, session: event.session, device: event.device,
            utc: utc(of: event), clock: event.quality, line: event.line, hash: event.hash,
            isDescribed: device != nil || event.device == nil)
        return DeliveryItem(.event(resource, device: device), mapper, origin: .event(event.id))
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
                found = try reader.events(after: number - 1, limit: 1).first { $0.id == number }.map(item)
            case .window(let lane, let position):
                if windows[parked.origin] == nil {
                    windows[parked.origin] = try feeds[lane]?.windows.window(at: position)?.items ?? []
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
        var wanted = [gateway] + devices.map(mapper.device)
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
        let newest = try reader.newestEvent()
        var count = 0
        for lane in DeliveryLane.allCases where !lane.isOfSamples {
            for range in try book.missing(lane, through: newest) {
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
                    let window = try windows.next(after: span.position, includingOpen: true)
                {
                    count += window.items.count { $0.url > span.position.part }
                    if window.next == span.position { break }
                    span.position = window.next
                }
            }
        }
        return count
    }
}

/// Events of a lane that go together.
struct EventBatch {
    let lane: DeliveryLane
    let items: [DeliveryItem]
    /// What is missing when they are dealt with.
    let missing: [ClosedRange<Int64>]
    let seen: Int64
    /// How often the lanes had gone back when it was made.
    let returns: Int64
}
