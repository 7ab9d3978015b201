import DeviceModel
import DevicePlans

/// Registers: most are plain numbers, and are judged as they are read.
extension ValueJudge {
    /// Takes the values of a read out of its registers and judges them.
    mutating func read(
        _ block: ModbusBlock, bytes: [UInt8], start: Int, length: Int, captures: CaptureTable, _ moment: Moment,
        sink: inout RecordBuffer
    ) {
        guard !withholds, heartbeats.isEmpty || !mayBeFrozen(moment) else {
            return read(
                block.fields, bytes: bytes, start: start, length: length, captures: captures, moment, sink: &sink)
        }
        // What others may depend on first.
        for turn in block.turns {
            guard case .field(let place) = turn else { continue }
            take(block.fields[place], bytes: bytes, start: start, length: length, captures: captures, moment)
        }
        settle(block.fields, bytes: bytes, start: start, length: length, moment)
        for turn in block.turns {
            switch turn {
            case .plain(let run): Self.read(block.plain, run, bytes, start, length, moment, &sink)
            case .field(let place):
                judge(block.fields[place], bytes: bytes, start: start, length: length, moment, sink: &sink)
            }
        }
    }

    /// Reads and judges a run of plain numbers.
    private static func read(
        _ registers: [PlainRegister], _ run: Range<Int>, _ bytes: [UInt8], _ start: Int, _ length: Int,
        _ moment: Moment, _ sink: inout RecordBuffer
    ) {
        let (time, offset) = (moment.time, moment.offset)
        for place in run {
            let byte = registers[place].byte
            let count = registers[place].count
            // A reply that is too short has nothing for it.
            guard byte + 2 * count <= length else {
                let isFloat = if case .float = registers[place].reading { true } else { false }
                sink.take(
                    number: isFloat ? 0 : registers[place].offset, of: registers[place].stream, .notAvailable, .absent,
                    time: time, frameOffset: offset)
                continue
            }
            var raw = UInt64(bytes[start + byte]) << 8 | UInt64(bytes[start + byte + 1])
            if count > 1 {
                for register in 1..<count {
                    let next = start + byte + 2 * register
                    let word = UInt64(bytes[next]) << 8 | UInt64(bytes[next + 1])
                    raw = registers[place].isLowWordFirst ? raw | word << UInt64(16 * register) : raw << 16 | word
                }
            }
            let (bits, validity, reason) = judged(registers[place], raw)
            sink.take(number: bits, of: registers[place].stream, validity, reason, time: time, frameOffset: offset)
        }
    }

    @inline(__always)
    private static func judged(_ plain: borrowing PlainRegister, _ raw: UInt64) -> (bits: Int64, Validity, Reason) {
        let bits: Int64
        let quantity: Double
        switch plain.reading {
        case .float:
            bits = Int64(bitPattern: raw)
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: raw))
            guard float.isFinite else { return (bits, .invalid, .notANumber) }
            quantity = Double(float)
        case .signed, .unsigned:
            let shift = Int64(64 - 16 * plain.count)
            let isSigned = if case .signed = plain.reading { true } else { false }
            let number = isSigned ? Int64(bitPattern: raw << UInt64(shift)) >> shift : Int64(bitPattern: raw)
            let (sum, isTooLarge) = number.addingReportingOverflow(plain.offset)
            for place in plain.sentinels.indices where plain.sentinels[place].number == number {
                return (isTooLarge ? number : sum, plain.sentinels[place].validity, .sentinel)
            }
            if isTooLarge { return (number, .invalid, .implausible) }
            bits = sum
            quantity = Double(sum)
        }
        if !plain.absolute.contains(quantity) { return (bits, .invalid, .implausible) }
        return plain.plausible.contains(quantity) ? (bits, .valid, .none) : (bits, .questionable, .implausible)
    }
}
