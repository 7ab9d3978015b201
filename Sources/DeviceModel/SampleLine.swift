/// Samples as the documented JSON lines: the one form that `decode`, `try`, `journal tail` and `journal export` share.
package enum SampleLine {
    /// One value, its judgement, and the number of its sample within the stream.
    package struct Value: Sendable {
        package let bits: Int64
        package let text: String?
        package let validity: Validity
        package let reason: Reason

        package init(bits: Int64, text: String?, validity: Validity, reason: Reason) {
            self.bits = bits
            self.text = text
            self.validity = validity
            self.reason = reason
        }
    }

    /// The line of one sample, or of a run of waveform samples of one validity.
    ///
    /// - Parameters:
    ///   - values: one value; for a waveform any number, all of the first one's validity and reason.
    ///   - place: the members that say when or where the first sample was: `time` and `monotonicNanoseconds`, or
    ///     `offset`.
    package static func json(
        _ stream: StreamDescriptor, _ values: [Value], firstSequence: Int64, place: KeyValuePairs<String, JSON?>
    ) -> JSON {
        let first = values.first ?? Value(bits: 0, text: nil, validity: .notAvailable, reason: .none)
        let carried = first.validity.carriesValue
        var line = JSON.members([
            "device": .string(stream.device),
            "vmd": stream.vmd.map(JSON.string),
            "metric": .string(stream.metric),
            "code": stream.code.map { .integer($0) },
        ])
        if stream.isWaveform {
            let numbers = values.map { carried ? stream.json(bits: $0.bits, text: nil) : .null }
            line = line.adding(["values": .array(numbers), "periodNanoseconds": .integer(stream.periodNanoseconds)])
        } else {
            line = line.adding(["value": carried ? stream.json(bits: first.bits, text: first.text) : .null])
        }
        return line.adding([
            "unit": stream.unit.map(JSON.string),
            "validity": .string(first.validity.word),
            "reason": first.reason == .none ? nil : .string(first.reason.word),
        ]).adding(place).adding(["sequence": .integer(firstSequence)])
    }
}
