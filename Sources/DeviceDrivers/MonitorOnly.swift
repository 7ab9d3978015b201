#if !Commands
import DevicePlans
import ProfileLanguage

extension VectorRunner {
    /// A build without the command path has nothing that a vector of a command could be held against.
    func checkCommand(_ sends: VectorFile.Sends, _ plan: DevicePlan) -> [String] { [] }
}
#endif
