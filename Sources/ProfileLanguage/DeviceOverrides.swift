package import DeviceModel

/// What a configuration may change of a profile for one device.
package struct DeviceOverrides: Sendable {
    /// By metric: another scale, for a variant that counts in other steps.
    package var scale: [String: DecimalScale] = [:]
    /// By metric: another period. Unit: ns.
    package var period: [String: Int64] = [:]
    /// By virtual device: another Modbus unit.
    package var units: [String: UInt8] = [:]
    /// The device's own Modbus unit.
    package var unit: UInt8?
    /// Another baud rate or format.
    package var serial: SerialFormat?
    /// The slots of the rack that are there; `nil` for all that the profile names.
    package var slots: [String]?

    package init() {}
}
