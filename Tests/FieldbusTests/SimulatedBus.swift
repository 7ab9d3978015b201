import RealTime
import TestSupport

@testable import Fieldbus

/// Time that passes only when somebody waits.
final class VirtualClock: MonotonicTime, @unchecked Sendable {
    private(set) var time: Int64 = 1_000_000_000

    func now() -> Int64 { time }

    func sleep(until deadline: Int64) { time = max(time, deadline) }
}

/// A bus in virtual time with one device on it that answers in the order it is asked, as late as it is told.
///
/// Every register tells the number of the request that it was read by: whoever takes an answer for another's is found out.
final class SimulatedBus: ByteLine {
    /// What the device does with one request: bytes, and how long after they are to come.
    typealias Behaviour = (_ request: [UInt8], _ number: Int) -> [Coming]

    /// Bytes, and how long after the device has begun with the request they come. Unit: ns.
    struct Coming {
        let delay: Int64
        let bytes: [UInt8]

        init(_ delay: Int64, _ bytes: [UInt8]) {
            self.delay = delay
            self.bytes = bytes
        }
    }

    let clock: VirtualClock
    private let behaviour: Behaviour
    private var coming: [(time: Int64, bytes: [UInt8])] = []
    private var busyUntil: Int64 = 0
    private(set) var requests: [[UInt8]] = []
    private(set) var sentAt: [Int64] = []
    private(set) var opened = 0
    /// When the last byte reached the host. Unit: ns.
    private(set) var lastArrival: Int64 = 0

    init(_ clock: VirtualClock, _ behaviour: @escaping Behaviour) {
        self.clock = clock
        self.behaviour = behaviour
    }

    func open(deadline: Int64) throws(FieldbusError) {
        opened += 1
        if opened > 1, isConnection { coming.removeAll() }
    }

    /// A new connection hears nothing of the old one.
    var isConnection = false

    func close() {}

    func put(_ bytes: [UInt8], at time: Int64) {
        coming.append((time, bytes))
        coming.sort { $0.time < $1.time }
    }

    /// The line is lost when something is awaited on it.
    var breaksOnRead = false

    func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
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

    func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
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
    static func answer(_ request: [UInt8], _ number: Int) -> [UInt8] {
        guard request[1] != 8 else { return request }
        let count = Int(request[4]) << 8 | Int(request[5])
        var bytes = [request[0], request[1], UInt8(count * 2)]
        for index in 0..<count {
            let value = number &* 128 &+ index
            bytes += [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
        }
        RTUFrame.appendChecksum(&bytes)
        return bytes
    }

    static func exception(_ request: [UInt8], _ code: UInt8) -> [UInt8] {
        var bytes = [request[0], request[1] | 0x80, code]
        RTUFrame.appendChecksum(&bytes)
        return bytes
    }

    /// The same over TCP.
    static func answerTCP(_ request: [UInt8], _ number: Int) -> [UInt8] {
        let count = Int(request[10]) << 8 | Int(request[11])
        var bytes = Array(request[0..<4]) + [0, UInt8(3 + count * 2), request[6], request[7], UInt8(count * 2)]
        for index in 0..<count {
            let value = number &* 128 &+ index
            bytes += [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
        }
        return bytes
    }
}
