import Foundation
import PlainFiles
package import StrictYAML

/// The unit's configuration as it was when it could last be read: for the day on which it cannot. It lies in the
/// service's own folder, which no configuration names.
package struct KeptConfiguration: Sendable {
    /// The configuration's own file.
    private let original: String
    private let copy: String

    /// - Parameter folder: the service's own, as systemd names it in `STATE_DIRECTORY`.
    /// - Returns: `nil` where there is none.
    package init?(of original: String, folder: String? = ProcessInfo.processInfo.environment["STATE_DIRECTORY"]) {
        // Of several folders the first.
        guard let first = folder?.split(separator: ":").first, first.hasPrefix("/") else { return nil }
        (self.original, copy) = (original, "\(first)/unit.yaml.kept")
    }

    /// A larger file is none that was read. Unit: bytes.
    private static let limit = 1 << 20

    /// Keeps what was just read. Without room for it the host runs on.
    package func keep() {
        guard let text = PlainFile.bytes(original, limit: Self.limit), text != PlainFile.bytes(copy, limit: Self.limit)
        else { return }
        let next = "\(copy).next"
        guard FileManager.default.createFile(atPath: next, contents: Data(text), attributes: [.posixPermissions: 0o640])
        else {
            return
        }
        _ = rename(next, copy)
    }

    /// What was kept, as a configuration that is not right: the reason why it is used stands in it.
    ///
    /// - Parameter failure: why the configuration's own file is not used; thrown where nothing is kept that can be.
    package func read(for failure: InvalidFile) throws(InvalidFile) -> UnitConfiguration {
        do throws(InvalidFile) {
            var unit = try UnitConfiguration.load(copy, faultsCost: .itsPart, asCopyOf: original)
            // Where it goes, whether it is a test, and what lets pumps be driven may be what the new file changes:
            // nothing leaves, nothing is pruned undelivered, and no pump is driven.
            let changeable = ["nabd"] + ["uplink", "pumps"].filter { unit.parts[$0] != nil }
            unit.refused += changeable.map { key in
                UnitConfiguration.Refusal(part: .setting(key), reason: failure.description)
            }
            (unit.uplink, unit.pumps, unit.pumpRules) = (nil, nil, nil)
            return unit
        } catch { throw failure }
    }
}
