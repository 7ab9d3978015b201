import DeviceModel
import SampleJournal

/// A lane of samples: what is new goes before what is to be delivered anew because somebody said who was where, and
/// that before what is left, which goes oldest first.
struct LaneFeed {
    /// More stretches than this are not begun: each is the rest of an outage within an outage.
    private static let mostSpans = 8
    /// How far behind a lane is when what is new gets a stretch of its own. Unit: windows.
    private static let behind: Int64 = 4

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
    private var active = Active.span(0)
    private let book: DeliveryBook
    /// Up to which event of beds its resources take into account.
    private let filed: Int64

    var lane: DeliveryLane { windows.lane }
    var steps: [SampleFeed.Step] {
        switch active {
        case .span(let place): feeds[place].steps
        case .refiling: refilings.first?.feed.steps ?? []
        }
    }

    init(_ windows: SampleWindows, _ book: DeliveryBook, filed: Int64) throws {
        self.windows = windows
        self.book = book
        self.filed = filed
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
        try mapWhatIsKnown()
        try beginNew()
        let newest = feeds.count - 1
        if try fill(span: newest, entries: entries, bytes: bytes) { return }
        if try fillRefiling(entries: entries, bytes: bytes) { return }
        if newest > 0 { _ = try fill(span: 0, entries: entries, bytes: bytes) }
    }

    /// Returns whether there is something in hand.
    private mutating func fill(span place: Int, entries: Int, bytes: Int) throws -> Bool {
        take(.span(place))
        let end = place + 1 < feeds.count ? feeds[place + 1].span.begin : nil
        let passed = try feeds[place].fill(&windows, to: end, entries: entries, bytes: bytes)
        try note(feeds[place].steps)
        if !feeds[place].steps.isEmpty { return true }
        if passed { _ = try settle(stored: [], parked: []) }
        return false
    }

    private mutating func fillRefiling(entries: Int, bytes: Int) throws -> Bool {
        while let end = refilings.first?.refiling.end {
            take(.refiling)
            let passed = try refilings[0].feed.fill(&windows, to: end, entries: entries, bytes: bytes)
            if !refilings[0].feed.steps.isEmpty { return true }
            let isOver = SampleSpan(begin: end, position: refilings[0].feed.reading).hasReached(end) || !passed
            guard try settle(refilingIsOver: isOver, stored: [], parked: []), isOver else { return false }
        }
        return false
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
