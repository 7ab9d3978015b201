import StrictYAML

/// Records that follow each other, perhaps within lists within lists, or stand where an index says.
///
/// A list begins with the number of its items and the number of its bytes, two bytes each, the upper one first, as MDER
/// writes them. Source: IEEE 11073-20101.
package struct BinaryRecords: Sendable, Hashable {
    /// How many bytes a record has.
    package enum Size: Sendable, Hashable {
        case fixed(Int)
        /// A number in the record, counting so many bytes each, and this many more.
        case told(WrittenNumber, times: Int, adds: Int)

        /// The fewest bytes of a record.
        package var least: Int {
            switch self {
            case .fixed(let bytes): bytes
            case .told(let number, _, let adds): max(adds, number.end)
            }
        }
    }

    /// A number among bytes, as it is written.
    package struct WrittenNumber: Sendable, Hashable {
        package let byte: Int
        package let type: FrameFormat.LengthType

        /// The first byte behind it.
        package var end: Int { byte + FrameFormat.size(type, digits: 1) }

        /// The number; the bytes must be there.
        package func value(_ bytes: [UInt8], from start: Int) -> Int {
            let place = start + byte
            return switch type {
            case .uint8, .decimal: Int(bytes[place])
            case .uint16: Int(bytes[place]) << 8 | Int(bytes[place + 1])
            case .uint16LowFirst: Int(bytes[place + 1]) << 8 | Int(bytes[place])
            }
        }
    }

    /// Entries of so many bytes each, which say where a record stands and what it is.
    package struct Index: Sendable, Hashable {
        /// The bytes of the frame that the entries fill.
        package let bytes: ClosedRange<Int>
        /// Bytes of an entry.
        package let stride: Int
        /// The record begins at the byte of the frame that is this number of an entry and so many more.
        package let place: WrittenNumber
        package let adds: Int
        /// The key of the entry behind the last; `nil` where all entries are in use.
        package let end: [UInt8]?
    }

    /// The most entries of an index.
    package static let mostEntries = 64

    /// What an attribute holds.
    package enum Holding: String, Sendable, Hashable, CaseIterable {
        case record
        /// A list of records.
        case list
    }

    /// The most lists within each other.
    package static let deepest = 6

    /// The byte of the frame where the records, or the outermost list, begin.
    package let from: Int
    /// How many bytes stand before each list, in the item of the list around it; empty where records follow each other.
    package let lists: [Int]
    /// The attributes that hold records. An item of the innermost list is then an attribute: its number, the number of
    /// its bytes, two bytes each, and its value. Empty where the items are the records.
    package let attributes: [UInt16: Holding]
    package let size: Size
    /// The bytes of a record, or of an entry of the index, that say what it is.
    package let key: ClosedRange<Int>
    package let index: Index?
}

extension MessageDescription {
    /// Messages before an answer, each with some of its records.
    package struct Parts: Sendable, Hashable {
        package let when: [ByteTest]
        package let length: ClosedRange<Int>?
        /// The byte of the frame where the outermost list begins.
        package let from: Int
        /// The byte that counts them, from 1.
        package let number: Int
        package let lastWhen: ByteTest
        /// The bytes that are the same in all parts of one answer and in the answer; `nil` where nothing tells.
        package let same: Same?

        /// Where the number of an answer stands.
        package struct Same: Sendable, Hashable {
            /// The most bytes that it has.
            package static let longest = 8

            /// In a part.
            package let part: ClosedRange<Int>
            /// In the answer, as many.
            package let answer: ClosedRange<Int>
        }

        /// Whether a frame of this length is one.
        package func fits(_ bytes: [UInt8], length: Int) -> Bool {
            if let lengths = self.length, !lengths.contains(length) { return false }
            for test in when where !test.holds(in: bytes, from: 0, length: length) { return false }
            return max(number, same?.part.upperBound ?? 0) < length
        }
    }

    /// Records that follow each other in one message.
    package struct Records: Sendable {
        package enum Division: Sendable, Hashable {
            case separator(Separator)
            /// So many bytes each.
            case stride(Int)
            case binary(BinaryRecords)
        }

        package let division: Division
        /// A record of text as it looks; without items where records are binary.
        package let each: Template

        package var binary: BinaryRecords? { if case .binary(let records) = division { records } else { nil } }
    }
}

/// Binary records in a profile.
extension ProfileReader {
    func binaryRecords(_ map: YAMLMapping, longest: Int) -> BinaryRecords? {
        for key in ["split", "split-each", "each"] { map[key]?.error("“\(key)” belongs to records that are text") }
        if map["index"] != nil {
            for key in ["from", "lists", "attributes"] {
                map[key]?.error("an “index” says where the records stand; leave “\(key)” out")
            }
        }
        let index = map["index"].flatMap { self.index($0, map, longest: longest) }
        guard map["index"] == nil || index != nil, let size = map.required("stride").flatMap(size),
            let key = map.required("key-at")?.span("the bytes of the key", 0...((index?.stride ?? size.least) - 1)),
            let from = index.map({ $0.bytes.upperBound + 1 })
                ?? map.required("from")?.int("the byte where they begin", 0...max(0, longest - 1))
        else { return nil }
        if key.count > 8 { map["key-at"]?.error("a key has at most eight bytes") }
        let lists = (map["lists"]?.list("the bytes before each list") ?? []).compactMap {
            $0.int("the bytes before a list", Grammar.Bounds.bytesBeforeList)
        }
        if lists.count > BinaryRecords.deepest {
            map["lists"]?.error("lists are at most \(BinaryRecords.deepest) deep")
        }
        var attributes: [UInt16: BinaryRecords.Holding] = [:]
        for (name, keyValue, value) in map["attributes"]?.mapping("attributes that hold records")?.entries ?? [] {
            guard let number = YAMLValue.integer(name).flatMap({ UInt16(exactly: $0) }) else {
                keyValue.error("expected an attribute's number, 0 to 65535, found “\(name)”")
                continue
            }
            attributes[number] = value.choice("what the attribute holds", Grammar.Words.holding)
        }
        if map["attributes"] != nil, lists.isEmpty {
            map["attributes"]?.error("“attributes” are items of the innermost of “lists”")
        }
        return BinaryRecords(from: from, lists: lists, attributes: attributes, size: size, key: key, index: index)
    }

    /// How long a record is: a number of bytes, or where it says so itself.
    private func size(_ value: YAMLValue) -> BinaryRecords.Size? {
        guard value.isMapping else {
            return value.int("the bytes of a record", Grammar.Bounds.recordBytes).map { .fixed($0) }
        }
        guard let map = value.mapping("where a record tells its length") else { return nil }
        map.allow(Grammar.recordLength)
        guard let number = writtenNumber(map, below: Grammar.Bounds.recordBytes.upperBound),
            let adds = map.required("adds")?.int("the bytes beside those counted", Grammar.Bounds.recordAdds)
        else { return nil }
        let times = map["times"]?.int("the bytes that each counts", Grammar.Bounds.bytesEach) ?? 1
        if adds < number.end {
            map["adds"]?.error("a record has at least the \(number.end) bytes to the end of its number")
        }
        return .told(number, times: times, adds: adds)
    }

    private func writtenNumber(_ map: YAMLMapping, below length: Int) -> BinaryRecords.WrittenNumber? {
        guard let byte = map.required("byte")?.place("the byte", below: length),
            let typeValue = map.required("type"), let type = typeValue.choice("the type", Grammar.Words.countType)
        else { return nil }
        let number = BinaryRecords.WrittenNumber(byte: byte, type: type)
        if number.end > length { typeValue.error("the number ends beyond the \(length) bytes") }
        return number
    }

    private func index(_ value: YAMLValue, _ map: YAMLMapping, longest: Int) -> BinaryRecords.Index? {
        guard let entry = value.mapping("an index of records") else { return nil }
        entry.allow(Grammar.recordIndex)
        guard let bytes = entry.required("bytes")?.span("the bytes of the index", 0...max(0, longest - 1)),
            let strideValue = entry.required("stride"),
            let stride = strideValue.int("the bytes of an entry", Grammar.Bounds.recordBytes),
            let placeValue = entry.required("place"),
            let place = placeValue.mapping("where an entry says its record's place")
        else { return nil }
        if !bytes.count.isMultiple(of: stride) || bytes.count / stride > BinaryRecords.mostEntries {
            strideValue.error(
                "\(bytes.count) bytes are no whole entries of \(stride), at most \(BinaryRecords.mostEntries)")
        }
        place.allow(Grammar.recordPlace)
        guard let number = writtenNumber(place, below: stride),
            let adds = place.required("adds")?.int("where counting begins", Grammar.Bounds.frameByte)
        else { return nil }
        let keyLength = map["key-at"]?.span("the bytes of the key", 0...(stride - 1))?.count ?? 0
        let end = entry["ends-with"].flatMap { self.key($0, bytes: keyLength) }
        return BinaryRecords.Index(bytes: bytes, stride: stride, place: number, adds: adds, end: end)
    }

    /// A key as its bytes, the most significant first.
    private func key(_ value: YAMLValue, bytes count: Int) -> [UInt8]? {
        let most = count >= 8 ? Int64.max : 1 << Int64(8 * count) - 1
        return value.integer("the record's key as a number, or “any”", 0...most).map { number in
            (0..<count).reversed().map { UInt8(truncatingIfNeeded: number >> Int64(8 * $0)) }
        }
    }

    /// A field of the records of a message: of those with a key, or of every one.
    mutating func readRecordField(_ name: String, _ map: YAMLMapping, _ records: BinaryRecords, of scope: String) {
        map["frame"]?.error("“frame” belongs to packets")
        var key: [UInt8]?
        let isAlone = map["key"] == nil && map["attribute"] != nil
        if !isAlone, let value = map.required("key"), value.word != "any" {
            key = self.key(value, bytes: records.key.count)
            if key == nil { return }
        }
        var length = if case .fixed(let bytes) = records.size { bytes } else { FrameFormat.limit }
        let attribute = map["attribute"]?.int("the attribute's number", Grammar.Bounds.attribute).map { UInt16($0) }
        if let attribute {
            if records.attributes.isEmpty { map["attribute"]?.error("“\(scope)” has no “attributes”") }
            if records.attributes[attribute] != nil {
                map["attribute"]?.error("this attribute holds the records; leave “attribute” out")
            }
            if key != nil { map["attribute"]?.error("an attribute stands beside every record of its list: `key: any`") }
            length = FrameFormat.limit
        }
        if map["count"] != nil, key == nil || attribute != nil {
            map["count"]?.error("several values are those of records with one “key”")
        }
        if isAlone, let attribute {
            return addSlices(name, map, length: length) { .attribute(message: scope, attribute, $0) }
        }
        addSlices(name, map, length: length) {
            .record(message: scope, key: key, attribute: attribute, $0, samples: Self.samples(map, $0, length: length))
        }
    }

    /// How many values follow each other in a record; `nil` for one.
    private static func samples(_ map: YAMLMapping, _ slices: [FieldDescription.Slice], length: Int)
        -> FieldDescription.Samples?
    {
        guard let value = map["count"] else { return nil }
        let bytes = slices.map(\.byte)
        let (first, stride) = (bytes.min() ?? 0, (bytes.max() ?? 0) - (bytes.min() ?? 0) + 1)
        if value.word == Grammar.rest { return FieldDescription.Samples(count: nil, stride: stride) }
        guard let count = value.int("how many values, or “\(Grammar.rest)”", Grammar.Bounds.samples) else { return nil }
        if first + stride * count > length { value.error("\(count) values end beyond the record's \(length) bytes") }
        return FieldDescription.Samples(count: count, stride: stride)
    }
}
