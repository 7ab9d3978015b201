package import Fieldbus
import ModbusFrames
import RealTime

/// A bus in virtual time with one device on it that answers in the order it is asked, as late as it is told.
///
/// Every register tells the number of the request that it was read by: whoever takes an answer for another's is found
/// out.
package final class SimulatedBus: ByteLine {
    /// What the device does with one request: bytes, and how long after they are to come.
    package typealias Behaviour = (_ request: [UInt8], _ number: Int) -> [Coming]

    /// Bytes, and how long after the device has begun with the request they come. Unit: ns.
    package struct Coming {
        let delay: Int64
        let bytes: [UInt8]

        package init(_ delay: Int64, _ bytes: [UInt8]) {
            self.delay = delay
            self.bytes = bytes
        }
    }

    package let clock: VirtualClock
    private let behaviour: Behaviour
    private var coming: [(time: Int64, bytes: [UInt8])] = []
    private var busyUntil: Int64 = 0
    package private(set) var requests: [[UInt8]] = []
    package private(set) var sentAt: [Int64] = []
    package private(set) var opened = 0
    /// When the last byte reached the host. Unit: ns.
    package private(set) var lastArrival: Int64 = 0

    package init(_ clock: VirtualClock, _ behaviour: @escaping Behaviour) {
        self.clock = clock
        self.behaviour = behaviour
    }

    package func open(deadline: Int64) throws(FieldbusError) {
        opened += 1
        if opened > 1, isConnection { coming.removeAll() }
    }

    /// A new connection hears nothing of the old one.
    package var isConnection = false

    package func close() {}

    package func put(_ bytes: [UInt8], at time: Int64) {
        coming.append((time, bytes))
        coming.sort { $0.time < $1.time }
    }

    /// The line is lost when something is awaited on it.
    package var breaksOnRead = false

    package func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        if breaksOnRead, sentAt.count > 1 { throw FieldbusError.disconnected(errno: 5) }
        guard let first = coming.first, first.time <= max(deadline, clock.now()) else {
            clock.sleep(until: deadline)
            return 0
        }
        clock.sleep(until: first.time)
        lastArrival = max(lastArrival, first.time)
        let count = min(first.bytes.count, buffer.count)
        for place in 0..<count { buffer[place] = first.bytes[place] }
        if count == first.bytes.count { coming.removeFirst() } else { coming[0].bytes.removeFirst(count) }
        return count
    }

    package func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
        requests.append(bytes)
        sentAt.append(clock.now())
        // One request at a time: what comes meanwhile waits its turn.
        let start = max(clock.now(), busyUntil)
        for answer in behaviour(bytes, requests.count) {
            put(answer.bytes, at: start + answer.delay)
            busyUntil = max(busyUntil, start + answer.delay)
        }
    }

    // MARK: Answers

    /// A right answer over RTU: the first register is the request's number, the others count on.
    package static func answer(_ request: [UInt8], _ number: Int) -> [UInt8] {
        RTUFrame.frame(unit: request[0], data(Array(request[1...]), number))
    }

    package static func exception(_ request: [UInt8], _ code: UInt8) -> [UInt8] {
        RTUFrame.frame(unit: request[0], ModbusAnswer.exception(request[1], code: code))
    }

    /// The same over TCP.
    package static func answerTCP(_ request: [UInt8], _ number: Int) -> [UInt8] {
        TCPFrame.frame(
            transaction: UInt16(request[0]) << 8 | UInt16(request[1]), unit: request[6],
            data(Array(request[7...]), number))
    }

    private static func data(_ request: [UInt8], _ number: Int) -> [UInt8] {
        guard let function = ModbusFunction(rawValue: request[0]), function != .diagnostics else {
            return Array(request.prefix(5))
        }
        let count = Int(request[3]) << 8 | Int(request[4])
        return ModbusAnswer.read(function, (0..<count).map { UInt16(truncatingIfNeeded: number &* 128 &+ $0) })
    }
}
