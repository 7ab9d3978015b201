import DeviceModel
import Patients
import Testing

/// What is written of a bed is read again exactly, and nothing else is read.
@Suite struct BedRecordTests {
    static let subject = String(repeating: "0a", count: 32)
    static let moment = Moment(session: "6f1c1c9e-0000-4000-8000-000000000001", nanoseconds: 12_000_000_000)
    static let choice = PresetChoice(preset: "icu", digest: subject, isReviewed: false, by: ["amal"])
    static let limits = [
        WatchedLimits(
            metric: "MDC_PULS_OXIM_SAT_O2", unit: "%",
            low: [
                WatchedLimits.Level(value: "90", priority: .medium, delay: 15_000_000_000),
                WatchedLimits.Level(value: "85.5", priority: .high, delay: 0),
            ], high: []),
        WatchedLimits(
            metric: "MDC_TEMP", unit: "Cel", low: [],
            high: [WatchedLimits.Level(value: "-1", priority: .low, delay: 1)]),
    ]
    static let configured = ConfiguredBed(name: "Chair 1", nameArabic: "كرسي 1", devices: ["oximeter", "pump-a"])

    static let ended = Binding.Ending(at: moment, by: ["amal", "huda"])
    static let bindings = [
        Binding(
            number: 3, bed: "chair-1", subject: subject, since: moment, replaces: nil, by: ["amal"],
            state: .ended(ended)),
        Binding(
            number: 7, bed: "chair-1", subject: subject, since: moment, replaces: nil, by: ["amal"],
            state: .withdrawn(Binding.Withdrawal(at: moment, by: ["amal"], ending: ended, replacement: 9))),
        Binding(
            number: 8, bed: "chair-2", subject: subject, since: moment, replaces: nil, by: ["amal"],
            state: .withdrawn(Binding.Withdrawal(at: moment, by: [], ending: nil))),
        Binding(
            number: 9, bed: "chair-1", subject: subject, since: moment, replaces: 7, by: ["amal"], state: .open),
        Binding(
            number: 10, bed: "chair-3", subject: subject, since: moment, replaces: nil, by: [],
            state: .ended(Binding.Ending(at: moment, by: [], cause: .lost))),
    ]

    static let events: [BedEvent] = [
        .configured(bed: "chair-1", configured),
        .configured(bed: "chair-1", ConfiguredBed(name: "a \"b\" \\", nameArabic: "ب", devices: [])),
        .presetChosen(bed: "chair-1", choice),
        .presetChosen(bed: "b", PresetChoice(preset: "icu", digest: subject, isReviewed: true, by: [])),
        .presetChosen(
            bed: "b", PresetChoice(preset: "icu", digest: subject, isReviewed: true, by: ["amal"], limits: limits)),
        .bound(bed: "chair-1", Arrival(subject: subject, since: moment, by: ["amal", "huda"])),
        .bound(bed: "chair-1", Arrival(subject: subject, since: moment, replaces: 7, by: ["amal"])),
        .unbound(bed: "chair-1", binding: 7, by: []),
        .withdrawn(bed: "chair-1", binding: 7, by: ["amal"]),
        .entered(bed: "chair-1", BedEntry(item: "spo2-scale", value: "2", by: ["amal"])),
        .snapshot(BedSnapshot(beds: [], bindings: [], sessions: [])),
        .snapshot(
            BedSnapshot(
                beds: [
                    BedSnapshot.Bed(bed: "chair-1", configured: configured, preset: choice),
                    BedSnapshot.Bed(bed: "chair-2", configured: configured, preset: nil, since: -5),
                    BedSnapshot.Bed(
                        bed: "chair-3", configured: configured,
                        preset: PresetChoice(
                            preset: "icu", digest: subject, isReviewed: false, by: [], limits: limits)),
                ], bindings: bindings, sessions: [moment.session])),
    ]

    @Test(arguments: events) func whatIsWrittenIsReadAgain(event: BedEvent) throws {
        let unit = try #require(UnitEvent.bed(event, at: 5))
        #expect(unit.kind == event.kind && unit.device == nil && unit.monotonic == 5)
        #expect(try BedRecord.event(kind: unit.kind.name, body: unit.members.text) == event)
    }

    @Test func everyKindOfABedIsTried() {
        #expect(
            Set(Self.events.map(\.kind))
                == Set(BedRecord.kinds).subtracting([.hostStarted, .journalGap, .journalSetAside, .journalFileFailed]))
        #expect(Set(BedRecord.kinds).isSuperset(of: EventKind.allCases.filter(\.isOfBed).filter { $0 != .scoreGiven }))
    }

    /// Every cut, and every byte that is another or one too many: a fault at its place, or the same form again.
    @Test(arguments: events) func damageIsTold(event: BedEvent) {
        let (kind, text) = (event.kind.name, event.members.text)
        let bytes = Array(text.utf8)
        for length in 0..<bytes.count { expectFault(kind, bytes[..<length]) }
        var (changed, taken) = (0, 0)
        for place in bytes.indices {
            for byte in [UInt8(ascii: " "), 0, 0x80, UInt8(ascii: "\\"), UInt8(ascii: "}"), UInt8(ascii: "1")] {
                var other = bytes
                other[place] = byte
                if other == bytes { continue }
                changed += 1
                if isReadAsWritten(kind, other) { taken += 1 }
                other = bytes
                other.insert(byte, at: place)
                if isReadAsWritten(kind, other) { taken += 1 }
            }
        }
        #expect(changed > 100 && taken < changed)
        expectFault(kind, bytes + Array(" ".utf8))
    }

    private func expectFault(_ kind: String, _ bytes: some Collection<UInt8>) {
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(throws: BedRecord.Fault.self, "\(text)") { try BedRecord.event(kind: kind, body: text) }
    }

    /// Whether it is read at all; what is read must be what would be written for it.
    private func isReadAsWritten(_ kind: String, _ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let event = try? BedRecord.event(kind: kind, body: text) else { return false }
        #expect(Array(event.members.text.utf8) == Array(text.utf8))
        return true
    }

    static let wrong: [(EventKind, String)] = [
        (.patientBound, "{}"),
        (.patientUnbound, #"{"bed":"Chair","binding":7,"by":[]}"#),
        (.patientUnbound, #"{"bed":"chair-1","binding":0,"by":[]}"#),
        (.patientUnbound, #"{"bed":"chair-1","binding":7,"by":["a","a"]}"#),
        (.patientUnbound, #"{"bed":"chair-1","binding":7,"by":["a","b","c","d","e"]}"#),
        (.patientUnbound, #"{"bed":"chair-1","binding":7,"by":[""]}"#),
        (.patientUnbound, #"{"bed":"chair-1","binding":7,"by":[],"note":1}"#),
        (.bedConfigured, #"{"bed":"b","devices":["a","a"],"name":"b","nameArabic":"b"}"#),
        (.bedConfigured, #"{"bed":"b","devices":[],"name":" ","nameArabic":"b"}"#),
        (.bedConfigured, "{\"bed\":\"b\",\"devices\":[],\"name\":\"\u{202E}b\",\"nameArabic\":\"b\"}"),
        (.bedEntered, #"{"bed":"b","by":[],"item":"a b","value":"1"}"#),
        (.presetChosen, #"{"bed":"b","by":[],"digest":"00","preset":"icu","reviewed":true}"#),
    ]

    private static func limits(_ text: String) -> String {
        #"{"bed":"b","by":[],"digest":"\#(subject)","limits":\#(text),"preset":"icu","reviewed":true}"#
    }

    private static let limit =
        #"{"high":[],"low":[{"delayNanoseconds":0,"priority":"high","value":"90"}],"metric":"M","unit":"%"}"#

    /// Limits are bounded, each metric once, and numbers have one form.
    @Test func wrongLimitsAreNotRead() throws {
        func read(_ text: String) -> BedEvent? {
            try? BedRecord.event(kind: EventKind.presetChosen.name, body: Self.limits(text))
        }
        #expect(read("[\(Self.limit)]") != nil)
        #expect(read("[]") == nil && read("[\(Self.limit),\(Self.limit)]") == nil)
        for (part, other) in [
            (#""value":"90""#, #""value":"90.0""#), (#""value":"90""#, #""value":"9e1""#),
            (#""value":"90""#, #""value":"""#), (#""priority":"high""#, #""priority":"urgent""#),
            (#""delayNanoseconds":0"#, #""delayNanoseconds":-1"#), (#""metric":"M""#, #""metric":"a b""#),
        ] {
            #expect(read("[\(Self.limit.replacing(part, with: other))]") == nil, "\(other)")
        }
        func many(_ count: Int) -> String {
            (0..<count).map { Self.limit.replacing(#""metric":"M""#, with: #""metric":"M\#($0)""#) }.joined(
                separator: ",")
        }
        #expect(read("[\(many(BedRecord.mostLimits))]") != nil && read("[\(many(BedRecord.mostLimits + 1))]") == nil)
        let level = #"{"delayNanoseconds":0,"priority":"high","value":"90"}"#
        #expect(read("[\(Self.limit.replacing(level, with: "\(level),\(level),\(level)"))]") == nil)
    }

    @Test func whatCannotBeRecordedIsKnownBefore() {
        let level = WatchedLimits.Level(value: "90", priority: .high, delay: 0)
        #expect(Self.limits.allSatisfy { $0.isRecordable })
        #expect(!WatchedLimits(metric: "a b", unit: "%", low: [level], high: []).isRecordable)
        #expect(!WatchedLimits(metric: "M", unit: "", low: [level], high: []).isRecordable)
        #expect(!WatchedLimits(metric: "M", unit: "%", low: [level, level, level], high: []).isRecordable)
    }

    @Test(arguments: wrong) func whatNoHostWritesIsNotRead(kind: EventKind, body: String) {
        #expect(throws: BedRecord.Fault.self) { try BedRecord.event(kind: kind.name, body: body) }
    }

    @Test func aFaultSaysNothingOfThePatient() throws {
        let body = String(Self.events[5].members.text.dropLast())
        let fault = #expect(throws: BedRecord.Fault.self) { try BedRecord.event(kind: "patientBound", body: body) }
        let words = "\(try #require(fault))"
        #expect(!words.contains("0a0a") && !words.contains("amal") && words.hasPrefix("members:1:"))
    }

    @Test func whatCouldNotBeReadIsNotWritten() {
        #expect(UnitEvent.bed(.unbound(bed: "Chair 1", binding: 7, by: []), at: 5) == nil)
        #expect(UnitEvent.bed(.unbound(bed: "chair-1", binding: 0, by: []), at: 5) == nil)
        #expect(UnitEvent.bed(.unbound(bed: "chair-1", binding: 1, by: []), at: 5) != nil)
    }

    @Test func othersAreNotOfBeds() throws {
        for kind in EventKind.allCases where !kind.isOfBed || kind == .scoreGiven {
            #expect(try BedRecord.event(kind: kind.name, body: "damaged") == nil)
        }
        #expect(try BedRecord.event(kind: "ofAYoungerHost", body: "") == nil)
    }
}
