import DeviceModel
import Foundation
import SampleJournal
import TestSupport
import Testing

@testable import BedExport

@Suite struct DeidentificationTests {
    private static let salt = String(repeating: "0123456789abcdef", count: 2)

    private static func veil(without kept: Veil.Removal = [], days: Int64 = -1000) -> Veil {
        Veil(removed: .all.subtracting(kept), shift: days * Veil.day, salt: salt)
    }

    /// Everything in the sample unit by which somebody or something could be known, and what takes it out.
    private static func identifying(_ unit: SampleUnit) throws -> [(what: String, text: String, by: Veil.Removal)] {
        let reader = try JournalReader(directory: unit.journal)
        let sessions = try reader.sessions()
        let alarm = try #require(try reader.events(named: ["alertStart"], after: 0, limit: 1).first)
        return [
            ("the digest", SampleUnit.alice, .patient), ("an identifier", "MRN-4711", .patient),
            ("a name", #"[{"text":"ALICE X"}]"#, .patient), ("a date of birth", "1958-03-07", .patient),
            ("an operator", "nurse-selma", .operators), ("a serial number", "SN-9981", .serials),
            ("a device identifier", "UDI-55", .serials), ("the unit's name", "Nordwagen", .names),
            ("the unit's identity", try #require(try reader.unit()), .names), ("a bed", "chair-north", .names),
            ("a bed's name", "North Chair", .names), ("a bed's Arabic name", "كرسي الشمال", .names),
            ("a device's handle", "oximeter-77", .names), ("another handle", "pump-77", .names),
            ("a session", sessions[0].key, .names), ("the site", "hospital-nord", .names),
            ("the chain's hash", alarm.hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(), .names),
            ("an alert's words", "SpO2 85 % below 88 %", .texts), ("a device's text", "ID ALICE X", .texts),
            ("where it was", "48.1234", .position), ("the date", "2026-11-01", .dates),
            ("when it was made", "2027-01-15", .dates), ("the machine's clock", "110000000000", .dates),
        ]
    }

    @Test func nothingIdentifyingIsLeft() throws {
        let unit = try SampleUnit.shared()
        let (open, closed) = (try Written(unit).everything, try Written(unit, Self.veil()).everything)
        for (what, text, _) in try Self.identifying(unit) {
            #expect(open.contains(text), "\(what) is not even in the record with identity")
            #expect(!closed.contains(text), "\(what): \(text)")
        }
        // No other patient, no neighbour, and no line's address, in either.
        for text in [SampleUnit.bob, SampleUnit.carol, SampleUnit.dora, "monitor-88", "ttyUSB"] {
            #expect(!open.contains(text))
        }
    }

    /// The search finds what is not taken out: each removal is left off once, and what it is for must be found.
    @Test(arguments: [
        Veil.Removal.patient, .operators, .serials, .names, .texts, .position, .dates,
    ]) func whateverIsNotTakenOutIsFound(_ kept: Veil.Removal) throws {
        let unit = try SampleUnit.shared()
        let leaking = try Written(unit, Self.veil(without: kept)).everything
        let all = try Self.identifying(unit).filter { $0.by == kept }
        #expect(!all.isEmpty)
        for (what, text, _) in all where what != "a bed's name" && what != "a bed's Arabic name" {
            #expect(leaking.contains(text), "\(what) is taken out by something else")
        }
    }

    /// Ids are digests: none of them may be one that the records service has.
    @Test func noIdMeetsOneOfTheRecordWithIdentity() throws {
        let unit = try SampleUnit.shared()
        func ids(_ text: String) -> Set<String> {
            Set(
                text.matches(of: /"id":"([^"]+)"/).map { String($0.1) }
                    + text.matches(of: /"value":"([^"]+)"/).map { String($0.1) })
        }
        let (open, closed) = (ids(try Written(unit).document), ids(try Written(unit, Self.veil()).document))
        // Digests of profiles and presets, and the host's version, are kept on purpose.
        // So are the local names of alerts, which begin anew in each record.
        let kept: Set = [HostVersion.text, "alert-1"]
        let shared = open.intersection(closed).subtracting(kept).filter { $0.count != 64 }
        #expect(shared == [])
        #expect(open.count > 15 && closed.count > 15)
        // Two exports of one record do not meet either.
        var other = Self.veil()
        other = Veil(removed: .all, shift: -400 * Veil.day, salt: String(repeating: "f", count: 32))
        #expect(
            ids(try Written(unit, other).document).intersection(closed).subtracting(kept).filter { $0.count != 64 }
                == [])
    }

    @Test func timesOfDayAndIntervalsStay() throws {
        let unit = try SampleUnit.shared()
        func times(_ veil: Veil) throws -> [Int64] {
            try Written(unit, veil).rows("trends").compactMap { UTCTime.nanoseconds($0[0]) }
        }
        // Without the streams that are withheld, in the same order.
        let kept = Veil(removed: [.texts, .position], shift: 0, salt: Self.salt)
        let (open, closed) = (try times(kept), try times(Self.veil()))
        #expect(open.count == closed.count && !open.isEmpty)
        #expect(Set(zip(open, closed).map { $1 - $0 }) == [-1000 * Veil.day])
        let clock = try Written(unit, Self.veil()).rows("trends").compactMap { Int64($0[1]) }
        #expect(clock.min() == 0 && clock.allSatisfy { $0 >= 0 })
    }

    @Test func theShiftIsOfWholeDaysWithinItsBounds() throws {
        for (days, expected) in [(-1, -366), (-99_999, -3650), (-500, -500)] as [(Int64, Int64)] {
            #expect(Veil.deidentified(days: days, salt: Self.salt).utc(0) == expected * Veil.day)
        }
    }

    /// What research needs stays: values, qualities, and what made them.
    @Test func provenanceAndValuesStay() throws {
        let unit = try SampleUnit.shared()
        let closed = try Written(unit, Self.veil())
        let provenance = try #require(closed.tables["provenance.json"])
        for kept in [String(repeating: "d1", count: 32), String(repeating: "e5", count: 32), "0.2.0", "oncology-chair"]
        {
            #expect(provenance.contains(kept) && closed.document.contains(kept) || kept == "0.2.0")
        }
        #expect(provenance.contains(#""deidentified": true"#))
        let values = closed.rows("trends").filter { $0[5] == "MDC_PULS_OXIM_SAT_O2" }.map { $0[7] }
        #expect(values == (try Written(unit).rows("trends").filter { $0[5] == "MDC_PULS_OXIM_SAT_O2" }.map { $0[7] }))
        // One occurrence keeps one name from beginning to end.
        #expect(Set(closed.rows("alarms").map { $0[13] }) == ["alert-1"])
        #expect(closed.rows("alarms").map { $0[3] }.count == 3)
    }
}
