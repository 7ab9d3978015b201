/// What a unit measures, and how much of it one unit is: the exponents of the base units, and a factor.
///
/// Base units are those of UCUM (m, s, g, rad, K, C, cd), and besides them whatever the table of atoms says is a
/// quantity of its own.
package struct Quantity: Sendable, Hashable {
    /// Exponents by base unit; those that are zero are left out.
    package private(set) var exponents: [String: Int]
    /// How many of the coherent unit one of these is.
    package private(set) var factor: Double
    /// Where its zero lies, in units of its own above the coherent unit's zero; not zero for degrees of temperature
    /// only.
    package private(set) var zero: Double
    /// How often a mass is divided by a mass: a dose for each kilogram a minute is no frequency.
    package private(set) var massRatio: Int

    init(exponents: [String: Int] = [:], factor: Double = 1, zero: Double = 0, massRatio: Int = 0) {
        self.exponents = exponents
        self.factor = factor
        self.zero = zero
        self.massRatio = massRatio
    }

    /// Whether values of both are numbers of the same thing, so that one can be turned into the other.
    ///
    /// Numbers without a unit are the same only when they count the same: 97 is not a fraction, 97 % is.
    package func isSame(as other: Quantity) -> Bool {
        guard exponents == other.exponents, massRatio == other.massRatio else { return false }
        return !exponents.isEmpty || abs(factor / other.factor - 1) < 1e-9
    }

    /// What a value in this unit is in the other one of the same quantity.
    package func convert(_ value: Double, to other: Quantity) -> Double {
        (value + zero) * factor / other.factor - other.zero
    }

    func multiplied(by other: Quantity) -> Quantity {
        var result = self
        let masses = (exponents["g"] ?? 0, other.exponents["g"] ?? 0)
        result.exponents.merge(other.exponents, uniquingKeysWith: +)
        result.exponents = result.exponents.filter { $0.value != 0 }
        result.factor *= other.factor
        result.zero = 0
        result.massRatio += other.massRatio + (masses.0 * masses.1 < 0 ? min(abs(masses.0), abs(masses.1)) : 0)
        return result
    }

    func raised(to power: Int) -> Quantity {
        if power == 1 { return self }
        var result = Quantity()
        for _ in 0..<abs(power) { result = result.multiplied(by: self) }
        if power < 0 {
            result.exponents = result.exponents.mapValues { -$0 }
            result.factor = 1 / result.factor
        }
        return result
    }

    func scaled(by number: Double, zero: Double = 0) -> Quantity {
        var result = self
        result.factor *= number
        result.zero = zero
        return result
    }
}
