import DeviceModel
import DevicePlans

/// Most values are plain numbers, and are judged as they are read.
extension ValueJudge {
    /// Takes the values of a message, a frame, a packet or a read out of its bytes and judges them.
    ///
    /// - Parameters:
    ///   - bytes: the message's bytes, of which `start..<start + length` are there.
    ///   - captures: where the values of its template lie.
    mutating func read(
        _ list: FieldList, bytes: [UInt8], start: Int, length: Int, captures: CaptureTable, _ moment: Moment,
        sink: inout RecordBuffer
    ) {
        guard !withholds, heartbeats.isEmpty || !mayBeFrozen(moment) else {
            return read(
                list.fields, bytes: bytes, start: start, length: length, captures: captures, moment, sink: &sink)
        }
        // What others may depend on first.
        for field in list.others {
            take(field, bytes: bytes, start: start, length: length, captures: captures, moment)
        }
        if gateDepth > 0 { settle(list.others, bytes: bytes, start: start, length: length, moment) }
        for turn in list.turns {
            switch turn {
            case .field(let place):
                judge(list.fields[place], bytes: bytes, start: start, length: length, moment, sink: &sink)
            case .numbers(let run) where withholds:
                // Another device has just said who it is.
                for place in run {
                    let field = list.fields[list.fieldOfNumber[place]]
                    take(field, bytes: bytes, start: start, length: length, captures: captures, moment)
                    judge(field, bytes: bytes, start: start, length: length, moment, sink: &sink)
                }
            case .numbers(let run): Self.read(list, run, bytes, start, length, moment, &sink)
            case .switches(let run): change(list, run, bytes, start, length, moment, &sink)
            }
        }
    }

    /// Reads and judges a run of plain numbers.
    private static func read(
        _ list: FieldList, _ run: Range<Int>, _ bytes: [UInt8], _ start: Int, _ length: Int, _ moment: Moment,
        _ sink: inout RecordBuffer
    ) {
        let (time, offset) = (moment.time, moment.offset)
        let (numbers, sentinels, gates) = (list.numbers, list.sentinels, list.gates)
        for place in run {
            var (bits, validity, reason) = (Int64(0), Validity.valid, Reason.none)
            var isSentinel = false
            if !numbers[place].source.isWithin(length) {
                // A reply that is too short has nothing for it.
                (validity, reason) = (.notAvailable, .absent)
                if case .float = numbers[place].reading {} else { bits = numbers[place].offset }
                sink.take(number: bits, of: numbers[place].stream, validity, reason, time: time, frameOffset: offset)
                continue
            }
            let raw = numbers[place].source.bits(bytes, from: start)
            if case .float = numbers[place].reading {
                bits = Int64(bitPattern: raw)
                let float = Double(Float(bitPattern: UInt32(truncatingIfNeeded: raw)))
                if !float.isFinite {
                    (validity, reason) = (.invalid, .notANumber)
                } else if !numbers[place].absolute.contains(float) {
                    (validity, reason) = (.invalid, .implausible)
                } else if !numbers[place].plausible.contains(float) {
                    (validity, reason) = (.questionable, .implausible)
                }
            } else {
                var number = Int64(bitPattern: raw)
                if case .signed = numbers[place].reading { number = numbers[place].source.signed(raw) }
                let (sum, isTooLarge) = number.addingReportingOverflow(numbers[place].offset)
                bits = isTooLarge ? number : sum
                var sentinel = Int(numbers[place].sentinels.first)
                while sentinel < Int(numbers[place].sentinels.end) {
                    if sentinels[sentinel].number == number {
                        (validity, reason, isSentinel) = (sentinels[sentinel].validity, .sentinel, true)
                        break
                    }
                    sentinel += 1
                }
                if isTooLarge || !isSentinel && !numbers[place].absolute.contains(bits) {
                    (validity, reason) = (.invalid, .implausible)
                } else if !isSentinel, !numbers[place].plausible.contains(bits) {
                    (validity, reason) = (.questionable, .implausible)
                }
            }
            if !numbers[place].gates.isEmpty, !isSentinel,
                let gate = numbers[place].gate(gates, bytes, from: start, length: length),
                // What cannot be stays so.
                !gate.carriesValue || validity == .valid
            {
                (validity, reason) = (gate, .deviceStatus)
            }
            sink.take(number: bits, of: numbers[place].stream, validity, reason, time: time, frameOffset: offset)
        }
    }

    /// Lets a run of bits and codes raise and end their alerts.
    private mutating func change(
        _ list: FieldList, _ run: Range<Int>, _ bytes: [UInt8], _ start: Int, _ length: Int, _ moment: Moment,
        _ sink: inout RecordBuffer
    ) {
        for place in run {
            let plain = list.switches[place]
            // What is not there says nothing.
            guard plain.source.isWithin(length) else { continue }
            let raw = plain.source.bits(bytes, from: start)
            let number = plain.isSigned ? plain.source.signed(raw) : Int64(bitPattern: raw)
            let holds =
                switch plain.test {
                case .number(let code, let expected): (number == code) == expected
                case .bit(let bit): number >> Int64(bit) & 1 == 1
                }
            change(plain.alert, holds: holds, moment, sink: &sink)
        }
    }
}
