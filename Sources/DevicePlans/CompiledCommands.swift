package import StrictYAML

/// The commands of a device, compiled, and those that cannot be.
package struct CompiledCommands: Sendable {
    /// A command of the profile that cannot be carried out.
    package struct Faulty: Sendable, CustomStringConvertible {
        package let name: String
        /// Where it stands in the profile.
        package let location: SourceLocation
        package let why: String

        package var description: String { "“\(name)” could not be carried out: \(why)" }
    }

    /// What may be carried out. Where one command cannot be, nobody knows what else its author meant otherwise: then
    /// only the stop is left.
    package internal(set) var plans: [CommandPlan] = []
    /// In the order of the profile.
    package internal(set) var faults: [Faulty] = []
}
