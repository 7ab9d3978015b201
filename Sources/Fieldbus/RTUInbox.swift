/// The bytes that came over an RTU line, and which whole frames are among them.
///
/// Nothing here knows time or the line itself: it is what the fuzzer and the tests feed.
struct RTUInbox {
    enum Step: Equatable {
        case needMore
        /// The awaited answer is in ``answer``.
        case answer
        /// The device refused the awaited request, or one before it of the same function.
        case exception(UInt8)
        /// A frame of the awaited shape, with a wrong checksum.
        case damaged
    }

    /// The answer that is awaited.
    struct Awaited {
        let shape: AnswerShape
        /// Of the whole frame. Unit: bytes.
        let length: Int
    }

    private var bytes = [UInt8](repeating: 0, count: 1024)
    private var count = 0
    private var awaited: Awaited?
    private var request: [UInt8] = []
    private var echoIsAnswer = false
    /// Bytes of the awaited answer, or of the last one, whole.
    private(set) var answer = [UInt8](repeating: 0, count: RTUFrame.longest + 4)
    private var answerLength = 0
    private var answerShape: AnswerShape?
    private var late: AnswerShape?
    /// Whether another answer than the last one would be one to the same request; after its time it belongs to something older.
    var mayContradict = false
    var unanswered = UnansweredRequests()
    var sightings = SightingList()
    /// Since the last request: whether it came back, whether other frames came, whether anything came.
    private(set) var tookEcho = false
    private(set) var sawOthers = false
    private(set) var isSilent = true

    init() { request.reserveCapacity(RTUFrame.requestLength) }

    var isEmpty: Bool { count == 0 }
    /// Whether there is no room for another frame.
    var isFull: Bool { count > bytes.count - 2 * RTUFrame.longest }

    mutating func clear() {
        count = 0
        answerLength = 0
        answerShape = nil
        awaited = nil
    }

    /// A request has gone out. `echoIsAnswer` tells that the same bytes coming back are the device's, not an echo.
    mutating func await(_ awaited: Awaited, request: [UInt8], echoIsAnswer: Bool) {
        self.awaited = awaited
        self.request.removeAll(keepingCapacity: true)
        self.request.append(contentsOf: request)
        self.echoIsAnswer = echoIsAnswer
        (tookEcho, sawOthers, isSilent) = (false, false, true)
    }

    mutating func awaitNothing() { awaited = nil }

    mutating func append(_ chunk: [UInt8], count added: Int) {
        if added > 0 { isSilent = false }
        // The oldest of what is no frame goes first.
        if count + added > bytes.count { drop(count + added - bytes.count) }
        for place in 0..<min(added, bytes.count) { bytes[count + place] = chunk[place] }
        count += min(added, bytes.count)
    }

    /// The next thing that the bytes say, with an answer awaited.
    mutating func next() -> Step {
        while let awaited {
            if isAnswer(awaited, at: 0), count < awaited.length, !isEcho(at: 0) { return .needMore }
            guard let (place, length) = firstFrame() else {
                return isAnswer(awaited, at: 0) && count >= awaited.length ? .damaged : .needMore
            }
            if place > 0 { skip(place) }
            defer { drop(length) }
            if isEcho(at: 0), !echoIsAnswer, !tookEcho {
                tookEcho = true
                continue
            }
            if length == awaited.length, isAnswer(awaited, at: 0) {
                keepAnswer(awaited.shape, length)
                return .answer
            }
            let isOwnException = bytes[0] == awaited.shape.unit && bytes[1] == awaited.shape.function | 0x80 && length == RTUFrame.exceptionLength
            if isOwnException { return .exception(bytes[2]) }
            sawOthers = true
            see(length)
        }
        return .needMore
    }

    /// What has come with nothing awaited. Returns whether it repeats or contradicts the last answer.
    mutating func takeRest() -> (repeats: Bool, contradicts: Bool) {
        var rest = (repeats: false, contradicts: false)
        while let (place, length) = firstFrame() {
            if place > 0 { skip(place) }
            switch see(length) {
            case .duplicate: rest.repeats = true
            case .conflicting: rest.contradicts = true
            default: break
            }
            drop(length)
        }
        if count > 0 { skip(count) }
        return rest
    }

    /// A copy of the last answer came when nothing was awaited; another may come when the same shape is awaited again.
    mutating func expectAnotherCopy(sent: Int64, patience: Int64) {
        if let answerShape { unanswered.add(answerShape, sent: sent, patience: patience) }
    }

    /// The shape of the last late answer since it was last asked.
    mutating func takeLate() -> AnswerShape? {
        defer { late = nil }
        return late
    }

    // MARK: Frames

    /// Where the first whole frame is, and how long it is.
    private func firstFrame() -> (place: Int, length: Int)? {
        var place = 0
        while count - place >= 4 {
            if let awaited, isAnswer(awaited, at: place), place + awaited.length <= count, RTUFrame.isWhole(bytes, place..<(place + awaited.length)) {
                return (place, awaited.length)
            }
            if let length = RTUFrame.answerLength(bytes, at: place, end: count), place + length <= count,
                RTUFrame.isWhole(bytes, place..<(place + length))
            {
                return (place, length)
            }
            if isRequest(at: place) { return (place, RTUFrame.requestLength) }
            place += 1
        }
        return nil
    }

    private func isRequest(at place: Int) -> Bool {
        let end = place + RTUFrame.requestLength
        return end <= count && (1...6).contains(bytes[place + 1]) && RTUFrame.isWhole(bytes, place..<end)
    }

    private func isEcho(at place: Int) -> Bool {
        guard !request.isEmpty else { return false }
        for offset in 0..<min(request.count, count - place) where bytes[place + offset] != request[offset] { return false }
        return count > place
    }

    /// Whether what begins here is, as far as it has come, the awaited answer.
    private func isAnswer(_ awaited: Awaited, at place: Int) -> Bool {
        let there = count - place
        guard there > 0, bytes[place] == awaited.shape.unit else { return false }
        guard there > 1 else { return true }
        guard bytes[place + 1] == awaited.shape.function else { return false }
        guard awaited.shape.function != 8 else { return isEcho(at: place) }
        return there < 3 || Int(bytes[place + 2]) == awaited.shape.detail
    }

    private mutating func keepAnswer(_ shape: AnswerShape, _ length: Int) {
        for place in 0..<length { answer[place] = bytes[place] }
        answerLength = length
        answerShape = shape
    }

    /// Says what a whole frame is that is not the answer.
    @discardableResult
    private mutating func see(_ length: Int) -> LinkSighting.Kind {
        let kind = kind(length)
        sightings.note(kind, unit: bytes[0])
        if kind == .late { late = AnswerShape(unit: bytes[0], function: bytes[1] & 0x7F, detail: 0) }
        return kind
    }

    private mutating func kind(_ length: Int) -> LinkSighting.Kind {
        let unit = bytes[0]
        let function = bytes[1]
        if function & 0x80 != 0 {
            return unanswered.settleOldest(unit: unit, function: function & 0x7F) ? .late : awaited == nil ? .unsolicited : .mismatched
        }
        if function == 8 {
            let shape = AnswerShape(unit: unit, function: 8, detail: Int(bytes[4]) << 8 | Int(bytes[5]))
            return unanswered.settle(shape) ? .late : awaited == nil ? .unsolicited : .mismatched
        }
        let shape = AnswerShape(unit: unit, function: function, detail: Int(bytes[2]))
        let isAnswer = length == Int(bytes[2]) + 5
        if isAnswer, unanswered.settle(shape) { return .late }
        if isAnswer, let answerShape, answerShape == shape {
            var isSame = length == answerLength
            for place in 0..<min(length, answerLength) where bytes[place] != answer[place] { isSame = false }
            if isSame { return .duplicate }
            if awaited?.shape != shape, mayContradict { return .conflicting }
        }
        if isRequest(at: 0), length == RTUFrame.requestLength { return .foreignRequest }
        return awaited == nil ? .unsolicited : .mismatched
    }

    private mutating func skip(_ skipped: Int) {
        sightings.note(.resync)
        drop(skipped)
    }

    private mutating func drop(_ dropped: Int) {
        let dropped = min(dropped, count)
        for place in dropped..<count { bytes[place - dropped] = bytes[place] }
        count -= dropped
    }
}
