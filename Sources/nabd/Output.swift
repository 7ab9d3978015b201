import DeviceModel
import Foundation
import Logging
import RealTime

/// Standard output. What is not to be seen does not reach a terminal.
func print(_ text: String, terminator: String = "\n") { Swift.print(Printable.text(text), terminator: terminator) }

/// Standard error.
func printError(_ text: String) {
    FileHandle.standardError.write(Data("\(Printable.text(Printable.withoutKeys(text)))\n".utf8))
}

/// The log on standard error, an entry a line: when, how grave, the sentence, and what it is about.
struct PrintableLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    private static func clean(_ text: String) -> String {
        Printable.text(Printable.withoutKeys(text), keepingLines: false)
    }

    func log(event: LogEvent) {
        let about = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let figures = about.map { "\($0.key)=\(Self.clean("\($0.value)"))" }.joined(separator: " ")
        let entry =
            "\(UTCTime.text(nanoseconds: WallClock.now())) \(event.level) \(Self.clean("\(event.message)"))"
            + (figures.isEmpty ? "" : " [\(figures)]")
        FileHandle.standardError.write(Data("\(entry)\n".utf8))
    }
}
