/// The bytes that came over a Modbus TCP connection, and which whole frames are among them.
///
/// Nothing here knows time or the connection itself: it is what the fuzzer and the tests feed.
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

    private static let headerLength = 7
    /// Transactions that were given up and are still known.
    private static let remembered = 64

    private var bytes = [UInt8](repeating: 0, count: 1024)
    private var count = 0
    private(set) var answer = [UInt8](repeating: 0, count: 260)
    /// Transactions that were given up, the newest last.
    private var unanswered: [UInt16] = []
    private var lastAnswered: UInt16 = 0
    var sightings = SightingList()

    init() { unanswered.reserveCapacity(Self.remembered) }

    var isEmpty: Bool { count == 0 }
    /// Bytes that may be appended at least.
    var room: Int { bytes.count - count }

    /// The connection was made anew.
    mutating func clear() {
        count = 0
        unanswered.removeAll(keepingCapacity: true)
    }

    mutating func append(_ chunk: [UInt8], count added: Int) {
        for place in 0..<min(added, room) { bytes[count + place] = chunk[place] }
        count += min(added, room)
    }

    /// The transaction is not waited for any longer.
    mutating func giveUp(_ transaction: UInt16) {
        if unanswered.count == Self.remembered { unanswered.removeFirst() }
        unanswered.append(transaction)
    }

    /// The next thing that the bytes say; `wanted` is `nil` when nothing is awaited.
    mutating func next(_ wanted: RegisterRequest?, transaction: UInt16) -> Step {
        while count >= Self.headerLength {
            let length = Int(bytes[4]) << 8 | Int(bytes[5])
            guard bytes[2] == 0, bytes[3] == 0, (3...254).contains(length) else { return .outOfStep }
            guard count >= 6 + length else { return .needMore }
            let number = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
            defer { drop(6 + length) }
            guard let wanted, number == transaction else {
                see(number, isAwaiting: wanted != nil)
                continue
            }
            guard bytes[6] == wanted.unit, bytes[7] & 0x7F == wanted.function else {
                sightings.note(.mismatched, unit: bytes[6])
                continue
            }
            lastAnswered = number
            if bytes[7] & 0x80 != 0 { return length == 3 ? .exception(bytes[8]) : .wrongContent }
            guard length == wanted.dataBytes + 3, Int(bytes[8]) == wanted.dataBytes else { return .wrongContent }
            for place in 0..<(length - 1) { answer[place] = bytes[7 + place] }
            return .answer
        }
        return .needMore
    }

    private mutating func see(_ number: UInt16, isAwaiting: Bool) {
        if let index = unanswered.firstIndex(of: number) {
            unanswered.remove(at: index)
            sightings.note(.late, unit: bytes[6])
        } else if number == lastAnswered {
            sightings.note(.duplicate, unit: bytes[6])
        } else {
            sightings.note(isAwaiting ? .mismatched : .unsolicited, unit: bytes[6])
        }
    }

    private mutating func drop(_ dropped: Int) {
        for place in dropped..<count { bytes[place - dropped] = bytes[place] }
        count -= dropped
    }
}
