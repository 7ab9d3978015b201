import DeviceModel
import DevicePlans

/// What several values that follow each other say together.
extension ValueJudge {
    /// An alert of a curve holds where one of its samples has what it names. It ends where none has it and each of them
    /// says so: a sample without a value may have been the one.
    mutating func judgeAlerts(
        of field: FieldPlan, bytes: [UInt8], start: Int, length: Int, _ moment: Moment, _ sink: inout RecordBuffer
    ) {
        let first = values[place(field.index, moment)]
        if let gate = gate(of: field, bytes: bytes, start: start, length: length, moment), !gate.validity.carriesValue {
            return
        }
        for alert in field.alerts {
            var holds = first.passes(alert.test, bytes: bytes)
            for position in 1..<max(1, field.samples ?? field.wholeSamples(in: length)) where holds != true {
                let next = RawValue(
                    sample: position, of: field, bytes: bytes, start: start, length: length, message: message,
                    time: moment.time
                ).passes(alert.test, bytes: bytes)
                // One that is not known leaves it open.
                if next != false { holds = next }
            }
            if let holds { change(alert, holds: holds, moment, sink: &sink) }
        }
    }
}
