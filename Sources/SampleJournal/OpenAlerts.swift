package import DeviceModel
import GRDB

/// The alerts that sessions of a journal began and nobody ended: what a killed host leaves.
package struct OpenAlerts: Sendable {
    /// Older files are not looked at: about 1 GiB of events, read in a few seconds, and only where no host ever settled
    /// its alerts.
    private static let mostFiles = 64

    /// Oldest first.
    package let alerts: [AlertRecord]
    /// Why older events could not be looked at; `nil` when there is nothing more to find.
    package let failure: String?

    /// Reads the events from the newest one back to where a host says that it left no alert open. Never fails: damage
    /// costs only what is damaged.
    package init(directory: String) {
        var fold = Fold()
        do {
            try fold.read(try JournalReader(directory: directory), files: Self.mostFiles)
            failure = nil
        } catch JournalError.notAJournal {
            failure = nil
        } catch {
            failure = "\(error)"
        }
        alerts = fold.open.reversed()
    }

    /// From the newest event to older ones.
    private struct Fold {
        var open: [AlertRecord] = []
        /// Occurrences whose last word is known.
        private var settled: Set<String> = []

        mutating func read(_ reader: JournalReader, files: Int) throws {
            for (file, end) in try reader.open(.events, after: 0).reversed().prefix(files) {
                for event in try Self.turningPoints(of: file, end: end).reversed() {
                    if take(event.recorded) == .isSettled { return }
                }
            }
        }

        private enum Outcome {
            case goesOn
            /// Nothing before this can be open.
            case isSettled
        }

        private mutating func take(_ event: RecordedEvent) -> Outcome {
            switch event {
            case .alertStart(let alert):
                if settled.insert(alert.instance ?? alert.condition).inserted { open.append(alert) }
            case .alertEnd(let alert, _): settled.insert(alert.instance ?? alert.condition)
            case .sessionBoundary(_, leavesNoAlert: true): return .isSettled
            case .sessionBoundary(_, leavesNoAlert: false), .alertUpdate, .alarmSwitch, .bed, .command, .other,
                .unknown:
                break
            }
            return .goesOn
        }

        /// The alerts and the sessions' ends of a file, oldest first.
        private static func turningPoints(of file: JournalReader.OpenFile, end: Int64) throws -> [EventRecord] {
            var events: [EventRecord] = []
            var position: Int64 = 0
            // Where a page is damaged, what stands before it comes first, and what stands behind it next.
            while true {
                let found: [EventRecord] = try JournalReader.readable(file, after: position, end: end) {
                    db, start, whole in
                    let kinds = [EventKind.alertStart, .alertEnd, .hostStarted, .hostStopped].map(\.name)
                    let rows = try Row.fetchCursor(
                        db, sql: "SELECT * FROM events WHERE id > ? AND id < ? AND kind IN (?, ?, ?, ?) ORDER BY id",
                        arguments: StatementArguments([start, end]) + StatementArguments(kinds))
                    while let row = try rows.next() {
                        let event = EventRecord(row)
                        if event.isWhole, event.id > whole.last?.id ?? start { whole.append(event) }
                    }
                }
                guard let last = found.last else { return events }
                events += found
                position = last.id
            }
        }
    }
}
