import DeviceModel
import DevicePlans
import ProfileLanguage

/// Records of a message: what each says.
extension SerialDecoder {
    /// How often the records of a message are gone through.
    private enum RecordPass: Equatable {
        /// What is judged by others of the same message is taken first.
        case take
        /// Then the states are settled that others decide about, one depth after the other.
        case settle(depth: Int)
        /// Who the device is comes before what it says, wherever in the message it stands.
        case identify
        case judge
    }

    /// Reads the records of a message: all are taken before any is judged, because how far one counts may depend on
    /// another.
    mutating func readRecords(
        _ plan: RecordPlan, _ bytes: [UInt8], _ range: Range<Int>, _ moment: Moment, sink: inout RecordBuffer
    ) {
        for index in plan.keyed.indices {
            seenKeys[index] = 0
            if plan.slotCapture == nil { judge.takeNothing(plan.keyed[index].field, moment) }
        }
        readRecords(plan, bytes, range, .take, moment, sink: &sink)
        var depth = 1
        while depth <= judge.gateDepth {
            readRecords(plan, bytes, range, .settle(depth: depth), moment, sink: &sink)
            depth += 1
        }
        if plan.hasIdentity { readRecords(plan, bytes, range, .identify, moment, sink: &sink) }
        readRecords(plan, bytes, range, .judge, moment, sink: &sink)
        guard plan.slotCapture == nil else { return }
        let tells = tellsWhatThereIs(plan, bytes, range)
        // A curve that is not in this message may be in the next one.
        for index in plan.keyed.indices where seenKeys[index] == 0 && !plan.keyed[index].field.isCurve {
            // Nor does an attribute that is not there say that what it told before has ended.
            if tells, plan.keyed[index].attribute == nil {
                judge.absent(plan.keyed[index].field, moment, sink: &sink)
            } else {
                judge.miss(plan.keyed[index].field, .notAvailable, .absent, moment, sink: &sink)
            }
        }
    }

    /// Whether a record that is not in the message is not there: where records stand in attributes, only if one that
    /// holds records is.
    private func tellsWhatThereIs(_ plan: RecordPlan, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard let binary = plan.binary, !binary.attributes.isEmpty else { return true }
        let walk = RecordWalk(records: binary, bytes: bytes)
        let ranges = gathered.isWhole ? gathered.ranges : nil
        var tells = false
        for place in 0..<(ranges?.count ?? 1) where !tells {
            walk.forEachAttribute(ranges?[place] ?? range) { number, _ in
                if binary.attributes[number] != nil { tells = true }
            }
        }
        return tells
    }

    private mutating func readRecords(
        _ plan: RecordPlan, _ bytes: [UInt8], _ range: Range<Int>, _ pass: RecordPass, _ moment: Moment,
        sink: inout RecordBuffer
    ) {
        if let binary = plan.binary {
            let walk = RecordWalk(records: binary, bytes: bytes)
            let ranges = gathered.isWhole ? gathered.ranges : nil
            for place in 0..<(ranges?.count ?? 1) {
                let range = ranges?[place] ?? range
                _ = walk.forEach(range) { readRecord(plan, walk, $0, pass, moment, sink: &sink) }
                guard plan.hasAttributes else { continue }
                walk.forEachAttribute(range) { number, value in
                    for index in plan.keyed.indices where plan.keyed[index].attribute == number {
                        readKeyed(index, plan, bytes, value, pass, moment, sink: &sink)
                    }
                }
            }
            return
        }
        var place = range.lowerBound
        var isOver = false
        while true {
            let part: Range<Int>
            switch plan.division {
            case .binary: return
            case .stride(let stride):
                guard place < range.upperBound else { return }
                part = place..<min(range.upperBound, place + stride)
                place += stride
                if part.count < stride, pass == .judge { counters.malformed += 1 }
            case .separator(let separator):
                guard let next = CaptureTable.nextItem(separator, bytes, &place, range.upperBound, &isOver) else {
                    return
                }
                part = next
            }
            if recordCaptures.match(plan.each, bytes, part) {
                readRecord(plan, bytes, part, pass, moment, sink: &sink)
            }
        }
    }

    private mutating func readRecord(
        _ plan: RecordPlan, _ bytes: [UInt8], _ part: Range<Int>, _ pass: RecordPass, _ moment: Moment,
        sink: inout RecordBuffer
    ) {
        var moment = moment
        let isJudging = pass == .judge
        if let capture = plan.slotCapture {
            guard let slot = judge.rack.slot(bytes, recordCaptures.trimmed(capture, bytes)) else {
                if isJudging { counters.unsolicited += 1 }
                return
            }
            moment.slot = slot
            if isJudging { judge.rack.see(slot: slot, moment, sink: &sink) }
        }
        let length = part.upperBound
        // What stands in every record is of that record: it is taken anew each time.
        for field in plan.fields {
            judge.take(field, bytes: bytes, start: 0, length: length, captures: recordCaptures, moment)
        }
        judge.settle(plan.fields, bytes: bytes, start: 0, length: length, moment)
        if isJudging {
            for field in plan.fields { judge.judge(field, bytes: bytes, start: 0, length: length, moment, sink: &sink) }
        }
        let key = recordCaptures.trimmed(plan.keyCapture, bytes)
        for index in plan.keyed.indices where CaptureTable.isText(plan.keyed[index].key, bytes, key) {
            seenKeys[index] = 1
            let field = plan.keyed[index].field
            if case .settle(let depth) = pass {
                if field.gateDepth == depth { judge.settle(field, bytes: bytes, start: 0, length: length, moment) }
                continue
            }
            judge.take(field, bytes: bytes, start: 0, length: length, captures: recordCaptures, moment)
            if isJudging && !field.isIdentity || pass == .identify && field.isIdentity {
                if field.gateDepth > 0 { judge.settle(field, bytes: bytes, start: 0, length: length, moment) }
                judge.judge(field, bytes: bytes, start: 0, length: length, moment, sink: &sink)
            }
        }
    }

    /// Reads one binary record.
    private mutating func readRecord(
        _ plan: RecordPlan, _ walk: RecordWalk, _ place: RecordWalk.Place, _ pass: RecordPass, _ moment: Moment,
        sink: inout RecordBuffer
    ) {
        let (bytes, start, length) = (walk.bytes, place.record.lowerBound, place.record.count)
        // What stands in every record, or beside it, is of that record: it is taken anew each time.
        for field in plan.fields {
            judge.take(field, bytes: bytes, start: start, length: length, captures: recordCaptures, moment)
        }
        for beside in plan.beside {
            let value = walk.value(of: beside.attribute, in: place.attributes) ?? 0..<0
            judge.take(
                beside.field, bytes: bytes, start: value.lowerBound, length: value.count, captures: recordCaptures,
                moment)
        }
        judge.settle(plan.fields, bytes: bytes, start: start, length: length, moment)
        if judge.gateDepth > 0 {
            for beside in plan.beside where beside.field.gateDepth > 0 {
                let value = walk.value(of: beside.attribute, in: place.attributes) ?? 0..<0
                judge.settle(beside.field, bytes: bytes, start: value.lowerBound, length: value.count, moment)
            }
        }
        if pass == .judge {
            for field in plan.fields {
                judge.judge(field, bytes: bytes, start: start, length: length, moment, sink: &sink)
            }
        }
        for index in plan.keyed.indices where CaptureTable.isText(plan.keyed[index].key, bytes, place.key) {
            readKeyed(index, plan, bytes, place.record, pass, moment, sink: &sink)
        }
    }

    /// Reads what stands once in a message: the record with a key, or an attribute.
    private mutating func readKeyed(
        _ index: Int, _ plan: RecordPlan, _ bytes: [UInt8], _ range: Range<Int>, _ pass: RecordPass, _ moment: Moment,
        sink: inout RecordBuffer
    ) {
        let (start, length) = (range.lowerBound, range.count)
        let field = plan.keyed[index].field
        switch pass {
        case .take:
            seenKeys[index] += seenKeys[index] < 2 ? 1 : 0
            judge.take(field, bytes: bytes, start: start, length: length, captures: recordCaptures, moment)
            // Which of two records with the same key is meant, nobody knows.
            if seenKeys[index] > 1 { judge.takeNothing(field, moment) }
        case .settle(let depth):
            if field.gateDepth == depth { judge.settle(field, bytes: bytes, start: start, length: length, moment) }
        case .identify:
            guard field.isIdentity, seenKeys[index] == 1 else { return }
            judge.judge(field, bytes: bytes, start: start, length: length, moment, sink: &sink)
        case .judge where field.isIdentity && seenKeys[index] == 1: return
        case .judge where seenKeys[index] == 1:
            judge.judge(field, bytes: bytes, start: start, length: length, moment, sink: &sink)
        case .judge:
            if seenKeys[index] == 2 { judge.miss(field, .invalid, .malformed, moment, sink: &sink) }
            seenKeys[index] = 3
            // That it is there is known all the same.
            judge.present(field, bytes: bytes, start: start, length: length, moment, sink: &sink)
        }
    }
}
