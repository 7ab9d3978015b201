package import CommandFacts
import Foundation

/// Who asks, and the proof. It is never written anywhere.
package struct Credential: Sendable, Hashable, Codable {
    /// Of an id, and of a secret. Unit: bytes.
    package static let longest = 200

    package let id: String
    package let secret: String

    package init(id: String, secret: String) { (self.id, self.secret) = (id, secret) }
}

extension Credential: CustomStringConvertible, CustomReflectable {
    /// The id only, wherever it is printed.
    package var description: String { id }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

/// A request as it goes over the socket: one JSON object, one line, in the one form that ``line`` gives it.
package struct DeskLine: Sendable, Hashable {
    /// What is asked, before anybody is known.
    package enum Ask: Sendable, Hashable {
        case list
        case show(Int64)
        case history(most: Int)
        case preview(DeskEntry)
        case draft(DeskEntry)
        case verify(Int64, DeskEntry)
        case withdraw(Int64)
        case start(Int64)
        case stop(device: String)
        case resolve(Int64, seen: Resolution)
        case lookedAt(device: String)
        case unlock(device: String)
        case alarm(AlarmRequest)
        case bed(BedAsk)
        case consultation(ConsultationAsk)
    }

    /// Why a line is not taken; never what stands in it.
    package enum Fault: Error, Sendable, Hashable, CaseIterable {
        case tooLong
        case notJSON
        case otherVersion
        case unknownRequest
        case notTheForm
        case outsideRange

        package var words: String {
            switch self {
            case .tooLong: "The request is too long: shorten what was entered."
            case .notJSON: "The request cannot be read: use the nabd command of this host's version."
            case .otherVersion: "The request is of another version: use the nabd command of this host's version."
            case .unknownRequest: "There is no such request: use the nabd command of this host's version."
            case .notTheForm:
                "The request has a member too many, too few or twice: use the nabd command of this host's version."
            case .outsideRange: "A number or a text of the request is outside what is allowed."
            }
        }
    }

    package static let version = 1
    /// The longest line, its line feed included. Unit: bytes.
    package static let longest = 16 << 10
    static let mostEntries = 32
    static let longestText = Credential.longest
    static let longestReason = 1_000
    package static let history = 1...500

    package let ask: Ask
    package let by: Credential?
    /// The second person, where two say together what a pump shows.
    package let second: Credential?

    package init(_ ask: Ask, by: Credential? = nil, second: Credential? = nil) {
        (self.ask, self.by, self.second) = (ask, by, second)
    }

    /// Reads a line without its line feed.
    ///
    /// A line that this program would not have written in just these bytes is refused: no member is read twice, left
    /// aside or guessed. A stop is taken in any form and of any version, as long as it names one device.
    package init(_ bytes: [UInt8]) throws(Fault) {
        guard bytes.count < Self.longest else { throw .tooLong }
        if let stop = Stop(bytes), Self.isShort(stop.device) {
            self.init(.stop(device: stop.device), by: stop.by)
            return
        }
        guard let wire = try? JSONDecoder().decode(Wire.self, from: Data(bytes)) else { throw .notJSON }
        guard wire.desk == Self.version else { throw .otherVersion }
        let ask = try Ask(wire)
        self.init(ask, by: wire.by, second: wire.second)
        guard try written() == bytes else { throw .notTheForm }
        guard isWithinBounds else { throw .outsideRange }
    }

    /// The line with its line feed. Throws ``Fault`` where it would not be taken.
    package func line() throws(Fault) -> [UInt8] {
        guard isWithinBounds else { throw .outsideRange }
        let bytes = try written()
        guard bytes.count < Self.longest else { throw .tooLong }
        return bytes + [0x0A]
    }

    private func written() throws(Fault) -> [UInt8] {
        var wire = ask.wire
        (wire.by, wire.second) = (by, second)
        guard let data = try? WireForm.encoder.encode(wire) else { throw .notJSON }
        return Array(data)
    }

    private var isWithinBounds: Bool {
        var most = Self.history.lowerBound
        if case .history(let asked) = ask { most = asked }
        if case .alarm(let asked) = ask, !asked.isWithinBounds { return false }
        if case .bed(let asked) = ask, !asked.isWithinBounds { return false }
        if case .consultation(let asked) = ask, !asked.isWithinBounds { return false }
        let people = [by, second].compactMap { $0 }
        return ask.number ?? 1 > 0 && Self.history.contains(most) && (second == nil || by != nil)
            && people.allSatisfy { Self.isShort($0.id) && Self.isShort($0.secret) }
            && ask.device.map(Self.isShort) ?? true && ask.entry.map(Self.isShort) ?? true
    }

    static func isShort(_ text: String) -> Bool { (1...longestText).contains(text.utf8.count) }

    private static func isShort(_ entry: DeskEntry) -> Bool {
        isShort(entry.command) && entry.entries.count <= mostEntries
            && entry.entries.allSatisfy { isShort($0.key) && $0.value.utf8.count <= longestText }
            && (entry.order.map(isShort) ?? true) && (entry.reason?.utf8.count ?? 0) <= longestReason
    }
}

/// All that a stop must say, whoever wrote it: another version of this program, or a hand in need.
private struct Stop {
    private struct Members: Decodable {
        let ask: String
        let device: String
    }

    private struct Caller: Decodable {
        let by: Credential
    }

    let device: String
    /// Who asks, where that can be read.
    let by: Credential?

    /// `nil` where it is no stop, or may be of two devices.
    init?(_ bytes: [UInt8]) {
        let data = Data(bytes)
        guard let members = try? JSONDecoder().decode(Members.self, from: data), members.ask == "stop",
            String(decoding: bytes, as: UTF8.self).ranges(of: "\"device\"").count == 1
        else { return nil }
        device = members.device
        by = (try? JSONDecoder().decode(Caller.self, from: data))?.by
    }
}

/// How objects are written: members in one order, nothing escaped that need not be.
enum WireForm {
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension DeskLine {
    /// The members of the object, those that no request has all of.
    struct Wire: Codable {
        struct Entry: Codable {
            let name: String
            let quantity: String
        }

        var desk = DeskLine.version
        var ask: String
        var number: Int64?
        var most: Int?
        var device: String?
        var command: String?
        var entries: [Entry]?
        var order: String?
        var reason: String?
        var seen: String?
        var by: Credential?
        var second: Credential?
        var instances: [String]?
        var priorities: [String]?
        var bed: String?
        var seconds: Int?
        var alert: String?
        var metric: String?
        var preset: String?
        var identifiers: [Identifier]?
        var since: Int64?
        var item: String?
        var value: String?
        var clinician: String?
        var certificate: String?
        var from: String?
        var visit: Int64?

        init(_ ask: String, number: Int64? = nil, most: Int? = nil, device: String? = nil, seen: String? = nil) {
            (self.ask, self.number, self.most, self.device, self.seen) = (ask, number, most, device, seen)
        }

        init(_ ask: String, number: Int64? = nil, _ entry: DeskEntry) {
            self.init(ask, number: number, device: entry.device)
            command = entry.command
            // By their bytes: as texts, two may be equal that are not.
            entries = entry.entries.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
                .map { Entry(name: $0.key, quantity: $0.value) }
            (order, reason) = (entry.order, entry.reason)
        }
    }
}

extension DeskLine.Ask {
    package var device: String? {
        switch self {
        case .stop(let device), .lookedAt(let device), .unlock(let device): device
        case .preview, .draft, .verify: entry?.device
        case .list, .show, .history, .withdraw, .start, .resolve, .alarm, .bed, .consultation: nil
        }
    }

    package var entry: DeskEntry? {
        switch self {
        case .preview(let entry), .draft(let entry), .verify(_, let entry): entry
        case .list, .show, .history, .withdraw, .start, .stop, .resolve, .lookedAt, .unlock, .alarm, .bed,
            .consultation:
            nil
        }
    }

    fileprivate var wire: DeskLine.Wire {
        switch self {
        case .list: DeskLine.Wire("list")
        case .show(let number): DeskLine.Wire("show", number: number)
        case .history(let most): DeskLine.Wire("history", most: most)
        case .preview(let entry): DeskLine.Wire("preview", entry)
        case .draft(let entry): DeskLine.Wire("draft", entry)
        case .verify(let number, let entry): DeskLine.Wire("verify", number: number, entry)
        case .withdraw(let number): DeskLine.Wire("withdraw", number: number)
        case .start(let number): DeskLine.Wire("start", number: number)
        case .stop(let device): DeskLine.Wire("stop", device: device)
        case .resolve(let number, let seen): DeskLine.Wire("resolve", number: number, seen: seen.rawValue)
        case .lookedAt(let device): DeskLine.Wire("lookedAt", device: device)
        case .unlock(let device): DeskLine.Wire("unlock", device: device)
        case .alarm(let request): request.wire
        case .bed(let ask): ask.wire
        case .consultation(let ask): ask.wire
        }
    }

    fileprivate init(_ wire: DeskLine.Wire) throws(DeskLine.Fault) {
        func number() throws(DeskLine.Fault) -> Int64 { try DeskLine.given(wire.number) }
        func device() throws(DeskLine.Fault) -> String { try DeskLine.given(wire.device) }
        func entry() throws(DeskLine.Fault) -> DeskEntry {
            var entries: [String: String] = [:]
            for entry in try DeskLine.given(wire.entries) {
                guard entries.updateValue(entry.quantity, forKey: entry.name) == nil else { throw .notTheForm }
            }
            return DeskEntry(
                device: try device(), command: try DeskLine.given(wire.command), entries: entries, order: wire.order,
                reason: wire.reason)
        }
        switch wire.ask {
        case "list": self = .list
        case "show": self = .show(try number())
        case "history": self = .history(most: try DeskLine.given(wire.most))
        case "preview": self = .preview(try entry())
        case "draft": self = .draft(try entry())
        case "verify": self = .verify(try number(), try entry())
        case "withdraw": self = .withdraw(try number())
        case "start": self = .start(try number())
        case "stop": self = .stop(device: try device())
        case "resolve":
            self = .resolve(try number(), seen: try DeskLine.given(wire.seen.flatMap(Resolution.init(rawValue:))))
        case "lookedAt": self = .lookedAt(device: try device())
        case "unlock": self = .unlock(device: try device())
        default:
            if let request = try AlarmRequest(wire) {
                self = .alarm(request)
            } else if let ask = try BedAsk(wire) {
                self = .bed(ask)
            } else if let ask = try ConsultationAsk(wire) {
                self = .consultation(ask)
            } else {
                throw .unknownRequest
            }
        }
    }

}

extension DeskLine {
    static func given<Value>(_ value: Value?) throws(Fault) -> Value {
        guard let value else { throw .notTheForm }
        return value
    }
}
