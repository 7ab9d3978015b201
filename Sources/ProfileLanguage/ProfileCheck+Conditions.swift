import DeviceModel
import StrictYAML

/// Conditions that hold always or never, by the values that a field can have.
extension ProfileCheck {
    func tell(
        _ verdict: PossibleValues.Verdict, _ what: String, _ field: FieldDescription, _ location: SourceLocation
    ) {
        switch verdict {
        case .some: return
        case .none: diagnostics.error(location, "“\(field.name)” can never be \(what)")
        case .all: diagnostics.error(location, "“\(field.name)” is always \(what)")
        }
    }

    func check(bit: Int, _ field: FieldDescription, _ location: SourceLocation) {
        guard let values = profile.possibleValues(of: field), let bits = values.bits else { return }
        guard bit < bits else {
            return diagnostics.error(location, "“\(field.name)” has \(bits) bits; bit \(bit) is none of them")
        }
        switch values.bit(bit) {
        case .some: return
        case .none: diagnostics.error(location, "bit \(bit) of “\(field.name)” is set in none of its values")
        case .all: diagnostics.error(location, "bit \(bit) of “\(field.name)” is set in each of its values")
        }
    }

    /// Whether a list names each value of a field.
    func checkList(_ test: FieldTest, _ codes: [ValueCode], _ field: FieldDescription, _ location: SourceLocation) {
        guard let values = profile.possibleValues(of: field) else { return }
        let plans = Set(codes.compactMap { try? $0.plan(for: field) })
        guard !codes.isEmpty, values.areAll(plans) else { return }
        let isExpected = if case .isOneOf = test { true } else { false }
        diagnostics.error(
            codes.first?.location ?? location,
            "these are all values of “\(field.name)”: it is \(isExpected ? "always one" : "never another") of them")
    }

    // MARK: Presence

    /// Of an alert: only a record can be there, and then no more.
    func checkPresence(_ test: FieldTest, _ field: FieldDescription, _ location: SourceLocation) {
        switch field.place {
        case .registers, .slices, .hole: tellPresence(test, "“\(field.name)” is in every answer or message", location)
        case .keyed, .record, .attribute: return
        }
    }

    /// Of what decides about another: whether the messages with the other all hold it.
    func checkPresence(_ test: FieldTest, on name: String, of field: FieldDescription, _ location: SourceLocation) {
        guard let other = profile.fields.first(where: { $0.name == name }) else { return }
        switch other.place {
        case .registers: tellPresence(test, "“\(name)” is in every answer", location)
        case .slices, .hole:
            guard Set(scopes(field)).isSubset(of: scopes(other)) else { return }
            tellPresence(test, "“\(name)” is in every message with “\(field.name)”", location)
        case .keyed, .record, .attribute: return
        }
    }

    private func tellPresence(_ test: FieldTest, _ why: String, _ location: SourceLocation) {
        switch test {
        case .present: diagnostics.error(location, "\(why): “present: true” always holds", suggestion: Self.ofValues)
        case .absent: diagnostics.error(location, "\(why): “present: false” never holds", suggestion: Self.ofValues)
        case .isOneOf, .isNoneOf, .bit, .has, .above, .below: return
        }
    }

    private static let ofValues = "ask for a value with “is” or “is-not”; “\"\"” is an empty text"

    // MARK: Messages

    /// A message that comes after one which takes all its frames is never read.
    func checkShadows() {
        for (index, message) in profile.messages.enumerated() {
            let first = profile.messages[..<index].first { takesAll($0, of: message) }
            if let first {
                diagnostics.error(
                    message.location,
                    "“\(message.name)” is never read: each frame that it could be is “\(first.name)” already",
                    suggestion: "put it before “\(first.name)”, or say with “when” or “length” how they differ")
            }
        }
    }

    /// Whether each frame that is a message, is an earlier one.
    private func takesAll(_ earlier: MessageDescription, of message: MessageDescription) -> Bool {
        guard earlier.frame == message.frame, !earlier.isReply, earlier.records?.binary == nil,
            earlier.template == nil || earlier.template == message.template
        else { return false }
        let frame = profile.frames[message.frame]
        let lengths = message.length ?? frame.shortest...max(frame.shortest, frame.longest)
        if let other = earlier.length, !(other.contains(lengths.lowerBound) && other.contains(lengths.upperBound)) {
            return false
        }
        let known = profile.knownBytes(message)
        return earlier.when.allSatisfy { test in
            known.verdict(test) == .all
                && (test.bytes.upperBound < lengths.lowerBound || message.when.contains { $0.bytes == test.bytes })
        }
    }

    // MARK: Heartbeats

    /// What is looked at less often than it must change, is frozen by what nobody looked at.
    func checkHeartbeats() {
        for beat in profile.heartbeats {
            guard let field = profile.fields.first(where: { $0.name == beat.field }), let period = period(of: field),
                beat.within <= period
            else { continue }
            diagnostics.error(
                beat.location,
                "“\(field.shownName)” is read every \(Self.seconds(period)) s: it cannot be seen to change within "
                    + "\(Self.seconds(beat.within)) s",
                suggestion: "read it more often, or say “changes-within: \(Self.seconds(2 * period))s”")
        }
    }

    private static func seconds(_ nanoseconds: Int64) -> String {
        DecimalText.render(nanoseconds, exponent: -9)
    }

    /// How often a field is told; `nil` when nothing says. Unit: ns.
    private func period(of field: FieldDescription) -> Int64? {
        let metrics = profile.metrics.filter { metric in
            metric.field == field.name
                || profile.line.transport == .serial
                    && profile.fields.first { $0.name == metric.field }.map {
                        !Set(scopes($0)).isDisjoint(with: scopes(field))
                    } == true
        }
        if case .registers(let source) = field.place { return metrics.compactMap(\.period).min() ?? source.period }
        return profile.requests(reading: field.name).compactMap(\.period).min() ?? metrics.compactMap(\.period).min()
    }
}

extension DeviceProfile {
    /// What a field can be; `nil` where its own part is wrong, which was told.
    func possibleValues(of field: FieldDescription) -> PossibleValues? {
        field.hasForm ? PossibleValues(field, in: self) : nil
    }
}
