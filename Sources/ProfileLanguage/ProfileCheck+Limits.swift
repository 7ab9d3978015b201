import DeviceModel
import StrictYAML

/// Limits and tests that would be held against another number than the one that is meant.
extension ProfileCheck {
    func checkLimits() {
        for alert in profile.alerts { checkUnit(of: alert.test, on: alert.field, alert.location) }
        for metric in profile.metrics {
            guard let sign = metric.terms?.negativeWhen else { continue }
            checkUnit(of: sign.test, on: sign.field, metric.location)
        }
        for command in profile.commands {
            for requirement in command.requires {
                checkUnit(of: requirement.test, on: requirement.field, command.location)
            }
        }
        checkSingle()
    }

    /// A limit is a number in one unit, and of one scale: a field that is shown in several has none that a limit could
    /// be in.
    private func checkUnit(of test: FieldTest, on name: String, _ location: SourceLocation) {
        switch test {
        case .above, .below: break
        case .isOneOf, .isNoneOf, .bit, .has, .present, .absent: return
        }
        let metrics = profile.metrics.filter { $0.field == name }
        if let by = metrics.compactMap(\.condition).first {
            diagnostics.error(
                location,
                "the unit of “\(name)” is told by “\(by.field)”: a limit in one unit says nothing of a number in "
                    + "another",
                suggestion: "where one unit is enough, say “unit” without “by”, and “validity-when: {field: "
                    + "\(by.field), is-not: …}” for the others; else give limits of each unit to the beds' presets")
        } else if let first = metrics.first,
            metrics.contains(where: {
                $0.unit != first.unit || $0.scale.text(of: 1) != first.scale.text(of: 1) || $0.offset != first.offset
            })
        {
            diagnostics.error(
                location,
                "“\(name)” is shown by several metrics, each with a unit or a scale of its own: nothing says of which "
                    + "a limit is")
        }
    }

    /// Several values that follow each other cannot decide about another: an alert looks at each of them, and all else
    /// would look at the first.
    private func checkSingle() {
        func check(_ name: String, _ location: SourceLocation) {
            guard let field = profile.field(name), field.isSeveral else { return }
            diagnostics.error(
                location,
                "“\(name)” is several values that follow each other: only an alert looks at each of them; take one of "
                    + "them as a field of its own")
        }
        for field in profile.fields {
            for case .field(let name, _) in field.gates.map(\.test) { check(name, field.location) }
        }
        for metric in profile.metrics {
            for name in metric.terms?.fields ?? [] { check(name, metric.location) }
            if let by = metric.condition?.field { check(by, metric.location) }
            for name in metric.mark?.newWhen ?? [] { check(name, metric.location) }
        }
        for command in profile.commands {
            for name in command.requires.map(\.field) + command.readBack.map(\.field) { check(name, command.location) }
        }
    }
}
