import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import Alarms

/// One alert, brought into each state, and each input put to it: the table says what becomes of it.
@Suite struct AlarmTableTests {
    /// A state to begin with, and what is put to it.
    struct Cell: Hashable, CustomStringConvertible {
        let presence: String
        let signal: String
        let latches: Bool
        let priority: AlertPriority
        let input: String

        var description: String { "\(presence) \(signal) \(latches ? "yes" : "no") \(priority.rawValue) \(input)" }

        static let inputs = [
            "begins", "worse", "ends", "acknowledge", "pause", "switchOff", "switchOn", "nobody", "restart",
        ]

        static let all: [Cell] = {
            let states =
                [("off", "none"), ("ack", "none")]
                + ["on", "latched"].flatMap { presence in
                    ["given", "escalated", "paused", "off"].map { (presence, $0) }
                }
            return states.flatMap { presence, signal in
                [true, false].filter { $0 || presence != "latched" }.flatMap { latches in
                    AlertPriority.allCases.flatMap { priority in
                        inputs.map {
                            Cell(
                                presence: presence, signal: signal, latches: latches, priority: priority, input: $0)
                        }
                    }
                }
            }
        }()
    }

    struct Row {
        let patterns: [String]
        let presence: String
        let signal: String
        let told: String

        init?(_ line: Substring) {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 9, words[5] == "->" else { return nil }
            patterns = Array(words[..<5])
            (presence, signal, told) = (words[6], words[7], words[8])
        }

        func isOf(_ cell: Cell) -> Bool {
            let words = [
                cell.presence, cell.signal, cell.latches ? "yes" : "no", cell.priority.rawValue, cell.input,
            ]
            return zip(patterns, words).allSatisfy { $0 == "*" || $0 == $1 }
        }
    }

    static let rows: [Row] = {
        let file = Repository.path("Tests/AlarmsTests/states.txt")
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap(Row.init)
    }()

    static let off = AlarmSwitch(bed: "chair-1", name: "NABD_TEST", metric: "MDC_TEST")

    static func record(_ priority: AlertPriority, _ instance: String) -> AlertRecord {
        AlertRecord(
            device: "d", bed: "chair-1", metric: "MDC_TEST", name: "NABD_TEST", priority: priority, text: "words",
            arabicText: "كلمات", instance: instance)
    }

    /// A ledger, and the journal that it is the fold of.
    struct World {
        var ledger = AlarmLedger()
        var written: [UnitEvent] = []
        var now: Int64 = 1_000_000_000

        mutating func take(_ events: [AlarmEvent]) { written += ledger.take(events, at: now, utc: now) }

        var alarm: Alarm? { ledger.standing.first }
    }

    static func world(_ cell: Cell) throws -> World {
        var world = World()
        guard cell.presence != "off" else { return world }
        let record = record(cell.priority, "i-1")
        world.take(world.ledger.begin(record, nature: .physiological, latches: cell.latches))
        switch cell.signal {
        case "escalated": world.take([.changed(record, .escalated)])
        case "paused": world.take(try world.ledger.pause(bed: "chair-1", for: 1_000_000_000, by: ["a"], at: world.now))
        case "off":
            // Of one that may be.
            world.take(
                try world.ledger.switchOff(off, nature: .physiological, priority: cell.priority, by: ["a"]))
        default: break
        }
        switch cell.presence {
        case "latched": world.take(world.ledger.end(record.condition))
        case "ack": world.take(try world.ledger.acknowledge(["i-1"], by: ["a"]))
        default: break
        }
        return world
    }

    static func put(_ input: String, to world: inout World, _ cell: Cell) -> [AlarmEvent]? {
        let condition = record(.low, "").condition
        do throws(AlarmRefusal) {
            switch input {
            case "begins":
                return world.ledger.begin(record(cell.priority, "i-2"), nature: .physiological, latches: cell.latches)
            case "worse": return world.ledger.raise(record(.high, "i-3"), latches: cell.latches)
            case "ends": return world.ledger.end(condition)
            case "acknowledge": return try world.ledger.acknowledge(["i-1"], by: ["b"])
            case "pause": return try world.ledger.pause(bed: "chair-1", for: 60_000_000_000, by: ["b"], at: world.now)
            case "switchOff":
                return try world.ledger.switchOff(off, nature: .physiological, priority: cell.priority, by: ["b"])
            case "switchOn": return try world.ledger.switchOn(off, by: ["b"])
            case "nobody":
                world.now += 600_000_000_000
                return world.ledger.due(at: world.now)
            default: return world.ledger.beginSession { _ in true }
            }
        } catch { return nil }
    }

    private static func word(_ event: AlarmEvent) -> String {
        switch event {
        case .began: "began"
        case .ended: "ended"
        case .switchedOff: "switchedOff"
        case .switchedOn: "switchedOn"
        case .ledger: "ledger"
        case .changed(_, .switchedOff): "off"
        case .changed(_, .switchedOn): "on"
        case .changed(_, .acknowledged): "acknowledged"
        case .changed(_, .paused): "paused"
        case .changed(_, .priorityRaised): "priorityRaised"
        case .changed(_, let change): "\(change)"
        }
    }

    private static func signal(_ alarm: Alarm?) -> String {
        guard let alarm, alarm.presence != .ack else { return "none" }
        switch alarm.activation {
        case .on: return alarm.isEscalated ? "escalated" : "given"
        case .paused: return "paused"
        case .off: return "off"
        }
    }

    @Test func everyCellIsInTheTableOnce() {
        #expect(Cell.all.count == (4 * 2 + 4 + 2 * 2) * 3 * 9)
        // Each row that is written is one that is read.
        #expect(Set(Self.rows.flatMap { row in Cell.all.filter(row.isOf) }).count == Cell.all.count)
        for row in Self.rows { #expect(Cell.all.contains(where: row.isOf), "\(row.patterns)") }
        for cell in Cell.all { #expect(Self.rows.filter { $0.isOf(cell) }.count == 1, "\(cell)") }
    }

    @Test func whatTheTableSaysBecomesOfIt() throws {
        for cell in Cell.all {
            let row = try #require(Self.rows.first { $0.isOf(cell) })
            var world = try Self.world(cell)
            #expect(world.alarm?.presence.rawValue ?? "off" == cell.presence, "\(cell)")
            #expect(Self.signal(world.alarm) == cell.signal, "\(cell)")
            // A latched one of a switch that was off is brought back by it too.
            let events = Self.put(cell.input, to: &world, cell)
            world.take(events ?? [])
            let told = events.map { $0.isEmpty ? "-" : $0.map(Self.word).joined(separator: "+") } ?? "refused"
            #expect(told == row.told, "\(cell)")
            #expect(world.alarm?.presence.rawValue ?? "off" == row.presence, "\(cell)")
            #expect(Self.signal(world.alarm) == (row.signal == "=" ? cell.signal : row.signal), "\(cell)")
            if cell.input == "restart", world.alarm?.presence != .latched, let alarm = world.alarm {
                #expect(alarm.isUnconfirmed, "\(cell)")
            }
        }
    }

    @Test func whatWasNotSeenAgainEndsAndWhatLatchesStays() throws {
        for latches in [true, false] {
            var world = World()
            world.take(world.ledger.begin(Self.record(.high, "i-1"), nature: .technical, latches: latches))
            world.take(world.ledger.beginSession { _ in true })
            var seen = world
            seen.take(seen.ledger.begin(Self.record(.high, "i-9"), nature: .technical, latches: latches))
            #expect(seen.alarm?.isUnconfirmed == false && seen.alarm?.record.instance == "i-1")
            world.take(world.ledger.end(Self.record(.high, "").condition, reason: .notSeenAgain))
            #expect(world.alarm?.presence == (latches ? .latched : nil))
            var gone = seen
            gone.take(gone.ledger.beginSession { _ in false })
            #expect(gone.ledger.standing.isEmpty)
        }
    }

    /// What began as a milder one and became worse may not come and go with nobody there either; nor after a kill.
    @Test func whatBecameWorseStandsUntilSomebodyHasSeenIt() throws {
        for latches in [true, false] {
            var world = World()
            world.take(world.ledger.begin(Self.record(.medium, "i-1"), nature: .physiological, latches: false))
            world.take(world.ledger.raise(Self.record(.high, "i-2"), latches: latches))
            var read = AlarmLedger()
            for event in world.written {
                let told = AlarmEvent(
                    kind: event.kind.name, device: event.device, body: event.members.text, at: event.monotonic)
                read.apply(try #require(told), at: event.monotonic, utc: event.monotonic)
            }
            #expect(read.standing.map(\.latches) == [latches])
            world.take(world.ledger.end(Self.record(.high, "").condition))
            #expect(world.alarm?.presence == (latches ? .latched : nil))
        }
    }

    /// Somebody acknowledges what was shown: what has become worse since was seen by nobody, and all waits.
    @Test func whatBecameWorseSinceItWasShownIsNotAcknowledged() throws {
        var world = World()
        world.take(world.ledger.begin(Self.record(.medium, "i-1"), nature: .physiological, latches: false))
        let other = AlertRecord(
            device: "d", bed: "chair-1", metric: "MDC_OTHER", name: "NABD_TEST", priority: .low, text: "words",
            arabicText: "كلمات", instance: "i-2")
        world.take(world.ledger.begin(other, nature: .physiological, latches: false))
        world.take(world.ledger.raise(Self.record(.high, "i-3"), latches: true))
        let (ledger, both) = (world.ledger, ["i-2", "i-1"])
        #expect(throws: AlarmRefusal.hasBecomeWorse) {
            try ledger.acknowledge(both, seenAs: [.low, .medium], by: ["a"])
        }
        // The same one named twice: it was seen as the milder one, too.
        #expect(throws: AlarmRefusal.hasBecomeWorse) {
            try ledger.acknowledge(["i-1", "i-1"], seenAs: [.high, .low], by: ["a"])
        }
        #expect(try ledger.acknowledge(both, seenAs: [.low, .high], by: ["a"]).count == 2)
        #expect(try ledger.acknowledge(both, seenAs: [.high, .high], by: ["a"]).count == 2)
        #expect(try ledger.acknowledge(both, by: ["a"]).count == 2, "where nobody says how it was seen")
    }

    @Test func highTechnicalOnesCannotBeSwitchedOff() throws {
        for priority in AlertPriority.allCases {
            for nature in AlertNature.allCases {
                var world = World()
                let mayBe = nature == .physiological || priority != .high
                let asked = Result { [world] () throws(AlarmRefusal) in
                    try world.ledger.switchOff(Self.off, nature: nature, priority: priority, by: ["a"])
                }
                #expect((try? asked.get()) != nil || !mayBe)
                #expect(mayBe || asked == .failure(.mayNotBeOff))
                // What stands and is worse than what was asked for counts too.
                world.take(world.ledger.begin(Self.record(priority, "i-1"), nature: nature, latches: false))
                let low = Result { [world] () throws(AlarmRefusal) in
                    try world.ledger.switchOff(Self.off, nature: nature, priority: .low, by: ["a"])
                }
                #expect(mayBe || low == .failure(.mayNotBeOff))
            }
        }
    }

    /// Whoever switched off what is mild has not switched off what is worse.
    @Test func whatIsOffDoesNotHideWhatMayNotBe() throws {
        var world = World()
        world.take(try world.ledger.switchOff(Self.off, nature: .technical, priority: .medium, by: ["a"]))
        world.take(world.ledger.begin(Self.record(.medium, "i-1"), nature: .technical, latches: false))
        #expect(world.alarm?.activation == .off)
        world.take(world.ledger.raise(Self.record(.high, "i-2"), latches: true))
        #expect(world.alarm?.activation == .on && world.alarm?.priority == .high)
        var other = World()
        other.take(try other.ledger.switchOff(Self.off, nature: .technical, priority: .medium, by: ["a"]))
        other.take(other.ledger.begin(Self.record(.high, "i-1"), nature: .technical, latches: false))
        #expect(other.alarm?.activation == .on)
    }

    /// That nobody sees a condition for a while ends a pause, and switches nothing on.
    @Test func doubtEndsAPauseAndNothingElse() throws {
        for signal in ["given", "paused", "off"] {
            var world = try Self.world(
                Cell(presence: "on", signal: signal, latches: false, priority: .medium, input: "doubt"))
            world.take(world.ledger.doubt(Self.record(.medium, "").condition))
            #expect(world.alarm?.isUnconfirmed == true && world.ledger.doubt(world.alarm?.condition ?? "").isEmpty)
            #expect(world.alarm?.activation == (signal == "off" ? .off : .on))
            world.take(world.ledger.confirm(Self.record(.medium, "").condition))
            #expect(world.alarm?.isUnconfirmed == false)
        }
    }

    @Test func anotherPatientEndsWhatIsOff() throws {
        var world = World()
        world.take(try world.ledger.switchOff(Self.off, nature: .physiological, priority: .high, by: ["a"]))
        world.take(world.ledger.begin(Self.record(.high, "i-1"), nature: .physiological, latches: false))
        #expect(world.alarm?.activation == .off)
        world.take(world.ledger.switchAllOn(bed: "chair-2"))
        #expect(world.alarm?.activation == .off)
        world.take(world.ledger.switchAllOn(bed: "chair-1"))
        #expect(world.alarm?.activation == .on && world.ledger.switchedOff.isEmpty)
    }
}
