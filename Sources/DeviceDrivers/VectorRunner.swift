import DeviceModel
import DevicePlans
package import ProfileLanguage

/// Runs a profile's vectors with the production decoders, and then damages them.
package struct VectorRunner {
    /// What became of one vector.
    package struct Result: Sendable {
        package let vector: String
        package let kind: VectorFile.Kind
        /// Each with its place; empty when the vector passed.
        package let failures: [String]
        /// Damaged copies that were tried, and gave no wrong value.
        package let damagedCopies: Int
    }

    let profile: DeviceProfile

    package init(_ profile: DeviceProfile) { self.profile = profile }

    /// - Parameter damaging: whether damaged copies are tried as well.
    package func run(_ vector: VectorFile.Vector, damaging: Bool = true) -> Result {
        let plan = profile.compile(handle: profile.name, overrides: vector.overrides)
        var failures: [String] = []
        if let sends = vector.sends { failures += checkSending(sends, plan) }
        var damaged = 0
        if !vector.bytes.isEmpty {
            // Said and answered in one vector: only the answer to that question counts, as on a live line.
            var request: String?
            if let sends = vector.sends, case .request(let name) = sends.what,
                profile.requests.first(where: { $0.name == name })?.reply != nil
            {
                request = name
            }
            let decoder = CaptureDecoder(plan, replyTo: request, now: vector.now)
            let found = samples(decoder, vector.bytes)
            failures += compare(found, vector.expect, plan)
            let explained = decoder.explain(vector.bytes)
            if request != nil {
                switch (vector.isAnswer, explained.isAnswered) {
                case (true, false):
                    failures.append(
                        "the bytes are not taken as the answer to what is sent (write “expect: refused” where that is "
                            + "meant)"
                    )
                case (false, true):
                    failures.append(
                        "the bytes are taken as the answer to what is sent (write “expect: nothing” where it gives no "
                            + "value)"
                    )
                default: break
                }
            }
            if !failures.isEmpty { failures += explained.notes.prefix(5).map(\.description) }
            if let alerts = vector.alerts { failures += compareAlerts(decoder, vector.bytes, alerts, plan) }
            failures += encodeAgain(vector.bytes, plan)
            // A change may mend what is broken: only bytes that are read are damaged.
            if damaging, failures.isEmpty, isChecksummed(plan), !vector.expect.isEmpty {
                damaged = damage(vector.bytes, decoder, original: found, &failures)
            }
        }
        return Result(
            vector: vector.name, kind: vector.kind,
            failures: failures.map { "\(vector.location): error: \(vector.name): \($0)" },
            damagedCopies: damaged)
    }

    /// The metrics that at least one of these vectors gives a valid value for.
    package func exercised(by vectors: [VectorFile.Vector]) -> Set<String> {
        Set(
            vectors.flatMap { vector in
                vector.expect.compactMap { metric, expectation in
                    if case .missing = expectation { nil } else { metric.split(separator: "/").last.map(String.init) }
                }
            })
    }

    // MARK: Comparing

    private func checkSending(_ sends: VectorFile.Sends, _ plan: DevicePlan) -> [String] {
        guard case .request(let name) = sends.what else { return checkCommand(sends, plan) }
        guard case .serial(let serial) = plan.protocolPlan else { return ["a Modbus device is told commands only"] }
        guard let request = profile.requests.first(where: { $0.name == name }) else {
            return ["there is no request “\(name)”"]
        }
        let pieces = request.prelude.map { ($0.send, $0.frame) } + [(request.send, request.frame)]
        let bytes = pieces.map { piece in
            serial.bytes(piece.0, frame: piece.1, saying: .sample) { sends.values[$0].map { Array($0.utf8) } }
        }
        guard !bytes.contains(nil) else { return [missing(request.send)] }
        return faults(bytes.compactMap { $0 }.flatMap { $0 }, sends)
    }

    func missing(_ template: SendTemplate) -> String {
        "a value it needs is missing: \(template.names.joined(separator: ", "))"
    }

    func faults(_ sent: [UInt8], _ sends: VectorFile.Sends) -> [String] {
        sent == sends.bytes
            ? [] : ["it sends \(VectorFile.hexText(sent)), expected \(VectorFile.hexText(sends.bytes))"]
    }

    private func samples(_ decoder: CaptureDecoder, _ bytes: [UInt8]) -> [SampleRecord] {
        decoder.decode(bytes).map(\.record).filter { $0.kind == .sample }
    }

    private func compare(
        _ found: [SampleRecord], _ expected: [(metric: String, expectation: VectorFile.Expectation)], _ plan: DevicePlan
    ) -> [String] {
        var failures: [String] = []
        var told: Set<String> = []
        for stream in plan.streams {
            let long = stream.vmd.map { "\($0)/\(stream.metric)" } ?? stream.metric
            // One metric in two units is two streams.
            guard told.insert(long).inserted else { continue }
            let same = Set(
                plan.streams.indices.filter {
                    plan.streams[$0].metric == stream.metric && plan.streams[$0].vmd == stream.vmd
                })
            let records = found.filter { same.contains(Int($0.index)) }
            let expectation = (expected.first { $0.metric == long } ?? expected.first { $0.metric == stream.metric })?
                .expectation
            if let failure = compare(records, expectation, plan) { failures.append("\(long) is \(failure)") }
        }
        return failures
    }

    /// What is wrong; `nil` when the samples are those expected.
    private func compare(_ records: [SampleRecord], _ expectation: VectorFile.Expectation?, _ plan: DevicePlan)
        -> String?
    {
        let values = records.filter(\.validity.carriesValue).map { text($0, plan.streams[Int($0.index)]) }
        let wanted: [String]
        switch expectation {
        case nil: return values.isEmpty ? nil : "\(values.prefix(5).joined(separator: ", ")), expected nothing"
        case .values(let list)?: wanted = list
        case .repeated(let value, let count)?: wanted = [String](repeating: value, count: count)
        case .judged(let value, let validity, let reason, let unit)?:
            let seen = records.filter { $0.validity != .notAvailable || $0.reason != .absent }
            let fits =
                seen.count == 1 && (validity.map { seen[0].validity == $0 } ?? seen[0].validity.carriesValue)
                && (reason == nil || seen[0].reason == reason)
                && (unit == nil || plan.streams[Int(seen[0].index)].unit == unit)
            if fits, Self.equal(text(seen[0], plan.streams[Int(seen[0].index)]), value) { return nil }
            let shown = records.map { record in
                let stream = plan.streams[Int(record.index)]
                return "\(text(record, stream)) \(stream.unit ?? "") \(record.validity.word)/\(record.reason.word)"
            }
            let wanted = "\(value) \(unit ?? "") \(validity?.word ?? "")\(reason.map { "/\($0.word)" } ?? "")"
            return "\(shown.isEmpty ? "absent" : shown.joined(separator: ", ")), expected \(wanted)"
        case .missing(let validity, let reason)?:
            let fits = records.contains { $0.validity == validity && (reason == nil || $0.reason == reason) }
            let stray = values.isEmpty || validity.carriesValue
            if fits, stray { return nil }
            let seen = records.map { "\($0.validity.word)/\($0.reason.word)" }
            return
                "\(seen.isEmpty ? "absent" : seen.joined(separator: ", ")), expected "
                + "\(validity.word)\(reason.map { "/\($0.word)" } ?? "")"
        }
        let isSame = values.count == wanted.count && zip(values, wanted).allSatisfy(Self.equal)
        if isSame { return nil }
        let judgements = Set(records.map { "\($0.validity.word)/\($0.reason.word)" }).sorted().joined(separator: ", ")
        let shown =
            values.isEmpty
            ? records.isEmpty ? "absent" : "without a value (\(judgements))"
            : values.prefix(30).joined(separator: ", ")
        return "\(shown), expected \(wanted.prefix(30).joined(separator: ", "))"
    }

    private func compareAlerts(_ decoder: CaptureDecoder, _ bytes: [UInt8], _ expected: [String], _ plan: DevicePlan)
        -> [String]
    {
        var holding: Set<String> = []
        for record in decoder.decode(bytes).map(\.record) where record.kind == .alertStart || record.kind == .alertEnd {
            let alert = plan.alerts[Int(record.index)]
            let name = alert.vmd.map { "\($0)/\(alert.name)" } ?? alert.name
            if record.kind == .alertStart { holding.insert(name) } else { holding.remove(name) }
        }
        if holding == Set(expected) { return [] }
        return [
            "the alerts \(holding.sorted().joined(separator: ", ")) hold, expected \(expected.joined(separator: ", "))"
        ]
    }

    /// Every whole frame made again from its payload must be the same bytes: marks, length, checksum and stuffing work
    /// both ways.
    private func encodeAgain(_ bytes: [UInt8], _ plan: DevicePlan) -> [String] {
        guard case .serial(let serial) = plan.protocolPlan else { return [] }
        var failures: [String] = []
        for group in serial.interleaved {
            let test = serial.frames[group[0]].format.bytesWith
            let others = serial.interleaved.compactMap { serial.frames[$0[0]].format.bytesWith }
            let own = bytes.filter { byte in test?.holds(byte) ?? !others.contains { $0.holds(byte) } }
            var framer = Framer(serial.frames, indices: group)
            var taken = 0
            feeding: while taken < own.count {
                taken += framer.feed(own, from: taken, count: own.count - taken)
                while true {
                    switch framer.next(finished: taken == own.count) {
                    case .needMore: continue feeding
                    case .damaged, .stray: continue
                    case .frame(let index, let length):
                        let format = serial.frames[index].format
                        let place = format.payloadEnd(length: length)
                        let markLength = format.checksum?.markLength ?? 0
                        let mark =
                            markLength > 0 && place + markLength <= length
                            ? Array(framer.plain[place..<(place + markLength)]) : nil
                        let count = format.number.map { framer.plain[$0.byte] } ?? 0
                        let again = format.encode(
                            payload: Array(framer.plain[format.payloadStart..<place]), mark: mark, count: count)
                        let sent = Array(own[framer.frameOffset..<framer.position])
                        if again != sent {
                            failures.append(
                                "the frame \(VectorFile.hexText(sent)) made again is \(VectorFile.hexText(again))")
                        }
                    }
                }
            }
        }
        return failures
    }

    private func text(_ record: SampleRecord, _ stream: StreamDescriptor) -> String {
        switch stream.json(bits: record.bits, text: stream.form == .text ? record.textValue : nil) {
        case .number(let digits): digits
        case .string(let text): text
        default: "null"
        }
    }

    /// Whether two texts are the same number, or the same text.
    private static func equal(_ left: String, _ right: String) -> Bool {
        guard let one = DecimalText.parse(Array(left.utf8)), let other = DecimalText.parse(Array(right.utf8)) else {
            return left == right
        }
        return DecimalText.render(one.mantissa, exponent: one.exponent)
            == DecimalText.render(other.mantissa, exponent: other.exponent)
    }

    // MARK: Damaging

    private func isChecksummed(_ plan: DevicePlan) -> Bool {
        switch plan.protocolPlan {
        case .serial(let serial):
            // A frame from which no value is taken may be damaged unseen.
            serial.frames.indices.allSatisfy { frame in
                serial.frames[frame].format.isFromHost || serial.frames[frame].isControl
                    || serial.frames[frame].checksum != nil
                    || !serial.carriesValues(frame: frame)
            }
        case .modbus: plan.line.transport == .modbusRTU
        }
    }

    /// Bytes that are decoded for the damaged copies of one vector: a vector of 96 bytes is changed at every place to
    /// every other value.
    private static let damageBudget = 96 * 96 * 255

    /// The changes that are tried at each place: all, or of a long vector each single bit and as many others as the
    /// budget allows, evenly spread.
    private static func changes(length: Int) -> [UInt8] {
        let allowed = damageBudget / max(1, length * length)
        guard allowed < 255 else { return Array(1...255) }
        let bits = (0..<8).map { UInt8(1) << UInt8($0) }
        let step = 255 / max(1, allowed - bits.count)
        let others =
            allowed > bits.count
            ? stride(from: 3, through: 255, by: max(1, step)).map { UInt8($0) }.filter { !bits.contains($0) } : []
        return bits + others
    }

    /// Changes every byte and cuts the bytes at every place: what still comes out valid must have been sent.
    private func damage(
        _ bytes: [UInt8], _ decoder: CaptureDecoder, original: [SampleRecord], _ failures: inout [String]
    ) -> Int {
        let before = valid(original)
        var copies = 0
        let changes = Self.changes(length: bytes.count)
        for place in bytes.indices {
            for change in changes {
                var damaged = bytes
                damaged[place] ^= change
                // A line of seven bits carries no eighth.
                if profile.line.serial?.dataBits == 7, damaged[place] >= 0x80 { continue }
                copies += 1
                guard isContained(valid(samples(decoder, damaged)), in: before) else {
                    failures.append(
                        "with byte \(place) changed to 0x\(String(damaged[place], radix: 16)) a wrong value is read "
                            + "as valid"
                    )
                    return copies
                }
            }
            copies += 1
            guard isContained(valid(samples(decoder, Array(bytes[..<place]))), in: before) else {
                failures.append("cut after \(place) bytes a wrong value is read as valid")
                return copies
            }
        }
        return copies
    }

    private func valid(_ records: [SampleRecord]) -> [UInt32: [Int64]] {
        var values: [UInt32: [Int64]] = [:]
        for record in records where record.validity.carriesValue {
            values[record.index, default: []].append(
                record.textLength > 0 ? Int64(record.textValue.hashValue) : record.bits)
        }
        return values
    }

    /// Whether each stream's values are among the original's, in their order.
    private func isContained(_ values: [UInt32: [Int64]], in original: [UInt32: [Int64]]) -> Bool {
        values.allSatisfy { stream, values in
            var rest = (original[stream] ?? [])[...]
            return values.allSatisfy { value in
                guard let place = rest.firstIndex(of: value) else { return false }
                rest = rest[(place + 1)...]
                return true
            }
        }
    }
}
