import DeviceModel

/// Numbers of 32-bit floating point as decimal text and back, exactly or not at all.
package enum ExactFloat {
    /// The number that a decimal `mantissa × 10^exponent` is; `nil` where no float is exactly that.
    package static func float(_ mantissa: Int64, exponent: Int) -> Float? {
        var (count, power) = (mantissa, exponent)
        while power < 0, count % 10 == 0, count != 0 { (count, power) = (count / 10, power + 1) }
        if count == 0 { return 0 }
        var halvings = 0
        while power < 0 {
            // A tenth is a fifth of a half: the fifths must go, the halves are the float's own.
            guard count % 5 == 0 else { return nil }
            (count, power, halvings) = (count / 5, power + 1, halvings + 1)
        }
        while power > 0 {
            let (grown, isTooLarge) = count.multipliedReportingOverflow(by: 10)
            if isTooLarge { return nil }
            (count, power) = (grown, power - 1)
        }
        return Float(exactly: count).map { Float(sign: .plus, exponent: -halvings, significand: $0) }
    }

    /// The decimal text of a float, without superfluous zeros; `nil` of what is no number, of a negative zero, and
    /// where 18 digits do not hold it.
    package static func text(ofBits bits: UInt32) -> String? {
        let float = Float(bitPattern: bits)
        guard float.isFinite, float.sign == .plus || float != 0 else { return nil }
        if float == 0 { return "0" }
        let isSubnormal = float.exponentBitPattern == 0
        var mantissa = Int64(float.significandBitPattern) | (isSubnormal ? 0 : 1 << 23)
        var power = Int(isSubnormal ? 1 : float.exponentBitPattern) - 150
        while mantissa % 2 == 0 { (mantissa, power) = (mantissa / 2, power + 1) }
        guard (-18...38).contains(power) else { return nil }
        let factor: Int64 = power < 0 ? 5 : 2
        for _ in 0..<abs(power) {
            let (grown, isTooLarge) = mantissa.multipliedReportingOverflow(by: factor)
            if isTooLarge { return nil }
            mantissa = grown
        }
        return DecimalText.render(float.sign == .minus ? -mantissa : mantissa, exponent: min(0, power))
    }
}

/// What is written into coils and registers.
extension FieldDescription {
    /// Why a number cannot be written.
    package struct Unwritable: Error, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }

    /// Why nothing can be written where the field is; `nil` where something can.
    var writeFault: String? {
        guard case .registers(let source) = place else { return "“\(name)” is no register" }
        switch source.space {
        case .holding, .coil: break
        case .input, .discrete, .identification:
            return "“\(name)” can only be read: coils and holding registers can be written"
        }
        if source.bits != nil || !source.parts.isEmpty {
            return "“\(name)” is a part of its registers: a write changes them whole, and what else is in them"
        }
        switch type {
        case .bits, .float32: return nil
        default:
            return "“\(name)” is of a type that is not written; whole numbers, float32 and coils are"
        }
    }

    /// A number as its registers hold it, the first register first; of a coil 0 or 1.
    ///
    /// - Parameter text: a decimal number, as it is sent: in counts of its scale. Nothing is rounded: what the
    ///   registers cannot hold exactly is refused.
    package func words(_ text: String) throws(Unwritable) -> [UInt16] {
        guard let parsed = DecimalText.parse(Array(text.utf8)) else { throw Unwritable("“\(text)” is no number") }
        if case .float32 = type {
            guard let float = ExactFloat.float(parsed.mantissa, exponent: parsed.exponent) else {
                throw Unwritable("no float32 is exactly \(text), and none that is only near it is written")
            }
            return words(UInt64(float.bitPattern))
        }
        guard let number = try? DecimalText.counts(Array(text.utf8), 0..<text.utf8.count, places: 0) else {
            throw Unwritable("“\(name)” holds whole numbers, and \(text) is none")
        }
        do throws(ValueCode.Refusal) { return try words(ValueCode("\(number)", at: location)) } catch {
            throw Unwritable(error.why)
        }
    }

    /// A value as it stands in a profile: a decimal number, or the bits as `0x…`.
    func words(_ code: ValueCode) throws(ValueCode.Refusal) -> [UInt16] {
        switch try code.plan(for: self) {
        case .number(let number): return words(UInt64(bitPattern: number))
        case .unreadable(let bits): return words(UInt64(bitPattern: bits))
        case .float(let float):
            let isBits = code.text.hasPrefix("0x") || code.text.hasPrefix("0X")
            let parsed = DecimalText.parse(Array(code.text.utf8))
            let exact = parsed.flatMap { ExactFloat.float($0.mantissa, exponent: $0.exponent) }
            guard isBits || exact == float else { throw ValueCode.Refusal("no float32 is exactly \(code.text)") }
            return words(UInt64(float.bitPattern))
        case .double, .notANumber, .notADouble, .written, .text:
            throw ValueCode.Refusal("“\(code.text)” is not written into a register")
        }
    }

    /// The lowest bits of `bits` in the field's registers.
    private func words(_ bits: UInt64) -> [UInt16] {
        guard case .registers(let source) = place else { return [] }
        var words = (0..<source.registers).map { UInt16(truncatingIfNeeded: bits >> UInt64(16 * $0)) }
        if !source.lowWordFirst { words.reverse() }
        return source.lowByteFirst ? words.map(\.byteSwapped) : words
    }
}
