import DeviceModel
import LineEngine
import ModbusFrames
import RealTime
import TestSupport
import Testing

@testable import Sampling

/// What devices in the field do that no document says, on lines in virtual time.
@Suite struct FieldCaseTests {
    // MARK: Late replies

    /// A hundred thousand reads, one in three answered late by 0.8 to 2.5 s with a time-out of half a second: whatever
    /// counts was asked for.
    ///
    /// In order: a device that is busy with one request at a time. Out of order: each reply by its own clock.
    @Test(arguments: [
        (true, 10, true), (false, 10, true), (true, 1, true), (false, 1, true), (true, 1, false), (false, 1, false),
    ])
    func lateRepliesAreNeverTakenForAnothers(inOrder: Bool, count: Int, mayWiden: Bool) throws {
        let polls = 100_000
        var generator = SeededGenerator(seed: UInt64(count) + (inOrder ? 100 : 200))
        let clock = VirtualClock(seconds: 1 << 32)
        var busyUntil: Int64 = 0
        let line = NumberedBus(clock) { now in
            let isLate = Int.random(in: 0..<3, using: &generator) == 0
            let took = isLate ? Int64.random(in: 800_000_000...2_500_000_000, using: &generator) : 20_000_000
            guard inOrder else { return now + took }
            busyUntil = max(now, busyUntil) + took
            return busyUntil
        }
        let devices = try plans([1], count: count, every: "1s", line: mayWiden ? "" : ", widen: no")
        let recorder = LineRecorder(devices: 1)
        let engine = RTUEngine(devices: devices, byteTime: 86_805, baud: 115_200, recorder: recorder, now: clock.now())
        let loop = LineLoop(
            engine, line: line, clock: clock, recorder: recorder, orders: .init(minimumCapacity: 1, blank: .none))
        var (right, wrong) = (0, 0)
        while clock.now() < Int64(polls) * 1_000_000_000, loop.step() {
            while let record = recorder.ring.pop() {
                guard record.kind == .sample, record.validity == .valid, record.index == 0 else { continue }
                if record.bits == Int64(line.askedBefore & 0x7FFF) { right += 1 } else { wrong += 1 }
            }
        }
        #expect(wrong == 0)
        #expect(right > polls / 5, "\(right) of \(polls)")
    }

    /// The measure that the bus does mislead: the same without discipline.
    @Test func theSameBusMisleadsAPlainClient() throws {
        var generator = SeededGenerator(seed: 1)
        let clock = VirtualClock(seconds: 1 << 32)
        let line = NumberedBus(clock) { now in
            now
                + (Int.random(in: 0..<3, using: &generator) == 0
                    ? Int64.random(in: 800_000_000...2_500_000_000, using: &generator) : 20_000_000)
        }
        var wrong = 0
        var buffer = [UInt8](repeating: 0, count: 64)
        for _ in 0..<1000 {
            try line.write(RTUAnswer.request(unit: 1), deadline: 0)
            let count = try line.read(into: &buffer, deadline: clock.now() + 500_000_000)
            if count > 0, Int(buffer[3]) << 8 | Int(buffer[4]) != line.asked & 0x7FFF { wrong += 1 }
            clock.sleep(until: clock.now() + 500_000_000)
        }
        #expect(wrong > 50)
    }

    /// N7: a device that answers its whole block only, and loses one answer in seven.
    @Test(arguments: [true, false]) func aDeviceWithoutOtherShapesIsFoundOut(isSaid: Bool) throws {
        var count = 0
        let run = run(
            try plans([1], count: 10, every: "1s", slowest: "300ms", line: isSaid ? ", widen: no" : ""), seconds: 600
        ) { read in
            guard read.address == 0, read.count == 10 else { return .silence }
            count += 1
            return count.isMultiple(of: 7) ? .silence : .values
        }
        let later = run.values(0).filter { $0.monotonicNanoseconds > 120_000_000_000 }
        #expect(later.count >= 480 * 3 / 4, "\(later.count) of 480")
        let alarms = run.records.filter { $0.kind == .alertStart && $0.monotonicNanoseconds > 120_000_000_000 }
        #expect(alarms.isEmpty, "\(alarms.count)")
    }

    // MARK: Failures that are answered

    @Test(arguments: [UInt8(0x0A), 0x0B, 4, 6], [1, 3]) func aFailureThatIsAnsweredIsPaidForLikeSilence(
        code: UInt8, dead: Int
    ) throws {
        for seconds in [1, 3] as [Int64] {
            let units = [UInt8](1...UInt8(1 + dead))
            let healthy = UInt8(1 + dead)
            let run = run(
                try plans(units, count: 2, every: "1s", isTCP: true, slowest: "4s"), seconds: 600, isTCP: true,
                arrange: { line in line.delay = { $0.unit == healthy ? 15_000_000 : seconds * 1_000_000_000 } },
                rule: { $0.unit == healthy ? .values : .exception(code) })
            let polls = run.line.times(of: healthy)
            #expect(Double(polls.count) >= 0.95 * 600, "\(polls.count) of 600 beside \(dead) that take \(seconds) s")
            #expect(run.told(.deviceConnected).count == 1, "who only refuses is not connected")
            #expect(run.told(.deviceSilent).count == dead)
            #expect(run.told(.deviceSilent).allSatisfy { $0.textValue.contains("exceptions only") })
            for unit in units where unit != healthy {
                #expect(run.line.times(of: unit).count >= 2, "unit \(unit) is still asked")
            }
        }
    }

    /// The gateway's own time-out is longer than ours: while it waits for a dead unit, it answers nobody.
    @Test(arguments: [1, 3]) func aGatewayThatWaitsForADeadUnitIsNotTheHealthyOnesFault(dead: Int) throws {
        let units = [UInt8](1...UInt8(1 + dead))
        var busyUntil: Int64 = 0
        let run = run(
            try plans(units, count: 2, every: "1s", isTCP: true), seconds: 600, isTCP: true,
            arrange: { line in
                line.delay = { read in
                    busyUntil = max(read.time, busyUntil) + (read.unit == 1 ? 15_000_000 : 3_000_000_000)
                    return busyUntil - read.time
                }
            }, rule: { $0.unit == 1 ? .values : .exception(0x0B) })
        let values = run.values(0)
        #expect(Double(values.count) >= 0.95 * 600, "\(values.count) of 600")
        #expect(!run.told(.deviceSilent).contains { $0.index == 0 })
        // Told as it is: late answers, which were refusals, or nothing.
        #expect(run.told(.deviceSilent).count == dead)
    }

    // MARK: Connections that end

    @Test func aConnectionThatEndsAfterEachAnswerCostsNothing() throws {
        let run = run(
            try plans([1], count: 2, every: "1s", isTCP: true), seconds: 300, isTCP: true,
            arrange: { $0.idleLimit = 5_000_000 }
        ) { _ in .values }
        #expect(run.values(0).count >= 285, "\(run.values(0).count) of 300")
        #expect(run.told(.deviceDisconnected).isEmpty && run.alerts.isEmpty)
    }

    /// Every tenth answer comes after it was given up, before the next question or while that is out; then the
    /// connection ends.
    @Test(arguments: ["1s", "600ms"]) func aConnectionThatEndsAfterALateAnswerIsNoFault(period: String) throws {
        var asked = 0
        let run = run(
            try plans([1], count: 2, every: period, isTCP: true), seconds: 300, isTCP: true,
            arrange: { line in
                line.idleLimit = 5_000_000
                line.delay = { _ in
                    asked += 1
                    return asked % 10 == 9 ? 700_000_000 : 15_000_000
                }
            }
        ) { _ in .values }
        #expect(run.values(0).count >= 255, "\(run.values(0).count) of 300")
        #expect(run.told(.deviceDisconnected).isEmpty && run.alerts.isEmpty)
    }

    @Test func aConnectionThatEndsWhenIdleCostsNothing() throws {
        let run = run(
            try plans([1], count: 2, every: "6s", isTCP: true), seconds: 600, isTCP: true,
            arrange: { $0.idleLimit = 4_000_000_000 }
        ) { _ in .values }
        #expect(run.values(0).count >= 95, "\(run.values(0).count) of 100")
        #expect(run.told(.deviceDisconnected).isEmpty && run.alerts.isEmpty)
    }

    /// A device that ends each connection on which it is asked within a second of its beginning.
    @Test(arguments: [true, false]) func aPauseAfterOpeningCanBeSaid(isSaid: Bool) throws {
        var openings: () -> [Int64] = { [] }
        let run = run(
            try plans([1], count: 2, every: "1s", isTCP: true, line: isSaid ? ", pause-after-opening: 1500ms" : ""),
            seconds: 60, isTCP: true,
            arrange: { line in openings = { line.opened } },
            rule: { $0.time - (openings().last ?? 0) < 1_000_000_000 ? .end : .values })
        #expect(isSaid ? run.values(0).count >= 55 : run.values(0).isEmpty, "\(run.values(0).count)")
        if !isSaid {
            #expect(run.told(.deviceDisconnected).count == 1, "told when it begins")
            #expect(run.line.opened.count < 15)
        }
    }

    // MARK: Reads that are too long

    /// A device that answers no more than so many registers at once: by silence or by refusal; or one that is silent
    /// along a hole.
    @Test(arguments: [PlayedBus.Outcome.silence, .exception(3), .exception(2)]) func theLengthThatWorksIsFoundAndKept(
        refusal: PlayedBus.Outcome
    ) throws {
        for limit in [15, 40, 64] {
            let run = run(try plans([1], count: 125, every: "1s", slowest: "300ms"), seconds: 200) {
                $0.count > limit ? refusal : .values
            }
            for index in [0, 60, 124] {
                let first = try #require(run.values(index).first, "register \(index), limit \(limit)")
                #expect(first.monotonicNanoseconds < 60_000_000_000)
            }
            let cycle = run.line.asked.filter { $0.time > 150_000_000_000 && $0.time < 160_000_000_000 }
            #expect(
                cycle.count <= 10 * ((125 + limit - 1) / limit + 1), "\(cycle.count / 10) reads a cycle, limit \(limit)"
            )
            #expect(cycle.allSatisfy { $0.count <= limit })
            #expect(run.told(.registersRefused).count == 0)
        }
    }

    @Test func aDeviceThatIsSilentAlongAHoleIsRead() throws {
        // Register 30 is not wanted, and not there: 29 and 31 are read with it.
        let run = run(try plans([1], count: 60, every: "1s", slowest: "300ms", without: [30]), seconds: 120) {
            $0.registers.contains(30) ? .silence : .values
        }
        for index in [0, 29, 30, 58] {
            #expect(run.values(index).contains { $0.monotonicNanoseconds < 60_000_000_000 }, "stream \(index)")
        }
        let cycle = run.line.asked.filter { $0.time > 100_000_000_000 && $0.time < 110_000_000_000 }
        #expect(cycle.count <= 10 * 3, "\(cycle.map { "\($0.address)+\($0.count)" }.prefix(4))")
    }

    @Test func theLongestReadCanBeSaid() throws {
        let run = run(try plans([1], count: 100, every: "1s", line: ", longest-read: 40"), seconds: 20) { _ in .values }
        #expect(run.line.asked.allSatisfy { $0.count <= 40 })
        #expect(Set(run.values().map(\.index)).count == 100)
    }

    // MARK: Refusals that pass

    @Test func aRegisterThatIsRefusedAtFirstComesBack() throws {
        let run = run(try plans([1], count: 10, every: "1s"), seconds: 120) { read in
            read.time < 21_000_000_000 && read.registers.contains(4) ? .exception(2) : .values
        }
        let back = try #require(run.values(4).first)
        #expect(back.monotonicNanoseconds < (21 + 90) * 1_000_000_000)
        #expect(run.told(.registersRestored).map(\.textValue) == ["holding 4"])
        #expect(run.alerts == [.alertStart, .alertEnd])
        #expect(run.line.opened.count == 1)
    }

    // MARK: Orders

    @Test func anOrderIsSaidOnceAndItsOutcomeComes() throws {
        let order = LineOrder(
            number: 7, device: 0, content: .read(.readHoldingRegisters, unit: 1, address: 100, count: 2),
            deadline: 5_000_000_000)
        for (outcome, kind) in [
            (PlayedBus.Outcome.values, OrderOutcome.Kind.answered(length: 4)), (.silence, .unknown),
            (.exception(2), .refused(code: 2)),
        ] {
            let run = run(try plans([1], count: 2), seconds: 10, orders: [order]) {
                $0.address == 100 ? outcome : .values
            }
            let found = try #require(run.recorder.outcomes.pop())
            #expect(found.number == 7 && found.kind == kind)
            #expect(run.line.asked.count { $0.address == 100 } == 1)
            #expect(run.recorder.outcomes.pop() == nil)
            if case .answered = kind { #expect((0..<4).map { found.bytes[$0] } == [0, 100, 0, 101]) }
        }
    }

    @Test func anOrderThatCannotBeSaidIsNotSaid() throws {
        let late = LineOrder(
            number: 1, device: 0, content: .read(.readHoldingRegisters, unit: 1, address: 100, count: 2), deadline: 0)
        let write = LineOrder(
            number: 2, device: 0, content: .read(.writeSingleRegister, unit: 1, address: 100, count: 1), deadline: .max)
        let other = LineOrder(number: 3, device: 9, content: .request(0), deadline: .max)
        let run = run(try plans([1], count: 2), seconds: 5, orders: [late, write, other]) { _ in .values }
        var outcomes: [OrderOutcome] = []
        while let outcome = run.recorder.outcomes.pop() { outcomes.append(outcome) }
        #expect(outcomes.map(\.number) == [1, 2, 3] && outcomes.allSatisfy { $0.kind == .notSaid })
        #expect(run.line.asked.allSatisfy { $0.address < 100 })
    }

    /// The line is lost while the order is handed to it: what of it went out is not known.
    @Test func anOrderWhoseSayingFailsIsUnknown() throws {
        let order = LineOrder(
            number: 4, device: 0, content: .read(.readHoldingRegisters, unit: 1, address: 100, count: 2),
            deadline: 5_000_000_000)
        let run = run(
            try plans([1], count: 2), seconds: 10, orders: [order], arrange: { $0.breaksAfter = { $0.address == 100 } }
        ) { _ in .values }
        let found = try #require(run.recorder.outcomes.pop())
        #expect(found.kind == .unknown && found.said > 0)
        #expect(run.line.asked.count { $0.address == 100 } == 1)
    }

    @Test func anOrderForALineThatIsNotThereEndsAtItsDeadline() throws {
        let order = LineOrder(
            number: 1, device: 0, content: .read(.readHoldingRegisters, unit: 1, address: 0, count: 2),
            deadline: 3_000_000_000)
        let run = run(try plans([1], count: 2), seconds: 20, orders: [order], arrange: { $0.mayOpen = { _ in false } })
        { _ in .values }
        let found = try #require(run.recorder.outcomes.pop())
        #expect(found.kind == .notSaid && found.time >= 3_000_000_000 && found.time < 3_600_000_000)
    }
}
