import DeviceModel
import DevicePlans
import ProfileLanguage

/// What has come of an answer in parts.
struct GatheredParts: Sendable {
    /// The most bytes of an answer in parts. Unit: bytes.
    private static let most = 32_768
    private static let mostParts = 64

    /// The message whose parts they are; `nil` before the first.
    private(set) var message: Int?
    private(set) var bytes: [UInt8] = []
    /// The records of each part in the bytes.
    private(set) var ranges: [Range<Int>] = []
    /// The number that the first part carries; 0 where nothing tells.
    private var mark: UInt64 = 0
    private var isLast = false
    /// Whether one was missing, or came out of turn: the answer is none.
    private(set) var isBroken = false
    /// Whether the answer itself has come as well.
    private(set) var isWhole = false

    init(_ plan: SerialPlan) {
        guard plan.messages.contains(where: { $0.parts != nil }) else { return }
        bytes.reserveCapacity(Self.most)
        ranges.reserveCapacity(Self.mostParts + 1)
    }

    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        ranges.removeAll(keepingCapacity: true)
        (message, mark, isLast, isBroken, isWhole) = (nil, 0, false, false, false)
    }

    /// A part of a message came, or cannot be one.
    mutating func take(
        _ part: Range<Int>?, of message: Int, _ frame: [UInt8], number: Int, mark: UInt64, isLast: Bool
    ) {
        if number == 1 {
            clear()
            self.mark = mark
        }
        guard let part, !isBroken, !self.isLast, number == ranges.count + 1, ranges.count < Self.mostParts,
            self.message == nil || self.message == message, self.mark == mark, bytes.count + part.count <= Self.most
        else {
            clear()
            (self.message, isBroken) = (message, true)
            return
        }
        append(part, of: frame)
        (self.message, self.isLast) = (message, isLast)
    }

    /// Something damaged came, which may have been the next part, or the first of another answer.
    mutating func breakOff() { if message != nil { isBroken = true } }

    /// The answer itself came. Returns whether nothing of it is missing.
    mutating func end(_ rest: Range<Int>, of message: Int, _ frame: [UInt8], mark: UInt64) -> Bool {
        guard !isBroken, isLast, self.message == message, self.mark == mark, bytes.count + rest.count <= Self.most
        else { return false }
        append(rest, of: frame)
        isWhole = true
        return true
    }

    private mutating func append(_ part: Range<Int>, of frame: [UInt8]) {
        let start = bytes.count
        for place in part { bytes.append(frame[place]) }
        ranges.append(start..<bytes.count)
    }
}

/// Answers in parts.
extension SerialDecoder {
    /// Takes a part of the answer that is awaited; returns whether it was one.
    mutating func takePart(of index: Int, _ bytes: [UInt8], length: Int, payload: Range<Int>) -> Bool {
        let message = plan.messages[index]
        guard let parts = message.parts, let binary = message.records?.binary, parts.fits(bytes, length: length) else {
            return false
        }
        let range = min(parts.from, payload.upperBound)..<payload.upperBound
        let isWhole = RecordWalk(records: binary, bytes: bytes).forEach(range) { _ in }
        gathered.take(
            isWhole ? range : nil, of: index, bytes, number: Int(bytes[parts.number]),
            mark: Self.number(parts.same?.part, bytes),
            isLast: parts.lastWhen.holds(in: bytes, from: 0, length: length))
        if gathered.isBroken {
            counters.malformed += 1
            damage = .malformed
        }
        return true
    }

    /// The bytes as one number; 0 for none.
    private static func number(_ place: ClosedRange<Int>?, _ bytes: [UInt8]) -> UInt64 {
        guard let place else { return 0 }
        var number: UInt64 = 0
        for byte in place { number = number << 8 | UInt64(bytes[byte]) }
        return number
    }

    /// Whether a frame is a part of an answer that nobody awaits.
    func isLatePart(_ frame: Int, _ bytes: [UInt8], length: Int) -> Bool {
        for index in plan.messagesOfFrame[frame] where plan.messages[index].parts?.fits(bytes, length: length) == true {
            return true
        }
        return false
    }

    /// Whether what came before the answer, if anything, is all of it.
    mutating func isComplete(_ index: Int, _ bytes: [UInt8], payload: Range<Int>) -> Bool {
        guard let parts = plan.messages[index].parts, let records = plan.messages[index].records else { return true }
        // A damaged frame since the question was asked may have been a part, and so may bytes of no frame.
        if case .reply = awaiting {
            if gathered.message == nil, damage != nil { return false }
            if skippedBytes != skippedBefore { return false }
        }
        if gathered.message == nil { return true }
        guard (parts.same?.answer.upperBound ?? 0) < payload.upperBound else { return false }
        return gathered.end(
            records.region(payload), of: index, bytes, mark: Self.number(parts.same?.answer, bytes))
    }
}
