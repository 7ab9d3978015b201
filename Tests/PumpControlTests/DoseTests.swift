import Testing

@testable import CommandFacts
@testable import PumpControl

/// Doses and rates in exact fractions; limits of all layers (C-14, C-27, cases 22 and 23).
@Suite struct DoseTests {
    private func q(_ text: String) throws -> ExactQuantity { try ExactQuantity(text) }

    /// Fluorouracil, Alberta 2006: 5,250 mg at 45.57 mg/mL over 96 h.
    @Test func thePumpIsSetToTwelveTenths() throws {
        let exact = try #require(
            Infusion.rate(amount: try q("5250"), concentration: try q("45.57"), hours: try q("96")))
        #expect(exact.text(places: 5) == "1.20007…")
        let rounding = try Rounding(exact, step: q("0.1"), most: Ratio(1, 100))
        #expect(rounding.value.text == "1.2" && rounding.share < Ratio(1, 10_000) && rounding.exact == exact)
        // What both nurses had agreed on: 5,250 mg in four hours instead of four days.
        let volume = try #require(try q("5250").ratio.over(try q("45.57").ratio))
        #expect(Infusion.hours(volume: try q("115.2"), rate: try q("28.8")) == Ratio(4, 1))
        #expect(volume.text(places: 1) == "115.2…")
        #expect(
            Infusion.amount(volume: try q("115.2"), concentration: try q("45.57"))?.text(places: 3) == "5249.664")
    }

    @Test func eachUnitIsCountedByWhatItSays() throws {
        let concentration = try q("2")
        #expect(try Dose(q("10"), .milligramPerHour).rate(concentration: concentration) == Ratio(5, 1))
        let byWeight = try Dose(q("0.1"), .milligramPerKilogramHour)
        #expect(byWeight.rate(concentration: concentration, size: try q("70")) == Ratio(7, 2))
        #expect(byWeight.rate(concentration: concentration) == nil)
        let bySurface = try Dose(q("50"), .milligramPerSquareMetreHour)
        #expect(bySurface.rate(concentration: concentration, size: try q("1.8")) == Ratio(45, 1))
        let byDay = try Dose(q("400"), .milligramPerSquareMetreDay)
        #expect(byDay.rate(concentration: concentration, size: try q("1.8")) == Ratio(15, 1))
        #expect(try byDay.rate(concentration: q("0"), size: q("1.8")) == nil)
        for unit in Dose.Unit.allCases {
            let size = unit.body == nil ? nil : try q("1.8")
            let rate = try #require(Dose(try q("12"), unit).rate(concentration: concentration, size: size))
            let set = try #require(rate.nearest(step: try q("0.001")))
            let given = try #require(Dose.given(rate: set, concentration: concentration, size: size, in: unit))
            #expect(try #require(given.distance(to: try q("12").ratio)) < Ratio(1, 10), "\(unit)")
        }
        #expect(try Dose.given(rate: q("1"), concentration: q("1"), in: .milligramPerKilogramHour) == nil)
        #expect(Dose.Unit.milligramPerKilogramHour.body == .weight)
        #expect(Dose.Unit.milligramPerSquareMetreDay.body == .surface)
    }

    @Test func whatThePumpCannotSetIsRefused() throws {
        let exact = Ratio(1, 30)
        #expect(throws: Rounding.Fault.self) { try Rounding(exact, step: try ExactQuantity("0.1"), most: Ratio(1, 1)) }
        #expect(throws: Rounding.Fault.notExact) {
            try Rounding(.zero, step: try ExactQuantity("0.1"), most: Ratio(1, 1))
        }
        let coarse = Rounding.Fault.tooCoarse(exact: Ratio(5, 4), value: try q("1.3"), share: Ratio(1, 25))
        #expect(throws: coarse) { try Rounding(Ratio(5, 4), step: try ExactQuantity("0.1"), most: Ratio(1, 26)) }
        #expect(try Rounding(Ratio(5, 4), step: q("0.1"), most: Ratio(1, 25)).value.text == "1.3")
    }

    @Test func theMostRestrictiveLayerCounts() throws {
        let limit = Limit([
            LimitLayer(.pump, hard: Bounds(least: try q("0.1"), most: try q("1200"))),
            LimitLayer(
                .library, hard: Bounds(least: try q("0.5"), most: try q("100")),
                soft: Bounds(least: try q("1"), most: try q("50"))),
            LimitLayer(.site, hard: Bounds(most: try q("80")), soft: Bounds(least: try q("2"), most: try q("60"))),
            LimitLayer(.ceiling, hard: Bounds(most: try q("2000"))),
        ])
        #expect(limit.most == Limit.Bound(value: try q("80"), source: .site))
        #expect(limit.least == Limit.Bound(value: try q("0.5"), source: .library))
        #expect(limit.judge(try q("80.1").ratio) == .beyondHard(Limit.Bound(value: try q("80"), source: .site)))
        #expect(limit.judge(try q("80").ratio) == .beyondSoft(Limit.Bound(value: try q("50"), source: .library)))
        for text in ["50", "2"] { #expect(limit.judge(try q(text).ratio) == .within) }
        #expect(limit.judge(try q("1.9").ratio) == .beyondSoft(Limit.Bound(value: try q("2"), source: .site)))
        #expect(limit.judge(try q("0.4").ratio) == .beyondHard(Limit.Bound(value: try q("0.5"), source: .library)))
        #expect(Limit([]).judge(try q("999999999999").ratio) == .within)
    }

    /// Random layers: what all of them together allow, each allows, and one more layer never allows more.
    @Test func layersOnlyTighten() throws {
        var generator = SystemRandomNumberGenerator()
        func bound() throws -> ExactQuantity? {
            Bool.random(using: &generator)
                ? ExactQuantity(Int64.random(in: 0...100, using: &generator), places: 1) : nil
        }
        for _ in 0..<2_000 {
            var layers: [LimitLayer] = []
            let tested = Ratio(Int128(Int64.random(in: 0...120, using: &generator)), 10)
            for source in LimitSource.allCases {
                let before = Limit(layers).judge(tested)
                layers.append(
                    LimitLayer(
                        source, hard: Bounds(least: try bound(), most: try bound()),
                        soft: Bounds(least: try bound(), most: try bound())))
                let after = Limit(layers).judge(tested)
                if case .beyondHard = before, case .beyondHard = after {
                } else if case .beyondHard = before {
                    Issue.record("a layer allowed what another forbids")
                }
                let isAllowed = layers.allSatisfy { layer in
                    (layer.hard.most.map { tested <= $0.ratio } ?? true)
                        && (layer.hard.least.map { tested >= $0.ratio } ?? true)
                }
                if case .beyondHard = after { #expect(!isAllowed) } else { #expect(isAllowed) }
            }
        }
    }
}
