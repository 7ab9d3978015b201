package import DeviceModel

/// What is sent: literal bytes with holes for values of the session, arguments, sums of them, a running number and the
/// time.
package struct SendTemplate: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case literal([UInt8])
        /// The last text of a field in this session, an argument of a command, or the slot.
        case value(String)
        /// The checksum of such a text.
        case checksum(ChecksumAlgorithm, of: String, ChecksumEncoding)
        /// A number that is one more each time it is said.
        case count(Count)
        /// The time at which it is said.
        case now(TimeFormat)
    }

    /// How a running number is written.
    package enum Count: Sendable, Hashable {
        /// Decimal digits with leading zeros, from 1; after the last of them comes 0.
        case digits(Int)
        /// One byte, from 1; after 255 comes 0.
        case byte
        /// `1` and `0` in turn.
        case bit
    }

    /// What a saying is made of that no field tells.
    package struct Saying: Sendable {
        /// How often it was said before.
        package var times = 0
        package var clock: CivilClock?
        /// Unit: ns of the monotonic clock.
        package var time: Int64 = 0

        /// For its size.
        package static let sample = Saying(clock: CivilClock(utcOffset: 0, zone: 0))

        package init(times: Int = 0, clock: CivilClock? = nil, time: Int64 = 0) {
            (self.times, self.clock, self.time) = (times, clock, time)
        }
    }

    package let parts: [Part]

    package init(literal: [UInt8]) { parts = [.literal(literal)] }

    /// Reads `10 02 {count:byte} 7F`: hexadecimal pairs with holes.
    package init(hex text: String) throws(Template.Fault) {
        var parts: [Part] = []
        for token in try Template.tokens(Array(text.utf8)) {
            switch token {
            case .literal(let pairs):
                guard let bytes = VectorFile.hex(String(decoding: pairs, as: UTF8.self)).bytes else {
                    throw Template.Fault(message: "expected hexadecimal pairs such as 01 81 1F")
                }
                parts.append(.literal(bytes))
            case .hole(let inside): parts.append(try Self.part(inside))
            }
        }
        self.parts = parts
    }

    /// Reads `REMOTE_CTRL^ENABLED^{crc16-ccitt-false(serial):hex}`.
    package init(_ text: String) throws(Template.Fault) {
        var parts: [Part] = []
        for token in try Template.tokens(Array(text.utf8)) {
            switch token {
            case .literal(let bytes): parts.append(.literal(bytes))
            case .hole(let inside): parts.append(try Self.part(inside))
            }
        }
        self.parts = parts
    }

    private static func part(_ text: String) throws(Template.Fault) -> Part {
        if isName(text[...]) { return .value(text) }
        if text.hasPrefix("count:") {
            switch String(text.dropFirst(6)) {
            case "byte": return .count(.byte)
            case "bit": return .count(.bit)
            case let digits:
                guard let width = Int(digits), (1...9).contains(width) else {
                    throw Template.Fault(
                        message: "“{\(text)}”: a running number has 1 to 9 digits, or is a “byte” or a “bit”")
                }
                return .count(.digits(width))
            }
        }
        if text.hasPrefix("now:") {
            guard let format = TimeFormat(String(text.dropFirst(4))) else {
                throw Template.Fault(
                    message:
                        "“{\(text)}”: expected a time such as YYYYMMDDhhmmss, with year, month, day, hour and minute, "
                        + "or unix"
                )
            }
            return .now(format)
        }
        guard let call = call(text) else {
            throw Template.Fault(message: "“{\(text)}” is neither a {name} nor a {function(name):encoding}")
        }
        guard let algorithm = ChecksumAlgorithm(rawValue: call.function) else {
            let names = ChecksumAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
            throw Template.Fault(message: "“\(call.function)” is not a function; there are \(names)")
        }
        guard let encoding = ChecksumEncoding(rawValue: call.encoding ?? "hex"), encoding != .decimal else {
            throw Template.Fault(
                message:
                    "“\(call.encoding ?? "")” is not an encoding here; there are raw, raw-low-first, hex, hex-lower")
        }
        return .checksum(algorithm, of: call.name, encoding)
    }

    /// Whether it is a letter, and letters, digits and hyphens behind it.
    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

    /// `function(name)` or `function(name):encoding`; `nil` for anything else.
    private static func call(_ text: String) -> (function: String, name: String, encoding: String?)? {
        guard let open = text.utf8.firstIndex(of: UInt8(ascii: "(")),
            let close = text.utf8[open...].firstIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let function = text[..<open]
        let name = text[text.utf8.index(after: open)..<close]
        let rest = text[text.utf8.index(after: close)...]
        let encoding = rest.dropFirst()
        func isWord(_ word: Substring, digits: Bool) -> Bool {
            !word.isEmpty
                && word.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || $0 == 0x2D || digits && (0x30...0x39).contains($0)
                }
        }
        guard isWord(function, digits: true), isName(name),
            rest.isEmpty || rest.utf8.first == UInt8(ascii: ":") && isWord(encoding, digits: false)
        else { return nil }
        return (String(function), String(name), rest.isEmpty ? nil : String(encoding))
    }

    /// The names whose values are needed.
    package var names: [String] {
        parts.compactMap { part in
            switch part {
            case .literal, .count, .now: nil
            case .value(let name), .checksum(_, let name, _): name
            }
        }
    }

    /// The runs of bytes that are always the same: what stands before the first hole, between two, and behind the last.
    var literals: [[UInt8]] {
        var runs: [[UInt8]] = [[]]
        for part in parts {
            if case .literal(let bytes) = part { runs[runs.count - 1] += bytes } else { runs.append([]) }
        }
        return runs
    }

    /// Whether it is always the same.
    var isLiteral: Bool {
        parts.allSatisfy { part in if case .literal = part { true } else { false } }
    }

    /// Whether it is another one each time it is said.
    package var changes: Bool {
        parts.contains { part in
            switch part {
            case .count, .now: true
            case .literal, .value, .checksum: false
            }
        }
    }

    /// The bytes, with each value by its name; `nil` when one is not known, or the time is not.
    package func bytes(_ saying: Saying = Saying(), _ value: (String) -> [UInt8]?) -> [UInt8]? {
        var bytes: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let literal): bytes += literal
            case .count(.byte): bytes.append(UInt8(truncatingIfNeeded: saying.times + 1))
            case .count(.bit): bytes.append(UInt8(ascii: saying.times % 2 == 0 ? "1" : "0"))
            case .count(.digits(let width)):
                let digits = String((saying.times + 1) % (0..<width).reduce(1) { power, _ in power * 10 })
                bytes += [UInt8](repeating: 0x30, count: width - digits.utf8.count) + Array(digits.utf8)
            case .now(let format):
                guard let clock = saying.clock else { return nil }
                bytes += Array(format.text(clock.now(monotonic: saying.time, isUTC: format.isUTC)).utf8)
            case .value(let name):
                guard let known = value(name) else { return nil }
                bytes += known
            case .checksum(let algorithm, let name, let encoding):
                guard let known = value(name) else { return nil }
                let sum = algorithm.compute(known)
                let length = encoding.length(bits: algorithm.bits, digits: 0)
                bytes += (0..<length).map { encoding.byte($0, of: sum, length: length) }
            }
        }
        return bytes
    }

    /// The same with one name already filled in.
    package func filling(_ name: String, with text: [UInt8]) -> SendTemplate {
        SendTemplate(parts: parts.map { $0 == .value(name) ? .literal(text) : $0 })
    }

    private init(parts: [Part]) { self.parts = parts }
}
