import DeviceModel
import FHIRMapping
import Foundation
import SampleJournal

/// What the journal holds that the records service has not acknowledged.
final class UplinkWork {
    let store: DeliveryStore
    private let reader: JournalReader
    private let mapper: FHIRMapper
    private var windows: SampleWindows
    /// Descriptions known to be acknowledged, so that the book is not asked for each window.
    private var known: Set<String> = []
    private var newestConfiguration: Int64 = -1
    /// Descriptions that the service would not take as they are, and when they were sent: tried again after a while.
    private var parked: [String: ContinuousClock.Instant] = [:]
    private static let patience = Duration.seconds(600)
    /// The name under which a book that could not be read any more is kept.
    let setAside: String?

    init(directory: String, settings: UplinkService.Settings) throws {
        reader = try JournalReader(directory: directory)
        (store, setAside) = try DeliveryStore.opened(directory: directory)
        mapper = FHIRMapper(unit: settings.unit, isTestData: settings.isTestData, names: settings.names)
        windows = SampleWindows(reader: reader, mapper: mapper, length: settings.window)
    }

    /// The descriptions that the service lacks: the host, its devices, and these streams.
    func descriptions(for streams: [StreamDescriptor]) throws -> [FHIRResource] {
        var wanted: [FHIRResource] = []
        if streams.isEmpty {
            let newest = try reader.newestEvent()
            guard newest != newestConfiguration else { return [] }
            newestConfiguration = newest
            let configured = try reader.newestEvents(kind: .deviceConfigured)
            wanted = [mapper.gateway()] + configured.compactMap(Self.description).map(mapper.device)
        } else {
            for stream in streams {
                if let vmd = stream.vmd { wanted.append(mapper.virtualDevice(vmd, of: stream.device)) }
                wanted.append(mapper.metric(stream))
            }
        }
        var missing: [FHIRResource] = []
        for resource in wanted where !missing.contains(where: { $0.url == resource.url }) {
            let digest = resource.digest
            let key = "\(resource.url) \(digest)"
            if known.contains(key) { continue }
            if let sent = parked[key], ContinuousClock.now - sent < Self.patience { continue }
            if try store.isDescribed(resource.url, hash: digest) { known.insert(key) } else { missing.append(resource) }
        }
        if streams.isEmpty, !missing.isEmpty { newestConfiguration = -1 }
        return missing
    }

    /// Descriptions that were sent: those that the service took, and those that it will not take.
    func settle(descriptions: [FHIRResource], refused: Set<String>) throws {
        for resource in descriptions where refused.contains(resource.url) {
            parked["\(resource.url) \(resource.digest)"] = ContinuousClock.now
        }
        try store.markDescribed(
            descriptions.filter { !refused.contains($0.url) }.map { ($0.url, $0.digest) })
    }

    private static func description(_ event: EventRecord) -> DeviceDescription? {
        let members = event.members
        guard let device = event.device, !members.isEmpty else { return nil }
        return DeviceDescription(
            handle: device, manufacturer: members["manufacturer"] ?? "", model: members["model"] ?? "",
            kind: members["kind"] ?? "")
    }

    /// The next events and the last one's number; `nil` when there are none.
    func events() throws -> ([FHIRResource], Int64)? {
        let events = try reader.events(after: try store.eventPosition(), limit: UplinkService.bundleLimit)
        guard let last = events.last else { return nil }
        let resources = events.compactMap { event -> FHIRResource? in
            let recorded = event.recorded
            guard !recorded.isOwnAffair else { return nil }
            return mapper.event(
                recorded, name: event.kind, id: event.id, session: event.session, device: event.device, utc: event.utc,
                line: event.line)
        }
        return (resources, last.id)
    }

    /// The next window, and how many of its observations, in their order, the service has acknowledged.
    func nextWindow() throws -> (window: SampleWindows.Window, acknowledged: Int)? {
        guard let window = try windows.next(after: try store.samplePosition()) else { return nil }
        let count = try store.acknowledged(of: window.begin) { Self.print(of: window.observations.prefix($0)) }
        return (window, count)
    }

    /// So many of a window's observations, in their order, are stored there.
    func mark(part count: Int, of window: SampleWindows.Window, delivered: Int) throws {
        try store.mark(
            part: count, print: Self.print(of: window.observations.prefix(count)), of: window.begin,
            delivered: delivered)
    }

    /// FNV-1a over their ids.
    private static func print(of resources: some Sequence<FHIRResource>) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for resource in resources {
            for byte in resource.url.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        return Int64(bitPattern: hash)
    }

    /// Resources that are not delivered yet: events, and the observations of every window to the journal's end.
    ///
    /// - Parameter limit: for how long they are counted; what is left then is not.
    func pending(within limit: Duration = .seconds(2)) throws -> Int {
        let end = ContinuousClock.now + limit
        var count = try reader.events(after: try store.eventPosition(), limit: 10_000).count {
            !$0.recorded.isOwnAffair
        }
        var position = try store.samplePosition()
        // The count is bounded: past ten thousand, “many” is all that anybody needs to know.
        while count < 10_000, ContinuousClock.now < end,
            let window = try windows.next(after: position, includingOpen: true)
        {
            count += window.observations.count
            if window.next == position { break }
            position = window.next
        }
        return count
    }
}
