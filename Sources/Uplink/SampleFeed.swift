import SampleJournal

/// A stretch of a lane's samples as one row of resources over all windows, each with the place that the stretch has
/// when it is dealt with.
struct SampleFeed {
    struct Step {
        let item: DeliveryItem
        let after: SamplePosition
        /// Whether nobody knows yet when something of its window was taken.
        let isUnmapped: Bool
    }

    /// Windows read in one go, so that another lane has its turn.
    private static let windowsAtOnce = 256

    /// Where the stretch is.
    private(set) var span: SampleSpan
    /// What was read and is not dealt with.
    private(set) var steps: [Step] = []
    /// Where reading goes on.
    private(set) var reading: SamplePosition
    /// Whose resources are wanted; `nil` for those of all devices.
    private let devices: Set<String>?

    init(_ span: SampleSpan, devices: Set<String>? = nil) {
        (self.span, reading, self.devices) = (span, span.position, devices)
    }

    /// Reads on until there is so much, or nothing more that is complete.
    ///
    /// - Parameter end: where the next stretch began.
    /// - Returns: whether windows with nothing in them were passed, which the book should know.
    mutating func fill(_ windows: inout SampleWindows, to end: SamplePosition?, entries: Int, bytes: Int) throws
        -> Bool
    {
        func isOver(_ place: SamplePosition) -> Bool {
            end.map { SampleSpan(begin: $0, position: place).hasReached($0) } ?? false
        }
        var held = steps.reduce(0) { $0 + $1.item.bytes }
        var (passed, count) = (false, 0)
        while steps.count < entries, held < bytes, count < Self.windowsAtOnce, !isOver(reading),
            let window = try windows.next(after: reading)
        {
            count += 1
            // Where the record has nothing more before the end, what comes behind it is no part of this.
            let items =
                isOver(window.begin)
                ? []
                : window.items.filter { item in
                    item.url > reading.part && (devices.map { item.device.map($0.contains) ?? false } ?? true)
                }
            let next = isOver(window.begin) ? window.begin : window.next
            for (number, item) in items.enumerated() {
                var after = window.begin
                after.part = item.url
                if number == items.count - 1 { after = next }
                steps.append(Step(item: item, after: after, isUnmapped: window.waitsForClock))
                held += item.bytes
            }
            if items.isEmpty, steps.isEmpty { (span.position, passed) = (next, true) }
            if next == reading { break }
            reading = next
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
