import DevicePlans
import ProfileLanguage

/// Where the values of a message lie, found by its template. Room for a fixed number, made once.
struct CaptureTable: Sendable {
    private var lows: [Int]
    private var highs: [Int]

    init(capacity: Int) {
        lows = [Int](repeating: 0, count: max(1, capacity))
        highs = lows
    }

    /// The bytes of a value, without the spaces around it.
    func trimmed(_ capture: Int, _ bytes: [UInt8]) -> Range<Int> { Self.trim(lows[capture]..<highs[capture], bytes) }

    /// The bytes of a value.
    func range(_ capture: Int) -> Range<Int> { lows[capture]..<highs[capture] }

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
            return text.items.count == 1 && matchItem(text.items[0], bytes, range)
        }
        var place = range.lowerBound
        let isBlank = separator == .blanks
        var isOver = false
        for index in text.items.indices {
            guard let part = Self.nextItem(separator, bytes, &place, range.upperBound, &isOver) else {
                guard index >= text.optionalFrom else { return false }
                leaveOut(text.items[index])
                continue
            }
            guard matchItem(text.items[index], bytes, part) else { return false }
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
        guard let separator = text.separator else { return text.items.first.flatMap { unfit($0, bytes, range) } }
        var place = range.lowerBound
        var isOver = false
        for index in text.items.indices {
            guard let part = Self.nextItem(separator, bytes, &place, range.upperBound, &isOver) else {
                return index >= text.optionalFrom ? nil : "it has \(index) items, expected \(text.items.count)"
            }
            if let why = unfit(text.items[index], bytes, part) { return "item \(index + 1), \(why)" }
        }
        let more = separator == .blanks ? place < range.upperBound : !isOver
        return more && !text.moreItems ? "it has more than \(text.items.count) items" : nil
    }

    private mutating func unfit(_ item: [TextPlan.Segment], _ bytes: [UInt8], _ range: Range<Int>) -> String? {
        if matchItem(item, bytes, range) { return nil }
        let found = Self.shown(bytes[range])
        var place = range.lowerBound
        for segment in item {
            switch segment {
            case .literal(let text):
                guard
                    let next = (place...max(place, range.upperBound - text.count)).first(where: {
                        $0 + text.count <= range.upperBound && Self.isText(text, bytes, $0..<($0 + text.count))
                    })
                else {
                    return "“\(found)”, has no “\(Self.shown(text[...]))” after its byte \(place - range.lowerBound)"
                }
                place = next + text.count
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
        guard case .literal(let name)? = text.items.first?.first, !name.isEmpty else { return false }
        guard range.count >= name.count else { return false }
        for offset in 0..<name.count where bytes[range.lowerBound + offset] != name[offset] { return false }
        guard let separator = text.separator, text.items.first?.count == 1, range.count > name.count else {
            return true
        }
        return separator.length(bytes, at: range.lowerBound + name.count, before: range.upperBound) > 0
    }

    /// The next item of a split message; `nil` when there is none.
    static func nextItem(_ separator: Separator, _ bytes: [UInt8], _ place: inout Int, _ end: Int, _ isOver: inout Bool)
        -> Range<Int>?
    {
        if separator == .blanks {
            while place < end, separator.length(bytes, at: place, before: end) > 0 { place += 1 }
            if place >= end { return nil }
        } else if isOver {
            return nil
        }
        let low = place
        var length = 0
        while place < end {
            length = separator.length(bytes, at: place, before: end)
            if length > 0 { break }
            place += 1
        }
        let high = place
        if length > 0 { place += length } else { isOver = true }
        return low..<high
    }

    /// An item that the message leaves out at its end is an empty one.
    private mutating func leaveOut(_ item: [TextPlan.Segment]) {
        for case .hole(let capture, _) in item where capture >= 0 { (lows[capture], highs[capture]) = (0, 0) }
    }

    private mutating func matchItem(_ item: [TextPlan.Segment], _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        if item.count == 1, case .literal(let text) = item[0] {
            let trimmed = Self.trim(range, bytes)
            return Self.isText(text, bytes, range) || Self.isText(text, bytes, trimmed)
        }
        var place = range.lowerBound
        for position in item.indices {
            switch item[position] {
            case .literal(let text):
                guard place + text.count <= range.upperBound, Self.isText(text, bytes, place..<(place + text.count))
                else { return false }
                place += text.count
            case .hole(let capture, let width):
                guard let end = width.map({ place + $0 }) ?? holeEnd(item, position, bytes, place, range.upperBound),
                    end >= place, end <= range.upperBound
                else { return false }
                if capture >= 0 { (lows[capture], highs[capture]) = (place, end) }
                place = end
            }
        }
        return place == range.upperBound
    }

    /// Where a value of open width ends: before the next literal, or leaving room for the widths that follow.
    private func holeEnd(_ item: [TextPlan.Segment], _ position: Int, _ bytes: [UInt8], _ place: Int, _ limit: Int)
        -> Int?
    {
        var reserved = 0
        for later in item.indices[(position + 1)...] {
            switch item[later] {
            case .hole(_, let width): reserved += width ?? 0
            case .literal(let text):
                if later == item.index(before: item.endIndex) { return limit - reserved - text.count }
                var end = place + reserved
                while end + text.count <= limit {
                    if Self.isText(text, bytes, end..<(end + text.count)) { return end - reserved }
                    end += 1
                }
                return nil
            }
        }
        return limit - reserved
    }

    static func isText(_ text: [UInt8], _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard range.count == text.count else { return false }
        for position in 0..<text.count where bytes[range.lowerBound + position] != text[position] { return false }
        return true
    }
}
