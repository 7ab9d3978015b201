import Foundation
import GRDB

/// A resource that the destination said it had stored, kept to be read back.
package struct AcknowledgedResource: Sendable {
    package let url: String
    package let lane: DeliveryLane
    /// As it was sent.
    package let resource: String

    package init(url: String, lane: DeliveryLane, resource: String) {
        (self.url, self.lane, self.resource) = (url, lane, resource)
    }
}

/// Samples of what was acknowledged, and what becomes of the lanes when the destination does not have them.
extension DeliveryBook {
    /// So many are kept; the older ones go first. About a megabyte.
    private static let mostAcknowledged = 400

    /// How often the lanes went back: what was begun before that must not say what is missing now.
    static let returns = "returns"

    package func returnCount() throws -> Int64 { try counter(Self.returns) ?? 0 }

    /// A row has the lane's lowest open place when it was acknowledged: all before that had been acknowledged by then,
    /// in whichever order.
    static let acknowledgedSchema = """
        CREATE TABLE acknowledged(
            id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, lane TEXT NOT NULL, resource TEXT NOT NULL, \
        event INTEGER NOT NULL, session INTEGER NOT NULL,
            window INTEGER NOT NULL, chunk INTEGER NOT NULL, length INTEGER NOT NULL, confirmed INTEGER NOT NULL);

        """

    /// - Parameters:
    ///   - origins: of all that was acknowledged with it.
    ///   - filed: up to which event of beds was read when it was made; where something was said since, it is not kept.
    package func acknowledge(_ resource: AcknowledgedResource, with origins: [DeliveryOrigin], filed: Int64) throws {
        try queue.write { db in
            guard try Self.isFiled(db, through: filed) else { return }
            let lane = resource.lane
            var event = try Int64.fetchOne(
                db, sql: "SELECT MIN(first) FROM missing WHERE lane = ?", arguments: [lane.rawValue])
            var place = lane.isOfSamples ? try Self.position(db, lane) : SamplePosition()
            for origin in origins {
                switch origin {
                case .description: break
                case .event(let number): event = min(event ?? number, number)
                case .window(_, let begin): if begin.isBefore(place) { place = begin }
                }
            }
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO acknowledged(
                        url, lane, resource, event, session, window, chunk, length, confirmed)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)
                    """,
                arguments: [
                    resource.url, lane.rawValue, resource.resource, event ?? 1, place.session, place.window,
                    place.chunk, place.length,
                ])
            // The newest that was found there stays for each lane: from it on all goes again if need be.
            try db.execute(
                sql: """
                    DELETE FROM acknowledged WHERE id <= (SELECT MAX(id) FROM acknowledged) - ?
                    AND id NOT IN (SELECT MAX(id) FROM acknowledged WHERE confirmed = 1 GROUP BY lane)
                    """, arguments: [Self.mostAcknowledged])
        }
    }

    /// Some that were not read back yet, by chance, the same of each lane.
    package func unconfirmed(limit: Int) throws -> [AcknowledgedResource] {
        try queue.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY lane ORDER BY RANDOM()) AS place
                    FROM acknowledged WHERE confirmed = 0) ORDER BY place, RANDOM() LIMIT ?
                    """, arguments: [limit]
            ).compactMap(Self.acknowledged)
        }
    }

    private static func acknowledged(_ row: Row) -> AcknowledgedResource? {
        guard let url = row.text("url"), let lane = row.text("lane").flatMap(DeliveryLane.init(rawValue:)) else {
            return nil
        }
        return AcknowledgedResource(url: url, lane: lane, resource: row.text("resource") ?? "")
    }

    /// They are there.
    package func confirm(_ urls: [String]) throws {
        try queue.write { db in
            for url in urls {
                try db.execute(sql: "UPDATE acknowledged SET confirmed = 1 WHERE url = ?", arguments: [url])
            }
        }
    }

    /// What of a lane was found there and had been acknowledged before all of these, the newest first.
    package func confirmed(
        _ lane: DeliveryLane, before missing: [AcknowledgedResource]
    ) throws -> [AcknowledgedResource] {
        try queue.read { db in
            let first = try Self.numbers(db, missing).min() ?? 0
            return try Row.fetchAll(
                db, sql: "SELECT * FROM acknowledged WHERE lane = ? AND confirmed = 1 AND id < ? ORDER BY id DESC",
                arguments: [lane.rawValue, first]
            ).compactMap(Self.acknowledged)
        }
    }

    /// What of a lane was found there once is not there any more, but for this and what is older; without one, nothing.
    package func doubt(_ lane: DeliveryLane, after found: AcknowledgedResource?) throws {
        try queue.write { db in
            let place = try found.map { try Self.numbers(db, [$0]).first ?? 0 } ?? 0
            try db.execute(
                sql: "UPDATE acknowledged SET confirmed = 0 WHERE lane = ? AND id > ?",
                arguments: [lane.rawValue, place])
        }
    }

    private static func numbers(_ db: Database, _ resources: [AcknowledgedResource]) throws -> [Int64] {
        // By number: the wall clock may have been set in between.
        try resources.compactMap {
            try Int64.fetchOne(db, sql: "SELECT id FROM acknowledged WHERE url = ?", arguments: [$0.url])
        }
    }

    /// They are not there, or not as they were sent: in every lane all goes again that had not been acknowledged when
    /// the last of it was that was found there before. A service that does not have one thing is not believed about
    /// others.
    ///
    /// - Returns: whether the lanes went back; not where nothing of it is to be there as it was any more.
    package func goBack(for missing: [AcknowledgedResource]) throws -> Bool {
        try queue.write { db in
            let numbers = try Self.numbers(db, missing)
            if numbers.isEmpty, !missing.isEmpty { return false }
            let first = numbers.min() ?? 0
            for lane in DeliveryLane.allCases {
                let row = try Row.fetchOne(
                    db,
                    sql: "SELECT * FROM acknowledged WHERE lane = ? AND confirmed = 1 AND id < ? "
                        + "ORDER BY id DESC LIMIT 1", arguments: [lane.rawValue, first])
                let renewed = try Self.renewRefilings(db, lane, since: row?.integer("id") ?? 0)
                if lane.isOfSamples {
                    try Self.goBack(db, lane, to: row.map(Self.position) ?? SamplePosition())
                } else {
                    let event = row?.integer("event") ?? 1
                    try Self.goBack(db, lane, to: min(event, renewed ?? event))
                }
            }
            // What is sent again is acknowledged again; and all refers to descriptions, which may have gone as well.
            try db.execute(sql: "DELETE FROM acknowledged WHERE confirmed = 0 OR id >= ?", arguments: [first])
            try db.execute(sql: "DELETE FROM described")
            try Self.count(db, Self.returns, 1)
            return true
        }
    }

    /// From there on there is one stretch.
    static func goBack(_ db: Database, _ lane: DeliveryLane, to place: SamplePosition) throws {
        try db.execute(sql: "DELETE FROM spans WHERE lane = ?", arguments: [lane.rawValue])
        if place.isBefore(try position(db, lane)) { try move(db, lane, to: place) }
    }

    /// From there on all events are missing, and what is missing before stays so.
    private static func goBack(_ db: Database, _ lane: DeliveryLane, to number: Int64) throws {
        let lowest = try Int64.fetchOne(
            db, sql: "SELECT MIN(first) FROM missing WHERE lane = ? AND last >= ?", arguments: [lane.rawValue, number])
        let (first, seen) = (min(number, lowest ?? number), try seen(db, lane))
        guard first <= seen else { return }
        try db.execute(sql: "DELETE FROM missing WHERE lane = ? AND last >= ?", arguments: [lane.rawValue, first])
        try db.execute(
            sql: "INSERT OR REPLACE INTO missing(lane, first, last) VALUES (?, ?, ?)",
            arguments: [lane.rawValue, first, seen])
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
