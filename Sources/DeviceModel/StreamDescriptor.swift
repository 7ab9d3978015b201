/// How the value of a sample is stored: always exactly as the device gave it.
package enum ValueForm: Sendable, Hashable {
    /// An integer count; the quantity is `count × scale`.
    case integer(DecimalScale)
    /// The bit pattern of an IEEE 754 single, as the device sent it.
    case float32
    /// The bit pattern of an IEEE 754 double, as the device sent it.
    case float64
    /// UTF-8 text of at most ``SampleRecord/textCapacity`` bytes.
    case text
}

/// How the value of a metric comes about. Source: FHIR R4 value set `metric-category`.
package enum MetricCategory: String, Sendable, CaseIterable {
    case measurement
    case setting
    case calculation
}

/// What a stream's metric was called when it was recorded, so that whoever reads the record needs no table of names.
package struct StreamName: Sendable, Hashable {
    /// The code system, a URI, of a metric without a number.
    package let system: String
    package let category: MetricCategory
    /// What a person reads, in English and in Arabic; `nil` where no Arabic words are known.
    package let display: String
    package let arabicDisplay: String?
    /// The LOINC code of this metric of this kind of device; `nil` where the pair was not checked.
    package let loinc: String?

    package init(system: String, category: MetricCategory, display: String, arabicDisplay: String?, loinc: String?) {
        (self.system, self.category, self.display) = (system, category, display)
        (self.arabicDisplay, self.loinc) = (arabicDisplay, loinc)
    }
}

/// What can be measured: the descriptor of one stream of samples, after IEEE 11073's metric descriptor.
///
/// A stream is one metric of one device (or of one virtual medical device within it). Its samples are numbered without
/// holes.
package struct StreamDescriptor: Sendable, Hashable {
    /// The device's handle in the unit's configuration.
    package let device: String
    /// The virtual medical device within it, such as a rack's pump; `nil` for the device itself.
    package let vmd: String?
    /// The reference identifier of the metric: `MDC_…`, `NABD_…` or a name that the site or the profile declares.
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
    /// `nil` in records of hosts before journal version 4.
    package let name: StreamName?

    package init(
        device: String, vmd: String?, metric: String, code: UInt32?, unit: String?, form: ValueForm, isWaveform: Bool,
        periodNanoseconds: Int64, profile: String, name: StreamName? = nil
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
        self.name = name
    }

    /// The value that `bits` stand for, as JSON: an exact number, or `null` for a float that is not finite.
    package func json(bits: Int64, text: String?) -> JSON {
        switch form {
        case .integer(let scale): return .number(scale.text(of: bits))
        case .float32:
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            return value.isFinite ? .number(DecimalText.plain(value)) : .null
        case .float64:
            let value = Double(bitPattern: UInt64(bitPattern: bits))
            return value.isFinite ? .number(DecimalText.plain(value)) : .null
        case .text: return text.map(JSON.string) ?? .null
        }
    }
}

extension DecimalText {
    /// The shortest decimal that reads back as the same single, without an exponent.
    package static func plain(_ value: Float) -> String { plain(value.description) }

    /// The shortest decimal that reads back as the same double, without an exponent.
    package static func plain(_ value: Double) -> String { plain(value.description) }

    private static func plain(_ text: String) -> String {
        guard let parsed = parse(Array(text.utf8)) else { return text }
        return render(parsed.mantissa, exponent: parsed.exponent)
    }
}
