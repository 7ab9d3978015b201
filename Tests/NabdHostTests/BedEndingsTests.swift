import DeviceModel
import Patients
import Testing

@testable import NabdHost

/// Whose alarms end by what is said of beds.
@Suite struct BedEndingsTests {
    /// A bed with one patient after another; the last one is there.
    private static func fold() -> BindingFold {
        var fold = BindingFold()
        fold.take(
            kind: EventKind.hostStarted.name, body: "{}",
            at: BindingFold.Position(sequence: 1, moment: Moment(session: "s", nanoseconds: 1), utc: 1))
        let story: [BedEvent] = [
            .configured(bed: "a", ConfiguredBed(name: "A", nameArabic: "أ", devices: ["d"])),
            .bound(bed: "a", arrival("1", at: 3)), .unbound(bed: "a", binding: 3, by: ["n"]),
            .bound(bed: "a", arrival("2", at: 5)),
        ]
        for (place, event) in story.enumerated() {
            let time = Int64(place) + 2
            fold.take(
                event,
                at: BindingFold.Position(sequence: time, moment: Moment(session: "s", nanoseconds: time), utc: time))
        }
        return fold
    }

    private static func arrival(_ digit: String, at time: Int64, replaces: Int64? = nil) -> Arrival {
        Arrival(
            subject: String(repeating: digit, count: 64), since: Moment(session: "s", nanoseconds: time),
            replaces: replaces, by: ["n"])
    }

    private func left(_ events: BedEvent...) -> [String] { BedEndings(events, before: Self.fold()).left }

    @Test func whoLeavesOrNeverWasThereEndsTheirs() {
        #expect(Self.fold().openBinding(atBed: "a")?.number == 5)
        #expect(left(.unbound(bed: "a", binding: 5, by: ["n"])) == ["a"])
        #expect(left(.withdrawn(bed: "a", binding: 5, by: ["n"])) == ["a"])
    }

    @Test func whoWasThereAllTheTimeKeepsTheirs() {
        // By another name.
        #expect(
            left(
                .withdrawn(bed: "a", binding: 5, by: ["n"]), .bound(bed: "a", Self.arrival("3", at: 5, replaces: 5)))
                == [])
        // Somebody else, who was there before, was another one.
        #expect(left(.withdrawn(bed: "a", binding: 3, by: ["n"])) == [])
        #expect(left(.unbound(bed: "a", binding: 3, by: ["n"])) == [])
        #expect(left(.bound(bed: "b", Self.arrival("4", at: 6))) == [])
    }

    /// The record has a gap: whether whoever was there still is nobody knows, until somebody says so.
    @Test func whoWasLostAndIsSaidToHaveLeftEndsTheirs() throws {
        var fold = Self.fold()
        fold.take(
            kind: EventKind.journalGap.name, body: #"{"part":"events","known":9,"found":7}"#,
            at: BindingFold.Position(sequence: 7, moment: Moment(session: "s", nanoseconds: 7), utc: 7))
        try #require(fold.openBinding(atBed: "a") == nil && fold.lostBinding(atBed: "a")?.number == 5)
        func left(_ event: BedEvent) -> [String] { BedEndings([event], before: fold).left }
        #expect(left(.unbound(bed: "a", binding: 5, by: ["n"])) == ["a"])
        #expect(left(.bound(bed: "a", Self.arrival("3", at: 8))) == ["a"], "somebody else is there")
        #expect(left(.bound(bed: "a", Self.arrival("2", at: 8))) == [], "it is who was there")
        #expect(left(.bound(bed: "a", Self.arrival("3", at: 5, replaces: 5))) == [])
    }

    @Test func whatSomebodyChoseWatchesAnew() {
        func rewatched(_ people: [String]) -> [String] {
            let choice = PresetChoice(
                preset: "icu", digest: String(repeating: "0", count: 64), isReviewed: false, by: people)
            return BedEndings([.presetChosen(bed: "a", choice)], before: Self.fold()).rewatched
        }
        #expect(rewatched(["n"]) == ["a"])
        #expect(rewatched([]) == [], "the configuration's is laid with the bed")
    }
}
