import DeviceModel
import FHIRMapping
import Foundation
package import Logging
package import Nomenclature
import SampleJournal
import Synchronization

/// What the uplink does and how far it is.
package struct UplinkStatus: Sendable {
    package var isReachable = false
    /// The last thing that went wrong; `nil` when the last bundle was taken.
    package var problem: String?
    package var delivered = 0
    package var refused = 0
}

/// Forwards the journal to the records service: events first, then descriptions, then samples by the window.
///
/// A position moves only after the service has acknowledged every entry; a kill in between sends the same ids again,
/// which stores them once.
package final class UplinkService: Sendable {
    package struct Settings: Sendable {
        /// The unit's name; part of every id.
        package var unit: String
        package var isTestData: Bool
        /// Samples of this much time go into one observation. Unit: ns.
        package var window: Int64
        /// Names for records of hosts that did not write what their metrics were called.
        package var names: Nomenclature

        package init(unit: String, isTestData: Bool, window: Int64, names: Nomenclature) {
            self.unit = unit
            self.isTestData = isTestData
            self.window = window
            self.names = names
        }
    }

    /// Entries of one bundle. The smallest cap of the known services is 160 resources.
    static let bundleLimit = 100
    /// Bytes of one bundle's resources; most proxies take a body of some MB.
    static let bundleBytes = 1 << 20
    /// So many resources are put aside before the breaker looks at their share.
    static let fewParked = 3
    /// Unit: s.
    private static let breakerPause: Int64 = 60
    /// How often the journal is asked for news. Unit: ms.
    private static let pollMilliseconds = 250

    private let settings: Settings
    private let directory: String
    private let service: any RecordsService
    private let logger: Logger
    private let mayWrite: @Sendable () -> Bool
    private let state = Mutex(UplinkStatus())
    private let isFinishing = Atomic<Bool>(false)

    /// - Parameter mayWrite: whether this process has the right to write the journal; without it, its book belongs to
    ///   another.
    package init(
        journal directory: String, service: any RecordsService, settings: Settings, logger: Logger,
        mayWrite: @escaping @Sendable () -> Bool = { true }
    ) {
        self.mayWrite = mayWrite
        self.directory = directory
        self.service = service
        self.settings = settings
        self.logger = logger
    }

    package var status: UplinkStatus { state.withLock { $0 } }

    /// Runs until the task is cancelled.
    package func run() async {
        var work: UplinkWork?
        var failures = 0
        while !Task.isCancelled {
            guard mayWrite() else {
                try? await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
                continue
            }
            let progress: Progress
            do {
                let open = try work ?? begin()
                work = open
                progress = try await pass(open)
            } catch {
                // A book that makes no sense is opened anew, which sets it aside.
                if DeliveryStore.isDamage(error) { work = nil }
                // A full disk or a locked book passes; giving up would not.
                note("the uplink's own book or the journal cannot be used: \(error)")
                progress = .unavailable(retryAfter: nil)
            }
            switch progress {
            case .delivered: failures = 0
            case .idle:
                failures = 0
                try? await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
            case .unavailable(let retryAfter):
                failures += 1
                try? await Task.sleep(for: .milliseconds(Self.pause(failures, retryAfter: retryAfter)))
            }
        }
    }

    private func begin() throws -> UplinkWork {
        let work = try UplinkWork(directory: directory, settings: settings)
        if let name = work.setAside {
            logger.error(
                "the uplink's book is damaged and was set aside; all is sent again under the same ids",
                metadata: ["kept": "\(name)"])
        }
        return work
    }

    /// Says what is wrong, once for each change.
    private func note(_ problem: String) {
        let isNew = state.withLock { state in
            defer { (state.isReachable, state.problem) = (false, problem) }
            return state.problem != problem
        }
        if isNew {
            logger.warning("nothing is delivered now; the journal keeps everything", metadata: ["reason": "\(problem)"])
        }
    }

    /// Delivers what is left after the host has ended its session, for at most this long. Returns the resources still
    /// pending.
    package func finish(within limit: Duration) async throws -> Int {
        guard mayWrite() else {
            throw JournalError.cannotCreate(path: directory, reason: "its disk took nothing, or another host has it")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.deliverRest() }
            group.addTask { try? await Task.sleep(for: limit) }
            // Whichever is first ends the other: a service that accepts and never answers does not hold the stop.
            _ = try await group.next()
            group.cancelAll()
        }
        return try begin().pending()
    }

    private func deliverRest() async throws {
        let work = try begin()
        var failures = 0
        while !Task.isCancelled, failures <= 3 {
            switch try await pass(work) {
            case .delivered: failures = 0
            case .idle: return
            case .unavailable:
                failures += 1
                try? await Task.sleep(for: .milliseconds(200 * failures))
            }
        }
    }

    /// Full jitter: anything up to the step, which doubles from 1 s to 60 s; never less than the service asked for.
    /// Unit: ms.
    private static func pause(_ failures: Int, retryAfter: Int64?) -> Int {
        let step = min(60_000, 1000 << min(failures - 1, 6))
        return max(Int.random(in: 100...step), Int(max(0, min(retryAfter ?? 0, 3600))) * 1000)
    }

    // MARK: One pass

    private enum Progress {
        case delivered
        case idle
        case unavailable(retryAfter: Int64?)
    }

    /// Delivers one batch of the most urgent kind that has any.
    private func pass(_ work: UplinkWork) async throws -> Progress {
        let described = try work.descriptions(for: [])
        if !described.isEmpty {
            return try await send(described, work) { try work.settle(descriptions: $0, refused: $1) }
        }
        if let (events, last) = try work.events() {
            var stored = 0
            let progress = try await send(events, work) { bundle, refused in stored += bundle.count - refused.count }
            if case .delivered = progress { try work.store.move(events: last, delivered: stored) }
            return progress
        }
        guard let (window, acknowledged) = try work.nextWindow() else { return .idle }
        let missing = try work.descriptions(for: window.streams)
        if !missing.isEmpty {
            let progress = try await send(missing, work) { try work.settle(descriptions: $0, refused: $1) }
            guard case .delivered = progress else { return progress }
        }
        // What was stored of the window before goes on from there: a limit that is reached in each window would
        // otherwise never be passed.
        var part = acknowledged
        let progress = try await send(Array(window.observations.dropFirst(acknowledged)), work) { bundle, refused in
            part += bundle.count
            try work.mark(part: part, of: window, delivered: bundle.count - refused.count)
        }
        if case .delivered = progress { try work.store.move(samples: window.next, delivered: 0) }
        return progress
    }

    /// Sends resources in bundles; `settle` is called for each when it is dealt with, with those that the service will
    /// not take.
    private func send(
        _ resources: [FHIRResource], _ work: UplinkWork, settle: ([FHIRResource], Set<String>) throws -> Void
    ) async throws -> Progress {
        for bundle in Self.bundles(resources) {
            var refused: Set<String> = []
            if let wait = try await deliver(bundle, work, &refused) { return .unavailable(retryAfter: wait.retryAfter) }
            try settle(bundle, refused)
        }
        return .delivered
    }

    static func bundles(_ resources: [FHIRResource]) -> [[FHIRResource]] {
        var bundles: [[FHIRResource]] = []
        var size = 0
        for resource in resources {
            let bytes = resource.json.text.utf8.count
            if bundles.isEmpty || bundles[bundles.count - 1].count == bundleLimit || size + bytes > bundleBytes {
                bundles.append([])
                size = 0
            }
            bundles[bundles.count - 1].append(resource)
            size += bytes
        }
        return bundles
    }

    private struct Wait {
        let retryAfter: Int64?
    }

    /// Delivers a bundle; halves it where the service refuses, until the one resource it will not take is found and put
    /// aside.
    private func deliver(_ bundle: [FHIRResource], _ work: UplinkWork, _ refused: inout Set<String>) async throws
        -> Wait?
    {
        let outcome = await service.put(bundle)
        let reason: String
        switch outcome {
        case .acknowledged:
            state.withLock {
                $0.isReachable = true
                $0.problem = nil
                $0.delivered += bundle.count
            }
            return nil
        case .unavailable(let problem, let retryAfter):
            note(problem)
            return Wait(retryAfter: retryAfter)
        case .refused(let why): reason = why
        case .tooLarge: reason = "larger than the service takes"
        }
        if bundle.count > 1 {
            let middle = bundle.count / 2
            if let wait = try await deliver(Array(bundle[..<middle]), work, &refused) { return wait }
            return try await deliver(Array(bundle[middle...]), work, &refused)
        }
        guard let resource = bundle.first else { return nil }
        let (stored, parked) = (try work.store.deliveredCount(), try work.store.deadLetterCount())
        guard try parked < max(Self.fewParked, stored / 100) || work.store.isDeadLetter(resource.url) else {
            note("the service refuses more than one resource in a hundred (\(reason)); no more are put aside")
            return Wait(retryAfter: Self.breakerPause)
        }
        refused.insert(resource.url)
        try work.store.bury(
            url: resource.url, reason: reason, resource: resource.json.text,
            utc: Int64(Date().timeIntervalSince1970 * 1e9))
        state.withLock { $0.refused += 1 }
        logger.error(
            "the records service refused a resource; it is kept under dead-letters",
            metadata: ["resource": "\(resource.url)", "reason": "\(reason)"])
        return nil
    }
}
