import DeviceModel
import TestSupport
import Testing

@testable import BedExport

@Suite struct GapWatchTests {
    private static let stream = SampleUnit.saturation
    private static let start = StreamGap.Mark(moment: JournalMoment(session: 1, time: 0), utc: nil)

    /// - Parameter time: Unit: s.
    private static func sample(
        _ time: Int64, _ sequence: Int64, session: Int64 = 1, _ validity: Validity = .valid, _ reason: Reason = .none
    ) -> SessionSample {
        SessionSample(
            stream: 1, descriptor: stream, sequence: sequence,
            moment: JournalMoment(session: session, time: time * SampleUnit.second), utc: nil, clock: .synchronised,
            bits: 90, text: nil, validity: validity, reason: reason)
    }

    /// Each gap as `cause from–to samples`, in seconds.
    private static func words(_ samples: [SessionSample], end: Int64 = 0) -> [String] {
        var watch = GapWatch(stream, from: start)
        let last = samples.last?.moment.session ?? 1
        let gaps =
            samples.flatMap { watch.take($0) }
            + watch.finish(JournalMoment(session: last, time: end * SampleUnit.second))
        return gaps.map { gap in
            let to = gap.to.map { "\($0.moment.time / SampleUnit.second)" } ?? ""
            let count = gap.samples.map { " \($0)" } ?? ""
            return "\(gap.cause.word) \(gap.from.moment.time / SampleUnit.second)–\(to)\(count)"
        }
    }

    @Test func eachKindOfNothingHasItsOwnWord() {
        #expect(Self.words([Self.sample(1, 0), Self.sample(2, 1), Self.sample(3, 2)], end: 3) == [])
        #expect(Self.words([Self.sample(1, 0), Self.sample(5, 1)], end: 5) == ["no-samples 1–5"])
        #expect(Self.words([Self.sample(1, 0), Self.sample(4, 1)], end: 4) == [])
        #expect(Self.words([Self.sample(1, 0), Self.sample(3, 2)], end: 3) == ["samples-lost 1–3 1"])
        #expect(
            Self.words([Self.sample(9, 0), Self.sample(1, 1, session: 2)], end: 1) == [
                "no-samples 0–9", "host-not-running 9–1",
            ])
        #expect(Self.words([Self.sample(1, 0)], end: 9) == ["no-samples 1–"])
        #expect(Self.words([]) == [])
    }

    @Test func oneReasonIsOneGapAndAnotherIsAnother() {
        let samples = [
            Self.sample(1, 0), Self.sample(2, 1, .notAvailable, .sentinel), Self.sample(3, 2, .notAvailable, .sentinel),
            Self.sample(4, 3, .invalid, .deviceStatus), Self.sample(5, 4), Self.sample(6, 5, .notAvailable, .timedOut),
        ]
        #expect(Self.words(samples, end: 7) == ["no-value 2–4 2", "no-value 4–5 1", "no-value 6– 1"])
    }

    /// Whatever comes: between two values that are not neighbours there is a gap, and between neighbours there is none.
    @Test func nothingIsJoined() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            var (time, number): (Int64, Int64) = (0, 0)
            var samples: [SessionSample] = []
            for _ in 0..<Int.random(in: 2...20, using: &random) {
                time += Int64.random(in: 1...5, using: &random)
                number += Int.random(in: 0...5, using: &random) == 0 ? 2 : 1
                let isGood = Int.random(in: 0...3, using: &random) > 0
                samples.append(isGood ? Self.sample(time, number) : Self.sample(time, number, .invalid, .deviceStatus))
            }
            var watch = GapWatch(Self.stream, from: Self.start)
            var open = false
            var before: SessionSample?
            for sample in samples {
                let found = !watch.take(sample).isEmpty
                if let last = before {
                    let isNeighbour =
                        sample.sequence == last.sequence + 1
                        && sample.moment.time - last.moment.time <= 3 * SampleUnit.second
                    let mustTell = !isNeighbour || open && sample.validity.carriesValue
                    #expect(found == mustTell)
                    open = !sample.validity.carriesValue
                } else {
                    open = !sample.validity.carriesValue
                }
                before = sample
            }
        }
    }
}
