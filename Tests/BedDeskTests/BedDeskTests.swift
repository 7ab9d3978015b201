import BedDesk
import DeviceModel
import Patients
import TestSupport
import Testing

/// What people may ask about a bed, and what is done of it.
@Suite struct BedDeskTests {
    @Test func aSessionSaysItsBeds() {
        let story = DeskStory()
        #expect(
            story.journal.map(\.kind)
                == ["hostStarted", "bedConfigured", "bedConfigured", "presetChosen", "presetChosen"])
        #expect(story.desk.fold.presets["a"]?.by == [] && story.desk.fold.presets["a"]?.preset == "icu")
        // Said once.
        let before = story.journal.count
        #expect(
            story.desk.begin(
                [DeskStory.bed("a", ["d-a"]), DeskStory.bed("b", ["d-b"])], now: story.now, write: story.write))
        #expect(story.journal.count == before)
        #expect(story.desk.fold.bindings == story.fold().bindings)
    }

    @Test func aPatientIsBoundAndShownBack() throws {
        let story = DeskStory()
        let answer = story.bind("a", 7)
        let patient = try #require(answer.view?.patient)
        #expect(patient.identifiers == [.mrn: "7", .name: "Nora"] && patient.by == ["amal"])
        #expect(patient.sinceUTC == (1_700_000_000 + story.time) * 1_000_000_000)
        #expect(story.subject(ofDevice: "d-a", story.time) == (try story.subject(7)))
        #expect(story.subject(ofDevice: "d-a", story.time - 1) == nil)
        guard case .beds(let views) = story.ask(.list(isClinician: false)) else { return #expect(Bool(false)) }
        #expect(views.map(\.bed) == ["a", "b"] && views.map(\.isBound) == [true, false])
        #expect(views[0].patient?.identifiers == nil, "whoever may not know is not told")
        guard case .beds(let told) = story.ask(.list(isClinician: true)) else { return #expect(Bool(false)) }
        #expect(told[0].patient?.identifiers?[.mrn] == "7")
        // Neither the journal nor any words hold who it is.
        #expect(!story.journal.contains { $0.body.contains("Nora") } && !answer.words.contains("Nora"))
    }

    @Test func whoThePatientIsIsOnTheDiskBeforeTheEvent() {
        let story = DeskStory()
        var events = 0
        story.store.onKeep = { events = story.journal.count }
        let before = story.journal.count
        #expect(story.bind("a", 7).view != nil)
        #expect(events == before && story.journal.count == before + 1)
        // Where the one fails nothing is written, where the other fails nobody is bound.
        story.store.fails = true
        #expect(story.bind("b", 8).refusal == .patients && story.journal.count == before + 1)
        #expect(story.desk.storeFault != nil)
        story.store.fails = false
        story.journalFails = true
        #expect(story.bind("b", 8).refusal == .journal)
        #expect(story.desk.fold.openBinding(atBed: "b") == nil && story.desk.storeFault == nil)
        story.journalFails = false
        #expect(story.bind("b", 8).view?.isBound == true, "it can be asked again")
        let desk = BedDesk(BindingFold(), rules: DeskStory.rules, store: nil)
        #expect(desk.answer(.list(isClinician: true), now: story.now, write: story.write) == .beds([]))
    }

    @Test func withoutAPlaceNobodyIsBoundAndTheRestGoesOn() {
        let story = DeskStory()
        _ = story.bind("a", 7)
        let desk = BedDesk(story.fold(), rules: DeskStory.rules, store: nil)
        let request = BedRequest.bind(bed: "b", identifiers: DeskStory.identifiers(8), since: 0, by: "amal")
        #expect(desk.answer(request, now: story.now, write: story.write).refusal == .patients)
        #expect(desk.answer(.unbind(bed: "a", by: "amal"), now: story.now, write: story.write).view != nil)
    }

    @Test func refusalsSayWhatToDo() {
        let story = DeskStory()
        _ = story.bind("a", 7)
        let none = story.journal.count
        #expect(story.bind("c", 8).refusal == .unknownBed)
        #expect(story.bind("a", 8).refusal == .bound)
        #expect(story.bind("b", 7).refusal == .elsewhere)
        #expect(story.ask(.unbind(bed: "b", by: "amal")).refusal == .notBound)
        #expect(story.ask(.withdraw(bed: "b", binding: nil, by: "amal")).refusal == .notBound)
        #expect(story.ask(.withdraw(bed: "b", binding: 6, by: "amal")).refusal == .unknownBinding)
        #expect(story.ask(.withdraw(bed: "a", binding: 99, by: "amal")).refusal == .unknownBinding)
        #expect(story.bind("b", 8, since: 86_401).refusal == .since)
        #expect(story.bind("b", 8, since: -1).refusal == .since)
        #expect(story.ask(.choosePreset(bed: "a", preset: "stroke", by: "amal")).refusal == .unknownPreset)
        #expect(story.ask(.enter(bed: "a", item: "oxygen", value: "yes", by: "amal")).refusal == .entry)
        let one = [EnteredIdentifier(kind: "mrn", text: "8")]
        #expect(story.ask(.bind(bed: "b", identifiers: one, since: 0, by: "amal")).refusal == .identifiers)
        let other = DeskStory.identifiers(7, "Noura")
        #expect(story.ask(.bind(bed: "b", identifiers: other, since: 0, by: "amal")).refusal == .differs)
        let needs = [
            EnteredIdentifier(kind: "mrn", text: "7"), EnteredIdentifier(kind: "birth-date", text: "1958-03-07"),
        ]
        #expect(story.ask(.bind(bed: "b", identifiers: needs, since: 0, by: "amal")).refusal == .needs)
        let same = BedRequest.replace(bed: "a", binding: nil, identifiers: DeskStory.identifiers(7), by: "amal")
        #expect(story.ask(same).refusal == .samePatient)
        #expect(story.journal.count == none, "nothing was written")
    }

    @Test func whatIsEnteredAndChosenIsWritten() {
        let story = DeskStory()
        #expect(story.ask(.enter(bed: "a", item: "oxygen", value: "air", by: "amal")).view != nil)
        #expect(story.journal.last?.body == #"{"bed":"a","by":["amal"],"item":"oxygen","value":"air"}"#)
        let answer = story.ask(.choosePreset(bed: "a", preset: "palliative", by: "huda"))
        #expect(answer.view?.preset?.by == ["huda"] && answer.words.contains("No clinician has reviewed"))
    }

    // MARK: Late, wrong, gone

    @Test func aLateBindingReachesBackToTheOneBefore() throws {
        let story = DeskStory()
        story.time = 1_000
        _ = story.bind("a", 7)  // 1001
        story.time = 1_100
        _ = story.ask(.unbind(bed: "a", by: "amal"))  // 1101
        story.time = 1_200
        #expect(story.bind("a", 8, since: 101).refusal == .since)  // 1201 - 101 = 1100
        #expect(story.bind("a", 8, since: 101).view != nil, "1202 - 101 = 1101")
        #expect(story.subject(ofDevice: "d-a", 1_101) == (try story.subject(8)))
        #expect(story.subject(ofDevice: "d-a", 1_100) == (try story.subject(7)))
    }

    @Test func aWrongPatientIsReplacedInOneBatch() throws {
        let story = DeskStory()
        _ = story.bind("a", 7)
        let since = story.time
        story.time += 60
        let before = story.journal.count
        let request = BedRequest.replace(bed: "a", binding: nil, identifiers: DeskStory.identifiers(8), by: "huda")
        let answer = story.ask(request)
        #expect(answer.view?.patient?.identifiers?[.mrn] == "8")
        #expect(story.journal[before...].map(\.kind) == ["bindingWithdrawn", "patientBound"])
        #expect(story.subject(ofDevice: "d-a", since) == (try story.subject(8)))
        // The one who never was there is nowhere.
        #expect(story.bind("b", 7).view != nil)
        // Again: the binding that was replaced is; the new one is corrected.
        #expect(story.ask(.withdraw(bed: "a", binding: Int64(before), by: "huda")).refusal == .withdrawn)
        #expect(
            story.ask(.replace(bed: "a", binding: Int64(before), identifiers: DeskStory.identifiers(9), by: "huda"))
                .refusal == .replaced)
        #expect(
            story.ask(.replace(bed: "a", binding: nil, identifiers: DeskStory.identifiers(7), by: "huda")).refusal
                == .elsewhere)
        #expect(
            story.ask(.replace(bed: "a", binding: nil, identifiers: DeskStory.identifiers(9), by: "huda")).view != nil)
    }

    @Test func aNameThatWasTypedWrongIsCorrected() {
        let story = DeskStory()
        _ = story.bind("a", 7)
        let right = DeskStory.identifiers(7, "Noura")
        let answer = story.ask(.replace(bed: "a", binding: nil, identifiers: right, by: "huda"))
        #expect(answer.view?.patient?.identifiers == [.mrn: "7", .name: "Noura"])
        // From then on it is the right one that counts.
        _ = story.ask(.unbind(bed: "a", by: "huda"))
        #expect(story.bind("a", 7).refusal == .differs)
        #expect(story.ask(.bind(bed: "b", identifiers: right, since: 0, by: "huda")).view != nil)
    }

    @Test func aRestartKeepsWhoIsWhere() throws {
        let story = DeskStory()
        _ = story.bind("a", 7)
        _ = story.bind("b", 8)
        _ = story.ask(.choosePreset(bed: "a", preset: "palliative", by: "huda"))
        story.restart("s2", at: 5, beds: [DeskStory.bed("a", ["d-a"]), DeskStory.bed("c", ["d-b"])])
        #expect(story.subject(ofDevice: "d-a", 6) == (try story.subject(7)))
        #expect(story.desk.fold.presets["a"]?.preset == "palliative", "what somebody chose stays chosen")
        #expect(story.subject(ofDevice: "d-b", 6) == nil)
        let gone = story.desk.fold.bindings.first { $0.bed == "b" }
        #expect(gone?.state == .ended(Binding.Ending(at: Moment(session: "s2", nanoseconds: 5_000_000_000), by: [])))
        #expect(story.bind("c", 8).view?.isBound == true)
        guard case .beds(let views) = story.ask(.list(isClinician: false)) else { return #expect(Bool(false)) }
        #expect(views.map(\.bed) == ["a", "c"])
    }

    @Test func aBedThatIsFaultyKeepsItsPatient() throws {
        let story = DeskStory()
        _ = story.bind("b", 8)
        #expect(
            story.desk.begin(
                [DeskStory.bed("a", ["d-a"])], isFaulty: { $0 == "b" }, now: story.now, write: story.write))
        #expect(story.desk.fold.openBinding(atBed: "b") != nil)
        #expect(story.subject(ofDevice: "d-b", story.time) == nil, "its devices are at no bed")
        #expect(story.bind("a", 8).refusal == .elsewhere)
        #expect(story.ask(.unbind(bed: "b", by: "amal")).refusal == nil)
        #expect(story.bind("a", 8).view?.isBound == true)
    }

    @Test func theConfigurationIsFollowedWhereNobodyChose() {
        let story = DeskStory()
        story.restart("s2", at: 5, beds: [DeskStory.bed("a", ["d-a"], preset: "palliative")])
        #expect(story.desk.fold.presets["a"]?.preset == "palliative")
        let before = story.journal.count
        story.restart("s3", at: 5, beds: [DeskStory.bed("a", ["d-a"], preset: "no-such")])
        #expect(!story.journal[before...].contains { $0.kind == "presetChosen" })
    }

    @Test func aReloadMovesADeviceByWayOfNone() throws {
        let story = DeskStory()
        _ = story.bind("a", 7)
        _ = story.bind("b", 8)
        let before = story.journal.count
        let beds = [DeskStory.bed("a", ["d-b"]), DeskStory.bed("b", ["d-a"])]
        #expect(story.desk.begin(beds, now: story.now, write: story.write))
        var fold = BindingFold()
        for event in story.journal {
            fold.take(kind: event.kind, body: event.body, at: event.position)
            for device in ["d-a", "d-b"] where event.position.sequence > Int64(before) {
                let found = fold.subject(ofDevice: device, at: story.now.moment)
                let right = try [7, 8].map { try story.subject($0) }
                #expect(found == nil || right.contains(found ?? ""))
            }
        }
        #expect(story.subject(ofDevice: "d-a", story.time) == (try story.subject(8)))
        #expect(story.subject(ofDevice: "d-a", story.time - 1) == (try story.subject(7)))
        // One bed goes.
        _ = story.desk.begin([DeskStory.bed("b", ["d-a"])], now: story.now, write: story.write)
        #expect(story.desk.fold.openBinding(atBed: "a") == nil && story.desk.fold.openBinding(atBed: "b") != nil)
        guard case .beds(let views) = story.ask(.list(isClinician: false)) else { return #expect(Bool(false)) }
        #expect(views.map(\.bed) == ["b"])
        // The journal that takes nothing leaves all as it was.
        story.journalFails = true
        #expect(!story.desk.begin([DeskStory.bed("a", ["d-a"])], now: story.now, write: story.write))
        #expect(story.desk.fold.openBinding(atBed: "b") != nil)
    }

    @Test func aDamageUnbindsAndIsSaidUntilSomebodyAnswers() {
        let story = DeskStory()
        func isAlarm() -> Bool { story.desk.alarms.contains { $0.alert == .patientsLost && $0.holds } }
        _ = story.bind("a", 7)
        _ = story.bind("b", 8)
        #expect(!isAlarm())
        story.add(.journalGap, #"{"part":"events","known":9,"found":7}"#)
        guard case .beds(let views) = story.ask(.list(isClinician: true)) else { return #expect(Bool(false)) }
        #expect(views.allSatisfy { !$0.isBound && $0.isLost } && isAlarm())
        // Of the one it is said who is there, of the other that nobody is.
        #expect(story.bind("a", 7).view?.isBound == true && isAlarm())
        #expect(story.ask(.unbind(bed: "b", by: "amal")).view?.isLost == false && !isAlarm())
        #expect(story.ask(.unbind(bed: "b", by: "amal")).refusal == .notBound)
    }

    @Test func aPlaceThatCannotBeUsedIsAnAlarm() {
        let story = DeskStory()
        func isAlarm() -> Bool { story.desk.alarms.contains { $0.alert == .patientsNotKept && $0.holds } }
        #expect(!isAlarm())
        story.store.fails = true
        _ = story.bind("a", 7)
        #expect(isAlarm())
        story.store.fails = false
        _ = story.bind("a", 7)
        #expect(!isAlarm())
        let without = BedDesk(BindingFold(), rules: DeskStory.rules, store: nil)
        #expect(without.alarms.contains { $0.alert == .patientsNotKept && $0.holds })
    }

    // MARK: Whatever is asked

    /// What is written is always taken by whoever folds it, and the desk knows what the journal says.
    @Test(arguments: 0..<60) func theDeskKnowsWhatItsJournalSays(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let story = DeskStory()
        var (done, refused) = (0, 0)
        for _ in 0..<100 {
            story.time += Int64.random(in: 0...30, using: &random)
            let bed = ["a", "b", "c"][Int.random(in: 0..<3, using: &random)]
            let number = Int.random(in: 1...4, using: &random)
            let binding: Int64? =
                Bool.random(using: &random) ? nil : .random(in: 1...Int64(story.journal.count), using: &random)
            story.journalFails = Int.random(in: 0..<10, using: &random) == 0
            story.store.fails = Int.random(in: 0..<10, using: &random) == 0
            let answer: BedAnswer
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4: answer = story.bind(bed, number, since: .random(in: -1...200, using: &random))
            case 4, 5: answer = story.ask(.unbind(bed: bed, by: "amal"))
            case 6, 7: answer = story.ask(.withdraw(bed: bed, binding: binding, by: "amal"))
            case 8:
                answer = story.ask(
                    .replace(bed: bed, binding: binding, identifiers: DeskStory.identifiers(number), by: "amal"))
            default:
                (story.journalFails, story.store.fails) = (false, false)
                story.restart(
                    "s\(story.journal.count)", at: .random(in: 0...500, using: &random),
                    beds: [DeskStory.bed("a", ["d-a"]), DeskStory.bed("b", ["d-b"])])
                continue
            }
            if answer.refusal == nil { done += 1 } else { refused += 1 }
            let fold = story.fold()
            #expect(fold.bindings == story.desk.fold.bindings && fold.beds == story.desk.fold.beds)
            #expect(fold.bindings.filter(\.isOpen).allSatisfy { story.store.known[$0.subject] != nil })
        }
        #expect(done > 5 && refused > 10)
        var fold = BindingFold()
        for event in story.journal {
            #expect(fold.take(kind: event.kind, body: event.body, at: event.position) != .contradiction)
        }
    }
}
