import DeviceModel
import StrictYAML

/// How the numbers of a metric come about, and what they are compared with: exactly, or it is refused.
extension ProfileReader {
    // MARK: Numbers of several fields

    /// What else of the message the number is made of.
    func terms(_ map: YAMLMapping, of field: FieldDescription) -> MetricDescription.Terms? {
        guard map["negative-when"] != nil || map["plus"] != nil || map["exponent"] != nil else { return nil }
        var terms = MetricDescription.Terms()
        terms.negativeWhen = map["negative-when"].flatMap { sign($0, of: field) }
        terms.plus = (map["plus"]?.list("fields that are added") ?? []).compactMap { addend($0, to: field) }
        if let part = map["exponent"]?.mapping("the power of ten") {
            part.allow(Grammar.exponent)
            if let value = part.required("field"), let name = value.text("a field's name"), fieldExists(name, value),
                let range = part.required("range"),
                let limits = limits(range)
            {
                if limits.lowerBound < -9 || limits.upperBound > 9 || limits.lowerBound.rounded() != limits.lowerBound
                    || limits.upperBound.rounded() != limits.upperBound
                {
                    range.error("expected two whole numbers from -9 to 9")
                } else {
                    terms.exponent = (name, Int(limits.lowerBound)...Int(limits.upperBound))
                }
            }
        }
        if field.type.isFloat || field.givesText {
            map.value.error("a number that is made of several fields is no float and no text")
        }
        if field.isSeveral {
            map.value.error("several values that follow each other are made of nothing else")
        }
        return terms
    }

    /// A field that is added: one of its numbers is so many of this field's, whatever digits each has after the point.
    private func addend(_ entry: YAMLValue, to field: FieldDescription) -> (field: String, times: Int64)? {
        guard let part = entry.mapping("a field that is added") else { return nil }
        part.allow(Grammar.addend)
        guard let value = part.required("field"), let name = value.text("a field's name"), fieldExists(name, value)
        else { return nil }
        let other = profile.fields.first { $0.name == name }
        let places = (field.type.places ?? 0) - (other?.type.places ?? 0)
        if other?.type.isFloat == true || other?.givesText == true || places < 0 {
            value.error("“\(name)” cannot be added exactly: it is no whole number of “\(field.name)”'s counts")
        }
        var times = part["times"]?.int("how many it counts", Grammar.Bounds.times).map { Int64($0) } ?? 1
        if places > 0 {
            diagnostics.note(
                value.location,
                "one of “\(name)” counts as \(times) of “\(field.name)”, whose digits after the point are its own; "
                    + "until version 0.2.0 it counted as \(times) of its last digit")
        }
        for _ in 0..<max(0, places) { times *= 10 }
        return (name, times)
    }

    /// The sign in a field of its own. A value that is none of the signs makes the number invalid: what is left open
    /// would be a number with a guessed sign.
    private func sign(
        _ value: YAMLValue, of field: FieldDescription
    ) -> (field: String, test: FieldTest, positive: [ValueCode])? {
        guard let map = value.mapping("a condition") else { return nil }
        map.allow(Grammar.sign)
        guard let fieldValue = map.required("field"), let name = fieldValue.text("a field's name"),
            fieldExists(name, fieldValue), let test = test(map),
            let other = profile.fields.first(where: { $0.name == name })
        else { return nil }
        let positive = map["positive"].map(codes) ?? []
        switch test {
        case .isOneOf(let negative):
            if positive.isEmpty, !hasTwoValues(other), !isGuarded(field, by: name, negative) {
                map.value.error(
                    "a value of “\(name)” that is garbled, empty or unknown would be a positive number; until version "
                        + "0.2.0 it was",
                    suggestion: "say which values are the positive ones, such as positive: [N]")
            }
        case .isNoneOf, .has:
            map["positive"]?.error("“positive” belongs to “is”")
            if !hasTwoValues(other) {
                map.value.error(
                    "a value of “\(name)” that is garbled, empty or unknown would have a sign; until version 0.2.0 it "
                        + "had one",
                    suggestion: "say both: is: the negative values, positive: the others")
            }
        case .bit, .present, .absent, .above, .below: map["positive"]?.error("“positive” belongs to “is”")
        }
        return (name, test, positive)
    }

    /// Whether a field is one bit: what is not the one is the other.
    private func hasTwoValues(_ field: FieldDescription) -> Bool { !field.type.isWritten && field.width == 1 }

    /// Whether a number has no value where its sign's field has a value that nobody has named.
    private func isGuarded(_ field: FieldDescription, by sign: String, _ negative: [ValueCode]) -> Bool {
        field.gates.contains { gate in
            guard case .field(sign, .isNoneOf(let known)) = gate.test, !gate.validity.carriesValue else { return false }
            return negative.allSatisfy(known.contains)
        }
    }

    // MARK: Offsets, changes, limits

    func offset(
        _ value: YAMLValue?, scale: DecimalScale, of field: FieldDescription, _ terms: MetricDescription.Terms?
    ) -> DecimalNumber {
        guard let value, let number = exact(value, "the offset"), let offset = DecimalNumber(number) else {
            return .zero
        }
        // A float's is refused where it is checked with its scale.
        if field.type.isFloat { return offset }
        guard offset.exactCounts(of: DeviceProfile.kept(scale, field, terms)) != nil else {
            value.error("the offset is not a whole number of scales, so that the value could not be kept exactly")
            return .zero
        }
        return offset
    }

    func jump(_ value: YAMLValue?) -> Double? {
        guard let value, let number = exact(value, "the largest change") else { return nil }
        if number <= 0 { value.error("the largest change from one value to the next is greater than 0") }
        return number
    }

    /// How many numbers a counter has, as it is read. Told where the field cannot be such a counter.
    func wraps(_ map: YAMLMapping, of field: FieldDescription, _ terms: MetricDescription.Terms?) -> Double? {
        guard let value = map["wraps-at"], let number = exact(value, "how many numbers the counter has") else {
            return nil
        }
        if map["jump"] == nil {
            value.error("“wraps-at” says how a change is counted, and nothing looks at changes: say “jump” as well")
        }
        if field.type.isFloat || terms?.exponent != nil || terms?.negativeWhen != nil {
            value.error("a counter that begins at 0 again is whole numbers of one size and without a sign of its own")
            return nil
        }
        let scale = DecimalScale(multiplier: 1, exponent: -(field.type.places ?? 0))
        guard number > 0, let counts = DecimalNumber(number)?.exactCounts(of: scale) else {
            value.error(
                "expected how many numbers the counter has, as it is read, before “scale”: its greatest and "
                    + "\(scale.text(of: 1)) more, found \(value.word ?? "")")
            return nil
        }
        if let most = greatest(field, terms), Int128(counts) > most + 1 {
            value.error(
                "“\(field.shownName)” is never more than \(most), so that it begins at 0 again at \(most + 1) at "
                    + "the latest")
        }
        return number
    }

    /// The greatest count of a number in bits, with what is added to it; `nil` where its bits do not tell.
    private func greatest(_ field: FieldDescription, _ terms: MetricDescription.Terms?) -> Int128? {
        guard field.hasForm, var sum = field.counts?.upperBound else { return nil }
        for part in terms?.plus ?? [] {
            guard let most = profile.fields.first(where: { $0.name == part.field })?.counts?.upperBound
            else { return nil }
            sum += most * Int128(part.times)
        }
        return sum
    }

    /// A number that is kept as it is written: with more digits than that, a comparison would be with another one.
    func exact(_ value: YAMLValue, _ what: String) -> Double? {
        guard let number = value.number(what) else { return nil }
        guard let word = value.word, let written = DecimalNumber(word), DecimalNumber(number) == written else {
            value.error("\(what) is a number of at most 15 digits: this one could not be held exactly")
            return nil
        }
        return number
    }

    func limits(_ value: YAMLValue?) -> ClosedRange<Double>? {
        guard let value else { return nil }
        guard let ends = value.list("two limits"), ends.count == 2 else {
            value.error("expected two limits such as [-40, 80]")
            return nil
        }
        guard let low = exact(ends[0], "the lower limit"), let high = exact(ends[1], "the upper limit") else {
            return nil
        }
        guard low < high else {
            value.error("the lower limit is not below the upper one")
            return nil
        }
        return low...high
    }
}

extension FieldDescription {
    /// The counts of a number in bits; `nil` of what is written, and of floats.
    var counts: ClosedRange<Int128>? {
        guard (1...64).contains(width) else { return nil }
        switch type {
        case .bits(signed: false): return 0...((1 << Int128(width)) - 1)
        case .bits(signed: true): return -(1 << Int128(width - 1))...((1 << Int128(width - 1)) - 1)
        case .signMagnitude:
            let largest: Int128 = (1 << Int128(width - 1)) - 1
            return -largest...largest
        case .bcd:
            var most: Int128 = 1
            for _ in 0..<(width / 4) { most *= 10 }
            return 0...(most - 1)
        case .float32, .float64, .medicalFloat, .decimal, .degreesMinutes, .sexagesimal, .hex, .text: return nil
        }
    }
}
