/// A place in a file, as editors count: the first line and the first column are 1.
public struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public var description: String { "\(file):\(line):\(column)" }
}

/// One thing found in a profile, a vector file or a configuration.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    public enum Severity: String, Sendable {
        case error
        case warning
        case note
    }

    public let severity: Severity
    public let location: SourceLocation
    /// What was found and what was expected, in one sentence.
    public let message: String
    /// What to write instead, where that can be told.
    public let suggestion: String?

    public init(_ severity: Severity, _ location: SourceLocation, _ message: String, suggestion: String? = nil) {
        self.severity = severity
        self.location = location
        self.message = message
        self.suggestion = suggestion
    }

    public var description: String {
        "\(location): \(severity.rawValue): \(message)" + (suggestion.map { " — \($0)" } ?? "")
    }
}

/// The findings of one reading. Readers go on after an error, so that an author sees all of them at once.
public final class Diagnostics {
    /// More findings than this are not kept; one broken line should not fill a screen.
    public static let limit = 200

    public private(set) var all: [Diagnostic] = []

    public init() {}

    public var hasErrors: Bool { all.contains { $0.severity == .error } }

    public func report(_ diagnostic: Diagnostic) {
        if all.count < Self.limit, !all.contains(diagnostic) { all.append(diagnostic) }
    }

    func error(_ location: SourceLocation, _ message: String, suggestion: String? = nil) {
        report(Diagnostic(.error, location, message, suggestion: suggestion))
    }

    func warning(_ location: SourceLocation, _ message: String, suggestion: String? = nil) {
        report(Diagnostic(.warning, location, message, suggestion: suggestion))
    }

    func note(_ location: SourceLocation, _ message: String) {
        report(Diagnostic(.note, location, message))
    }
}

/// A file that cannot be used, with every reason.
public struct InvalidFile: Error, CustomStringConvertible {
    public let diagnostics: [Diagnostic]

    public init(diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

    public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
