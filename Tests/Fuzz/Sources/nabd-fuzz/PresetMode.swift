import DeviceModel
import Nomenclature
import Presets
import StrictYAML

/// Text of a preset, or a shipped one with changed words and lines. What is read keeps every bound that the page of the
/// language tells, and reads the same again.
///
/// A text begins with no byte below 9. Else the input is the preset, how many changes, and the changes.
enum PresetMode {
    private static let names = NomenclatureShelf.names(besides: [Fleet.folder]).nomenclature
    private static let second: Int64 = 1_000_000_000

    private static let editor = Editor(Fleet.presets)

    static func run(_ input: inout Input) {
        let text = text(input.rest())
        Tally.add(Tally.made)
        let found = Diagnostics()
        guard let preset = read(text, found) else { return }
        Tally.add(Tally.loaded)
        if found.hasErrors { broken("a preset that is read has errors: \(found.all)") }
        let again = Diagnostics()
        if read(text, again) != preset || again.all != found.all { broken("a preset that reads otherwise again") }
        check(preset)
    }

    private static func text(_ bytes: [UInt8]) -> String {
        guard let first = bytes.first, first < 9 else { return String(decoding: bytes, as: UTF8.self) }
        var input = Input(bytes)
        var lines = Fleet.presets[Int(input.byte()) % Fleet.presets.count]
        for _ in 0..<(input.byte() % 4) { editor.change(&lines, &input) }
        return Editor.text(lines)
    }

    /// As the file that the preset says it is.
    private static func read(_ text: String, _ diagnostics: Diagnostics) -> Preset? {
        let key = "name: "
        let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
        let path = "fuzz/\(line?.dropFirst(key.count) ?? "fuzz").yaml"
        do throws(InvalidFile) {
            return try Preset.read(path: path, text: text, names: names, diagnostics: diagnostics)
        } catch {
            if error.diagnostics.isEmpty { broken("a preset is refused without a reason") }
            return nil
        }
    }

    private static func check(_ preset: Preset) {
        if !Preset.isHandle(preset.name) { broken("a preset called \(preset.name)") }
        if preset.digest.count != 64 { broken("a digest of \(preset.digest.count) digits") }
        let metrics = preset.vitals.map(\.metric)
        if !(1...24).contains(metrics.count) || Set(metrics).count != metrics.count { broken("its vitals \(metrics)") }
        for vital in preset.vitals where preset.vital(vital.metric) != vital { broken("a vital that is not found") }
        if preset.limits.isEmpty, preset.missing.isEmpty, preset.episodic.isEmpty { broken("it would never alarm") }
        for limits in preset.limits {
            check(limits, isEpisodic: preset.episodicRule(limits.vital.metric) != nil)
        }
        for rule in preset.missing {
            if !(5 * second...600 * second).contains(rule.after) { broken("missed after \(rule.after) ns") }
            if preset.episodicRule(rule.vital.metric) != nil { broken("\(rule.vital.metric) is missed and due") }
            _ = rule.ground.words
        }
        for rule in preset.episodic {
            if !(60 * second...86_400 * second).contains(rule.every) || !(0...rule.every).contains(rule.grace) {
                broken("due every \(rule.every) ns, \(rule.grace) ns later at most")
            }
            if rule.due < rule.every { broken("due before it is due") }
        }
        for companion in preset.companions where preset.episodicRule(companion.vital.metric) == nil {
            broken("\(companion.vital.metric) comes with what has no rule")
        }
        check(preset.scores)
    }

    private static func check(_ limits: Preset.VitalLimits, isEpisodic: Bool) {
        for levels in [limits.low, limits.high] {
            if levels.count > 2 { broken("\(levels.count) limits on one side") }
            for level in levels {
                if LimitValue(level.value.text) != level.value { broken("a limit that is not its text") }
                if !level.value.double.isFinite { broken("a limit without end") }
                if level.hysteresis.thousandths < 0 { broken("a hysteresis below 0") }
                if !(0...120 * second).contains(level.delay) || isEpisodic && level.delay > 0 {
                    broken("a delay of \(level.delay) ns")
                }
                _ = level.ground.words
            }
            if levels.count == 2, levels[1].priority.rank <= levels[0].priority.rank { broken("a worse limit is less") }
        }
        if limits.low.count == 2, limits.low[1].value >= limits.low[0].value { broken("low limits out of order") }
        if limits.high.count == 2, limits.high[1].value <= limits.high[0].value { broken("high limits out of order") }
        guard let low = limits.low.first?.value, let high = limits.high.first?.value else { return }
        if low >= high { broken("no value is within the limits") }
        let lowEnds = limits.low.allSatisfy { $0.value + $0.hysteresis < high }
        let highEnds = limits.high.allSatisfy { $0.value - $0.hysteresis > low }
        if !lowEnds || !highEnds { broken("an alarm that never ends") }
    }

    private static func check(_ scores: [Preset.ScoreRule]) {
        var last = 0
        for rule in scores {
            switch rule.threshold {
            case .total(let total):
                if total <= last || total > 20 { broken("a total of \(total) after \(last)") }
                last = total
            case .part(let part): if !(1...3).contains(part) { broken("a part of \(part)") }
            }
        }
    }
}
