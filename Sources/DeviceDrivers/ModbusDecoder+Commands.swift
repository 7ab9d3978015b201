#if Commands
package import DevicePlans

/// What commands depend on.
extension ModbusDecoder {
    /// The last value of a field that is watched, and when it came; `nil` where it is not known. Unit: ns.
    package func told(_ watched: CommandPlan.Watched) -> (text: [UInt8], time: Int64)? { judge.told(watched) }

    /// Whether a field passes a test by what was told since a time; `nil` where that is not known. Unit: ns.
    package func passes(_ watched: CommandPlan.Watched, _ test: TestPlan, since: Int64) -> Bool? {
        judge.passes(watched, test, since: since)
    }

    /// Whether the device is not, or not yet, the one expected.
    package var isStranger: Bool { judge.withholds }
}
#endif
