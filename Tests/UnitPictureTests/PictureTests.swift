import Alarms
import CommandFacts
import DeviceModel
import Foundation
import Patients
import TestSupport
import Testing

@testable import SampleJournal
@testable import UnitPicture

/// What a picture says.
@Suite struct PictureTests {
    private static let second = PictureUnit.second

    private static func picture(_ unit: PictureUnit, boot: String = "boot") throws -> [String: Any] {
        PictureClient.object(try unit.reader(boot: boot).whole(now: unit.time))
    }

    private static func one(_ picture: [String: Any], _ list: String, _ key: String, _ id: String) -> [String: Any] {
        (picture[list] as? [[String: Any]] ?? []).first { $0[key] as? String == id } ?? [:]
    }

    /// Values by their streams' numbers.
    private static func values(_ picture: [String: Any]) -> [Int: [Any]] {
        Dictionary((picture["values"] as? [[Any]] ?? []).map { ($0[0] as? Int ?? 0, $0) }) { first, _ in first }
    }

    private static func number(_ picture: [String: Any], _ stream: StreamDescriptor) -> Int {
        let streams = picture["streams"] as? [[String: Any]] ?? []
        return streams.first { $0["metric"] as? String == stream.metric && $0["device"] as? String == stream.device }?[
            "n"]
            as? Int ?? -1
    }

    // MARK: What it is made of

    @Test func itTellsTheUnitAndItsBeds() throws {
        let unit = try PictureUnit()
        try unit.bind("chair-1")
        unit.now += 3 * Self.second
        try unit.say([.entered(bed: "chair-1", BedEntry(item: "consciousness", value: "A", by: ["layla"]))])
        try unit.record([UnitEvent.bed(.scoreGiven, ScoreStory.members(total: 3), at: unit.now)].compactMap(\.self))
        try unit.commit()
        let picture = try Self.picture(unit)
        #expect(picture["form"] as? Int == 1 && picture["unit"] as? String == "mobile-1")
        #expect(picture["mark"] as? String == "test" && picture["zone"] as? String == "Asia/Riyadh")
        #expect(picture["commitEvery"] as? Double == 250 && picture["recording"] as? Bool == true)
        #expect(picture["clock"] as? String == "synchronised" && picture["committed"] as? Double == 103_000)
        #expect(picture["session"] as? String == unit.writer.sessionKey)
        let bed = Self.one(picture, "beds", "bed", "chair-1")
        #expect(bed["name"] as? String == "Chair 1" && bed["nameArabic"] as? String == "كرسي 1")
        #expect(bed["devices"] as? [String] == ["oximeter", "pump"] && bed["isLost"] as? Bool == false)
        let patient = bed["patient"] as? [String: Any]
        #expect(patient?["since"] as? Int64 == (100 * Self.second + PictureUnit.utc) / 1_000_000)
        #expect(patient?["by"] as? [String] == ["layla"])
        let score = bed["score"] as? [String: Any]
        #expect(score?["score"] as? String == "NEWS2" && score?["total"] as? Int == 3)
        let entered = bed["entered"] as? [String: [String: Any]]
        #expect(entered?["consciousness"]?["value"] as? String == "A")
        let limits = ((bed["preset"] as? [String: Any])?["limits"] as? [[String: Any]])?.first
        #expect(limits?["metric"] as? String == "MDC_PULS_OXIM_SAT_O2" && limits?["low"] as? String == "90")
        #expect(limits?["lowPriority"] as? String == "medium" && limits?["lowDelay"] as? Double == 15_000)
        #expect(limits?["lowWorse"] as? String == "85" && limits?["lowWorsePriority"] as? String == "high")
        #expect(limits?["high"] is NSNull && limits?["highWorse"] is NSNull)
        // Nothing that tells who the patient is.
        #expect(!String(decoding: try unit.reader().whole(now: unit.time), as: UTF8.self).contains(PictureUnit.subject))
    }

    /// What is of a patient is not the next one's.
    @Test func anotherPatientHasNothingOfTheLast() throws {
        let unit = try PictureUnit()
        try unit.bind("chair-1")
        try unit.say([.entered(bed: "chair-1", BedEntry(item: "consciousness", value: "A", by: ["layla"]))])
        try unit.record([UnitEvent.bed(.scoreGiven, ScoreStory.members(total: 3), at: unit.now)].compactMap(\.self))
        let reader = try unit.reader()
        let open = try #require(unit.bindings.openBinding(atBed: "chair-1"))
        unit.now += Self.second
        try unit.say([.unbound(bed: "chair-1", binding: open.number, by: ["layla"])])
        unit.now += Self.second
        try unit.bind("chair-1")
        let beat = PictureClient.object(try reader.take(now: unit.time).changes)
        for picture in [beat, try Self.picture(unit)] {
            let bed = Self.one(picture, "beds", "bed", "chair-1")
            #expect((bed["patient"] as? [String: Any])?["binding"] as? Int64 != open.number)
            #expect(bed["score"] is NSNull && (bed["entered"] as? [String: Any])?.isEmpty == true)
        }
    }

    @Test func valuesAreAsTheJournalWritesThem() throws {
        let unit = try PictureUnit()
        unit.sample(PictureUnit.saturation, 97)
        unit.sample(PictureUnit.rate, 1234)
        unit.sample(PictureUnit.drug, 0, text: "Cisplatin")
        unit.sample(PictureUnit.cold, Int64(bitPattern: Double.nan.bitPattern))
        unit.sample(PictureUnit.pressure, 300, validity: .invalid, reason: .implausible)
        unit.wave(PictureUnit.pleth)
        try unit.commit()
        let picture = try Self.picture(unit)
        let values = Self.values(picture)
        func value(_ stream: StreamDescriptor) -> [Any] { values[Self.number(picture, stream)] ?? [] }
        #expect(
            value(PictureUnit.saturation)[2] as? String == "97" && value(PictureUnit.saturation)[1] as? Int == 100_000)
        #expect(value(PictureUnit.rate)[2] as? String == "123.4")
        #expect(value(PictureUnit.drug)[2] as? String == "Cisplatin")
        #expect(value(PictureUnit.cold)[2] is NSNull, "no number")
        #expect(value(PictureUnit.pressure)[2] is NSNull, "raw, and not shown")
        #expect(value(PictureUnit.pressure)[3] as? String == "invalid")
        #expect(value(PictureUnit.pressure)[4] as? String == "implausible")
        #expect(value(PictureUnit.saturation)[4] as? String == "")
        #expect(value(PictureUnit.pleth).isEmpty)
    }

    /// A result is never stale by the host's rule; what comes regularly is after three periods and half a second.
    @Test func staleIsByTheRuleOfTheHost() throws {
        let unit = try PictureUnit()
        let streams = try Self.picture(unit)["streams"] as? [[String: Any]] ?? []
        let stale = Dictionary(streams.map { ($0["metric"] as? String ?? "", $0["staleAfter"]) }) { first, _ in first }
        #expect(stale["MDC_PULS_OXIM_SAT_O2"] as? Double == 3500)
        #expect(stale["MDC_ECG_ELEC_POTL_II"] as? Double == 524)
        #expect(stale["MDC_PRESS_BLD_NONINV_SYS"] as? NSNull != nil)
        let kinds = Dictionary(streams.map { ($0["metric"] as? String ?? "", $0["kind"] as? String) }) { $1 ?? $0 }
        #expect(kinds["MDC_ECG_ELEC_POTL_II"] == "wave" && kinds["MDC_DRUG_NAME_LABEL"] == "text")
        #expect(kinds["NABD_TEMP"] == "number")
    }

    @Test func aPumpIsTheStreamsThatTellOfIt() throws {
        let unit = try PictureUnit()
        let picture = try Self.picture(unit)
        let pumps = picture["pumps"] as? [[String: Any]] ?? []
        #expect(
            pumps.count == 1 && pumps.first?["vmd"] as? String == "slot-1"
                && pumps.first?["bed"] as? String == "chair-1")
        #expect(pumps.first?["rate"] as? Int == Self.number(picture, PictureUnit.rate))
        #expect(pumps.first?["drug"] as? Int == Self.number(picture, PictureUnit.drug))
        #expect(pumps.first?["volume"] is NSNull && pumps.first?["timeLeft"] is NSNull)
        #expect(Self.one(picture, "devices", "device", "pump")["isPump"] as? Bool == true)
        #expect(Self.one(picture, "devices", "device", "monitor")["isPump"] as? Bool == false)
    }

    @Test func linksAreAsTheEventsSay() throws {
        let unit = try PictureUnit()
        let reader = try unit.reader()
        func link(_ device: String) throws -> String {
            _ = try reader.take(now: unit.time)
            let told = Self.one(PictureClient.object(reader.whole(now: unit.time)), "devices", "device", device)
            return "\(told["link"] ?? "") \(told["hint"] ?? "")"
        }
        #expect(try link("oximeter") == "awaited ")
        try unit.line(.deviceConnected, "oximeter")
        #expect(try link("oximeter") == "answering ")
        try unit.line(.deviceSilent, "oximeter", text: "noise")
        #expect(try link("oximeter") == "silent noise")
        try unit.line(.deviceIdentified, "oximeter", text: "77")
        #expect(try link("oximeter") == "answering ")
        try unit.line(.wrongDevice, "oximeter", text: "78")
        #expect(try link("oximeter") == "wrong ")
        try unit.line(.deviceDisconnected, "oximeter", figure: 5)
        #expect(try link("oximeter").hasPrefix("silent "))
        try unit.record([.deviceReleased("oximeter", at: unit.now)])
        #expect(try reader.take(now: unit.time).isWhole)
        #expect(try link("oximeter") == " ")
    }

    @Test func alarmsAreTheLedgers() throws {
        let unit = try PictureUnit()
        let reader = try unit.reader()
        let alert = unit.alert("A1")
        try unit.take(unit.ledger.begin(alert, nature: .physiological, latches: true))
        func alarm() throws -> [String: Any] {
            let beat = PictureClient.object(try reader.take(now: unit.time).changes)
            return (beat["alarms"] as? [[String: Any]])?.first ?? [:]
        }
        var told = try alarm()
        #expect(told["instance"] as? String == alert.instance && told["presence"] as? String == "on")
        #expect(told["bed"] as? String == "chair-2" && told["device"] as? String == "monitor")
        #expect(told["priority"] as? String == "medium" && told["nature"] as? String == "physiological")
        #expect(told["textArabic"] as? String == "كلمات" && told["until"] is NSNull)
        try unit.take(unit.ledger.pause(bed: "chair-2", for: 60 * Self.second, by: ["amal"], at: unit.now))
        told = try alarm()
        #expect(told["activation"] as? String == "paused" && told["until"] as? Double == 160_000)
        // Whoever begins at the next file's summary knows it too.
        try unit.writer.beginEventFile()
        try unit.summarise()
        #expect((try Self.picture(unit)["alarms"] as? [[String: Any]])?.first?["until"] as? Double == 160_000)
        try unit.take(unit.ledger.acknowledge([try #require(alert.instance)], by: ["amal"]))
        told = try alarm()
        #expect(told["presence"] as? String == "ack" && told["acknowledgedBy"] as? [String] == ["amal"])
        try unit.take(unit.ledger.end(alert.condition))
        #expect((PictureClient.object(try reader.take(now: unit.time).changes)["alarms"] as? [Any])?.isEmpty == true)
        // Nothing happened: nothing is said again.
        #expect(PictureClient.object(try reader.take(now: unit.time).changes)["alarms"] == nil)
    }

    // MARK: Blindness

    /// Before the second person has entered, no value of the first is in any byte that goes out.
    @Test func c11_nothingOfADraftIsInAPicture() throws {
        let unit = try PictureUnit()
        let reader = try unit.reader()
        func bytes() throws -> String {
            let beat = try reader.take(now: unit.time)
            let anew = try unit.reader()
            return [beat.changes, reader.whole(now: unit.time), anew.whole(now: unit.time)].map {
                String(decoding: $0, as: UTF8.self)
            }.joined(separator: "\n")
        }
        let number = try unit.command(.drafted(try unit.content("417.25"), by: Operator("amal")))
        var told = try bytes()
        #expect(told.contains(#""stage":"draft""#) && told.contains(#""device":"pump","bed":"chair-1""#))
        #expect(!told.contains("417."))
        // From the summary of a later file no more is known.
        try unit.writer.beginEventFile()
        try unit.summarise()
        try unit.command(.snapshot(unit.commands.snapshot))
        told = try bytes()
        #expect(told.contains(#""stage":"draft""#) && !told.contains("417."))
        try unit.command(.verified(number, by: Operator("basma")))
        told = try bytes()
        #expect(told.contains(#""stage":"verified""#) && told.contains(#""quantity":"417.25""#), "the checker sees it")
        let other = try unit.command(.drafted(try unit.content("318.5"), by: Operator("amal")))
        try unit.command(.mismatched(other, by: Operator("basma")))
        told = try bytes()
        #expect(!told.contains("318"))
    }
}
