import DeviceModel

/// How a device writes a time: `YYYYMMDDhhmmss`, `DD/MM/YY hh:mm`, or `unix` for seconds since 1970.
///
/// Years, months, days, hours, minutes and seconds are digits of fixed width; anything else stands as it is. `*` at the
/// end takes what follows. A device says its time without saying where: what it says is the civil time of the unit.
/// `unix` is UTC.
package struct TimeFormat: Sendable, Hashable {
    private enum Part: Hashable {
        case literal(UInt8)
        case year(digits: Int)
        case month
        case day
        case hour
        case minute
        case second
    }

    /// Whether times are UTC, not civil.
    package let isUTC: Bool
    private let parts: [Part]
    private let mayGoOn: Bool

    package init?(_ text: String) {
        if text == "unix" {
            (isUTC, parts, mayGoOn) = (true, [], false)
            return
        }
        var rest = Substring(text)
        mayGoOn = rest.last == "*"
        if mayGoOn { rest.removeLast() }
        var parts: [Part] = []
        let words: KeyValuePairs<String, Part> = [
            "YYYY": .year(digits: 4), "YY": .year(digits: 2), "MM": .month, "DD": .day, "hh": .hour, "mm": .minute,
            "ss": .second,
        ]
        while let first = rest.first {
            if let word = words.first(where: { rest.hasPrefix($0.key) }) {
                parts.append(word.value)
                rest = rest.dropFirst(word.key.count)
            } else {
                guard let byte = first.asciiValue, !first.isLetter || first == "T" || first == "Z" else { return nil }
                parts.append(.literal(byte))
                rest = rest.dropFirst()
            }
        }
        // What has no date or no hour names no moment.
        for needed in [Part.month, .day, .hour, .minute] where parts.count(where: { $0 == needed }) != 1 { return nil }
        guard parts.count(where: { if case .year = $0 { true } else { false } }) == 1,
            parts.count(where: { $0 == .second }) <= 1
        else { return nil }
        self.parts = parts
        isUTC = false
    }

    /// The moment that a text names; `nil` when it names none. Unit: ns since 1970, of civil time or of UTC.
    package func nanoseconds(_ bytes: [UInt8], _ range: Range<Int>) -> Int64? {
        if isUTC {
            guard let seconds = Self.number(bytes, range), !range.isEmpty, seconds < 1 << 33 else { return nil }
            return seconds * 1_000_000_000
        }
        var place = range.lowerBound
        var (year, month, day, hour, minute, second): (Int64, Int64, Int64, Int64, Int64, Int64) = (0, 0, 0, 0, 0, 0)
        func take(_ digits: Int) -> Int64? {
            guard place + digits <= range.upperBound else { return nil }
            defer { place += digits }
            return Self.number(bytes, place..<(place + digits))
        }
        for part in parts {
            switch part {
            case .literal(let byte):
                guard place < range.upperBound, bytes[place] == byte else { return nil }
                place += 1
            case .year(let digits):
                guard let number = take(digits) else { return nil }
                year = digits == 2 ? 2000 + number : number
            case .month: if let number = take(2) { month = number } else { return nil }
            case .day: if let number = take(2) { day = number } else { return nil }
            case .hour: if let number = take(2) { hour = number } else { return nil }
            case .minute: if let number = take(2) { minute = number } else { return nil }
            case .second: if let number = take(2) { second = number } else { return nil }
            }
        }
        guard mayGoOn || place == range.upperBound else { return nil }
        return UTCTime.nanoseconds(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }

    /// A moment as the device writes it, for its player. Unit: ns since 1970.
    package func text(_ nanoseconds: Int64) -> String {
        if isUTC { return String(nanoseconds / 1_000_000_000) }
        let iso = Array(UTCTime.text(nanoseconds: nanoseconds))
        return parts.map { part in
            switch part {
            case .literal(let byte): String(UnicodeScalar(byte))
            case .year(let digits): String(iso[(4 - digits)..<4])
            case .month: String(iso[5..<7])
            case .day: String(iso[8..<10])
            case .hour: String(iso[11..<13])
            case .minute: String(iso[14..<16])
            case .second: String(iso[17..<19])
            }
        }.joined()
    }

    private static func number(_ bytes: [UInt8], _ range: Range<Int>) -> Int64? {
        guard range.count <= 12 else { return nil }
        var value: Int64 = 0
        for place in range {
            guard (0x30...0x39).contains(bytes[place]) else { return nil }
            value = value * 10 + Int64(bytes[place] - 0x30)
        }
        return value
    }
}
