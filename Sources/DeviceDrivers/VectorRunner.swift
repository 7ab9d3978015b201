import DeviceModel
import DeviceProfiles

/// Runs a profile's vectors with the production decoders, and then damages them.
public struct VectorRunner {
    /// What became of one vector.
    public struct Result: Sendable {
        public let vector: String
        public let kind: VectorFile.Kind
        /// Each with its place; empty when the vector passed.
        public let failures: [String]
        /// Damaged copies that were tried, and gave no wrong value.
        public let damagedCopies: Int
    }

    private let profile: DeviceProfile

    public init(_ profile: DeviceProfile) { self.profile = profile }

    public func run(_ vector: VectorFile.Vector) -> Result {
        let plan = profile.compile(handle: profile.name, overrides: vector.overrides)
        var failures: [String] = []
        if let sends = vector.sends { failures += checkSending(sends, plan) }
        var damaged = 0
        if !vector.bytes.isEmpty {
            let found = samples(plan, vector.bytes)
            failures += compare(found, vector.expect, plan)
            // A change may mend what is broken: only bytes that are read are damaged.
            if failures.isEmpty, isChecksummed(plan), !vector.expect.isEmpty { damaged = damage(vector.bytes, plan, original: found, &failures) }
        }
        return Result(
            vector: vector.name, kind: vector.kind, failures: failures.map { "\(vector.location): error: \(vector.name): \($0)" },
            damagedCopies: damaged)
    }

    /// The metrics that at least one of these vectors gives a valid value for.
    public func exercised(by vectors: [VectorFile.Vector]) -> Set<String> {
        Set(
            vectors.flatMap { vector in
                vector.expect.compactMap { metric, expectation in if case .missing = expectation { nil } else { metric } }
            })
    }

    // MARK: Comparing

    private func checkSending(_ sends: (request: String, bytes: [UInt8]), _ plan: DevicePlan) -> [String] {
        guard case .serial(let serial) = plan.protocolPlan, let request = serial.requests.first(where: { $0.name == sends.request }) else {
            return ["there is no request “\(sends.request)”"]
        }
        return request.bytes == sends.bytes ? [] : ["“\(sends.request)” sends \(Self.hex(request.bytes)), expected \(Self.hex(sends.bytes))"]
    }

    private func samples(_ plan: DevicePlan, _ bytes: [UInt8]) -> [SampleRecord] {
        CaptureDecoder(plan).decode(bytes).map(\.record).filter { $0.kind == .sample }
    }

    private func compare(
        _ found: [SampleRecord], _ expected: [(metric: String, expectation: VectorFile.Expectation)], _ plan: DevicePlan
    ) -> [String] {
        var failures: [String] = []
        for (index, stream) in plan.streams.enumerated() {
            let records = found.filter { Int($0.index) == index }
            let values = records.filter(\.validity.carriesValue).map { text($0, stream) }
            guard let expectation = expected.first(where: { $0.metric == stream.metric })?.expectation else {
                if !values.isEmpty { failures.append("\(stream.metric) is \(values.prefix(5).joined(separator: ", ")), expected nothing") }
                continue
            }
            let wanted: [String]
            switch expectation {
            case .values(let list): wanted = list
            case .repeated(let value, let count): wanted = [String](repeating: value, count: count)
            case .missing(let validity, let reason):
                let fits = records.contains { $0.validity == validity && (reason == nil || $0.reason == reason) }
                if !fits || !values.isEmpty {
                    let seen = records.map { "\($0.validity.word)/\($0.reason.word)" }
                    failures.append("\(stream.metric) is \(seen.isEmpty ? "absent" : seen.joined(separator: ", ")), expected \(validity.word)")
                }
                continue
            }
            let same = values.count == wanted.count && zip(values, wanted).allSatisfy(Self.equal)
            if !same {
                failures.append("\(stream.metric) is \(values.prefix(30).joined(separator: ", ")), expected \(wanted.prefix(30).joined(separator: ", "))")
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
        guard let one = DecimalText.parse(Array(left.utf8)), let other = DecimalText.parse(Array(right.utf8)) else { return left == right }
        return DecimalText.render(one.mantissa, exponent: one.exponent) == DecimalText.render(other.mantissa, exponent: other.exponent)
    }

    // MARK: Damaging

    private func isChecksummed(_ plan: DevicePlan) -> Bool {
        switch plan.protocolPlan {
        case .serial(let serial): serial.frame.checksum != nil
        case .modbus: plan.line.transport == .modbusRTU
        }
    }

    /// Changes every byte to every other value and cuts the bytes at every place: what still comes out valid must have been sent.
    private func damage(_ bytes: [UInt8], _ plan: DevicePlan, original: [SampleRecord], _ failures: inout [String]) -> Int {
        let before = valid(original)
        var copies = 0
        for place in bytes.indices {
            for change in UInt8(1)...255 {
                var damaged = bytes
                damaged[place] ^= change
                copies += 1
                guard isContained(valid(samples(plan, damaged)), in: before) else {
                    failures.append("with byte \(place) changed to 0x\(String(damaged[place], radix: 16)) a wrong value is read as valid")
                    return copies
                }
            }
            copies += 1
            guard isContained(valid(samples(plan, Array(bytes[..<place]))), in: before) else {
                failures.append("cut after \(place) bytes a wrong value is read as valid")
                return copies
            }
        }
        return copies
    }

    private func valid(_ records: [SampleRecord]) -> [UInt32: [Int64]] {
        var values: [UInt32: [Int64]] = [:]
        for record in records where record.validity.carriesValue {
            values[record.index, default: []].append(record.textLength > 0 ? Int64(record.textValue.hashValue) : record.bits)
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

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0\(text)" : text
        }.joined(separator: " ")
    }
}
