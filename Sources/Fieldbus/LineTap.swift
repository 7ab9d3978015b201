import RealTime
import Synchronization

/// Stands between a host and a real line and keeps every byte that passes, so that an author sees the wire itself and
/// not what a library made of it.
///
/// The host opens ``name``; the tap passes its bytes on, a few milliseconds late.
package final class LineTap: @unchecked Sendable {
    /// Bytes that passed together.
    package struct Piece: Sendable {
        /// Unit: ns of the monotonic clock.
        package let time: Int64
        package let isFromDevice: Bool
        package let bytes: [UInt8]
    }

    /// The most bytes kept between two calls of ``take()``; beyond it the oldest go. Unit: bytes.
    static let limit = 4 << 20

    private let line: any ByteLine
    private let end: DeviceEnd
    private let pieces = Mutex<(kept: [Piece], bytes: Int)>(([], 0))
    private let stopFlag = StopFlag()
    private var thread: RealTimeThread?

    /// Where the host finds the line.
    package let name: String

    /// - Parameter settings: of a serial port; `nil` for `tcp://`.
    package init(_ address: LineAddress, settings: SerialSettings?, isTCP: Bool) throws {
        switch address {
        case .tcp(let host, let port), .rtuOverTCP(let host, let port), .modbusTCP(let host, let port):
            line = TCPLine(host: host, port: port)
        case .listening(let host, let port, let caller): line = ListeningLine(host: host, port: port, caller: caller)
        case .path(let path):
            line = SerialLine(
                path: path, settings: settings ?? SerialSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1))
        case .newPseudoTerminal: throw FieldbusError.cannotOpen(path: "pty", errno: 22)
        }
        end = try DeviceEnd(isTCP ? .tcp(host: "127.0.0.1", port: 0) : .newPseudoTerminal)
        name = end.name
        try line.open(deadline: MonotonicClock().now() + 2_000_000_000)
        thread = try RealTimeThread(name: "tap", priority: 0) { [self] in run() }
    }

    package func stop() {
        stopFlag.set()
        thread?.join()
        thread = nil
        line.close()
    }

    /// What has passed since the last call, in order.
    package func take() -> [Piece] {
        pieces.withLock { state in
            defer { state = ([], 0) }
            return state.kept
        }
    }

    private func run() {
        let clock = MonotonicClock()
        var buffer = [UInt8](repeating: 0, count: 1024)
        while !stopFlag.isSet {
            do throws(FieldbusError) {
                let received = try line.read(into: &buffer, deadline: clock.now() + 2_000_000)
                if received > 0 {
                    let bytes = Array(buffer[..<received])
                    keep(Piece(time: clock.now(), isFromDevice: true, bytes: bytes))
                    end.write(bytes, nanosecondsPerByte: 0)
                }
                let sent = try end.read(into: &buffer, deadline: clock.now() + 1_000_000)
                if sent > 0 {
                    let bytes = Array(buffer[..<sent])
                    keep(Piece(time: clock.now(), isFromDevice: false, bytes: bytes))
                    try line.write(bytes, deadline: clock.now() + 1_000_000_000)
                }
            } catch {
                clock.sleep(until: clock.now() + 200_000_000)
                try? line.open(deadline: clock.now() + 1_000_000_000)
            }
        }
    }

    private func keep(_ piece: Piece) {
        pieces.withLock { state in
            state.kept.append(piece)
            state.bytes += piece.bytes.count
            while state.bytes > Self.limit, !state.kept.isEmpty { state.bytes -= state.kept.removeFirst().bytes.count }
        }
    }
}
