import Crypto
import DeviceModel
package import Nomenclature
package import StrictYAML

extension Preset {
    /// Reads a preset; what is dubious is reported to `diagnostics` beside it.
    ///
    /// - Parameter names: the metrics and units that it may name.
    /// - Throws: ``InvalidFile`` with every fault at its place.
    package static func load(_ path: String, names: Nomenclature, diagnostics: Diagnostics = Diagnostics())
        throws(InvalidFile) -> Preset
    {
        try read(try YAMLFile(path: path, diagnostics: diagnostics), names: names)
    }

    /// The same of text that is in memory; `path` is what messages call it.
    package static func read(
        path: String, text: String, names: Nomenclature, diagnostics: Diagnostics = Diagnostics()
    ) throws(InvalidFile) -> Preset {
        try read(try YAMLFile(path: path, text: text, diagnostics: diagnostics), names: names)
    }

    private static func read(_ file: YAMLFile, names: Nomenclature) throws(InvalidFile) -> Preset {
        let digest = SHA256.hash(data: file.bytes).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        let preset = PresetReader(names: names, file: file).read(digest: digest)
        try file.diagnostics.throwErrors()
        guard let preset else { throw InvalidFile(diagnostics: file.diagnostics.all) }
        return preset
    }

    /// Whether a text may name a preset or a bed.
    package static func isHandle(_ text: String) -> Bool {
        (1...40).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }
}

/// What stands under `episodic` for a vital sign.
enum EpisodicEntry {
    case rule(Preset.EpisodicRule)
    case companion(Preset.Companion, place: YAMLValue)

    var vital: Preset.Vital {
        switch self {
        case .rule(let rule): rule.vital
        case .companion(let companion, _): companion.vital
        }
    }
}

/// Reads the parts of a preset. Whatever is wrong is reported where it stands, and reading goes on.
struct PresetReader {
    let names: Nomenclature
    let file: YAMLFile

    func read(digest: String) -> Preset? {
        guard let root = file.root.mapping("a preset") else { return nil }
        root.allow(PresetGrammar.preset.names)
        if let kind = root.required("nabd"), kind.word != "preset/1" {
            kind.error("expected “nabd: preset/1”, found \(kind.found)")
        }
        let name = root.required("name").flatMap { readName($0) }
        let title = root.required("title").flatMap { text($0, "a title", PresetGrammar.longestName) }
        let arabicTitle = root.required("title-arabic").flatMap { arabic($0, "a title", PresetGrammar.longestName) }
        let purpose = root.required("for").flatMap { text($0, "whom it is for", PresetGrammar.longestText) }
        let arabicPurpose = root.required("for-arabic").flatMap {
            arabic($0, "whom it is for", PresetGrammar.longestText)
        }
        let review = root.required("reviewed").flatMap(readReview)
        let vitals = root.required("vitals").map(readVitals) ?? []
        let due = entries(root, "episodic", vitals) { readEpisodic($0, $1) }
        let limits = entries(root, "limits", vitals) { vital, value in
            readLimits(vital, value, isEpisodic: due.contains { $0.vital == vital })
        }
        let missing = entries(root, "missing", vitals) { readMissing($0, $1) }
        let scores = root["score"].map(readScores) ?? []
        guard let name, let title, let arabicTitle, let purpose, let arabicPurpose else { return nil }
        let preset = Preset(
            name: name, title: title, arabicTitle: arabicTitle, purpose: purpose, arabicPurpose: arabicPurpose,
            review: review, vitals: vitals, limits: limits, missing: missing,
            episodic: due.compactMap { if case .rule(let rule) = $0 { rule } else { nil } },
            companions: due.compactMap { if case .companion(let other, _) = $0 { other } else { nil } },
            scores: scores, digest: digest)
        checkCompanions(due, root)
        if !file.diagnostics.hasErrors { checkWhole(preset, root) }
        return preset
    }

    // MARK: The head

    private func readName(_ value: YAMLValue) -> String? {
        guard let name = value.text("the preset's name") else { return nil }
        guard Preset.isHandle(name) else {
            value.error("a preset's name is lower-case letters, digits and hyphens, at most 40; found “\(name)”")
            return nil
        }
        let stem = file.path.split(separator: "/").last.map { $0.hasSuffix(".yaml") ? $0.dropLast(5) : $0 }
        if let stem, stem != name { value.error("the file is called “\(stem).yaml”, and the preset “\(name)”") }
        return name
    }

    private func text(_ value: YAMLValue, _ what: String, _ most: Int) -> String? {
        guard let text = value.text(what) else { return nil }
        guard text.count <= most, !text.allSatisfy(\.isWhitespace) else {
            value.error("expected \(what) of 1 to \(most) characters, found \(text.count)")
            return nil
        }
        guard Printable.text(text, keepingLines: false) == text else {
            value.error("expected \(what) in one line of letters, digits and signs")
            return nil
        }
        return text
    }

    private func arabic(_ value: YAMLValue, _ what: String, _ most: Int) -> String? {
        guard let text = text(value, "\(what) in Arabic", most) else { return nil }
        guard text.unicodeScalars.contains(where: { (0x0621...0x064A).contains($0.value) }) else {
            value.error("expected \(what) in Arabic letters, found none")
            return nil
        }
        return text
    }

    private func readReview(_ value: YAMLValue) -> Preset.Review? {
        if value.isNothing { return nil }
        guard let map = value.mapping("who reviewed it") else { return nil }
        map.allow(PresetGrammar.review.names)
        let by = map.required("by").flatMap { text($0, "who reviewed it", PresetGrammar.longestName) }
        let role = map.required("role").flatMap { text($0, "the reviewer's role", PresetGrammar.longestName) }
        let date = map.required("date").flatMap { value -> String? in
            guard let date = value.text("a date") else { return nil }
            if UTCTime.nanoseconds("\(date)T00:00:00Z") == nil {
                value.error("expected a date such as 2026-11-28, found “\(date)”")
            }
            return date
        }
        guard let by, let role, let date else { return nil }
        return Preset.Review(by: by, role: role, date: date)
    }

    private func readVitals(_ value: YAMLValue) -> [Preset.Vital] {
        let entries = value.mapping("the vital signs by metric")?.entries ?? []
        if !(1...PresetGrammar.mostVitals).contains(entries.count), value.isMapping {
            value.error("expected 1 to \(PresetGrammar.mostVitals) vital signs, found \(entries.count)")
        }
        var vitals: [Preset.Vital] = []
        for (key, keyValue, value) in entries.prefix(PresetGrammar.mostVitals) {
            let metric = self.metric(key, keyValue)
            guard let map = value.mapping("a vital sign") else { continue }
            map.allow(PresetGrammar.vital.names)
            let name = map.required("name").flatMap { text($0, "the vital's name", PresetGrammar.longestName) }
            let arabicName = map.required("name-arabic").flatMap {
                arabic($0, "the vital's name", PresetGrammar.longestName)
            }
            let unit = map.required("unit").flatMap { self.unit($0, of: metric) }
            guard let metric, let name, let arabicName, let unit else { continue }
            if vitals.contains(where: { $0.metric == metric.referenceID }) {
                keyValue.error("“\(metric.referenceID)” stands twice: a metric has one vital sign")
            }
            vitals.append(
                Preset.Vital(metric: metric.referenceID, name: name, arabicName: arabicName, unit: unit))
        }
        return vitals
    }

    private func metric(_ name: String, _ keyValue: YAMLValue) -> MetricName? {
        guard let metric = names.metric(name) else {
            keyValue.error(
                "there is no metric “\(name)”: “nabd profile metrics” tells them",
                suggestion: YAMLValue.suggest(name, among: names.metrics.keys.sorted()))
            return nil
        }
        guard !metric.isText else {
            keyValue.error("the values of “\(name)” are words, and no number limits them")
            return nil
        }
        return metric
    }

    private func unit(_ value: YAMLValue, of metric: MetricName?) -> UnitOfMeasure? {
        guard let text = value.text("a UCUM unit") else { return nil }
        guard case .success(let unit) = names.unit(text) else {
            value.error("“\(text)” is no UCUM unit")
            return nil
        }
        if let metric, !names.fits(unit, metric) {
            let fitting = names.units(for: metric).map(\.ucum)
            value.error(
                "“\(metric.referenceID)” is not measured in “\(text)”"
                    + (fitting.isEmpty ? "" : "; it is in \(fitting.joined(separator: ", "))"))
            return nil
        }
        return unit
    }

    // MARK: Rules

    /// The rules under a key, each of a vital sign that is declared, each once.
    private func entries<Rule>(
        _ root: YAMLMapping, _ key: String, _ vitals: [Preset.Vital], _ read: (Preset.Vital, YAMLValue) -> Rule?
    ) -> [Rule] {
        var seen: Set<String> = []
        var rules: [Rule] = []
        for (name, keyValue, value) in root[key]?.mapping("rules by metric")?.entries ?? [] {
            let current = names.metric(name)?.referenceID ?? name
            guard let vital = vitals.first(where: { $0.metric == current }) else {
                // A vital sign that is faulty was told where it stands.
                if root["vitals"]?.member(name) != nil { continue }
                keyValue.error(
                    "“\(name)” does not stand under “vitals”",
                    suggestion: YAMLValue.suggest(name, among: vitals.map(\.metric)))
                continue
            }
            if !seen.insert(current).inserted { keyValue.error("“\(current)” stands twice under “\(key)”") }
            if let rule = read(vital, value) { rules.append(rule) }
        }
        return rules
    }

    private func readLimits(_ vital: Preset.Vital, _ value: YAMLValue, isEpisodic: Bool) -> Preset.VitalLimits? {
        guard let map = value.mapping("the limits of a vital sign") else { return nil }
        map.allow(PresetGrammar.sides.names)
        if map["low"] == nil, map["high"] == nil { value.error("give “low” or “high” limits") }
        let low = readSide(map["low"], vital, .low, isEpisodic: isEpisodic)
        let high = readSide(map["high"], vital, .high, isEpisodic: isEpisodic)
        let limits = Preset.VitalLimits(vital: vital, low: low.map(\.level), high: high.map(\.level))
        checkBand(low: low, high: high)
        return limits
    }

    private func readSide(_ value: YAMLValue?, _ vital: Preset.Vital, _ side: LimitSide, isEpisodic: Bool)
        -> [PlacedLevel]
    {
        guard let value else { return [] }
        let values = value.listOrOne()
        if !(1...PresetGrammar.mostLevels).contains(values.count) {
            value.error("expected one limit or two, found \(values.count)")
        }
        let levels = values.prefix(PresetGrammar.mostLevels).compactMap { readLevel($0, side) }
        checkSide(levels, side)
        for level in levels { checkLevel(level, vital, isEpisodic: isEpisodic) }
        return levels
    }

    private func readLevel(_ value: YAMLValue, _ side: LimitSide) -> PlacedLevel? {
        guard let map = value.mapping("a limit") else { return nil }
        map.allow(PresetGrammar.level.names.filter { $0 != side.other.key })
        let limit = map.required(side.key).flatMap { number($0, "the limit") }
        let priority = readPriority(map)
        let delay = map.required("delay")?.duration("the delay", 0...PresetGrammar.longestDelay)
        let hysteresis = map.required("hysteresis").flatMap { number($0, "the hysteresis") }
        if let hysteresis, hysteresis.thousandths < 0 { map["hysteresis"]?.error("a hysteresis is 0 or more") }
        let isLatching = map["latching"].map { $0.bool("“latching”") ?? true } ?? (priority == .high)
        let ground = readGround(map, PresetGrammar.level)
        guard let limit, let priority, let delay, let hysteresis, let ground else { return nil }
        return PlacedLevel(
            level: Preset.Level(
                value: limit, priority: priority, delay: delay, hysteresis: hysteresis, isLatching: isLatching,
                ground: ground),
            map: map)
    }

    private func number(_ value: YAMLValue, _ what: String) -> LimitValue? {
        guard let text = value.text(what) else { return nil }
        guard let number = LimitValue(text) else {
            value.error(
                "expected \(what) as a number within ±\(LimitValue.most) with at most \(LimitValue.places) places, "
                    + "found “\(text)”")
            return nil
        }
        return number
    }

    private func readPriority(_ map: YAMLMapping) -> AlertPriority? {
        let priority = map.required("priority")?.choice(
            "a priority", AlertPriority.allCases.map { (key: $0.rawValue, value: $0) })
        let harm = map.required("harm")?.choice("a harm", Harm.allCases.map { (key: $0.rawValue, value: $0) })
        let onset = map.required("onset")?.choice("an onset", Onset.allCases.map { (key: $0.rawValue, value: $0) })
        if let priority, let harm, let onset, AlertPriority(harm, onset) != priority {
            map["priority"]?.error(
                "\(harm.rawValue) and \(onset.rawValue) ask for \(AlertPriority(harm, onset).rawValue), and this says "
                    + "\(priority.rawValue)")
        }
        return priority
    }

    /// What the numbers rest on: a source, or the project's word for all of them, or both, each for its keys.
    private func readGround(_ map: YAMLMapping, _ part: PresetGrammar.Part) -> Preset.Ground? {
        let source = map["source"].flatMap { text($0, "a source", PresetGrammar.longestText) }
        switch (map["source"], map["proposed"]) {
        case (nil, nil):
            map.value.error("neither “source” nor “proposed”: say where the numbers come from")
            return nil
        case (.some, nil): return source.map { .source($0, proposed: []) }
        case (nil, .some(let proposed)):
            if proposed.word != "true" {
                proposed.error("without a source all of it is proposed: expected “proposed: true”")
            }
            return .proposed
        case (.some, .some(let proposed)):
            guard proposed.isList else {
                proposed.error("with a source, “proposed” is the list of the keys that it does not speak of")
                return nil
            }
            let known = map.entries.map(\.key).filter { part.names.contains($0) && $0 != "source" && $0 != "proposed" }
            var keys: [String] = []
            for value in proposed.list("keys") ?? [] {
                guard let key = value.choice("a key of this rule", known.map { (key: $0, value: $0) }) else {
                    continue
                }
                if keys.contains(key) { value.error("“\(key)” stands twice in the list") }
                keys.append(key)
            }
            if keys.isEmpty { proposed.error("expected the keys that the source does not speak of, one at least") }
            return source.map { .source($0, proposed: keys) }
        }
    }

    private func readMissing(_ vital: Preset.Vital, _ value: YAMLValue) -> Preset.MissingRule? {
        guard let map = value.mapping("when a vital sign is missed") else { return nil }
        map.allow(PresetGrammar.missingRule.names)
        let expectation = map.required("of")?.choice(
            "of whom it is expected", Preset.Expectation.allCases.map { (key: $0.rawValue, value: $0) })
        let after = map.required("after")?.duration(
            "the time", PresetGrammar.shortestMissing...PresetGrammar.longestMissing)
        let priority = readPriority(map)
        let isLatching = map["latching"].map { $0.bool("“latching”") ?? true } ?? (priority == .high)
        let ground = readGround(map, PresetGrammar.missingRule)
        guard let expectation, let after, let priority, let ground else { return nil }
        return Preset.MissingRule(
            vital: vital, expectation: expectation, after: after, priority: priority, isLatching: isLatching,
            ground: ground)
    }

    private func readEpisodic(_ vital: Preset.Vital, _ value: YAMLValue) -> EpisodicEntry? {
        guard let map = value.mapping("how often a vital sign is due") else { return nil }
        if let with = map["with"] {
            map.allow(PresetGrammar.companion.names)
            guard let name = with.text("the metric with which it comes") else { return nil }
            let current = names.metric(name)?.referenceID ?? name
            return .companion(Preset.Companion(vital: vital, with: current), place: with)
        }
        map.allow(PresetGrammar.episodicRule.names)
        let every = map.required("every")?.duration("the time", PresetGrammar.shortestDue...PresetGrammar.longestDue)
        let grace = map.required("grace")?.duration("the grace", 0...(every ?? PresetGrammar.longestDue))
        let priority = readPriority(map)
        let ground = readGround(map, PresetGrammar.episodicRule)
        guard let every, let grace, let priority, let ground else { return nil }
        return .rule(
            Preset.EpisodicRule(vital: vital, every: every, grace: grace, priority: priority, ground: ground))
    }

    private func readScores(_ value: YAMLValue) -> [Preset.ScoreRule] {
        guard let map = value.mapping("thresholds by score") else { return [] }
        map.allow(Preset.ScoreRule.Score.allCases.map(\.rawValue))
        return Preset.ScoreRule.Score.allCases.flatMap { score -> [Preset.ScoreRule] in
            guard let list = map[score.rawValue], let values = list.list("thresholds") else { return [] }
            if !(1...PresetGrammar.mostThresholds).contains(values.count) {
                list.error("expected 1 to \(PresetGrammar.mostThresholds) thresholds, found \(values.count)")
            }
            let rules = values.prefix(PresetGrammar.mostThresholds).compactMap { value in
                readScore(score, value).map { (rule: $0, value: value) }
            }
            checkScores(rules)
            return rules.map(\.rule)
        }
    }

    private func readScore(_ score: Preset.ScoreRule.Score, _ value: YAMLValue) -> Preset.ScoreRule? {
        guard let map = value.mapping("a threshold") else { return nil }
        map.allow(PresetGrammar.scoreRule.names)
        if (map["total"] == nil) == (map["part"] == nil) { value.error("give either “total” or “part”") }
        typealias Threshold = Preset.ScoreRule.Threshold
        let total = map["total"]?.int("the total", 1...PresetGrammar.highestTotal).map { Threshold.total($0) }
        let part = map["part"]?.int("the part", 1...PresetGrammar.highestPart).map { Threshold.part($0) }
        let priority = readPriority(map)
        let ground = readGround(map, PresetGrammar.scoreRule)
        guard let threshold = total ?? part, let priority, let ground else { return nil }
        return Preset.ScoreRule(score: score, threshold: threshold, priority: priority, ground: ground)
    }
}
