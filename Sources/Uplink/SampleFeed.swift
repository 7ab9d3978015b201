import SampleJournal

/// A stretch of a lane's samples as one row of resources over all windows, each with the place that the stretch has
/// when it is dealt with.
struct SampleFeed {
    struct Step {
        let item: DeliveryItem
        let after: SamplePosition
    }

    /// Windows read in one go, so that another lane has its turn.
    private static let windowsAtOnce = 256

    /// Where the stretch is.
    private(set) var span: SampleSpan
    /// What was read and is not dealt with.
    private(set) var steps: [Step] = []
    /// Where reading goes on.
    private(set) var reading: SamplePosition

    init(_ span: SampleSpan) { (self.span, reading) = (span, span.position) }

    /// Reads on until there is so much, or nothing more that is complete.
    ///
    /// - Parameter end: where the next stretch began.
    /// - Returns: whether windows with nothing in them were passed, which the book should know.
    mutating func fill(_ windows: inout SampleWindows, to end: SamplePosition?, entries: Int, bytes: Int) throws
        -> Bool
    {
        var held = steps.reduce(0) { $0 + $1.item.bytes }
        var (passed, count) = (false, 0)
        while steps.count < entries, held < bytes, count < Self.windowsAtOnce,
            !(end.map { SampleSpan(begin: $0, position: reading).hasReached($0) } ?? false),
            let window = try windows.next(after: reading)
        {
            count += 1
            let items = window.items.filter { $0.url > reading.part }
            for (number, item) in items.enumerated() {
                var after = window.begin
                after.part = item.url
                if number == items.count - 1 { after = window.next }
                steps.append(Step(item: item, after: after))
                held += item.bytes
            }
            if items.isEmpty, steps.isEmpty { (span.position, passed) = (window.next, true) }
            if window.next == reading { break }
            reading = window.next
        }
        return passed
    }

    /// What is in hand is given back; it is read again in its turn.
    mutating func letGo() { (steps, reading) = ([], span.position) }

    /// The stretches before it are dealt with.
    mutating func beFirst() { span = SampleSpan(begin: SamplePosition(), position: span.position) }

    /// The first steps are dealt with.
    mutating func advance(_ count: Int) {
        guard count > 0 else { return }
        span.position = steps[count - 1].after
        steps.removeFirst(count)
    }
}

/// A lane of samples: what is new goes before what is left from before, which goes oldest first.
struct LaneFeed {
    /// More stretches than this are not begun: each is the rest of an outage within an outage.
    private static let mostSpans = 8
    /// How far behind a lane is when what is new gets a stretch of its own. Unit: windows.
    private static let behind: Int64 = 4

    var windows: SampleWindows
    /// Oldest first.
    private(set) var feeds: [SampleFeed]
    /// The one whose steps are in hand.
    private var active = 0
    private let book: DeliveryBook

    var lane: DeliveryLane { windows.lane }
    var steps: [SampleFeed.Step] { feeds[active].steps }

    init(_ windows: SampleWindows, _ book: DeliveryBook) throws {
        self.windows = windows
        self.book = book
        feeds = try book.spans(windows.lane).map(SampleFeed.init)
    }

    /// The next resources, at least so much if there is so much.
    mutating func fill(entries: Int, bytes: Int) throws {
        try beginNew()
        for place in feeds.count > 1 ? [feeds.count - 1, 0] : [0] {
            active = place
            // What is in hand of the others would be in memory besides.
            for other in feeds.indices where other != place && !feeds[other].steps.isEmpty { feeds[other].letGo() }
            let end = place + 1 < feeds.count ? feeds[place + 1].span.begin : nil
            let passed = try feeds[place].fill(&windows, to: end, entries: entries, bytes: bytes)
            if !feeds[place].steps.isEmpty { return }
            if passed { try settle(stored: [], parked: []) }
        }
    }

    /// The first so many are dealt with.
    mutating func settle(_ count: Int = 0, stored: [String], parked: [ParkedResource]) throws {
        feeds[active].advance(count)
        try book.settle(lane, feeds[active].span, stored: stored, parked: parked)
        guard feeds.count > 1, feeds[0].span.hasReached(feeds[1].span.begin) else { return }
        // The first is where the second began: they are one.
        feeds.removeFirst()
        feeds[0].beFirst()
        active = max(0, active - 1)
    }

    /// Where the lane is far behind, what is new gets a stretch of its own.
    private mutating func beginNew() throws {
        guard feeds.count < Self.mostSpans, let reading = feeds.last?.reading,
            let position = try windows.newest(ahead: Self.behind, of: reading)
        else { return }
        try book.beginSpan(lane, at: position)
        feeds.append(SampleFeed(SampleSpan(begin: position, position: position)))
    }
}
