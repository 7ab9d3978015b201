import DeviceModel
import Foundation
import Logging

/// Standard output. What is not to be seen does not reach a terminal.
func print(_ text: String, terminator: String = "\n") { Swift.print(Printable.text(text), terminator: terminator) }

/// Standard error.
func printError(_ text: String) {
    FileHandle.standardError.write(Data("\(Printable.text(Printable.withoutKeys(text)))\n".utf8))
}

/// The log on standard error, an entry a line.
struct PrintableLogHandler: LogHandler {
    private var inner: StreamLogHandler

    init(label: String) { inner = StreamLogHandler.standardError(label: label) }

    var metadata: Logger.Metadata {
        get { inner.metadata }
        set { inner.metadata = newValue }
    }

    var logLevel: Logger.Level {
        get { inner.logLevel }
        set { inner.logLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { inner[metadataKey: key] }
        set { inner[metadataKey: key] = newValue }
    }

    private static func entry(_ text: String) -> String {
        Printable.text(Printable.withoutKeys(text), keepingLines: false)
    }

    func log(event: LogEvent) {
        var clean = event
        clean.message = Logger.Message(stringLiteral: Self.entry("\(event.message)"))
        clean.metadata = event.metadata?.mapValues { .string(Self.entry("\($0)")) }
        inner.log(event: clean)
    }
}
