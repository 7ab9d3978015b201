import ProfileLanguage

/// Goes through the binary records of a message.
struct RecordWalk {
    /// One record, and what its list holds beside it.
    struct Place {
        let record: Range<Int>
        /// What it is.
        let key: Range<Int>
        /// The attributes of the innermost list; empty where its items are the records.
        let attributes: Range<Int>
    }

    let records: BinaryRecords
    let bytes: [UInt8]

    /// Shows each record of these bytes; returns whether every list and every record ends where it says. What was shown
    /// before a fault was found counts for nothing.
    func forEach(_ range: Range<Int>, _ body: (Place) -> Void) -> Bool {
        if let index = records.index { return indexed(index, range, body) }
        return items(range, level: 0, body)
    }

    // MARK: Records where an index says

    /// Every record lies within the bytes behind the index, and none over another.
    private func indexed(_ index: BinaryRecords.Index, _ range: Range<Int>, _ body: (Place) -> Void) -> Bool {
        guard index.bytes.upperBound < range.lowerBound else { return false }
        let entries = index.bytes.count / index.stride
        for number in 0..<entries {
            let entry = index.bytes.lowerBound + number * index.stride
            let key = (entry + records.key.lowerBound)..<(entry + records.key.upperBound + 1)
            if let end = index.end, CaptureTable.isText(end, bytes, key) { return true }
            guard let record = record(of: entry, index, range) else { return false }
            for earlier in 0..<number {
                let other = self.record(of: index.bytes.lowerBound + earlier * index.stride, index, range) ?? record
                if other.overlaps(record) { return false }
            }
            body(Place(record: record, key: key, attributes: record.upperBound..<record.upperBound))
        }
        return true
    }

    private func record(of entry: Int, _ index: BinaryRecords.Index, _ range: Range<Int>) -> Range<Int>? {
        let place = index.place.value(bytes, from: entry) + index.adds
        return place >= range.lowerBound ? record(at: place, before: range.upperBound) : nil
    }

    /// The record that begins here; `nil` where it does not end before these bytes do.
    private func record(at place: Int, before end: Int) -> Range<Int>? {
        guard place + records.size.least <= end else { return nil }
        let length =
            switch records.size {
            case .fixed(let bytes): bytes
            case .told(let number, let times, let adds): number.value(bytes, from: place) * times + adds
            }
        return place + length <= end ? place..<(place + length) : nil
    }

    // MARK: Records in lists

    /// A list of level `level`, with what stands before it, fills the bytes.
    private func items(_ range: Range<Int>, level: Int, _ body: (Place) -> Void) -> Bool {
        guard level < records.lists.count else {
            return fill(range, attributes: range.upperBound..<range.upperBound, body) != nil
        }
        let head = range.lowerBound + records.lists[level]
        guard let (count, content) = list(from: head, within: range), content.upperBound == range.upperBound else {
            return false
        }
        if level == records.lists.count - 1 {
            return records.attributes.isEmpty
                ? fill(content, attributes: content.upperBound..<content.upperBound, body) == count
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
                guard fill(value, attributes: content, body) == 1 else { return false }
            case .list?:
                guard let (count, inner) = list(from: value.lowerBound, within: value),
                    inner.upperBound == value.upperBound, fill(inner, attributes: content, body) == count
                else { return false }
            case nil: break
            }
            place = value.upperBound
        }
        return place == content.upperBound
    }

    /// Records that follow each other and fill the bytes; returns how many, or `nil` where they do not.
    private func fill(_ range: Range<Int>, attributes: Range<Int>, _ body: (Place) -> Void) -> Int? {
        var place = range.lowerBound
        var count = 0
        while place < range.upperBound {
            guard let record = record(at: place, before: range.upperBound), !record.isEmpty else { return nil }
            body(
                Place(
                    record: record, key: (place + records.key.lowerBound)..<(place + records.key.upperBound + 1),
                    attributes: attributes))
            place = record.upperBound
            count += 1
        }
        return count
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

    /// Shows each attribute of the innermost lists.
    func forEachAttribute(_ range: Range<Int>, level: Int = 0, _ body: (UInt16, Range<Int>) -> Void) {
        guard level < records.lists.count, !records.attributes.isEmpty,
            let (count, content) = list(from: range.lowerBound + records.lists[level], within: range)
        else { return }
        var place = content.lowerBound
        for _ in 0..<count {
            if level == records.lists.count - 1 {
                guard let (number, value) = attribute(at: place, within: content) else { return }
                body(number, value)
                place = value.upperBound
            } else {
                guard let (_, inner) = list(from: place + records.lists[level + 1], within: place..<content.upperBound)
                else { return }
                forEachAttribute(place..<inner.upperBound, level: level + 1, body)
                place = inner.upperBound
            }
        }
    }

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
