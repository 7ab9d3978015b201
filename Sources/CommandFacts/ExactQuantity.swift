/// A quantity as a person writes it: exact, never rounded, never repaired.
///
/// Source of the form: requirement C-28 (docs/safety/README.md).
package struct ExactQuantity: Sendable, Hashable {
    /// Range: 0…999,999,999,999.
    package let mantissa: Int64
    /// Digits after the point. Range: 0…11.
    package let places: Int

    /// The most digits of a quantity, before and after the point together.
    package static let mostDigits = 12

    /// What is wrong with a text that is no quantity.
    package enum Fault: Error, Sendable, Hashable, CaseIterable {
        case empty
        case sign
        case comma
        case exponent
        case otherDigits
        case otherCharacter
        case twoPoints
        case noDigitBeforePoint
        case noDigitAfterPoint
        case leadingZero
        case trailingZero
        case tooLong

        /// One sentence for whoever entered it.
        package var text: String {
            switch self {
            case .empty: "No number was entered."
            case .sign: "Enter the number without a plus or minus sign."
            case .comma: "Use a point, not a comma."
            case .exponent: "Write the number out in full, without an exponent."
            case .otherDigits: "Use the digits 0 to 9."
            case .otherCharacter: "Only digits and one point are allowed."
            case .twoPoints: "The number has more than one point."
            case .noDigitBeforePoint: "Write a digit before the point, such as 0.5."
            case .noDigitAfterPoint: "Write a digit after the point, or leave the point out."
            case .leadingZero: "Leave out the zero in front."
            case .trailingZero: "Leave out the zero at the end, behind the point."
            case .tooLong: "The number has too many digits."
            }
        }

        /// The same in Arabic.
        package var arabicText: String {
            switch self {
            case .empty: "لم يُدخل أي رقم."
            case .sign: "أدخل الرقم دون إشارة زائد أو ناقص."
            case .comma: "استخدم النقطة لا الفاصلة."
            case .exponent: "اكتب الرقم كاملًا دون أُس."
            case .otherDigits: "استخدم الأرقام من 0 إلى 9."
            case .otherCharacter: "يُسمح بالأرقام وبنقطة واحدة فقط."
            case .twoPoints: "في الرقم أكثر من نقطة."
            case .noDigitBeforePoint: "اكتب رقمًا قبل النقطة، مثل 0.5."
            case .noDigitAfterPoint: "اكتب رقمًا بعد النقطة، أو احذف النقطة."
            case .leadingZero: "احذف الصفر في البداية."
            case .trailingZero: "احذف الصفر في النهاية بعد النقطة."
            case .tooLong: "عدد أرقام الرقم أكبر من المسموح."
            }
        }
    }

    /// Reads `0`, `12`, `0.5`, `12.5`, and nothing else.
    package init(_ text: String) throws(Fault) {
        let bytes = Array(text.utf8)
        if bytes.isEmpty { throw .empty }
        if bytes.count(where: Self.isDigit) > Self.mostDigits { throw .tooLong }
        var mantissa: Int64 = 0
        var places: Int?
        for (place, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                mantissa = mantissa * 10 + Int64(byte - UInt8(ascii: "0"))
                places = places.map { $0 + 1 }
            case UInt8(ascii: "."):
                if places != nil { throw .twoPoints }
                if place == 0 { throw .noDigitBeforePoint }
                places = 0
            case UInt8(ascii: "+"), UInt8(ascii: "-"): throw .sign
            case UInt8(ascii: ","): throw .comma
            case UInt8(ascii: "e"), UInt8(ascii: "E"): throw place == 0 ? .otherCharacter : .exponent
            default: throw text.contains { $0.isWholeNumber && !$0.isASCII } ? .otherDigits : .otherCharacter
            }
        }
        if places == 0 { throw .noDigitAfterPoint }
        if bytes.count > 1, bytes[0] == UInt8(ascii: "0"), bytes[1] != UInt8(ascii: ".") { throw .leadingZero }
        if let places, places > 0, bytes.last == UInt8(ascii: "0") { throw .trailingZero }
        (self.mantissa, self.places) = (mantissa, places ?? 0)
    }

    /// `mantissa × 10^-places` without superfluous zeros; `nil` outside the ranges.
    package init?(_ mantissa: Int64, places: Int) {
        guard mantissa >= 0, (0...18).contains(places) else { return nil }
        var (mantissa, places) = (mantissa, places)
        while places > 0, mantissa % 10 == 0 { (mantissa, places) = (mantissa / 10, places - 1) }
        guard max(String(mantissa).utf8.count, places + 1) <= Self.mostDigits else { return nil }
        (self.mantissa, self.places) = (mantissa, places)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// As it is written: reading it gives the same quantity.
    package var text: String {
        let digits = String(mantissa)
        if places == 0 { return digits }
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.utf8.count)) + digits
        return "\(padded.dropLast(places)).\(padded.suffix(places))"
    }

    package var ratio: Ratio { Ratio(Int128(mantissa), Ratio.powerOfTen(places)) }

    package var isZero: Bool { mantissa == 0 }
}

extension ExactQuantity: Comparable {
    package static func < (left: ExactQuantity, right: ExactQuantity) -> Bool { left.ratio < right.ratio }
}
