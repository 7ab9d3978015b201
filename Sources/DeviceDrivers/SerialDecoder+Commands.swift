import DeviceModel
package import DevicePlans

/// What commands depend on.
extension SerialDecoder {
    /// The last text of a field that is watched, and when it came; `nil` where it is not known. A number by which the
    /// device says that it has none is told as no text: it is no value that anything could be held against. Unit: ns.
    package func told(_ watched: CommandPlan.Watched) -> (text: [UInt8], time: Int64)? {
        guard let (text, time) = judge.told(watched.field) else { return nil }
        guard case .decimal = watched.form, !text.isEmpty,
            RawValue(watched.reading, text: text, time: time).reason == .sentinel
        else { return (text, time) }
        return ([], time)
    }

    /// Whether a field passes a test by what was told since a time; `nil` where that is not known. Unit: ns.
    package func passes(_ watched: CommandPlan.Watched, _ test: TestPlan, since: Int64) -> Bool? {
        guard let (text, time) = judge.told(watched.field), time >= since else { return nil }
        let value = RawValue(watched.reading, text: text, time: time)
        let passes = value.passes(test, bytes: text)
        // A code that says “no state” is none of the states that were asked for; what the state is, nobody knows.
        return value.validity != .valid && passes == false ? nil : passes
    }

    /// Whether the device is not, or not yet, the one expected.
    package var isStranger: Bool { judge.withholds }
}
