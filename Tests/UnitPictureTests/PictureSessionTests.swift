import Alarms
import CommandFacts
import DeviceModel
import Foundation
import GRDB
import Patients
import TestSupport
import Testing

@testable import SampleJournal
@testable import UnitPicture

/// Sessions that end, machines that start anew, files that are damaged, devices that say anything.
@Suite struct PictureSessionTests {
    private static let second = PictureUnit.second

    private static func whole(_ reader: PictureReader, _ unit: PictureUnit) -> [String: Any] {
        PictureClient.object(reader.whole(now: unit.time))
    }

    /// Nothing in it looks as if it were of now.
    private static func looksCurrent(_ picture: [String: Any], _ waves: [[UInt8]]) -> [String] {
        var found: [String] = []
        if picture["recording"] as? Bool != false { found.append("recording") }
        if (picture["values"] as? [Any])?.isEmpty != true { found.append("values") }
        if waves.contains(where: { (PictureClient.object($0)["waves"] as? [Any])?.isEmpty != true }) {
            found.append("waves")
        }
        for device in picture["devices"] as? [[String: Any]] ?? [] where device["link"] as? String != "awaited" {
            found.append("link of \(device["device"] ?? "")")
        }
        for alarm in picture["alarms"] as? [[String: Any]] ?? [] where alarm["unconfirmed"] as? Bool != true {
            found.append("an alarm")
        }
        for bed in picture["beds"] as? [[String: Any]] ?? [] where !(bed["score"] is NSNull) { found.append("a score") }
        return found
    }

    private static func busy() throws -> PictureUnit {
        let unit = try PictureUnit()
        try unit.bind("chair-1")
        try unit.record([UnitEvent.bed(.scoreGiven, ScoreStory.members(total: 3), at: unit.now)].compactMap(\.self))
        try unit.take(unit.ledger.begin(unit.alert("A1"), nature: .physiological, latches: false))
        try unit.line(.deviceConnected, "monitor")
        unit.sample(PictureUnit.saturation, 97)
        unit.wave(PictureUnit.ecg)
        try unit.commit()
        return unit
    }

    @Test func aSessionThatEndedIsNotOfNow() throws {
        let unit = try Self.busy()
        let reader = try unit.reader()
        // The checker finds what is of now.
        #expect(Self.looksCurrent(Self.whole(reader, unit), reader.beds.map(reader.waves)).count == 6)
        unit.now += Self.second
        try unit.end()
        let beat = try reader.take(now: unit.time)
        #expect(beat.isWhole && PictureClient.object(beat.changes)["recording"] as? Bool == false)
        for reader in [reader, try unit.reader()] {
            let picture = Self.whole(reader, unit)
            #expect(Self.looksCurrent(picture, reader.beds.map(reader.waves)).isEmpty)
            #expect((picture["alarms"] as? [Any])?.count == 1)
            #expect((picture["beds"] as? [[String: Any]])?.contains { !($0["patient"] is NSNull) } == true)
        }
    }

    @Test func aSessionOfAnotherBootIsNotOfNow() throws {
        let unit = try Self.busy()
        let reader = try unit.reader(boot: "another")
        #expect(Self.looksCurrent(Self.whole(reader, unit), reader.beds.map(reader.waves)).isEmpty)
        // What is still written of it is not, either.
        unit.now += Self.second
        unit.sample(PictureUnit.saturation, 98)
        unit.wave(PictureUnit.ecg)
        try unit.commit()
        let beat = try reader.take(now: unit.time)
        #expect(beat.waves.isEmpty && PictureClient.object(beat.changes)["values"] == nil)
    }

    /// Another session: a new picture, whose clock may be another one's, with nothing of the last's values.
    @Test(arguments: ["boot", "later"]) func anotherSessionIsAnotherPicture(boot: String) throws {
        let unit = try Self.busy()
        let reader = try unit.reader(boot: boot)
        try unit.restart(boot: boot, at: boot == "boot" ? nil : Self.second)
        #expect(try reader.take(now: unit.time).isWhole)
        var picture = Self.whole(reader, unit)
        #expect(picture["session"] as? String == unit.writer.sessionKey && picture["recording"] as? Bool == true)
        #expect((picture["values"] as? [Any])?.isEmpty == true)
        #expect((picture["alarms"] as? [[String: Any]])?.first?["unconfirmed"] as? Bool == true)
        unit.now += Self.second
        unit.sample(PictureUnit.saturation, 91)
        try unit.commit()
        let beat = try reader.take(now: unit.time)
        #expect(
            !beat.isWhole && (PictureClient.object(beat.changes)["values"] as? [[Any]])?.first?[2] as? String == "91")
        picture = Self.whole(try unit.reader(boot: boot), unit)
        #expect((picture["values"] as? [Any])?.count == 1)
        // Who is there came in the session before.
        let bed = (picture["beds"] as? [[String: Any]])?.first { $0["bed"] as? String == "chair-1" }
        let since = (bed?["patient"] as? [String: Any])?["since"] as? Int64
        #expect(since == (100 * Self.second + PictureUnit.utc) / 1_000_000)
    }

    /// Whoever fell behind by more than a packed span meets samples again, and takes each once.
    @Test func packedCommitsAreTakenOnce() throws {
        let unit = try PictureUnit()
        let reader = try unit.reader()
        func seconds(_ count: Int) throws {
            for _ in 0..<count {
                unit.now += Self.second
                unit.wave(PictureUnit.pleth)
                unit.sample(PictureUnit.saturation, unit.now / Self.second)
                try unit.commit(isTidied: true)
            }
        }
        try seconds(30)
        _ = try reader.take(now: unit.time)
        try seconds(120)
        let packed = try JournalReader(directory: unit.directory).chunks(after: 0, limit: 1000).filter {
            $0.content != .commit
        }
        #expect(!packed.isEmpty)
        let beat = try reader.take(now: unit.time)
        var client = PictureClient()
        for text in beat.waves.values { client.add(text) }
        #expect(PictureClient.object(beat.changes)["values"] as? [[Any]] != nil)
        let samples = client.waves.values.first ?? [:]
        #expect((395...405).contains(samples.count), "8 s at 50 a second: \(samples.count)")
        #expect(samples.values.map(\.time).min() ?? 0 >= Double(unit.now / 1_000_000 - 8000))
    }

    /// A damaged block costs itself: the waveform has a hole there, and all else is as it was.
    @Test func aDamagedBlockCostsItself() throws {
        let unit = try PictureUnit()
        let reader = try unit.reader()
        for round in 0..<3 {
            unit.now += Self.second
            unit.wave(PictureUnit.ecg)
            unit.sample(PictureUnit.saturation, 90 + Int64(round))
            try unit.commit()
        }
        let queue = try DatabaseQueue(path: unit.writer.files.newest(.samples).path)
        let number = try #require(
            try JournalReader(directory: unit.directory).chunks(after: 0, limit: 9).dropFirst().first)
        try queue.write { db in
            var payload = number.payload
            // In the middle of the waveform's values; the row's own sum covers what stands beside the blocks.
            payload[payload.count / 2] ^= 0xFF
            try db.execute(
                sql: "UPDATE chunks SET payload = ? WHERE id = ?", arguments: [Data(payload), number.id])
        }
        _ = try reader.take(now: unit.time)
        var client = PictureClient()
        client.load(reader.whole(now: unit.time), waves: reader.beds.map(reader.waves))
        let values = client.members["values"] as? [[Any]] ?? []
        #expect(values.contains { $0[2] as? String == "92" })
        let samples = client.waves.values.first ?? [:]
        #expect(samples.count > 100 && samples.count < 375)
        let entries = reader.beds.flatMap { bed in
            PictureClient.object(reader.waves(of: bed))["waves"] as? [[Any]] ?? []
        }
        #expect(entries.count > 1, "a hole begins a new entry")
        #expect(Self.whole(try unit.reader(), unit)["values"] as? [[Any]] != nil)
    }

    /// A row of events that is not as it was written: nobody is known to be at a bed, and the rest is there.
    @Test func aDamagedEventCostsWhatItMust() throws {
        let unit = try Self.busy()
        let reader = try unit.reader()
        unit.now += Self.second
        let number = try unit.say([.entered(bed: "chair-1", BedEntry(item: "oxygen", value: "air", by: ["layla"]))])
        unit.now += Self.second
        try unit.line(.deviceSilent, "monitor", text: "x")
        let queue = try DatabaseQueue(path: unit.writer.files.newest(.events).path)
        try queue.write { try $0.execute(sql: "UPDATE events SET body = '{}' WHERE id = ?", arguments: [number]) }
        _ = try reader.take(now: unit.time)
        let picture = Self.whole(reader, unit)
        let bed = (picture["beds"] as? [[String: Any]])?.first { $0["bed"] as? String == "chair-1" }
        #expect(bed?["isLost"] as? Bool == true && bed?["patient"] is NSNull)
        #expect((picture["devices"] as? [[String: Any]])?.contains { $0["link"] as? String == "silent" } == true)
        #expect((picture["values"] as? [Any])?.isEmpty == false)
    }

    /// Whatever a device or a file says is a text on one line, and not endless.
    @Test func hostileTextsAreTexts() throws {
        let unit = try PictureUnit()
        let hostile = "<script>\n\u{202E}\"\\\u{0}" + String(repeating: "ab\u{300}", count: 5000)
        try unit.take(unit.ledger.begin(unit.alert("A1", text: hostile), nature: .technical, latches: false))
        unit.sample(PictureUnit.drug, 0, text: "\u{202E}\"<b>\n\u{7}x")
        try unit.record([
            .deviceConfigured(
                "oximeter", profile: hostile, digest: "d", manufacturer: hostile, model: "m", function: "f", line: "l",
                hasUnverifiedFacts: false, at: unit.now)
        ])
        try unit.writer.record(
            [JournalWriter.Event("fromTheFuture", device: "oximeter", body: ["x": .string(hostile)], monotonic: 1)],
            now: unit.now, utcOffset: PictureUnit.utc, quality: .synchronised)
        try unit.writer.record(
            [JournalWriter.Event("alertStart", device: "oximeter", body: ["alert": .integer(7)], monotonic: 1)],
            now: unit.now, utcOffset: PictureUnit.utc, quality: .synchronised)
        try unit.commit()
        let reader = try unit.reader()
        let whole = reader.whole(now: unit.time)
        #expect(!whole.contains(0x0A) && !whole.contains(0x0D) && whole.count < 20_000)
        let picture = Self.whole(reader, unit)
        let text = (picture["alarms"] as? [[String: Any]])?.first?["text"] as? String ?? ""
        #expect(text.hasPrefix("<script>\n\u{202E}\"\\\u{0}") && text.unicodeScalars.count == 400)
        #expect((picture["values"] as? [[Any]])?.first?[2] as? String == "\u{202E}\"<b>\n\u{7}x")
    }

    @Test func aJournalWithoutASessionIsEmpty() throws {
        let unit = try PictureUnit()
        let queue = try DatabaseQueue(path: unit.writer.files.newest(.samples).path)
        try queue.write { try $0.execute(sql: "DELETE FROM sessions") }
        let reader = try unit.reader()
        #expect(Self.looksCurrent(Self.whole(reader, unit), reader.beds.map(reader.waves)).isEmpty)
        #expect(!(try reader.take(now: unit.time)).isWhole)
    }
}
