import CommandFacts
import DeviceModel
import Nomenclature
import StrictYAML

/// What a command of a Modbus device must be: one write, of numbers that its registers hold exactly, to a device that
/// answers.
extension ProfileCheck {
    func checkWrites() {
        for command in profile.commands {
            if command.kind == nil {
                diagnostics.error(
                    command.location, "“\(command.name)” has no “kind”: on Modbus nobody could ask for it")
            }
            checkTransmission(command)
            for argument in command.arguments { checkArgument(argument, command) }
        }
    }

    private func checkTransmission(_ command: CommandDescription) {
        for step in command.steps.dropFirst() {
            diagnostics.error(
                step.location,
                "a Modbus command is one transmission; registers that follow each other are written by one “write”")
        }
        guard let write = command.steps.first?.write else { return }
        let fields = write.parts.compactMap { profile.field($0.field) }
        if WriteSpan(write, fields) == nil {
            diagnostics.error(
                write.location,
                "this is no one write: fields that follow each other without a gap, coils by 5 (one) or 15, holding "
                    + "registers by 6 (one) or 16, at most \(RegisterWrite.mostCoils) and "
                    + "\(RegisterWrite.mostRegisters)")
        }
        let units = Set(fields.map { field in profile.unit(ofVMD: vmd(of: field)) })
        if units.contains(0) {
            diagnostics.error(
                write.location, "unit 0 is every device at once, and none answers: nothing is written to it")
        }
        if units.count > 1 {
            diagnostics.error(write.location, "the fields are of different units: one write goes to one device")
        }
    }

    private func vmd(of field: FieldDescription) -> String? {
        guard case .registers(let source) = field.place else { return nil }
        return source.vmd ?? profile.metrics.first { $0.field == field.name }?.vmd
    }

    /// Every quantity within its range, in its steps, must have a number of its own in the register.
    private func checkArgument(_ argument: CommandDescription.Argument, _ command: CommandDescription) {
        let writes = command.steps.compactMap(\.write)
        guard let name = writes.lazy.compactMap({ $0.field(of: argument.name) }).first,
            let field = profile.field(name)
        else {
            return diagnostics.error(argument.location, "“\(argument.name)” is written nowhere")
        }
        if writes.flatMap(\.names).count(where: { $0 == argument.name }) > 1 {
            diagnostics.error(argument.location, "“\(argument.name)” is written twice: one register would do")
        }
        if argument.digits != nil {
            diagnostics.error(argument.location, "“digits” belongs to text; a register has its own range")
        }
        if let fault = fault(of: argument, in: field) { diagnostics.error(argument.location, fault) }
    }

    private func fault(of argument: CommandDescription.Argument, in field: FieldDescription) -> String? {
        if case .float32 = field.type {
            guard argument.scale == .one else {
                return "a float is written in the argument's own unit: leave “scale” out"
            }
            // In multiples of the step's own power of two a float32 is exact up to 24 bits.
            guard let most = argument.range.upperBound.ratio.over(argument.step.ratio),
                isPowerOfTwo(argument.step.ratio.denominator),
                let top = most.times(Ratio(argument.step.ratio.numerator, 1)),
                top <= Ratio(1 << 24, 1)
            else {
                return "a float32 does not hold each multiple of \(argument.step.text(of: 1)) up to "
                    + "\(argument.range.upperBound.text) exactly; steps such as 0.125, 0.25, 0.5 and 1 are held"
            }
            return nil
        }
        guard argument.sentScale.exponent >= 0 || argument.scale != .one else {
            return "“\(field.name)” holds whole numbers: say by “scale” what one of them is worth"
        }
        for bound in [argument.range.lowerBound, argument.range.upperBound] {
            guard let counts = bound.ratio.over(argument.sentScale.ratio) else { continue }
            let text = "\(counts.numerator / counts.denominator)"
            do throws(FieldDescription.Unwritable) { _ = try field.words(text) } catch {
                return "\(bound.text): \(error)"
            }
        }
        return nil
    }

    private func isPowerOfTwo(_ number: Int128) -> Bool { number > 0 && number & (number - 1) == 0 }
}
