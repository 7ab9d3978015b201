import ModbusFrames

/// The bytes that came over a Modbus TCP connection, and which whole frames are among them.
///
/// Nothing here knows time or the connection itself: it is what the fuzzer and the tests feed. An answer is as long as
/// its function says; what a header tells beyond that is padding, which some devices send and some only announce.
struct TCPInbox {
    enum Step: Equatable {
        case needMore
        /// The awaited answer is in ``answer``, from its function code on.
        case answer
        case exception(UInt8)
        /// The awaited transaction was answered with something else than was asked.
        case wrongContent
        /// What came is no Modbus TCP: where the next answer begins is not known any more.
        case outOfStep
    }

    /// The answer that is awaited.
    struct Awaited {
        let transaction: UInt16
        let unit: UInt8
        let function: UInt8
        /// From the function code on; `nil` where only its bytes tell. Unit: bytes.
        let length: Int?
        /// Data bytes of a read; `nil` for what is said back.
        let dataBytes: Int?
        /// The object of the device identification that is asked for.
        let object: UInt8?
    }

    /// A transaction that was given up. Unit of the time: ns.
    struct Owed: BitwiseCopyable {
        let transaction: UInt16
        let unit: UInt8
        let sent: Int64
    }

    /// Transactions that were given up and are still known.
    private static let remembered = 64

    private var bytes = [UInt8](repeating: 0, count: 1024)
    private var count = 0
    private(set) var answer = [UInt8](repeating: 0, count: TCPFrame.longest)
    /// The newest last.
    private(set) var owed: [Owed] = []
    /// The last of them that was refused after all, and with which code, since it was last asked.
    private var late: (owed: Owed, code: UInt8)?
    /// The unit of the last whole frame that is not the answer, since the last request.
    private(set) var other: UInt8?
    private var lastAnswered: UInt16 = 0
    /// Bytes that the last frame's header told of and that its function does not have: they come, or they do not.
    private var padding = 0
    var sightings = SightingList()

    init() { owed.reserveCapacity(Self.remembered) }

    var isEmpty: Bool { count == 0 }
    var holdsPart: Bool { count > padding }
    /// Bytes that may be appended at least.
    var room: Int { bytes.count - count }

    /// The connection was made anew.
    mutating func clear() {
        count = 0
        padding = 0
        owed.removeAll(keepingCapacity: true)
    }

    mutating func append(_ chunk: [UInt8], count added: Int) {
        for place in 0..<min(added, room) { bytes[count + place] = chunk[place] }
        count += min(added, room)
    }

    /// A request goes out.
    mutating func ask() {
        other = nil
        if count <= padding { count = 0 }
        padding = 0
    }

    /// The transaction is not waited for any longer.
    mutating func giveUp(_ transaction: UInt16, unit: UInt8, sent: Int64) {
        if owed.count == Self.remembered { owed.removeFirst() }
        owed.append(Owed(transaction: transaction, unit: unit, sent: sent))
    }

    mutating func takeLateRefusal() -> (owed: Owed, code: UInt8)? {
        defer { late = nil }
        return late
    }

    /// The next thing that the bytes say; `awaited` is `nil` when nothing is awaited.
    mutating func next(_ awaited: Awaited?) -> Step {
        while count >= TCPFrame.headerLength {
            if padding > 0, skipPadding() { continue }
            guard TCPFrame.isModbus(bytes, at: 0), let header = TCPFrame(bytes, at: 0, end: count) else {
                return .outOfStep
            }
            if let awaited, header.transaction == awaited.transaction, header.unit == awaited.unit,
                count > TCPFrame.headerLength,
                bytes[TCPFrame.headerLength] & ~ModbusFunction.exceptionBit == awaited.function
            {
                guard let step = take(awaited, header) else { return .needMore }
                return step
            }
            var end = header.end
            if let length = ModbusAnswer.length(bytes, at: TCPFrame.headerLength, end: count) {
                end = min(end, TCPFrame.headerLength + length)
            }
            guard count >= end else { return .needMore }
            see(header, isAwaiting: awaited != nil)
            padding = header.end - end
            drop(end)
        }
        return .needMore
    }

    /// The awaited answer, by the length that its function has; `nil` until it is whole.
    private mutating func take(_ awaited: Awaited, _ header: TCPFrame) -> Step? {
        let start = TCPFrame.headerLength
        guard let length = ModbusAnswer.length(bytes, at: start, end: count) else {
            guard awaited.object != nil, count >= header.end else { return nil }
            drop(header.end)
            lastAnswered = header.transaction
            return .wrongContent
        }
        if let dataBytes = awaited.dataBytes, bytes[start] == awaited.function, Int(bytes[start + 1]) != dataBytes {
            guard count >= header.end else { return nil }
            drop(header.end)
            lastAnswered = header.transaction
            return .wrongContent
        }
        // Told shorter than it is: what its header says is not true.
        guard start + length <= header.end else { return .outOfStep }
        guard count >= start + length else { return nil }
        lastAnswered = header.transaction
        let found = ModbusAnswer(bytes, at: start, end: count)
        for place in 0..<min(length, answer.count) { answer[place] = bytes[start + place] }
        padding = max(0, header.end - start - length)
        drop(start + length)
        if case .exception(let code)? = found { return .exception(code) }
        if case .object(let object, _)? = found { return object == awaited.object ? .answer : .wrongContent }
        return length == awaited.length ? .answer : .wrongContent
    }

    /// Takes off what the last header told of too much, unless another frame begins there. Returns whether anything
    /// went.
    private mutating func skipPadding() -> Bool {
        let told = padding
        padding = 0
        guard !TCPFrame.isModbus(bytes, at: 0) else { return false }
        drop(min(told, count))
        return true
    }

    private mutating func see(_ header: TCPFrame, isAwaiting: Bool) {
        if let index = owed.firstIndex(where: { $0.transaction == header.transaction }) {
            let found = owed.remove(at: index)
            if case .exception(let code)? = ModbusAnswer(bytes, at: TCPFrame.headerLength, end: count) {
                late = (found, code)
            }
            sightings.note(.late, unit: header.unit)
        } else if header.transaction == lastAnswered {
            sightings.note(.duplicate, unit: header.unit)
        } else {
            if isAwaiting { other = header.unit }
            sightings.note(isAwaiting ? .mismatched : .unsolicited, unit: header.unit)
        }
    }

    private mutating func drop(_ dropped: Int) {
        for place in dropped..<count { bytes[place - dropped] = bytes[place] }
        count -= dropped
    }
}
