import ArgumentParser
import Foundation
import NabdHost
import StrictYAML

/// The unit's configuration, as every command takes it.
struct UnitFile: ParsableArguments {
    /// Where the package puts it.
    static let usual = "/etc/nabd/unit.yaml"
    /// Where the package's configuration has the host tell how it is.
    static let usualSocket = "/run/nabd/status"

    @Option(name: .customLong("config"), help: "The unit's configuration file. (default: \(UnitFile.usual))")
    var given: String?

    var path: String { given ?? Self.usual }
    var isThere: Bool { access(path, F_OK) == 0 || errno != ENOENT }

    /// Reads it; where there is none, ``InvalidFile`` says how to come by one.
    func load(
        diagnostics: Diagnostics = Diagnostics(), faultsCost cost: UnitConfiguration.FaultCost = .everything
    ) throws(InvalidFile) -> UnitConfiguration {
        guard isThere else {
            let place = SourceLocation(file: path, line: 1, column: 1)
            throw InvalidFile(diagnostics: [
                Diagnostic(
                    .error, place, "there is no such file",
                    suggestion: "name the unit's with --config, or begin one with “nabd init > "
                        + "\(given == nil ? "unit.yaml" : path)”")
            ])
        }
        return try UnitConfiguration.load(path, diagnostics: diagnostics, faultsCost: cost)
    }
}
