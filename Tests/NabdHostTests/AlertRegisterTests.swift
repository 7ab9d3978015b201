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

    @Test func startAndEndHaveOneInstance() {
        var register = AlertRegister(session: "s", isWhole: true)
        let first = register.begin(stale, at: 1)
        #expect(first.map(words) == ["alertStart fridge s-1 – 1"])
        let second = register.begin(otherStale, at: 2)
        #expect(second.map(words) == ["alertStart pump s-2 – 2"], "the same alert of another device")
        let third = register.end(stale, at: 3)
        #expect(words(third) == "alertEnd fridge s-1 – 3")
        let fourth = register.begin(stale, at: 4)
        #expect(fourth.map(words) == ["alertStart fridge s-3 – 4"], "each occurrence its own")
    }

    @Test func anEndThatNeverCameIsMadeGood() {
        var register = AlertRegister(session: "s", isWhole: true)
        _ = register.begin(stale, at: 1)
        let first = register.begin(stale, at: 5)
        #expect(first.map(words) == ["alertEnd fridge s-1 lost 5", "alertStart fridge s-2 – 5"])
        let second = register.end(stale, at: 6)
        #expect(words(second) == "alertEnd fridge s-2 – 6")
    }

    @Test func anEndWithoutABeginningHasNoInstance() {
        var register = AlertRegister(session: "s", isWhole: true)
        let first = register.end(stale, at: 3)
        #expect(words(first) == "alertEnd fridge – – 3")
    }

    @Test func theHostsOwnAreToldWhenTheyChange() {
        var register = AlertRegister(session: "s", isWhole: true)
        let first = register.set(.journalFailing, holds: false, at: 1)
        #expect(first == nil)
        let second = register.set(.journalFailing, holds: true, at: 2)
        #expect(second.map(words) == "alertStart host s-NABD_JOURNAL_FAILING – 2")
        let third = register.set(.journalFailing, holds: true, at: 3)
        #expect(third == nil)
        #expect(register.holds(.journalFailing) && !register.holds(.journalShedding))
        let fourth = register.set(.journalFailing, holds: false, at: 4)
        #expect(fourth.map(words) == "alertEnd host s-NABD_JOURNAL_FAILING – 4")
        #expect(!register.holds(.journalFailing))
    }

    @Test func theStopEndsEachThatHoldsOnce() {
        var register = AlertRegister(session: "s", isWhole: true)
        _ = register.begin(otherStale, at: 1)
        _ = register.begin(stale, at: 1)
        _ = register.set(.journalFailing, holds: true, at: 1)
        _ = register.end(otherStale, at: 2)
        let first = register.endAll(at: 9)
        #expect(
            first.map(words) == ["alertEnd host s-NABD_JOURNAL_FAILING stopped 9", "alertEnd fridge s-2 stopped 9"])
        let second = register.endAll(at: 10)
        #expect(second.isEmpty)
    }

    @Test func whoseEventsWereLostDoesNotSayThatAllHaveEnded() {
        var register = AlertRegister(session: "s", isWhole: true)
        #expect(register.isWhole)
        register.loseEvents()
        #expect(!register.isWhole)
        #expect(!AlertRegister(session: "s", isWhole: false).isWhole)
    }
}
