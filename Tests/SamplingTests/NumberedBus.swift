import Fieldbus
import ModbusFrames
import TestSupport

/// An RTU line in virtual time whose registers tell the number of the request that they were read by: whoever takes an
/// answer for another's is found out.
final class NumberedBus: ByteLine {
    private let clock: VirtualClock
    /// When the answer to a request of now comes. Unit: ns.
    private let answersAt: (Int64) -> Int64
    private var coming: [(time: Int64, bytes: [UInt8])] = []
    private(set) var asked = 0
    /// The number of the last request before the last bytes were read.
    private(set) var askedBefore = 0

    init(_ clock: VirtualClock, answersAt: @escaping (Int64) -> Int64) {
        self.clock = clock
        self.answersAt = answersAt
    }

    var isConnection: Bool { false }
    func open(deadline: Int64) throws(FieldbusError) {}
    func close() {}

    func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        guard let first = coming.first, first.time <= max(deadline, clock.now()) else {
            clock.sleep(until: deadline)
            return 0
        }
        clock.sleep(until: first.time)
        coming.removeFirst()
        askedBefore = asked
        for place in first.bytes.indices { buffer[place] = first.bytes[place] }
        return first.bytes.count
    }

    func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
        asked += 1
        guard case .read(let function, _, let count)? = ModbusRequest(bytes, 1..<(bytes.count - 2)) else { return }
        let values = (0..<count).map { _ in UInt16(asked & 0x7FFF) }
        let time = answersAt(clock.now())
        let place = coming.firstIndex { $0.time > time } ?? coming.count
        coming.insert((time, RTUFrame.frame(unit: bytes[0], ModbusAnswer.read(function, values))), at: place)
    }
}
