import Foundation
import Testing

@testable import Uplink

/// What is read of an answer.
@Suite struct AnswerTests {
    private func answer(_ status: Int, _ body: String, expected: Int = 1) -> Answer {
        AnswerReader.answer(status: status, body: Data(body.utf8), retryAfter: nil, expected: expected)
    }

    /// Whether an answer leaves the content as it was: nothing stored, nothing refused.
    private func saysNothing(_ answer: Answer) -> Bool {
        switch answer {
        case .entries, .refused, .tooLarge: false
        case .tooMany, .notNow, .notAllowed, .timedOut, .unreachable, .encodingRefused: true
        }
    }

    private static let fault = #"{"resourceType":"OperationOutcome","issue":[{"code":"invalid"}]}"#
    private static let good = #"{"resourceType":"Bundle","entry":[{"response":{"status":"201 Created"}}]}"#

    @Test func onlyItsOwnSuccessIsStored() {
        #expect(answer(200, Self.good) == .entries([.stored]))
        for (status, body, expected) in [
            (200, Self.good, 2), (200, "{}", 1), (200, "<html>", 1), (204, "", 1), (302, Self.good, 1),
            (500, Self.good, 1),
        ] {
            #expect(saysNothing(answer(status, body, expected: expected)), "\(status) \(body)")
        }
    }

    /// Each entry has its own answer (L4): what passes, or says nothing, is none about the content.
    @Test(arguments: [
        ("429 Too Many Requests", "later"), ("503", "later"), ("409", "later"), ("412", "later"), ("423", "later"),
        ("500", "later"), ("", "later"), ("soon", "later"), ("404", "right"), ("401", "right"), ("403", "right"),
        ("422", "content"), ("400 Bad Request", "content"), ("410", "content"), ("413", "large"), ("204", "stored"),
    ])
    func eachEntryHasItsOwnAnswer(status: String, kind: String) {
        let body =
            #"{"resourceType":"Bundle","entry":[{"response":{"status":"201"}},"#
            + #"{"response":{"status":"\#(status)"}},{}]}"#
        guard case .entries(let entries) = answer(200, body, expected: 3) else {
            Issue.record("the entries were not told apart")
            return
        }
        #expect(entries[0] == .stored)
        let found =
            switch entries[1] {
            case .stored: "stored"
            case .refused: "content"
            case .tooLarge: "large"
            case .notNow: "later"
            case .notAllowed: "right"
            }
        #expect(found == kind)
        #expect(entries[2] == .notNow(reason: "an entry was answered without a status"))
    }

    /// A proxy's or a captive portal's page says nothing about the content: nothing is put aside because of it.
    @Test(arguments: [400, 401, 403, 404, 408, 410, 422, 425, 429, 500, 502, 503])
    func anAnswerThatIsNotFHIRLosesNothing(status: Int) {
        #expect(saysNothing(answer(status, "<html>no</html>")))
    }

    @Test(
        arguments: [
            ("120", nil, 120), ("-9223372036854775808", nil, 0),
            ("Sun, 22 Nov 2026 06:16:30 GMT", "Sun, 22 Nov 2026 06:15:00 GMT", 90),
            ("Sun, 22 Nov 2026 06:14:00 GMT", "Sun, 22 Nov 2026 06:15:00 GMT", 0),
            ("Sun, 22 Nov 2026 06:16:30 GMT", nil, nil), ("soon", nil, nil),
        ] as [(String, String?, Int64?)])
    func theWaitAskedForIsReadInBothForms(value: String, date: String?, seconds: Int64?) {
        #expect(AnswerReader.retryAfter(value, date: date) == seconds)
        #expect(AnswerReader.retryAfter(value, date: date, milliseconds: "2500") == 3)
    }

    @Test func faultsOfContentAndSizeAreKeptApart() {
        #expect(answer(422, Self.fault) == .refused(reason: "HTTP 422: invalid"))
        #expect(answer(400, Self.fault) == .refused(reason: "HTTP 400: invalid"))
        #expect(answer(413, "") == .tooLarge)
        #expect(answer(429, Self.fault) == .tooMany(reason: "HTTP 429", retryAfter: nil))
    }

    /// What a server says in words goes nowhere: not even as a code.
    @Test(arguments: [#"Jane Doe\n2026 error forged"#, #"a code of many words"#, String(repeating: "x", count: 300)])
    func wordsOfTheServerAreNotTakenOver(code: String) {
        let body = #"{"resourceType":"OperationOutcome","issue":[{"code":"\#(code)","diagnostics":"Jane Doe"}]}"#
        #expect(answer(422, body) == .refused(reason: "HTTP 422: no reason given"))
    }
}

/// What the pace learns.
@Suite struct PaceTests {
    @Test func itGoesDownAtOnceAndUpSlowly() {
        var pace = Pace()
        pace.tooMuch(entries: 100, bytes: 1 << 19)
        #expect(pace.entries == 50 && pace.bytes == 1 << 18)
        pace.answered(entries: 50, bytes: 1 << 18, seconds: 1)
        #expect(pace.entries == 56 && pace.bytes == (1 << 18) + (1 << 15))
        // A bundle that was not full says nothing of a full one.
        let before = pace
        pace.answered(entries: 3, bytes: 100, seconds: 1)
        #expect((pace.entries, pace.bytes) == (before.entries, before.bytes))
        for _ in 0..<100 { pace.tooMuch(entries: 1, bytes: 1) }
        #expect(pace.entries == 1 && pace.bytes == Pace.fewestBytes)
        for _ in 0..<1000 { pace.answered(entries: pace.entries, bytes: pace.bytes, seconds: 1) }
        #expect(pace.entries == Pace.mostEntries && pace.bytes == Pace.mostBytes)
    }

    /// A service that answers after 35 s (S5), and a way of 96 kbit/s (S4), are found within two steps.
    @Test func aSlowServiceAndASlowWayAreFound() {
        var pace = Pace()
        pace.timedOut(entries: 100, bytes: 500_000)
        #expect(pace.deadline > 35)
        pace.answered(entries: 50, bytes: 250_000, seconds: 35)
        #expect(pace.deadline > 35 * 1.5)
        pace = Pace()
        func seconds(_ bytes: Int) -> Double { Double(bytes) * 8 / 96_000 }
        var steps = 0
        while seconds(pace.bytes) > pace.deadline {
            pace.timedOut(entries: pace.entries, bytes: pace.bytes)
            steps += 1
        }
        #expect(steps <= 2)
        for _ in 0..<100 { pace.timedOut(entries: 1, bytes: 1) }
        #expect(pace.deadline == 300)
    }

    @Test func severalAreUnderWayOnlyWhereTheWayIsLong() {
        var pace = Pace()
        pace.answered(entries: 100, bytes: 1 << 20, seconds: 30)
        #expect(pace.underWay == 1)
        // That the small ones take long as well is no sign: it may be as narrow as it is slow.
        for _ in 0..<20 { pace.answered(entries: 1, bytes: 1000, seconds: 1.2) }
        #expect(pace.underWay == 1)
        for _ in 0..<8 { pace.answered(entries: 100, bytes: 1 << 19, seconds: 1.5) }
        // Four more are answered while one is waited for.
        #expect(pace.underWay == 5)
        pace.failed()
        #expect(pace.underWay == 1)
    }

    @Test(arguments: [(0.2, 1), (0.4, 2), (0.7, 4), (1.2, 8), (5, 8)])
    func theLongerTheWayTheMore(latency: Double, count: Int) {
        var pace = Pace()
        for _ in 0..<20 { pace.answered(entries: 1, bytes: 1000, seconds: latency) }
        #expect(pace.underWay == 1, "nothing has shown yet that it is wide")
        pace.answered(entries: 100, bytes: 1 << 19, seconds: latency * 1.1)
        #expect(pace.underWay == count)
        // 64 kbit/s: a large one takes a minute.
        pace.answered(entries: 100, bytes: 1 << 19, seconds: 60)
        #expect(pace.underWay == 1)
    }

    @Test func whatWasLearntIsBoundedWhenItIsReadAgain() {
        #expect(Pace(entries: -5, bytes: .min) == Pace(entries: 1, bytes: Int64(Pace.fewestBytes)))
        #expect(Pace(entries: .max, bytes: .max) == Pace())
        #expect(Pace(entries: nil, bytes: nil) == Pace())
    }

    @Test func aWayThatLosesSomeAnswersIsTriedSoon() {
        let (way, asked) = (
            Wait(cause: .way, reason: "", retryAfter: nil), Wait(cause: .asked, reason: "", retryAfter: nil)
        )
        #expect(UplinkService.failures(5, hasMoved: true, way) == 1)
        #expect(UplinkService.failures(5, hasMoved: false, way) == 6)
        #expect(UplinkService.failures(5, hasMoved: true, asked) == 6)
    }

    /// What was asked for is had, and a fleet that was told the same moment is spread over what follows it.
    @Test func patienceIsHadAndSpread() {
        for (failures, asked, most) in [(1, 8, 10_000), (3, 120, 150_000), (1, 2, 3000)] {
            let pauses = (0..<300).map { _ in UplinkService.pause(failures, retryAfter: Int64(asked)) }
            #expect(pauses.allSatisfy { (asked * 1000...most).contains($0) })
            #expect(Set(pauses.map { $0 / 100 }).count > 5, "all come back at once")
        }
        let own = (0..<300).map { _ in UplinkService.pause(20, retryAfter: nil) }
        #expect(own.allSatisfy { (100...60_000).contains($0) } && Set(own).count > 50)
        #expect(UplinkService.pause(1, retryAfter: .max) >= 3_600_000)
    }
}
