import Alarms
import DeviceModel
import LineEngine
import Testing

@testable import NabdHost

@Suite struct AlertRegisterTests {
    private let stale = LineAlert(device: "fridge", .stale)
    private let otherStale = LineAlert(device: "pump", .stale)

    /// An event's phase, instance, reason and time in one text.
    private func words(_ event: UnitEvent) -> String {
        func member(_ name: String) -> String {
            guard case .object(let members) = event.members,
                case .string(let text)? = members.first(where: { $0.name == name })?.value
            else { return "–" }
            return text
        }
        return
            "\(event.kind.name) \(event.device ?? "host") \(member("instance")) \(member("reason")) \(event.monotonic)"
    }

    private func register(mayLatch: Bool = false) -> AlertRegister {
        AlertRegister(session: "s", mayLatch: mayLatch, isWhole: true, at: 0)
    }

    @Test func startAndEndHaveOneInstance() {
        var register = register()
        let first = register.begin(stale, at: 1)
        #expect(first.map(words) == ["alertStart fridge s-1 – 1"])
        let second = register.begin(otherStale, at: 2)
        #expect(second.map(words) == ["alertStart pump s-2 – 2"], "the same alert of another device")
        let third = register.end(stale, at: 3)
        #expect(third.map(words) == ["alertEnd fridge s-1 – 3"])
        let fourth = register.begin(stale, at: 4)
        #expect(fourth.map(words) == ["alertStart fridge s-3 – 4"], "each occurrence its own")
    }

    @Test func anEndThatNeverCameIsMadeGood() {
        var register = register()
        _ = register.begin(stale, at: 1)
        let first = register.begin(stale, at: 5)
        #expect(first.map(words) == ["alertEnd fridge s-1 lost 5", "alertStart fridge s-2 – 5"])
        let second = register.end(stale, at: 6)
        #expect(second.map(words) == ["alertEnd fridge s-2 – 6"])
    }

    @Test func whatNeverBeganDoesNotEnd() {
        var register = register()
        let first = register.end(stale, at: 3)
        #expect(first.isEmpty)
    }

    @Test func theHostsOwnAreToldWhenTheyChange() {
        var register = register()
        let first = register.set(.journalFailing, holds: false, at: 1)
        #expect(first.isEmpty)
        let second = register.set(.journalFailing, holds: true, at: 2)
        #expect(second.map(words) == ["alertStart host s-1 – 2"])
        let third = register.set(.journalFailing, holds: true, at: 3)
        #expect(third.isEmpty)
        #expect(register.holds(.journalFailing) && !register.holds(.journalShedding))
        let fourth = register.set(.journalFailing, holds: false, at: 4)
        #expect(fourth.map(words) == ["alertEnd host s-1 – 4"])
        #expect(!register.holds(.journalFailing))
    }

    /// What nobody can acknowledge does not stand for ever.
    @Test func aHighOneStandsUntilSomebodyAcknowledgesIt() throws {
        var register = register(mayLatch: true)
        _ = register.set(.journalFailing, holds: true, at: 1)
        _ = register.begin(stale, at: 1)
        let ended = register.set(.journalFailing, holds: false, at: 2) + register.end(stale, at: 2)
        #expect(ended.map(words) == ["alertUpdate host s-1 – 2", "alertEnd fridge s-2 – 2"])
        #expect(!register.holds(.journalFailing) && register.standing.map(\.presence) == [.latched])
        let again = register.set(.journalFailing, holds: true, at: 3)
        #expect(again.map(words) == ["alertUpdate host s-1 – 3"] && register.holds(.journalFailing))
        _ = register.set(.journalFailing, holds: false, at: 4)
        let seen = try register.ledger.acknowledge(["s-1"], by: ["nora"])
        let last = register.take(seen, at: 5)
        #expect(last.map(words) == ["alertEnd host s-1 acknowledged 5"] && register.standing.isEmpty)
    }

    private static let second: Int64 = 1_000_000_000

    /// A register of a host that begins with what another left.
    private func later() -> AlertRegister {
        var before = register()
        _ = before.begin(stale, at: 1)
        _ = before.begin(LineAlert(device: "pump", .wrongDevice), at: 1)
        _ = before.set(.journalIncomplete, holds: true, at: 1)
        _ = before.begin(
            AlertRecord(
                device: "pump", name: "MDC_EVT_TEST", priority: .high, text: "t", arabicText: "ت", instance: nil),
            nature: .technical, latches: false, at: 1)
        var ledger = before.ledger
        _ = ledger.take(ledger.beginSession { _ in true }, at: 2, utc: 2)
        return AlertRegister(session: "t", ledger: ledger, mayLatch: false, isWhole: true, at: 0)
    }

    @Test func whatAHostBeforeThisOneSawIsUnconfirmedUntilItCouldHaveBeenSeen() {
        var register = later()
        #expect(register.standing.count == 4 && register.standing.allSatisfy(\.isUnconfirmed))
        var ends: [Int64: [String]] = [:]
        for time in 1...200 {
            // The fridge answers from the 5th second on, the pump, once a minute, from the 100th.
            var answering: [String: Int64] = time < 5 ? [:] : ["fridge": Self.second]
            if time >= 100 { answering["pump"] = 25 * Self.second }
            let told = register.settle(answering: answering, at: Int64(time) * Self.second)
            if !told.isEmpty { ends[Int64(time)] = told.map(words).map { String($0.prefix(20)) } }
        }
        #expect(
            ends == [
                25: ["alertEnd fridge s-1 "], 30: ["alertEnd host s-3 no"], 120: ["alertEnd pump s-2 no"],
                175: ["alertEnd pump s-4 no"],
            ])
    }

    @Test func whatIsSeenAgainIsTheSameAlert() {
        var register = later()
        let seen = register.begin(stale, at: 3)
        #expect(seen.map(words) == ["alertUpdate fridge s-1 – 3"])
        let own = register.set(.journalIncomplete, holds: true, at: 4)
        #expect(own.map(words) == ["alertUpdate host s-3 – 4"])
        #expect(register.standing.filter { !$0.isUnconfirmed }.count == 2)
        // What is seen not to hold has ended.
        var other = later()
        #expect(other.set(.journalIncomplete, holds: false, at: 4).map(words) == ["alertEnd host s-3 – 4"])
        #expect(other.end(stale, at: 4).map(words) == ["alertEnd fridge s-1 – 4"])
    }

    /// A bed that is laid anew: nothing ends by that, and what is not seen again does, in time.
    @Test func whatIsLookedAtAgainEndsOnlyWhenItIsNotSeen() {
        func low(_ metric: String) -> AlertRecord {
            AlertRecord(
                device: "ox", bed: "chair-1", metric: metric, name: "MDC_EVT_LO_VAL_LT_LIM", priority: .medium,
                text: "t", arabicText: "ت", instance: nil)
        }
        var register = register()
        _ = register.begin(low("A"), nature: .physiological, latches: false, at: 1)
        _ = register.begin(low("B"), nature: .physiological, latches: false, at: 1)
        _ = register.begin(stale, at: 1)
        let doubted = register.lookAgain(at: "chair-1", now: 10 * Self.second)
        #expect(doubted.map(words).map { $0.prefix(11) } == ["alertUpdate", "alertUpdate"])
        _ = register.begin(low("A"), nature: .physiological, latches: false, at: 11 * Self.second)
        // Its values come again from the 20th second on; those of the other sensor do not matter.
        for time in stride(from: Int64(20), to: 170, by: 10) {
            let now = time * Self.second
            #expect(register.settle(answering: [:], at: now) { $0.metric == "B" ? now : nil }.isEmpty, "\(time)")
        }
        let over = register.settle(answering: [:], at: 170 * Self.second) { _ in 169 * Self.second }
        #expect(over.map(words) == ["alertEnd ox s-2 notSeenAgain 170000000000"])
        #expect(register.standing.map(\.record.metric) == ["A", nil])
        // What is in doubt because its own watch says so is that watch's to end.
        _ = register.take(register.ledger.doubt(low("A").condition), at: 171 * Self.second)
        #expect(register.settle(answering: [:], at: 900 * Self.second) { _ in 899 * Self.second }.isEmpty)
        let ended = register.endAll(at: "chair-1", now: 901 * Self.second)
        #expect(ended.map(words).first?.contains("unwatched") == true && register.standing.count == 1)
    }

    /// Another preset: what the former limits brought about ends, and what is over and was seen by nobody stands.
    @Test func otherLimitsEndWhatTheFormerOnesBroughtAbout() throws {
        func of(_ name: String, _ metric: String) -> AlertRecord {
            AlertRecord(
                device: "ox", bed: "chair-1", metric: metric, name: name, priority: .high, text: "t", arabicText: "ت",
                instance: nil)
        }
        var register = register(mayLatch: true)
        let (low, over) = (of("MDC_EVT_LO_VAL_LT_LIM", "A"), of("MDC_EVT_LO_VAL_LT_LIM", "B"))
        for record in [low, over, of("NABD_SCORE_HIGH", "news2")] {
            _ = register.begin(record, nature: .physiological, latches: true, at: 1)
        }
        _ = register.begin(stale, at: 1)
        _ = register.take(register.ledger.end(over.condition), at: 2)
        #expect(register.endLimits(at: "chair-2", now: 3).isEmpty)
        let ended = register.endLimits(at: "chair-1", now: 3)
        #expect(ended.map(words) == ["alertEnd ox s-1 unwatched 3"])
        #expect(Set(register.standing.map(\.record.metric)) == ["B", "news2", nil])
    }

    /// A restart while something is missing: the time goes on, and only a value ends it.
    @Test func whatIsMissingEndsWithAValueAndNotWithTime() {
        var register = register()
        let missing = AlertRecord(
            device: "ox", bed: "chair-1", metric: "A", name: "NABD_VITAL_MISSING", priority: .medium, text: "t",
            arabicText: "ت", instance: nil)
        _ = register.begin(missing, nature: .technical, latches: false, at: 1)
        _ = register.lookAgain(at: "chair-1", now: 2 * Self.second)
        for time in 3...1000 {
            let told = register.settle(answering: ["ox": Self.second], at: Int64(time) * Self.second) { _ in Self.second
            }
            #expect(told.isEmpty, "an old value says nothing")
        }
        let told = register.settle(answering: [:], at: 1001 * Self.second) { _ in 1000 * Self.second }
        #expect(told.map(words) == ["alertEnd ox s-1 – 1001000000000"])
    }

    /// A device's own alerts go with it.
    @Test func aDeviceThatMovesTakesItsAlertsAlong() {
        var register = register()
        _ = register.set(beds: ["fridge": "chair-1"], now: 1)
        _ = register.begin(stale, at: 2)
        #expect(register.standing.map(\.record.bed) == ["chair-1"])
        let moved = register.set(beds: ["fridge": "chair-2"], now: 3)
        #expect(
            moved.map(words) == ["alertUpdate fridge s-1 – 3"] && register.standing.map(\.record.bed) == ["chair-2"])
        #expect(register.end(stale, at: 4).map(words) == ["alertEnd fridge s-1 – 4"])
    }

    @Test func whoseEventsWereLostDoesNotSayThatAllHaveEnded() {
        var register = register()
        #expect(register.isWhole)
        register.loseEvents()
        #expect(!register.isWhole)
    }
}
