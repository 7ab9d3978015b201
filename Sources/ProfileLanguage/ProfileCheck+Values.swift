import DeviceModel
import Foundation
import Nomenclature
import StrictYAML

/// What decides how far values count: tests on other fields, codes, scales, results.
extension ProfileCheck {
    // MARK: Tests on other fields

    /// A value is judged by other fields of its own message only: another message is another moment.
    func checkTests() {
        if let field = GateChain(profile.fields).circle {
            diagnostics.error(
                field.location, "“\(field.shownName)” decides, through what its “validity-when” names, about itself")
        }
        for field in profile.fields {
            for gate in field.gates {
                guard case .field(let name, let test) = gate.test else { continue }
                checkTest(test, on: name, of: field, field.location)
                checkPresence(test, on: name, of: field, field.location)
            }
        }
        for metric in profile.metrics {
            guard let field = profile.fields.first(where: { $0.name == metric.field }), let terms = metric.terms else {
                continue
            }
            if let negative = terms.negativeWhen {
                checkTest(negative.test, on: negative.field, of: field, metric.location)
                if !negative.positive.isEmpty {
                    checkTest(.isOneOf(negative.positive), on: negative.field, of: field, metric.location)
                    checkSigns(negative)
                }
                checkPresence(negative.test, on: negative.field, of: field, metric.location)
            }
            for name in terms.fields { checkTest(.present, on: name, of: field, metric.location) }
        }
        for metric in profile.metrics {
            // A unit is a setting: a number in another message tells it as well. A text there is gone when this one is
            // read.
            guard let condition = metric.condition,
                let field = profile.fields.first(where: { $0.name == metric.field }),
                let by = profile.fields.first(where: { $0.name == condition.field }), by.type.isText
            else { continue }
            checkTest(.isOneOf(condition.codes), on: condition.field, of: field, metric.location)
        }
        for alert in profile.alerts {
            guard let field = profile.fields.first(where: { $0.name == alert.field }) else { continue }
            checkForm(alert.test, field, alert.location)
            checkPresence(alert.test, field, alert.location)
        }
        for command in profile.commands {
            for requirement in command.requires {
                guard let field = profile.fields.first(where: { $0.name == requirement.field }) else { continue }
                checkForm(requirement.test, field, command.location)
            }
        }
    }

    private func checkTest(_ test: FieldTest, on name: String, of field: FieldDescription, _ location: SourceLocation) {
        guard let other = profile.fields.first(where: { $0.name == name }) else {
            return diagnostics.error(
                location, "there is no field “\(name)”",
                suggestion: YAMLValue.suggest(name, among: profile.fields.map(\.name)))
        }
        checkForm(test, other, location)
        guard profile.line.transport == .serial, Set(scopes(field)).isDisjoint(with: scopes(other)) else { return }
        diagnostics.error(
            location, "“\(name)” is in another message than “\(field.name)”: what it says is of another moment")
    }

    private func checkForm(_ test: FieldTest, _ field: FieldDescription, _ location: SourceLocation) {
        check(limit: test, field, location)
        switch test {
        case .isOneOf(let codes), .isNoneOf(let codes):
            check(codes, of: field, areCondition: true)
            checkList(test, codes, field, location)
        case .bit
        where field.type.isFloat || field.type == .bcd || field.type == .signMagnitude || field.type.places != nil:
            diagnostics.error(location, "“\(field.name)” is not a number of bits")
        case .bit where field.type.isText, .above where field.type.isText, .below where field.type.isText:
            diagnostics.error(location, "“\(field.name)” is text; a bit or a limit is of a number")
        case .bit(let bit): check(bit: bit, field, location)
        case .has where !field.type.isWritten:
            diagnostics.error(location, "“\(field.name)” is a number; “has” looks into text")
        case .has(let text):
            if let fault = profile.possibleValues(of: field)?.room?.fault(holding: text, field.name) {
                diagnostics.error(location, fault)
            }
        default: break
        }
    }

    // MARK: Values that can be

    /// A value that a field cannot have says nothing, and nobody would be told.
    func checkCodes() {
        for field in profile.fields {
            check(field.missing.map(\.code), of: field)
            check(field.table.map(\.code), of: field)
            if profile.possibleValues(of: field)?.areNone == true {
                diagnostics.error(
                    field.location,
                    "every value of “\(field.shownName)” means that there is none: leave one that counts")
            }
        }
        for metric in profile.metrics {
            guard let condition = metric.condition, let by = profile.fields.first(where: { $0.name == condition.field })
            else { continue }
            check(condition.known, of: by, areCondition: true)
        }
        for command in profile.commands {
            for requirement in command.requires {
                switch requirement.test {
                case .isOneOf(let codes), .isNoneOf(let codes):
                    check(codes, of: profile.fields.first { $0.name == requirement.field }, areCondition: true)
                case .bit, .has, .present, .absent, .above, .below: continue
                }
            }
            for (name, shows) in command.readBack {
                switch shows {
                case .codes(let codes), .otherThan(let codes):
                    check(codes, of: profile.fields.first { $0.name == name }, areCondition: true)
                case .argument: continue
                }
            }
        }
    }

    /// - Parameter areCondition: whether they are looked for, and not the sentinels or the words of the field itself.
    private func check(_ codes: [ValueCode], of field: FieldDescription?, areCondition: Bool = false) {
        guard let field, let values = profile.possibleValues(of: field) else { return }
        var seen: [CodePlan: String] = [:]
        for code in codes {
            if areCondition, !field.table.contains(where: { $0.code == code }),
                let entry = field.table.first(where: { $0.word == code.text })
            {
                diagnostics.error(
                    code.location, "“\(code.text)” is the word that is recorded, not what the device sends",
                    suggestion: "write \(entry.code.text)")
                continue
            }
            do throws(ValueCode.Refusal) {
                let plan = try code.plan(for: field)
                if let other = seen[plan.value] {
                    diagnostics.error(
                        code.location,
                        other == code.text
                            ? "“\(code.text)” stands twice" : "“\(code.text)” is the same value as “\(other)”")
                }
                seen[plan.value] = code.text
                if let fault = values.fault(plan, code.text, field.name) { diagnostics.error(code.location, fault) }
            } catch {
                diagnostics.error(code.location, error.why, suggestion: error.suggestion)
            }
        }
    }

    /// No value is negative and positive, however it is written.
    private func checkSigns(_ sign: (field: String, test: FieldTest, positive: [ValueCode])) {
        guard case .isOneOf(let negative) = sign.test, let field = profile.field(sign.field), field.hasForm else {
            return
        }
        let values = Set(negative.compactMap { (try? $0.plan(for: field))?.value })
        for code in sign.positive where (try? code.plan(for: field)).map({ values.contains($0.value) }) ?? false {
            diagnostics.error(code.location, "“\(code.text)” would be negative and positive")
        }
    }

    /// A limit that every number of the field passes, or none.
    private func check(limit test: FieldTest, _ field: FieldDescription, _ location: SourceLocation) {
        if profile.metrics.contains(where: { $0.field == field.name && $0.terms != nil }) {
            switch test {
            case .above, .below:
                diagnostics.error(
                    location,
                    "“\(field.name)” is only part of a number; a limit is of the whole: use “plausible” of the metric")
            default: break
            }
        }
        guard let values = profile.possibleValues(of: field) else { return }
        func verdict(_ limit: Double, isUpper: Bool) -> PossibleValues.Verdict {
            let (limit, isAbove) = profile.limit(limit, isUpper: isUpper, on: field.name)
            return isAbove ? values.above(limit) : values.below(limit)
        }
        switch test {
        case .above(let limit): tell(verdict(limit, isUpper: true), "above \(limit)", field, location)
        case .below(let limit): tell(verdict(limit, isUpper: false), "below \(limit)", field, location)
        default: break
        }
    }

    /// What is computed of a number is exact, or refused.
    func checkScales() {
        for metric in profile.metrics {
            if let fault = profile.fault(of: metric.scale, metric) { diagnostics.error(metric.location, fault) }
            guard let field = profile.fields.first(where: { $0.name == metric.field }) else { continue }
            if field.type.isFloat, metric.offset != .zero {
                diagnostics.error(metric.location, "a float is kept as it is sent; leave “offset” out")
            }
        }
    }

    /// What tells one result from another stands beside it; and a message that tells periodic values as well is no mark
    /// by itself.
    func checkResults() {
        for metric in profile.metrics {
            guard let field = profile.fields.first(where: { $0.name == metric.field }) else { continue }
            if metric.mark != nil, !metric.isEpisodic {
                diagnostics.error(metric.location, "“taken-at” and “new-when” belong to results: say “episodic: true”")
            }
            for name in (metric.mark?.newWhen ?? []) + [metric.mark?.takenAt?.field].compactMap({ $0 }) {
                guard let other = profile.fields.first(where: { $0.name == name }), profile.line.transport == .serial
                else { continue }
                if Set(scopes(field)).isDisjoint(with: scopes(other)) {
                    diagnostics.error(
                        metric.location,
                        "“\(name)” is in another message than “\(field.name)”: it tells nothing of this result")
                }
            }
            guard metric.isEpisodic, metric.mark == nil else { continue }
            if profile.line.transport != .serial {
                diagnostics.error(
                    metric.location,
                    "registers are read again and again: “new-when” or “taken-at” must say what tells one "
                        + "\(metric.name.referenceID) from the next",
                    suggestion: "or “new-when: each-message” where each is another")
            } else if let mixed = profile.messages.first(where: { isMixed($0, with: metric) }) {
                diagnostics.error(
                    metric.location,
                    "“\(mixed.name)” tells periodic values as well: “new-when” or “taken-at” must say what tells one "
                        + "\(metric.name.referenceID) from the next"
                )
            }
        }
        for beat in profile.heartbeats where profile.rack != nil && beat.vmd == profile.rack?.name {
            diagnostics.error(
                beat.location, "a heartbeat is of the device or of one virtual device, not of a rack's slots")
        }
    }

    private func isMixed(_ message: MessageDescription, with metric: MetricDescription) -> Bool {
        profile.holds(message, field: metric.field)
            && profile.metrics.contains { !$0.isEpisodic && profile.holds(message, field: $0.field) }
    }

    /// The frames, packets and messages in which a field stands.
    func scopes(_ field: FieldDescription) -> [String] {
        if case .slices(let scope, _, _, _) = field.place { return [scope] }
        return profile.messages.filter { profile.holds($0, field: field.name) }.map(\.name)
    }
}
