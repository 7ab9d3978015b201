import DevicePlans
import ProfileLanguage

/// Where the values of a message lie, found by its template. Room for a fixed number, made once.
struct CaptureTable: Sendable {
    private struct Place: BitwiseCopyable {
        var low = 0
        var high = 0
    }

    private var places: [Place]

    init(capacity: Int) { places = [Place](repeating: Place(), count: max(1, capacity)) }

    /// The bytes of a value, without the spaces around it.
    func trimmed(_ capture: Int, _ bytes: [UInt8]) -> Range<Int> { Self.trim(range(capture), bytes) }

    /// The bytes of a value.
    func range(_ capture: Int) -> Range<Int> { places[capture].low..<places[capture].high }

    /// The bytes without the spaces around them.
    static func trim(_ range: Range<Int>, _ bytes: [UInt8]) -> Range<Int> {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high, bytes[low] == 0x20 { low += 1 }
        while high > low, bytes[high - 1] == 0x20 { high -= 1 }
        return low..<high
    }

    /// Whether these bytes look like the template; the places of its values are kept when they do.
    mutating func match(_ text: TextPlan, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard let separator = text.separator else {
            return text.items.count == 1 && matchItem(text, text.items[0], bytes, range)
        }
        var place = range.lowerBound
        let isBlank = if case .blanks = separator { true } else { false }
        var isOver = false
        for index in text.items.indices {
            guard let part = Self.nextItem(separator, bytes, &place, range.upperBound, &isOver) else {
                guard index >= text.optionalFrom else { return false }
                leaveOut(text, text.items[index])
                continue
            }
            guard matchItem(text, text.items[index], bytes, part) else { return false }
        }
        if isBlank {
            while place < range.upperBound, separator.length(bytes, at: place, before: range.upperBound) > 0 {
                place += 1
            }
        }
        return text.moreItems || (isBlank ? place >= range.upperBound : isOver)
    }

    /// Which part of the template these bytes do not look like, for an author; `nil` when they do.
    mutating func mismatch(_ text: TextPlan, _ bytes: [UInt8], _ range: Range<Int>) -> String? {
        guard let separator = text.separator else { return text.items.first.flatMap { unfit(text, $0, bytes, range) } }
        var place = range.lowerBound
        var isOver = false
        for index in text.items.indices {
            guard let part = Self.nextItem(separator, bytes, &place, range.upperBound, &isOver) else {
                return index >= text.optionalFrom ? nil : "it has \(index) items, expected \(text.items.count)"
            }
            if let why = unfit(text, text.items[index], bytes, part) { return "item \(index + 1), \(why)" }
        }
        let more = separator == .blanks ? place < range.upperBound : !isOver
        return more && !text.moreItems ? "it has more than \(text.items.count) items" : nil
    }

    private mutating func unfit(
        _ text: TextPlan, _ item: TextPlan.Item, _ bytes: [UInt8], _ range: Range<Int>
    ) -> String? {
        if matchItem(text, item, bytes, range) { return nil }
        let found = Self.shown(bytes[range])
        var place = range.lowerBound
        for segment in text.segments[item.first..<item.end] {
            switch segment {
            case .literal(let at, let count):
                let literal = Array(text.literals[at..<(at + count)])
                guard
                    let next = (place...max(place, range.upperBound - count)).first(where: {
                        Self.isLiteral(text, at, count, bytes, $0, before: range.upperBound)
                    })
                else {
                    return "“\(found)”, has no “\(Self.shown(literal[...]))” after its byte \(place - range.lowerBound)"
                }
                place = next + count
            case .hole(_, let width?):
                guard place + width <= range.upperBound else { return "“\(found)”, is too short" }
                place += width
            case .hole: continue
            }
        }
        return "“\(found)”, is longer or shorter than its parts"
    }

    /// Bytes for a message, at most forty.
    private static func shown(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.prefix(40).map {
            (0x20...0x7E).contains($0) ? String(UnicodeScalar($0)) : "\\x" + VectorFile.hexText([$0])
        }.joined()
            + (bytes.count > 40 ? "…" : "")
    }

    /// The first item's own text: by it a message is known even when the rest is not as it should be.
    static func begins(_ text: TextPlan, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard let item = text.items.first, item.count > 0, case .literal(let at, let count) = text.segments[item.first],
            count > 0, isLiteral(text, at, count, bytes, range.lowerBound, before: range.upperBound)
        else { return false }
        guard let separator = text.separator, item.count == 1, range.count > count else { return true }
        return separator.length(bytes, at: range.lowerBound + count, before: range.upperBound) > 0
    }

    /// The next item of a split message; `nil` when there is none.
    static func nextItem(_ separator: Separator, _ bytes: [UInt8], _ place: inout Int, _ end: Int, _ isOver: inout Bool)
        -> Range<Int>?
    {
        switch separator {
        case .blanks:
            while place < end, isBlank(bytes[place]) { place += 1 }
            if place >= end { return nil }
            let low = place
            while place < end, !isBlank(bytes[place]) { place += 1 }
            let high = place
            if place < end { place += 1 } else { isOver = true }
            return low..<high
        case .mark(let mark):
            if isOver { return nil }
            let low = place
            let first = mark[0]
            while place < end {
                if bytes[place] == first, mark.count == 1 || separator.length(bytes, at: place, before: end) > 0 {
                    let high = place
                    place += mark.count
                    return low..<high
                }
                place += 1
            }
            isOver = true
            return low..<place
        }
    }

    @inline(__always)
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// An item that the message leaves out at its end is an empty one.
    private mutating func leaveOut(_ text: TextPlan, _ item: TextPlan.Item) {
        for case .hole(let capture, _) in text.segments[item.first..<item.end] where capture >= 0 {
            places[capture] = Place()
        }
    }

    private mutating func matchItem(
        _ text: TextPlan, _ item: TextPlan.Item, _ bytes: [UInt8], _ range: Range<Int>
    ) -> Bool {
        let segments = text.segments
        if item.count == 1, case .literal(let at, let count) = segments[item.first] {
            if range.count == count { return Self.isLiteral(text, at, count, bytes, range.lowerBound, before: .max) }
            let trimmed = Self.trim(range, bytes)
            return trimmed.count == count && Self.isLiteral(text, at, count, bytes, trimmed.lowerBound, before: .max)
        }
        var place = range.lowerBound
        var position = item.first
        while position < item.end {
            switch segments[position] {
            case .literal(let at, let count):
                guard Self.isLiteral(text, at, count, bytes, place, before: range.upperBound) else { return false }
                place += count
            case .hole(let capture, let width):
                guard
                    let end = width.map({ place + $0 })
                        ?? Self.holeEnd(text, position + 1, item.end, bytes, place, range.upperBound),
                    end >= place, end <= range.upperBound
                else { return false }
                if capture >= 0 { places[capture] = Place(low: place, high: end) }
                place = end
            }
            position += 1
        }
        return place == range.upperBound
    }

    /// Where a value of open width ends: before the next literal, or leaving room for the widths that follow.
    private static func holeEnd(
        _ text: TextPlan, _ next: Int, _ last: Int, _ bytes: [UInt8], _ place: Int, _ limit: Int
    ) -> Int? {
        var reserved = 0
        for later in next..<last {
            switch text.segments[later] {
            case .hole(_, let width): reserved += width ?? 0
            case .literal(let at, let count):
                if later == last - 1 { return limit - reserved - count }
                var end = place + reserved
                while end + count <= limit {
                    if isLiteral(text, at, count, bytes, end, before: limit) { return end - reserved }
                    end += 1
                }
                return nil
            }
        }
        return limit - reserved
    }

    /// Whether a literal of a template stands at a place, wholly before another.
    private static func isLiteral(
        _ text: TextPlan, _ at: Int, _ count: Int, _ bytes: [UInt8], _ place: Int, before end: Int
    ) -> Bool {
        guard place + count <= end else { return false }
        for offset in 0..<count where bytes[place + offset] != text.literals[at + offset] { return false }
        return true
    }

    static func isText(_ text: [UInt8], _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard range.count == text.count else { return false }
        for position in 0..<text.count where bytes[range.lowerBound + position] != text[position] { return false }
        return true
    }
}
