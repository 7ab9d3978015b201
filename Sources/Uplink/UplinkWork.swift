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

    init(directory: String, settings: UplinkService.Settings) throws {
        reader = try JournalReader(directory: directory)
        store = try DeliveryStore(directory: directory)
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
            if try store.isDescribed(resource.url, hash: digest) { known.insert(key) } else { missing.append(resource) }
        }
        if streams.isEmpty, !missing.isEmpty { newestConfiguration = -1 }
        return missing
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

    func nextWindow() throws -> SampleWindows.Window? { try windows.next(after: try store.samplePosition()) }

    /// Resources that are not delivered yet: events, and the observations of every window to the journal's end.
    func pending() throws -> Int {
        var count = try reader.events(after: try store.eventPosition(), limit: 10_000).count {
            !$0.recorded.isOwnAffair
        }
        var position = try store.samplePosition()
        // The count is bounded: past ten thousand, “many” is all that anybody needs to know.
        while count < 10_000, let window = try windows.next(after: position, includingOpen: true) {
            count += window.observations.count
            if window.next == position { break }
            position = window.next
        }
        return count
    }
}
