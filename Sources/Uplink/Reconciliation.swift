import DeviceModel
import FHIRMapping
import Foundation
import SampleJournal

/// At intervals a sample of what the service said it had stored is read back. What is not there is sent again, with all
/// since the last that was found there, under the same ids.
final class Reconciliation {
    enum Finding: Equatable {
        /// It is not time, or nothing can be said now.
        case nothing
        /// All that was read is there.
        case kept
        /// Not there, or not as it was sent; the lanes have gone back for it.
        case contradicted(Int)
        /// The service does not let this unit read.
        case unreadable
    }

    /// Read back at once.
    private static let sample = 20
    /// Kept in an interval for each lane.
    private static let kept = 60
    /// A service that is contradicted again gets so many times the interval at most.
    private static let mostPatience = 24
    /// One that is larger is not kept to be read back. Unit: bytes.
    private static let largest = 64 << 10

    private let book: DeliveryBook
    private let interval: Duration
    private var next: ContinuousClock.Instant
    private var patience = 1
    private var lastKept: [DeliveryLane: ContinuousClock.Instant] = [:]

    init(_ book: DeliveryBook, every interval: Duration) {
        (self.book, self.interval) = (book, interval)
        next = .now + interval
    }

    /// One of what was just stored is kept now and then.
    func keep(_ items: [DeliveryItem], stored: [String], of lane: DeliveryLane, filed: Int64) throws {
        if let last = lastKept[lane], .now - last < interval / Self.kept { return }
        let names = Set(stored)
        guard let item = items.filter({ names.contains($0.url) && $0.bytes <= Self.largest }).randomElement() else {
            return
        }
        lastKept[lane] = .now
        try book.acknowledge(
            AcknowledgedResource(url: item.url, lane: lane, resource: item.resource.json.text),
            with: items.map(\.origin), filed: filed)
    }

    var isDue: Bool { .now >= next }

    /// Whether the service has the host's own description from another machine; `nil` when that cannot be said.
    func isShared(_ service: any RecordsService, _ gateway: FHIRResource, machine: String?) async -> Bool? {
        guard let machine, (try? book.isDescribed(gateway.url, hash: gateway.digest)) == true,
            case .found(let bytes) = await service.read(gateway.url, within: .seconds(30)),
            let found = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        else { return nil }
        let identifiers = found["identifier"] as? [[String: Any]] ?? []
        let other = identifiers.first { $0["system"] as? String == FHIRMapper.machineSystem }?["value"] as? String
        return other.map { $0 != machine }
    }

    /// Reads back, when it is time.
    func look(_ service: any RecordsService) async throws -> Finding {
        guard isDue else { return .nothing }
        let sample = try book.unconfirmed(limit: Self.sample)
        next = .now + interval
        guard !sample.isEmpty else { return .nothing }
        var (confirmed, missing): ([String], [AcknowledgedResource]) = ([], [])
        sampling: for resource in sample {
            switch await presence(of: resource, service) {
            case .there: confirmed.append(resource.url)
            case .gone: missing.append(resource)
            case .unreadable: return .unreadable
            // Silence is no contradiction, and the rest is not to wait for it: another time.
            case .unknown: break sampling
            }
        }
        try book.confirm(confirmed)
        guard !missing.isEmpty else {
            if !confirmed.isEmpty { patience = 1 }
            return confirmed.isEmpty ? .nothing : .kept
        }
        // A service that lost this may have lost as well what was found there before: what was found counts anew.
        for lane in DeliveryLane.allCases {
            if let other = try await lookBack(lane, before: missing, service) { return other }
        }
        // Not where somebody said meanwhile that it is to be another.
        guard try book.goBack(for: missing) else { return .nothing }
        patience = min(patience * 2, Self.mostPatience)
        next = .now + interval * patience
        return .contradicted(missing.count)
    }

    private enum Presence {
        case there
        case gone
        case unknown
        case unreadable
    }

    private func presence(of resource: AcknowledgedResource, _ service: any RecordsService) async -> Presence {
        switch await service.read(resource.url, within: .seconds(30)) {
        case .found(let bytes): ReadBack.agrees(sent: resource.resource, found: bytes) ? .there : .gone
        case .missing: .gone
        case .notAllowed: .unreadable
        case .unknown: .unknown
        }
    }

    /// Finds the newest of a lane that is still there, of what was found there before all of these, in steps that
    /// double: going back too far costs time, and not far enough values.
    ///
    /// - Returns: why that cannot be said now; `nil` when it is done.
    private func lookBack(
        _ lane: DeliveryLane, before missing: [AcknowledgedResource], _ service: any RecordsService
    ) async throws -> Finding? {
        let found = try book.confirmed(lane, before: missing)
        var (place, step) = (0, 1)
        looking: while place < found.count {
            switch await presence(of: found[place], service) {
            case .there: break looking
            case .gone: (place, step) = (place + step, 2 * step)
            case .unreadable: return .unreadable
            case .unknown: return .nothing
            }
        }
        if place > 0 { try book.doubt(lane, after: place < found.count ? found[place] : nil) }
        return nil
    }
}
