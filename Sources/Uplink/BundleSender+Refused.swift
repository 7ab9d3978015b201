import FHIRMapping
import SampleJournal

/// What is not taken: whether the service lacks what it refers to, whether it is too large, or whether it is to blame.
extension BundleSender {
    /// A resource was refused. Before it is parked, what it refers to is put again: a service that was restored may
    /// lack it.
    func doubt(_ item: DeliveryItem, _ reason: String) async throws -> Wait? {
        guard !item.isDescription else { return try park(item, reason) }
        let descriptions = work.descriptions(of: item).map(work.item)
        if let wait = try await describe(descriptions) {
            // A patient that the service cannot take now is no reason for an alarm to wait.
            if !wait.isOfAll, try await putUnfiled(item) { return nil }
            return wait
        }
        if let url = work.obstacle(of: item) {
            return settle(item, .parked(item.parked(.behind(url), "\(reason); so is \(url)", utc: Self.utc())))
        }
        if work.isPatientRefused(of: item), try await putUnfiled(item) { return nil }
        let answer = await put([item])
        switch answer {
        case .entries(let entries):
            switch entries.first {
            case .stored:
                fates[item.url] = .stored
                try work.forgetDescriptions()
                return nil
            case .refused(let reason): return try park(item, reason)
            case .tooLarge: return try await cut(item)
            case .notNow, .notAllowed, nil: return answer.wait
            }
        case .refused(let reason): return try park(item, reason)
        case .tooLarge: return try await cut(item)
        case .tooMany, .notNow, .notAllowed, .timedOut, .unreachable, .encodingRefused: return answer.wait
        }
    }

    /// An alarm whose patient the service does not take goes as the device's own, and waits behind the patient: once
    /// that is taken it is filed where it belongs, under the same id.
    ///
    /// - Returns: whether it is there.
    private func putUnfiled(_ item: DeliveryItem) async throws -> Bool {
        guard let unfiled = item.asUnfiled, let patient = work.patientURL(of: item),
            await put([unfiled]) == .entries([.stored])
        else { return false }
        _ = settle(
            item, .parked(item.parked(.behind(patient), "it is there, but not under \(patient)", utc: Self.utc())))
        return true
    }

    /// Sends what is too large in two pieces, each cut further where it has to be.
    func cut(_ item: DeliveryItem) async throws -> Wait? {
        guard let pieces = item.halves(work.mapper) else { return try park(item, "larger than the service takes") }
        try work.book.cut(item.url)
        cuts.insert(item.url)
        return try await sendPieces(pieces, of: item)
    }

    private func sendPieces(_ pieces: [DeliveryItem], of item: DeliveryItem) async throws -> Wait? {
        for piece in pieces where fates[piece.url] == nil {
            let wait = try await sendWhole(piece)
            if let wait { return wait }
        }
        // What is parked of it is parked under the name of its piece; the whole is dealt with.
        let (stored, parked) = take(pieces)
        if !parked.isEmpty { try work.book.settle(stored: stored, parked: parked) }
        return settle(item, .stored)
    }

    /// Sends a resource alone, or what it was cut into before.
    private func sendWhole(_ item: DeliveryItem) async throws -> Wait? {
        if cuts.contains(item.url), let pieces = item.halves(work.mapper) {
            return try await sendPieces(pieces, of: item)
        }
        return try await sendOne([item])
    }

    func isCut(_ url: String) -> Bool { cuts.contains(url) }

    /// Sends those that were cut before, in their pieces.
    func sendCut(_ items: [DeliveryItem]) async throws -> Wait? {
        for item in items where fates[item.url] == nil {
            if cuts.contains(item.url), let wait = try await sendWhole(item) { return wait }
        }
        return nil
    }

    func settle(_ item: DeliveryItem, _ fate: Fate) -> Wait? {
        fates[item.url] = fate
        return nil
    }

    private func park(_ item: DeliveryItem, _ reason: String) throws -> Wait? {
        // What everything refers to is never put aside: a service that does not take it takes nothing.
        guard item.url != work.gateway.url else {
            return Wait(
                cause: .breaker, reason: "the service refuses even the host's own description (\(reason))",
                retryAfter: Self.breakerPause)
        }
        let (stored, refused) = (try work.book.storedCount(), try work.book.parkedCounts().refused)
        guard try refused < max(Self.fewParked, stored / 100) || work.book.isParked(item.url) else {
            return Wait(
                cause: .breaker,
                reason: "the service refuses more than one resource in a hundred (\(reason)); no more are put aside",
                retryAfter: Self.breakerPause)
        }
        // At once, so that a person sees it while the rest of its bundle waits.
        let parked = item.parked(.refused, reason, utc: Self.utc())
        try work.book.settle(stored: [], parked: [parked])
        return settle(item, .parked(parked))
    }

    // MARK: What fails again and again

    /// A bundle that is not taken although something known to be good is: the resource that is to blame is found by
    /// halves. Where nothing is taken, nothing is to blame.
    func search(_ all: [DeliveryItem]) async throws -> Wait? {
        let items = all.filter { fates[$0.url] == nil }
        guard let first = items.first else { return nil }
        if let wait = await canary() { return wait }
        guard items.count == 1 else {
            return try await halves(items) { half in
                guard let wait = try await self.sendOne(half) else { return nil }
                return wait.cause == .moment ? try await self.search(half) : wait
            }
        }
        // Twice, each between two canaries: a moment may have passed in between.
        for attempt in 0..<2 {
            guard let wait = try await sendOne(items) else { return nil }
            guard wait.cause == .moment else { return wait }
            if let failing = await canary() { return failing }
            if attempt == 1 { return try park(first, "\(wait.reason), each time, while others are taken") }
        }
        return nil
    }

    /// Whether the service takes what it has taken before: the host's own description.
    private func canary() async -> Wait? {
        let answer = await put([work.item(work.gateway)])
        return answer == .entries([.stored]) ? nil : answer.wait
    }
}
