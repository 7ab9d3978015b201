import DeviceModel

/// A place in a file, as editors count: the first line and the first column are 1.
package struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
    package let file: String
    package let line: Int
    package let column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String { "\(file):\(line):\(column)" }
}

/// One thing found in a profile, a vector file or a configuration.
package struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    package enum Severity: String, Sendable {
        case error
        case warning
        case note
    }

    package let severity: Severity
    package let location: SourceLocation
    /// What was found and what was expected, in one sentence.
    package let message: String
    /// What to write instead, where that can be told.
    package let suggestion: String?

    package init(_ severity: Severity, _ location: SourceLocation, _ message: String, suggestion: String? = nil) {
        self.severity = severity
        // What is quoted of a file may be a key that stands in the wrong place; so may a path.
        self.location = SourceLocation(
            file: Printable.withoutKeys(location.file), line: location.line, column: location.column)
        self.message = Printable.withoutKeys(message)
        self.suggestion = suggestion.map(Printable.withoutKeys)
    }

    package var description: String {
        "\(location): \(severity.rawValue): \(message)" + (suggestion.map { " — \($0)" } ?? "")
    }
}

/// The findings of one reading. Readers go on after an error, so that an author sees all of them at once.
package final class Diagnostics {
    /// More findings than this are not kept; one broken line should not fill a screen.
    package static let limit = 200

    package private(set) var all: [Diagnostic] = []
    /// How many errors were reported, those that are not kept or stand there already included.
    package private(set) var errors = 0
    package private(set) var lastError: Diagnostic?

    package init() {}

    package var hasErrors: Bool { errors > 0 }

    /// Throws ``InvalidFile`` with the errors, if there are any.
    package func throwErrors() throws(InvalidFile) {
        guard hasErrors else { return }
        throw InvalidFile(diagnostics: all.filter { $0.severity == .error })
    }

    package func report(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error {
            errors += 1
            lastError = diagnostic
        }
        guard !all.contains(diagnostic) else { return }
        if all.count < Self.limit {
            all.append(diagnostic)
        } else if diagnostic.severity == .error, let place = all.lastIndex(where: { $0.severity != .error }) {
            // An error has room before what is less.
            all.remove(at: place)
            all.append(diagnostic)
        }
    }

    package func error(_ location: SourceLocation, _ message: String, suggestion: String? = nil) {
        report(Diagnostic(.error, location, message, suggestion: suggestion))
    }

    package func warning(_ location: SourceLocation, _ message: String, suggestion: String? = nil) {
        report(Diagnostic(.warning, location, message, suggestion: suggestion))
    }

    package func note(_ location: SourceLocation, _ message: String) {
        report(Diagnostic(.note, location, message))
    }
}

/// A file that cannot be used, with every reason.
package struct InvalidFile: Error, CustomStringConvertible {
    package let diagnostics: [Diagnostic]

    package init(diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

    package var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
