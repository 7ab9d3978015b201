import DeviceModel
import Patients
import TestSupport
import Testing

/// Random stories of sessions, beds and patients: at any moment the fold says what the oracle says.
@Suite struct RandomBindingTests {
    private static let beds = ["a", "b", "c"]
    private static let subjects = 4
    private static let events = 60

    /// A story as it is made up. Each moment has a number, over all sessions.
    private struct Run {
        var random: SeededGenerator
        var story = Story()
        var oracle = BindingOracle(beds: beds.count, moments: events + 12)
        /// The session and the second of each moment so far.
        var moments: [Moment] = []
        var taken = 0
        var refused = 0
        /// Began at a snapshot.
        var late: BindingFold?

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            begin()
        }

        mutating func begin() {
            let session = "s\(moments.count)"
            story.begin(session, at: Int64.random(in: 0...500, using: &random), beds: RandomBindingTests.beds)
            moments.append(story.now)
            if late != nil {
                let events = RandomBindingTests.beds.map { bed in
                    BedEvent.configured(
                        bed: bed, ConfiguredBed(name: bed, nameArabic: bed, devices: ["d-\(bed)"]))
                }
                for event in events { _ = late?.take(event, at: story.position) }
            }
        }

        mutating func add(_ event: BedEvent, expect isTaken: Bool) {
            let outcome = story.add(event)
            #expect((outcome != .contradiction) == isTaken, "\(event)")
            if isTaken { taken += 1 } else { refused += 1 }
            if late != nil { _ = late?.take(event, at: story.position) }
        }

        mutating func step() {
            if Int.random(in: 0..<12, using: &random) == 0 { begin() }
            let now = moments.count
            moments.append(Story.moment(story.session, story.time + 1))
            let bed = Int.random(in: 0..<RandomBindingTests.beds.count, using: &random)
            let name = RandomBindingTests.beds[bed]
            let number = Int(story.sequence) + 1
            // Mostly the newest ones; now and then one that never was.
            let numbers = oracle.known.keys.sorted().suffix(6) + [number - 1]
            let other = numbers.randomElement(using: &random) ?? 1
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<8:
                let subject = Int.random(in: 0..<RandomBindingTests.subjects, using: &random)
                var since = max(0, now - [0, 0, 0, 1, 3, 8][Int.random(in: 0..<6, using: &random)])
                var replaces: Int?
                if Bool.random(using: &random), let former = oracle.known[other], former.isWithdrawn {
                    (replaces, since) = (other, former.since)
                }
                let isTaken = oracle.bind(
                    number, bed: bed, subject: subject, since: since, now: now, replacing: replaces)
                add(
                    .bound(
                        bed: name,
                        Arrival(
                            subject: Story.subject(Character("\(subject)")), since: moments[since],
                            replaces: replaces.map(Int64.init), by: ["amal"])), expect: isTaken)
            case 8..<13:
                let isTaken = oracle.unbind(other, bed: bed, now: now)
                add(.unbound(bed: name, binding: Int64(other), by: []), expect: isTaken)
            case 13..<18:
                let isTaken = oracle.withdraw(other, bed: bed)
                add(.withdrawn(bed: name, binding: Int64(other), by: []), expect: isTaken)
            case 18:
                let snapshot = BedEvent.snapshot(story.fold.snapshot)
                add(snapshot, expect: true)
                late = BindingFold()
                _ = late?.take(snapshot, at: story.position)
            default:
                // A device that moves is tried elsewhere; a gap unbinds all.
                oracle.lose(now: now)
                story.add(.journalGap, #"{"part":"events","known":7,"found":5}"#)
                if late != nil { _ = late?.takeGap(at: story.position) }
            }
        }

        func compare() {
            let fold = story.fold
            for moment in moments.indices {
                var seen: Set<Int> = []
                for (bed, name) in RandomBindingTests.beds.enumerated() {
                    let expected = oracle.subject(bed: bed, moment: moment)
                    let found = fold.subject(ofDevice: "d-\(name)", at: moments[moment])
                    #expect(found == expected.map { Story.subject(Character("\($0)")) }, "\(name) at \(moment)")
                    if let expected { #expect(seen.insert(expected).inserted, "at two beds") }
                    if let late, late.bed(ofDevice: "d-\(name)", at: moments[moment]) != nil {
                        #expect(late.subject(ofDevice: "d-\(name)", at: moments[moment]) == found)
                    }
                }
            }
            for name in RandomBindingTests.beds {
                compareCuts(name)
                #expect(fold.bindings.count { $0.bed == name && $0.isOpen } <= 1)
            }
        }

        /// Between two moments of a session without a cut it is the same one.
        private func compareCuts(_ bed: String) {
            let device = "d-\(bed)"
            var cuts: [String: [Int64]] = [:]
            for session in Set(moments.map(\.session)) {
                cuts[session] = story.fold.cuts(ofDevice: device, in: session)
            }
            let numbers = moments.map { story.fold.binding(ofDevice: device, at: $0)?.number }
            for moment in moments.indices.dropFirst() {
                guard moments[moment - 1].session == moments[moment].session else { continue }
                let between = moments[moment - 1].nanoseconds + 1...moments[moment].nanoseconds
                let isCut = cuts[moments[moment].session]?.contains(where: between.contains) ?? false
                #expect(isCut == (numbers[moment - 1] != numbers[moment]))
            }
        }
    }

    @Test(arguments: 0..<200) func theFoldSaysWhatTheOracleSays(seed: UInt64) {
        var run = Run(seed: seed)
        while run.moments.count < Self.events {
            run.step()
            if run.moments.count % 20 == 0 { run.compare() }
        }
        run.compare()
        #expect(run.taken > 5 && run.refused > 2)
    }

    /// The comparison finds a fault: an oracle that forgets to unbind differs.
    @Test func aDifferenceIsFound() {
        var found = 0
        for seed in UInt64(0)..<20 {
            var run = Run(seed: seed)
            while run.moments.count < Self.events { run.step() }
            var other = run.oracle
            other.lose(now: 0)
            let beds = Self.beds.indices
            if beds.contains(where: { other.cells[$0] != run.oracle.cells[$0] }) { found += 1 }
        }
        #expect(found > 10)
    }

    /// Whatever stands in a journal, folding it ends, and the rules hold.
    @Test func anythingCanBeFolded() {
        var random = SeededGenerator(seed: 18)
        let kinds = BedRecord.kinds.map(\.name) + ["ofAYoungerHost"]
        let bodies = BedRecordTests.events.map { $0.members.text }
        for _ in 0..<2_000 {
            var fold = BindingFold()
            for sequence in Int64(1)...12 {
                var bytes = Array(bodies[Int.random(in: 0..<bodies.count, using: &random)].utf8)
                for _ in 0..<Int.random(in: 0...2, using: &random) where !bytes.isEmpty {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                let position = BindingFold.Position(
                    sequence: Bool.random(using: &random) ? sequence : .random(in: .min ... .max, using: &random),
                    moment: Moment(
                        session: "s\(Int.random(in: 0...2, using: &random))",
                        nanoseconds: .random(in: .min ... .max, using: &random)),
                    utc: .random(in: .min ... .max, using: &random))
                _ = fold.take(
                    kind: kinds[Int.random(in: 0..<kinds.count, using: &random)],
                    body: String(decoding: bytes, as: UTF8.self), at: position)
                for bed in ["chair-1", "chair-2"] { #expect(fold.bindings.count { $0.bed == bed && $0.isOpen } <= 1) }
                _ = fold.cuts(ofDevice: "oximeter", in: "s0")
                _ = fold.moment(.random(in: .min ... .max, using: &random), before: position)
                #expect(zip(fold.bindings, fold.bindings.dropFirst()).allSatisfy { $0.number < $1.number })
            }
        }
    }
}
