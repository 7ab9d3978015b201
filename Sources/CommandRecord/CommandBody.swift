import DeviceModel
import Foundation
import PumpControl

/// The members of an event of a command as they stand in the journal. What was written is read for ever: a name never
/// changes its meaning.
struct CommandBody: Codable {
    struct Entry: Codable {
        let name: String
        /// Exact decimal text.
        let quantity: String
        let unit: String
    }

    struct Told: Codable {
        let field: String
        let values: [String]
    }

    struct Deed: Codable {
        /// Hexadecimal digits.
        let bytes: String
        let wanted: [Told]
        let own: Bool
        let before: [Told]
        let profile: String
        let expires: Int64
    }

    struct Open: Codable {
        let number: Int64
        let content: Content
        /// `draft`, `verified`, `intended`, `sent`, `acknowledged`, `uncertain`.
        let state: String
        let by: [String]?
        let effect: Deed?
        let taken: Bool?
        let left: Bool?
        let since: Int64?
    }

    struct Content: Codable {
        let pump: String
        let line: String
        let command: String
        let kind: String
        let entries: [Entry]
        let people: Int
        let order: String?
        let reason: String?
    }

    struct Stop: Codable {
        let number: Int64
        let phase: String
        let since: Int64
    }

    struct Pump: Codable {
        let pump: String
        let intents: [Int64]
        let failures: [Int64]
        let locked: Bool
        let lookedAt: Bool
        let stop: Stop?
    }

    struct Ledger: Codable {
        let open: [Open]
        let pumps: [Pump]
        let damaged: Bool
    }

    struct Shown: Codable {
        let after: Bool
        let clean: Bool
        let readings: [Told]
    }

    var number: Int64?
    var pump: String?
    var by: [String]?
    var content: Content?
    var effect: Deed?
    /// A word of what the event is about: a reason, a doubt, what was seen.
    var word: String?
    var shown: Shown?
    /// The stop, by the number of the event by which it was asked for.
    var stop: Int64?
    var ledger: Ledger?

    init() {}

    /// One line of JSON, its members in the order of their names.
    var json: JSON? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { .document(String(decoding: $0, as: UTF8.self)) }
    }

    /// The most that is read. Unit: bytes.
    static let longest = 4 << 20

    init?(text: String) {
        guard text.utf8.count <= Self.longest,
            let body = try? JSONDecoder().decode(CommandBody.self, from: Data(text.utf8))
        else { return nil }
        self = body
    }
}

// MARK: There and back

extension CommandBody {
    static func key(_ text: String) -> PumpKey? {
        ["serial:", "port:"].contains { text.hasPrefix($0) && text != $0 } ? PumpKey(text: text) : nil
    }
}

extension CommandBody.Content {
    init(_ content: CommandContent) {
        self.init(
            pump: content.pump.text, line: content.line, command: content.command, kind: content.kind.rawValue,
            entries: content.entries.map {
                CommandBody.Entry(name: $0.name, quantity: $0.quantity.text, unit: $0.unit)
            }, people: content.people, order: content.order, reason: content.reason)
    }

    var content: CommandContent? {
        guard let kind = CommandKind(rawValue: kind), (1...2).contains(people) else { return nil }
        let read = entries.compactMap { entry in
            (try? ExactQuantity(entry.quantity)).map { CommandEntry(entry.name, $0, unit: entry.unit) }
        }
        guard read.count == entries.count, let pump = CommandBody.key(pump) else { return nil }
        return CommandContent(
            pump: pump, line: line, command: command, kind: kind, entries: read, people: people,
            order: order, reason: reason)
    }
}

extension CommandBody.Told {
    init(_ reading: Reading) { self.init(field: reading.field, values: [reading.value]) }

    var reading: Reading? { values.count == 1 ? Reading(field, values[0]) : nil }
}

extension CommandBody.Deed {
    private static let digits = Array("0123456789abcdef".utf8)

    init(_ effect: Effect) {
        self.init(
            bytes: String(
                decoding: effect.bytes.flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] },
                as: UTF8.self),
            wanted: effect.wanted.map { CommandBody.Told(field: $0.field, values: $0.values) },
            own: effect.isEvidenceOwn, before: effect.before.map { CommandBody.Told($0) },
            profile: effect.profileDigest, expires: effect.expires)
    }

    var effect: Effect? {
        let before = self.before.compactMap(\.reading)
        guard let read = Self.read(bytes), !read.isEmpty, before.count == self.before.count else { return nil }
        return Effect(
            bytes: read, wanted: wanted.map { Expectation($0.field, $0.values) }, isEvidenceOwn: own, before: before,
            profileDigest: profile, expires: expires)
    }

    private static func read(_ text: String) -> [UInt8]? {
        let bytes = Array(text.utf8)
        guard bytes.count % 2 == 0 else { return nil }
        var read: [UInt8] = []
        for place in stride(from: 0, to: bytes.count, by: 2) {
            guard let high = digits.firstIndex(of: bytes[place]), let low = digits.firstIndex(of: bytes[place + 1])
            else { return nil }
            read.append(UInt8(high << 4 | low))
        }
        return read
    }
}

extension CommandBody.Shown {
    init(_ shown: ReadBack) {
        self.init(
            after: shown.isAskedAfter, clean: shown.isClean, readings: shown.readings.map { CommandBody.Told($0) })
    }

    var shown: ReadBack? {
        let read = readings.compactMap(\.reading)
        return read.count == readings.count ? ReadBack(isAskedAfter: after, isClean: clean, readings: read) : nil
    }
}
