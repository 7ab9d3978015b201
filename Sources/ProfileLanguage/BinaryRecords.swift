import StrictYAML

/// Records of so many bytes each, perhaps within lists within lists.
///
/// A list begins with the number of its items and the number of its bytes, two bytes each, the upper one first, as MDER
/// writes them. Source: IEEE 11073-20101.
package struct BinaryRecords: Sendable, Hashable {
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
    /// Bytes of a record.
    package let stride: Int
    /// The bytes of a record that say what it is.
    package let key: ClosedRange<Int>
}

extension MessageDescription {
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
        guard let stride = map.required("stride")?.int("the bytes of a record", Grammar.Bounds.recordBytes),
            let key = map.required("key-at")?.span("the bytes of the key", 0...(stride - 1)),
            let from = map.required("from")?.int("the byte where they begin", 0...max(0, longest - 1))
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
        return BinaryRecords(from: from, lists: lists, attributes: attributes, stride: stride, key: key)
    }

    /// A field of the records of a message: of those with a key, or of every one.
    mutating func readRecordField(_ name: String, _ map: YAMLMapping, _ records: BinaryRecords, of scope: String) {
        for key in ["frame", "count"] { map[key]?.error("“\(key)” belongs to frames and packets") }
        var key: [UInt8]?
        if let value = map.required("key"), value.word != "any" {
            let most = records.key.count >= 8 ? Int64.max : 1 << Int64(8 * records.key.count) - 1
            guard let number = value.integer("the record's key as a number, or “any”", 0...most) else { return }
            key = (0..<records.key.count).reversed().map { UInt8(truncatingIfNeeded: number >> Int64(8 * $0)) }
        }
        var length = records.stride
        let attribute = map["attribute"]?.int("the attribute's number", Grammar.Bounds.attribute).map { UInt16($0) }
        if let attribute {
            if records.attributes.isEmpty { map["attribute"]?.error("“\(scope)” has no “attributes”") }
            if records.attributes[attribute] != nil {
                map["attribute"]?.error("this attribute holds the records; leave “attribute” out")
            }
            if key != nil { map["attribute"]?.error("an attribute stands beside every record of its list: `key: any`") }
            length = FrameFormat.limit
        }
        addSlices(name, map, length: length) { .record(message: scope, key: key, attribute: attribute, $0) }
    }
}
