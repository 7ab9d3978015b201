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
            if !isNegative, let positive = negative.positive {
                // Garbled or empty, it may have been either sign.
                guard passes(negative.field, positive, longestAge: 0, bytes: bytes, moment) == true else {
                    return .failure(Unknown(why: .unknownStatus))
                }
            }
            if isNegative {
                let (turned, overflow) = Int64(0).subtractingReportingOverflow(total)
                (total, isTooLarge) = (turned, isTooLarge || overflow)
            }
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
        if value.state == .wide {
            // All its bits are known, and no record holds them as a number.
            if validity.carriesValue { (validity, reason) = (.overflow, .implausible) }
            return number &+ target.offset
        }
        if let terms = target.terms, validity.carriesValue {
            switch total(of: number, terms, bytes, moment) {
            case .success(let sum): number = sum
            case .failure(let unknown): (validity, reason) = (.invalid, unknown.why)
            }
        }
        switch field.reading {
        case .float32:
            let quantity = Double(Float(bitPattern: UInt32(truncatingIfNeeded: number)))
            judge(quantity, target, stream: Int(stream(target, moment)), moment, &validity, &reason)
        case .float64:
            let quantity = Double(bitPattern: UInt64(bitPattern: number))
            judge(quantity, target, stream: Int(stream(target, moment)), moment, &validity, &reason)
        default:
            let counted = number
            let (sum, overflow) = number.addingReportingOverflow(target.offset)
            if overflow { (validity, reason) = (.invalid, .implausible) } else { number = sum }
            guard validity == .valid || validity == .questionable else { return number }
            judge(
                isPossible: target.absolute.contains(number), isPlausible: target.plausible.contains(number),
                &validity, &reason)
            if case .counts(let limit, let wrap)? = target.jump {
                judgeChange(to: counted, &validity, &reason, stream: Int(stream(target, moment)), moment) {
                    Self.change(from: $0, to: counted, wrapsAt: wrap) > limit
                }
            }
        }
        return number
    }

    /// How far a float counts.
    private mutating func judge(
        _ quantity: Double, _ target: TargetPlan, stream: Int, _ moment: Moment, _ validity: inout Validity,
        _ reason: inout Reason
    ) {
        if !quantity.isFinite, validity.carriesValue { (validity, reason) = (.invalid, .notANumber) }
        guard validity == .valid || validity == .questionable else { return }
        judge(
            isPossible: target.absolute.contains(quantity), isPlausible: target.plausible.contains(quantity),
            &validity, &reason)
        if case .float(let limit)? = target.jump {
            judgeChange(to: Int64(bitPattern: quantity.bitPattern), &validity, &reason, stream: stream, moment) {
                abs(quantity - Double(bitPattern: UInt64(bitPattern: $0))) > limit
            }
        }
    }

    private func judge(
        isPossible: Bool, isPlausible: Bool, _ validity: inout Validity, _ reason: inout Reason
    ) {
        if !isPossible {
            (validity, reason) = (.invalid, .implausible)
        } else if !isPlausible {
            (validity, reason) = (.questionable, .implausible)
        }
    }

    /// A change that cannot be is told; which of the two values is wrong is not known, and none is smoothed.
    ///
    /// - Parameters:
    ///   - number: what the next value is compared with.
    ///   - isTooFar: whether it cannot have come from this one.
    private mutating func judgeChange(
        to number: Int64, _ validity: inout Validity, _ reason: inout Reason, stream: Int, _ moment: Moment,
        isTooFar: (Int64) -> Bool
    ) {
        guard validity == .valid || validity == .questionable else { return }
        let last = lastNumbers[stream]
        lastNumbers[stream] = (number, moment.time)
        guard validity == .valid, let last, moment.time - last.time <= comparable[stream], isTooFar(last.number)
        else { return }
        (validity, reason) = (.questionable, .jump)
    }

    /// How far a number is from the one before. A counter that has begun at 0 again has gone on: where it is smaller
    /// now, and both are numbers that the counter has.
    private static func change(from last: Int64, to number: Int64, wrapsAt wrap: Int128?) -> Int128 {
        let change = Int128(number) - Int128(last)
        if let wrap, change < 0, number >= 0, Int128(last) < wrap { return change + wrap }
        return change < 0 ? -change : change
    }
}
