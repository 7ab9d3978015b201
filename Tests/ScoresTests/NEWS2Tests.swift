import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import Scores

/// A bed with one stream for each vital sign, in the form in which devices give them.
struct Bed {
    static let minute: Int64 = 60_000_000_000
    static let vitals: [(part: ScorePart, metric: String, unit: String)] = [
        (.respiration, "MDC_RESP_RATE", "/min"), (.saturation, "MDC_PULS_OXIM_SAT_O2", "%"),
        (.systolic, "MDC_PRESS_BLD_NONINV_SYS", "mm[Hg]"), (.pulse, "MDC_ECG_HEART_RATE", "/min"),
        (.temperature, "MDC_TEMP", "Cel"),
    ]
    /// Hundredths, so that every value of the table is exact.
    static let streams = vitals.map { stream($0.metric, $0.unit) }

    static func stream(
        _ metric: String, _ unit: String, device: String = "monitor",
        form: ValueForm = .integer(DecimalScale(multiplier: 1, exponent: -2))
    ) -> StreamDescriptor {
        StreamDescriptor(
            device: device, vmd: nil, metric: metric, code: nil, unit: unit, form: form, isWaveform: false,
            periodNanoseconds: 1_000_000_000, profile: "test/monitor")
    }

    var desk = ScoreDesk(streams: Bed.streams)
    let now: Int64 = 1000 * Bed.minute

    mutating func measure(
        _ part: ScorePart, hundredths: Int64, _ validity: Validity = .valid, _ reason: Reason = .none,
        ago: Int64 = 0
    ) {
        guard let place = Bed.vitals.firstIndex(where: { $0.part == part }) else { return }
        desk.take(stream: place, bits: hundredths, validity: validity, reason: reason, at: now - ago)
    }

    mutating func enter(_ item: String, _ value: String, ago: Int64 = 0) throws {
        desk.enter(try ScoreEntry(item: item, value: value, by: ["nurse-1"], time: now - ago))
    }

    /// Everything there, and nothing of it scores.
    mutating func settle(without: Set<ScorePart> = []) throws {
        let calm: [(ScorePart, Int64)] = [
            (.respiration, 1600), (.saturation, 9800), (.systolic, 12000), (.pulse, 7000), (.temperature, 3700),
        ]
        for (part, value) in calm where !without.contains(part) { measure(part, hundredths: value) }
        if !without.contains(.oxygen) { try enter("oxygen", "air") }
        if !without.contains(.consciousness) { try enter("consciousness", "A") }
    }

    var news2: ScoreResult { desk.news2(at: now) }
}

@Suite struct NEWS2TableTests {
    struct Case: CustomTestStringConvertible {
        let part: ScorePart
        let scale: String
        let breathing: String
        let value: String
        let points: Int

        var testDescription: String { "\(part) \(value), scale \(scale), \(breathing): \(points)" }

        init?(_ line: Substring) {
            let cells = line.split(separator: "\t").map(String.init)
            guard cells.count == 5, let part = ScorePart(rawValue: cells[0]), let points = Int(cells[4]) else {
                return nil
            }
            (self.part, scale, breathing, value, self.points) = (part, cells[1], cells[2], cells[3], points)
        }
    }

    static let cases: [Case] = {
        let path = Repository.path("Tests/ScoresTests/news2.tsv")
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst().compactMap(Case.init)
    }()

    @Test func theTableHasEveryBoundary() throws {
        let text = try String(contentsOfFile: Repository.path("Tests/ScoresTests/news2.tsv"), encoding: .utf8)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.count - 1
        #expect(Self.cases.count == lines && lines >= 120)
        #expect(Set(Self.cases.map(\.part)) == Set(ScorePart.allCases))
    }

    /// What a case of the table gives, all other parts being calm.
    private static func points(_ one: Case) throws -> Int? {
        var bed = Bed()
        try bed.settle(without: [one.part])
        try bed.enter("spo2-scale", one.scale)
        if one.part != .consciousness { try bed.enter("oxygen", one.breathing) }
        if let item = one.part.item {
            try bed.enter(item.rawValue, one.value)
        } else {
            let hundredths = try DecimalText.counts(Array(one.value.utf8), 0..<one.value.utf8.count, places: 2)
            bed.measure(one.part, hundredths: hundredths)
        }
        let result = bed.news2
        #expect(result.missing == [])
        return result.parts.first { $0.name == one.part.rawValue }?.points
    }

    @Test(arguments: cases) func everyBoundaryScoresAsTheChartSays(_ one: Case) throws {
        #expect(try Self.points(one) == one.points)
    }

    /// The table is held against the program, so a table with a fault in it must be found.
    @Test func aWrongTableIsFound() throws {
        for one in Self.cases {
            let line = "\(one.part.rawValue)\t\(one.scale)\t\(one.breathing)\t\(one.value)\t\((one.points + 1) % 4)"
            let wrong = try #require(Case(line[...]))
            #expect(try Self.points(wrong) != wrong.points)
        }
    }
}

/// The chart once more, by someone who reads it the other way round: by points, in hundredths, without the program's
/// tables.
private enum Oracle {
    static func points(_ part: ScorePart, hundredths: Int, scale: Int, onOxygen: Bool) -> Int {
        let step = part == .temperature ? 10 : 100
        let candidates = [hundredths / step, hundredths / step + 1].filter {
            abs($0 * step - hundredths) * 2 <= step
        }
        return candidates.map { whole(part, $0, scale, onOxygen) }.max() ?? -1
    }

    private static func whole(_ part: ScorePart, _ value: Int, _ scale: Int, _ onOxygen: Bool) -> Int {
        switch part {
        case .respiration:
            return value < 9 || value > 24 ? 3 : value > 20 ? 2 : value < 12 ? 1 : 0
        case .saturation where scale == 1:
            return value > 95 ? 0 : value > 93 ? 1 : value > 91 ? 2 : 3
        case .saturation:
            if value < 84 { return 3 }
            if value < 86 { return 2 }
            if value < 88 { return 1 }
            return !onOxygen || value < 93 ? 0 : value < 95 ? 1 : value < 97 ? 2 : 3
        case .systolic: return value < 91 || value > 219 ? 3 : value < 101 ? 2 : value < 111 ? 1 : 0
        case .pulse:
            return value < 41 || value > 130 ? 3 : value > 110 ? 2 : value > 90 || value < 51 ? 1 : 0
        case .temperature:
            return value < 351 ? 3 : value > 390 ? 2 : value > 380 || value < 361 ? 1 : 0
        case .oxygen: return onOxygen ? 2 : 0
        case .consciousness: return 0
        }
    }
}

@Suite struct NEWS2DifferentialTests {
    @Test func randomBedsScoreAsAnIndependentReadingOfTheChart() throws {
        var random = SeededGenerator(seed: 18)
        var totals: Set<Int> = []
        for _ in 0..<20_000 {
            let (scale, onOxygen) = (Int.random(in: 1...2, using: &random), Bool.random(using: &random))
            let awake = Bool.random(using: &random)
            let values: [ScorePart: Int] = [
                .respiration: .random(in: 0...4000, using: &random),
                .saturation: .random(in: 7500...10_000, using: &random),
                .systolic: .random(in: 6000...26_000, using: &random),
                .pulse: .random(in: 2000...18_000, using: &random),
                .temperature: .random(in: 3300...4200, using: &random),
            ]
            var bed = Bed()
            for (part, value) in values { bed.measure(part, hundredths: Int64(value)) }
            try bed.enter("oxygen", onOxygen ? "oxygen" : "air")
            try bed.enter("consciousness", awake ? "A" : "V")
            try bed.enter("spo2-scale", "\(scale)")
            let expected = values.mapValues { $0 }.map { part, value in
                Oracle.points(part, hundredths: value, scale: scale, onOxygen: onOxygen)
            }
            let all = expected + [onOxygen ? 2 : 0, awake ? 0 : 3]
            let total = all.reduce(0, +)
            let band: NEWS2Band = total > 6 ? .high : total > 4 ? .medium : all.contains(3) ? .singleThree : .low
            #expect(bed.news2.outcome == .complete(total: total, band: band), "\(values) \(scale) \(onOxygen)")
            totals.insert(total)
        }
        // It has been everywhere, or nearly.
        #expect(totals.count >= 18)
    }

    /// The oracle is a checker too: with the chart's scales changed over it must disagree.
    @Test func theOracleSeesTheOtherScale() throws {
        var bed = Bed()
        try bed.settle()
        bed.measure(.saturation, hundredths: 9000)
        let other = Oracle.points(.saturation, hundredths: 9000, scale: 2, onOxygen: false)
        #expect(bed.news2.total == 3 && other == 0)
    }
}
