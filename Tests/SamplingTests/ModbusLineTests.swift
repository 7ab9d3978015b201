import DeviceModel
import LineEngine
import TestSupport
import Testing

@testable import Sampling

/// Lines of Modbus devices in virtual time: who is asked when, and what is told.
@Suite struct ModbusLineTests {
    private func longestGap(_ times: [Double]) -> Double {
        zip(times.dropFirst(), times).map { $0 - $1 }.max() ?? .infinity
    }

    @Test func aSilentDeviceGivesTimedOutSamplesAndIsCalledSilentOnce() throws {
        let run = run(try plans([1]), seconds: 600) { _ in .silence }
        let samples = run.records.filter { $0.kind == .sample }
        #expect(samples.count >= 60)
        #expect(samples.allSatisfy { $0.validity == .notAvailable && [.timedOut, .stale].contains($0.reason) })
        #expect(run.told(.deviceSilent).count == 1 && run.told(.deviceStale).count == 1)
    }

    @Test(arguments: [1, 3, 6]) func deadNeighboursCostAHealthyDeviceNearlyNothing(dead: Int) throws {
        let units = [UInt8](1...UInt8(1 + dead))
        // The healthy one stands last: whoever was asked in order would wait for all the others.
        let healthy = UInt8(1 + dead)
        let run = run(try plans(units, count: 2), seconds: 300) { $0.unit == healthy ? .values : .silence }
        let polls = run.line.times(of: healthy)
        #expect(Double(polls.count) >= 0.95 * 3000, "\(polls.count) of 3000")
        // When it begins, every dead one has to be found.
        if dead == 1 { #expect(Double(polls.count { $0 < 31 }) >= 0.95 * 300, "\(polls.count { $0 < 31 }) of 300") }
        // Two periods and one time-out.
        #expect(longestGap(polls) <= 0.2 + 0.56)
        for unit in units where unit != healthy {
            #expect(run.line.times(of: unit).count >= 3, "unit \(unit) is still asked: \(run.line.times(of: unit))")
        }
        #expect(run.told(.deviceSilent).count == dead)
    }

    @Test func aDeviceThatFailsEveryOtherTimeCostsAFifthAtMost() throws {
        var count = 0
        let run = run(try plans([1, 2], count: 2), seconds: 120) { read in
            guard read.unit == 1 else { return .values }
            count += 1
            return count.isMultiple(of: 2) ? .silence : .values
        }
        #expect(run.line.times(of: 2).count >= 1200 * 4 / 5)
        #expect(run.line.times(of: 1).count > 60)
    }

    @Test func aSingleLostAnswerIsAskedForAgainAtOnce() throws {
        var isLost = false
        let run = run(try plans([1, 2], count: 2), seconds: 20) { read in
            guard read.unit == 1, read.time > 5_000_000_000, !isLost else { return .values }
            isLost = true
            return .silence
        }
        #expect(longestGap(run.line.times(of: 1)) < 0.8)
        #expect(run.told(.deviceSilent).isEmpty)
        // Another shape was asked for, since the lost answer could still have come.
        #expect(run.recorder.total(.detours) >= 1)
    }

    @Test func aDeviceThatComesBackIsHeardWithinTwoMinutes() throws {
        let run = run(try plans([1, 2], count: 2), seconds: 250) {
            $0.unit == 1 && $0.time < 100_000_000_000 ? .silence : .values
        }
        let back = try #require(run.told(.deviceConnected).first { $0.index == 0 })
        #expect(back.monotonicNanoseconds < 161_000_000_000)
    }

    @Test func aDeviceAloneIsAskedAgainAfterTenSecondsAtMost() throws {
        let run = run(try plans([1], count: 2), seconds: 120) { _ in .silence }
        #expect(longestGap(run.line.times(of: 1)) < 10.7)
        #expect(run.line.times(of: 1).count < 40)
    }

    @Test func aLostLineIsOpenedAgainForEverAndNeverInAStorm() throws {
        let run = run(try plans([1], count: 2), seconds: 600, arrange: { $0.mayOpen = { _ in false } }) { _ in .values }
        let gaps = zip(run.line.opened.dropFirst(), run.line.opened).map { Double($0 - $1) / 1e9 }
        #expect(gaps.allSatisfy { $0 > 0.3 && $0 < 30.1 })
        #expect((20...40).contains(run.line.opened.count), "\(run.line.opened.count)")
        #expect(run.told(.deviceDisconnected).count == 1)
        // Each value is told as gone once, not at each attempt.
        #expect(run.records.count { $0.kind == .sample && $0.reason == .disconnected } == 2)
    }

    @Test func threePeriodsWithoutAValueAreToldOnceAndAsAnAlert() throws {
        let run = run(try plans([1], count: 2), seconds: 30) {
            $0.time > 10_000_000_000 && $0.time < 20_000_000_000 ? .silence : .values
        }
        #expect(run.told(.deviceStale).count == 1)
        let stale = try #require(run.told(.deviceStale).first)
        // The third period ends within the first time-out.
        #expect(stale.monotonicNanoseconds < 10_700_000_000)
        #expect(stale.textValue == "MDC_TEMP")
        #expect(run.alerts == [.alertStart, .alertEnd])
        #expect(run.records.contains { $0.kind == .sample && $0.reason == .stale && $0.validity == .notAvailable })
    }

    /// One register of sixty is not there: it costs at most log2(60) + 1 reads once, and all others arrive.
    @Test func aRefusedRegisterCostsItsBlockAFewReadsOnce() throws {
        let run = run(try plans([1], count: 60), seconds: 10) { $0.registers.contains(41) ? .exception(2) : .values }
        #expect(run.line.asked.first?.count == 60)
        #expect(run.line.asked.count { $0.registers.contains(41) } <= 7)
        // From then on two reads a period.
        let later = run.line.asked.filter { $0.time > 5_000_000_000 && $0.time < 6_000_000_000 }
        #expect(Set(later.map { "\($0.address)+\($0.count)" }) == ["0+41", "42+18"])
        let searched = run.line.asked.prefix { !($0.address == 0 && $0.count == 41) }
        #expect(searched.count <= 1 + 6 + 1, "\(searched.map { "\($0.address)+\($0.count)" })")
        for index in 0..<60 where index != 41 { #expect(!run.values(index).isEmpty, "register \(index)") }
        #expect(
            run.records.filter { $0.kind == .sample && $0.index == 41 }.allSatisfy { $0.reason == .deviceException })
        #expect(run.told(.registersRefused).map(\.textValue) == ["holding 41"])
    }

    /// Two devices at one address: the second answer comes right behind the first, with other values.
    @Test func aDeviceThatContradictsItselfIsNotBelievedForAWhile() throws {
        let other = RTUAnswer.values([7, 7], unit: 1)
        let run = run(try plans([1], count: 2), seconds: 60) {
            $0.time > 10_000_000_000 && $0.time < 10_200_000_000 ? .followed(other) : .values
        }
        let withheld = run.records.filter { $0.kind == .sample && $0.reason == .conflictingReplies }
        #expect(withheld.allSatisfy { $0.validity == .invalid && $0.bits == 0 })
        #expect((250 * 2...320 * 2).contains(withheld.count), "\(withheld.count)")
        #expect(run.records.last { $0.kind == .sample }?.validity == .valid)
        #expect(run.recorder.count(.conflicts, device: 0) == 2)
        #expect(run.told(.conflictingReplies).count == 2, "the second is told a second later")
    }

    @Test func somebodyElsesTalkingIsAnAlertUntilItEnds() throws {
        // A request of another master behind each answer, within its silence.
        let request = RTUAnswer.request(unit: 9)
        let run = run(try plans([1], count: 2), seconds: 60) {
            $0.time > 10_000_000_000 && $0.time < 12_000_000_000 ? .followed(request) : .values
        }
        #expect(run.told(.busContention).count == 1)
        #expect(run.alerts == [.alertStart, .alertEnd])
        let end = try #require(run.records.last { $0.kind == .alertEnd })
        #expect(end.monotonicNanoseconds > 21_000_000_000 && end.monotonicNanoseconds < 23_000_000_000)
    }

    @Test func whatTheLineHasTakenIsItsUtilisation() throws {
        let run = run(try plans([1], count: 2), seconds: 20) { _ in .values }
        // 15 ms of each 100, and the silence around them.
        #expect(
            abs(run.recorder.utilisation(now: 21_000_000_000) - 0.17) < 0.02,
            "\(run.recorder.utilisation(now: 21_000_000_000))")
        #expect(run.recorder.total(.requests) == Int64(run.line.asked.count))
        #expect(run.recorder.total(.replies) == run.recorder.total(.requests))
    }
}
