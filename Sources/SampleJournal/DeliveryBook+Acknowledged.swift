import Foundation
import GRDB

/// A resource that the destination said it had stored, kept to be read back.
package struct AcknowledgedResource: Sendable {
    package let url: String
    package let origin: DeliveryOrigin
    /// As it was sent.
    package let resource: String
    /// Unit: ns since 1970.
    package let utc: Int64

    package init(url: String, origin: DeliveryOrigin, resource: String, utc: Int64) {
        (self.url, self.origin, self.resource, self.utc) = (url, origin, resource, utc)
    }

    static let events = "events"

    /// What it is one of: a lane of samples, the events, or the descriptions.
    var kind: String {
        switch origin {
        case .description: "descriptions"
        case .event: Self.events
        case .window(let lane, _): lane.rawValue
        }
    }
}

/// Samples of what was acknowledged, and what becomes of the lanes when the destination does not have them.
extension DeliveryBook {
    /// So many are kept; the older ones go first. About a megabyte.
    private static let mostAcknowledged = 400

    /// How often the lanes went back: what was begun before that must not say what is missing now.
    static let returns = "returns"

    package func returnCount() throws -> Int64 { try counter(Self.returns) ?? 0 }

    static let acknowledgedSchema = """
        CREATE TABLE acknowledged(
            id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, resource TEXT NOT NULL, \
        utc INTEGER NOT NULL,
            lane TEXT, event INTEGER, session INTEGER, window INTEGER, chunk INTEGER, length INTEGER, \
        confirmed INTEGER NOT NULL);

        """

    package func acknowledge(_ resource: AcknowledgedResource) throws {
        let columns = resource.origin.columns
        try queue.write { db in
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO acknowledged(
                        url, kind, resource, utc, lane, event, session, window, chunk, length, confirmed)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
                    """,
                arguments: [
                    resource.url, resource.kind, resource.resource, resource.utc, columns.lane, columns.event,
                    columns.position?.session, columns.position?.window, columns.position?.chunk,
                    columns.position?.length,
                ])
            // The newest that was found there stays for each kind: from it on all goes again if need be.
            try db.execute(
                sql: """
                    DELETE FROM acknowledged WHERE id <= (SELECT MAX(id) FROM acknowledged) - ?
                    AND id NOT IN (SELECT MAX(id) FROM acknowledged WHERE confirmed = 1 GROUP BY kind)
                    """, arguments: [Self.mostAcknowledged])
        }
    }

    /// Some that were not read back yet, by chance, the same of each kind.
    package func unconfirmed(limit: Int) throws -> [AcknowledgedResource] {
        try queue.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY kind ORDER BY RANDOM()) AS place
                    FROM acknowledged WHERE confirmed = 0) ORDER BY place, RANDOM() LIMIT ?
                    """, arguments: [limit]
            ).compactMap(Self.acknowledged)
        }
    }

    private static func acknowledged(_ row: Row) -> AcknowledgedResource? {
        guard let url = row.text("url") else { return nil }
        return AcknowledgedResource(
            url: url, origin: DeliveryOrigin(row), resource: row.text("resource") ?? "", utc: row.integer("utc") ?? 0)
    }

    /// They are there.
    package func confirm(_ urls: [String]) throws {
        try queue.write { db in
            for url in urls {
                try db.execute(sql: "UPDATE acknowledged SET confirmed = 1 WHERE url = ?", arguments: [url])
            }
        }
    }

    /// They are not there, or not as they were sent: everything goes again since what was found there of its kind
    /// before the first of them. A service that does not have one thing is not believed about others.
    package func goBack(for missing: [AcknowledgedResource]) throws {
        try queue.write { db in
            // By number: the wall clock may have been set in between.
            let numbers = try missing.compactMap {
                try Int64.fetchOne(db, sql: "SELECT id FROM acknowledged WHERE url = ?", arguments: [$0.url])
            }
            let first = numbers.min() ?? 0
            for kind in DeliveryLane.allCases.filter(\.isOfSamples).map(\.rawValue) + [AcknowledgedResource.events] {
                let row = try Row.fetchOne(
                    db,
                    sql: "SELECT * FROM acknowledged WHERE kind = ? AND confirmed = 1 AND id < ? "
                        + "ORDER BY id DESC LIMIT 1", arguments: [kind, first])
                try Self.goBack(db, kind, to: row.map(DeliveryOrigin.init))
            }
            // What is sent again is acknowledged again; and all refers to descriptions, which may have gone as well.
            try db.execute(sql: "DELETE FROM acknowledged WHERE confirmed = 0 OR id >= ?", arguments: [first])
            try db.execute(sql: "DELETE FROM described")
            try Self.count(db, Self.returns, 1)
        }
    }

    private static func goBack(_ db: Database, _ kind: String, to origin: DeliveryOrigin?) throws {
        switch (origin, DeliveryLane(rawValue: kind)) {
        case (.window(let lane, let position)?, _): try rewind(db, lane, to: position)
        case (_, let lane?) where lane.isOfSamples: try rewind(db, lane, to: SamplePosition())
        case (let origin, _) where kind == AcknowledgedResource.events:
            var number: Int64 = 1
            if case .event(let event)? = origin { number = event }
            for lane in DeliveryLane.allCases where !lane.isOfSamples {
                let seen = try seen(db, lane)
                guard number <= seen else { continue }
                try db.execute(
                    sql: "DELETE FROM missing WHERE lane = ? AND last >= ?", arguments: [lane.rawValue, number])
                try db.execute(
                    sql: "INSERT OR REPLACE INTO missing(lane, first, last) VALUES (?, ?, ?)",
                    arguments: [lane.rawValue, number, seen])
            }
        default: break
        }
    }

    /// A lane's stretch that has passed a place is there again.
    private static func rewind(_ db: Database, _ lane: DeliveryLane, to place: SamplePosition) throws {
        let spans = try spans(db, lane)
        guard let index = spans.lastIndex(where: { SampleSpan(begin: $0.begin, position: place).hasReached($0.begin) }),
            SampleSpan(begin: place, position: spans[index].position).hasReached(place)
        else { return }
        if index == 0 {
            try move(db, lane, to: place)
        } else {
            try put(db, lane, SampleSpan(begin: spans[index].begin, position: place))
        }
    }
}

extension DeliveryOrigin {
    /// As columns of a row.
    var columns: (lane: String?, event: Int64?, position: SamplePosition?) {
        switch self {
        case .description: (nil, nil, nil)
        case .event(let number): (nil, number, nil)
        case .window(let lane, let begin): (lane.rawValue, nil, begin)
        }
    }

    init(_ row: Row) {
        if let event = row.integer("event") {
            self = .event(event)
        } else if let lane = row.text("lane").flatMap(DeliveryLane.init(rawValue:)) {
            self = .window(
                lane,
                SamplePosition(
                    session: row.integer("session") ?? 0, window: row.integer("window") ?? 0,
                    chunk: row.integer("chunk") ?? 0, length: row.integer("length") ?? 0))
        } else {
            self = .description
        }
    }
}
