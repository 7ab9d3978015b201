import Testing

@testable import CommandFacts
@testable import PumpControl

/// Quantities, exactly (C-16, C-27, C-28).
@Suite struct QuantityTests {
    @Test(
        arguments: [
            ("1e1", .exponent), ("+1", .sign), ("-1", .sign), (".5", .noDigitBeforePoint), ("5.", .noDigitAfterPoint),
            ("012.5", .leadingZero), ("00", .leadingZero), ("12.50", .trailingZero), ("0.0", .trailingZero),
            ("12,5", .comma), ("١٢", .otherDigits), ("", .empty), ("1.2.3", .twoPoints), ("12 ", .otherCharacter),
            (" 12", .otherCharacter), ("NaN", .otherCharacter), ("e5", .otherCharacter), ("1E1", .exponent),
            ("inf", .otherCharacter), ("0x10", .otherCharacter), ("1234567890123", .tooLong),
            ("1234567.654321", .tooLong),
            (".", .noDigitBeforePoint), ("１２", .otherDigits), ("1\u{0}", .otherCharacter), ("−1", .otherCharacter),
        ] as [(String, ExactQuantity.Fault)])
    func whatIsNoQuantityIsRefusedInOneSentence(text: String, fault: ExactQuantity.Fault) {
        #expect(throws: fault) { try ExactQuantity(text) }
        for sentence in [fault.text, fault.arabicText] {
            #expect(sentence.hasSuffix(".") && sentence.count > 10)
        }
    }

    @Test func eachFaultHasWordsOfItsOwn() {
        #expect(Set(ExactQuantity.Fault.allCases.map(\.text)).count == ExactQuantity.Fault.allCases.count)
        #expect(Set(ExactQuantity.Fault.allCases.map(\.arabicText)).count == ExactQuantity.Fault.allCases.count)
    }

    @Test(arguments: ["0", "7", "10", "0.5", "12.5", "0.001", "1200", "999999999999", "0.00000000001"])
    func aQuantityIsWrittenAsItWasRead(text: String) throws {
        let quantity = try ExactQuantity(text)
        #expect(quantity.text == text)
        #expect(ExactQuantity(quantity.mantissa, places: quantity.places) == quantity)
    }

    @Test func countsBecomeQuantitiesWithoutSuperfluousZeros() {
        #expect(ExactQuantity(1250, places: 2)?.text == "12.5")
        #expect(ExactQuantity(0, places: 3)?.text == "0")
        #expect(ExactQuantity(100, places: 0)?.text == "100")
        #expect(
            ExactQuantity(-1, places: 0) == nil && ExactQuantity(1, places: -1) == nil
                && ExactQuantity(1, places: 19) == nil)
        #expect(ExactQuantity(1_000_000_000_000, places: 0) == nil)
        #expect(ExactQuantity(1, places: 11) != nil && ExactQuantity(1, places: 12) == nil)
    }

    @Test func quantitiesAreOrderedByWhatTheyAre() throws {
        #expect(try ExactQuantity("9.9") < ExactQuantity("10") && !(ExactQuantity("10") < ExactQuantity("10")))
        #expect(
            try ExactQuantity("0.1") < ExactQuantity("0.11") && ExactQuantity("0").isZero
                && !ExactQuantity("0.1").isZero)
    }

    @Test func ratiosAreExactOrNothing() {
        let third = Ratio(1, 3)
        #expect(Ratio(2, 6) == third && third.times(Ratio(3, 1)) == Ratio(1, 1))
        #expect(third.over(.zero) == nil && third.over(third) == Ratio(1, 1))
        #expect(third.distance(to: Ratio(1, 2)) == Ratio(1, 6) && Ratio(1, 2).distance(to: third) == Ratio(1, 6))
        let huge = Ratio(.max, 1)
        #expect(huge.times(Ratio(2, 1)) == nil && huge.times(Ratio(1, 2))?.denominator == 2)
        #expect(Ratio(1, .max).times(Ratio(1, 2)) == nil && huge.distance(to: Ratio(1, 2)) == nil)
        #expect(Ratio(1, .max).distance(to: Ratio(1, .max - 1)) == nil && Ratio(1, 2).distance(to: huge) == nil)
        #expect(Ratio(.max - 1, .max) < Ratio(.max, 1) && Ratio(.max - 2, .max - 1) < Ratio(.max - 1, .max))
        #expect(!(third < third) && Ratio(1, 4) < third && !(third < Ratio(1, 4)) && Ratio(7, 2) < Ratio(4, 1))
        #expect(Ratio(3, 1) < Ratio(7, 2) && !(Ratio(7, 2) < Ratio(3, 1)) && Ratio(2, 5) < Ratio(1, 2))
        #expect(!(Ratio(1, 2) < Ratio(2, 5)))
    }

    @Test func theNearestStepIsFound() throws {
        let tenth = try ExactQuantity("0.1")
        #expect(Ratio(120_008, 100_000).nearest(step: tenth)?.text == "1.2")
        #expect(
            Ratio(125, 100).nearest(step: tenth)?.text == "1.3" && Ratio(124, 100).nearest(step: tenth)?.text == "1.2")
        #expect(Ratio(1, 100).nearest(step: tenth)?.text == "0")
        #expect(try Ratio(1, 1).nearest(step: ExactQuantity("0")) == nil)
        #expect(Ratio(.max, 1).nearest(step: tenth) == nil && Ratio(.max / 20, 1).nearest(step: tenth) == nil)
        #expect(Ratio(1, .max).nearest(step: try ExactQuantity("1")) == nil)
        #expect(try Ratio(1_000_000_000_000, 1).nearest(step: ExactQuantity("999999999999"))?.text == "999999999999")
        #expect(try Ratio(.max / 4, 1).nearest(step: ExactQuantity("1")) == nil)
    }

    @Test func exactNumbersAreShownCutOff() {
        #expect(Ratio(1, 3).text(places: 3) == "0.333…" && Ratio(5, 4).text(places: 3) == "1.25")
        #expect(Ratio(2, 1).text(places: 3) == "2" && Ratio(1, 3).text(places: 0) == "0…")
        #expect(Ratio(.max - 1, .max).text(places: 3) == "0…" && Ratio(1, 8).text(places: 99) == "0.125")
    }
}
