import DeviceModel
import DevicePlans
import LineEngine
import ProfileLanguage
import RealTime
import StrictYAML
import TestSupport
import Testing

@testable import Sampling

/// Lines of text protocols in virtual time.
@Suite struct TextLineTests {
    private func plan(
        _ requests: [String], line: String = "serial: 9600, format: 8N1, slowest-reply: 500ms", more: String = ""
    ) throws -> DevicePlan {
        let text = """
            nabd: profile/1
            device: {manufacturer: test, model: text, kind: test}
            provenance: [{document: test, seen: here}]
            line: {\(line)}
            frames:
              message: {start: "!", end: "\\r", longest: 64}
            fields:
              first: {type: decimal, places: 0}
              second: {type: decimal, places: 0}
            requests:
            \(requests.map { "  " + $0 }.joined(separator: "\n"))
            \(more)
            metrics:
              - {metric: MDC_TEMP, from: first, unit: Cel}
              - {metric: NABD_RELATIVE_HUMIDITY, from: second, unit: "%"}
            """
        return try DeviceProfile.load(try YAMLFile(path: "test/text/profile.yaml", text: text)).compile(
            handle: "device")
    }

    private func number(_ text: String) -> String { text.contains("A") ? "A" : "B" }

    private let two = [
        #"first: {send: "A", reply: "A{first}", every: 1s, class: read}"#,
        #"second: {send: "B", reply: "B{second}", every: 1s, class: read}"#,
    ]

    /// A hundred thousand polls, one reply in three late by 0.8 to 2.5 s with a time-out of half a second: each reply
    /// tells which question it answers.
    @Test(arguments: [true, false]) func lateRepliesAreNeverTakenForAnothers(inOrder: Bool) throws {
        var generator = SeededGenerator(seed: inOrder ? 5 : 6)
        var asked = 0
        var busyUntil: Int64 = 0
        let seconds: Int64 = 50_000
        let run = run(try plan(two), seconds: seconds) { text, now in
            asked += 1
            let took =
                Int.random(in: 0..<3, using: &generator) == 0
                ? Int64.random(in: 800_000_000...2_500_000_000, using: &generator) : 20_000_000
            busyUntil = inOrder ? max(now, busyUntil) + took : now + took
            return [.init(busyUntil - now, "!\(text.contains("A") ? "A" : "B")\(asked)\r")]
        }
        var right = 0
        var latest: Int64 = 0
        for record in run.records where record.kind == .sample && record.validity == .valid {
            // The question that was asked last before the reply was taken, of either kind, is the one that it answers.
            let said = run.line.said.partitioningIndex { $0.time >= record.monotonicNanoseconds }
            #expect(record.bits == Int64(said), "a late reply was taken for another's")
            if record.bits != Int64(said) { break }
            right += 1
            latest = max(latest, record.bits)
        }
        #expect(right > Int(seconds) / 2, "\(right)")
    }

    @Test func aLostReplyCostsAFewPeriodsAndThenLess() throws {
        var count = 0
        let run = run(try plan(two), seconds: 600) { text, _ in
            count += 1
            return count.isMultiple(of: 7) ? [] : [.init(20_000_000, "!\(number(text))5\r")]
        }
        let late = run.values("MDC_TEMP").filter { $0.monotonicNanoseconds > 300_000_000_000 }
        #expect(late.count > 200, "\(late.count) of 300")
        #expect(run.records.count { $0.kind == .alertStart && $0.monotonicNanoseconds > 300_000_000_000 } == 0)
    }

    /// One field told by two questions of which one is never answered.
    @Test func aFieldIsMissedOnlyWhenAllThatTellItFail() throws {
        let shared = [
            #"first: {send: "A", reply: "A{first}", every: 1s, class: read}"#,
            #"other: {send: "C", reply: "C{first}", every: 1s, class: read}"#,
            #"second: {send: "B", reply: "B{second}", every: 1s, class: read}"#,
        ]
        let run = run(try plan(shared), seconds: 60) { text, now in
            text.contains("C") || text.contains("A") && now > 40_000_000_000
                ? [] : [.init(20_000_000, "!\(number(text))5\r")]
        }
        let samples = run.samples("MDC_TEMP").filter {
            $0.monotonicNanoseconds > 3_000_000_000 && $0.monotonicNanoseconds < 40_000_000_000
        }
        #expect(samples.count > 20 && samples.allSatisfy { $0.validity == .valid })
        #expect(!run.records.contains { $0.event == .deviceStale && $0.monotonicNanoseconds < 40_000_000_000 })
        // When the other falls silent as well, it is.
        #expect(run.samples("MDC_TEMP").contains { $0.reason == .timedOut })
        #expect(run.told(.deviceStale).contains { $0.textValue == "MDC_TEMP" })
    }

    @Test func aConnectionThatEndsBetweenTwoQuestionsCostsNothing() throws {
        let slow = [
            #"first: {send: "A", reply: "A{first}", every: 6s, class: read}"#,
            #"second: {send: "B", reply: "B{second}", every: 6s, class: read}"#,
        ]
        for (requests, limit) in [(two, 5_000_000), (slow, 4_000_000_000)] as [([String], Int64)] {
            let run = run(
                try plan(requests, line: "tcp: 5000, slowest-reply: 500ms"), seconds: 300,
                arrange: { line, _ in
                    line.isConnection = true
                    line.idleLimit = limit
                }
            ) { text, _ in [.init(20_000_000, "!\(number(text))5\r")] }
            #expect(
                run.values("MDC_TEMP").count >= (limit > 1_000_000_000 ? 48 : 285), "\(run.values("MDC_TEMP").count)")
            #expect(run.told(.deviceDisconnected).isEmpty && run.alerts.isEmpty)
        }
    }

    @Test func aConnectionThatEndsAfterALateReplyIsNoFault() throws {
        var asked = 0
        let requests = [two[0], #"second: {send: "B", reply: "B{second}", every: 100s, class: read}"#]
        let run = run(
            try plan(requests, line: "tcp: 5000, slowest-reply: 500ms"), seconds: 300,
            arrange: { line, _ in
                line.isConnection = true
                line.idleLimit = 5_000_000
            }
        ) { text, _ in
            asked += 1
            return [.init(asked % 10 == 9 ? 700_000_000 : 20_000_000, "!\(number(text))5\r")]
        }
        #expect(run.values("MDC_TEMP").count >= 255, "\(run.values("MDC_TEMP").count) of 300")
        #expect(run.told(.deviceDisconnected).isEmpty && run.alerts.isEmpty)
    }

    @Test func anOrderIsSaidOnce() throws {
        let order = LineOrder(number: 9, device: 0, content: .request(1), deadline: 5_000_000_000)
        for isAnswered in [true, false] {
            let slow = [
                #"first: {send: "A", reply: "A{first}", every: 1s, class: read}"#,
                #"second: {send: "B", reply: "B{second}", every: 60s, class: read}"#,
            ]
            var orders = 0
            let run = run(try plan(slow), seconds: 20, orders: [order]) { text, _ in
                if text.contains("B") { orders += 1 }
                return text.contains("B") && orders == 1 && !isAnswered
                    ? [] : [.init(20_000_000, "!\(number(text))5\r")]
            }
            let outcome = try #require(run.recorder.outcomes.pop())
            #expect(outcome.number == 9 && outcome.kind == (isAnswered ? .answered(length: 0) : .unknown))
            #expect(outcome.said > 0 && run.recorder.outcomes.pop() == nil)
        }
    }

    /// A pump whose answer to a setting could be its status, each late at times: none is taken for the other.
    @Test func anAnswerThatCouldBeAnothersIsWaitedFor() throws {
        var generator = SeededGenerator(seed: 9)
        let alike = [
            #"first: {send: "A", reply: "S{first}", every: 1s, class: read}"#,
            #"keep: {send: "K", reply: "S{_}", every: 1s, class: idempotent}"#,
            #"second: {send: "B", reply: "B{second}", every: 1s, class: read}"#,
        ]
        var asked = 0
        let run = run(try plan(alike), seconds: 5_000) { text, _ in
            asked += 1
            let took =
                Int.random(in: 0..<3, using: &generator) == 0
                ? Int64.random(in: 800_000_000...2_500_000_000, using: &generator) : 20_000_000
            // What is not the status has numbers that no status has.
            let told = text.contains("A") ? asked : 1_000_000 + asked
            return [.init(took, "!\(text.contains("B") ? "B" : "S")\(told)\r")]
        }
        let told = run.values("MDC_TEMP").map(\.bits)
        #expect(told.count > 1_000, "\(told.count)")
        #expect(told.allSatisfy { $0 < 1_000_000 }, "the answer to a setting was taken for the status")
    }

    /// A question that is never answered costs one whose answer looks alike some of its turns, not all of them.
    @Test func aSilentQuestionDoesNotStarveWhatIsAlike() throws {
        let alike = [
            #"keep: {send: "K", reply: "S{_}", every: 1s, class: idempotent}"#,
            #"first: {send: "A", reply: "S{first}", every: 1s, class: read}"#,
        ]
        let run = run(try plan(alike + [two[1]]), seconds: 600) { text, _ in
            text.contains("K") ? [] : [.init(20_000_000, "!\(text.contains("B") ? "B" : "S")5\r")]
        }
        let late = run.values("MDC_TEMP").filter { $0.monotonicNanoseconds > 60_000_000_000 }
        #expect(late.count > 450, "\(late.count) of 540")
    }

    /// A session that is never answered keeps no order beyond its deadline.
    @Test func anOrderBeforeTheSessionEndsAtItsDeadline() throws {
        let requests = [#"hello: {send: "H", reply: "H", class: read}"#] + two
        let order = LineOrder(number: 2, device: 0, content: .request(1), deadline: 4_000_000_000)
        let run = run(try plan(requests, more: "session: {open: [hello]}"), seconds: 20, orders: [order]) { _, _ in [] }
        let outcome = try #require(run.recorder.outcomes.pop())
        #expect(outcome.kind == .notSaid && outcome.time >= 4_000_000_000 && outcome.time < 4_700_000_000)
        #expect(run.line.said.allSatisfy { $0.text.contains("H") })
    }

    // MARK: What lay in a buffer

    private func stream() throws -> DevicePlan {
        try DeviceProfile.load(Repository.path("device-profiles/nonin/oem-iii-df2")).compile(handle: "device")
    }

    /// The 25 frames of a packet, which a device says three times a second: 97 %, 72 a minute, as the facts' vector.
    private static let packet: [UInt8] = {
        let values: [Int: UInt8] = [1: 72, 2: 97, 3: 48, 8: 97, 9: 97, 10: 97, 14: 72, 15: 97, 16: 97, 20: 72, 22: 72]
        return (0..<25).flatMap { index -> [UInt8] in
            let body: [UInt8] = [1, index == 0 ? 0x81 : 0x80, 1, values[index] ?? 0]
            return body + [body.reduce(0, &+)]
        }
    }()

    @Test func aHostThatStoodStillRecordsNothingOfThatTimeAsNow() throws {
        let run = run(
            try stream(), seconds: 60,
            arrange: { line, clock in
                for index in 0..<180 {
                    let time = 1_200_000_000 + Int64(index) * 333_333_333
                    // Between 20 s and 40 s nobody reads; the port holds 4,095 bytes.
                    line.put(Self.packet, at: time)
                }
                line.standsStill = 20_000_000_000..<40_000_000_000
            }
        ) { _, _ in [] }
        let waking = run.records.filter {
            $0.kind == .sample && $0.validity.carriesValue && $0.monotonicNanoseconds >= 40_000_000_000
                && $0.monotonicNanoseconds < 40_200_000_000
        }
        #expect(waking.isEmpty, "\(waking.count) values of the time before")
        #expect(run.told(.heldInput).count == 1)
        #expect((run.told(.heldInput).first?.bits ?? 0) >= 19_000)
        #expect(run.told(.heldInput).first?.textValue == "the host stood still")
        #expect(run.told(.deviceDisconnected).isEmpty, "that is no fault of the cable")
        let after = run.values("MDC_PULS_OXIM_SAT_O2").filter { $0.monotonicNanoseconds > 43_000_000_000 }
        #expect(after.count > 30)
    }

    @Test func aPortThatHadFilledBeforeTheStartSaysNothingOfNow() throws {
        let run = run(
            try stream(), seconds: 20,
            arrange: { line, _ in
                for _ in 0..<30 { line.put(Self.packet, at: 1_000_000_000) }
                for index in 0..<57 { line.put(Self.packet, at: 1_333_333_333 + Int64(index) * 333_333_333) }
            }
        ) { _, _ in [] }
        let first = run.records.filter {
            $0.kind == .sample && $0.validity.carriesValue && $0.monotonicNanoseconds < 1_200_000_000
        }
        #expect(first.isEmpty, "\(first.count)")
        #expect(run.told(.heldInput).count == 1)
        #expect(run.values("MDC_PULS_OXIM_SAT_O2").filter { $0.monotonicNanoseconds > 4_000_000_000 }.count > 30)
    }

    /// A terminal server that stalls and then sends all at once.
    @Test func aTerminalServerThatStalledIsSeenByWhatComesAtOnce() throws {
        let run = run(
            try stream(), seconds: 40,
            arrange: { line, _ in
                for index in 0..<120 {
                    let time = 1_200_000_000 + Int64(index) * 333_333_333
                    line.put(Self.packet, at: time > 10_000_000_000 && time < 20_000_000_000 ? 20_000_000_000 : time)
                }
            }
        ) { _, _ in [] }
        let burst = run.records.filter {
            $0.kind == .sample && $0.validity.carriesValue && $0.monotonicNanoseconds > 10_500_000_000
                && $0.monotonicNanoseconds < 20_100_000_000
        }
        #expect(burst.isEmpty, "\(burst.count)")
        #expect(run.told(.heldInput).count == 1)
        #expect(run.told(.heldInput).first?.textValue == "more came than can have been said")
        #expect(
            run.values("MDC_PULS_OXIM_SAT_O2").contains {
                $0.monotonicNanoseconds > 21_000_000_000 && $0.monotonicNanoseconds < 23_000_000_000
            })
    }

    /// The same without a stall: nothing is held.
    @Test func aSteadyStreamIsNeverHeld() throws {
        let run = run(
            try stream(), seconds: 300,
            arrange: { line, _ in
                for index in 0..<890 { line.put(Self.packet, at: 1_200_000_000 + Int64(index) * 333_333_333) }
            }
        ) { _, _ in [] }
        #expect(run.told(.heldInput).isEmpty)
        #expect(run.values("MDC_PULS_OXIM_SAT_O2").count > 800)
    }

    // MARK: Refusals and pauses

    @Test func aRefusalIsAnAnswerAndNoSilence() throws {
        let plan = try self.plan([
            #"first: {send: "A", reply: "A{first}", refusal: "ERR {_}", every: 1s, class: read}"#,
            #"second: {send: "B", reply: "B{second}", refusal: "ERR {_}", every: 1s, class: read}"#,
        ])
        let run = run(plan, seconds: 60) { text, _ in [.init(20_000_000, text.contains("A") ? "!A7\r" : "!ERR 3\r")] }
        #expect(run.recorder.total(.timeouts) == 0)
        #expect(run.values("MDC_TEMP").count >= 58)
        let refused = run.samples("NABD_RELATIVE_HUMIDITY")
        #expect(refused.count { $0.validity == .invalid && $0.reason == .deviceException } >= 58)
        // And nothing current comes of it.
        #expect(refused.allSatisfy { !$0.validity.carriesValue } && run.told(.deviceStale).count == 1)
    }

    /// A refusal that comes after its time belongs to nothing that is asked later.
    @Test func aLateRefusalIsNobodysAnswer() throws {
        let plan = try self.plan([
            #"first: {send: "A", reply: "A{first}", refusal: "NO", every: 1s, class: read}"#,
            #"second: {send: "B", reply: "B{second}", refusal: "NO", every: 1s, class: read}"#,
        ])
        var asked = 0
        let run = run(plan, seconds: 600) { text, _ in
            asked += 1
            return [
                .init(
                    asked % 7 == 0 ? 800_000_000 : 20_000_000,
                    asked % 7 == 0 ? "!NO\r" : "!\(text.contains("A") ? "A" : "B")5\r")
            ]
        }
        #expect(run.recorder.total(.late) > 50)
        #expect(run.samples("MDC_TEMP").allSatisfy { $0.reason != .deviceException })
    }

    @Test func nothingIsSentInAPause() throws {
        let plan = try self.plan([
            #"first: {send: [{hex: "00"}, {pause: 50ms}, "A", {pause: 20ms}, {hex: "0D"}], "#
                + #"reply: "A{first}", every: 1s, class: read}"#,
            two[1],
        ])
        let run = run(plan, seconds: 10) { text, _ in
            switch text {
            case "\r": return [.init(20_000_000, "!A7\r")]
            case "!B\r": return [.init(20_000_000, "!B1\r")]
            default: return []
            }
        }
        let first = run.line.said.firstIndex { $0.bytes == [0] } ?? 0
        #expect(run.line.said[first + 1].text == "!A\r" && run.line.said[first + 2].text == "\r")
        #expect(run.line.said[first + 1].time - run.line.said[first].time == 50_000_000)
        #expect(run.line.said[first + 2].time - run.line.said[first + 1].time == 20_000_000)
        #expect(run.values("MDC_TEMP").count >= 9 && run.recorder.total(.requests) < 22)
    }
}

extension RandomAccessCollection {
    /// Where the first element stands that fits, when all behind it do.
    fileprivate func partitioningIndex(where fits: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if fits(self[index(startIndex, offsetBy: middle)]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
