import DeviceModel
import Nomenclature
import ProfileLanguage

/// Frames, messages, requests and the session of a serial device.
extension PlanCompiler {
    func serialPlan() -> SerialPlan {
        var messages: [MessagePlan] = []
        var origin: [(message: Int, slot: Int?)] = []
        // One reply for all, or one for each slot.
        var replies: [Int: [Int]] = [:]
        for (index, message) in profile.messages.enumerated() {
            let isForEach = profile.requests.contains { ($0.reply == index || $0.refusal == index) && $0.forEachSlot }
            let fixed: [Int?] = isForEach ? slots.indices.map { $0 } : [nil]
            replies[index] = fixed.indices.map { messages.count + $0 }
            messages += fixed.map { self.message(message, slot: $0) }
            origin += fixed.map { (index, $0) }
        }
        var requests: [RequestPlan] = []
        var spoken: [Int: [Int]] = [:]
        for (index, request) in profile.requests.enumerated() {
            let fixed: [Int?] = request.forEachSlot ? slots.indices.map { $0 } : [nil]
            spoken[index] = fixed.indices.map { requests.count + $0 }
            for (position, slot) in fixed.enumerated() {
                func message(_ index: Int?) -> Int? {
                    index.flatMap { replies[$0]?[request.forEachSlot ? position : 0] }
                }
                requests.append(
                    self.request(request, slot: slot, reply: message(request.reply), refusal: message(request.refusal)))
            }
        }
        requests += steps(replies)
        let likeness = Likeness(profile, origin: origin, slots: slots, requests: requests)
        let frameFields = profile.frames.map { frame in FieldList(fieldPlans(scope: frame.name, frameLength: 0)) }
        let unasked = profile.metrics.filter { !$0.isEpisodic && profile.requests(reading: $0.field).isEmpty }
        let answers = profile.session.answers.flatMap { answer -> [SessionDescription.Answer] in
            guard case .message(let message) = answer.to else { return [answer] }
            return (replies[message] ?? []).map {
                SessionDescription.Answer(to: .message($0), send: answer.send, frame: answer.frame)
            }
        }
        return SerialPlan(
            frames: profile.frames.map { FramePlan($0) }, interleaved: interleaved(), frameFields: frameFields,
            packet: packet(),
            messages: messages,
            messagesOfFrame: profile.frames.indices.map { frame in
                messages.indices.filter { messages[$0].frame == frame }
            }, requests: requests,
            compiled: commands(requests, messages: messages, likeness: likeness), likeness: likeness,
            open: profile.session.open.flatMap { spoken[$0] ?? [] },
            close: profile.session.close.flatMap { spoken[$0] ?? [] }, answers: answers,
            remembered: remembered.sorted().compactMap { name in
                // What is no text is remembered for commands only, and never said.
                field(name)?.type.isWritten == true ? fieldIndex[name].map { (name, $0) } : nil
            },
            barred: profile.wirePatterns + barred,
            streamPeriod: unasked.map(period).max(),
            listens: frameFields.contains { !$0.fields.isEmpty } || profile.packet != nil
                || messages.contains { !$0.isReply }
                || !answers.isEmpty)
    }

    /// The frames that the device sends, by the bytes that they are made of.
    private func interleaved() -> [[Int]] {
        var groups: [(test: ByteTest?, frames: [Int])] = []
        for (index, frame) in profile.frames.enumerated() where !frame.isFromHost {
            if let group = groups.firstIndex(where: { $0.test == frame.bytesWith }) {
                groups[group].frames.append(index)
            } else {
                groups.append((frame.bytesWith, [index]))
            }
        }
        return groups.map(\.frames)
    }

    private func packet() -> PacketPlan? {
        guard let packet = profile.packet, let frame = profile.frameIndex(packet.of),
            case .fixed(let length) = profile.frames[frame].length
        else { return nil }
        return PacketPlan(
            frame: frame, frameLength: length, count: packet.count, firstWhen: packet.firstWhen,
            list: FieldList(fieldPlans(scope: packet.name, frameLength: length)))
    }

    /// The binary fields of a frame, packet or message.
    private func fieldPlans(scope: String, frameLength: Int) -> [FieldPlan] {
        profile.fields.compactMap { field in
            guard case .slices(scope, let slices, let count, let stride) = field.place else { return nil }
            let bits = slices.map {
                BitSlice(byte: $0.frame * frameLength + $0.byte, low: UInt8($0.low), width: UInt8($0.width))
            }
            let width = bits.reduce(0) { $0 + Int($1.width) }
            return fieldPlan(
                field, .bits(bits, count: count, stride: stride), reading(field.type, width: width),
                gateOffset: (slices.first?.frame ?? 0) * frameLength)
        }
    }

    private func message(_ message: MessageDescription, slot: Int?) -> MessagePlan {
        let template = slot.map { message.filling("slot", with: slots[$0]).template } ?? message.template
        let holes = template?.holes ?? []
        let fields = fieldPlans(scope: message.name, frameLength: 0) + captured(holes)
        return MessagePlan(
            name: message.name, frame: message.frame, when: message.when, length: message.length,
            text: template.map { TextPlan($0) },
            recordsCapture: holes.firstIndex(of: "repeat"),
            records: message.records.map { records($0, of: message, slot: slot) }, parts: message.parts,
            slotCapture: holes.firstIndex(of: "slot"), fixedSlot: slot, list: FieldList(fields),
            isReply: message.isReply,
            isEpisodic: isEpisodic(message), isRepeated: isEpisodic(message) && isRepeated(message))
    }

    private func metrics(of message: MessageDescription) -> [MetricDescription] {
        profile.metrics.filter { profile.holds(message, field: $0.field) }
    }

    private func isEpisodic(_ message: MessageDescription) -> Bool {
        let metrics = metrics(of: message)
        return !metrics.isEmpty && metrics.allSatisfy { $0.isEpisodic && $0.mark == nil }
    }

    /// It is asked for, or said, again and again.
    private func isRepeated(_ message: MessageDescription) -> Bool {
        let isAsked = profile.requests.contains { request in
            request.period != nil && request.reply.map { profile.messages[$0].name } == message.name
        }
        return isAsked || metrics(of: message).contains { $0.period != nil }
    }

    private func captured(_ holes: [String]) -> [FieldPlan] {
        holes.enumerated().compactMap { capture, name in
            guard let field = field(name), case .hole = field.place else { return nil }
            return fieldPlan(field, .capture(capture), reading(field.type, width: 0))
        }
    }

    private func records(_ records: MessageDescription.Records, of message: MessageDescription, slot: Int?)
        -> RecordPlan
    {
        if case .binary = records.division { return binaryRecords(records, of: message) }
        let each = slot.map { records.each.filling("slot", with: slots[$0]) } ?? records.each
        let holes = each.holes
        let value = holes.firstIndex(of: "value")
        return RecordPlan(
            division: records.division, each: TextPlan(each), keyCapture: holes.firstIndex(of: "key") ?? 0,
            valueCapture: value,
            slotCapture: holes.firstIndex(of: "slot"),
            keyed: profile.fields.compactMap { field in
                guard case .keyed(message.name, let key) = field.place else { return nil }
                return RecordPlan.Keyed(
                    key: Array(key.utf8),
                    field: fieldPlan(
                        field, .capture(value ?? holes.firstIndex(of: "key") ?? 0), reading(field.type, width: 0)))
            }, fields: captured(holes))
    }

    private func binaryRecords(_ records: MessageDescription.Records, of message: MessageDescription) -> RecordPlan {
        var keyed: [RecordPlan.Keyed] = []
        var each: [FieldPlan] = []
        var beside: [(UInt16, FieldPlan)] = []
        for field in profile.fields {
            if case .attribute(message.name, let number, let slices) = field.place {
                let bits = slices.map { BitSlice(byte: $0.byte, low: UInt8($0.low), width: UInt8($0.width)) }
                let plan = fieldPlan(field, .bits(bits, count: 1, stride: 1), reading(field.type, width: field.width))
                keyed.append(RecordPlan.Keyed(key: [], attribute: number, field: plan))
            }
            guard case .record(message.name, let key, let attribute, let slices, let samples) = field.place else {
                continue
            }
            let bits = slices.map { BitSlice(byte: $0.byte, low: UInt8($0.low), width: UInt8($0.width)) }
            let plan = fieldPlan(
                field, .bits(bits, count: samples.map(\.count) ?? 1, stride: samples?.stride ?? 1),
                reading(field.type, width: field.width))
            if let key {
                keyed.append(RecordPlan.Keyed(key: key, field: plan))
            } else if let attribute {
                beside.append((attribute, plan))
            } else {
                each.append(plan)
            }
        }
        return RecordPlan(
            division: records.division, each: TextPlan(records.each), keyCapture: 0, valueCapture: nil,
            slotCapture: nil, keyed: keyed, fields: each, beside: beside)
    }

    private func request(_ request: RequestDescription, slot: Int?, reply: Int?, refusal: Int?) -> RequestPlan {
        func filled(_ send: SendTemplate) -> SendTemplate {
            slot.map { send.filling("slot", with: Array(slots[$0].utf8)) } ?? send
        }
        return RequestPlan(
            name: slot.map { "\(request.name)-\(slots[$0])" } ?? request.name,
            prelude: request.prelude.map {
                RequestDescription.Prelude(send: filled($0.send), frame: $0.frame, pause: $0.pause)
            },
            send: filled(request.send), frame: request.frame, reply: reply, refusal: refusal,
            period: request.period.map { period in wantedPeriod(request) ?? period }, retries: request.retries,
            isRepeatable: request.effect != .effect, isInstruction: request.effect != .read, slot: slot)
    }

    /// A request is sent as often as the fastest of its metrics is wanted.
    private func wantedPeriod(_ request: RequestDescription) -> Int64? {
        guard let reply = request.reply else { return nil }
        return profile.metrics.compactMap { metric in
            profile.holds(profile.messages[reply], field: metric.field)
                ? overrides.period[metric.name.referenceID] : nil
        }.min()
    }
}

extension Template {
    /// The same with one value already filled in.
    func filling(_ name: String, with text: String) -> Template {
        Template(
            items: items.map { item in
                item.map { segment in if case .hole(name, _) = segment { .literal(Array(text.utf8)) } else { segment } }
            }, separator: separator, moreItems: moreItems, optionalFrom: optionalFrom)
    }
}
