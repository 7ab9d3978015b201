import DeviceModel
package import Logging
import SampleJournal
import Synchronization

/// Forwards the journal to the records service: alarms on a way of their own, newest first; beside them descriptions,
/// what was parked and is due, events of pumps and what they tell, other events, numbers and waveforms, a batch of each
/// in turn.
///
/// A lane moves only over what the service has answered for itself; a kill in between sends the same ids again, which
/// stores them once.
package final class UplinkService: Sendable {
    /// How often the uplink shows in its book that it is there. Unit: ns.
    package static let heartbeat: Int64 = 15_000_000_000

    /// How often the journal is asked for news.
    private static let rest = Duration.milliseconds(250)

    private let settings: Settings
    private let directory: String
    private let service: any RecordsService
    let logger: Logger
    private let mayWrite: @Sendable () -> Bool
    private let time: Time
    let link: LinkUse
    let state = Mutex(UplinkStatus())
    private let book = Mutex<DeliveryBook?>(nil)
    /// Why lanes wait now.
    let laneErrors = Mutex<[DeliveryLane: String]>([:])
    /// Batches that moved, so that whoever waits learns that the way is there.
    private let storedBatches = Atomic<Int>(0)

    /// - Parameters:
    ///   - link: what the way may carry, and has carried.
    ///   - mayWrite: whether this process has the right to write the journal; without it, its book belongs to another.
    package init(
        journal directory: String, service: any RecordsService, settings: Settings, logger: Logger,
        time: Time, link: LinkUse = LinkUse(), mayWrite: @escaping @Sendable () -> Bool = { true }
    ) {
        self.mayWrite = mayWrite
        self.link = link
        self.time = time
        self.directory = directory
        self.service = service
        self.settings = settings
        self.logger = logger
    }

    package var status: UplinkStatus { state.withLock { $0 } }

    /// Runs until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            guard mayWrite() else {
                try? await Task.sleep(for: Self.rest)
                continue
            }
            do {
                // One process keeps the books.
                let right = try DeliveryBooks(journal: directory).takeRight()
                defer { right.release() }
                let book = try begin()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await self.showThatItIsThere(book) }
                    group.addTask { try await self.runAlarms(book) }
                    group.addTask { try await self.runRest(book) }
                    // Whichever fails ends the other: both begin anew with a book that was opened anew.
                    try await group.next()
                    group.cancelAll()
                }
            } catch is CancellationError {
                return
            } catch {
                // A full disk or a locked book passes; giving up would not.
                note("the uplink's own book or the journal cannot be used: \(error)")
                try? await Task.sleep(for: .seconds(2))
            }
        }
    }

    private func showThatItIsThere(_ book: DeliveryBook) async throws {
        var progress = LanesProgress()
        let reader = try JournalReader(directory: directory)
        var told: String?
        var (renewal, reach): (String?, String?)
        while !Task.isCancelled {
            try book.remember("seen", time.now())
            // What cannot be looked at now is in a quarter of a minute; delivery does not wait for it.
            try? progress.look(book, reader, at: Double(time.now()) / 1e9)
            try link.settle(book)
            let concern = await service.concern()
            if concern != told {
                try book.note(concern: concern, since: time.now())
                tell(concern)
                told = concern
            }
            if case let now = service.renewal() ?? "", now != renewal {
                try book.remember("renewal", fact: now)
                renewal = now
            }
            if case let now = service.reach() ?? "", now != reach {
                try book.remember("reach", fact: now)
                reach = now
            }
            try await Task.sleep(for: .nanoseconds(Self.heartbeat))
        }
    }

    private func tell(_ concern: String?) {
        guard let concern else { return logger.notice("the unit's identity can be used as its files are") }
        logger.warning(
            "a file of the unit's identity cannot be used; what was read before goes on, if anything was",
            metadata: ["reason": "\(concern)"])
    }

    private func runAlarms(_ book: DeliveryBook) async throws {
        let runner = try makeRunner(book, isUrgent: true)
        var failures = 0
        while !Task.isCancelled {
            let progress = told(try await runner.advance(.alarms))
            tellGone(runner)
            try tell(.alarms, progress, book)
            try link.settle(book)
            switch progress {
            case .moved, .passed: failures = 0
            case .idle: try await Task.sleep(for: Self.rest)
            case .waits(let wait):
                failures += 1
                let tried = try runner.work.reader.newestEvent()
                let seen = storedBatches.load(ordering: .relaxed)
                // A new alarm is tried at once, but where the service itself asked for patience; and what else was
                // stored says that the way is there again.
                try await pause(wait, failures) { [self] in
                    switch wait.cause {
                    case .asked: false
                    case .way: try storedBatches.load(ordering: .relaxed) != seen || runner.work.hasAlarm(after: tried)
                    case .moment, .breaker: try runner.work.hasAlarm(after: tried)
                    }
                }
            }
        }
    }

    private func runRest(_ book: DeliveryBook) async throws {
        let reconciliation = Reconciliation(book, every: .nanoseconds(settings.reconcileEvery))
        var runner = try makeRunner(book, reconciliation)
        var failures = 0
        var rests = RestingParts()
        while !Task.isCancelled {
            // Where it went back, what was read of the journal before is not what is to be sent.
            if try await reconcile(reconciliation, runner.work) { runner = try makeRunner(book, reconciliation) }
            let going = DeliveryPart.allCases.filter { [stage = link.stage] in $0.goes(at: stage) }
            let pass = try await pass(runner, without: rests.resting(at: .now, of: going))
            // What waits for itself alone rests by itself: nothing else is slower for it.
            rests.take(
                waits: pass.waits.filter { !$0.value.isOfAll }, done: pass.done, hasStored: pass.hasStored, at: .now,
                pause: { Self.pause($0, retryAfter: $1) })
            guard let wait = pass.waits.values.first(where: \.isOfAll) else {
                failures = 0
                if !pass.hasMoved { try await Task.sleep(for: Self.rest) }
                continue
            }
            failures = Self.failures(failures, hasMoved: pass.hasMoved, wait)
            let seen = storedBatches.load(ordering: .relaxed)
            // An alarm that was stored says that the way is there again.
            try await pause(wait, failures) { [self] in
                wait.cause == .way && storedBatches.load(ordering: .relaxed) != seen
            }
        }
    }

    private struct Pass {
        var hasMoved = false
        /// Whether the service has stored something.
        var hasStored = false
        var waits: [DeliveryPart: Wait] = [:]
        var done: [DeliveryPart] = []
    }

    /// A batch of each part. One that waits for itself holds up no other.
    private func pass(_ runner: LaneRunner, without resting: Set<DeliveryPart> = []) async throws -> Pass {
        var pass = Pass()
        try runner.work.book.follow(DeliveryBooks(journal: directory))
        // Also while the month's allowance lets no waveform go: what the journal gave up holds nothing back.
        try runner.work.checkWithheld()
        let stage = tellStage()
        for part in DeliveryPart.allCases where !resting.contains(part) && part.goes(at: stage) {
            let progress =
                if let lane = part.lane {
                    try await runner.advance(lane)
                } else {
                    try await part == .parked ? runner.parked() : runner.configuration()
                }
            try tell(part.lane, progress, runner.work.book)
            tellGone(runner)
            try link.settle(runner.work.book)
            switch told(progress) {
            case .moved, .passed:
                pass.hasMoved = true
                pass.hasStored = pass.hasStored || progress == .moved
                pass.done.append(part)
            case .idle: pass.done.append(part)
            case .waits(let wait):
                pass.waits[part] = wait
                if wait.isOfAll { return pass }
            }
        }
        return pass
    }

    private func begin() throws -> DeliveryBook {
        let unit = try JournalReader(directory: directory).unit() ?? settings.unit
        let (book, setAside) = try DeliveryBook.opened(
            DeliveryBooks(journal: directory), destination: settings.destination, unit: unit)
        if let setAside {
            logger.error(
                "the uplink's book is damaged and was set aside; all is sent again under the same ids",
                metadata: ["kept": "\(setAside)"])
        }
        self.book.withLock { $0 = book }
        try link.begin(book)
        // By the policy of today.
        try book.takeBackPulled()
        try book.remember("waveforms", fact: settings.waveforms.rawValue)
        // Where nobody ran meanwhile, nobody knows since when nothing could be stored.
        let isOtherBoot = try book.counter("boot") != time.boot
        if try isOtherBoot || time.now() - (book.counter("seen") ?? 0) > 4 * Self.heartbeat {
            try book.note(problem: nil, since: 0)
            try book.remember("boot", time.boot)
        }
        // What was read before went with the process that had read it.
        try book.note(concern: nil, since: 0)
        let (isContradicted, isNoted) = (try book.counter("contradicted") == 1, try book.problem() != nil)
        let isShared = try book.counter("shared") == 1
        state.withLock { ($0.isContradicted, $0.isNoted, $0.isShared) = (isContradicted, isNoted, isShared) }
        return book
    }

    /// - Parameters:
    ///   - reconciliation: of the task's own where there is none.
    ///   - isUrgent: it waits for no cap.
    private func makeRunner(
        _ book: DeliveryBook, _ reconciliation: Reconciliation? = nil, isUrgent: Bool = false
    ) throws -> LaneRunner {
        let reader = try JournalReader(directory: directory)
        let unit = try reader.unit() ?? settings.unit
        return try LaneRunner(
            isUrgent ? service.urgent : service, DeliveryWork(reader, book, unit: unit, settings: settings),
            reconciliation ?? Reconciliation(book, every: .nanoseconds(settings.reconcileEvery)),
            isUrgent ? nil : link)
    }

    // MARK: What was acknowledged

    /// Reads a sample of what was acknowledged back. Returns whether the lanes went back.
    private func reconcile(_ reconciliation: Reconciliation, _ work: DeliveryWork) async throws -> Bool {
        guard reconciliation.isDue, link.stage != .alarmsAndPumpEvents else { return false }
        let book = book.withLock { $0 }
        if let isShared = await reconciliation.isShared(service, work.gateway, machine: work.machine) {
            if isShared {
                logger.error("another machine delivers under this unit's identity: has its record been copied?")
                // It is told of us in its turn.
                try work.forgetDescriptions()
            }
            state.withLock { $0.isShared = isShared }
            try book?.remember("shared", isShared ? 1 : 0)
        }
        switch try await reconciliation.look(service) {
        case .nothing: return false
        case .kept: try tell(contradicted: false, book)
        case .unreadable:
            try book?.remember("unreadable", 1)
            return false
        case .contradicted(let count):
            logger.error(
                "the records service does not have what it said it had stored; all since is sent again",
                metadata: ["missing": "\(count)"])
            try tell(contradicted: true, book)
            return true
        }
        return false
    }

    private func tell(contradicted: Bool, _ book: DeliveryBook?) throws {
        state.withLock { $0.isContradicted = contradicted }
        try book?.remember("contradicted", contradicted ? 1 : 0)
        try book?.remember("unreadable", 0)
    }

    // MARK: Waiting

    /// Waits, unless something says sooner that it is worth trying.
    private func pause(_ wait: Wait, _ failures: Int, until isOver: () throws -> Bool) async throws {
        let end = ContinuousClock.now + .milliseconds(Self.pause(failures, retryAfter: wait.retryAfter))
        while ContinuousClock.now < end {
            try await Task.sleep(for: min(Self.rest, end - .now))
            if try isOver() { return }
        }
    }

    // MARK: What is told

    /// Says what changed: that nothing is delivered, once for each reason, and that it is again.
    private func told(_ progress: LaneRunner.Progress) -> LaneRunner.Progress {
        switch progress {
        case .idle: break
        case .waits(let wait): if !Task.isCancelled { note(wait.reason) }
        case .moved, .passed:
            // Only what was stored says that delivery goes on.
            let isStored = progress == .moved
            if isStored { storedBatches.add(1, ordering: .relaxed) }
            // What is said in memory and in the book is said at once: two tasks tell.
            let (resumed, refused) = book.withLock { book in
                let counts = try? book.map { (stored: try $0.storedCount(), parked: try $0.parkedCounts()) }
                let told = state.withLock { state in
                    let before = state
                    if isStored { (state.isReachable, state.problem, state.isNoted) = (true, nil, false) }
                    if let counts { (state.stored, state.parked) = (counts.stored, counts.parked.refused) }
                    return (
                        isStored && (before.problem != nil || before.isNoted), max(0, state.parked - before.parked)
                    )
                }
                if told.0 { try? book?.note(problem: nil, since: 0) }
                return told
            }
            if resumed { logger.notice("delivery goes on") }
            if refused > 0 {
                logger.error(
                    "the records service does not take everything; what it does not take is parked",
                    metadata: ["parked": "\(refused)"])
            }
        }
        return progress
    }

    private func tellGone(_ runner: LaneRunner) {
        guard runner.work.takeGone() > 0 else { return }
        logger.error(
            """
            a patient was bound or withdrawn whose values have left the journal in part: at the records service they \
            stay as they are
            """)
    }

    private func note(_ problem: String) {
        let isNew = book.withLock { book in
            let isNew = state.withLock { state in
                defer { (state.isReachable, state.problem, state.isNoted) = (false, problem, true) }
                return state.problem != problem
            }
            if isNew { try? book?.note(problem: problem, since: time.now()) }
            return isNew
        }
        guard isNew else { return }
        logger.warning("nothing is delivered now; the journal keeps everything", metadata: ["reason": "\(problem)"])
    }

    // MARK: The end

    /// Delivers what is left after the host has ended its session, for at most this long. Returns the resources still
    /// pending.
    package func finish(within limit: Duration) async throws -> Int {
        guard mayWrite() else {
            throw JournalError.cannotCreate(path: directory, reason: "its disk took nothing, or another host has it")
        }
        let right = try DeliveryBooks(journal: directory).takeRight()
        defer { right.release() }
        let book = try begin()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.deliverRest(book) }
            group.addTask { try? await Task.sleep(for: limit, tolerance: .milliseconds(50)) }
            // Whichever is first ends the other: a service that accepts and never answers does not hold the stop.
            _ = try await group.next()
            group.cancelAll()
        }
        try link.settle(book, isEnd: true)
        return try makeRunner(book).work.pending()
    }

    private func deliverRest(_ book: DeliveryBook) async throws {
        let runner = try makeRunner(book)
        let urgent = try makeRunner(book, isUrgent: true)
        var failures = 0
        while !Task.isCancelled, failures <= 3 {
            var (hasMoved, waits) = (false, false)
            switch told(try await urgent.advance(.alarms)) {
            case .moved, .passed: hasMoved = true
            case .waits: waits = true
            case .idle:
                let pass = try await pass(runner)
                (hasMoved, waits) = (pass.hasMoved, !pass.waits.isEmpty)
            }
            if waits {
                failures += 1
                try? await Task.sleep(for: .milliseconds(200 * failures))
            } else if hasMoved {
                failures = 0
            } else {
                return
            }
        }
    }
}
