import DeviceModel
import SampleJournal

/// A lane of samples: what is new goes before what is to be delivered anew because somebody said who was where, and
/// that before what is left, which goes oldest first.
struct LaneFeed {
    /// More stretches than this are not begun: each is the rest of an outage within an outage.
    private static let mostSpans = 8
    /// How far behind a lane is when what is new gets a stretch of its own. Unit: windows.
    private static let behind: Int64 = 4

    /// How often the list is asked in one go for windows that have something in them.
    private static let mostPulls = 64

    /// Whose steps are in hand.
    private enum Active: Equatable {
        case span(Int)
        /// The first of those that are left.
        case refiling
    }

    var windows: SampleWindows
    /// Oldest first.
    private(set) var feeds: [SampleFeed]
    /// What is delivered anew, in the order in which it was noted.
    private var refilings: [(refiling: Refiling, feed: SampleFeed)]
    /// Where, by the session, what went without a time begins.
    private var unmapped: [Int64: SamplePosition]
    /// Whether something that went without a time has one since that was last asked.
    private var hasMapped = false
    private var active = Active.span(0)
    private let book: DeliveryBook
    /// Up to which event of beds its resources take into account.
    private let filed: Int64
    let selection: WaveformSelection
    /// What of the selection was looked at when there was nothing to be taken off the list.
    private var looked: Int?

    var lane: DeliveryLane { windows.lane }
    var steps: [SampleFeed.Step] {
        switch active {
        case .span(let place): feeds[place].steps
        case .refiling: refilings.first?.feed.steps ?? []
        }
    }

    init(_ windows: SampleWindows, _ book: DeliveryBook, filed: Int64, _ selection: WaveformSelection) throws {
        self.windows = windows
        self.book = book
        self.filed = filed
        self.selection = selection
        feeds = try book.spans(windows.lane).map { SampleFeed($0) }
        refilings = try book.refilings(windows.lane).map { refiling in
            (refiling, Self.feed(of: refiling))
        }
        unmapped = try book.unmapped(windows.lane)
    }

    static func feed(of refiling: Refiling) -> SampleFeed {
        SampleFeed(SampleSpan(begin: refiling.begin, position: refiling.position), devices: refiling.devices)
    }

    /// The next resources, at least so much if there is so much.
    mutating func fill(entries: Int, bytes: Int) throws {
        if lane == .waveforms { try selection.takeStock(windows.reader, windows.filings) }
        try mapWhatIsKnown()
        try beginNew()
        let newest = feeds.count - 1
        if try fill(span: newest, entries: entries, bytes: bytes) { return }
        for _ in 0..<Self.mostPulls {
            let hasPulled = try pull()
            if try fillRefiling(entries: entries, bytes: bytes) { return }
            // Where there was nothing in them, the next ones.
            guard hasPulled, refilings.isEmpty else { break }
        }
        if newest > 0 { _ = try fill(span: 0, entries: entries, bytes: bytes) }
    }

    /// Returns whether there is something in hand.
    private mutating func fill(span place: Int, entries: Int, bytes: Int) throws -> Bool {
        take(.span(place))
        let passed = try read(span: place, entries: entries, bytes: bytes)
        if !feeds[place].steps.isEmpty { return true }
        if passed { _ = try settle(stored: [], parked: []) }
        return false
    }

    private mutating func read(span place: Int, entries: Int, bytes: Int) throws -> Bool {
        let end = place + 1 < feeds.count ? feeds[place + 1].span.begin : nil
        let choice = choice
        let passed = try feeds[place].fill(&windows, to: end, entries: entries, bytes: bytes, choice)
        // Before the lane passes it.
        try book.withhold(feeds[place].withheld)
        feeds[place].noteWithheld()
        try note(feeds[place].steps)
        return passed
    }

    /// More of the stretch that is in hand, while the beginning of that is under way. Whether something else is to go
    /// first is asked when nothing is.
    mutating func readOn(entries: Int, bytes: Int) throws {
        guard !steps.isEmpty else { return }
        switch active {
        case .span(let place): _ = try read(span: place, entries: entries, bytes: bytes)
        case .refiling: _ = try readRefiling(entries: entries, bytes: bytes)
        }
    }

    private mutating func fillRefiling(entries: Int, bytes: Int) throws -> Bool {
        while let end = refilings.first?.refiling.end {
            take(.refiling)
            let passed = try readRefiling(entries: entries, bytes: bytes)
            if !refilings[0].feed.steps.isEmpty { return true }
            let isOver = SampleSpan(begin: end, position: refilings[0].feed.reading).hasReached(end) || !passed
            guard try settle(refilingIsOver: isOver, stored: [], parked: []), isOver else { return false }
        }
        return false
    }

    /// Reads on in the first of what is delivered anew.
    private mutating func readRefiling(entries: Int, bytes: Int) throws -> Bool {
        // What was sent, and is filed under another by now, goes again whatever the policy is today.
        let listed = lane == .waveforms ? Dictionary(grouping: try book.withheld(lane), by: \.device) : [:]
        // What was passed once waits for no clock: it would be taken off the list, and not delivered.
        let policy = windows.unsetClock
        windows.unsetClock = .mark
        defer { windows.unsetClock = policy }
        let end = refilings[0].refiling.end
        let passed = try refilings[0].feed.fill(&windows, to: end, entries: entries, bytes: bytes) {
            device, session, range in
            !(listed[device] ?? []).contains { $0.session == session.id && $0.holds(window: range.lowerBound) }
        }
        refilings[0].feed.noteWithheld()
        // What was withheld until now may be of a session that nobody can date yet.
        try note(refilings[0].feed.steps)
        return passed
    }

    /// Where nothing else is to be delivered anew, the next windows that were withheld and are wanted by now.
    ///
    /// - Returns: whether there are any.
    private mutating func pull() throws -> Bool {
        guard lane == .waveforms, selection.policy != .never, refilings.isEmpty, looked != selection.changes else {
            return false
        }
        let list = try book.withheld(lane)
        let sessions = Dictionary(
            try windows.reader.sessions().map { ($0.id, $0.key) }, uniquingKeysWith: { first, _ in first })
        let wanted = Self.wanted(of: list, sessions, selection, windows.filings)
        guard let refiling = try book.pull(wanted) else {
            looked = selection.changes
            return false
        }
        refilings.append((refiling, Self.feed(of: refiling)))
        return true
    }

    /// What is in hand of the others would be in memory besides.
    private mutating func take(_ next: Active) {
        active = next
        for place in feeds.indices where next != .span(place) && !feeds[place].steps.isEmpty { feeds[place].letGo() }
        if next != .refiling, refilings.first?.feed.steps.isEmpty == false { refilings[0].feed.letGo() }
    }

    /// The first so many are dealt with.
    ///
    /// - Returns: whether that counts; not where something was said of beds since they were made.
    mutating func settle(_ count: Int = 0, stored: [String], parked: [ParkedResource]) throws -> Bool {
        guard case .span(let place) = active else {
            let isLast = steps.count == count && steps.last.map { hasReachedEnd($0.after) } ?? false
            return try settle(count, refilingIsOver: isLast, stored: stored, parked: parked)
        }
        var feed = feeds[place]
        feed.advance(count)
        guard try book.settle(lane, feed.span, filed: filed, stored: stored, parked: parked) else { return false }
        feeds[place] = feed
        guard feeds.count > 1, feeds[0].span.hasReached(feeds[1].span.begin) else { return true }
        // The first is where the second began: they are one.
        feeds.removeFirst()
        feeds[0].beFirst()
        active = .span(max(0, place - 1))
        return true
    }

    private func hasReachedEnd(_ place: SamplePosition) -> Bool {
        refilings.first.map { SampleSpan(begin: $0.refiling.end, position: place).hasReached($0.refiling.end) } ?? true
    }

    private mutating func settle(
        _ count: Int = 0, refilingIsOver isOver: Bool, stored: [String], parked: [ParkedResource]
    ) throws -> Bool {
        var feed = refilings[0].feed
        feed.advance(count)
        let counts = try book.settle(
            refilings[0].refiling.number, at: isOver ? nil : feed.span.position, filed: filed, stored: stored,
            parked: parked)
        guard counts else { return false }
        refilings[0].feed = feed
        if isOver { refilings.removeFirst() }
        return true
    }

    /// Where the lane is far behind, what is new gets a stretch of its own.
    private mutating func beginNew() throws {
        guard feeds.count < Self.mostSpans, let reading = feeds.last?.reading,
            let position = try windows.newest(ahead: Self.behind, of: reading)
        else { return }
        try book.beginSpan(lane, at: position)
        feeds.append(SampleFeed(SampleSpan(begin: position, position: position)))
    }

    // MARK: Before the clock was set

    /// Whether something is made with times by now that was made without: what is known of the fate of the one says
    /// nothing of the other.
    mutating func takeMapped() -> Bool {
        defer { hasMapped = false }
        return hasMapped
    }

    /// Remembers where what goes without a time begins, before it goes.
    private mutating func note(_ steps: [SampleFeed.Step]) throws {
        for step in steps where step.isUnmapped {
            guard case .window(_, let begin) = step.item.origin else { continue }
            if let known = unmapped[begin.session], known.window <= begin.window { continue }
            try book.note(unmapped: lane, begin)
            unmapped[begin.session] = begin
        }
    }

    /// What went without a time, and has one by now, is delivered anew. Of a boot that is over nothing more is told.
    private mutating func mapWhatIsKnown() throws {
        guard !unmapped.isEmpty else { return }
        let sessions = try windows.reader.sessions()
        for (number, begin) in unmapped {
            let session = sessions.first { $0.id == number }
            if let session, try windows.isMapped(session) {
                let devices = Set(try windows.reader.streams().map(\.descriptor.device))
                try book.map(lane, FilingChange(begin: begin, to: .max, devices: devices))
                hasMapped = true
                let known = Set(refilings.map(\.refiling.number))
                for refiling in try book.refilings(lane) where !known.contains(refiling.number) {
                    refilings.append((refiling, Self.feed(of: refiling)))
                }
            } else if let session, let last = sessions.last, last.id == number || last.isOfSameBoot(as: session) {
                continue
            } else {
                try book.forget(unmapped: lane, session: number)
            }
            unmapped[number] = nil
        }
    }
}
