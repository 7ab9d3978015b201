import BedExport
import DeviceModel
import FHIRMapping
import Foundation
import Nomenclature
import Patients
import SampleJournal
import TestSupport

/// A unit's journal as a host would have written it: two sessions, two beds, four patients, and all in it that
/// could tell who somebody is.
struct SampleUnit: Sendable {
    static let second: Int64 = 1_000_000_000
    static let utc: Int64 = 1_793_520_000_000_000_000 - 100 * second
    static let alice = String(repeating: "a1", count: 32)
    static let bob = String(repeating: "b0", count: 32)
    static let dora = String(repeating: "d4", count: 32)
    static let carol = String(repeating: "c3", count: 32)
    /// What the protected store has of the first patient.
    static func identifiers(of subject: String) -> PatientIdentifiers? {
        subject == alice
            ? try? PatientIdentifiers([("mrn", "MRN-4711"), ("birth-date", "1958-03-07"), ("name", "ALICE X")]) : nil
    }

    /// One for all tests: nothing of it is written over.
    private static let made = Result { try SampleUnit() }
    static func shared() throws -> SampleUnit { try made.get() }

    let folder: TemporaryFolder
    var journal: String { "\(folder.path)/journal" }

    static let saturation = stream("oximeter-77", "MDC_PULS_OXIM_SAT_O2", "%", loinc: "2708-6")
    static let pulse = stream("oximeter-77", "MDC_PULS_OXIM_PULS_RATE", "/min")
    static let rate = stream("pump-77", "MDC_FLOW_FLUID_PUMP", "mL/h", vmd: "slot-1", category: .setting)
    static let volume = stream("pump-77", "MDC_VOL_FLUID_DELIV_TOTAL", "mL", vmd: "slot-1", places: -1)
    static let specimen = StreamDescriptor(
        device: "oximeter-77", vmd: nil, metric: "NABD_SPECIMEN", code: nil, unit: nil, form: .text,
        isWaveform: false, periodNanoseconds: second, profile: "nonin/oem-iii-df2")
    static let latitude = stream("oximeter-77", "NABD_LATITUDE", "deg", places: -4)
    static let pleth = StreamDescriptor(
        device: "oximeter-77", vmd: nil, metric: "MDC_PULS_OXIM_PLETH", code: 150_452, unit: "1", form: .integer(.one),
        isWaveform: true, periodNanoseconds: second / 75, profile: "nonin/oem-iii-df2")
    static let neighbour = stream("monitor-88", "MDC_PULS_OXIM_SAT_O2", "%")
    static let all = [saturation, pulse, rate, volume, specimen, latitude, pleth, neighbour]

    static func stream(
        _ device: String, _ metric: String, _ unit: String, vmd: String? = nil, places: Int = 0,
        category: MetricCategory = .measurement, loinc: String? = nil
    ) -> StreamDescriptor {
        StreamDescriptor(
            device: device, vmd: vmd, metric: metric, code: nil, unit: unit,
            form: .integer(DecimalScale(multiplier: 1, exponent: places)), isWaveform: false,
            periodNanoseconds: second, profile: "test/one",
            name: StreamName(
                system: "https://hospital-nord.example/names", category: category, display: metric,
                arabicDisplay: nil, loinc: loinc))
    }

    /// A sample of a stream at a second of a session.
    typealias Sample = (stream: StreamDescriptor, second: Int64, bits: Int64, validity: Validity, reason: Reason)

    /// Writes sessions and events into one journal.
    final class Host {
        private let writer: JournalWriter
        private let offset: Int64
        private let indices: [Int]
        /// The second of the oldest sample that is not committed.
        private var waiting: Int64?
        var key: String { writer.sessionKey }

        init(_ journal: String, start: Int64, offset: Int64 = SampleUnit.utc) throws {
            self.offset = offset
            let now = start * SampleUnit.second
            writer = try JournalWriter(
                directory: journal, bootID: "boot", now: now, utc: now + offset, unit: "Nordwagen")
            indices = try writer.register(SampleUnit.all)
            try event("hostStarted", at: start, ["unit": .string("Nordwagen"), "version": .string("0.2.0")])
            for device in ["oximeter-77", "pump-77", "monitor-88"] {
                try event(
                    "deviceConfigured", device: device, at: start,
                    [
                        "profile": .string("test/one"),
                        "digest": .string(String(repeating: device.hasPrefix("o") ? "d1" : "d2", count: 32)),
                        "manufacturer": .string("Maker"), "model": .string("Model"), "kind": .string("pulse oximeter"),
                        "line": .string("/dev/ttyUSB-secret"), "udi": .string("(01)00000000000017(21)UDI-55"),
                        "unverifiedFacts": .bool(true),
                    ])
                try event("deviceIdentified", device: device, at: start, ["text": .string("SN-9981")])
            }
            try bed("chair-north", "North Chair", "كرسي الشمال", ["oximeter-77", "pump-77"], at: start)
            try bed("chair-south", "South Chair", "كرسي الجنوب", ["monitor-88"], at: start)
        }

        private func bed(_ bed: String, _ name: String, _ arabic: String, _ devices: [String], at time: Int64) throws {
            try tell(
                .configured(bed: bed, ConfiguredBed(name: name, nameArabic: arabic, devices: devices)), at: time)
        }

        /// An event of a bed, as a host writes it.
        @discardableResult
        func tell(_ event: BedEvent, at time: Int64) throws -> Int64 {
            let now = time * SampleUnit.second
            guard let told = UnitEvent.bed(event, at: now) else { throw Unwritable() }
            return try writer.record(
                [JournalWriter.Event(told)], now: now, utcOffset: offset, quality: .synchronised)
        }

        struct Unwritable: Error {}

        @discardableResult
        func event(
            _ kind: String, device: String? = nil, at time: Int64, _ body: KeyValuePairs<String, JSON?> = [:],
            quality: ClockQuality = .synchronised
        ) throws -> Int64 {
            let now = time * SampleUnit.second
            return try writer.record(
                [JournalWriter.Event(kind, device: device, body: body, monotonic: now)], now: now, utcOffset: offset,
                quality: quality)
        }

        @discardableResult
        func bind(
            _ bed: String, _ subject: String, at time: Int64, since: (String, Int64)? = nil, replaces: Int64? = nil
        ) throws -> Int64 {
            let since = Moment(
                session: since?.0 ?? key, nanoseconds: (since?.1 ?? time) * SampleUnit.second)
            return try tell(
                .bound(
                    bed: bed, Arrival(subject: subject, since: since, replaces: replaces, by: ["nurse-selma"])),
                at: time)
        }

        func samples(_ samples: [Sample]) throws {
            for sample in samples.sorted(by: { $0.second < $1.second }) {
                guard let place = SampleUnit.all.firstIndex(of: sample.stream) else { continue }
                var record = SampleRecord(
                    kind: .sample, index: 0, monotonicNanoseconds: sample.second * SampleUnit.second,
                    bits: sample.bits, validity: sample.validity, reason: sample.reason)
                if sample.stream.form == .text { _ = record.setText(Array("ID ALICE X".utf8)) }
                if sample.second >= (waiting ?? sample.second) + 5 { try commit(at: sample.second) }
                waiting = waiting ?? sample.second
                writer.append(record, stream: indices[place])
            }
            if let last = samples.map(\.second).max() { try commit(at: last + 1) }
        }

        private func commit(at time: Int64) throws {
            let now = time * SampleUnit.second
            try writer.commit(now: now, utc: now + offset, quality: .synchronised)
            waiting = nil
        }

        func finish(at time: Int64) throws {
            let now = time * SampleUnit.second
            try event("hostStopped", at: time)
            try writer.finish(now: now, utc: now + offset, quality: .synchronised)
        }
    }

    static func steady(_ stream: StreamDescriptor, _ seconds: Range<Int64>, _ bits: (Int64) -> Int64) -> [Sample] {
        seconds.map { (stream, $0, bits($0), .valid, .none) }
    }

    /// Alice is in the north chair from 110 s of the first session (said at 130) to 50 s of the second; then Dora.
    /// Carol was said to be in the south chair, and it was Bob.
    private init() throws {
        folder = try TemporaryFolder()
        let first = try Host(journal, start: 100)
        let preset = PresetChoice(
            preset: "oncology-chair", digest: String(repeating: "e5", count: 32), isReviewed: false,
            by: ["nurse-selma"])
        try first.tell(.presetChosen(bed: "chair-north", preset), at: 101)
        let binding = try first.bind("chair-north", Self.alice, at: 130, since: (first.key, 110))
        let wrong = try first.bind("chair-south", Self.carol, at: 131)
        try first.tell(.withdrawn(bed: "chair-south", binding: wrong, by: ["nurse-selma"]), at: 132)
        try first.bind("chair-south", Self.bob, at: 132, since: (first.key, 131), replaces: wrong)
        let instance: JSON = .string("instance-\(first.key)-7")
        let alarm: KeyValuePairs<String, JSON?> = [
            "bed": .string("chair-north"), "alert": .string("MDC_EVT_LO_VAL_LT_LIM"), "priority": .string("medium"),
            "metric": .string("MDC_PULS_OXIM_SAT_O2"), "text": .string("North Chair: SpO2 85 % below 88 %"),
            "textArabic": .string("كرسي الشمال: التشبع 85 %"), "instance": instance,
            "by": .array([.string("nurse-selma")]), "change": .string("acknowledged"), "presence": .string("ack"),
            "activation": .string("on"),
        ]
        try first.event("alertStart", device: "oximeter-77", at: 140, alarm)
        try first.event("alertUpdate", device: "oximeter-77", at: 142, alarm)
        try first.event("alertEnd", device: "oximeter-77", at: 145, alarm)
        try first.event("alertStart", device: "monitor-88", at: 146, ["alert": .string("NABD_DEVICE_STALE")])
        try Self.score(first)
        try Self.therapy(first)
        try first.samples(Self.firstSamples)
        try first.finish(at: 180)
        let second = try Host(journal, start: 10, offset: Self.utc + 500 * Self.second)
        try second.samples(Self.steady(Self.saturation, 15..<60) { 90 + $0 % 3 })
        try second.tell(.unbound(bed: "chair-north", binding: binding, by: ["nurse-selma"]), at: 50)
        try second.bind("chair-north", Self.dora, at: 52)
        try second.samples(Self.steady(Self.saturation, 60..<70) { _ in 80 })
        try second.finish(at: 80)
    }

    private static func score(_ host: Host) throws {
        try host.tell(
            .entered(bed: "chair-north", BedEntry(item: "esas-pain", value: "4", by: ["nurse-selma"])), at: 150)
        try host.event(
            "scoreGiven", at: 151,
            [
                "bed": .string("chair-north"), "score": .string("news2"), "scale": .string("1"),
                "missing": .array([.members(["part": .string("temperature"), "why": .string("never-measured")])]),
                "parts": .members([
                    "pulse": .members(["points": .integer(1), "value": .string("95"), "device": .string("oximeter-77")])
                ]),
            ])
        try host.event(
            "scoreGiven", at: 152,
            [
                "bed": .string("chair-north"), "score": .string("news2"), "total": .integer(6),
                "band": .string("medium"), "scale": .string("2"), "missing": .array([]),
                "parts": .members([
                    "saturation": .members(["points": .integer(3), "value": .string("98")]),
                    "consciousness": .members([
                        "points": .integer(3), "value": .string("V"), "by": .array([.string("nurse-selma")]),
                    ]),
                ]),
            ])
    }

    private static func therapy(_ host: Host) throws {
        try host.event(
            "commandDrafted", device: "pump-77", at: 153,
            [
                "by": .array([.string("nurse-selma")]),
                "content": .members(["rate": .string("125.5"), "drug": .string("Paclitaxel")]),
            ])
        try host.event("commandSent", device: "pump-77", at: 154, ["number": .integer(1)])
        // Of a younger host: whatever it says stays on the unit.
        try host.event("pumpPrimed", device: "pump-77", at: 154, ["drug": .string("Paclitaxel")])
        try host.event("commandLedger", at: 155, ["ledger": .string("Paclitaxel")])
        try host.event("deviceSilent", device: "oximeter-77", at: 156, ["figure": .integer(3)])
    }

    private static let firstSamples: [Sample] =
        steady(saturation, 105..<140) { 90 + $0 % 7 }
        + [140, 141, 142].map { (saturation, $0, 0, .notAvailable, .sentinel) }
        + [(saturation, 143, 85, .questionable, .deviceStatus)] + steady(saturation, 144..<150) { _ in 91 }
        // Nothing from 150 to 160.
        + steady(saturation, 160..<170) { _ in 92 } + steady(pulse, 105..<170) { _ in 70 }
        + steady(rate, 110..<170) { $0 < 140 ? 100 : 50 } + steady(volume, 110..<170) { $0 - 100 }
        + steady(specimen, 120..<122) { _ in 0 } + steady(latitude, 120..<122) { _ in 481_234 }
        + steady(neighbour, 110..<170) { _ in 97 } + steady(pleth, 110..<120) { _ in 5 }
}
