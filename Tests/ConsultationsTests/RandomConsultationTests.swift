import Consultations
import DeviceModel
import TestSupport
import Testing

/// Whatever comes, in whatever order and however damaged: nothing is open longer than somebody said.
///
/// The oracle knows nothing of the fold: it looks through all that was told so far for the word that opens, and for
/// anything behind it that ends.
@Suite struct RandomConsultationTests {
    /// An event as it was told.
    private struct Told {
        let kind: String
        let body: String
        let position: ConsultationFold.Position
    }

    private static func story(_ random: inout SeededGenerator) -> [Told] {
        var told: [Told] = []
        var (time, session) = (Int64.random(in: 0...50, using: &random), 0)
        for sequence in 1...60 as ClosedRange<Int64> {
            time += Int64.random(in: 0...40, using: &random)
            let number = Int64.random(in: max(1, sequence - 12)...sequence, using: &random)
            var (kind, body) = ("hostStarted", "{}")
            let event: ConsultationEvent?
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<9:
                let bed = Bool.random(using: &random) ? "a" : nil
                let until = time + Int64.random(in: 50...200, using: &random)
                event = .opened(
                    ConsultationStory.grant(Int.random(in: 1...6, using: &random), bed: bed, until: until))
            case 9..<13: event = .closed(consultation: number, .closed(by: ["omar"]))
            case 13..<16: event = .joined(consultation: number, from: "10.0.0.1")
            case 16..<18: event = .left(consultation: number, visit: number)
            case 18:
                event = nil
                kind = ["journalGap", "clockStepped", "eventsLost"].randomElement(using: &random) ?? kind
            default:
                event = nil
                (session, time) = (session + 1, Int64.random(in: 0...50, using: &random))
            }
            if let event { (kind, body) = (event.kind.name, event.members.text) }
            told.append(
                Told(
                    kind: kind, body: body,
                    position: ConsultationFold.Position(
                        sequence: sequence, session: "s\(session)", nanoseconds: time * ConsultationStory.second,
                        utc: 0)))
        }
        return told
    }

    /// Left out, twice, changed places, cut or with a byte changed.
    private static func damage(_ told: [Told], _ random: inout SeededGenerator) -> [Told] {
        var told = told
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let place = Int.random(in: 0..<told.count, using: &random)
            let event = told[place]
            switch Int.random(in: 0..<5, using: &random) {
            case 0: told.remove(at: place)
            case 1: told.insert(event, at: Int.random(in: 0...told.count, using: &random))
            case 2: told.swapAt(place, Int.random(in: 0..<told.count, using: &random))
            case 3:
                told[place] = Told(kind: event.kind, body: String(event.body.dropLast()), position: event.position)
            default:
                var bytes = Array(event.body.utf8)
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 32...126, using: &random)
                told[place] = Told(
                    kind: event.kind, body: String(decoding: bytes, as: UTF8.self), position: event.position)
            }
        }
        return told
    }

    /// Why it must not be open; `nil` where it may be.
    private static func objection(_ open: Consultation, _ told: ArraySlice<Told>, at now: Int64) -> String? {
        guard
            let place = told.lastIndex(where: { event in
                let said = try? ConsultationRecord.event(kind: event.kind, body: event.body)
                return event.position.sequence == open.number && said == .opened(open.grant)
            })
        else { return "nobody opened it" }
        let begin = told[place].position
        // Whatever came before it and is behind it in the record.
        for event in told[..<place] where event.position.sequence > begin.sequence {
            let said = try? ConsultationRecord.event(kind: event.kind, body: event.body)
            if case .closed(open.number, _)? = said { return "it was closed, and came late" }
        }
        if now >= open.grant.until { return "it is over" }
        if open.grant.until - begin.nanoseconds > 14_400_000_000_000 { return "it is longer than four hours" }
        for event in told[(place + 1)...] {
            if event.position.session != begin.session { return "its session is over" }
            if event.position.nanoseconds >= open.grant.until { return "time was further already" }
            let said: ConsultationEvent?
            do { said = try ConsultationRecord.event(kind: event.kind, body: event.body) } catch {
                return "the record is damaged behind it"
            }
            if case .closed(open.number, _)? = said { return "it was closed" }
            if ["hostStarted", "hostStopped", "journalGap", "eventsLost"].contains(event.kind) {
                return "\(event.kind) ended it"
            }
        }
        return nil
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func neverLongerThanSomebodySaid(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var wereOpen = 0
        for _ in 0..<25 {
            let told = Self.damage(Self.story(&random), &random)
            var fold = ConsultationFold()
            for (place, event) in told.enumerated() {
                fold.take(kind: event.kind, body: event.body, at: event.position)
                let now = event.position.nanoseconds + Int64.random(in: -60...60, using: &random) * 1_000_000_000
                let open = fold.open(at: now)
                #expect(open.count <= Consultation.most && Set(open.map(\.grant.certificate)).count == open.count)
                for consultation in open {
                    #expect(Self.objection(consultation, told[...place], at: now) == nil, "seed \(seed)")
                }
                wereOpen += open.count
            }
        }
        #expect(wereOpen > 100, "the stories open too little to show anything")
    }

    /// A fold that forgets one of the rules is found by the oracle.
    @Test func theOracleFindsWhatIsOpenTooLong() throws {
        let grant = ConsultationStory.grant(1, until: 160)
        var story = ConsultationStory()
        story.add(.opened(grant))
        let open = try #require(story.fold.open(at: story.now).first)
        func told(_ kind: String, _ body: String, _ sequence: Int64, session: String = "s1") -> Told {
            Told(
                kind: kind, body: body,
                position: ConsultationFold.Position(
                    sequence: sequence, session: session, nanoseconds: story.now, utc: 0))
        }
        let opening = told("consultationOpened", ConsultationEvent.opened(grant).members.text, 1)
        #expect(Self.objection(open, [opening][...], at: story.now) == nil)
        #expect(Self.objection(open, [opening][...], at: grant.until) == "it is over")
        #expect(Self.objection(open, [], at: story.now) == "nobody opened it")
        let closing = ConsultationEvent.closed(consultation: 1, .expired).members.text
        let early = [told("consultationClosed", closing, 2), opening]
        #expect(Self.objection(open, early[...], at: story.now) == "it was closed, and came late")
        for (last, words) in [
            (told("consultationClosed", closing, 2), "it was closed"),
            (told("consultationClosed", "{", 2), "the record is damaged behind it"),
            (told("journalGap", "{}", 2), "journalGap ended it"),
            (told("clockStepped", "{}", 2, session: "s2"), "its session is over"),
        ] {
            #expect(Self.objection(open, [opening, last][...], at: story.now) == words)
        }
    }
}
