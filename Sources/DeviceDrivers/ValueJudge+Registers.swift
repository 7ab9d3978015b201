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
        for place in block.plain.indices where block.plain[place] == nil {
            take(block.fields[place], bytes: bytes, start: start, length: length, captures: captures, moment)
        }
        settle(block.fields, bytes: bytes, start: start, length: length, moment)
        for place in block.plain.indices {
            if let plain = block.plain[place] {
                let isThere = plain.byte + 2 * plain.count <= length
                sink.take(
                    isThere ? Self.sample(plain, bytes, start + plain.byte, moment) : Self.absent(plain, moment),
                    frameOffset: moment.offset)
            } else {
                judge(block.fields[place], bytes: bytes, start: start, length: length, moment, sink: &sink)
            }
        }
    }

    /// A reply that is too short has nothing for it.
    private static func absent(_ plain: PlainRegister, _ moment: Moment) -> SampleRecord {
        SampleRecord(
            kind: .sample, index: plain.stream, monotonicNanoseconds: moment.time,
            bits: plain.reading == .float ? 0 : plain.offset, validity: .notAvailable,
            reason: .absent)
    }

    private static func sample(_ plain: PlainRegister, _ bytes: [UInt8], _ start: Int, _ moment: Moment) -> SampleRecord
    {
        var raw: UInt64 = 0
        for register in 0..<plain.count {
            let place = start + 2 * (plain.isLowWordFirst ? plain.count - 1 - register : register)
            raw = raw << 16 | UInt64(bytes[place]) << 8 | UInt64(bytes[place + 1])
        }
        var record = SampleRecord(kind: .sample, index: plain.stream, monotonicNanoseconds: moment.time)
        let quantity: Double
        switch plain.reading {
        case .float:
            record.bits = Int64(bitPattern: raw)
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: raw))
            guard float.isFinite else { return record.judged(.invalid, .notANumber) }
            quantity = Double(float)
        case .signed, .unsigned:
            let shift = UInt64(64 - 16 * plain.count)
            let number =
                plain.reading == .signed ? Int64(bitPattern: raw << shift) >> Int64(shift) : Int64(bitPattern: raw)
            let (sum, isTooLarge) = number.addingReportingOverflow(plain.offset)
            record.bits = isTooLarge ? number : sum
            for place in 0..<plain.sentinelCount where plain.sentinels[place].number == number {
                return record.judged(plain.sentinels[place].validity, .sentinel)
            }
            if isTooLarge { return record.judged(.invalid, .implausible) }
            quantity = Double(sum)
        }
        if !plain.absolute.contains(quantity) { return record.judged(.invalid, .implausible) }
        return plain.plausible.contains(quantity) ? record : record.judged(.questionable, .implausible)
    }
}

extension SampleRecord {
    fileprivate func judged(_ validity: Validity, _ reason: Reason) -> SampleRecord {
        var record = self
        (record.validity, record.reason) = (validity, reason)
        return record
    }
}
