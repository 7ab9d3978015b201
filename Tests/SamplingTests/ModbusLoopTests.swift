import DeviceModel
import DeviceProfiles
import Fieldbus
import Foundation
import RealTime
import TestSupport
import Testing

@testable import Sampling

/// Time that passes only when somebody waits; after `end` it sets the flag.
private final class VirtualClock: MonotonicTime, @unchecked Sendable {
    private var time: Int64 = 1_000_000_000
    private let end: Int64
    let stop = StopFlag()

    init(seconds: Int64) { end = (1 + seconds) * 1_000_000_000 }

    func now() -> Int64 { time }

    func sleep(until deadline: Int64) {
        time = max(time, deadline)
        if time >= end { stop.set() }
    }

    func pass(_ nanoseconds: Int64) { sleep(until: time + nanoseconds) }
}

/// A line on which a rule says what becomes of each read.
private final class RuledLine: RegisterLine {
    enum Outcome {
        case values
        case failure(FieldbusError)
        /// Something is seen beside the values.
        case sighting(LinkSighting.Kind)
    }

    private let clock: VirtualClock
    private let rule: (RegisterRequest, Int64) -> Outcome
    private(set) var requests: [(time: Int64, request: RegisterRequest)] = []
    private(set) var opened: [Int64] = []
    var openings: Int { opened.count }
    private var sightings: [LinkSighting] = []
    var mayOpen: (Int64) -> Bool = { _ in true }

    init(_ clock: VirtualClock, rule: @escaping (RegisterRequest, Int64) -> Outcome) {
        self.clock = clock
        self.rule = rule
    }

    func open() throws(FieldbusError) {
        opened.append(clock.now())
        clock.pass(1_000_000)
        guard mayOpen(clock.now()) else { throw FieldbusError.cannotOpen(path: "/dev/none", errno: ENOENT) }
    }

    func close() {}

    func takeSighting() -> LinkSighting? { sightings.popLast() }

    func read(_ request: RegisterRequest, into registers: inout [UInt16]) throws(FieldbusError) {
        let start = clock.now()
        requests.append((start, request))
        switch rule(request, start) {
        case .values: clock.pass(15_000_000)
        case .sighting(let kind):
            clock.pass(15_000_000)
            sightings.append(LinkSighting(kind, unit: request.unit))
        case .failure(let error):
            if case .deviceException = error { clock.pass(15_000_000) } else { clock.pass(request.slowestReply + 60_000_000) }
            throw error
        }
        for index in 0..<request.count { registers[index] = UInt16(request.address + index) }
    }

    /// When a unit was asked, since the start. Unit: s.
    func times(of unit: UInt8) -> [Double] { requests.filter { $0.request.unit == unit }.map { Double($0.time) / 1e9 } }
}

@Suite struct ModbusLoopTests {
    /// Devices of ten registers each at 100 ms, by unit.
    private func plans(_ units: [UInt8], count: Int = 10, every: String = "100ms", serial: String? = nil) throws -> [DevicePlan] {
        var text = """
            nabd: profile/1
            device: {manufacturer: test, model: registers, kind: test}
            provenance: [{document: test, seen: here}]
            line: {modbus: rtu, baud: 115200, format: 8N1, unit: 1, slowest-reply: 500ms}
            vmds:

            """
        for index in 0..<count { text += "  c\(index): {label: channel}\n" }
        text += "metrics:\n"
        for index in 0..<count {
            text += "  - {metric: MDC_TEMP, vmd: c\(index), from: {holding: \(index), type: int16}, scale: 0.1, unit: Cel, every: \(every)}\n"
        }
        let profile = try DeviceProfile.load(try YAMLFile(path: "test/registers/profile.yaml", text: text))
        return units.map { unit in
            var overrides = DeviceOverrides()
            overrides.unit = unit
            return profile.compile(handle: "unit-\(unit)", overrides: overrides)
        }
    }

    private func run(
        _ plans: [DevicePlan], seconds: Int64, mayOpen: @escaping (Int64) -> Bool = { _ in true },
        rule: @escaping (RegisterRequest, Int64) -> RuledLine.Outcome
    ) -> (line: RuledLine, recorder: LineRecorder, records: [SampleRecord]) {
        let clock = VirtualClock(seconds: seconds)
        let line = RuledLine(clock, rule: rule)
        line.mayOpen = mayOpen
        let recorder = LineRecorder(devices: plans.count)
        ModbusLineLoop(devices: plans, line: line, clock: clock, recorder: recorder).run(until: clock.stop)
        var records: [SampleRecord] = []
        while let record = recorder.ring.pop() { records.append(record) }
        return (line, recorder, records)
    }

    private func longestGap(_ times: [Double]) -> Double { zip(times.dropFirst(), times).map { $0 - $1 }.max() ?? .infinity }

    @Test(arguments: [1, 3, 6]) func deadNeighboursCostAHealthyDeviceNearlyNothing(dead: Int) throws {
        let units = [UInt8](1...UInt8(1 + dead))
        // The healthy one stands last: whoever was asked in order would wait for all the others.
        let healthy = UInt8(1 + dead)
        let (line, _, records) = run(try plans(units, count: 2), seconds: 300) { request, _ in request.unit == healthy ? .values : .failure(.timedOut) }
        let polls = line.times(of: healthy)
        #expect(Double(polls.count) >= 0.95 * 3000, "\(polls.count) of 3000")
        // When it begins, every dead one has to be found.
        if dead == 1 { #expect(Double(polls.count { $0 < 31 }) >= 0.95 * 300, "\(polls.count { $0 < 31 }) of 300") }
        // Two periods and one time-out.
        #expect(longestGap(polls) <= 0.2 + 0.56)
        for unit in units where unit != healthy { #expect(line.times(of: unit).count >= 3, "unit \(unit) is still asked") }
        #expect(records.count { $0.event == .deviceSilent } == dead)
    }

    @Test func aDeviceThatFailsEveryOtherTimeCostsAFifthAtMost() throws {
        var count = 0
        let (line, _, _) = run(try plans([1, 2], count: 2), seconds: 120) { request, _ in
            guard request.unit == 1 else { return .values }
            count += 1
            return count.isMultiple(of: 2) ? .failure(.timedOut) : .values
        }
        #expect(line.times(of: 2).count >= 1200 * 4 / 5)
        #expect(line.times(of: 1).count > 60)
    }

    @Test func aSingleLostAnswerIsAskedForAgainAtOnce() throws {
        var isLost = false
        let (line, _, records) = run(try plans([1, 2], count: 2), seconds: 20) { request, time in
            guard request.unit == 1, time > 5_000_000_000, !isLost else { return .values }
            isLost = true
            return .failure(.timedOut)
        }
        #expect(longestGap(line.times(of: 1)) < 0.8)
        #expect(!records.contains { $0.event == .deviceSilent })
    }

    @Test func aDeviceThatComesBackIsHeardWithinTwoMinutes() throws {
        let (_, _, records) = run(try plans([1, 2], count: 2), seconds: 250) { request, time in
            request.unit == 1 && time < 100_000_000_000 ? .failure(.timedOut) : .values
        }
        let back = try #require(records.first { $0.event == .deviceConnected && $0.index == 0 })
        #expect(back.monotonicNanoseconds < 161_000_000_000)
    }

    @Test func aDeviceAloneIsAskedAgainAfterTenSecondsAtMost() throws {
        let (line, _, _) = run(try plans([1], count: 2), seconds: 120) { _, _ in .failure(.timedOut) }
        #expect(longestGap(line.times(of: 1)) < 10.7)
        #expect(line.times(of: 1).count < 40)
    }

    @Test func aLostLineIsOpenedAgainForEverAndNeverInAStorm() throws {
        let (line, _, records) = run(try plans([1], count: 2), seconds: 600, mayOpen: { _ in false }) { _, _ in .values }
        let gaps = zip(line.opened.dropFirst(), line.opened).map { Double($0 - $1) / 1e9 }
        #expect(gaps.allSatisfy { $0 > 0.3 && $0 < 30.1 })
        #expect((20...40).contains(line.opened.count), "\(line.opened.count)")
        #expect(records.count { $0.event == .deviceDisconnected } == 1)
    }

    @Test func threePeriodsWithoutAValueAreToldOnceAndAsAnAlert() throws {
        let (_, _, records) = run(try plans([1], count: 2), seconds: 30) { _, time in
            time > 10_000_000_000 && time < 20_000_000_000 ? .failure(.timedOut) : .values
        }
        #expect(records.count { $0.event == .deviceStale } == 1)
        let stale = try #require(records.first { $0.event == .deviceStale })
        // The third period ends within the first time-out.
        #expect(stale.monotonicNanoseconds < 10_700_000_000)
        #expect(stale.textValue == "MDC_TEMP")
        let alerts = records.filter { $0.kind == .alertStart || $0.kind == .alertEnd }
        #expect(alerts.map(\.kind) == [.alertStart, .alertEnd])
        #expect(records.contains { $0.kind == .sample && $0.reason == .stale && $0.validity == .notAvailable })
    }

    /// One register of sixty is not there: it costs at most log2(60) + 1 reads once, and all others arrive.
    @Test func aRefusedRegisterCostsItsBlockAFewReadsOnce() throws {
        let (line, _, records) = run(try plans([1], count: 60), seconds: 10) { request, _ in
            (request.address..<(request.address + request.count)).contains(41) ? .failure(.deviceException(code: 2)) : .values
        }
        let first = line.requests.prefix { $0.time < 1_450_000_000 }.map(\.request)
        #expect(first.first?.count == 60)
        #expect(line.requests.count { $0.request.address <= 41 && $0.request.address + $0.request.count > 41 } <= 7)
        // From then on two reads a period.
        let later = line.requests.filter { $0.time > 5_000_000_000 && $0.time < 6_000_000_000 }
        #expect(Set(later.map { "\($0.request.address)+\($0.request.count)" }) == ["0+41", "42+18"])
        let searched = line.requests.prefix { !($0.request.address == 0 && $0.request.count == 41) }
        #expect(searched.count <= 1 + 6 + 1, "\(searched.map { "\($0.request.address)+\($0.request.count)" })")
        for index in 0..<60 where index != 41 {
            #expect(records.contains { $0.kind == .sample && Int($0.index) == index && $0.validity == .valid }, "register \(index)")
        }
        #expect(records.filter { $0.kind == .sample && $0.index == 41 }.allSatisfy { $0.reason == .deviceException })
        #expect(records.filter { $0.event == .registersRefused }.map(\.textValue) == ["holding 41"])
    }

    @Test func aDeviceThatContradictsItselfIsNotBelievedForAWhile() throws {
        let (_, recorder, records) = run(try plans([1], count: 2), seconds: 60) { _, time in
            time > 10_000_000_000 && time < 10_200_000_000 ? .sighting(.conflicting) : .values
        }
        let withheld = records.filter { $0.kind == .sample && $0.reason == .conflictingReplies }
        #expect(withheld.allSatisfy { $0.validity == .invalid && $0.bits == 0 })
        #expect((250 * 2...320 * 2).contains(withheld.count), "\(withheld.count)")
        #expect(records.last { $0.kind == .sample }?.validity == .valid)
        #expect(recorder.count(.conflicts, device: 0) == 2)
        #expect(records.count { $0.event == .conflictingReplies } == 2, "the second is told a second later")
    }

    @Test func somebodyElsesTalkingIsAnAlertUntilItEnds() throws {
        let (_, _, records) = run(try plans([1], count: 2), seconds: 60) { _, time in
            time > 10_000_000_000 && time < 12_000_000_000 ? .sighting(.foreignRequest) : .values
        }
        #expect(records.count { $0.event == .busContention } == 1)
        let alerts = records.filter { $0.kind == .alertStart || $0.kind == .alertEnd }
        #expect(alerts.map(\.kind) == [.alertStart, .alertEnd])
        let end = try #require(alerts.last)
        #expect(end.monotonicNanoseconds > 21_000_000_000 && end.monotonicNanoseconds < 23_000_000_000)
    }

    @Test func whatTheLineHasTakenIsItsUtilisation() throws {
        let (line, recorder, _) = run(try plans([1], count: 2), seconds: 20) { _, _ in .values }
        #expect(abs(recorder.utilisation(now: 21_000_000_000) - 0.15) < 0.01)
        #expect(recorder.total(.requests) == Int64(line.requests.count))
        #expect(recorder.total(.replies) == recorder.total(.requests))
    }
}
