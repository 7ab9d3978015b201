import DeviceModel
import Foundation
import Nomenclature
import Presets
import TestSupport

@testable import Alarms

/// A bed with streams of its own, fed and turned as the recorder does it.
struct LimitWatchFixture {
    static let names = NomenclatureShelf.names(besides: [Repository.path("device-profiles")]).nomenclature
    static let second: Int64 = 1_000_000_000
    static let round: Int64 = 20_000_000
    static let bed = WatchedBed(id: "chair-1", name: "Chair 1", arabicName: "كرسي 1")

    static let text = """
        nabd: preset/1
        name: fixture
        title: A fixture
        title-arabic: تجربة
        for: Nobody
        for-arabic: لا أحد
        reviewed:
        vitals:
          MDC_PULS_OXIM_SAT_O2: {name: SpO2, name-arabic: تشبع الأكسجين, unit: "%"}
          MDC_PRESS_BLD_NONINV_SYS: {name: systolic pressure, name-arabic: الضغط الانقباضي, unit: "mm[Hg]"}
        limits:
          MDC_PULS_OXIM_SAT_O2:
            low:
            - {below: 90, priority: medium, harm: reversible, onset: prompt, delay: 15s, hysteresis: 2, proposed: true}
            - {below: 85, priority: high, harm: death, onset: prompt, delay: 10s, hysteresis: 1, proposed: true}
            high: {above: 99, priority: low, harm: minor, onset: prompt, delay: 30s, hysteresis: 1, proposed: true}
          MDC_PRESS_BLD_NONINV_SYS:
            low: {below: 90, priority: high, harm: death, onset: prompt, delay: 0s, hysteresis: 0, proposed: true}
        missing:
          MDC_PULS_OXIM_SAT_O2: {of: bed, after: 20s, priority: medium, harm: death, onset: delayed, proposed: true}
        episodic:
          MDC_PRESS_BLD_NONINV_SYS:
            {every: 15min, grace: 5min, priority: low, harm: minor, onset: prompt, proposed: true}

        """

    static func preset(_ text: String = text) throws -> Preset {
        try Preset.read(path: "fixture.yaml", text: text, names: names)
    }

    static func stream(
        _ metric: String = "MDC_PULS_OXIM_SAT_O2", device: String = "oximeter", unit: String? = "%",
        form: ValueForm = .integer(DecimalScale(multiplier: 1, exponent: -1)), isWaveform: Bool = false,
        period: Int64 = second
    ) -> StreamDescriptor {
        StreamDescriptor(
            device: device, vmd: nil, metric: metric, code: nil, unit: unit, form: form, isWaveform: isWaveform,
            periodNanoseconds: period, profile: "test/test")
    }

    static func watched(_ streams: StreamDescriptor...) -> [WatchedStream] {
        streams.enumerated().map { WatchedStream(index: $0.offset, descriptor: $0.element) }
    }

    static func record(_ tenths: Int64, at time: Int64, stream: Int = 0, _ validity: Validity = .valid) -> SampleRecord
    {
        SampleRecord(
            kind: .sample, index: UInt32(stream), monotonicNanoseconds: time, bits: tenths, validity: validity)
    }

    private(set) var watch: LimitWatch
    private(set) var now: Int64 = 0
    private(set) var told: [(change: LimitChange, turn: Int64)] = []

    init(_ text: String = text, _ streams: [WatchedStream]? = nil) throws {
        watch = LimitWatch(
            bed: Self.bed, preset: try Self.preset(text), streams: streams ?? Self.watched(Self.stream()),
            names: Self.names, now: 0)
    }

    var changes: [LimitChange] { told.map(\.change) }

    /// `alert what@seconds`, in the order of the telling.
    var words: [String] { told.map { Self.words($0.change) } }

    static func words(_ change: LimitChange) -> String {
        let what =
            switch change.what {
            case .begins: "begins \(change.condition.priority)"
            case .priorityRaised: "rises \(change.condition.priority)"
            case .unconfirmed: "unconfirmed"
            case .confirmed: "confirmed"
            case .ends(let ending): "ends \(ending)"
            }
        return "\(change.condition.key.alert) \(what)@\(Double(change.at) / 1e9)"
    }

    /// Rounds of 20 ms up to a time.
    mutating func run(to seconds: Double) {
        while now < Int64(seconds * 1e9) {
            now += Self.round
            for change in watch.turn(now: now) { told.append((change, now)) }
        }
    }

    /// A value each second from one time to before another. A value is in tenths of its unit.
    mutating func hold(
        _ tenths: Int64, from: Double, to: Double, every: Double = 1, stream: Int = 0, _ validity: Validity = .valid
    ) {
        var time = from
        while time < to - 1e-9 {
            run(to: time)
            watch.take(Self.record(tenths, at: Int64(time * 1e9), stream: stream, validity), stream: stream)
            time += every
        }
        run(to: to)
    }

    mutating func change(_ body: (inout LimitWatch) -> Void) { body(&watch) }
}
