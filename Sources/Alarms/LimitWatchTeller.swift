import DeviceModel
import Presets

/// Makes the conditions of one stream: what is known of it but its values.
struct LimitWatchTeller: Sendable {
    private let words: LimitWatchWords
    let stream: StreamDescriptor
    let value: LimitWatchValue
    let unit: LimitWatchUnit

    init(words: LimitWatchWords, stream: StreamDescriptor, value: LimitWatchValue, unit: LimitWatchUnit) {
        (self.words, self.stream, self.value, self.unit) = (words, stream, value, unit)
    }

    private func key(_ alert: LimitAlert) -> BedCondition.Key {
        BedCondition.Key(
            bed: words.bed.id, device: stream.device, vmd: stream.vmd, metric: words.vital.metric, alert: alert)
    }

    func condition(_ rule: Preset.Level, _ level: Int, _ isLow: Bool, _ since: Int64, _ reading: LimitReading)
        -> BedCondition
    {
        let (text, arabicText) = words.limit(shown(reading.bits ?? 0), rule.value, isLow: isLow)
        return BedCondition(
            key: key(isLow ? .low : .high), priority: rule.priority, level: level, isLatching: rule.isLatching,
            text: text, arabicText: arabicText, since: since)
    }

    func unconfirmed(_ condition: BedCondition, _ isLow: Bool) -> BedCondition {
        var told = condition
        (told.text, told.arabicText) = words.unconfirmed(isLow: isLow)
        return told
    }

    func missing(_ rule: Preset.MissingRule, since: Int64) -> BedCondition {
        let (text, arabicText) = words.missing(after: rule.after)
        return BedCondition(
            key: key(.missing), priority: rule.priority, level: 0, isLatching: rule.isLatching, text: text,
            arabicText: arabicText, since: since)
    }

    /// The value as the device gave it; in the vital's unit, to a hundredth, where the device has another one.
    private func shown(_ bits: Int64) -> String {
        if unit.isSame, case .number(let text) = stream.json(bits: bits, text: nil) { return text }
        guard let number = value.number(bits),
            let hundredths = Int64(exactly: (unit.ofVital(number) * 100).rounded())
        else { return "–" }
        return DecimalText.render(hundredths, exponent: -2)
    }
}
