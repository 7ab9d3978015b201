/// How the value of a sample is stored: always exactly as the device gave it.
package enum ValueForm: Sendable, Hashable {
    /// An integer count; the quantity is `count × scale`.
    case integer(DecimalScale)
    /// The bit pattern of an IEEE 754 single, as the device sent it.
    case float32
    /// UTF-8 text of at most ``SampleRecord/textCapacity`` bytes.
    case text
}

/// What can be measured: the descriptor of one stream of samples, after IEEE 11073's metric descriptor.
///
/// A stream is one metric of one device (or of one virtual medical device within it). Its samples are numbered without holes.
package struct StreamDescriptor: Sendable, Hashable {
    /// The device's handle in the unit's configuration.
    package let device: String
    /// The virtual medical device within it, such as a rack's pump; `nil` for the device itself.
    package let vmd: String?
    /// The reference identifier of the metric, `MDC_…` or `NABD_…`.
    package let metric: String
    /// The 11073 context-free code; `nil` for names of the project's own.
    package let code: UInt32?
    /// The UCUM unit; `nil` for text.
    package let unit: String?
    package let form: ValueForm
    /// Whether the samples are a continuous waveform, timed by the device's own period.
    package let isWaveform: Bool
    /// The time between two samples: exact for a waveform, intended for a numeric. Unit: ns, greater than zero.
    package let periodNanoseconds: Int64
    /// The profile that describes the device, as `vendor/model`.
    package let profile: String

    package init(
        device: String, vmd: String?, metric: String, code: UInt32?, unit: String?, form: ValueForm, isWaveform: Bool,
        periodNanoseconds: Int64, profile: String
    ) {
        precondition(periodNanoseconds > 0, "a stream has a period")
        self.device = device
        self.vmd = vmd
        self.metric = metric
        self.code = code
        self.unit = unit
        self.form = form
        self.isWaveform = isWaveform
        self.periodNanoseconds = periodNanoseconds
        self.profile = profile
    }

    /// The value that `bits` stand for, as JSON: an exact number, or `null` for a float that is not finite.
    package func json(bits: Int64, text: String?) -> JSON {
        switch form {
        case .integer(let scale): return .number(scale.text(of: bits))
        case .float32:
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            return value.isFinite ? .number(DecimalText.plain(value)) : .null
        case .text: return text.map(JSON.string) ?? .null
        }
    }
}

extension DecimalText {
    /// The shortest decimal that reads back as the same single, without an exponent.
    package static func plain(_ value: Float) -> String {
        let text = value.description
        guard let parsed = parse(Array(text.utf8)) else { return text }
        return render(parsed.mantissa, exponent: parsed.exponent)
    }
}
