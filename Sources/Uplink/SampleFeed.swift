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
    /// What was read and is not wanted; it is to be on the list before the stretch passes it.
    private(set) var withheld: [Withheld] = []
    /// Whose resources are wanted; `nil` for those of all devices.
    private let devices: Set<String>?

    init(_ span: SampleSpan, devices: Set<String>? = nil) {
        (self.span, reading, self.devices) = (span, span.position, devices)
    }

    /// Reads on until there is so much, or nothing more that is complete.
    ///
    /// - Parameters:
    ///   - end: where the next stretch began.
    ///   - isWanted: what is not is noted as ``withheld``.
    /// - Returns: whether windows with nothing in them were passed, which the book should know.
    mutating func fill(
        _ windows: inout SampleWindows, to end: SamplePosition?, entries: Int, bytes: Int,
        _ isWanted: SampleWindows.Choice = { _, _, _ in true }
    ) throws -> Bool {
        func isOver(_ place: SamplePosition) -> Bool {
            end.map { SampleSpan(begin: $0, position: place).hasReached($0) } ?? false
        }
        var held = steps.reduce(0) { $0 + $1.item.bytes }
        var (passed, count) = (false, 0)
        while steps.count < entries, held < bytes, count < Self.windowsAtOnce, !isOver(reading),
            let window = try windows.next(after: reading, isWanted)
        {
            count += 1
            if !isOver(window.begin) { withhold(window, windows.lane) }
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

    /// Adjoining windows of a device are one stretch.
    private mutating func withhold(_ window: SampleWindows.Window, _ lane: DeliveryLane) {
        let place = window.begin
        for device in window.withheld where devices.map({ $0.contains(device) }) ?? true {
            let next = Withheld(
                lane: lane, device: device, session: place.session, first: place.window,
                end: place.window + place.length, chunk: place.chunk, length: place.length)
            if let last = withheld.lastIndex(where: { $0.device == device }), withheld[last].end == next.first,
                withheld[last].session == next.session, withheld[last].length == next.length
            {
                withheld[last] = withheld[last].cut(to: next.end)
            } else {
                withheld.append(next)
            }
        }
    }

    /// It is on the list.
    mutating func noteWithheld() { withheld = [] }

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
