/// Reads the members of an event that the host itself relies on, of a command or of a bed, in the one form in which
/// they are written: in the order of their names, without a space, each once, whole numbers only. What is written
/// otherwise was not written by a host.
package struct BodyReader {
    /// Where a text is not what it must be.
    package struct Damage: Error {
        /// Bytes before it.
        package let place: Int
    }

    private let bytes: [UInt8]
    package private(set) var place = 0
    private var isFirst = true

    package init(_ text: String) { bytes = Array(text.utf8) }

    package var damage: Damage { Damage(place: place) }

    /// The whole text is one object.
    package mutating func whole<Value>(_ read: (inout BodyReader) throws(Damage) -> Value) throws(Damage) -> Value {
        let value = try object(read)
        guard place == bytes.count else { throw damage }
        return value
    }

    /// `read` takes its members, all of them.
    package mutating func object<Value>(_ read: (inout BodyReader) throws(Damage) -> Value) throws(Damage) -> Value {
        try take("{")
        let isFirstOutside = isFirst
        isFirst = true
        let value = try read(&self)
        try take("}")
        isFirst = isFirstOutside
        return value
    }

    package mutating func array<Value>(_ read: (inout BodyReader) throws(Damage) -> Value) throws(Damage) -> [Value] {
        try take("[")
        var values: [Value] = []
        if isNext("]") { return values }
        repeat { values.append(try read(&self)) } while isNext(",")
        try take("]")
        return values
    }

    /// The next member has this name; what follows is its value.
    package mutating func member(_ name: StaticString) throws(Damage) { if !hasMember(name) { throw damage } }

    /// Whether the next member has this name; what follows is its value then.
    package mutating func hasMember(_ name: StaticString) -> Bool {
        guard isNext("\(isFirst ? "" : ",")\"\(name)\":") else { return false }
        isFirst = false
        return true
    }

    package mutating func boolean(_ name: StaticString) throws(Damage) -> Bool {
        guard let value = try booleanIfAny(name) else { throw damage }
        return value
    }

    package mutating func booleanIfAny(_ name: StaticString) throws(Damage) -> Bool? {
        guard hasMember(name) else { return nil }
        if isNext("true") { return true }
        try take("false")
        return false
    }

    package mutating func integer(_ name: StaticString) throws(Damage) -> Int64 {
        try member(name)
        return try integer()
    }

    package mutating func integerIfAny(_ name: StaticString) throws(Damage) -> Int64? {
        hasMember(name) ? try integer() : nil
    }

    package mutating func integers(_ name: StaticString) throws(Damage) -> [Int64] {
        try member(name)
        return try array { reader throws(Damage) in try reader.integer() }
    }

    /// The number of an event in the journal. Range: 1 and more.
    package mutating func number(_ name: StaticString) throws(Damage) -> Int64 {
        try member(name)
        return try number()
    }

    package mutating func numberIfAny(_ name: StaticString) throws(Damage) -> Int64? {
        hasMember(name) ? try number() : nil
    }

    private mutating func number() throws(Damage) -> Int64 {
        let number = try integer()
        guard number >= 1 else { throw damage }
        return number
    }

    package mutating func string(_ name: StaticString) throws(Damage) -> String {
        try member(name)
        return try string()
    }

    package mutating func stringIfAny(_ name: StaticString) throws(Damage) -> String? {
        hasMember(name) ? try string() : nil
    }

    package mutating func strings(_ name: StaticString) throws(Damage) -> [String] {
        try member(name)
        return try array { reader throws(Damage) in try reader.string() }
    }

    /// One of the words of an enumeration.
    package mutating func word<Word: RawRepresentable<String>>(_ name: StaticString) throws(Damage) -> Word {
        guard let word = Word(rawValue: try string(name)) else { throw damage }
        return word
    }

    // MARK: Values

    package mutating func integer() throws(Damage) -> Int64 {
        let start = place
        while place < bytes.count, bytes[place] == UInt8(ascii: "-") || isDigit(bytes[place]) { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        // One form of each: no `-0`, no zero in front.
        guard let value = Int64(text), "\(value)" == text else { throw Damage(place: start) }
        return value
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    package mutating func string() throws(Damage) -> String {
        try take("\"")
        var content: [UInt8] = []
        while place < bytes.count {
            let byte = bytes[place]
            switch byte {
            case UInt8(ascii: "\""):
                place += 1
                return String(decoding: content, as: UTF8.self)
            case UInt8(ascii: "\\"): content.append(try escaped())
            case 0..<0x20: throw damage
            default:
                content.append(byte)
                place += 1
            }
        }
        throw damage
    }

    /// As the host writes them: a character that may stand for itself is not escaped.
    private mutating func escaped() throws(Damage) -> UInt8 {
        if isNext("\\\"") { return UInt8(ascii: "\"") }
        if isNext("\\\\") { return UInt8(ascii: "\\") }
        if isNext("\\n") { return 0x0A }
        if isNext("\\r") { return 0x0D }
        if isNext("\\t") { return 0x09 }
        let start = place
        try take("\\u00")
        guard place + 2 <= bytes.count, let byte = Hex.byte(bytes[place], bytes[place + 1]), byte < 0x20,
            ![0x09, 0x0A, 0x0D].contains(byte)
        else { throw Damage(place: start) }
        place += 2
        return byte
    }

    private mutating func take(_ text: String) throws(Damage) { if !isNext(text) { throw damage } }

    private mutating func isNext(_ text: String) -> Bool {
        guard bytes[place...].starts(with: text.utf8) else { return false }
        place += text.utf8.count
        return true
    }
}

/// Bytes as hexadecimal digits, two each, in lower case.
package enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    package static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// `nil` for anything else.
    package static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { byte(digits[$0], digits[$0 + 1]) }
        return bytes.count * 2 == digits.count ? bytes : nil
    }

    static func byte(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard let high = digits.firstIndex(of: high), let low = digits.firstIndex(of: low) else { return nil }
        return UInt8(high << 4 | low)
    }
}
