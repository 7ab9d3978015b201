#if !Commands
import ProfileLanguage

/// A build without the command path: no plan has a command or a write, for there is no value of these.
package typealias CommandPlan = Never
package typealias ModbusWritePlan = Never

/// What the plan of a profile would have of commands: nothing. What they say stays barred: see ``SerialPlan/barred``.
extension PlanCompiler {
    func steps(_ replies: [Int: [Int]]) -> [RequestPlan] { [] }
    func commands(_ requests: [RequestPlan], messages: [MessagePlan], likeness: Likeness) -> CompiledCommands {
        CompiledCommands()
    }
    func drivenWrites() -> (commands: CompiledCommands, writes: [ModbusWritePlan], reads: [ModbusBlock]) {
        (CompiledCommands(), [], [])
    }
    static func watchedFields(_ profile: DeviceProfile) -> [String] { [] }
}
#endif
