import FHIRMapping
import Foundation
import SampleJournal

/// Why a lane waits.
struct Wait: Equatable {
    enum Cause: Equatable {
        /// The service asked for patience.
        case asked
        /// Something that may pass; the bundle itself may be the reason.
        case moment
        /// There is no way to the service, which says nothing about any bundle.
        case way
        /// More is refused than is put aside without a person.
        case breaker
    }

    let cause: Cause
    let reason: String
    /// Unit: s.
    let retryAfter: Int64?

    /// Whether it concerns everything that is sent, and not one lane.
    var isOfAll: Bool { cause == .way || cause == .asked }
}

/// Sends the bundles of one lane and finds out what becomes of each resource: stored, or parked, or not known yet.
///
/// Nothing is parked but what was sent alone and refused, or failed again and again while something that is known to be
/// good was taken.
final class BundleSender {
    enum Fate {
        case stored
        case parked(ParkedResource)
    }

    /// So many resources are put aside before the breaker looks at their share.
    static let fewParked = 3
    /// Unit: s.
    static let breakerPause: Int64 = 60
    private static let grace = Duration.seconds(2)
    /// A bundle that failed so often is searched, if something else is taken meanwhile.
    private static let patience = 3

    private(set) var pace: Pace
    private var compresses: Bool
    /// How long a service that did not read gzip gets plain bodies. Unit: s.
    private static let plainFor: Int64 = 7 * 86_400
    private let service: any RecordsService
    /// What the way may carry; `nil` for what is urgent.
    private let link: LinkUse?
    let work: DeliveryWork
    /// What is known of the resources in hand.
    var fates: [String: Fate] = [:]
    /// What goes in pieces, for ever.
    var cuts: Set<String>
    /// How often the bundle that begins with a resource was not taken; each lane has one at most.
    private var failures: [String: Int] = [:]

    /// - Parameter link: what the way may carry; `nil` for what is urgent.
    init(_ service: any RecordsService, _ work: DeliveryWork, _ link: LinkUse? = nil) throws {
        self.service = service
        self.link = link
        self.work = work
        cuts = try work.book.cuts()
        let plainUntil = try work.book.counter("plainUntil") ?? 0
        compresses = work.compresses && plainUntil < Self.utc() / 1_000_000_000
        pace = Pace(
            entries: try work.book.counter("paceEntries"), bytes: try work.book.counter("paceBytes"),
            most: link?.limits.bundleBytes ?? Pace.mostBytes)
    }

    // MARK: The way in

    /// Sends what is not known of yet. `nil`: the fate of each is known, and ``take(_:)`` tells it.
    func send(_ items: [DeliveryItem]) async throws -> Wait? {
        let open = items.filter { fates[$0.url] == nil }
        guard let first = open.first else { return nil }
        let wait: Wait?
        if failures[first.url, default: 0] >= Self.patience {
            wait = try await search(open)
        } else {
            wait = try await sendInPieces(open)
        }
        guard let wait else {
            failures[first.url] = nil
            return nil
        }
        // Bundles of alarms begin with another one each time: what is forgotten is counted again.
        if failures.count > 64 { failures = [:] }
        if wait.cause == .moment { failures[first.url, default: 0] += 1 }
        return wait
    }

    /// What is in hand is made anew: nothing is known of it then.
    func forget() { (fates, failures) = ([:], [:]) }

    /// The fates of items, which are forgotten with this: those that are stored, and what is parked.
    func take(_ items: [DeliveryItem]) -> (stored: [String], parked: [ParkedResource]) {
        var (stored, parked): ([String], [ParkedResource]) = ([], [])
        for item in items {
            switch fates.removeValue(forKey: item.url) {
            case .stored: stored.append(item.url)
            case .parked(let resource): parked.append(resource)
            case nil: break
            }
        }
        return (stored, parked)
    }

    /// Sends bundles beside each other over a long way, the next as soon as one of them is answered. It begins none any
    /// more once one was not taken as it is.
    ///
    /// - Parameters:
    ///   - next: the bundle after the last; `nil` when none goes with them.
    ///   - landed: told, in their order, of those of which the fate of each resource is known; `false` ends it.
    /// - Returns: in their order those that it was not told of: what is not taken of them is left to ``send(_:)``.
    func sendTogether(
        _ first: [DeliveryItem], next: () throws -> [DeliveryItem]?, landed: ([DeliveryItem]) throws -> Bool
    ) async throws -> [[DeliveryItem]] {
        guard pace.underWay > 1 else { return [first] }
        return try await withThrowingTaskGroup(of: Landing.self) { group in
            try await send(first, next, landed, in: &group)
        }
    }

    private func send(
        _ first: [DeliveryItem], _ next: () throws -> [DeliveryItem]?, _ landed: ([DeliveryItem]) throws -> Bool,
        in group: inout ThrowingTaskGroup<Landing, any Error>
    ) async throws -> [[DeliveryItem]] {
        var (open, following): ([[DeliveryItem]], [DeliveryItem]?) = ([], first)
        var underWay: [Int: [DeliveryItem]] = [:]
        var (share, number, goesOn) = (WayShare(), 0, true)
        while true {
            while goesOn, underWay.count < pace.underWay, let bundle = try following ?? next() {
                following = nil
                open.append(bundle)
                let items = bundle.filter { fates[$0.url] == nil }
                guard !items.isEmpty else { continue }
                await link?.waitForRoom()
                number += 1
                underWay[number] = items
                share.begin(number, at: Self.time())
                group.addTask(operation: exchange(items, number))
            }
            while goesOn, let oldest = open.first, oldest.allSatisfy({ fates[$0.url] != nil }) {
                open.removeFirst()
                goesOn = try landed(oldest)
            }
            guard !underWay.isEmpty, let landing = try await group.next() else { return open }
            let items = underWay.removeValue(forKey: landing.number) ?? []
            let sharing = share.end(landing.number, at: landing.time)
            if !take(landing, items, sharing: sharing) { goesOn = false }
        }
    }

    private struct Landing {
        let number: Int
        let answer: Answer
        let seconds: Double
        /// When it was. Unit: s.
        let time: Double
    }

    private func exchange(_ items: [DeliveryItem], _ number: Int) -> @Sendable () async -> Landing {
        let (service, compresses, resources) = (service, compresses, items.map(\.resource))
        let limit = Duration.seconds(pace.deadline)
        return {
            let begin = Self.time()
            let answer = await Self.exchange(service, resources, within: limit, compressed: compresses)
            let end = Self.time()
            return Landing(number: number, answer: answer, seconds: end - begin, time: end)
        }
    }

    /// - Returns: whether all of it is stored.
    private func take(_ landing: Landing, _ items: [DeliveryItem], sharing: Double) -> Bool {
        learn(landing.answer, items, landing.seconds, sharing: sharing)
        guard case .entries(let entries) = landing.answer, entries.count == items.count else { return false }
        for (item, entry) in zip(items, entries) where entry == .stored { fates[item.url] = .stored }
        return entries.allSatisfy { $0 == .stored }
    }

    private static let began = ContinuousClock.now

    /// Unit: s.
    private static func time() -> Double { (ContinuousClock.now - began) / .seconds(1) }

    /// Where an item is held back by a description that the service does not take, it is parked behind it.
    func holdBack(_ items: [DeliveryItem]) {
        for item in items where fates[item.url] == nil {
            guard let url = work.obstacle(of: item) else { continue }
            fates[item.url] = .parked(
                item.parked(.behind(url), "it refers to \(url), which the service does not take", utc: Self.utc()))
        }
    }

    /// Puts descriptions; those that the service does not take are parked.
    func describe(_ descriptions: [DeliveryItem]) async throws -> Wait? {
        guard !descriptions.isEmpty else { return nil }
        let wait = try await send(descriptions)
        let known = descriptions.filter { fates[$0.url] != nil }
        try work.settle(descriptions: known, take(known).parked)
        return wait
    }

    // MARK: Sending

    private func sendInPieces(_ items: [DeliveryItem]) async throws -> Wait? {
        var rest = items[...]
        while !rest.isEmpty {
            let count = pace.fitting(rest.lazy.map(\.bytes))
            if let wait = try await sendOne(Array(rest.prefix(count))) { return wait }
            rest = rest.dropFirst(count)
        }
        return nil
    }

    func put(_ items: [DeliveryItem]) async -> Answer {
        await link?.waitForRoom()
        let begin = ContinuousClock.now
        let (resources, limit) = (items.map(\.resource), Duration.seconds(pace.deadline))
        var answer = await Self.exchange(service, resources, within: limit, compressed: compresses)
        if case .encodingRefused(let meaning) = answer {
            // Only what is taken plain was refused for being compressed.
            answer = await Self.exchange(service, resources, within: limit, compressed: false)
            if case .entries = answer {
                compresses = false
                try? work.book.remember("plainUntil", Self.utc() / 1_000_000_000 + Self.plainFor)
            } else if case .unreachable = answer {
                answer = meaning
            }
        }
        learn(answer, items, (ContinuousClock.now - begin) / .seconds(1))
        return answer
    }

    /// An exchange that was begun before a stop gets a moment to be answered; after it none is begun.
    private static func exchange(
        _ service: any RecordsService, _ resources: [FHIRResource], within limit: Duration, compressed: Bool
    ) async -> Answer {
        guard !Task.isCancelled else { return .unreachable(reason: "the host stops") }
        let exchange = Task { await service.put(resources, within: limit, compressed: compressed) }
        return await withTaskCancellationHandler {
            await exchange.value
        } onCancel: {
            Task {
                try? await Task.sleep(for: Self.grace)
                exchange.cancel()
            }
        }
    }

    private func learn(_ answer: Answer, _ items: [DeliveryItem], _ seconds: Double, sharing: Double = 1) {
        let before = (pace.entries, pace.bytes)
        let size = items.reduce(0) { $0 + $1.bytes }
        switch answer {
        case .entries, .refused:
            pace.answered(entries: items.count, bytes: size, seconds: seconds, sharing: sharing)
        case .tooLarge: pace.tooMuch(entries: items.count, bytes: size)
        case .timedOut: pace.timedOut(entries: items.count, bytes: size)
        case .tooMany, .notNow, .notAllowed, .unreachable, .encodingRefused: pace.failed()
        }
        guard before != (pace.entries, pace.bytes) else { return }
        // What is forgotten here is learnt again.
        try? work.book.remember("paceEntries", Int64(pace.entries))
        try? work.book.remember("paceBytes", Int64(pace.bytes))
    }

    /// One bundle, and what its answer asks for.
    func sendOne(_ items: [DeliveryItem]) async throws -> Wait? {
        let answer = await put(items)
        switch answer {
        case .entries(let entries): return try await settle(items, entries)
        case .refused(let reason):
            guard items.count > 1 else { return try await doubt(items[0], reason) }
            return try await halves(items) { try await self.sendOne($0) }
        case .tooLarge:
            guard items.count > 1 else { return try await cut(items[0]) }
            return try await halves(items) { try await self.sendOne($0) }
        case .tooMany, .notNow, .notAllowed, .timedOut, .unreachable, .encodingRefused: return answer.wait
        }
    }

    func halves(_ items: [DeliveryItem], _ body: ([DeliveryItem]) async throws -> Wait?) async throws -> Wait? {
        let middle = items.count / 2
        if let wait = try await body(Array(items[..<middle])) { return wait }
        return try await body(Array(items[middle...]))
    }

    private func settle(_ items: [DeliveryItem], _ answers: [EntryAnswer]) async throws -> Wait? {
        var (doubtful, large): ([(DeliveryItem, String)], [DeliveryItem]) = ([], [])
        var rest: String?
        for (item, answer) in zip(items, answers) {
            switch answer {
            case .stored: fates[item.url] = .stored
            case .refused(let reason): doubtful.append((item, reason))
            case .tooLarge: large.append(item)
            case .notNow(let reason), .notAllowed(let reason): rest = rest ?? reason
            }
        }
        for (item, reason) in doubtful { if let wait = try await doubt(item, reason) { return wait } }
        for item in large { if let wait = try await cut(item) { return wait } }
        return rest.map { Wait(cause: .moment, reason: $0, retryAfter: nil) }
    }

    static func utc() -> Int64 { Int64(Date().timeIntervalSince1970 * 1e9) }
}

extension Answer {
    /// Why nothing more is sent for now.
    var wait: Wait {
        switch self {
        case .tooMany(let reason, let retryAfter): Wait(cause: .asked, reason: reason, retryAfter: retryAfter)
        case .notNow(let reason, let retryAfter), .notAllowed(let reason, let retryAfter):
            Wait(cause: .moment, reason: reason, retryAfter: retryAfter)
        case .timedOut(let reason), .refused(let reason): Wait(cause: .moment, reason: reason, retryAfter: nil)
        case .unreachable(let reason): Wait(cause: .way, reason: reason, retryAfter: nil)
        case .encodingRefused(let meaning): meaning.wait
        case .tooLarge: Wait(cause: .moment, reason: "larger than the service takes", retryAfter: nil)
        case .entries(let entries):
            Wait(cause: .moment, reason: entries.compactMap(\.reason).first ?? "nothing was taken", retryAfter: nil)
        }
    }
}

extension EntryAnswer {
    fileprivate var reason: String? {
        switch self {
        case .stored: nil
        case .tooLarge: "an entry is larger than the service takes"
        case .refused(let reason), .notNow(let reason), .notAllowed(let reason): reason
        }
    }
}
