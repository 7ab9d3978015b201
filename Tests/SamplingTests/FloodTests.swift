import DeviceModel
import DevicePlans
import Fieldbus
import Glibc
import ProfileLanguage
import RealTime
import TestSupport
import Testing

@testable import LineEngine
@testable import Sampling

/// What a device that floods leaves in its line's ring.
@Suite struct FloodTests {
    private static let second: Int64 = 1_000_000_000

    private func sample(_ reason: Reason = .none) -> SampleRecord {
        SampleRecord(
            kind: .sample, index: 0, monotonicNanoseconds: Self.second, bits: 98,
            validity: reason == .none ? .valid : .notAvailable, reason: reason)
    }

    private func emptied(_ recorder: LineRecorder) -> [SampleRecord] {
        var records: [SampleRecord] = []
        while let record = recorder.ring.pop() { records.append(record) }
        return records
    }

    /// Its sink, at the first second.
    private func oximeter() throws -> (RingSink, DevicePlan, LineRecorder) {
        let plan = try DeviceProfile.load(Repository.path("device-profiles/masimo/rad-8")).compile(handle: "spo2")
        let recorder = LineRecorder(devices: 1)
        var place = RingSink.Place()
        place.linkAlert = plan.alerts.count
        var sink = RingSink(recorder: recorder, place: place, device: plan)
        sink.tell(time: Self.second)
        return (sink, plan, recorder)
    }

    @Test("Samples beyond the budget are left out and told, that there is no value is never left out")
    func samplesBeyondTheBudget() throws {
        let (made, plan, recorder) = try oximeter()
        var sink = made
        for _ in 0..<10_000 { sink.take(sample(), frameOffset: 0) }
        // Three streams of one a second: each four times that and twenty, for a minute.
        #expect(emptied(recorder).count == 3 * 24 * 60)
        for reason in [Reason.disconnected, .timedOut, .stale] { sink.take(sample(reason), frameOffset: 0) }
        #expect(emptied(recorder).map(\.reason) == [.disconnected, .timedOut, .stale])
        sink.tell(isLast: true, time: 2 * Self.second - 1)
        let told = emptied(recorder)
        #expect(told.contains { $0.kind == .event && $0.event == .samplesExceeded && $0.bits == 10_000 - 4_320 })
        let flooding = UInt32(plan.alerts.count + LinkAlert.flooding.rawValue)
        #expect(told.contains { $0.kind == .alertStart && $0.index == flooding })
        #expect(recorder.count(.exceeded, device: 0) == 10_000 - 4_320)
    }

    @Test("At the end nothing waits any more, however much the device told before")
    func theLastWordIsTold() throws {
        let (made, plan, recorder) = try oximeter()
        var sink = made
        for number in 0..<1_000 {
            sink.alert(.stale, holds: number % 2 == 0, time: Self.second)
            sink.event(.deviceStale, figure: Int64(number), time: Self.second)
        }
        for _ in 0..<10_000 { sink.take(sample(), frameOffset: 0) }
        _ = emptied(recorder)
        sink.tell(isLast: true, time: Self.second + 1)
        let told = emptied(recorder)
        #expect(told.contains { $0.event == .deviceStale && $0.bits == 999 })
        #expect(told.contains { $0.event == .samplesExceeded })
        #expect(told.last { $0.index == UInt32(plan.alerts.count) && $0.kind != .event }?.kind == .alertEnd)
    }

    @Test("The samples of a curve do not tell that the values still come")
    func curvesAreNoSignOfValues() throws {
        let plan = try DeviceProfile.load(Repository.path("device-profiles/ge/s5")).compile(handle: "monitor")
        let (curves, values) = (plan.streams.map(\.isWaveform), plan.streams.map { !$0.isWaveform })
        let curve = try #require(curves.firstIndex(of: true))
        let value = try #require(values.firstIndex(of: true))
        var sink = RingSink(recorder: LineRecorder(devices: 1), place: RingSink.Place(), device: plan)
        sink.tell(time: Self.second)
        func says(_ stream: Int) -> Bool {
            sink.take(
                SampleRecord(
                    kind: .sample, index: UInt32(stream), monotonicNanoseconds: Self.second, bits: 98, validity: .valid,
                    reason: .none), frameOffset: 0)
            return sink.takeFresh()
        }
        #expect(!says(curve))
        #expect(says(value))
    }

    @Test("Whoever floods a line that is asked is read as fast as a serial line could bring it, and no faster")
    func aFloodedLineTakesNoProcessor() throws {
        let plan = try DeviceProfile.load(Repository.path("device-profiles/alaris/asena-gh")).compile(handle: "pump")
        for flood in ["!INF^8003-00107^-", "\r", "!INF|0000\r"] {
            let run = run(plan, seconds: 10, arrange: { line, _ in line.flood = Array(flood.utf8) }) { _, _ in [] }
            #expect(run.line.flooded.bytes > 1 << 20, "it was read at all")
            #expect(run.line.flooded.bytes <= 10 * 200 * (16_384 + 1_024))
            #expect(run.values("MDC_FLOW_FLUID_PUMP_CURRENT").isEmpty)
        }
    }

    @Test("A connection that brings no Modbus as soon as it is made is made ever more rarely")
    func aGreetingThatIsNoModbus() throws {
        let silent = try plans([1], isTCP: true)
        let noise = [UInt8](repeating: 0xFF, count: 300)
        let run = run(silent, seconds: 120, isTCP: true, arrange: { $0.greeting = noise }) { _ in .silence }
        // At once and again at once, after 0.5, 1, 2, 4, 8 and 16 s, and every 30 s, twice each.
        #expect((8...24).contains(run.line.opened.count))
        #expect(Set(run.told(.deviceDisconnected).map(\.bits)) == [Int64(EBADMSG)])
        #expect(run.values().isEmpty)
    }

    @Test("One that brings a stray word with its answers is made anew at once, and goes on")
    func aStrayWordCostsNoWait() throws {
        let run = run(try plans([1], isTCP: true), seconds: 60, isTCP: true) { read in
            read.time / Self.second % 10 == 5 ? .followed(Array(repeating: 0xFF, count: 300)) : .values
        }
        #expect(run.told(.deviceDisconnected).isEmpty)
        #expect(run.values(0).count > 500)
    }

    @Test("Bytes that come one by one are read as fast as the fastest serial line brings them")
    func aSerialLineIsNeverHeldUp() {
        var budget = ReadBudget()
        var now: Int64 = 1_000_000_000
        for _ in 0..<100_000 {
            #expect(budget.spend(1, at: now) == nil)
            now += SerialSettings(baud: 115_200, dataBits: 8, parity: "N", stopBits: 1).nanosecondsPerByte
        }
    }

    @Test("Without end nothing is read without a pause, whatever it is cut into", arguments: [0, 1, 100, 1_024])
    func everythingEndsAtTheBudget(size: Int) {
        var budget = ReadBudget()
        let ends = (0..<ReadBudget.reads).compactMap { _ in budget.spend(size, at: Self.second) }
        #expect(ends.first == Self.second + ReadBudget.window)
        #expect(budget.spend(size, at: Self.second + ReadBudget.window) == nil)
    }
}
