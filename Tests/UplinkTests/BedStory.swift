import DeviceModel
import FHIRMapping
import Foundation
import Nomenclature
import Patients
import SampleJournal
import TestSupport
import Testing

@testable import Uplink

/// What an independent reader of the story knows of a patient's time at a bed.
struct ToldBinding {
    let number: Int64
    let bed: String
    let subject: String
    let session: Int
    let since: Int64
    /// Session and time; `nil` while it goes on.
    var until: (session: Int, time: Int64)?
    /// In which order it was withdrawn; `nil` while it counts.
    var withdrawn: Int?
}

/// A journal that is written step by step: a value a second from each device, people at beds, alerts; and where each of
/// it belongs, reckoned from what was told and not from the journal.
final class BedStory {
    static let second: Int64 = 1_000_000_000
    static let beds = ["chair-1": ["ox"], "chair-2": ["pump"]]
    static let devices = ["ox", "pump", "fridge"]
    private static let utc: Int64 = 1_700_000_000_000_000_000

    /// A value or an alert, and where and when it was.
    struct Fact {
        let owner: String
        let session: Int
        let time: Int64
    }

    let journal: String
    private(set) var writer: JournalWriter?
    private var streams: [Int] = []
    private var keys: [String] = []
    /// The session that is written; from 0.
    private(set) var session = -1
    /// Unit: ns.
    private(set) var now: Int64 = 0
    private(set) var begun: Int64 = 0
    /// Unit: ns.
    var sessionAge: Int64 { now - begun }
    private(set) var bindings: [ToldBinding] = []
    private var withdrawals = 0
    /// By the number that is the value.
    private(set) var values: [Int64: Fact] = [:]
    /// By their instances.
    private(set) var alerts: [String: Fact] = [:]
    /// By their numbers in the journal.
    private(set) var entries: [Int64: Fact] = [:]
    private var nextValue: Int64 = 0

    private let areWaveforms: Bool

    /// - Parameter areWaveforms: whether what the devices give is waveforms.
    init(_ journal: String, areWaveforms: Bool = false) { (self.journal, self.areWaveforms) = (journal, areWaveforms) }

    func begin() throws {
        session += 1
        now += 5 * Self.second
        begun = now
        let writer = try JournalWriter(
            directory: journal, bootID: "b", now: now, utc: Self.utc + now, unit: "u", window: 10 * Self.second)
        self.writer = writer
        keys.append(writer.sessionKey)
        try record(.hostStarted(unit: "u", alertsEnded: 0, at: now))
        for device in Self.devices {
            try record(
                .deviceConfigured(
                    device, profile: "m/d", digest: String(repeating: "0", count: 64), manufacturer: "M", model: "D",
                    function: "monitor", line: "l", hasUnverifiedFacts: false, at: now))
        }
        for (bed, devices) in Self.beds.sorted(by: { $0.key < $1.key }) {
            try record(.configured(bed: bed, ConfiguredBed(name: bed, nameArabic: "كرسي", devices: devices)))
        }
        streams = try writer.register(
            Self.devices.map { Self.stream($0, isWaveform: areWaveforms) })
    }

    /// Values of so many seconds, each durable at once.
    func run(seconds: Int64) throws {
        for _ in 0..<seconds {
            now += Self.second
            for (place, device) in Self.devices.enumerated() {
                nextValue += 1
                // A device may have nothing to say for a while, or something questionable.
                let validity: Validity =
                    nextValue % 17 == 0 ? .notAvailable : nextValue % 13 == 0 ? .questionable : .valid
                if validity != .notAvailable { values[nextValue] = Fact(owner: device, session: session, time: now) }
                writer?.append(
                    SampleRecord(
                        kind: .sample, index: 0, monotonicNanoseconds: now, bits: nextValue, validity: validity),
                    stream: streams[place])
            }
            try writer?.commit(now: now, utc: Self.utc + now, quality: .synchronised)
        }
    }

    func end(inGoodOrder: Bool = true) throws {
        if inGoodOrder { try writer?.finish(now: now, utc: Self.utc + now, quality: .synchronised) }
        writer = nil
    }

    @discardableResult func record(_ event: UnitEvent) throws -> Int64 {
        let writer = try #require(writer)
        return try writer.record(
            [JournalWriter.Event(event)], now: now, utcOffset: Self.utc, quality: .synchronised)
    }

    @discardableResult func record(_ event: BedEvent) throws -> Int64 {
        try record(try #require(UnitEvent.bed(event, at: now)))
    }

    static func stream(_ device: String, _ metric: String = "MDC_TEMP", isWaveform: Bool) -> StreamDescriptor {
        StreamDescriptor(
            device: device, vmd: nil, metric: metric, code: 150_344, unit: "Cel", form: .integer(.one),
            isWaveform: isWaveform, periodNanoseconds: second, profile: "m/d")
    }

    static func subject(_ name: Character) -> String { String(repeating: name, count: 64) }

    // MARK: Telling

    private func reaches(_ binding: ToldBinding, _ fact: Fact) -> Bool {
        (binding.session, binding.since) <= (fact.session, fact.time)
            && (binding.until.map { (fact.session, fact.time) < ($0.session, $0.time) } ?? true)
    }

    private func isFree(_ bed: String, _ subject: String, from since: Int64) -> Bool {
        !bindings.contains { other in
            other.withdrawn == nil && (other.bed == bed || other.subject == subject)
                && (other.until.map { (session, since) < ($0.session, $0.time) } ?? true)
        }
    }

    /// Somebody comes, or came so long ago within this session. Returns the binding's number; `nil` where that cannot
    /// be.
    @discardableResult func bind(_ bed: String, _ subject: String, ago: Int64 = 0) throws -> Int64? {
        let since = now - ago * Self.second
        guard isFree(bed, subject, from: since) else { return nil }
        let arrival = Arrival(
            subject: subject, since: Moment(session: keys[session], nanoseconds: since), by: ["nurse-a"])
        let number = try record(.bound(bed: bed, arrival))
        bindings.append(
            ToldBinding(
                number: number, bed: bed, subject: subject, session: session, since: since, until: nil,
                withdrawn: nil))
        return number
    }

    func unbind(_ number: Int64) throws {
        guard let place = bindings.firstIndex(where: { $0.number == number }), bindings[place].until == nil else {
            return
        }
        try record(.unbound(bed: bindings[place].bed, binding: number, by: ["nurse-a"]))
        bindings[place].until = (session, now)
    }

    /// It was another patient: that one, or nobody.
    func withdraw(_ number: Int64, for subject: String? = nil) throws {
        guard let place = bindings.firstIndex(where: { $0.number == number }), bindings[place].withdrawn == nil else {
            return
        }
        let wrong = bindings[place]
        try record(.withdrawn(bed: wrong.bed, binding: number, by: ["nurse-b"]))
        withdrawals += 1
        bindings[place].withdrawn = withdrawals
        if wrong.until == nil { bindings[place].until = (session, now) }
        guard let subject else { return }
        let right = ToldBinding(
            number: 0, bed: wrong.bed, subject: subject, session: wrong.session, since: wrong.since,
            until: wrong.until, withdrawn: nil)
        let isTaken = bindings.contains { other in
            other.withdrawn == nil && (other.bed == wrong.bed || other.subject == subject)
                && (right.until.map { (other.session, other.since) < ($0.session, $0.time) } ?? true)
                && (other.until.map { (right.session, right.since) < ($0.session, $0.time) } ?? true)
        }
        if isTaken { return }
        let arrival = Arrival(
            subject: subject, since: Moment(session: keys[wrong.session], nanoseconds: wrong.since),
            replaces: number, by: ["nurse-b"])
        let new = try record(.bound(bed: wrong.bed, arrival))
        bindings.append(
            ToldBinding(
                number: new, bed: right.bed, subject: subject, session: right.session, since: right.since,
                until: right.until, withdrawn: nil))
    }

    func alert(device: String?, bed: String?) throws {
        let instance = "alert-\(alerts.count)"
        let owner = bed ?? device ?? ""
        alerts[instance] = Fact(owner: owner, session: session, time: now)
        try record(
            .alertStart(
                AlertRecord(
                    device: device, bed: bed, metric: bed == nil ? nil : "MDC_TEMP", name: "MDC_EVT_HI_VAL_GT_LIM",
                    priority: .high, text: "high", arabicText: "مرتفع", instance: instance), at: now))
    }

    func enter(bed: String) throws {
        let number = try record(.entered(bed: bed, BedEntry(item: "oxygen", value: "air", by: ["nurse-a"])))
        entries[number] = Fact(owner: bed, session: session, time: now)
    }

    // MARK: Where it belongs

    private static func bed(of owner: String) -> String? {
        beds.keys.contains(owner) ? owner : beds.first { $0.value.contains(owner) }?.key
    }

    /// Under whom a fact counts; `nil` for nobody.
    func subject(of fact: Fact) -> String? {
        guard let bed = Self.bed(of: fact.owner) else { return nil }
        return bindings.last { $0.bed == bed && $0.withdrawn == nil && reaches($0, fact) }?.subject
    }

    /// Under whom it was filed in error, in the order in which that was found.
    func wrong(of fact: Fact) -> [String] {
        guard let bed = Self.bed(of: fact.owner) else { return [] }
        return bindings.filter { $0.bed == bed && $0.withdrawn != nil && reaches($0, fact) }
            .sorted { $0.withdrawn ?? 0 < $1.withdrawn ?? 0 }.map(\.subject)
    }
}
