import DeviceModel
import DeviceProfiles

/// Finds whole frames in a stream of bytes.
///
/// A frame counts when its marks, its length, its fixed bits and its checksum are right. A frame of fixed length has no end mark, and a sum
/// of one byte is right by chance once in 256 times: until the stream is in step, such a frame counts only when the next one follows it.
/// Memory is bounded by the longest frame; the buffer is made once.
public struct Framer: Sendable {
    /// What the next bytes are.
    public enum Step: Sendable, Equatable {
        /// Nothing whole yet.
        case needMore
        /// A whole frame at this place of ``bytes``.
        case frame(start: Int, length: Int)
        /// Bytes that should have been a frame.
        case damaged(Reason)
    }

    private let plan: FramePlan
    private var buffer: [UInt8]
    private var head = 0
    private var tail = 0
    private var inStep = false
    /// Offset in the whole stream of the buffer's first byte.
    private var base = 0
    /// Bytes passed over while looking for a frame.
    public private(set) var skippedBytes = 0

    public init(_ plan: FramePlan) {
        self.plan = plan
        buffer = [UInt8](repeating: 0, count: max(4096, plan.longest * 4))
    }

    /// The bytes that frames are places in.
    public var bytes: [UInt8] { buffer }

    /// The offset in the whole stream of a place in ``bytes``.
    public func offset(of place: Int) -> Int { base + place }

    /// Forgets everything that has come: the line was opened anew.
    public mutating func reset() {
        base += tail
        (head, tail) = (0, 0)
        inStep = false
    }

    /// Takes as many of these bytes as there is room for and returns how many it took; call ``next()`` until it needs more, then go on.
    public mutating func feed(_ input: [UInt8], from start: Int, count: Int) -> Int {
        if head > 0, buffer.count - tail < count {
            for position in head..<tail { buffer[position - head] = buffer[position] }
            base += head
            tail -= head
            head = 0
        }
        let taken = min(count, buffer.count - tail)
        for position in 0..<taken { buffer[tail + position] = input[start + position] }
        tail += taken
        return taken
    }

    /// The next step. `finished` tells that no byte will follow, as at the end of a capture.
    public mutating func next(finished: Bool = false) -> Step {
        switch plan.shape {
        case .fixed(let start, let length, let tests): nextFixed(start, length, tests, finished: finished)
        case .delimited(let start, let end, let abort, let longest, _): nextDelimited(start, end, abort, longest)
        case .packet: .needMore
        }
    }

    // MARK: Frames of fixed length

    private mutating func nextFixed(_ start: [UInt8], _ length: Int, _ tests: [BitTest], finished: Bool) -> Step {
        while tail - head >= length {
            if isFixedFrame(at: head, start, length, tests) {
                if !inStep {
                    let aloneInCapture = finished && base + head == 0 && tail - head == length
                    if tail - head < 2 * length, !aloneInCapture { return .needMore }
                    if !aloneInCapture, !isFixedFrame(at: head + length, start, length, tests) {
                        skip()
                        continue
                    }
                }
                inStep = true
                head += length
                return .frame(start: head - length, length: length)
            }
            let wasInStep = inStep
            let reason: Reason = has(start, at: head) ? .checksumMismatch : .frameLost
            inStep = false
            skip()
            if wasInStep { return .damaged(reason) }
        }
        return .needMore
    }

    private func isFixedFrame(at place: Int, _ start: [UInt8], _ length: Int, _ tests: [BitTest]) -> Bool {
        guard has(start, at: place) else { return false }
        for test in tests where !test.holds(in: buffer, from: place) { return false }
        guard let checksum = plan.checksum else { return true }
        guard case .bytes(let covered) = checksum.coverage, case .at(let at) = checksum.place else { return false }
        return checksum.matches(
            buffer[(place + at)..<(place + at + checksum.length)],
            over: buffer[(place + covered.lowerBound)...(place + covered.upperBound)])
    }

    // MARK: Frames between marks

    private mutating func nextDelimited(_ start: [UInt8], _ end: [UInt8], _ abort: UInt8?, _ longest: Int) -> Step {
        while tail - head >= start.count {
            guard has(start, at: head) else {
                skip()
                continue
            }
            var place = head + start.count
            let limit = min(tail, head + longest)
            var aborted = false
            while place + end.count <= limit {
                if has(end, at: place) { break }
                if buffer[place] == abort {
                    aborted = true
                    break
                }
                place += 1
            }
            if aborted {
                head = place + 1
                return .damaged(.frameLost)
            }
            if place + end.count > limit {
                if limit < head + longest { return .needMore }
                skip()
                return .damaged(.malformed)
            }
            let length = place + end.count - head
            if isWhole(start: start.count, end: end.count, length: length) {
                head += length
                return .frame(start: head - length, length: length)
            }
            // The start of a good frame may lie within what looked like one: only its first byte is passed over.
            skip()
            return .damaged(.checksumMismatch)
        }
        return .needMore
    }

    private func isWhole(start: Int, end: Int, length: Int) -> Bool {
        guard let checksum = plan.checksum, case .after(let mark) = checksum.place else { return true }
        let payloadStart = head + start
        let sumStart = head + length - end - checksum.length
        guard sumStart - 1 >= payloadStart, buffer[sumStart - 1] == mark else { return false }
        return checksum.matches(buffer[sumStart..<(sumStart + checksum.length)], over: buffer[payloadStart..<(sumStart - 1)])
    }

    /// Where the payload of a frame between marks lies.
    public func payload(start: Int, length: Int) -> Range<Int> {
        guard case .delimited(let startMark, let end, _, _, _) = plan.shape else { return start..<(start + length) }
        var trailer = end.count
        if let checksum = plan.checksum { trailer += checksum.length + 1 }
        return (start + startMark.count)..<max(start + startMark.count, start + length - trailer)
    }

    // MARK: Small steps

    private func has(_ mark: [UInt8], at place: Int) -> Bool {
        guard place + mark.count <= tail else { return false }
        for position in 0..<mark.count where buffer[place + position] != mark[position] { return false }
        return true
    }

    private mutating func skip() {
        head += 1
        skippedBytes += 1
    }
}
