/// What kind of quantity a unit measures. Two units can stand for each other in a profile only within one dimension.
package enum Dimension: String, Sendable, Hashable {
    case amountFlow = "flow"
    case angle
    case cellConcentration = "cell concentration"
    case concentration
    case count
    case doseRate = "dose rate"
    case duration
    case electricCurrent = "electric current"
    case electricPotential = "electric potential"
    case energy
    case fraction
    case frequency
    case impedance
    case length
    case power
    case pressure
    case speed
    case temperature
    case text
    case volume
}

/// A unit of measure as the records service reads it.
package struct UnitOfMeasure: Sendable, Hashable {
    /// The case-sensitive UCUM code, such as `mm[Hg]`.
    package let ucum: String
    /// What a person reads beside a number, such as `mmHg`.
    package let display: String
    package let dimension: Dimension
    /// The IEEE 11073-10101 unit code, where one was cross-checked; `nil` otherwise, never a guess.
    package let code: UInt32?

    /// The units a profile may name.
    ///
    /// Source of the 11073 codes: public vendor captures and specifications (each cross-checked against a second source, 262144 plus the
    /// vendor's unit term); the standard's own text was not available.
    package static let all: [UnitOfMeasure] = [
        UnitOfMeasure("1", "1", .count, 262656),
        UnitOfMeasure("%", "%", .fraction, 262688),
        UnitOfMeasure("/min", "/min", .frequency, nil),
        UnitOfMeasure("Hz", "Hz", .frequency, nil),
        UnitOfMeasure("Cel", "°C", .temperature, 268192),
        UnitOfMeasure("mm[Hg]", "mmHg", .pressure, 266016),
        UnitOfMeasure("kPa", "kPa", .pressure, nil),
        UnitOfMeasure("mbar", "mbar", .pressure, nil),
        UnitOfMeasure("mL/h", "mL/h", .amountFlow, 265266),
        UnitOfMeasure("L/min", "L/min", .amountFlow, nil),
        UnitOfMeasure("mL/min", "mL/min", .amountFlow, nil),
        UnitOfMeasure("uL", "µL", .volume, nil),
        UnitOfMeasure("L", "L", .volume, nil),
        UnitOfMeasure("g/dL", "g/dL", .concentration, nil),
        UnitOfMeasure("ug/mL", "µg/mL", .concentration, nil),
        UnitOfMeasure("10*3/uL", "10³/µL", .cellConcentration, nil),
        UnitOfMeasure("10*6/uL", "10⁶/µL", .cellConcentration, nil),
        UnitOfMeasure("W", "W", .power, nil),
        UnitOfMeasure("kW", "kW", .power, nil),
        UnitOfMeasure("kW.h", "kWh", .energy, nil),
        UnitOfMeasure("mL", "mL", .volume, 263762),
        UnitOfMeasure("mg/mL", "mg/mL", .concentration, 264306),
        UnitOfMeasure("ug/kg/min", "µg/kg/min", .doseRate, 265619),
        UnitOfMeasure("s", "s", .duration, 264320),
        UnitOfMeasure("min", "min", .duration, 264352),
        UnitOfMeasure("mV", "mV", .electricPotential, 266418),
        UnitOfMeasure("V", "V", .electricPotential, nil),
        UnitOfMeasure("A", "A", .electricCurrent, nil),
        UnitOfMeasure("Ohm", "Ω", .impedance, nil),
        UnitOfMeasure("deg", "°", .angle, nil),
        UnitOfMeasure("m", "m", .length, nil),
        UnitOfMeasure("m/s", "m/s", .speed, nil),
        UnitOfMeasure("km/h", "km/h", .speed, nil),
    ]

    private static let byUCUM = Dictionary(uniqueKeysWithValues: all.map { ($0.ucum, $0) })

    /// The unit with this UCUM code, or `nil` when the table has none.
    package static func named(_ ucum: String) -> UnitOfMeasure? { byUCUM[ucum] }

    init(_ ucum: String, _ display: String, _ dimension: Dimension, _ code: UInt32?) {
        self.ucum = ucum
        self.display = display
        self.dimension = dimension
        self.code = code
    }
}
