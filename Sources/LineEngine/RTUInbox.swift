import ModbusFrames

/// What distinguishes one RTU answer from another: there is no transaction number, only the unit, the function and the
/// length.
struct AnswerShape: Equatable, BitwiseCopyable {
    let unit: UInt8
    let function: UInt8
    /// Data bytes of a read; of what is said back, the first two bytes behind the function code.
    let detail: Int

    init(unit: UInt8, function: UInt8, detail: Int) {
        self.unit = unit
        self.function = function
        self.detail = detail
    }

    private init(unit: UInt8, object: UInt8) {
        self.init(unit: unit, function: ModbusFunction.encapsulatedInterface.rawValue, detail: Int(object))
    }

    /// The shape of a whole frame's answer; `nil` of one that is known by what it says back only.
    init?(ofRTU bytes: [UInt8], length: Int) {
        switch ModbusAnswer(bytes, at: 1, end: length) {
        case .data(let data)?:
            guard length == data.count + 5 else { return nil }
            self.init(unit: bytes[0], function: bytes[1], detail: data.count)
        case .object(let object, _)?: self.init(unit: bytes[0], object: object)
        case .repeated?, .exception?, nil: return nil
        }
    }

    /// The shape of a whole frame that says back what was asked; `nil` of any other.
    init?(saidBack bytes: [UInt8], length: Int) {
        guard case .repeated(let first, _)? = ModbusAnswer(bytes, at: 1, end: length) else { return nil }
        self.init(unit: bytes[0], function: bytes[1], detail: first)
    }

    init(unit: UInt8, _ request: ModbusRequest) {
        switch request {
        case .read(let function, _, let count):
            self.init(unit: unit, function: function.rawValue, detail: function.dataBytes(count))
        case .loopback: self.init(unit: unit, function: ModbusFunction.diagnostics.rawValue, detail: 0)
        case .identification(let object): self.init(unit: unit, object: object)
        case .write(let write): self.init(unit: unit, function: write.function.rawValue, detail: write.address)
        }
    }
}

/// The bytes that came over an RTU line, and which whole frames are among them.
///
/// Nothing here waits or reads a clock: it is what the fuzzer and the tests feed.
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
        /// Of the whole frame; `nil` where only its bytes tell. Unit: bytes.
        let length: Int?
    }

    private var bytes = [UInt8](repeating: 0, count: 1024)
    private var count = 0
    private var awaited: Awaited?
    private var request: [UInt8] = []
    /// Bytes of the awaited answer, or of the last one, whole.
    private(set) var answer = [UInt8](repeating: 0, count: RTUFrame.longest + 4)
    private var answerLength = 0
    private var answerShape: AnswerShape?
    /// Whether another answer than the last one would be one to the same request; after its time it belongs to
    /// something older.
    var mayContradict = false
    var discipline: Discipline<AnswerShape>
    var sightings = SightingList()
    /// Since the last request: whether it came back, the unit of the last other frame, whether anything came.
    private(set) var tookEcho = false
    private(set) var other: UInt8?
    private(set) var isSilent = true
    /// Whether the request itself may come back before the answer: where it is its own answer, that must be known.
    private var mayEcho = true

    init(_ rules: Discipline<AnswerShape>.Rules) {
        discipline = Discipline(rules, devices: 256)
        request.reserveCapacity(RTUFrame.longest)
    }

    var isEmpty: Bool { count == 0 }
    /// Whether there is no room for another frame.
    var isFull: Bool { count > bytes.count - 2 * RTUFrame.longest }

    mutating func clear() {
        count = 0
        answerLength = 0
        answerShape = nil
        awaited = nil
    }

    /// A request has gone out.
    ///
    /// - Parameter mayEcho: whether the line may bring it back.
    mutating func await(_ awaited: Awaited, request: [UInt8], mayEcho: Bool = true) {
        self.awaited = awaited
        self.mayEcho = mayEcho
        self.request.removeAll(keepingCapacity: true)
        self.request.append(contentsOf: request)
        (tookEcho, other, isSilent) = (false, nil, true)
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
    mutating func next(now: Int64) -> Step {
        while let awaited {
            let isThere = length(of: awaited, at: 0).map { count >= $0 } ?? false
            if isAnswer(awaited, at: 0), !isThere, !isEcho(at: 0) { return .needMore }
            guard let (place, length) = firstFrame() else {
                return isAnswer(awaited, at: 0) && isThere ? .damaged : .needMore
            }
            if place > 0 { skip(place) }
            defer { drop(length) }
            if length == request.count, isEcho(at: 0), mayEcho, !tookEcho {
                tookEcho = true
                continue
            }
            if length == self.length(of: awaited, at: 0), isAnswer(awaited, at: 0) {
                keepAnswer(awaited.shape, length)
                return .answer
            }
            let isRefusal =
                bytes[0] == awaited.shape.unit && bytes[1] == awaited.shape.function | ModbusFunction.exceptionBit
            if isRefusal, case .exception(let code)? = ModbusAnswer(bytes, at: 1, end: length) {
                return .exception(code)
            }
            other = bytes[0]
            see(length, now: now)
        }
        return .needMore
    }

    /// What has come with nothing awaited. Returns whether it repeats or contradicts the last answer.
    mutating func takeRest(now: Int64) -> (repeats: Bool, contradicts: Bool) {
        var rest = (repeats: false, contradicts: false)
        while let (place, length) = firstFrame() {
            if place > 0 { skip(place) }
            switch see(length, now: now) {
            case .duplicate: rest.repeats = true
            case .conflicting: rest.contradicts = true
            default: break
            }
            drop(length)
        }
        if count > 0 { skip(count) }
        return rest
    }

    // MARK: Frames

    /// Where the first whole frame is, and how long it is.
    private func firstFrame() -> (place: Int, length: Int)? {
        var place = 0
        while count - place >= RTUFrame.shortest {
            if let length = awaited?.length, let awaited, isAnswer(awaited, at: place), place + length <= count,
                RTUFrame.isWhole(bytes, place..<(place + length))
            {
                return (place, length)
            }
            if let length = RTUFrame.answerLength(bytes, at: place, end: count), place + length <= count,
                RTUFrame.isWhole(bytes, place..<(place + length))
            {
                return (place, length)
            }
            if let length = requestLength(at: place) { return (place, length) }
            place += 1
        }
        return nil
    }

    /// How long the awaited answer is if it begins here; `nil` until its bytes tell. Unit: bytes.
    private func length(of awaited: Awaited, at place: Int) -> Int? {
        awaited.length ?? RTUFrame.answerLength(bytes, at: place, end: count)
    }

    /// The length of the whole request that begins here; `nil` when there is none.
    private func requestLength(at place: Int) -> Int? {
        guard let length = RTUFrame.requestLength(bytes, at: place, end: count), place + length <= count,
            RTUFrame.isWhole(bytes, place..<(place + length))
        else { return nil }
        return length
    }

    private func isEcho(at place: Int) -> Bool {
        guard !request.isEmpty else { return false }
        for offset in 0..<min(request.count, count - place) where bytes[place + offset] != request[offset] {
            return false
        }
        return count > place
    }

    /// Whether what begins here is, as far as it has come, the awaited answer.
    private func isAnswer(_ awaited: Awaited, at place: Int) -> Bool {
        let there = count - place
        guard there > 0, bytes[place] == awaited.shape.unit else { return false }
        guard there > 1 else { return true }
        guard bytes[place + 1] == awaited.shape.function else { return false }
        if awaited.shape.function == ModbusFunction.encapsulatedInterface.rawValue {
            // Its type and access are said back, and the object is the one asked for.
            return (there < 3 || bytes[place + 2] == ModbusFunction.identificationType)
                && (there < 4 || bytes[place + 3] == ModbusFunction.oneObject)
                && (there < 9 || Int(bytes[place + 8]) == awaited.shape.detail)
        }
        guard awaited.shape.function <= ModbusFunction.readInputRegisters.rawValue else {
            // Said back: unit, function, and the four bytes behind it.
            for offset in 2..<max(2, min(6, there)) where bytes[place + offset] != request[offset] { return false }
            return true
        }
        return there < 3 || Int(bytes[place + 2]) == awaited.shape.detail
    }

    private mutating func keepAnswer(_ shape: AnswerShape, _ length: Int) {
        for place in 0..<length { answer[place] = bytes[place] }
        answerLength = length
        answerShape = shape
    }

    /// Says what a whole frame is that is not the answer.
    @discardableResult
    private mutating func see(_ length: Int, now: Int64) -> LinkSighting.Kind {
        let kind = kind(length, now: now)
        sightings.note(kind, unit: bytes[0])
        return kind
    }

    private mutating func kind(_ length: Int, now: Int64) -> LinkSighting.Kind {
        let unit = bytes[0]
        let function = bytes[1]
        let stray: LinkSighting.Kind = awaited == nil ? .unsolicited : .mismatched
        if function & ModbusFunction.exceptionBit != 0 {
            let refused = function & ~ModbusFunction.exceptionBit
            // It tells the function only: which of those that are owed it is of stays open, and all of them are waited
            // for.
            return discipline.contains(now: now, where: { $0.unit == unit && $0.function == refused }) ? .late : stray
        }
        let shape = AnswerShape(ofRTU: bytes, length: length)
        if let shape, discipline.takeLate(shape, now: now) { return .late }
        if shape == nil, let back = AnswerShape(saidBack: bytes, length: length) {
            if discipline.takeLate(back, now: now) { return .late }
            if answerShape == back, length == answerLength { return .duplicate }
        }
        if let shape, let answerShape, answerShape == shape {
            var isSame = length == answerLength
            for place in 0..<min(length, answerLength) where bytes[place] != answer[place] { isSame = false }
            if isSame { return .duplicate }
            if awaited?.shape != shape, mayContradict { return .conflicting }
        }
        let isRead = function <= ModbusFunction.readInputRegisters.rawValue
        if requestLength(at: 0) == length, isRead || awaited?.shape.unit != unit { return .foreignRequest }
        if shape != nil { discipline.doubt(Int(unit)) }
        return stray
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
