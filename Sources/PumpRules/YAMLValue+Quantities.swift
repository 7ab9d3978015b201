import CommandFacts
import PumpControl
import StrictYAML

extension YAMLValue {
    /// A quantity with its unit, such as `12.5 mL/h`: exact, in one form. Says nothing of what it found, which may be
    /// of a patient.
    ///
    /// - Parameter units: UCUM codes that are taken.
    func quantity(_ what: String, in units: [String]) -> (value: ExactQuantity, unit: String)? {
        let example = "such as 12.5 \(units[0])"
        guard let word else {
            error("expected \(what), a number and its unit, \(example)")
            return nil
        }
        let parts = word.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        let value: ExactQuantity
        do throws(ExactQuantity.Fault) { value = try ExactQuantity(parts.first.map(String.init) ?? "") } catch {
            self.error("\(what): \(error.text)")
            return nil
        }
        guard parts.count == 2, units.contains(String(parts[1])) else {
            error("\(what): expected one space and one of the units \(units.joined(separator: ", ")) behind the number")
            return nil
        }
        return (value, String(parts[1]))
    }

    /// The same in the only unit that there is, and not nothing.
    func amount(_ what: String, in unit: String) -> ExactQuantity? {
        guard let value = quantity(what, in: [unit])?.value else { return nil }
        if value.isZero {
            error("\(what): nothing is no amount")
            return nil
        }
        return value
    }

    /// A quantity of a measure, in the unit that it is kept in.
    func quantity(of measure: Measure) -> ExactQuantity? {
        // Only units of which a decimal number is one of the kept unit too.
        let units = measure.units.filter { $0.factor.denominator == 1 }
        guard let (value, unit) = quantity("the \(measure.rawValue)", in: units.map(\.code)),
            let factor = units.first(where: { $0.code == unit })?.factor.numerator
        else { return nil }
        let (product, isTooMuch) = value.mantissa.multipliedReportingOverflow(by: Int64(factor))
        guard !isTooMuch, let kept = ExactQuantity(product, places: value.places) else {
            error("the \(measure.rawValue) has too many digits")
            return nil
        }
        return kept
    }

    /// `{least: 1 mL/h, most: 5 mL/h}`, one of them at least.
    private func bounds(_ what: String, _ bound: (YAMLValue) -> ExactQuantity?) -> Bounds {
        guard let map = mapping(what) else { return Bounds() }
        map.allow(["least", "most"])
        let bounds = Bounds(least: map["least"].flatMap(bound), most: map["most"].flatMap(bound))
        if map["least"] == nil, map["most"] == nil { error("\(what): give “least” or “most”") }
        if let least = bounds.least, let most = bounds.most, least > most {
            error("\(what): the least is above the most")
        }
        return bounds
    }

    /// `{hard: …, soft: …}`, one of them at least.
    func limits(_ what: String, also keys: [String] = [], _ bound: (YAMLValue) -> ExactQuantity?) -> LimitPair {
        guard let map = mapping(what) else { return LimitPair() }
        map.allow(["hard", "soft"] + keys)
        if map["hard"] == nil, map["soft"] == nil { error("\(what): give “hard” or “soft” limits") }
        let pair = LimitPair(
            hard: map["hard"]?.bounds("hard limits of \(what)", bound) ?? Bounds(),
            soft: map["soft"]?.bounds("soft limits of \(what)", bound) ?? Bounds())
        if let hard = pair.hard.most, let soft = pair.soft.most, soft > hard {
            error("\(what): the soft most is above the hard one, and would never be told")
        }
        if let hard = pair.hard.least, let soft = pair.soft.least, soft < hard {
            error("\(what): the soft least is below the hard one, and would never be told")
        }
        return pair
    }

    /// A name that may stand in a configuration, a message or a path.
    func name(_ what: String) -> String? {
        guard let text = text(what) else { return nil }
        guard text.isName else {
            error("expected \(what) of letters, digits, “.”, “_” and “-”, 64 at most")
            return nil
        }
        return text
    }

    /// A list of names, each once.
    func names(_ what: String) -> Set<String> {
        var names: Set<String> = []
        for value in list(what) ?? [] {
            guard let name = value.name(what) else { continue }
            if !names.insert(name).inserted { value.error("this stands twice in the list") }
        }
        return names
    }

    /// A list of words of a closed list, each once.
    func words<Word: RawRepresentable & CaseIterable & Hashable>(_ what: String) -> Set<Word>
    where Word.RawValue == String {
        var words: Set<Word> = []
        for value in list(what) ?? [] {
            guard let word: Word = value.word(what) else { continue }
            if !words.insert(word).inserted { value.error("this stands twice in the list") }
        }
        if isList, entryCount == 0 { error("expected \(what), one at least") }
        return words
    }

    /// A word of a closed list.
    func word<Word: RawRepresentable & CaseIterable>(_ what: String) -> Word? where Word.RawValue == String {
        choice(what, Word.allCases.map { (key: $0.rawValue, value: $0) })
    }
}

extension YAMLMapping {
    /// Reports a key that is missing or says something else than what is possible; then what stands in its place does
    /// not matter, for the file is not taken.
    func required<Value>(_ key: String, _ read: (YAMLValue) -> Value?) -> Value? { required(key).flatMap(read) }

    func flag(_ key: String) -> Bool { self[key]?.bool("“\(key)”") ?? false }

    /// What the file is for.
    var use: RuleUse { required("use") { $0.word("what the file is for") } ?? .training }

    /// The limits by measure.
    func limits(of measures: [Measure] = Measure.allCases) -> [Measure: LimitPair] {
        var limits: [Measure: LimitPair] = [:]
        for measure in measures {
            limits[measure] = self[measure.rawValue]?.limits("the \(measure.rawValue)") { $0.quantity(of: measure) }
        }
        return limits
    }
}

extension String {
    /// Whether it may name something.
    var isName: Bool {
        (1...64).contains(utf8.count)
            && utf8.enumerated().allSatisfy { place, byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: place > 0 && [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte)
                }
            }
    }
}
