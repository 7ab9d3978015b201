import SampleJournal

/// A lane's samples as one row of resources over all windows, each with the place that the lane has when it is dealt
/// with.
struct SampleFeed {
    struct Step {
        let item: DeliveryItem
        let after: SamplePosition
    }

    /// Windows read in one go, so that another lane has its turn.
    private static let windowsAtOnce = 256

    var windows: SampleWindows
    var lane: DeliveryLane { windows.lane }
    /// What was read and is not dealt with.
    private(set) var steps: [Step] = []
    /// Where the lane is, and where reading goes on.
    private(set) var position: SamplePosition
    private var reading: SamplePosition

    init(_ windows: SampleWindows, _ book: DeliveryBook) throws {
        self.windows = windows
        position = try book.position(windows.lane)
        reading = position
    }

    /// Reads on until there is so much, or nothing more that is complete.
    ///
    /// - Returns: whether windows with nothing in them were passed, which the book should know.
    mutating func fill(entries: Int, bytes: Int) throws -> Bool {
        var held = steps.reduce(0) { $0 + $1.item.bytes }
        var (passed, count) = (false, 0)
        while steps.count < entries, held < bytes, count < Self.windowsAtOnce,
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
            if items.isEmpty, steps.isEmpty { (position, passed) = (window.next, true) }
            if window.next == reading { break }
            reading = window.next
        }
        return passed
    }

    /// The first steps are dealt with.
    mutating func advance(_ count: Int) {
        guard count > 0 else { return }
        position = steps[count - 1].after
        steps.removeFirst(count)
    }
}
