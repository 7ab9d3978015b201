import SampleJournal

/// Moves lanes forward, one batch at a time. It belongs to one task.
final class LaneRunner {
    /// Events that go together.
    private static let events = 100

    let work: DeliveryWork
    private let sender: BundleSender
    private let reconciliation: Reconciliation

    /// - Parameter link: what the way may carry; `nil` for what is urgent.
    init(
        _ service: any RecordsService, _ work: DeliveryWork, _ reconciliation: Reconciliation, _ link: LinkUse? = nil
    ) throws {
        self.work = work
        self.reconciliation = reconciliation
        sender = try BundleSender(service, work, link)
    }

    enum Progress: Equatable {
        /// Something is stored that was not.
        case moved
        /// Something was passed that the service has not stored: it is parked, or of no concern to it.
        case passed
        /// There is nothing to do.
        case idle
        case waits(Wait)
    }

    /// Descriptions of the host and its devices.
    func configuration() async throws -> Progress {
        try takeStock()
        let missing = try work.missingConfiguration()
        if missing.isEmpty { return .idle }
        return try await sender.describe(missing).map(Progress.waits) ?? .moved
    }

    /// One batch of what was parked and is to be tried again.
    func parked() async throws -> Progress {
        try takeStock()
        let items = try work.due(limit: Self.events)
        guard !items.isEmpty else { return .idle }
        let (descriptions, others) = (items.filter(\.isDescription), items.filter { !$0.isDescription })
        if let wait = try await sender.describe(descriptions) { return .waits(wait) }
        guard !others.isEmpty else { return .moved }
        sender.holdBack(others)
        var wait = try await sender.sendCut(others)
        if wait == nil { wait = try await sender.send(others) }
        let (stored, parked) = sender.take(others)
        try work.book.settle(stored: stored, parked: parked)
        return wait.map(Progress.waits) ?? (stored.isEmpty ? .passed : .moved)
    }

    /// What was said of beds since is taken into account: what is in hand is made anew, and what is known of its fate
    /// is forgotten.
    private func takeStock() throws { if try work.takeStock() { sender.forget() } }

    /// One batch of a lane.
    func advance(_ lane: DeliveryLane) async throws -> Progress {
        try takeStock()
        return lane.isOfSamples ? try await samples(lane) : try await events(lane)
    }

    private func events(_ lane: DeliveryLane) async throws -> Progress {
        guard let batch = try work.events(lane, newestFirst: lane == .alarms, limit: Self.events) else { return .idle }
        if !batch.items.isEmpty {
            // What an alarm refers to goes with it; that it is not taken is no reason to hold the alarm back.
            let missing = try work.missing(batch.items.flatMap { work.descriptions(of: $0) })
            if let wait = try await sender.describe(missing), lane != .alarms || wait.isOfAll { return .waits(wait) }
            if let wait = try await sender.send(batch.items) { return .waits(wait) }
        }
        let (stored, parked) = sender.take(batch.items)
        let counts = try work.book.settle(
            lane, missing: batch.missing, seen: batch.seen, returns: batch.returns, filed: work.filed, stored: stored,
            parked: parked)
        if counts { try reconciliation.keep(batch.items, stored: stored, of: lane, filed: work.filed) }
        return stored.isEmpty ? .passed : .moved
    }

    private func samples(_ lane: DeliveryLane) async throws -> Progress {
        let pace = sender.pace
        let steps = try work.steps(lane, entries: pace.entries * pace.underWay, bytes: pace.bytes * pace.underWay)
        // What is known of its fate is of the version without a time.
        if work.takeMapped(lane) { sender.forget() }
        guard !steps.isEmpty else { return .idle }
        var bundles: [[DeliveryItem]] = []
        var rest = steps.map(\.item)[...]
        while !rest.isEmpty, bundles.count < pace.underWay {
            let count = pace.fitting(rest.lazy.map(\.bytes))
            bundles.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        let items = bundles.flatMap { $0 }
        let missing = try work.missing(items.flatMap { work.descriptions(of: $0) })
        if let wait = try await sender.describe(missing) { return .waits(wait) }
        sender.holdBack(items)
        if let wait = try await sender.sendCut(items) { return .waits(wait) }
        try await sender.sendTogether(bundles)
        var hasStored = false
        for bundle in bundles {
            if let wait = try await sender.send(bundle) { return .waits(wait) }
            let (stored, parked) = sender.take(bundle)
            // Where somebody said meanwhile who is where, they go once more.
            guard try work.settle(lane, bundle.count, stored: stored, parked: parked) else { return .passed }
            // What went in pieces is not there under its own name.
            try reconciliation.keep(
                bundle, stored: stored.filter { !sender.isCut($0) }, of: lane,
                filed: work.filed)
            hasStored = hasStored || !stored.isEmpty
        }
        return hasStored ? .moved : .passed
    }
}
