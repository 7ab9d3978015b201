import Alarms
import CommandFacts
import CommandRecord
import DeviceModel
import Foundation
import Patients
import Scores
import TestSupport

@testable import SampleJournal
@testable import UnitPicture

/// A unit with two beds, a monitor, an oximeter, a pump and a fridge, whose host writes a journal as the real one does.
final class PictureUnit {
    static let second: Int64 = 1_000_000_000
    static let utc: Int64 = 1_790_000_000_000_000_000
    static let subject = String(repeating: "5a", count: 32)

    static func stream(
        _ device: String, _ metric: String, _ unit: String? = "1", vmd: String? = nil, every: Int64 = second,
        form: ValueForm = .integer(.one), isWave: Bool = false, profile: String = "test/one"
    ) -> StreamDescriptor {
        StreamDescriptor(
            device: device, vmd: vmd, metric: metric, code: nil, unit: unit, form: form, isWaveform: isWave,
            periodNanoseconds: every, profile: profile,
            name: StreamName(
                system: "s", category: .measurement, display: "The \(metric)", arabicDisplay: "عربي", loinc: nil))
    }

    static let pleth = stream("oximeter", "MDC_PULS_OXIM_PLETH", every: second / 50, isWave: true)
    static let ecg = stream(
        "monitor", "MDC_ECG_ELEC_POTL_II", "mV", every: second / 125,
        form: .integer(DecimalScale(multiplier: 1, exponent: -3)), isWave: true)
    static let saturation = stream("oximeter", "MDC_PULS_OXIM_SAT_O2", "%")
    static let pressure = stream("monitor", "MDC_PRESS_BLD_NONINV_SYS", "mm[Hg]")
    static let rate = stream(
        "pump", "MDC_FLOW_FLUID_PUMP_CURRENT", "mL/h", vmd: "slot-1",
        form: .integer(DecimalScale(multiplier: 1, exponent: -1)))
    static let drug = stream("pump", "MDC_DRUG_NAME_LABEL", nil, vmd: "slot-1", form: .text)
    static let cold = stream("fridge", "NABD_TEMP", "Cel", form: .float64)
    static let all = [pleth, ecg, saturation, pressure, rate, drug, cold]

    let folder: TemporaryFolder
    let directory: String
    private(set) var writer: JournalWriter
    private(set) var indices: [Int]
    var now: Int64
    var quality = ClockQuality.synchronised
    /// The wall clock without the monotonic one. Unit: ns.
    var offset = PictureUnit.utc
    var ledger = AlarmLedger()
    var bindings = BindingFold()
    var commands = CommandLedger()
    /// The next time of each waveform.
    private var waveTime: [Int: Int64] = [:]
    private var counter: Int64 = 0

    init(boot: String = "boot", start: Int64 = 100 * second) throws {
        folder = try TemporaryFolder()
        directory = "\(folder.path)/journal"
        now = start
        (writer, indices) = try Self.open(directory, boot: boot, now: start)
        try begin()
    }

    private static func open(_ directory: String, boot: String, now: Int64) throws -> (JournalWriter, [Int]) {
        let writer = try JournalWriter(directory: directory, bootID: boot, now: now, utc: now + utc)
        return (writer, try writer.register(all))
    }

    /// The host ends, and another one begins.
    func restart(boot: String = "boot", at time: Int64? = nil) throws {
        try end()
        now = time ?? now + Self.second
        waveTime = [:]
        (writer, indices) = try Self.open(directory, boot: boot, now: now)
        try begin()
    }

    func end() throws {
        try record([.hostStopped(alertsEnded: 0, at: now)])
        try writer.finish(now: now, utc: now + Self.utc, quality: quality)
    }

    func reader(boot: String = "boot") throws -> PictureReader {
        try PictureReader(
            JournalReader(directory: directory),
            settings: PictureSettings(bootID: boot, zone: "Asia/Riyadh", commitEvery: 250_000_000))
    }

    var time: PictureTime { PictureTime(monotonic: now, utc: now + offset) }

    // MARK: Events

    private func begin(isTestData: Bool = true) throws {
        try take(ledger.beginSession { _ in true })
        try record([.hostStarted(unit: "mobile-1", alertsEnded: nil, isTestData: isTestData, at: now)])
        for (device, results) in [
            ("oximeter", []), ("monitor", ["MDC_PRESS_BLD_NONINV_SYS"]), ("pump", []), ("fridge", []),
        ] {
            try record([
                .deviceConfigured(
                    device, profile: "test/one", digest: "d", manufacturer: "Maker", model: "Model", function: "f",
                    line: "l", hasUnverifiedFacts: false, results: results, at: now)
            ])
        }
        try say([
            .configured(
                bed: "chair-1", ConfiguredBed(name: "Chair 1", nameArabic: "كرسي 1", devices: ["oximeter", "pump"])),
            .configured(
                bed: "chair-2", ConfiguredBed(name: "Chair 2", nameArabic: "كرسي 2", devices: ["monitor"])),
        ])
        try choose("icu", low: "90")
        try summarise()
    }

    func choose(_ preset: String, low: String) throws {
        let limits = WatchedLimits(
            metric: "MDC_PULS_OXIM_SAT_O2", unit: "%",
            low: [
                WatchedLimits.Level(value: low, priority: .medium, delay: 15 * Self.second),
                WatchedLimits.Level(value: "85", priority: .high, delay: 0),
            ], high: [])
        try say([
            .presetChosen(
                bed: "chair-1",
                PresetChoice(preset: preset, digest: Self.subject, isReviewed: false, by: ["amal"], limits: [limits]))
        ])
    }

    @discardableResult func record(_ events: [UnitEvent]) throws -> Int64 {
        guard !events.isEmpty else { return 0 }
        let last = try writer.record(
            events.map(JournalWriter.Event.init), now: now, utcOffset: offset, quality: quality)
        for (place, event) in events.enumerated() {
            let number = last - Int64(events.count - 1 - place)
            bindings.take(
                kind: event.kind.name, body: event.members.text,
                at: BindingFold.Position(
                    sequence: number, moment: Moment(session: writer.sessionKey, nanoseconds: now), utc: now + offset)
            )
        }
        return last
    }

    @discardableResult func say(_ events: [BedEvent]) throws -> Int64 {
        try record(events.compactMap { UnitEvent.bed($0, at: now) })
    }

    func take(_ events: [AlarmEvent]) throws { try record(ledger.take(events, at: now, utc: now + Self.utc)) }

    @discardableResult func command(_ event: CommandEvent) throws -> Int64 {
        guard let unit = UnitEvent.command(event, device: "pump", at: now) else { return 0 }
        let number = try record([unit])
        commands.apply(event, number: number, at: now)
        return number
    }

    func line(_ code: EventCode, _ device: String, text: String = "", figure: Int64 = 0) throws {
        try record([UnitEvent.line(code, device: device, figure: figure, text: text, at: now)].compactMap(\.self))
    }

    /// What the host says in each file of events.
    func summarise() throws {
        try record([ledger.snapshot(at: now)].compactMap(\.self))
        try say([.snapshot(bindings.snapshot)])
    }

    func alert(_ name: String, device: String? = "monitor", bed: String? = "chair-2", text: String = "words")
        -> AlertRecord
    {
        counter += 1
        return AlertRecord(
            device: device, bed: bed, metric: "M", name: name, priority: .medium, text: text, arabicText: "كلمات",
            instance: "i-\(counter)")
    }

    func content(_ quantity: String = "417.25") throws -> CommandContent {
        CommandContent(
            pump: PumpKey(serial: "8003", slot: "slot-1"), line: "l", command: "set-rate", kind: .set,
            entries: [CommandEntry("rate", try ExactQuantity(quantity), unit: "mL/h")])
    }

    /// - Parameter since: left out: now.
    @discardableResult
    func bind(_ bed: String, _ subject: String = PictureUnit.subject, since: Moment? = nil) throws -> Int64 {
        let since = since ?? Moment(session: writer.sessionKey, nanoseconds: now)
        return try say([.bound(bed: bed, Arrival(subject: subject, since: since, by: ["layla"]))])
    }

    // MARK: Samples

    func sample(
        _ stream: StreamDescriptor, _ bits: Int64, validity: Validity = .valid, reason: Reason = .none,
        text: String? = nil, at time: Int64? = nil
    ) {
        guard let place = Self.all.firstIndex(of: stream) else { return }
        var record = SampleRecord(
            kind: .sample, index: 0, monotonicNanoseconds: time ?? now, bits: bits, validity: validity, reason: reason)
        if let text { _ = record.setText(Array(text.utf8)) }
        writer.append(record, stream: indices[place])
    }

    /// A waveform's samples up to now.
    func wave(_ stream: StreamDescriptor, hole: Bool = false, isLost: Bool = false) {
        guard let place = Self.all.firstIndex(of: stream) else { return }
        var time = waveTime[place] ?? now - Self.second / 4
        if hole { time = now - Self.second / 8 }
        while time < now {
            sample(
                stream, (time / stream.periodNanoseconds) % 1000, validity: isLost ? .notAvailable : .valid,
                reason: isLost ? .frameLost : .none, at: time)
            time += stream.periodNanoseconds
        }
        waveTime[place] = time
    }

    func commit(isTidied: Bool = false) throws {
        try writer.commit(now: now, utc: now + offset, quality: quality, heartbeat: true)
        if isTidied { try writer.tidy(now: now) }
    }
}
