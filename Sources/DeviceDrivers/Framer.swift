package import DeviceModel
package import DevicePlans
import ProfileLanguage

/// Finds whole frames in a stream of bytes.
///
/// A frame counts when its marks, its length, its fixed bits and its checksum are right. A frame of fixed length has no
/// end mark, and a sum of one byte is right by chance once in 256 times: until the stream is in step, such a frame
/// counts only when the next one follows it. A frame without a start counts only after the end of the one before it.
/// Memory is bounded by the longest frame; buffers are made once.
package struct Framer: Sendable {
    /// What the next bytes are.
    package enum Step: Sendable, Equatable {
        /// Nothing whole yet.
        case needMore
        /// A whole frame of this kind; its plain bytes are the first of ``plain``.
        case frame(index: Int, length: Int)
        /// Bytes that should have been a frame.
        case damaged(Reason)
        /// Bytes, after a whole frame, with which none begins.
        case stray
    }

    private enum Match {
        case no
        case needMore
        case damaged(Reason, skip: Int)
        case whole(wire: Int, plain: Int)
    }

    /// Bytes kept behind the next frame, to see whether it follows an end mark.
    private static let behind = 16

    private let formats: [FramePlan]
    private let indices: [Int]
    /// Whether some of the frames could be there by chance: then a lone control byte could as well.
    private let isChancy: Bool
    private(set) var buffer: [UInt8]
    private var head = 0
    private var tail = 0
    private var isInStep = false
    /// Nothing can stand before the next byte: a question was just asked on a quiet line.
    private var isFresh = false
    /// A control byte is awaited: then it needs nothing after it to be believed.
    package var awaitsControl = false
    /// Offset in the whole stream of the buffer's first byte.
    private var base = 0
    /// The bytes of the last frame found, without stuffing.
    package private(set) var plain: [UInt8]
    /// Where the last frame began in the whole stream.
    package private(set) var frameOffset = 0
    /// Bytes passed over while looking for a frame.
    package private(set) var skippedBytes = 0
    /// The length of the last damaged frame, where it says so itself and ends there; `nil` where it is not known.
    /// Unit: bytes.
    private(set) var damagedLength: Int?

    /// - Parameters:
    ///   - frames: all frames of a plan.
    ///   - indices: those that this framer looks for, in order.
    package init(_ frames: [FramePlan], indices: [Int]) {
        self.indices = indices
        formats = indices.map { frames[$0] }
        isChancy = formats.contains(where: \.needsConfirmation)
        let longest = formats.map(\.longest).max() ?? 1
        // Room for a frame and what comes while it is looked at.
        buffer = [UInt8](repeating: 0, count: max(4096, min(longest * 4, longest + 16_384)))
        plain = [UInt8](repeating: 0, count: longest + Self.behind)
    }

    /// Where the first byte that is not yet read stands in the whole stream.
    package var position: Int { base + head }

    /// Whether a frame has begun and is not yet whole.
    package var isWaiting: Bool { tail > head }

    /// Forgets everything that has come: the line was opened anew.
    package mutating func reset() {
        drop()
        isInStep = false
        isFresh = false
    }

    /// What has come so far belongs to nothing; the next byte begins a frame.
    package mutating func beginAnew() {
        drop()
        isFresh = true
        isInStep = true
    }

    /// Gives up what has begun; returns whether there was anything.
    package mutating func abandon() -> Bool {
        guard tail > head else { return false }
        skippedBytes += tail - head
        drop()
        isInStep = false
        return true
    }

    private mutating func drop() {
        base += tail
        (head, tail) = (0, 0)
    }

    /// Takes as many of these bytes as there is room for and returns how many it took; call ``next(finished:)`` until
    /// it needs more, then go on.
    package mutating func feed(_ input: [UInt8], from start: Int, count: Int) -> Int {
        if head > Self.behind, buffer.count - tail < count {
            let distance = head - Self.behind
            for position in distance..<tail { buffer[position - distance] = buffer[position] }
            base += distance
            tail -= distance
            head = Self.behind
        }
        let taken = min(count, buffer.count - tail)
        buffer.put(taken, of: input, from: start, at: tail)
        tail += taken
        return taken
    }

    /// The next step. `finished` tells that no byte will follow, as at the end of a capture.
    package mutating func next(finished: Bool = false) -> Step {
        while head < tail {
            var damage: (reason: Reason, skip: Int)?
            damagedLength = nil
            var isWaiting = false
            search: for position in formats.indices {
                switch match(position, at: head) {
                case .no: continue
                case .needMore:
                    isWaiting = true
                    break search
                case .damaged(let reason, let skip): if damage == nil { damage = (reason, skip) }
                case .whole(let wire, let length):
                    let isControl = formats[position].isControl
                    if !isInStep, formats[position].needsConfirmation || isControl && isChancy && !awaitsControl {
                        switch confirmation(position, after: wire, finished: finished) {
                        case nil: return .needMore
                        case false?: continue
                        case true?: _ = match(position, at: head)
                        }
                    }
                    if !isControl { isInStep = true }
                    isFresh = false
                    frameOffset = base + head
                    head += wire
                    return .frame(index: indices[position], length: length)
                }
            }
            if isWaiting { return .needMore }
            let wasInStep = isInStep
            isInStep = false
            skip(damage?.skip ?? 1)
            if let damage { return .damaged(damage.reason) }
            if wasInStep, !formats.allSatisfy(\.followsEnd) { return .stray }
        }
        return .needMore
    }

    /// The next frames, as long as one of this kind follows the other without a fault; all that else may be is left to
    /// ``next(finished:)``.
    ///
    /// - Parameter bytes: ``buffer``, which holds them until more is fed.
    /// - Returns: where they lie in it.
    mutating func takePlain(_ frame: PlainFrame, in bytes: [UInt8]) -> Range<Int> {
        let first = head
        guard isInStep else { return first..<first }
        while tail - head >= frame.length, frame.isWhole(bytes, at: head) { head += frame.length }
        if head > first {
            isFresh = false
            frameOffset = base + head - frame.length
        }
        return first..<head
    }

    private mutating func skip(_ count: Int) {
        head = min(tail, head + count)
        skippedBytes += count
        isFresh = false
    }

    /// Whether a whole frame follows the one found; `nil` when that is not known yet.
    private mutating func confirmation(_ position: Int, after wire: Int, finished: Bool) -> Bool? {
        let next = head + wire
        if next == tail { return finished ? base + head == 0 : nil }
        for other in formats.indices {
            switch match(other, at: next) {
            // A control byte is too short to show anything.
            case .whole where !formats[other].isControl: return true
            case .needMore where !formats[other].isControl: return finished ? false : nil
            default: continue
            }
        }
        return false
    }

    // MARK: One frame

    private mutating func match(_ position: Int, at place: Int) -> Match {
        let format = formats[position]
        let start = format.start
        for offset in 0..<start.count {
            guard place + offset < tail else { return .needMore }
            if buffer[place + offset] != start[offset] { return .no }
        }
        if format.followsEnd, !follows(format.end, at: place) { return .no }
        if format.isStuffed { return matchStuffed(format, at: place) }
        if format.length != nil { return matchMeasured(format, at: place) }
        return matchMarked(format, at: place)
    }

    private func follows(_ end: [UInt8], at place: Int) -> Bool {
        if isFresh { return true }
        guard place >= end.count else { return false }
        for offset in 0..<end.count where buffer[place - end.count + offset] != end[offset] { return false }
        return true
    }

    /// A frame whose length is known, or told by itself.
    private mutating func matchMeasured(_ format: FramePlan, at place: Int) -> Match {
        let total: Int
        if case .fixed(let fixed) = format.length {
            total = fixed
        } else {
            guard let told = format.toldLength(in: buffer, from: place, count: tail - place) else { return .needMore }
            guard told >= format.shortest, told <= format.longest else { return .damaged(.malformed, skip: 1) }
            total = told
        }
        guard tail - place >= total else {
            // What is there already may show that it is none.
            for test in format.validWhen where test.isWithin(tail - place) {
                if !test.holds(in: buffer.span.extracting(place..<tail)) { return .no }
            }
            return .needMore
        }
        return check(format, at: place, wire: total)
    }

    /// A frame that ends with a mark, or with the checksum after a mark.
    private mutating func matchMarked(_ format: FramePlan, at place: Int) -> Match {
        let limit = min(tail, place + format.longest)
        let (startOnly, abort, ending) = (format.startOnly, format.abort, format.end.first)
        var end = place + format.start.count
        while end < limit {
            let byte = buffer[end]
            if byte == abort { return .damaged(.frameLost, skip: end + 1 - place) }
            // The end of this frame was lost: another begins.
            if byte == startOnly { return .damaged(.frameLost, skip: end - place) }
            if ending == nil {
                if let checksum = format.checksum, let mark = checksum.after.first(where: { isMark($0, at: end) }) {
                    let wire = end + mark.count + checksum.length - place
                    return place + wire <= tail ? check(format, at: place, wire: wire) : .needMore
                }
            } else if byte == ending {
                if end + format.end.count > tail { return .needMore }
                if isMark(format.end, at: end), end - place >= format.shortest - format.end.count {
                    return checkMarked(format, at: place, end: end)
                }
            }
            end += 1
        }
        return limit < place + format.longest ? .needMore : .damaged(.malformed, skip: 1)
    }

    /// A checksum of raw bytes may hold the end mark: then the true one follows within its length.
    private mutating func checkMarked(_ format: FramePlan, at place: Int, end: Int) -> Match {
        let first = check(format, at: place, wire: end + format.end.count - place)
        guard case .damaged = first, let checksum = format.checksum,
            checksum.encoding == .raw || checksum.encoding == .rawLowFirst
        else { return first }
        for later in (end + 1)...(end + checksum.length) {
            guard later + format.end.count <= tail else { return .needMore }
            guard isMark(format.end, at: later) else { continue }
            let match = check(format, at: place, wire: later + format.end.count - place)
            if case .whole = match { return match }
        }
        return first
    }

    private func isMark(_ mark: [UInt8], at place: Int) -> Bool {
        guard place + mark.count <= tail else { return false }
        for offset in 0..<mark.count where buffer[place + offset] != mark[offset] { return false }
        return true
    }

    /// A frame with stuffing: it ends by its length or its end mark, and no start mark stands in it.
    private mutating func matchStuffed(_ format: FramePlan, at place: Int) -> Match {
        var count = 0
        for byte in format.start {
            plain[count] = byte
            count += 1
        }
        var wire = place + format.start.count
        while true {
            if case .field = format.length, let total = format.toldLength(in: plain, from: 0, count: count) {
                guard total >= format.shortest, total <= format.longest else { return .damaged(.malformed, skip: 1) }
                if count == total - format.end.count {
                    guard wire + format.end.count <= tail else { return .needMore }
                    return isMark(format.end, at: wire)
                        ? checkStuffed(format, count, at: place, wire: wire) : .damaged(.malformed, skip: 1)
                }
            } else if case .fixed(let total) = format.length, count == total - format.end.count {
                guard wire + format.end.count <= tail else { return .needMore }
                return isMark(format.end, at: wire)
                    ? checkStuffed(format, count, at: place, wire: wire) : .damaged(.malformed, skip: 1)
            }
            guard wire < tail else { return .needMore }
            guard count < format.longest else { return .damaged(.malformed, skip: 1) }
            let byte = buffer[wire]
            if format.length == nil, isMark(format.end, at: wire) {
                return checkStuffed(format, count, at: place, wire: wire)
            }
            if format.format.stuffing.contains(where: { $0.wire.0 == byte }) {
                guard wire + 1 < tail else { return .needMore }
                guard
                    let rule = format.format.stuffing.first(where: {
                        $0.wire.0 == byte && $0.wire.1 == buffer[wire + 1]
                    })
                else {
                    return .damaged(.malformed, skip: 1)
                }
                plain[count] = rule.plain
                wire += 2
            } else if format.format.stuffing.contains(where: { $0.plain == byte }) {
                return .damaged(.frameLost, skip: wire - place)
            } else {
                plain[count] = byte
                wire += 1
            }
            count += 1
        }
    }

    private mutating func checkStuffed(_ format: FramePlan, _ count: Int, at place: Int, wire: Int) -> Match {
        var total = count
        for byte in format.end {
            plain[total] = byte
            total += 1
        }
        guard total >= format.shortest else { return .damaged(.malformed, skip: 1) }
        // A damaged pair makes the frame seem longer or shorter: then what follows it does not begin one.
        let next = wire + format.end.count
        if formats.count == 1, next < tail, buffer[next] != format.start[0] { return .damaged(.frameLost, skip: 1) }
        let wireLength = wire + format.end.count - place
        if let checksum = format.checksum, checksum.overWire {
            guard let sum = format.checksumStart(length: total), let covered = format.covered(length: total),
                covered.upperBound == sum,
                checksum.matches(
                    plain, at: sum, over: buffer,
                    (place + covered.lowerBound)..<max(place + covered.lowerBound, wire - checksum.length))
            else { return .damaged(.checksumMismatch, skip: 1) }
            return .whole(wire: wireLength, plain: total)
        }
        if isWhole(format, total) { return .whole(wire: wireLength, plain: total) }
        if format.length != nil { damagedLength = total }
        return .damaged(.checksumMismatch, skip: 1)
    }

    /// Whether the bytes from `place` are the whole frame.
    private mutating func check(_ format: FramePlan, at place: Int, wire: Int) -> Match {
        guard wire >= format.shortest, wire <= format.longest else { return .damaged(.malformed, skip: 1) }
        if !format.validWhen.isEmpty {
            let frame = buffer.span.extracting(place..<(place + wire))
            for test in format.validWhen where !test.holds(in: frame) { return .no }
        }
        if !format.end.isEmpty, !isMark(format.end, at: place + wire - format.end.count) {
            return .damaged(.malformed, skip: 1)
        }
        plain.put(wire, of: buffer, from: place, at: 0)
        guard isWhole(format, wire) else {
            if format.length != nil { damagedLength = wire }
            return .damaged(.checksumMismatch, skip: 1)
        }
        if let high = format.highBits {
            // On the wire bit 7 of all these bytes is set: that is how the frame is known.
            guard plain[high.byte] & 0x80 != 0 else { return .no }
            for byte in high.of where plain[byte] & 0x80 == 0 { return .no }
            var bit: UInt8 = 0
            for byte in high.of {
                plain[byte] = plain[byte] & 0x7F | (plain[high.byte] >> bit & 1) << 7
                bit += 1
            }
        }
        return .whole(wire: wire, plain: wire)
    }

    /// Whether the checksum of the frame in ``plain`` is right, and the mark before it.
    private func isWhole(_ format: FramePlan, _ length: Int) -> Bool {
        guard let checksum = format.checksum else { return true }
        guard let place = format.checksumStart(length: length), place >= 0, place + checksum.length <= length,
            let covered = format.covered(length: length)
        else { return false }
        if !checksum.after.isEmpty, !checksum.isMarked(plain, before: place) { return false }
        return checksum.matches(plain, at: place, over: plain, covered)
    }
}
