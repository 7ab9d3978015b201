import CommandFacts
import DeviceModel
import Nomenclature

extension CommandDescription.Argument {
    /// What one count of the digits that are sent is worth.
    var sentScale: DecimalScale { scale == .one ? DecimalScale(multiplier: 1, exponent: -places) : scale }
}

extension DecimalScale {
    /// The same as an exact fraction; of a negative one its size.
    var ratio: Ratio {
        let power = (0..<abs(exponent)).reduce(Int128(1)) { power, _ in power * 10 }
        let size = Int128(multiplier.magnitude)
        return exponent < 0 ? Ratio(size, power) : Ratio(size * power, 1)
    }
}
