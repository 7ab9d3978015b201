import CommandFacts
import Foundation
import StrictYAML
import TestSupport
import Testing

@testable import PumpRules

/// The files of docs/pump-files.md, and requests that they answer.
enum RuleFixture {
    /// Within the time that the order holds.
    static let now: Int64 = 1_795_935_600_000_000_000

    /// The examples as they stand in the documentation, by file.
    static func examples() throws -> [RuleFile: String] {
        let text = try String(contentsOfFile: Repository.path("docs/pump-files.md"), encoding: .utf8)
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        return Dictionary(
            uniqueKeysWithValues: RuleFile.allCases.compactMap { file in
                blocks.first { $0.hasPrefix("nabd: \(file.form)\n") }.map { (file, $0) }
            })
    }

    /// Values of a file's text, or its faults.
    static func reading<Value: Sendable>(_ file: RuleFile, _ text: String, _ content: (YAMLMapping) -> Value) throws
        -> RuleReading<Value>
    {
        let folder = try TemporaryFolder()
        _ = try folder.write(file.name, text)
        return RuleReader(folder: folder.path, keys: nil, accepted: [:]).read(file, content).0
    }

    /// The rules of the documentation, with some text in place of other text.
    static func rules(_ changes: [RuleFile: [(String, String)]] = [:]) throws -> RuleSet {
        var texts = try examples()
        for (file, changes) in changes {
            for (old, new) in changes {
                let text = try #require(texts[file])
                try #require(text.contains(old), "“\(old)” is not in \(file.name)")
                texts[file] = text.replacingOccurrences(of: old, with: new)
            }
        }
        let policy = try reading(.policy, try #require(texts[.policy]), SitePolicy.read)
        let library = try reading(.library, try #require(texts[.library]), DrugLibrary.read)
        let orders = try reading(.orders, try #require(texts[.orders]), Orders.read)
        return RuleSet(policy: policy, library: library, orders: orders)
    }

    static func argument(_ name: String, _ unit: String, most: String = "200", step: String = "0.1") throws
        -> PumpRequest.Argument
    {
        PumpRequest.Argument(
            name, unit: unit, least: try ExactQuantity("0.1"), most: try ExactQuantity(most),
            step: try ExactQuantity(step))
    }

    /// Somebody sets the rate of pump-1 for order-1.
    static func rate(_ text: String, unit: String = "mL/h") throws -> PumpRequest {
        var request = PumpRequest(device: "pump-1", command: "rate", kind: .set, area: "day-unit")
        request.arguments = [try argument("rate", "mL/h")]
        request.entries = [CommandEntry("rate", try ExactQuantity(text), unit: unit)]
        return known(request)
    }

    /// Somebody starts pump-1, which is set to a rate.
    static func start(_ standing: [(String, String)]) throws -> PumpRequest {
        var request = PumpRequest(device: "pump-1", command: "start", kind: .trigger, area: "day-unit")
        request.standing = try standing.map { CommandEntry($0.1, try ExactQuantity($0.0), unit: $0.1) }
        return known(request)
    }

    static func cuff() -> PumpRequest {
        var request = PumpRequest(device: "monitor-1", command: "start-measurement", kind: .trigger, area: "day-unit")
        request.infuses = false
        request.pace = PumpRequest.Pace(leastGap: 180_000_000_000, mostPerHour: 6)
        return request
    }

    private static func known(_ request: PumpRequest) -> PumpRequest {
        var request = request
        (request.serial, request.order, request.now) = ("300745", "order-1", now)
        (request.hasRemoteStop, request.isSyringePump) = (true, true)
        return request
    }
}

extension Verdict {
    var words: [RuleRefusal.Word] { refusals.map(\.word) }
}
