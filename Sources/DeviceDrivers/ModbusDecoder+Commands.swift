import DeviceModel
package import DevicePlans

/// What commands depend on.
extension ModbusDecoder {
    /// The last value of a field that is watched, and when it came: a number as decimal text. `nil` where it is not
    /// known, and where the device says by a code that it has none. Unit: ns.
    package func told(_ watched: CommandPlan.Watched) -> (text: [UInt8], time: Int64)? {
        guard let (text, time) = judge.told(watched.field) else { return nil }
        guard watched.isOfRegisters else { return (text, time) }
        guard let number = Int64(String(decoding: text, as: UTF8.self)),
            RawValue(watched.reading, number: number, time: time).validity == .valid
        else { return nil }
        return (text, time)
    }

    /// Whether a field passes a test by what was told since a time; `nil` where that is not known. Unit: ns.
    package func passes(_ watched: CommandPlan.Watched, _ test: TestPlan, since: Int64) -> Bool? {
        guard let (text, time) = judge.told(watched.field), time >= since else { return nil }
        let value: RawValue
        switch watched.form {
        case .register, .float32:
            guard let number = Int64(String(decoding: text, as: UTF8.self)) else { return nil }
            value = RawValue(watched.reading, number: number, time: time)
        case .word, .hexadecimal, .decimal: value = RawValue(watched.reading, text: text, time: time)
        }
        let passes = value.passes(test, bytes: text)
        // A code that says “no state” is none of the states that were asked for; what the state is, nobody knows.
        return value.validity != .valid && passes == false ? nil : passes
    }

    /// Whether the device is not, or not yet, the one expected.
    package var isStranger: Bool { judge.withholds }
}
