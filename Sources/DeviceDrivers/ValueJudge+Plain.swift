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
        let end = min(start + length, bytes.count)
        let all = bytes.span.extracting(min(start, end)..<end)
        if list.isPlain { return readPlain(list, all, moment, sink: &sink) }
        // What others may depend on first: here, in a later message, or because it must move.
        let isTakenFirst = !list.isIndependent || gateDepth > 0 || !heartbeats.isEmpty
        if isTakenFirst {
            for field in list.others {
                take(field, bytes: bytes, start: start, length: length, captures: captures, moment)
            }
            if gateDepth > 0 { settle(list.others, bytes: bytes, start: start, length: length, moment) }
        }
        for place in list.turns.indices {
            switch list.turns[place] {
            case .field(let place):
                let field = list.fields[place]
                if !isTakenFirst {
                    take(field, bytes: bytes, start: start, length: length, captures: captures, moment)
                }
                judge(field, bytes: bytes, start: start, length: length, moment, sink: &sink)
            case .numbers(let run) where withholds:
                // Another device has just said who it is.
                for place in run {
                    let field = list.fields[list.fieldOfNumber[place]]
                    take(field, bytes: bytes, start: start, length: length, captures: captures, moment)
                    judge(field, bytes: bytes, start: start, length: length, moment, sink: &sink)
                }
            case .numbers(let run): sink.take(run, of: list.numbers, list.sentinels, list.gates, all, moment)
            case .switches(let run): change(list, run, all, moment, &sink)
            }
        }
    }

    /// Whether a list may be read with nothing looked up: all of it is plain, and nothing is withheld.
    func readsPlainly(_ list: FieldList, _ moment: Moment) -> Bool {
        list.isPlain && !withholds && (heartbeats.isEmpty || !mayBeFrozen(moment))
    }

    /// Takes the values of a list that is read plainly, see ``readsPlainly(_:_:)``, out of all its bytes.
    mutating func readPlain(_ list: FieldList, _ bytes: Span<UInt8>, _ moment: Moment, sink: inout RecordBuffer) {
        for place in list.turns.indices {
            switch list.turns[place] {
            case .field: continue
            case .numbers(let run): sink.take(run, of: list.numbers, list.sentinels, list.gates, bytes, moment)
            case .switches(let run): change(list, run, bytes, moment, &sink)
            }
        }
    }

    /// Lets a run of bits and codes raise and end their alerts.
    private mutating func change(
        _ list: FieldList, _ run: Range<Int>, _ bytes: Span<UInt8>, _ moment: Moment, _ sink: inout RecordBuffer
    ) {
        for place in run {
            // What is not there says nothing.
            guard let holds = list.switches[place].holds(in: bytes) else { continue }
            change(list.switches[place].alert, holds: holds, moment, sink: &sink)
        }
    }
}

extension PlainNumber {
    /// The number as it is recorded, and how far it counts.
    ///
    /// - Parameters:
    ///   - bytes: all that is read.
    ///   - sentinels: the list's ``FieldList/sentinels``.
    ///   - gates: the list's ``FieldList/gates``.
    @inline(__always) func judged(
        _ bytes: Span<UInt8>, _ sentinels: Span<Sentinel>, _ gates: Span<Gate>
    ) -> (bits: Int64, validity: Validity, reason: Reason) {
        guard source.isWithin(bytes.count) else {
            // A reply that is too short has nothing for it.
            if case .float = reading { return (0, .notAvailable, .absent) }
            return (offset, .notAvailable, .absent)
        }
        let raw = source.bits(bytes)
        var (bits, validity, reason) = (Int64(bitPattern: raw), Validity.valid, Reason.none)
        if case .float = reading {
            let float = Double(Float(bitPattern: UInt32(truncatingIfNeeded: raw)))
            if !float.isFinite {
                (validity, reason) = (.invalid, .notANumber)
            } else if !absolute.contains(float) {
                (validity, reason) = (.invalid, .implausible)
            } else if !plausible.contains(float) {
                (validity, reason) = (.questionable, .implausible)
            }
        } else {
            if case .signed = reading { bits = source.signed(raw) }
            let number = bits
            let (sum, isTooLarge) = number.addingReportingOverflow(offset)
            if !isTooLarge { bits = sum }
            var sentinel = Int(self.sentinels.first)
            while sentinel < Int(self.sentinels.end) {
                if sentinels[sentinel].number == number {
                    // What says that there is none stays so, whatever stands beside it.
                    return isTooLarge
                        ? (bits, .invalid, .implausible) : (bits, sentinels[sentinel].validity, .sentinel)
                }
                sentinel += 1
            }
            if isTooLarge || !absolute.contains(bits) {
                (validity, reason) = (.invalid, .implausible)
            } else if !plausible.contains(bits) {
                (validity, reason) = (.questionable, .implausible)
            }
        }
        // What cannot be stays so.
        if !self.gates.isEmpty, let gate = gate(gates, bytes), !gate.validity.carriesValue || validity == .valid {
            (validity, reason) = gate
        }
        return (bits, validity, reason)
    }

    /// What the first gate that holds makes of the value, or one that what is read is too short for; `nil` where there
    /// is none.
    private func gate(_ all: Span<Gate>, _ bytes: Span<UInt8>) -> (validity: Validity, reason: Reason)? {
        var place = Int(gates.first)
        if asksFirst {
            guard all[place].check.isWithin(bytes.count) else { return (.invalid, .unknownStatus) }
            if !all[place].check.holds(in: bytes) { return nil }
            place += 1
        }
        while place < Int(gates.end) {
            guard all[place].check.isWithin(bytes.count) else { return (.invalid, .unknownStatus) }
            if all[place].check.holds(in: bytes) { return (all[place].validity, .deviceStatus) }
            place += 1
        }
        return nil
    }
}
