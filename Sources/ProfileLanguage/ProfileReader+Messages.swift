import DeviceModel
import StrictYAML

/// Messages, requests and the session: what is said on a serial line.
extension ProfileReader {
    // MARK: Messages

    mutating func readMessages(_ map: YAMLMapping) {
        for (name, keyValue, value) in map.entries {
            if profile.frameIndex(name) != nil { keyValue.error("a frame is called “\(name)” already") }
            if let message = message(name, value, isReply: false) { add(message, as: name) }
        }
    }

    private mutating func add(_ message: MessageDescription, as name: String) {
        messageNames[name] = profile.messages.count
        profile.messages.append(message)
    }

    /// The replies of requests are messages by the request's name.
    mutating func readReplies(_ map: YAMLMapping) {
        for (name, keyValue, value) in map.entries {
            guard let entry = value.mapping("a request") else { continue }
            if messageNames[name] != nil || profile.frameIndex(name) != nil {
                keyValue.error("a frame or message is called “\(name)” already")
            }
            guard let reply = entry.required("reply"), !isNone(reply), let message = message(name, reply, isReply: true)
            else { continue }
            add(message, as: name)
            if let refusal = entry["refusal"], let message = self.message("\(name) refusal", refusal, isReply: true) {
                add(message, as: "\(name) refusal")
            }
        }
    }

    private func isNone(_ value: YAMLValue) -> Bool { value.word == "none" }

    private var usualFrame: Int? {
        profile.frames.firstIndex { !$0.isFromHost && !$0.isControl } ?? profile.frames.firstIndex { !$0.isFromHost }
    }

    /// A message, written as its text alone or as a mapping.
    mutating func message(_ name: String, _ value: YAMLValue, isReply: Bool) -> MessageDescription? {
        var message = MessageDescription()
        message.name = name
        message.isReply = isReply
        message.location = value.location
        guard let usual = usualFrame else {
            value.error("there is no frame from the device that could carry it")
            return nil
        }
        message.frame = usual
        guard value.isMapping else {
            guard let text = value.text("a message as it looks") else { return nil }
            message.template = template(text, separator: profile.frames[usual].split, value)
            checkReserved(message, value)
            return message
        }
        guard let map = value.mapping("a message") else { return nil }
        map.allow(Grammar.message)
        if let frame = map["in"] { message.frame = self.frame(named: frame) ?? usual }
        let frame = profile.frames[message.frame]
        message.when = map["when"]?.byteTests(limit: max(1, frame.longest)) ?? []
        map["when"]?.refuseDead(message.when, KnownBytes(frame), in: "“\(name)”")
        message.length = map["length"]?.span("the frame's bytes", 1...max(1, frame.longest))
        let separator = map["split"].map { $0.separator() } ?? frame.split
        if let text = map["text"], let written = text.text("the payload as it looks") {
            message.template = template(written, separator: separator, text)
        }
        message.records = map["repeat"].flatMap { records($0, longest: frame.longest) }
        let answer = message.records?.binary?.from ?? 0
        message.parts = map["parts"].flatMap { parts($0, frame, answer: answer) }
        if message.parts != nil, !isReply || message.records?.binary?.lists.isEmpty != false {
            map["parts"]?.error("“parts” belong to the answer to a request, with binary records in “lists”")
        }
        if map["when"] == nil, message.template == nil, message.records == nil,
            profile.frames.count(where: { !$0.isFromHost }) == 1, !isReply,
            map["length"] == nil
        {
            value.error("nothing tells what is in the message: it has neither “when”, nor “text”, nor “repeat”")
        }
        checkReserved(message, value)
        return message
    }

    private func parts(_ value: YAMLValue, _ frame: FrameFormat, answer: Int) -> MessageDescription.Parts? {
        let longest = frame.longest
        guard let map = value.mapping("parts of the answer") else { return nil }
        map.allow(Grammar.parts)
        guard let when = map.required("when")?.byteTests(limit: max(1, longest)), !when.isEmpty,
            let from = map.required("from")?.place("the byte where they begin", below: longest),
            let number = map.required("number")?.place("the byte that counts them", below: min(from, longest)),
            let last = map.required("last-when")?.byteTest(limit: max(1, longest))
        else { return nil }
        if let known = map["when"]?.refuseDead(when, KnownBytes(frame), in: "a part") {
            if known.verdict(last) == .all {
                map["last-when"]?.error("every part is so: nothing tells the last from the others")
            }
            map["last-when"]?.refuseDead([last], known, in: "a part")
        }
        return MessageDescription.Parts(
            when: when, length: map["length"]?.span("the frame's bytes", 1...max(1, longest)), from: from,
            number: number, lastWhen: last,
            same: map["same"].flatMap { same($0, part: min(from, longest), answer: min(answer, longest)) })
    }

    /// - Parameters:
    ///   - part: where the records of a part begin.
    ///   - answer: where those of the answer begin.
    private func same(_ value: YAMLValue, part: Int, answer: Int) -> MessageDescription.Parts.Same? {
        guard let map = value.mapping("the number of an answer") else { return nil }
        map.allow(Grammar.sameNumber)
        guard let inPart = map.required("part")?.span("bytes before the records of a part", 0...max(0, part - 1)),
            let inAnswer = map.required("answer")?.span("bytes before the records", 0...max(0, answer - 1))
        else { return nil }
        guard inPart.count == inAnswer.count, inPart.count <= MessageDescription.Parts.Same.longest else {
            value.error(
                "the number has \(inPart.count) bytes in a part and \(inAnswer.count) in the answer: it is the same "
                    + "number, of at most \(MessageDescription.Parts.Same.longest) bytes")
            return nil
        }
        return MessageDescription.Parts.Same(part: inPart, answer: inAnswer)
    }

    private func template(_ text: String, separator: Separator?, _ value: YAMLValue) -> Template? {
        do throws(Template.Fault) {
            return try Template(text, separator: separator)
        } catch {
            value.error(error.message)
            return nil
        }
    }

    private func records(_ value: YAMLValue, longest: Int) -> MessageDescription.Records? {
        guard let map = value.mapping("records") else { return nil }
        map.allow(Grammar.records)
        if map["key-at"] != nil {
            return binaryRecords(map, longest: longest).map {
                MessageDescription.Records(
                    division: .binary($0), each: Template(items: [], separator: nil, moreItems: false))
            }
        }
        for key in ["from", "lists", "attributes", "index"] {
            map[key]?.error("“\(key)” belongs to binary records, whose key stands “key-at” some of their bytes")
        }
        guard let each = map.required("each"), let text = each.text("a record as it looks"),
            let template = template(text, separator: map["split-each"].flatMap { $0.separator() }, each)
        else { return nil }
        if template.holes.count(where: { $0 == "key" }) != 1 || template.holes.count(where: { $0 == "value" }) > 1 {
            each.error("a record has one {key} by which its value is known, and at most one {value}")
        }
        switch (map["split"], map["stride"]) {
        case (let split?, nil):
            return split.separator().map { MessageDescription.Records(division: .separator($0), each: template) }
        case (nil, let stride?):
            return stride.int("the bytes of a record", Grammar.Bounds.recordBytes).map {
                MessageDescription.Records(division: .stride($0), each: template)
            }
        default:
            value.error("records are told apart either by “split” or by “stride”")
            return nil
        }
    }

    private func checkReserved(_ message: MessageDescription, _ value: YAMLValue) {
        let outside = message.template?.holes ?? []
        for name in ["key", "value"] where outside.contains(name) {
            value.error("{\(name)} stands in “each” of “repeat” only")
        }
        if outside.contains("repeat"), message.records == nil { value.error("{repeat} needs “repeat”") }
        if message.template != nil, message.records?.binary != nil {
            value.error("binary records stand in a message without “text”")
        }
        if message.holes.contains("slot"), profile.rack == nil {
            value.error("{slot} needs a virtual device with “slots” under “vmds”")
        }
        var seen: Set<String> = []
        for hole in message.holes where !seen.insert(hole).inserted {
            value.error("{\(hole)} stands twice in one message")
        }
    }

    // MARK: Requests

    mutating func readRequests(_ map: YAMLMapping) {
        for (name, _, value) in map.entries {
            guard let entry = value.mapping("a request") else { continue }
            entry.allow(Grammar.request)
            let effect = entry.required("class")?.choice("the request's class", Grammar.Words.requestClass) ?? .read
            let retries = entry["retries"]?.int("the retries", Grammar.Bounds.retries) ?? 0
            if effect == .effect, retries > 0 {
                entry["retries"]?.error("what has an effect is said once, ever; leave “retries” out")
            }
            if effect == .effect, entry["every"] != nil {
                entry["every"]?.error("what has an effect is a command, not said again and again")
            }
            let frame = sendingFrame(entry["frame"])
            guard let sendValue = entry.required("send"), let (prelude, send, frame) = sayings(sendValue, frame: frame)
            else { continue }
            if let rack = entry["for-each"], let text = rack.text("a rack's name"), profile.rack?.name != text {
                rack.error(
                    "there is no virtual device “\(text)” with “slots”",
                    suggestion: YAMLValue.suggest(text, among: profile.vmds.map(\.name)))
            }
            let isForEach = entry["for-each"] != nil
            for hole in (prelude.map(\.send) + [send]).flatMap(\.names) where hole != "slot" || !isForEach {
                _ = fieldExists(hole, sendValue)
            }
            let reply = messageNames[name]
            if reply == nil, let value = entry["reply"], !isNone(value) { continue }
            let period = entry["every"]?.duration("the period", Grammar.Bounds.period)
            profile.requests.append(
                RequestDescription(
                    name: name, prelude: prelude, send: send, frame: frame, reply: reply,
                    refusal: messageNames["\(name) refusal"], period: period,
                    effect: effect, retries: retries, forEachSlot: isForEach,
                    location: value.location))
        }
    }

    /// What is sent, perhaps in pieces with pauses between: text in the frame, `{hex: …}` in a list as it is.
    private func sayings(_ value: YAMLValue, frame: Int?) -> (
        prelude: [RequestDescription.Prelude], send: SendTemplate, frame: Int?
    )? {
        guard value.isList else { return send(value, frame: frame).map { ([], $0, frame) } }
        var pieces: [(send: SendTemplate, frame: Int?, pause: Int64)] = []
        for entry in value.list("what is sent, with pauses between") ?? [] {
            if let pause = entry.member("pause") {
                entry.mapping("a pause")?.allow(Grammar.pause)
                guard !pieces.isEmpty, let time = pause.duration("the pause", Grammar.Bounds.pause) else {
                    if pieces.isEmpty { entry.error("a pause stands between two pieces") }
                    continue
                }
                pieces[pieces.count - 1].pause = time
            } else {
                let own = entry.isMapping ? nil : frame
                guard let piece = send(entry, frame: own) else { return nil }
                pieces.append((piece, own, 0))
            }
        }
        guard let last = pieces.popLast(), last.pause == 0, pieces.allSatisfy({ $0.pause > 0 }) else {
            value.error(
                "between two pieces stands a pause, such as [{hex: 00}, {pause: 50ms}, INF]; without one they are one "
                    + "piece"
            )
            return nil
        }
        return (
            pieces.map { RequestDescription.Prelude(send: $0.send, frame: $0.frame, pause: $0.pause) }, last.send,
            last.frame
        )
    }

    /// The frame something is sent in; `nil` for none.
    func sendingFrame(_ value: YAMLValue?) -> Int? {
        guard let value else { return profile.frames.firstIndex { $0.isFromHost } ?? usualFrame }
        if isNone(value) { return nil }
        return frame(named: value)
    }

    /// What is sent, as text with holes or as bytes.
    func send(_ value: YAMLValue, frame: Int?) -> SendTemplate? {
        let template: SendTemplate
        if value.isMapping {
            guard let map = value.mapping("bytes as {hex: …}") else { return nil }
            map.allow(Grammar.binary)
            guard let hex = map.required("hex"), let text = hex.text("hexadecimal pairs") else { return nil }
            do throws(Template.Fault) {
                template = try SendTemplate(hex: text)
            } catch {
                hex.error(error.message)
                return nil
            }
        } else {
            guard let text = value.text("what is sent") else { return nil }
            do throws(Template.Fault) {
                template = try SendTemplate(text)
            } catch {
                value.error(error.message)
                return nil
            }
        }
        let size = template.bytes(.sample) { _ in [] }?.count ?? 0
        if let frame, profile.frames[frame].longest > 0,
            profile.frames[frame].overhead + size > profile.frames[frame].longest
        {
            value.error(
                "what is sent has \(size) bytes, and with all around it is longer than the frame's "
                    + "\(profile.frames[frame].longest) bytes"
            )
        }
        return template
    }

    // MARK: The session

    mutating func readSession(_ map: YAMLMapping) {
        map.allow(Grammar.session)
        if let identify = map["identify"]?.mapping("how the device is identified") {
            identify.allow(["field"])
            if let field = identify.required("field"), let name = field.text("a field's name"), fieldExists(name, field)
            {
                profile.session.identityField = name
                if profile.fields.first(where: { $0.name == name })?.givesText != true {
                    field.error("the field of the device's identity is text")
                }
            }
        }
        profile.session.open = steps(map["open"])
        profile.session.close = steps(map["close"])
        for entry in map["answers"]?.list("answers") ?? [] {
            guard let answer = entry.mapping("an answer") else { continue }
            answer.allow(Grammar.answer)
            let frame = sendingFrame(answer["frame"])
            guard let to = answer.required("to"), let trigger = trigger(to), let sendValue = answer.required("send"),
                let send = send(sendValue, frame: frame)
            else { continue }
            for hole in send.names { _ = fieldExists(hole, sendValue) }
            profile.session.answers.append(SessionDescription.Answer(to: trigger, send: send, frame: frame))
        }
        if let lost = map["control-lost-when"]?.mapping("a condition") { profile.session.controlLost = condition(lost) }
        if let silent = map["when-silent"] { profile.session.silence = silence(silent) }
    }

    private func silence(_ value: YAMLValue) -> SessionDescription.Silence? {
        guard let map = value.mapping("what the device does") else { return nil }
        map.allow(Grammar.silence)
        let after = map["after"]?.duration("how long the device waits", Grammar.Bounds.silence)
        switch map.required("does")?.choice("what the device does", Grammar.Words.silence) {
        case .stops?:
            if map["after"] == nil { value.error("say after which time it stops: “after: 60s”") }
            return after.map(SessionDescription.Silence.stops)
        case .goesOn?:
            map["after"]?.error("what goes on has no time after which it does")
            return .goesOn
        case nil: return nil
        }
    }

    /// A device that no longer obeys is an alert, where none of the profile's own says the same.
    mutating func declareControlLost(_ value: YAMLValue?) {
        guard let value, let lost = profile.session.controlLost else { return }
        let own = profile.alerts.indices.filter {
            profile.alerts[$0].field == lost.field && profile.alerts[$0].test == lost.test
        }
        for index in own { profile.alerts[index].isControlLost = true }
        guard own.isEmpty else { return }
        let row = AlertKind.controlLost.descriptor
        profile.alerts.append(
            AlertDescription(
                name: row.name, code: row.code, field: lost.field, test: lost.test, priority: .medium, text: row.text,
                arabicText: row.arabicText, location: value.location))
        profile.alerts[profile.alerts.count - 1].isControlLost = true
    }

    private func trigger(_ value: YAMLValue) -> SessionDescription.Answer.Trigger? {
        guard let name = value.text("what is answered") else { return nil }
        if name == "damage" { return .damage }
        if let frame = profile.frameIndex(name) { return .frame(frame) }
        if let message = messageNames[name] { return .message(message) }
        value.error(
            "there is no frame or message “\(name)”",
            suggestion: YAMLValue.suggest(name, among: profile.frames.map(\.name) + messageNames.keys.sorted()))
        return nil
    }

    private func steps(_ value: YAMLValue?) -> [Int] {
        (value?.list("requests") ?? []).compactMap { entry in
            guard let name = entry.text("a request's name") else { return nil }
            guard let index = profile.requests.firstIndex(where: { $0.name == name }) else {
                entry.error(
                    "there is no request “\(name)”",
                    suggestion: YAMLValue.suggest(name, among: profile.requests.map(\.name)))
                return nil
            }
            if profile.requests[index].effect == .effect {
                entry.error("what has an effect is a command, never part of opening or closing a session")
            }
            return index
        }
    }
}
