import CPosix
import Glibc
import RealTime

/// An open file descriptor that carries bytes, closed once.
struct Descriptor {
    private(set) var number: Int32 = -1

    var isOpen: Bool { number >= 0 }

    init() {}

    init(owning number: Int32) {
        self.number = number
        let flags = fcntl(number, F_GETFL)
        _ = fcntl(number, F_SETFL, flags | O_NONBLOCK)
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    }

    mutating func close() {
        if number >= 0 { Glibc.close(number) }
        number = -1
    }

    /// Waits until the descriptor is ready; `false` when the deadline has passed, or when the bell was rung.
    func wait(for events: Int16, deadline: Int64, clock: MonotonicClock, bell: Bell? = nil) throws(FieldbusError)
        -> Bool
    {
        while true {
            let ready = nabd_wait_or_bell(number, events, bell?.descriptor ?? -1, deadline - clock.now())
            if ready == -EINTR { continue }
            if ready == 0 { return false }
            if ready < 0 { throw FieldbusError.disconnected(errno: -ready) }
            if Int16(truncatingIfNeeded: ready) & events != 0 { return true }
            throw FieldbusError.disconnected(errno: ready & Int32(POLLHUP) != 0 ? EIO : EBADF)
        }
    }

    func read(into buffer: inout [UInt8], deadline: Int64, clock: MonotonicClock, bell: Bell? = nil)
        throws(FieldbusError) -> Int
    {
        guard isOpen else { throw FieldbusError.disconnected(errno: EBADF) }
        // Asked for first: libserialport leaves VMIN at 0, and such a port answers an empty read with 0 bytes, as a
        // closed one does.
        while try wait(for: Int16(POLLIN), deadline: deadline, clock: clock, bell: bell) {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(number, $0.baseAddress, $0.count) }
            if count > 0 { return count }
            if count == 0 { throw FieldbusError.disconnected(errno: 0) }
            if errno != EINTR, errno != EAGAIN { throw FieldbusError.disconnected(errno: errno) }
        }
        return 0
    }

    func write(_ bytes: [UInt8], deadline: Int64, clock: MonotonicClock) throws(FieldbusError) {
        guard isOpen else { throw FieldbusError.disconnected(errno: EBADF) }
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress.map { $0 + sent }, $0.count - sent) }
            if count > 0 {
                sent += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                if try !wait(for: Int16(POLLOUT), deadline: deadline, clock: clock) { throw FieldbusError.timedOut }
            default: throw FieldbusError.disconnected(errno: errno)
            }
        }
    }
}
