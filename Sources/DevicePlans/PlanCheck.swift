package import ProfileLanguage
package import StrictYAML

/// What the plan of a profile must be, beyond what the profile says in itself: what is read together, and whether the
/// line can carry it.
struct PlanCheck {
    let profile: DeviceProfile
    let diagnostics: Diagnostics
    let commands: DeviceProfile.FaultyCommands

    func run() {
        if profile.line.transport != .serial {
            let compiler = PlanCompiler(profile: profile, handle: "lint", overrides: DeviceOverrides())
            if let fault = compiler.faultOfBundles() { diagnostics.error(fault.field.location, fault.why) }
            checkTextConditions(compiler.blocks())
        }
        if commands == .areErrors {
            for fault in profile.compile(handle: "lint", isDriven: true).faultyCommands {
                diagnostics.error(fault.location, fault.description)
            }
        }
        if !diagnostics.hasErrors { checkLoad() }
    }

    /// A text is gone with the answer it stood in: only a value of the same request can depend on it.
    private func checkTextConditions(_ blocks: [ModbusBlock]) {
        let names = profile.fields.map(\.name)
        for field in profile.fields {
            for gate in field.gates {
                guard case .field(let name, _) = gate.test,
                    profile.fields.first(where: { $0.name == name })?.type == .text
                else { continue }
                let isTogether = blocks.contains { block in
                    let read = block.fields.map { names[$0.index] }
                    return read.contains(name) && read.contains(field.name)
                }
                if !isTogether {
                    diagnostics.error(
                        field.location,
                        "“\(name)” is text of another request; what it says is gone when “\(field.shownName)” is read")
                }
            }
        }
    }

    /// A line that is busier than this has no time left for what goes wrong.
    static let mostLoad = 0.8

    private func checkLoad() {
        guard let load = profile.compile(handle: "lint").lineLoad else { return }
        let percent = Int((load.asked * 100 + load.streamed * 100).rounded())
        if load.asked > 0, load.asked + load.streamed > Self.mostLoad {
            diagnostics.error(
                profile.lineLocation,
                "the line cannot carry this: at these periods the device takes \(percent) % of its time, at most "
                    + "\(Int(Self.mostLoad * 100)) % are allowed",
                suggestion: "read less often, or at a higher baud rate")
        } else if load.streamed > 1 {
            diagnostics.error(
                profile.lineLocation,
                "the device cannot send this much: at these periods it would take \(percent) % of the line's time",
                suggestion: "a period or the baud rate is wrong")
        }
    }
}

extension DeviceProfile {
    /// What it costs that a command of a profile cannot be carried out.
    package enum FaultyCommands: Sendable {
        /// The profile: whoever writes it is told.
        case areErrors
        /// The device's commands: a host goes on reading the device (``DevicePlan/faultyCommands``).
        case areLeft
    }

    /// Reads and checks the profile in a folder (its `profile.yaml`), or a profile file, and the plan that it makes.
    ///
    /// Throws ``InvalidFile`` with every error found. Warnings and notes are left in `diagnostics`.
    package static func load(
        _ path: String, diagnostics: Diagnostics = Diagnostics(), commands: FaultyCommands = .areErrors
    ) throws(InvalidFile) -> DeviceProfile {
        try load(file(path, diagnostics: diagnostics), commands: commands)
    }

    /// Checks a profile that is already read as YAML, and the plan that it makes.
    package static func load(_ file: YAMLFile, commands: FaultyCommands = .areErrors) throws(InvalidFile)
        -> DeviceProfile
    {
        let profile = try read(file)
        PlanCheck(profile: profile, diagnostics: file.diagnostics, commands: commands).run()
        let patterns = CommandShelf.patterns(of: [shelf(ofFile: file.path)])
        profile.refuseCommands(profile.wirePatterns + patterns, file.diagnostics)
        try file.diagnostics.throwErrors()
        return profile
    }
}
