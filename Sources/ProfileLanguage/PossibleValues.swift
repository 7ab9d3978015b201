import DeviceModel
import Foundation

/// The values that a field can have: what its type, its width, the place where it stands and its own sentinels leave.
/// Every condition on the field is asked of this one set.
struct PossibleValues {
    /// How many of the values that a condition looks at pass it.
    enum Verdict {
        case some
        case none
        case all
    }

    /// What its numbers are, in counts of the field, without the sentinels at either end.
    private enum Numbers {
        /// It is text.
        case none
        case whole(ClosedRange<Int128>)
        case real(ClosedRange<Double>)
        /// Every number means that there is none.
        case nothing
    }

    /// The bits of a number that `bit` looks at; `nil` where the number is not one of bits.
    let bits: Int?
    /// Where its text stands; `nil` of a binary field.
    let room: TextRoom?
    /// Digits behind the point of decimal text.
    private let places: Int?
    private let numbers: Numbers
    /// Every number that is a value, of a field of so few bits that they are counted.
    private let few: [Int64]?
    /// How many values the field tells apart, sentinels and what is no number included; `nil` where nobody counts them.
    private let count: Int?

    /// The most bits of which every number is looked at.
    private static let fewBits = 8

    /// - Parameter field: one that has a form, see ``FieldDescription/hasForm``.
    init(_ field: FieldDescription, in profile: DeviceProfile) {
        room = field.type.isWritten ? TextRoom(field, in: profile) : nil
        places = if case .decimal(let places) = field.type { places } else { nil }
        var sentinels = Set<Int64>()
        for missing in field.missing where !missing.validity.carriesValue {
            switch try? missing.code.plan(for: field) {
            case .number(let number)?, .written(let number, _)?: sentinels.insert(number)
            default: continue
            }
        }
        bits =
            switch field.type {
            case .bits: field.width
            case .hex: 4 * Self.digits(room)
            default: nil
            }
        let all = Self.all(field, room)
        numbers = Self.trimmed(all, by: sentinels)
        if !field.type.isWritten, field.width <= Self.fewBits, case .whole(let range) = all {
            few = range.map { Int64($0) }.filter { !sentinels.contains($0) }
            count = 1 << field.width
        } else {
            (few, count) = (nil, nil)
        }
    }

    // MARK: What the type holds

    private static func digits(_ room: TextRoom?) -> Int { min(15, room?.width ?? 15) }

    private static func all(_ field: FieldDescription, _ room: TextRoom?) -> Numbers {
        if let counts = field.counts { return .whole(counts) }
        switch field.type {
        case .bits, .signMagnitude, .bcd: return .none
        case .float32: return .real(-Double(Float.greatestFiniteMagnitude)...Double(Float.greatestFiniteMagnitude))
        case .float64: return .real(-Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude)
        case .medicalFloat(let places):
            let largest = Int128(MedicalFloat(width: field.width).largestCounts(places: places))
            return .whole(-largest...largest)
        case .decimal(let places): return .whole(decimals(places, room?.width))
        case .degreesMinutes:
            let width = room?.width ?? .max
            // Degrees have one to three digits; a fraction of a minute stands behind a point.
            if width < 5 { return .whole(0...((power(width - 2) - 1) * 10_000_000 + 9_833_333)) }
            return .whole(0...10_000_000_000)
        case .sexagesimal:
            let digits = { (behind: Int) in power(min(6, (room?.width ?? .max) - behind)) - 1 }
            return .whole(0...max(digits(3) * 60 + 59, digits(6) > 0 ? digits(6) * 3600 + 3599 : 0))
        case .hex: return .whole(0...(1 << Int128(4 * digits(room)) - 1))
        case .text: return .none
        }
    }

    /// The numbers of so many characters, in counts of the last place. A number with a power of ten behind it is
    /// expected only where a point and digits have room before it.
    private static func decimals(_ places: Int, _ width: Int?) -> ClosedRange<Int128> {
        let most = Int128(Int64.max)
        guard let width, width < 18 - places, places == 0 || width < 7 else { return -most...most }
        return -((power(width - 1) - 1) * power(places))...((power(width) - 1) * power(places))
    }

    private static func power(_ digits: Int) -> Int128 {
        (0..<max(0, digits)).reduce(1) { product, _ in product * 10 }
    }

    /// Without the sentinels at either end, which pass no limit.
    private static func trimmed(_ all: Numbers, by sentinels: Set<Int64>) -> Numbers {
        guard case .whole(let range) = all else { return all }
        let isSentinel = { (number: Int128) in Int64(exactly: number).map(sentinels.contains) ?? false }
        var (low, high) = (range.lowerBound, range.upperBound)
        while low <= high, isSentinel(high) { high -= 1 }
        while low < high, isSentinel(low) { low += 1 }
        return low <= high ? .whole(low...high) : .nothing
    }

    // MARK: What passes

    /// Whether every value of the field means that there is none.
    var areNone: Bool { if case .nothing = numbers { true } else { few?.isEmpty ?? false } }

    /// Of the numbers.
    func above(_ limit: LimitPlan) -> Verdict {
        func verdict<Number: Comparable>(_ limit: Number, _ range: ClosedRange<Number>) -> Verdict {
            limit >= range.upperBound ? .none : limit < range.lowerBound ? .all : .some
        }
        switch (numbers, limit) {
        case (.whole(let range), .counts(let limit)): return verdict(limit, range)
        case (.real(let range), .float32(let limit)), (.real(let range), .float64(let limit)):
            return verdict(limit, range)
        case (.whole, _), (.real, _), (.none, _), (.nothing, _): return .some
        }
    }

    func below(_ limit: LimitPlan) -> Verdict {
        func verdict<Number: Comparable>(_ limit: Number, _ range: ClosedRange<Number>) -> Verdict {
            limit <= range.lowerBound ? .none : limit > range.upperBound ? .all : .some
        }
        switch (numbers, limit) {
        case (.whole(let range), .counts(let limit)): return verdict(limit, range)
        case (.real(let range), .float32(let limit)), (.real(let range), .float64(let limit)):
            return verdict(limit, range)
        case (.whole, _), (.real, _), (.none, _), (.nothing, _): return .some
        }
    }

    /// Of the numbers.
    ///
    /// - Parameter bit: below ``bits``.
    func bit(_ bit: Int) -> Verdict {
        guard let few else { return .some }
        let set = few.count { $0 >> Int64(bit) & 1 == 1 }
        return set == 0 ? .none : set == few.count ? .all : .some
    }

    /// Whether these are all values, those that mean that there is none as well.
    func areAll(_ codes: Set<CodePlan>) -> Bool { codes.count == count }

    /// A number as nobody can write it shorter.
    private static func shortest(_ counts: Int64, places: Int) -> String {
        let text = DecimalText.render(counts, exponent: -places)
        guard let point = text.firstIndex(of: "."), text[..<point].last == "0", text[..<point].count < 3,
            text[..<point].allSatisfy({ $0 == "0" || $0 == "-" })
        else { return text }
        return "\(text[..<point].dropLast())\(text[point...])"
    }

    /// Why the field can never have a value that its type has; `nil` when it can.
    func fault(_ code: CodePlan, _ text: String, _ name: String) -> String? {
        guard let room else { return nil }
        switch code {
        case .text(let bytes): return room.fault(bytes, text, name)
        case .written(let counts, let bytes):
            let fault = room.fault(bytes, text, name)
            guard fault != nil, let places else { return fault }
            let short = Self.shortest(counts, places: places)
            return room.fault(Array(short.utf8), text, name) == nil ? nil : fault
        case .number(let number): return room.fault(Array(String(number, radix: 16).utf8), text, name)
        case .unreadable, .float, .double, .notANumber, .notADouble: return nil
        }
    }
}
