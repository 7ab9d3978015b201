import Foundation

/// A score as the journal has it: the event `scoreGiven`, of this host or another.
package struct ScoreRecord: Sendable, Hashable {
    package struct Part: Sendable, Hashable {
        package let name: String
        package let points: Int
        /// As it was measured or entered.
        package let value: String
    }

    package struct Missing: Sendable, Hashable {
        package let name: String
        package let why: String
    }

    package let bed: String
    /// Its name, which may be one of a younger host.
    package let score: String
    /// `nil` for an incomplete one.
    package let total: Int?
    package let band: String?
    package let scale: String?
    /// In the order of the score's form.
    package let parts: [Part]
    package let missing: [Missing]

    /// - Parameter body: the event's members, a JSON object. `nil` where they do not say which score of which bed, or
    ///   say both a total and that something is missing.
    package init?(body: String) {
        guard let members = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any],
            let bed = members["bed"] as? String, let score = members["score"] as? String
        else { return nil }
        let missing = (members["missing"] as? [Any] ?? []).compactMap { one -> Missing? in
            guard let one = one as? [String: Any], let name = one["part"] as? String else { return nil }
            return Missing(name: name, why: one["why"] as? String ?? "")
        }
        let total = members["total"] as? Int
        guard (total == nil) != missing.isEmpty else { return nil }
        let parts = (members["parts"] as? [String: Any] ?? [:]).compactMap { name, one -> Part? in
            guard let one = one as? [String: Any], let points = one["points"] as? Int else { return nil }
            return Part(name: name, points: points, value: one["value"] as? String ?? "")
        }
        let order = ScorePart.allCases.map(\.rawValue) + ScoreItem.allCases.map(\.rawValue)
        func place(_ part: Part) -> Int { order.firstIndex(of: part.name) ?? order.count }
        (self.bed, self.score, self.total, self.missing) = (bed, score, total, missing)
        (band, scale) = (members["band"] as? String, members["scale"] as? String)
        self.parts = parts.sorted { (place($0), $0.name) < (place($1), $1.name) }
    }
}

/// The words of a part of a score that is known by its name only.
package enum ScoreTitles {
    package static func words(_ name: String) -> ScoreWords {
        ScorePart(rawValue: name)?.words ?? ScoreItem(rawValue: name)?.words ?? ScoreWords(name, name)
    }
}
