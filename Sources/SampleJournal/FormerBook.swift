import Foundation
import GRDB

/// The one book of versions 3 and 4: one place for all samples, one for all events, and dead letters.
struct FormerBook {
    let figures: DeliveryBook.Figures
    let samples: SamplePosition
    let events: Int64
    let delivered: Int64
    let described: [(url: String, hash: Data)]
    let deadLetters: [(url: String, reason: String, resource: String, utc: Int64)]

    init(readingFrom path: String) throws {
        let queue = try JournalFiles.openBookForReading(path)
        func position(_ db: Database, _ name: String) throws -> SamplePosition {
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT a, b, c, d FROM positions WHERE name = ?", arguments: [name])
            else { return SamplePosition() }
            return SamplePosition(
                session: row.integer("a") ?? 0, window: row.integer("b") ?? 0, chunk: row.integer("c") ?? 0,
                length: row.integer("d") ?? 0)
        }
        let read = try queue.read { db in
            (
                samples: try position(db, "samples"), events: try position(db, "events").session,
                delivered: try Int64.fetchOne(db, sql: "SELECT value FROM counters WHERE name = 'delivered'") ?? 0,
                described: try Row.fetchAll(db, sql: "SELECT url, hash FROM described").compactMap { row in
                    row.text("url").flatMap { url in row.bytes("hash").map { (url: url, hash: Data($0)) } }
                },
                letters: try Row.fetchAll(db, sql: "SELECT * FROM dead_letters ORDER BY id").compactMap { row in
                    row.text("url").map {
                        (
                            url: $0, reason: row.text("reason") ?? "", resource: row.text("resource") ?? "",
                            utc: row.integer("utc") ?? 0
                        )
                    }
                }
            )
        }
        (samples, events, delivered) = (read.samples, read.events, read.delivered)
        (described, deadLetters) = (read.described, read.letters)
        var figures = DeliveryBook.Figures()
        figures.stored = (samples.chunk, events)
        figures.furthest = (samples.session, samples.chunk, events)
        self.figures = figures
    }
}
