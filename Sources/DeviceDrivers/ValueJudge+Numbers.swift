import DeviceModel
import DevicePlans

/// Numbers: of several fields, within limits, against the one before.
extension ValueJudge {
    private struct Unknown: Error {
        let why: Reason
    }

    /// A number that is made of several fields. What does not stand beside it now, or is no number, makes it none.
    private func total(of number: Int64, _ terms: TermsPlan, _ bytes: [UInt8], _ moment: Moment) -> Result<
        Int64, Unknown
    > {
        func beside(_ field: Int) -> Int64? {
            let value = values[place(field, moment)]
            return value.message == message && value.state == .number && value.validity == .valid && !value.isDoubted
                ? value.number : nil
        }
        var total = number
        var isTooLarge = false
        for part in terms.plus {
            guard let other = beside(part.field) else { return .failure(Unknown(why: .unknownStatus)) }
            let (product, one) = other.multipliedReportingOverflow(by: part.times)
            let (sum, two) = total.addingReportingOverflow(product)
            (total, isTooLarge) = (sum, isTooLarge || one || two)
        }
        if let exponent = terms.exponent {
            guard let power = beside(exponent.field) else { return .failure(Unknown(why: .unknownStatus)) }
            guard let steps = Int(exactly: power), exponent.range.contains(steps) else {
                return .failure(Unknown(why: .malformed))
            }
            for _ in exponent.range.lowerBound..<steps {
                let (product, overflow) = total.multipliedReportingOverflow(by: 10)
                (total, isTooLarge) = (product, isTooLarge || overflow)
            }
        }
        if let negative = terms.negativeWhen {
            guard let isNegative = passes(negative.field, negative.test, longestAge: 0, bytes: bytes, moment) else {
                return .failure(Unknown(why: .unknownStatus))
            }
            if isNegative { total = 0 &- total }
        }
        return isTooLarge ? .failure(Unknown(why: .implausible)) : .success(total)
    }

    /// The number as it is recorded, and how far it counts.
    mutating func judgeNumber(
        _ field: FieldPlan, _ value: RawValue, _ target: TargetPlan, bytes: [UInt8], _ moment: Moment,
        _ validity: inout Validity,
        _ reason: inout Reason
    ) -> Int64 {
        var number = value.number
        if let terms = target.terms, validity.carriesValue {
            switch total(of: number, terms, bytes, moment) {
            case .success(let sum): number = sum
            case .failure(let unknown): (validity, reason) = (.invalid, unknown.why)
            }
        }
        let quantity: Double
        switch field.reading {
        case .float32:
            quantity = Double(Float(bitPattern: UInt32(truncatingIfNeeded: number)))
            if !quantity.isFinite, validity.carriesValue { (validity, reason) = (.invalid, .notANumber) }
        case .float64:
            quantity = Double(bitPattern: UInt64(bitPattern: number))
            if !quantity.isFinite, validity.carriesValue { (validity, reason) = (.invalid, .notANumber) }
        default:
            let (sum, overflow) = number.addingReportingOverflow(target.offset)
            if overflow { (validity, reason) = (.invalid, .implausible) } else { number = sum }
            quantity = Double(number)
        }
        guard validity == .valid || validity == .questionable else { return number }
        if let absolute = target.absolute, !absolute.contains(quantity) {
            (validity, reason) = (.invalid, .implausible)
        } else if let plausible = target.plausible, !plausible.contains(quantity) {
            (validity, reason) = (.questionable, .implausible)
        }
        if let jump = target.jump {
            judgeChange(
                to: quantity, limit: jump, wrapsAt: target.wrapsAt, stream: Int(stream(target, moment)), moment,
                &validity, &reason)
        }
        return number
    }

    /// A change that cannot be is told; which of the two values is wrong is not known, and none is smoothed.
    private mutating func judgeChange(
        to quantity: Double, limit: Double, wrapsAt: Double?, stream: Int, _ moment: Moment, _ validity: inout Validity,
        _ reason: inout Reason
    ) {
        guard validity == .valid || validity == .questionable else { return }
        let last = lastNumbers[stream]
        lastNumbers[stream] = (quantity, moment.time)
        guard validity == .valid, moment.time - last.time <= comparable[stream] else { return }
        var change = abs(quantity - last.number)
        // A counter that has begun at 0 again has gone on.
        if let wrapsAt, quantity < last.number { change = quantity + wrapsAt - last.number }
        guard change > limit else { return }
        (validity, reason) = (.questionable, .jump)
    }
}
