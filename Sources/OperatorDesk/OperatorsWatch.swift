import StrictYAML

/// Follows the file of the operators while the host runs.
///
/// What the file says counts when two looks in a row have found the same: a file that is just being written counts for
/// nothing, and half a file never stands for a whole one.
package struct OperatorsWatch: Sendable {
    /// What the file says.
    package enum Found: Sendable, Hashable {
        /// These may sign in.
        case operators(Operators)
        /// It cannot be believed, with every fault at its place; never with a secret.
        case fault(String)
    }

    private let path: String
    private let least: SecretHash.Cost
    /// What it said when it was told last.
    package private(set) var told: Found
    private var last: Found

    /// - Parameter path: of the file; it is looked at once here.
    package init(path: String) { self.init(path: path, least: .usual) }

    init(path: String, least: SecretHash.Cost) {
        (self.path, self.least) = (path, least)
        told = Self.find(path, least)
        last = told
    }

    /// Looks at the file once more: what it says now. `nil` where that is nothing new, or not sure yet.
    package mutating func look() -> Found? {
        let found = Self.find(path, least)
        defer { last = found }
        guard found == last, found != told else { return nil }
        told = found
        return found
    }

    private static func find(_ path: String, _ least: SecretHash.Cost) -> Found {
        do throws(InvalidFile) { return .operators(try Operators(path: path, least: least)) } catch {
            return .fault(error.description)
        }
    }
}
