import DeviceModel
import TestSupport
import Testing

@testable import Patients

/// The stretches of a session against a reader that asks for each moment.
@Suite struct StretchTests {
    private static let beds = ["chair-1", "chair-2"]
    private static let devices = ["ox", "pump"]

    private struct Story {
        var fold = BindingFold()
        var random: SeededGenerator
        var now: Int64 = 0
        var sequence: Int64 = 0
        var session = 0

        var moment: Moment { Moment(session: "s\(session)", nanoseconds: now) }

        mutating func take(_ event: BedEvent) {
            sequence += 1
            _ = fold.take(event, at: BindingFold.Position(sequence: sequence, moment: moment, utc: now))
        }

        mutating func step() {
            now += Int64.random(in: 0...5, using: &random)
            let bed = StretchTests.beds.randomElement(using: &random) ?? ""
            switch Int.random(in: 0..<8, using: &random) {
            case 0..<4:
                let since = Moment(session: moment.session, nanoseconds: now - Int64.random(in: 0...9, using: &random))
                let subject = String(repeating: ["a", "b", "c"].randomElement(using: &random) ?? "a", count: 64)
                take(.bound(bed: bed, Arrival(subject: subject, since: since, by: [])))
            case 4, 5:
                if let one = fold.bindings.randomElement(using: &random) {
                    take(.unbound(bed: one.bed, binding: one.number, by: []))
                }
            case 6:
                if let one = fold.bindings.randomElement(using: &random) {
                    take(.withdrawn(bed: one.bed, binding: one.number, by: []))
                    let arrival = Arrival(
                        subject: String(repeating: "d", count: 64), since: one.since, replaces: one.number, by: [])
                    if Bool.random(using: &random) { take(.bound(bed: one.bed, arrival)) }
                }
            default:
                if Int.random(in: 0..<6, using: &random) == 0 { session += 1 }
                configure(bed)
            }
        }

        mutating func configure(_ bed: String) {
            let some = StretchTests.devices.filter { _ in Bool.random(using: &random) }
            take(.configured(bed: bed, ConfiguredBed(name: "n", nameArabic: "ن", devices: some)))
        }
    }

    /// At each moment the binding that counts is the fold's own answer, and the withdrawn are those that reach over
    /// it.
    @Test(arguments: 0..<150) func aStretchSaysWhatEachOfItsMomentsSays(seed: UInt64) {
        var story = Story(random: SeededGenerator(seed: seed))
        for bed in Self.beds { story.configure(bed) }
        var cuts: [String: Set<Int64>] = [:]
        for _ in 0..<30 {
            story.step()
            let (fold, session) = (story.fold, story.moment.session)
            for device in Self.devices {
                let stretches = fold.stretches(ofDevice: device, in: session)
                #expect(stretches.first?.from == .min && stretches.last?.to == .max)
                #expect(zip(stretches, stretches.dropFirst()).allSatisfy { $0.to == $1.from && $0.from < $0.to })
                for time in stride(from: Int64(0), through: story.now + 2, by: 1) {
                    let moment = Moment(session: session, nanoseconds: time)
                    let here = stretches.last { $0.from <= time }
                    #expect(here?.counting == fold.binding(ofDevice: device, at: moment))
                    if let bed = fold.bed(ofDevice: device, at: moment) {
                        let withdrawn = fold.bindings.filter {
                            $0.bed == bed && $0.isWithdrawn && fold.reaches($0, moment)
                        }
                        #expect(here?.withdrawn == withdrawn)
                    }
                }
                // What was cut once stays cut.
                let starts = Set(stretches.map(\.from))
                let name = "\(session)/\(device)"
                #expect(cuts[name, default: []].isSubset(of: starts))
                cuts[name] = starts
            }
        }
    }

    /// A bed that hundreds of patients came to in one session is reckoned once, in a moment.
    @Test func manyBindingsOfASessionCostLittle() {
        var story = Story(random: SeededGenerator(seed: 1))
        story.take(.configured(bed: "chair-1", ConfiguredBed(name: "n", nameArabic: "ن", devices: ["ox"])))
        for number in 0..<2000 {
            story.now += 10
            let subject = String(repeating: number % 2 == 0 ? "a" : "b", count: 64)
            story.take(.bound(bed: "chair-1", Arrival(subject: subject, since: story.moment, by: [])))
            story.now += 5
            story.take(.unbound(bed: "chair-1", binding: story.sequence, by: []))
        }
        let began = ContinuousClock.now
        #expect(story.fold.stretches(ofDevice: "ox", in: "s0").count == 4001)
        #expect(ContinuousClock.now - began < .seconds(10))
    }
}
