import DeviceModel
import Foundation
import StrictYAML
import TestSupport
import Testing

@testable import Presets

/// A preset is read strictly: what is in order is taken as it stands, each fault is told where it stands.
@Suite struct PresetReadingTests {
    @Test func whatIsInOrderIsTakenAsItStands() throws {
        let diagnostics = Diagnostics()
        let preset = try PresetFixture.read(PresetFixture.text, diagnostics)
        #expect(diagnostics.all.isEmpty, "\(diagnostics.all)")
        #expect(preset.name == "fixture" && preset.review == nil && preset.vitals.count == 3)
        let saturation = try #require(preset.limits.first)
        #expect(saturation.low.map(\.value.text) == ["90", "85"] && saturation.high.map(\.value.text) == ["99.5"])
        #expect(
            saturation.low.map(\.priority) == [.medium, .high] && saturation.low.map(\.isLatching) == [false, true])
        #expect(saturation.low.map(\.delay) == [15_000_000_000, 10_000_000_000])
        #expect(preset.missing.first?.after == 30_000_000_000 && preset.missing.first?.expectation == .bed)
        #expect(preset.episodic.first?.due == 1_200_000_000_000)
        #expect(preset.episodic.first?.ground == .source("a book", proposed: ["grace"]))
        #expect(preset.episodicRule("MDC_PRESS_BLD_NONINV_DIA") == preset.episodic.first)
        #expect(preset.episodicRule("MDC_PULS_OXIM_SAT_O2") == nil)
        #expect(preset.scores.map(\.threshold) == [.total(5), .total(7), .part(3)])
        #expect(preset.digest.count == 64)
    }

    @Test func aReviewIsTaken() throws {
        let review = "reviewed: {by: A. Doctor, role: consultant, date: 2026-11-28}\nvitals:"
        let preset = try PresetFixture.read(
            PresetFixture.text.replacing("reviewed:\nvitals:", with: review))
        #expect(preset.review == Preset.Review(by: "A. Doctor", role: "consultant", date: "2026-11-28"))
        #expect(try PresetFixture.read(PresetFixture.text).digest != preset.digest)
    }

    /// What stands, what stands instead, the line and column of the fault, and what it says.
    @Test(
        arguments: [
            ("preset/1", "preset/2", 1, 7, "expected “nabd: preset/1”"),
            ("name: fixture", "name: Fixture", 2, 7, "lower-case letters"),
            ("name: fixture", "name: other", 2, 7, "the file is called “fixture.yaml”"),
            ("title: A fixture", "title: \"A\\u0007\"", 3, 8, "in one line"),
            ("title-arabic: تجربة", "title-arabic: Trial", 4, 15, "in Arabic letters"),
            ("title: A", "tittle: A", 3, 1, "unknown key “tittle”"),
            ("reviewed:", "reviewed: yes", 7, 11, "who reviewed it as a mapping"),
            ("reviewed:", "reviewed: {by: A, role: B, date: 2026-02-30}", 7, 34, "expected a date"),
            ("reviewed:\n", "", 1, 1, "“reviewed” is missing"),
            ("MDC_PULS_OXIM_SAT_O2: {name", "MDC_PULS_OXIM_SAT_O3: {name", 9, 3, "there is no metric"),
            ("unit: \"%\"", "unit: mL", 9, 67, "is not measured in “mL”"),
            ("unit: \"%\"", "unit: frogs", 9, 67, "is no UCUM unit"),
            ("below: 90, priority: medium", "below: 9e1, priority: medium", 15, 15, "as a number within"),
            ("below: 90, priority: medium", "below: 90.0001, priority: medium", 15, 15, "as a number within"),
            ("below: 90, priority: medium", "above: 90, priority: medium", 15, 8, "unknown key “above”"),
            ("below: 85", "below: 91", 16, 15, "must lie further out than the first, 90"),
            (
                "below: 85, priority: high, harm: death", "below: 85, priority: medium, harm: reversible", 16, 29,
                "must have a higher priority"
            ),
            ("below: 85, priority: high", "below: 85, priority: low", 16, 29, "death and prompt ask for high"),
            ("delay: 15s", "delay: 121s", 15, 77, "expected 0s to 120s"),
            ("delay: 15s", "delay: 15", 15, 77, "as a time with its unit"),
            ("hysteresis: 2", "hysteresis: -1", 15, 94, "a hysteresis is 0 or more"),
            ("hysteresis: 2", "hysteresis: 9.5", 15, 94, "at or beyond the high limit"),
            ("above: 99.5", "above: 89", 15, 15, "the low limit 90 is not below the high one, 89"),
            ("hysteresis: 2, proposed: true", "hysteresis: 2", 15, 7, "neither “source” nor “proposed”"),
            ("hysteresis: 2, proposed: true", "hysteresis: 2, proposed: false", 15, 107, "expected “proposed: true”"),
            (
                "hysteresis: 2, proposed: true", "hysteresis: 2, source: a, proposed: true", 15, 118,
                "is the list of the keys"
            ),
            ("proposed: [grace]", "proposed: [grass]", 24, 103, "a key of this rule"),
            ("delay: 0s", "delay: 1s", 19, 73, "is measured now and then"),
            ("after: 30s", "after: 4s", 21, 42, "expected 5s to 600s"),
            ("of: bed", "of: ward", 21, 30, "of whom it is expected"),
            ("every: 15min", "every: 59s", 24, 13, "expected 60s to 86400s"),
            ("grace: 5min", "grace: 16min", 24, 27, "expected 0s to 900s"),
            ("{with: MDC_PRESS_BLD_NONINV_SYS}", "{with: MDC_TEMP}", 25, 36, "has no rule of its own"),
            ("total: 7", "total: 5", 29, 7, "the totals rise"),
            ("total: 7", "total: 21", 29, 15, "expected 1 to 20"),
            ("part: 3", "part: 3, total: 9", 30, 7, "either “total” or “part”"),
            ("missing:\n  MDC_PULS_OXIM_SAT_O2", "missing:\n  MDC_TEMP", 21, 3, "does not stand under “vitals”"),
            ("missing:\n  MDC_PULS_OXIM_SAT_O2", "missing:\n  MDC_PRESS_BLD_NONINV_SYS", 21, 3, "never missing"),
        ] as [(String, String, Int, Int, String)])
    func eachFaultIsToldWhereItStands(old: String, new: String, line: Int, column: Int, message: String) {
        let found = PresetFixture.findings(old, new).filter { $0.severity == .error }
        #expect(
            found.contains { $0.message.contains(message) && $0.location.line == line && $0.location.column == column },
            "\(found)")
    }

    @Test func aMetricStandsOnce() {
        let twice = "  MDC_PULS_OXIM_SAT_O2: {name: B, name-arabic: ب, unit: \"%\"}\n  MDC_PRESS_BLD_NONINV_SYS: {name"
        let found = PresetFixture.findings("  MDC_PRESS_BLD_NONINV_SYS: {name", twice)
        #expect(found.contains { $0.severity == .error && $0.location.line == 10 }, "\(found)")
    }

    @Test(
        arguments: [
            ("delay: 15s, hysteresis: 2", "delay: 0s, hysteresis: 2", 15, "each artefact of a moment"),
            ("delay: 15s, hysteresis: 2", "delay: 4s, hysteresis: 2", 15, "most alarms of saturation false"),
            ("delay: 15s, hysteresis: 2", "delay: 15s, hysteresis: 0", 15, "begins and ends the alarm again"),
            ("delay: 10s, hysteresis: 1", "delay: 20s, hysteresis: 1", 16, "later than the milder"),
            ("delay: 10s, hysteresis: 1", "delay: 10s, hysteresis: 1, latching: false", 16, "does not latch"),
            (
                "missing:\n  MDC_PULS_OXIM_SAT_O2: {of: bed, after: 30s, priority: medium, harm: death, "
                    + "onset: delayed, proposed: true}\n", "", 13, "a dead sensor has no limits"
            ),
        ] as [(String, String, Int, String)])
    func whatIsDubiousIsAWarning(old: String, new: String, line: Int, message: String) {
        let found = PresetFixture.findings(old, new)
        #expect(
            found.contains {
                $0.severity == .warning && $0.message.contains(message) && $0.location.line == line
            }, "\(found)")
        #expect(!found.contains { $0.severity == .error }, "\(found)")
    }

    @Test(arguments: Harm.allCases, Onset.allCases)
    func thePriorityFollowsTheTable(harm: Harm, onset: Onset) {
        let table: [Harm: [AlertPriority]] = [
            .death: [.high, .high, .medium], .reversible: [.high, .medium, .low], .minor: [.medium, .low, .low],
        ]
        let place = Onset.allCases.firstIndex(of: onset) ?? 0
        #expect(AlertPriority(harm, onset) == table[harm]?[place])
    }

    @Test(
        arguments: [
            ("90", 90_000), ("36.5", 36_500), ("-2", -2000), ("0", 0), ("0.001", 1), ("100000", 100_000_000),
            ("100000.001", nil), ("1e2", nil), ("", nil), (".5", nil), ("5.", nil), ("+5", nil), ("0.0005", nil),
            ("90 ", nil), ("99999999999999999999", nil), ("--1", nil), ("٩٠", nil),
        ] as [(String, Int64?)])
    func aNumberIsExactOrNone(text: String, thousandths: Int64?) {
        #expect(LimitValue(text)?.thousandths == thousandths)
    }

    /// Whatever stands in a file, it is read or refused, and the same every time.
    @Test func damagedFilesAreReadOrRefused() throws {
        var random = SeededGenerator(seed: 18)
        let pieces = [
            "0s", "-1", "1e400", "[", "]", "{", "}", ": ", "\n", "~", "\"", "&a", "*a", "? ", "🩺", "\u{202E}",
            "proposed: true",
            "below", "120s", "999999999999999999999", "MDC_TEMP", "latching: maybe", "\t", "#", "|", ">-",
        ]
        let originals =
            try [PresetFixture.text]
            + PresetFixture.shipped.map {
                try String(contentsOfFile: Repository.path("presets/\($0).yaml"), encoding: .utf8)
            }
        var (taken, refused) = (0, 0)
        for round in 0..<1500 {
            var characters = Array(originals[round % originals.count])
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<characters.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: characters.remove(at: place)
                case 1: characters.insert(contentsOf: pieces.randomElement(using: &random) ?? "", at: place)
                default:
                    let end = min(characters.count, place + Int.random(in: 1...40, using: &random))
                    characters.removeSubrange(place..<end)
                }
            }
            let text = String(characters)
            do throws(InvalidFile) {
                let preset = try PresetFixture.read(text, name: "\(round).yaml")
                #expect(preset.vitals.count <= PresetGrammar.mostVitals)
                taken += 1
            } catch {
                #expect(error.diagnostics.contains { $0.severity == .error && $0.location.line > 0 })
                refused += 1
            }
        }
        // The name is not the file's, so that none is taken by chance; the reader still goes through all of it.
        #expect(taken == 0 && refused == 1500)
    }

    @Test func damagedNumbersNeverMakeAnotherPreset() throws {
        var random = SeededGenerator(seed: 81)
        var taken = 0
        for _ in 0..<1500 {
            var bytes = Array(PresetFixture.text.utf8)
            let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
            let place = digits.randomElement(using: &random) ?? 0
            bytes[place] = UInt8.random(in: 0x2D...0x39, using: &random)
            let text = String(decoding: bytes, as: UTF8.self)
            guard let preset = try? PresetFixture.read(text) else { continue }
            taken += 1
            for limits in preset.limits {
                let (low, high) = (limits.low.first?.value, limits.high.first?.value)
                if let low, let high { #expect(low < high) }
                for level in limits.low + limits.high {
                    #expect((0...120_000_000_000).contains(level.delay) && level.hysteresis.thousandths >= 0)
                }
                if limits.low.count == 2 { #expect(limits.low[1].value < limits.low[0].value) }
            }
        }
        #expect(taken > 150)
    }
}
