import SampleJournal

/// Moves lanes forward, one batch at a time. It belongs to one task.
final class LaneRunner {
    /// Events that go together.
    private static let events = 100
    /// Of so many bundles as may be under way.
    private static let roundsInTurn = 2

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
        let steps = try work.steps(lane, entries: pace.entries, bytes: pace.bytes)
        // What is known of its fate is of the version without a time.
        if work.takeMapped(lane) { sender.forget() }
        guard !steps.isEmpty else { return .idle }
        let first = Self.bundle(steps[...], pace)
        if let wait = try await describe(first) { return .waits(wait) }
        sender.holdBack(first)
        if let wait = try await sender.sendCut(first) { return .waits(wait) }
        // So many, and the other lanes have their turn.
        var (left, inHand) = (Self.roundsInTurn * pace.underWay - 1, first.count)
        var (hasStored, counts) = (false, true)
        func landed(_ bundle: [DeliveryItem]) throws -> Bool {
            inHand -= bundle.count
            let (isStored, isCounted) = try take(bundle, lane)
            (hasStored, counts) = (hasStored || isStored, isCounted)
            return counts
        }
        let rest = try await sender.sendTogether(first) {
            guard left > 0, let bundle = try next(lane, after: inHand) else { return nil }
            (left, inHand) = (left - 1, inHand + bundle.count)
            return bundle
        } landed: {
            try landed($0)
        }
        for bundle in rest where counts {
            if let wait = try await sender.send(bundle) { return .waits(wait) }
            _ = try landed(bundle)
        }
        // Where somebody said meanwhile who is where, they go once more.
        return hasStored && counts ? .moved : .passed
    }

    /// What samples refer to. With it goes what those of other streams do, since over a long way each bundle of them
    /// costs a round trip; what of that is not taken holds up its own samples and no others.
    private func describe(_ items: [DeliveryItem]) async throws -> Wait? {
        let missing = try work.missing(items.flatMap { work.descriptions(of: $0) })
        guard !missing.isEmpty else { return nil }
        if let wait = try await sender.describe(missing) { return wait }
        let wait = try await sender.describe(work.missingOfStreams())
        return wait?.isOfAll == true ? wait : nil
    }

    private static func bundle(_ steps: ArraySlice<SampleFeed.Step>, _ pace: Pace) -> [DeliveryItem] {
        steps.prefix(pace.fitting(steps.lazy.map(\.item.bytes))).map(\.item)
    }

    /// The bundle behind those in hand; `nil` where there is none that can go beside them.
    private func next(_ lane: DeliveryLane, after inHand: Int) throws -> [DeliveryItem]? {
        let pace = sender.pace
        let steps = try work.stepsInHand(lane, beyond: inHand, entries: pace.entries, bytes: pace.bytes)
        guard !steps.isEmpty else { return nil }
        let bundle = Self.bundle(steps, pace)
        guard try work.missing(bundle.flatMap { work.descriptions(of: $0) }).isEmpty,
            !bundle.contains(where: { sender.isCut($0.url) })
        else { return nil }
        sender.holdBack(bundle)
        return bundle
    }

    /// A bundle of samples of which the fate of each is known.
    ///
    /// - Returns: whether something of it is stored, and whether that counts.
    private func take(_ bundle: [DeliveryItem], _ lane: DeliveryLane) throws -> (isStored: Bool, counts: Bool) {
        let (stored, parked) = sender.take(bundle)
        guard try work.settle(lane, bundle.count, stored: stored, parked: parked) else { return (false, false) }
        // What went in pieces is not there under its own name.
        try reconciliation.keep(
            bundle, stored: stored.filter { !sender.isCut($0) }, of: lane, filed: work.filed)
        return (!stored.isEmpty, true)
    }
}
