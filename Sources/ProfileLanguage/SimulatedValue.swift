/// What a player of the device sends for one field or metric, in the metric's unit.
package enum SimulatedValue: Sendable {
    case number(Double)
    case text(String)
    /// Goes slowly to and fro between two values.
    case swing(low: Double, high: Double, period: Int64)
    /// Grows steadily.
    case ramp(start: Double, perHour: Double)
    /// A pulse wave at the rate given by another field. Unit of the rate: 1/min.
    case pulse(low: Double, high: Double, rateField: String)
    /// Values of a recording, one every period, again and again. Unit of the period: ns.
    case recording([Double], period: Int64)
}
