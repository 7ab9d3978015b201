import DeviceModel
import Nomenclature
import Presets

/// How a stream's bits are read as a number, so that limits compare with it as decimals do: 36.1 is not below 36.1.
///
/// Doubles that are nearest to decimals of at most 15 digits keep their order and their equality. A value of a single
/// is compared with the single nearest to the limit.
enum LimitWatchValue: Sendable, Hashable {
    /// The quantity is `count × multiplier ÷ power` or, without division, `× power`. `power` is a power of ten that a
    /// double has exactly.
    case counts(multiplier: Int64, power: Double, divides: Bool)
    case float32
    case float64

    /// `nil` for text.
    init?(_ form: ValueForm) {
        switch form {
        case .integer(let scale):
            var power = 1.0
            for _ in 0..<abs(scale.exponent) { power *= 10 }
            self = .counts(multiplier: scale.multiplier, power: power, divides: scale.exponent < 0)
        case .float32: self = .float32
        case .float64: self = .float64
        case .text: return nil
        }
    }

    /// The number that bits stand for; `nil` for what is none.
    func number(_ bits: Int64) -> Double? {
        switch self {
        case .counts(let multiplier, let power, let divides):
            let (product, overflow) = bits.multipliedReportingOverflow(by: multiplier)
            if overflow { return nil }
            // One rounding, of the true quotient or product.
            return divides ? Double(product) / power : Double(product) * power
        case .float32:
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            return value.isFinite ? Double(value) : nil
        case .float64:
            let value = Double(bitPattern: UInt64(bitPattern: bits))
            return value.isFinite ? value : nil
        }
    }

    /// A limit as this stream's values are compared with it.
    func limit(_ value: Double) -> Double { self == .float32 ? Double(Float(value)) : value }
}

/// From the unit of a preset's vital to that of a stream.
struct LimitWatchUnit: Sendable, Hashable {
    private let own: Quantity
    private let stream: Quantity
    /// Whether a number is the same in both.
    let isSame: Bool

    /// `nil` when the stream's unit is not one of the vital's.
    init?(_ vital: Preset.Vital, stream ucum: String?, names: Nomenclature) {
        guard let ucum, case .success(let unit) = names.unit(ucum), vital.unit.quantity.isSame(as: unit.quantity)
        else { return nil }
        (own, stream) = (vital.unit.quantity, unit.quantity)
        isSame = own.factor == stream.factor && own.zero == stream.zero
    }

    func ofStream(_ value: LimitValue) -> Double {
        isSame ? value.double : own.convert(value.double, to: stream)
    }

    func ofVital(_ value: Double) -> Double { isSame ? value : stream.convert(value, to: own) }
}
