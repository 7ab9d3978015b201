import DevicePlans
import Dispatch
import Fieldbus
import Foundation
import NabdHost
import RealTime
import Synchronization

/// What can be known of lines over the network by connecting to them. Nothing is said on them.
struct NetworkFinding {
    /// How long a connection may take, and how long the name of a host.
    private static let limit: Int64 = 2_000_000_000
    private static let limitWithName = DispatchTimeInterval.milliseconds(2_500)

    let address: LineAddress
    /// What is wrong with it, in a sentence; `nil` when nothing is.
    let fault: String?

    /// One for each line that is not a port of this machine, looked at all at once.
    static func all(_ lines: [LineAddress]) -> [NetworkFinding] {
        let lines = lines.filter { if case .path = $0 { false } else { true } }
        let found = Answers()
        let group = DispatchGroup()
        for (place, address) in lines.enumerated() {
            DispatchQueue.global().async(group: group) { found.take(place, fault(of: address)) }
        }
        _ = group.wait(timeout: .now() + limitWithName)
        let answers = found.all
        return lines.enumerated().map { place, address in
            NetworkFinding(
                address: address,
                fault: answers[place]
                    ?? "\(address) was not found within 2 s: does DNS answer? Or give the address itself")
        }
    }

    private static func fault(of address: LineAddress) -> String? {
        do throws(FieldbusError) {
            let deadline = MonotonicClock().now() + limit
            switch address {
            case .path, .newPseudoTerminal: break
            case .tcp(let host, let port), .rtuOverTCP(let host, let port), .modbusTCP(let host, let port):
                let line = TCPLine(host: host, port: port)
                try line.open(deadline: deadline)
                line.close()
            case .listening(let host, let port, let caller):
                try ListeningLine(host: host, port: port, caller: caller).open(deadline: deadline)
            }
            return nil
        } catch { return error.description }
    }

    /// What came, by the line's place: of one that is right, nothing.
    private final class Answers: Sendable {
        private let held = Mutex<[Int: String?]>([:])

        var all: [Int: String?] { held.withLock { $0 } }

        func take(_ place: Int, _ fault: String?) { held.withLock { $0[place] = .some(fault) } }
    }
}
