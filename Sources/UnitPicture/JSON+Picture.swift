import DeviceModel

extension JSON {
    /// The longest text of a picture. Unit: Unicode scalars.
    private static let longest = 400

    /// A text that a screen shows, which may be of any device or file; `null` for none.
    static func shown(_ text: String?) -> JSON {
        guard let text else { return .null }
        if text.utf8.count <= longest { return .string(text) }
        return .string(String(String.UnicodeScalarView(text.unicodeScalars.prefix(longest))))
    }

    /// - Parameter nanoseconds: of the monotonic clock, or a duration; to the microsecond.
    static func milliseconds(_ nanoseconds: Int64) -> JSON {
        .number(DecimalText.render(nanoseconds / 1000, exponent: -3))
    }

    /// - Parameter nanoseconds: since 1970. To the millisecond.
    static func utc(_ nanoseconds: Int64) -> JSON {
        .integer(nanoseconds / 1_000_000 - (nanoseconds % 1_000_000 < 0 ? 1 : 0))
    }
}
