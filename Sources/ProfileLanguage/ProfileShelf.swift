import Foundation
import StrictYAML

/// The profiles that lie in some folders, by their names.
package enum ProfileShelf {
    /// `vendor/model` of each, sorted.
    package static func names(in folders: [String]) -> [String] {
        func entries(_ path: String) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        }
        let found = folders.flatMap { folder in
            entries(folder).flatMap { vendor in entries("\(folder)/\(vendor)").map { "\(vendor)/\($0)" } }
                .filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)/profile.yaml") }
        }
        return Set(found).sorted()
    }

    /// What may be meant by a name that is not there; `nil` when nothing is near.
    package static func suggest(_ name: String, in folders: [String]) -> String? {
        YAMLValue.suggest(name, among: names(in: folders))
    }
}
