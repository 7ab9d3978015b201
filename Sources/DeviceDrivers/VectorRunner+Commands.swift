#if Commands
import DeviceModel
import DevicePlans
import ModbusFrames
import ProfileLanguage

/// What a command sends, held against a vector.
extension VectorRunner {
    func checkCommand(_ sends: VectorFile.Sends, _ plan: DevicePlan) -> [String] {
        guard case .command(let name, let step) = sends.what else { return [] }
        guard case .serial(let serial) = plan.protocolPlan else { return checkWrite(sends, of: name) }
        guard let command = profile.commands.first(where: { $0.name == name }), command.steps.indices.contains(step)
        else {
            return ["there is no such step"]
        }
        let (template, frame) = (command.steps[step].send, command.steps[step].frame)
        var failures: [String] = []
        func value(_ name: String) -> [UInt8]? {
            guard let text = sends.values[name] else { return nil }
            guard let argument = command.arguments.first(where: { $0.name == name }) else { return Array(text.utf8) }
            do throws(CommandDescription.Argument.Refusal) {
                return try argument.written(text)
            } catch {
                failures.append(error.description)
                return nil
            }
        }
        guard let sent = serial.bytes(template, frame: frame, saying: .sample, value: value) else {
            return failures + [missing(template)]
        }
        return failures + faults(sent, sends)
    }

    /// A write, as the line carries it: on TCP as its first transaction.
    private func checkWrite(_ sends: VectorFile.Sends, of name: String) -> [String] {
        let plan = profile.compile(handle: profile.name, isDriven: true)
        guard let command = plan.commands.first(where: { $0.name == name }) else {
            return ["the command “\(name)” cannot be carried out"]
        }
        var arguments: [String: [UInt8]] = [:]
        for argument in command.description.arguments {
            guard let text = sends.values[argument.name] else {
                return ["a value it needs is missing: \(argument.name)"]
            }
            do throws(CommandDescription.Argument.Refusal) {
                arguments[argument.name] = try argument.written(text)
            } catch { return [error.description] }
        }
        guard let bytes = plan.effect(of: command, arguments: arguments), let unit = bytes.first else {
            return ["it cannot be made of these values"]
        }
        let request = Array(bytes.dropFirst())
        return faults(
            profile.line.transport == .modbusTCP
                ? TCPFrame.frame(transaction: 1, unit: unit, request) : RTUFrame.frame(unit: unit, request), sends)
    }
}
#endif
