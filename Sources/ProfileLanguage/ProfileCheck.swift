import DeviceModel
import Foundation
import Nomenclature
import StrictYAML

/// What the parts of a profile must be to each other: everything a reader of one part cannot see.
struct ProfileCheck {
    let profile: DeviceProfile
    let diagnostics: Diagnostics

    func run(_ root: YAMLMapping) {
        checkDuplicates()
        checkCodes()
        checkTests()
        checkScales()
        checkLimits()
        checkResults()
        if profile.line.transport == .serial { checkSerial() } else { checkRegisters() }
        checkCommands()
        checkUnusedFields()
        checkPeriods()
        checkHeartbeats()
        if profile.provenance.contains(where: \.unverified) {
            diagnostics.note(root.value.location, "the profile rests on unverified facts; it says so when it runs")
        }
    }

    private func checkDuplicates() {
        var seen: [String: [MetricDescription.Condition?]] = [:]
        for metric in profile.metrics {
            let name = "\(metric.vmd ?? "")/\(metric.name.referenceID)"
            let isApart = (seen[name] ?? []).allSatisfy { other in
                guard let one = metric.condition, let other else { return false }
                return one.field == other.field && Set(one.codes).isDisjoint(with: other.codes)
            }
            if !isApart {
                diagnostics.error(
                    metric.location,
                    "\(metric.name.referenceID) is measured twice by the same device; which one counts would be a guess"
                )
            }
            seen[name, default: []].append(metric.condition)
        }
        var fields: Set<String> = []
        for field in profile.fields where !fields.insert(field.name).inserted {
            diagnostics.error(field.location, "the field “\(field.name)” stands twice")
        }
    }

    // MARK: Serial

    private func checkSerial() {
        for field in profile.fields {
            guard case .hole = field.place else { continue }
            if !profile.messages.contains(where: { $0.holes.contains(field.name) }) {
                diagnostics.error(
                    field.location,
                    "no message and no request's reply names the field “\(field.name)”, so it can never be read")
            }
        }
        for message in profile.messages {
            for hole in message.holes where !MessageDescription.reserved.contains(hole) {
                guard let field = profile.fields.first(where: { $0.name == hole }) else {
                    let names = profile.fields.map(\.name)
                    diagnostics.error(
                        message.location, "there is no field “\(hole)”",
                        suggestion: YAMLValue.suggest(hole, among: names))
                    continue
                }
                if case .hole = field.place { continue }
                diagnostics.error(
                    message.location, "“\(hole)” is a field of bytes or of records; a {hole} is a field of its own")
            }
        }
        checkReplies()
        checkShadows()
        noteLikeness()
        checkOverlaps()
        for frame in profile.frames
        where frame.checksum == nil && !frame.isControl && profile.commands.contains(where: { $0.effect == .effect }) {
            diagnostics.warning(frame.location, "commands travel beside “\(frame.name)”, which has no checksum")
        }
    }

    /// Replies must be told apart by what they say, or nobody knows which question was answered.
    private func checkReplies() {
        for (index, message) in profile.messages.enumerated() {
            let shares = profile.messages.count { $0.frame == message.frame } > 1
            if shares, carriesFields(message), let template = message.template, !Self.isTellable(message, template) {
                diagnostics.error(
                    message.location, "nobody can tell this message from another: some of its text must be fixed")
            }
            let isPolled = profile.requests.contains { $0.reply == index && $0.period != nil }
            guard isPolled else { continue }
            let same = profile.messages[..<index].enumerated().first { other, earlier in
                profile.requests.contains { $0.reply == other && $0.period != nil } && carriesFields(earlier)
                    && carriesFields(message)
                    && profile.couldBeTaken(earlier, for: message)
            }
            if let same {
                diagnostics.error(message.location, "nobody can tell this reply from that of “\(same.element.name)”")
            }
        }
    }

    /// What the host keeps apart by waiting: an answer that could be that of another saying, acknowledgements and
    /// refusals included.
    private func noteLikeness() {
        let replies = profile.messages.enumerated().filter(\.element.isReply)
        for (place, (index, message)) in replies.enumerated() {
            let others = replies[..<place].filter { other, earlier in
                profile.couldBeTaken(earlier, for: message) && !isOneQuestion(other, index)
            }.map { "“\($0.element.name)”" }
            if !others.isEmpty {
                diagnostics.note(
                    message.location,
                    "the answer “\(message.name)” could be that of \(others.joined(separator: ", ")): while one "
                        + "of them may still come, the other is not asked for")
            }
        }
    }

    /// Whether both are steps of commands: at most one command is said at a time.
    private func isOneQuestion(_ one: Int, _ other: Int) -> Bool {
        let said = Set(profile.requests.flatMap { [$0.reply, $0.refusal] }.compactMap { $0 })
        return !said.contains(one) && !said.contains(other)
    }

    /// Without values a reply that is taken for another does no harm.
    private func carriesFields(_ message: MessageDescription) -> Bool {
        profile.fields.contains { profile.holds(message, field: $0.name) }
    }

    private static func isTellable(_ message: MessageDescription, _ template: Template) -> Bool {
        if !message.when.isEmpty || message.records != nil || template.items.count > 1 { return true }
        return template.items.joined().contains { if case .literal(let text) = $0 { !text.isEmpty } else { false } }
    }

    private func checkOverlaps() {
        for (index, field) in profile.fields.enumerated() {
            guard case .slices(let scope, let slices, let count, _) = field.place else { continue }
            for other in profile.fields[..<index] {
                guard case .slices(scope, let others, let otherCount, _) = other.place, count == 1, otherCount == 1
                else { continue }
                if slices.contains(where: { slice in others.contains { overlap(slice, $0) } }) {
                    diagnostics.error(field.location, "the fields “\(other.name)” and “\(field.name)” overlap")
                }
            }
        }
    }

    private func overlap(_ left: FieldDescription.Slice, _ right: FieldDescription.Slice) -> Bool {
        left.frame == right.frame && left.byte == right.byte && left.low < right.low + right.width
            && right.low < left.low + left.width
    }

    // MARK: Registers

    private func checkRegisters() {
        var taken:
            [(
                space: RegisterSource.Space, unit: UInt8, range: ClosedRange<Int>, bits: ClosedRange<Int>,
                field: FieldDescription
            )] = []
        for field in profile.fields {
            guard case .registers(let source) = field.place else { continue }
            let range = source.address...(source.address + source.registers - 1)
            let vmd = source.vmd ?? profile.metrics.first { $0.field == field.name }?.vmd
            let unit = profile.unit(ofVMD: vmd)
            // What is put together may leave registers between its own to others.
            let bits = source.parts.isEmpty ? source.bits ?? 0...63 : 64...64
            if let other = taken.first(where: {
                $0.space == source.space && $0.unit == unit && $0.range.overlaps(range) && $0.bits.overlaps(bits)
            }) {
                diagnostics.error(
                    field.location,
                    "\(field.shownName) and \(other.field.shownName) overlap at register "
                        + "\(max(range.lowerBound, other.range.lowerBound))"
                )
            }
            if profile.line.neverRead.contains(where: { $0.space == source.space && $0.registers.overlaps(range) }) {
                diagnostics.error(
                    field.location, "register \(range.lowerBound) is among those that “never-read” forbids")
            }
            if let longest = profile.line.longestRead, source.registers > longest {
                diagnostics.error(
                    field.location,
                    "the value takes \(source.registers) registers in one read; “longest-read” allows \(longest)")
            }
            taken.append((source.space, unit, range, bits, field))
        }
    }

    // MARK: All

    private func checkUnusedFields() {
        var used = Set(
            profile.metrics.map(\.field) + profile.alerts.map(\.field)
                + profile.metrics.compactMap { $0.condition?.field })
        used.formUnion(
            profile.fields.flatMap { field in
                field.gates.compactMap { if case .field(let name, _) = $0.test { name } else { nil } }
            })
        used.formUnion(
            profile.metrics.compactMap(\.mark).flatMap { $0.newWhen + [$0.takenAt?.field].compactMap { $0 } }
                + profile.heartbeats.map(\.field))
        used.formUnion(profile.metrics.compactMap(\.terms).flatMap(\.fields))
        used.formUnion(profile.requests.flatMap(\.send.names) + profile.session.answers.flatMap(\.send.names))
        for command in profile.commands {
            used.formUnion(
                command.steps.flatMap(\.names) + command.requires.map(\.field) + command.readBack.map(\.field))
        }
        if let field = profile.session.identityField { used.insert(field) }
        if let field = profile.session.controlLost?.field { used.insert(field) }
        for field in profile.fields where !used.contains(field.name) {
            diagnostics.warning(
                field.location, "no metric, alert, request, command or session uses the field “\(field.name)”")
        }
    }

    private func checkPeriods() {
        for metric in profile.metrics where !metric.isEpisodic {
            let polling = profile.requests(reading: metric.field)
            if !polling.isEmpty, metric.period != nil {
                diagnostics.error(metric.location, "the request decides how often this is read; leave “every” out")
            }
            if polling.isEmpty, metric.period == nil {
                diagnostics.error(
                    metric.location,
                    "“\(metric.isWaveform ? "period" : "every")” is missing: how often does a value come?")
            }
            if !polling.isEmpty, polling.allSatisfy({ $0.period == nil }) {
                diagnostics.error(metric.location, "no request that reads this is said again: none has “every”")
            }
        }
        for field in profile.fields {
            guard case .registers(let source) = field.place else { continue }
            let isMeasured = profile.metrics.contains { $0.field == field.name }
            if isMeasured, source.period != nil {
                diagnostics.error(
                    field.location, "the metric decides how often this is read; leave “every” out of the field")
            }
            if !isMeasured, source.period == nil {
                diagnostics.error(field.location, "“every” is missing: no metric says how often this is read")
            }
        }
    }
}
