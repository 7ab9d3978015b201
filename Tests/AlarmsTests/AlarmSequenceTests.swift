import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import Alarms

/// Stories of alerts, made by chance: what must be true at each moment of each.
@Suite struct AlarmSequenceTests {
    private static let names = ["NABD_A", "NABD_B", "NABD_C"]
    private static let minute: Int64 = 60_000_000_000

    /// What the journal holds, read as a host that begins reads it.
    static func fold(_ written: [(event: UnitEvent, time: Int64)]) -> AlarmLedger? {
        var ledger = AlarmLedger()
        for (event, time) in written {
            guard
                let read = AlarmEvent(
                    kind: event.kind.name, device: event.device, body: event.members.text, at: event.monotonic)
            else { return nil }
            ledger.apply(read, at: event.monotonic, utc: time)
        }
        return ledger
    }

    private struct Story {
        var ledger = AlarmLedger()
        var written: [(event: UnitEvent, time: Int64)] = []
        var now: Int64 = 0
        var chance: SeededGenerator
        var count = 0
        var begun: Set<String> = []
        var ended: Set<String> = []
        /// Since when an alert is silent by a person's word, by instance.
        var silent: [String: Int64] = [:]

        mutating func record() -> (AlertRecord, AlertNature, Bool) {
            count += 1
            let priority = AlertPriority.allCases.randomElement(using: &chance) ?? .low
            let bed = [nil, "chair-1", "chair-2"].randomElement(using: &chance) ?? nil
            let record = AlertRecord(
                device: "d", bed: bed, metric: bed.map { _ in "MDC_TEST" },
                name: names.randomElement(using: &chance) ?? "", priority: priority, text: "t", arabicText: "ت",
                instance: "i-\(count)")
            return (record, .allCases.randomElement(using: &chance) ?? .technical, .random(using: &chance))
        }

        private let names = AlarmSequenceTests.names

        let isKilled: Bool

        init(seed: UInt64, isKilled: Bool = true) {
            (chance, self.isKilled) = (SeededGenerator(seed: seed), isKilled)
        }

        mutating func take(_ events: [AlarmEvent]) {
            for event in events {
                switch event {
                case .began(let record, _, _, _):
                    #expect(begun.insert(record.instance ?? "").inserted)
                case .ended(let record, let reason, let people, _):
                    #expect(begun.contains(record.instance ?? "") && ended.insert(record.instance ?? "").inserted)
                    #expect(reason != .acknowledged || !people.isEmpty)
                case .changed(let record, .acknowledged(let people)):
                    #expect(!people.isEmpty)
                    silent[record.instance ?? ""] = now
                case .changed(let record, .paused(let until, let people)):
                    #expect(!people.isEmpty && until - now <= AlarmPolicy.longestPause)
                    silent[record.instance ?? ""] = now
                default: break
                }
            }
            written += ledger.take(events, at: now, utc: now).map { ($0, now) }
        }

        mutating func step() throws {
            let standing = ledger.standing
            let one = standing.randomElement(using: &chance)
            switch Int.random(in: 0..<16, using: &chance) {
            case 0..<4:
                let (record, nature, latches) = record()
                take(ledger.begin(record, nature: nature, latches: latches))
            case 4: if let one { take(ledger.raise(one.record.occurrence(nil), latches: true)) }
            case 5..<8: if let one { take(ledger.end(one.condition)) }
            case 8:
                if let instance = one?.record.instance { take(try ledger.acknowledge([instance], by: ["nora"])) }
            case 9:
                let duration = Int64.random(in: 1...AlarmPolicy.longestPause, using: &chance)
                if let events = try? ledger.pause(bed: one?.record.bed, for: duration, by: ["nora"], at: now) {
                    take(events)
                }
            case 10:
                let off = AlarmSwitch(bed: "chair-1", name: AlarmSequenceTests.names[0], metric: "MDC_TEST")
                if let events = try? ledger.switchOff(off, nature: .physiological, priority: .low, by: ["nora"]) {
                    take(events)
                }
            case 11: take(ledger.switchAllOn(bed: "chair-1"))
            case 12 where isKilled && Int.random(in: 0..<20, using: &chance) == 0:
                // Killed, and begun anew.
                ledger = try #require(AlarmSequenceTests.fold(written))
                take(ledger.beginSession { $0.name != AlarmSequenceTests.names[2] })
                take([.ledger(ledger.standing, switchedOff: ledger.switchedOff)])
                written.removeFirst(written.count - 1)
            default:
                now += Int64.random(in: 0...AlarmSequenceTests.minute / 2, using: &chance)
                take(ledger.due(at: now))
            }
        }

        /// No high one is silent for long, but what somebody switched off, which is visible as such.
        func check() {
            for alarm in ledger.standing where alarm.holds && alarm.priority == .high && alarm.activation != .off {
                switch alarm.state {
                case .on(.paused, _), .ack:
                    let since = silent[alarm.record.instance ?? ""] ?? 0
                    // Whoever looks at what is due does so every half minute here.
                    let longest = AlarmPolicy.mostPaused + AlarmSequenceTests.minute / 2
                    #expect(now - since <= longest, "\(alarm)")
                case .on, .latched: break
                }
                #expect(alarm.paused <= AlarmPolicy.mostPaused)
            }
            #expect(begun.count == ended.count + ledger.standing.count)
            for off in ledger.switchedOff { #expect(off.bed == "chair-1") }
        }
    }

    /// 10⁶ steps of 100 stories.
    @Test func whatMustBeTrueIsTrueAtEachMoment() throws {
        for seed in 1...100 {
            var story = Story(seed: UInt64(seed))
            for step in 0..<10_000 {
                try story.step()
                story.check()
                // What the journal holds gives the same, in each of its moments.
                if step % 500 == 0 {
                    let read = try #require(Self.fold(story.written))
                    #expect(Self.afterStart(read) == Self.afterStart(story.ledger))
                }
            }
            let standing = story.ledger.standing
            for alarm in standing { story.take(story.ledger.end(alarm.condition)) }
            story.take(try story.ledger.acknowledge(story.ledger.standing.compactMap(\.record.instance), by: ["nora"]))
            #expect(story.ledger.standing.isEmpty && story.begun == story.ended)
        }
    }

    /// As a host that begins knows it: times within the session before count no more.
    private static func afterStart(_ ledger: AlarmLedger) -> [String] {
        var ledger = ledger
        _ = ledger.take(ledger.beginSession { _ in true }, at: 7, utc: 7)
        return ledger.standing.map { alarm in
            "\(alarm.record) \(alarm.priority) \(alarm.nature) \(alarm.latches) \(alarm.presence) \(alarm.activation) "
                + "\(alarm.isUnconfirmed) \(alarm.count) \(alarm.began) \(alarm.paused) \(alarm.acknowledgedBy)"
        }
    }

    /// A kill between any two writes leaves what was written, and nothing else.
    @Test func aKillAtEachWriteLeavesTheSameStates() throws {
        for seed in 1...10 {
            var story = Story(seed: UInt64(seed), isKilled: false)
            var states: [(count: Int, state: [String])] = []
            for _ in 0..<1_000 {
                try story.step()
                states.append((story.written.count, Self.afterStart(story.ledger)))
            }
            for (count, state) in states.enumerated().filter({ $0.offset % 9 == 0 }).map(\.element) {
                let read = try #require(Self.fold(Array(story.written.prefix(count))))
                #expect(Self.afterStart(read) == state)
            }
        }
    }

    @Test func aDamagedEventIsNone() throws {
        var story = Story(seed: 7)
        for _ in 0..<400 { try story.step() }
        var chance = SeededGenerator(seed: 1)
        var ledger = AlarmLedger()
        for (event, time) in story.written {
            var body = Array(event.members.text.utf8)
            for _ in 0..<3 {
                body[Int.random(in: 0..<body.count, using: &chance)] = .random(in: 0...255, using: &chance)
            }
            let text = String(decoding: body, as: UTF8.self)
            for kind in EventKind.allCases {
                let read = AlarmEvent(kind: kind.name, device: event.device, body: text, at: time)
                if let read { ledger.apply(read, at: time, utc: time) }
            }
        }
        _ = ledger.take(ledger.due(at: .max / 2), at: .max / 2, utc: 0)
    }
}
