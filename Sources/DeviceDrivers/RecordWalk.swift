import ProfileLanguage

/// Goes through the binary records of a message.
struct RecordWalk {
    /// One record, and what its list holds beside it.
    struct Place {
        let record: Range<Int>
        /// The attributes of the innermost list; empty where its items are the records.
        let attributes: Range<Int>
    }

    let records: BinaryRecords
    let bytes: [UInt8]

    /// Shows each record of these bytes; returns whether every list and every record ends where it says. What was shown
    /// before a fault was found counts for nothing.
    func forEach(_ range: Range<Int>, _ body: (Place) -> Void) -> Bool { items(range, level: 0, body) }

    /// A list of level `level`, with what stands before it, fills the bytes.
    private func items(_ range: Range<Int>, level: Int, _ body: (Place) -> Void) -> Bool {
        guard level < records.lists.count else {
            return fill(range, attributes: range.upperBound..<range.upperBound, body)
        }
        let head = range.lowerBound + records.lists[level]
        guard let (count, content) = list(from: head, within: range), content.upperBound == range.upperBound else {
            return false
        }
        if level == records.lists.count - 1 {
            return records.attributes.isEmpty
                ? content.count == count * records.stride
                    && fill(content, attributes: content.upperBound..<content.upperBound, body)
                : attributes(content, count, body)
        }
        var place = content.lowerBound
        for _ in 0..<count {
            guard let (_, inner) = list(from: place + records.lists[level + 1], within: place..<content.upperBound),
                items(place..<inner.upperBound, level: level + 1, body)
            else { return false }
            place = inner.upperBound
        }
        return place == content.upperBound
    }

    private func attributes(_ content: Range<Int>, _ count: Int, _ body: (Place) -> Void) -> Bool {
        var place = content.lowerBound
        for _ in 0..<count {
            guard let (number, value) = attribute(at: place, within: content) else { return false }
            switch records.attributes[number] {
            case .record?:
                guard value.count == records.stride else { return false }
                body(Place(record: value, attributes: content))
            case .list?:
                guard let (count, inner) = list(from: value.lowerBound, within: value),
                    inner.upperBound == value.upperBound, inner.count == count * records.stride,
                    fill(inner, attributes: content, body)
                else { return false }
            case nil: break
            }
            place = value.upperBound
        }
        return place == content.upperBound
    }

    /// Records that follow each other and fill the bytes.
    private func fill(_ range: Range<Int>, attributes: Range<Int>, _ body: (Place) -> Void) -> Bool {
        guard range.count.isMultiple(of: records.stride) else { return false }
        var place = range.lowerBound
        while place < range.upperBound {
            body(Place(record: place..<(place + records.stride), attributes: attributes))
            place += records.stride
        }
        return true
    }

    /// The number of items and the content of a list; `nil` where it does not lie within these bytes.
    private func list(from place: Int, within range: Range<Int>) -> (count: Int, content: Range<Int>)? {
        guard place + 4 <= range.upperBound else { return nil }
        let end = place + 4 + word(place + 2)
        return end <= range.upperBound ? (word(place), (place + 4)..<end) : nil
    }

    private func attribute(at place: Int, within range: Range<Int>) -> (number: UInt16, value: Range<Int>)? {
        guard let (number, value) = list(from: place, within: range) else { return nil }
        return (UInt16(truncatingIfNeeded: number), value)
    }

    private func word(_ place: Int) -> Int { Int(bytes[place]) << 8 | Int(bytes[place + 1]) }

    /// The value of an attribute; `nil` where there is none, or more than one.
    func value(of wanted: UInt16, in attributes: Range<Int>) -> Range<Int>? {
        var found: Range<Int>?
        var place = attributes.lowerBound
        while place < attributes.upperBound, let (number, value) = attribute(at: place, within: attributes) {
            if number == wanted {
                guard found == nil else { return nil }
                found = value
            }
            place = value.upperBound
        }
        return found
    }
}
