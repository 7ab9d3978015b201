import DeviceModel
import DevicePlans
import ProfileLanguage

/// What stands beside a value and decides how far it counts.
extension ValueJudge {
    /// How far a value counts by itself and by what stands beside it.
    func gated(
        _ field: FieldPlan, bytes: [UInt8], start: Int, length: Int, _ moment: Moment
    ) -> (validity: Validity, reason: Reason) {
        let value = values[place(field.index, moment)]
        guard value.validity == .valid, !field.gates.isEmpty else { return (value.validity, value.reason) }
        return gate(of: field, bytes: bytes, start: start, length: length, moment) ?? (.valid, .none)
    }

    /// What the first of the tests that holds makes of a field's values; `nil` where none does.
    func gate(
        of field: FieldPlan, bytes: [UInt8], start: Int, length: Int, _ moment: Moment
    ) -> (validity: Validity, reason: Reason)? {
        for gate in field.gates {
            let holds = holds(gate, bytes: bytes, start: start, length: length, moment)
            if holds == false { continue }
            // What is not known now may be what makes it worthless.
            return holds == nil ? (.invalid, .unknownStatus) : (gate.validity, .deviceStatus)
        }
        return nil
    }

    /// Finds out which states of a message may decide about others: one that does not count itself says nothing.
    ///
    /// All fields of the message have been taken. What a state depends on comes before it.
    mutating func settle(_ fields: [FieldPlan], bytes: [UInt8], start: Int, length: Int, _ moment: Moment) {
        guard gateDepth > 0 else { return }
        for depth in 1...gateDepth {
            for field in fields where field.gateDepth == depth {
                settle(field, bytes: bytes, start: start, length: length, moment)
            }
        }
    }

    /// Finds out whether a state may decide about others; what it depends on has been settled.
    mutating func settle(_ field: FieldPlan, bytes: [UInt8], start: Int, length: Int, _ moment: Moment) {
        let index = place(field.index, moment)
        guard values[index].validity == .valid else { return }
        values[index].isDoubted =
            gated(field, bytes: bytes, start: start, length: length, moment).validity != .valid
    }

    /// Whether the value of another field passes now.
    ///
    /// - Returns: `nil` when that is not known: it did not come, not lately, does not count itself, or it was a text
    ///   that has gone with its message.
    func passes(_ field: Int, _ test: TestPlan, longestAge: Int64, bytes: [UInt8], _ moment: Moment) -> Bool? {
        let value = values[place(field, moment)]
        if value.message != message {
            // What must stand in the same message does not stand in it.
            if longestAge == 0 { return RawValue.passesNothing(test) }
            if value.isText || value.state == .absent || moment.time - value.time > longestAge { return nil }
        }
        if value.isDoubted { return nil }
        let passes = value.passes(test, bytes: bytes)
        // A code that says “no state” is none of the states that were asked for; what the state is, nobody knows.
        let isSentinel = value.state != .absent && value.validity != .valid
        return isSentinel && passes == false ? nil : passes
    }

    /// Whether a value counts less for what stands beside it; `nil` when that is not known.
    private func holds(_ gate: GatePlan, bytes: [UInt8], start: Int, length: Int, _ moment: Moment) -> Bool? {
        switch gate.test {
        case .bytes(let test):
            // What is too short for it does not say it.
            return test.bytes.upperBound < length ? test.holds(in: bytes, from: start, length: length) : nil
        case .field(let index, let test):
            return passes(index, test, longestAge: gate.longestAge, bytes: bytes, moment)
        }
    }

    /// A field that stands in the message more than once: which is meant, nobody knows, but that it is there. What of
    /// them does not count says nothing.
    mutating func present(
        _ field: FieldPlan, bytes: [UInt8], start: Int, length: Int, _ moment: Moment, sink: inout RecordBuffer
    ) {
        let gate = gate(of: field, bytes: bytes, start: start, length: length, moment)
        guard gate?.validity.carriesValue != false else { return }
        for alert in field.alerts {
            switch alert.test {
            case .present, .absent: change(alert, holds: alert.test == .present, moment, sink: &sink)
            case .listed, .bit, .has, .above, .below: continue
            }
        }
    }
}
