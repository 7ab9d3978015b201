import StrictYAML

/// What the bytes of a frame can be, by all that must hold in it: its start, what is said of it, and how a message is
/// known.
struct KnownBytes {
    /// By place, where not every byte can be.
    private var allowed: [Int: Set<UInt8>] = [:]
    /// What any byte can be.
    private let every: Set<UInt8>

    /// The most bytes of one test that are looked at one by one.
    private static let most = 1024
    private static let all = Set(UInt8.min...UInt8.max)

    /// What is known of every whole frame of a format.
    init(_ frame: FrameFormat) {
        let isPlain = frame.stuffing.isEmpty && frame.highBits == nil
        every = frame.bytesWith.map { test in isPlain ? Self.all.filter { test.holds($0) } : Self.all } ?? Self.all
        for (place, byte) in frame.start.enumerated() { allowed[place] = [byte] }
        for test in frame.validWhen { narrow(test) }
    }

    /// Takes what holds as well.
    mutating func narrow(_ test: ByteTest) {
        let passing = Self.all.filter { test.holds($0) }
        for place in test.bytes.prefix(Self.most) {
            allowed[place] = (allowed[place] ?? every).intersection(passing)
        }
    }

    /// How many of the frames in which these bytes stand pass a test.
    func verdict(_ test: ByteTest) -> PossibleValues.Verdict {
        let passing = Self.all.filter { test.holds($0) }
        let known = allowed.filter { test.bytes.contains($0.key) }
        let sets = Array(known.values) + (known.count < test.bytes.count ? [every] : [])
        if sets.contains(where: { $0.isDisjoint(with: passing) }) { return .none }
        return sets.allSatisfy { $0.isSubset(of: passing) } ? .all : .some
    }
}

extension DeviceProfile {
    /// What is known of every frame that carries a message.
    func knownBytes(_ message: MessageDescription) -> KnownBytes {
        var known = KnownBytes(frames[message.frame])
        for test in message.when { known.narrow(test) }
        return known
    }

    /// By frame, packet or message in which a field stands: what is known of its bytes. Empty of records, whose bytes
    /// are counted from their own.
    func knownBytes(_ place: FieldDescription.Place, named name: String) -> [KnownBytes] {
        switch place {
        case .slices(let scope, _, _, _):
            if let message = messages.first(where: { $0.name == scope }) { return [knownBytes(message)] }
            let frame = packet?.name == scope ? packet?.of : scope
            return frames.filter { $0.name == frame }.map { KnownBytes($0) }
        case .hole: return messages.filter { $0.template?.holes.contains(name) == true }.map { knownBytes($0) }
        case .keyed, .record, .attribute, .registers: return []
        }
    }
}

extension ProfileReader {
    /// Bytes that decide how far a value counts are sometimes so, and sometimes not.
    func checkBytes(_ value: YAMLValue?, _ field: FieldDescription) {
        guard let values = value?.listOrOne(), values.count == field.gates.count else { return }
        let known = profile.knownBytes(field.place, named: field.name)
        for (value, gate) in zip(values, field.gates) {
            guard case .bytes(let test) = gate.test, !known.isEmpty else { continue }
            let verdicts = known.map { $0.verdict(test) }
            guard let first = verdicts.first, first != .some, verdicts.allSatisfy({ $0 == first }) else { continue }
            value.error(
                "byte \(test.bytes.lowerBound) \(first == .none ? "can never be" : "is always") so where "
                    + "“\(field.name)” stands: by it its frame or message is known")
        }
    }
}
