#if Commands
import DeviceModel
import DevicePlans

/// What commands depend on.
extension ValueJudge {
    /// The last value of a field that is watched, and when it came: a number in bits as decimal text. `nil` where it is
    /// not known. Unit: ns.
    ///
    /// Where the device says by a code that it has none: a number in bits is not known then, and a text is told as
    /// none, which is no value that anything could be held against.
    func told(_ watched: CommandPlan.Watched) -> (text: [UInt8], time: Int64)? {
        guard let (text, time) = told(watched.field) else { return nil }
        switch watched.form {
        case .count, .float32:
            guard let number = Int64(String(decoding: text, as: UTF8.self)),
                RawValue(watched.reading, number: number, time: time).validity == .valid
            else { return nil }
            return (watched.alike.contains(text) ? watched.alike[0] : text, time)
        case .word, .hexadecimal, .decimal:
            let isNone = !text.isEmpty && RawValue(watched.reading, text: text, time: time).reason == .sentinel
            return (isNone ? [] : text, time)
        }
    }

    /// Whether a field passes a test by what was told since a time; `nil` where that is not known. Unit: ns.
    func passes(_ watched: CommandPlan.Watched, _ test: TestPlan, since: Int64) -> Bool? {
        guard let (text, time) = told(watched.field), time >= since else { return nil }
        let value: RawValue
        switch watched.form {
        case .count, .float32:
            guard let number = Int64(String(decoding: text, as: UTF8.self)) else { return nil }
            value = RawValue(watched.reading, number: number, time: time)
        case .word, .hexadecimal, .decimal: value = RawValue(watched.reading, text: text, time: time)
        }
        let passes = value.passes(test, bytes: text)
        // That it is another state than these is shown by a state only: not by a code that says “no state”, by what
        // cannot be read, or by nothing.
        if case .listed(_, expected: false) = test, value.validity != .valid || text.isEmpty { return nil }
        // A code that says “no state” is none of the states that were asked for; what the state is, nobody knows.
        return value.validity != .valid && passes == false ? nil : passes
    }
}
#endif
