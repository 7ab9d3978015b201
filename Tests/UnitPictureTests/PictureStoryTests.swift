import Alarms
import CommandFacts
import DeviceModel
import Foundation
import Patients
import Scores
import TestSupport
import Testing

@testable import SampleJournal
@testable import UnitPicture

/// Whoever watched from the beginning sees what somebody sees who comes now.
@Suite struct PictureStoryTests {
    /// A random story of a unit.
    private struct Story {
        let unit: PictureUnit
        var chance: SeededGenerator
        var drafts: [Int64] = []

        init(seed: UInt64) throws {
            unit = try PictureUnit()
            chance = SeededGenerator(seed: seed)
        }

        /// Something happens.
        mutating func step() throws {
            let second = PictureUnit.second
            unit.now += [second / 4, second / 4, second, 20 * second].randomElement(using: &chance) ?? second
            switch Int.random(in: 0..<24, using: &chance) {
            case 0:
                try unit.take(
                    unit.ledger.begin(
                        unit.alert("A\(Int.random(in: 0..<4, using: &chance))"), nature: .physiological,
                        latches: Bool.random(using: &chance)))
            case 1:
                if let alarm = unit.ledger.standing.randomElement(using: &chance) {
                    try unit.take(unit.ledger.end(alarm.condition))
                }
            case 2:
                if let alarm = unit.ledger.standing.first, let instance = alarm.record.instance {
                    try unit.take(unit.ledger.acknowledge([instance], by: ["amal"]))
                }
            case 3: try? unit.take(unit.ledger.pause(bed: "chair-2", for: 30 * second, by: ["amal"], at: unit.now))
            case 4: try unit.take(unit.ledger.due(at: unit.now))
            case 5:
                try? unit.take(
                    unit.ledger.switchOff(
                        AlarmSwitch(bed: "chair-2", name: "A1", metric: "M"), nature: .physiological, priority: .medium,
                        by: ["amal"]))
            case 6: try unit.bind("chair-1")
            case 7:
                if let open = unit.bindings.openBinding(atBed: "chair-1") {
                    try unit.say([.unbound(bed: "chair-1", binding: open.number, by: ["layla"])])
                }
            case 8: try unit.say([.entered(bed: "chair-1", BedEntry(item: "consciousness", value: "A", by: ["layla"]))])
            case 9:
                try unit.record(
                    [
                        UnitEvent.bed(
                            .scoreGiven, ScoreStory.members(total: Int.random(in: 0..<9, using: &chance)), at: unit.now)
                    ].compactMap(\.self))
            case 10: try unit.choose("icu", low: "\(Int.random(in: 88..<93, using: &chance))")
            case 11: drafts.append(try unit.command(.drafted(try unit.content(), by: Operator("amal"))))
            case 12: if let draft = drafts.popLast() { try unit.command(.verified(draft, by: Operator("basma"))) }
            case 13: if let draft = drafts.popLast() { try unit.command(.withdrawn(draft, by: Operator("amal"))) }
            case 14: try unit.line(.deviceSilent, "oximeter", text: "noise")
            case 15: try unit.line(.deviceConnected, "oximeter")
            case 16: try unit.line(.wrongDevice, "monitor", text: "77")
            case 17: try unit.line(.deviceDisconnected, "pump", figure: 5)
            case 18:
                try unit.say([
                    .configured(
                        bed: "chair-2",
                        ConfiguredBed(
                            name: "Chair 2", nameArabic: "ك",
                            devices: Bool.random(using: &chance) ? ["monitor", "fridge"] : ["monitor"]))
                ])
            case 19: if drafts.isEmpty { try unit.writer.beginEventFile(); try unit.summarise() }
            case 20: try unit.commit(); try unit.writer.beginSampleFile(isTrusted: true)
            case 21: try unit.record([.deviceReleased("fridge", at: unit.now)])
            default: break
            }
            try samples()
            try unit.commit(isTidied: Int.random(in: 0..<4, using: &chance) == 0)
        }

        private mutating func samples() throws {
            let bad = Int.random(in: 0..<6, using: &chance)
            unit.wave(PictureUnit.pleth, hole: bad == 1, isLost: bad == 2)
            unit.wave(PictureUnit.ecg, hole: bad == 3)
            unit.sample(
                PictureUnit.saturation, Int64.random(in: 80..<100, using: &chance),
                validity: bad == 4 ? .invalid : .valid, reason: bad == 4 ? .sentinel : .none)
            if bad == 5 { unit.sample(PictureUnit.pressure, 120) }
            unit.sample(PictureUnit.rate, Int64.random(in: 0..<999, using: &chance))
            unit.sample(PictureUnit.drug, 0, text: bad == 0 ? "Cisplatin" : "Saline")
            unit.sample(PictureUnit.cold, Int64(bitPattern: Double(bad).bitPattern))
        }
    }

    private static func fresh(_ unit: PictureUnit) throws -> PictureClient {
        let reader = try unit.reader()
        var client = PictureClient()
        client.load(reader.whole(now: unit.time), waves: reader.beds.map(reader.waves))
        return client
    }

    private static func take(_ reader: PictureReader, _ unit: PictureUnit, into client: inout PictureClient) throws {
        let beat = try reader.take(now: unit.time)
        if beat.isWhole {
            client.load(reader.whole(now: unit.time), waves: reader.beds.map(reader.waves))
        } else {
            client.apply(beat.changes)
            for text in beat.waves.values { client.add(text) }
        }
    }

    @Test(arguments: 0..<8) func theBeatsComeToTheWhole(seed: UInt64) throws {
        var story = try Story(seed: seed)
        let reader = try story.unit.reader()
        var client = try Self.fresh(story.unit)
        var (beats, wholes) = (0, 0)
        for step in 0..<120 {
            try story.step()
            // Now and then a screen is late by some commits.
            guard Int.random(in: 0..<3, using: &story.chance) > 0 else { continue }
            beats += 1
            try Self.take(reader, story.unit, into: &client)
            let other = try Self.fresh(story.unit)
            if client.text != other.text {
                wholes += 1
                let (one, two) = (client.text.split(separator: "\n"), other.text.split(separator: "\n"))
                let place = zip(one, two).enumerated().first { $1.0 != $1.1 }?.offset ?? 0
                let around = [one, two].map { $0.dropFirst(max(0, place - 12)).prefix(16).joined(separator: "\n") }
                Issue.record("step \(step): \(around[0]) but \(around[1])")
                return
            }
            if let waves = client.differences(fromWavesOf: other).first {
                Issue.record("step \(step): \(waves)")
                return
            }
        }
        #expect(beats > 40)
    }

    /// Both comparisons find a beat that was left out.
    @Test func aBeatThatWasLeftOutIsFound() throws {
        let unit = try PictureUnit()
        let reader = try unit.reader()
        var client = try Self.fresh(unit)
        unit.now += PictureUnit.second
        unit.sample(PictureUnit.saturation, 97)
        unit.wave(PictureUnit.pleth)
        try unit.commit()
        _ = try reader.take(now: unit.time)
        unit.now += PictureUnit.second
        unit.sample(PictureUnit.rate, 10)
        unit.wave(PictureUnit.pleth)
        try unit.commit()
        try Self.take(reader, unit, into: &client)
        let other = try Self.fresh(unit)
        #expect(client.text != other.text && !client.differences(fromWavesOf: other).isEmpty)
        // And a value that is other.
        var wrong = other
        wrong.apply(Array(#"{"values":[[3,1,"12","valid",""]]}"#.utf8))
        #expect(wrong.text != other.text)
    }
}

/// A score as an event has it.
enum ScoreStory {
    static func members(bed: String = "chair-1", total: Int) -> JSON {
        .members([
            "bed": .string(bed), "score": .string("news2"), "total": .integer(total), "band": .string("low"),
            "missing": .array([]),
            "parts": .members(["pulse": .members(["points": .integer(total), "value": .string("72")])]),
        ])
    }
}
