import Nomenclature
import Testing

@Suite struct UnitTests {
    private let names = NomenclatureShelf.names().nomenclature

    private func quantity(_ ucum: String) -> Quantity? { (try? names.unit(ucum).get())?.quantity }

    /// Conversions whose figures stand in the units' definitions.
    @Test(
        arguments: [
            (1, "kPa", 7.500638, "mm[Hg]"), (10, "cm[H2O]", 7.355602, "mm[Hg]"), (1, "L/min", 60_000, "mL/h"),
            (36.6, "Cel", 97.88, "[degF]"),
            (98.6, "[degF]", 310.15, "K"), (1, "[kn_i]", 1.852, "km/h"), (60, "/min", 1, "Hz"),
            (60, "{beat}/min", 1, "Hz"), (1, "kW.h", 3600, "kJ"),
            (5, "ug/kg/min", 0.3, "mg/kg/h"), (1, "mg/dL", 0.01, "g/L"), (180, "deg", 3.14159265, "rad"),
            (4, "10*3/uL", 4, "10*9/L"),
            (4, "10*3/uL", 4, "10^9/L"), (1, "m[H2O]", 9.80665, "kPa"), (1, "[lb_av]", 453.59237, "g"),
            (20, "mL/cm[H2O]", 203.943, "mL/kPa"),
            (1, "cm[H2O]/(L/s)", 1, "cm[H2O].s/L"), (2, "mol/L", 2000, "mmol/L"), (1, "A.h", 3600, "C"),
            (3, "m/s", 10.8, "km/h"),
        ] as [(Double, String, Double, String)])
    func oneUnitIsAnother(value: Double, unit: String, expected: Double, other: String) throws {
        let one = try #require(quantity(unit))
        let two = try #require(quantity(other))
        #expect(one.isSame(as: two))
        #expect(abs(one.convert(value, to: two) / expected - 1) < 1e-5)
    }

    /// Units that look alike and are not the same thing.
    @Test(
        arguments: [
            ("%", "1"), ("ug/kg/min", "/min"), ("mmol/L", "mg/dL"), ("mmol/L", "10*3/uL"), ("Cel", "mm[Hg]"),
            ("mL/h", "mg/h"), ("J", "kW"), ("V", "A"),
            ("[iU]/h", "mL/h"), ("deg", "1"), ("[pH]", "1"), ("m", "m2"), ("mV", "V.A"),
        ])
    func unitsOfOtherQuantitiesAreTold(one: String, other: String) throws {
        #expect(try !#require(quantity(one)).isSame(as: #require(quantity(other))))
    }

    @Test(
        arguments: [
            "", "mmHg", "mL//h", "/", "mL/", "Cel/min", "Cel2", "kg.[degF]", "(mL", "mL)", "m0", "m99", "mL h", "{",
            "{beat", "fathom", "°C", "k%",
            "((((((m))))))",
        ])
    func whatIsNoUnitIsRefused(text: String) { #expect(quantity(text) == nil) }

    @Test func anExpressionLongerThanALineIsRefused() {
        #expect(quantity(String(repeating: "m.", count: 40) + "m") == nil)
    }
}
