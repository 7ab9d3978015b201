import DeviceModel
import DevicePlans
import ProfileLanguage

/// Messages: which one a frame carries, and what it says.
extension SerialDecoder {
    /// Reads the message that a frame carries, when it is one that is known and expected.
    mutating func takeMessage(
        _ frame: Int, _ bytes: [UInt8], length: Int, payload: Range<Int>, _ moment: Moment, sink: inout RecordBuffer
    ) {
        let carried = plan.messagesOfFrame[frame]
        guard !carried.isEmpty else { return }
        for index in carried {
            guard isExpected(index) else { continue }
            if takePart(of: index, bytes, length: length, payload: payload) { return }
            guard fits(plan.messages[index], bytes, length: length, payload: payload) else { continue }
            guard isComplete(index, bytes, payload: payload) else {
                counters.malformed += 1
                damage = .malformed
                return gathered.clear()
            }
            read(index, bytes, length: length, payload: payload, moment, sink: &sink)
            gathered.clear()
            if case .reply(let request) = awaiting,
                plan.requests[request].reply == index || plan.requests[request].refusal == index
            {
                answered = request
                isRefused = plan.requests[request].refusal == index
                // A second copy answers nothing.
                awaiting = .nothing
            }
            if case .anything = awaiting { answered = plan.requests.firstIndex { $0.reply == index } }
            return answer(.message(index))
        }
        for index in carried where !isExpected(index) {
            guard fits(plan.messages[index], bytes, length: length, payload: payload) else { continue }
            counters.unsolicited += 1
            if unasked.count < Self.mostUnasked { unasked.append(index) }
            if isNoting() {
                notes.append(DecoderNote(offset: moment.offset, text: "“\(plan.messages[index].name)” is not awaited"))
            }
            return
        }
        if isLatePart(frame, bytes, length: length) { return }
        // Read already, as part of a packet or by fields of its own: it is no message, and no stranger's.
        if plan.packet?.frame == frame || !plan.frameFields[frame].fields.isEmpty { return }
        if isNoting() {
            notes.append(
                DecoderNote(offset: moment.offset, text: explain(frame, bytes, length: length, payload: payload)))
        }
        // It is the message by its name, but not as it should be.
        guard
            let named = carried.first(where: {
                isExpected($0) && (begins($0, bytes, payload) || isBroken($0, bytes, length: length, payload))
            })
        else {
            // Nor is it a stranger's where it is what another question asks for.
            if carried.contains(where: { isBroken($0, bytes, length: length, payload) }) {
                counters.malformed += 1
            } else {
                counters.unsolicited += 1
            }
            return
        }
        counters.malformed += 1
        damage = .malformed
        gathered.breakOff()
        if !plan.messages[named].isReply || awaiting == .anything {
            miss(plan.messages[named], .invalid, .malformed, time: moment.time, offset: moment.offset, sink: &sink)
        }
    }

    /// Why a whole frame is none of the messages.
    private mutating func explain(_ frame: Int, _ bytes: [UInt8], length: Int, payload: Range<Int>) -> String {
        var why: [String] = []
        for index in plan.messagesOfFrame[frame] {
            let message = plan.messages[index]
            if !isExpected(index) {
                why.append("“\(message.name)” is not awaited")
            } else if let lengths = message.length, !lengths.contains(length) {
                let wanted =
                    lengths.count == 1 ? "\(lengths.lowerBound)" : "\(lengths.lowerBound) to \(lengths.upperBound)"
                why.append("“\(message.name)” has \(wanted) bytes")
            } else if let test = message.when.first(where: { !$0.holds(in: bytes, from: 0, length: length) }) {
                let place = test.bytes.lowerBound
                let found = place < length ? "0x" + VectorFile.hexText([bytes[place]]) : "not there"
                why.append("“\(message.name)” has another byte \(place) than \(found)")
            } else if message.records?.binary != nil {
                why.append("a list or a record of “\(message.name)” does not end where it says")
            } else if let text = message.text, let unfit = captures.mismatch(text, bytes, payload) {
                why.append("the text is not that of “\(message.name)”: \(unfit)")
            } else {
                why.append("the text is not that of “\(message.name)”")
            }
        }
        return
            "a whole frame “\(plan.frames[frame].format.name)” of \(length) bytes fits no message: "
            + "\(why.prefix(4).joined(separator: ", "))"
    }

    private func isExpected(_ message: Int) -> Bool {
        if !plan.messages[message].isReply { return true }
        switch awaiting {
        case .nothing: return false
        case .anything: return true
        case .reply(let request):
            return plan.requests[request].reply == message || plan.requests[request].refusal == message
        }
    }

    private func begins(_ message: Int, _ bytes: [UInt8], _ payload: Range<Int>) -> Bool {
        guard plan.messages[message].when.isEmpty, let text = plan.messages[message].text else { return false }
        return CaptureTable.begins(text, bytes, payload)
    }

    /// Whether it is the message by its bytes and its length, but a list or a record of it does not end where it says.
    private func isBroken(_ message: Int, _ bytes: [UInt8], length: Int, _ payload: Range<Int>) -> Bool {
        let message = plan.messages[message]
        guard let records = message.records, let binary = records.binary, isNamed(message, bytes, length: length)
        else { return false }
        return !RecordWalk(records: binary, bytes: bytes).forEach(records.region(payload)) { _ in }
    }

    private func isNamed(_ message: MessagePlan, _ bytes: [UInt8], length: Int) -> Bool {
        if let lengths = message.length, !lengths.contains(length) { return false }
        if !message.isWhen.isEmpty {
            let frame = bytes.span.extracting(0..<length)
            for test in message.isWhen where !test.holds(in: frame) { return false }
        }
        return true
    }

    private mutating func fits(_ message: MessagePlan, _ bytes: [UInt8], length: Int, payload: Range<Int>) -> Bool {
        guard isNamed(message, bytes, length: length) else { return false }
        if let records = message.records, let binary = records.binary {
            return RecordWalk(records: binary, bytes: bytes).forEach(records.region(payload)) { _ in }
        }
        guard let text = message.text else { return true }
        return captures.match(text, bytes, payload)
    }

    private mutating func read(
        _ index: Int, _ bytes: [UInt8], length: Int, payload: Range<Int>, _ moment: Moment, sink: inout RecordBuffer
    ) {
        let message = plan.messages[index]
        var moment = moment
        if message.isEpisodic {
            // A result that is told again is the same result.
            let print =
                gathered.isWhole
                ? Self.fingerprint(gathered.bytes, gathered.bytes.count) : Self.fingerprint(bytes, length)
            moment.isOfBefore = isFirstEpisode[index]
            isFirstEpisode[index] = false
            if lastEpisode[index] == print { return }
            lastEpisode[index] = print
        }
        if let slot = message.fixedSlot { moment.slot = slot }
        if let capture = message.slotCapture {
            guard let slot = judge.rack.slot(bytes, captures.trimmed(capture, bytes)) else {
                counters.unsolicited += 1
                return
            }
            moment.slot = slot
        }
        if message.fixedSlot != nil || message.slotCapture != nil {
            judge.rack.see(slot: moment.slot, moment, sink: &sink)
        }
        guard let records = message.records else {
            return judge.read(
                message.list, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &sink)
        }
        let region = message.recordsCapture.map { captures.range($0) } ?? records.region(payload)
        // A record that says who the device is comes before all other values of the message.
        if records.hasIdentity {
            for field in message.fields {
                judge.take(field, bytes: bytes, start: 0, length: length, captures: captures, moment)
            }
            judge.settle(message.fields, bytes: bytes, start: 0, length: length, moment)
            readRecords(records, gathered.isWhole ? gathered.bytes : bytes, region, moment, sink: &sink)
        }
        judge.read(message.list, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &sink)
        if !records.hasIdentity {
            readRecords(records, gathered.isWhole ? gathered.bytes : bytes, region, moment, sink: &sink)
        }
    }

    /// FNV-1a of a message.
    private static func fingerprint(_ bytes: [UInt8], _ length: Int) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for place in 0..<length { hash = (hash ^ UInt64(bytes[place])) &* 0x100_0000_01B3 }
        return hash
    }
}
