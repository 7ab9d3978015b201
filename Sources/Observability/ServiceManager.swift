import CPosix
import Foundation

/// The service manager that started this process, where one asked to be told how it is. Each word is one datagram.
/// Source: sd_notify(3), systemd.service(5), “WatchdogSec”.
package struct ServiceManager: Sendable {
    package enum Word: Sendable, Hashable {
        /// What was asked for runs.
        case ready
        /// The configuration is being read anew; `ready` follows. Unit: ns of the system's monotonic clock.
        case reloading(at: Int64)
        case stopping
        /// A sign of life.
        case alive
        /// No sign of life is to be waited for: a manager that waits for some replaces this process at once.
        case stuck
        /// How it is, in a sentence.
        case status(String)

        var line: String {
            switch self {
            case .ready: "READY=1"
            case .reloading(let time): "RELOADING=1\nMONOTONIC_USEC=\(time / 1000)"
            case .stopping: "STOPPING=1"
            case .alive: "WATCHDOG=1"
            case .stuck: "WATCHDOG=trigger"
            case .status(let text): "STATUS=\(text.split(whereSeparator: \.isNewline).joined(separator: " "))"
            }
        }
    }

    private let address: String
    /// How long it waits for a sign of life before it replaces the process; `nil` where it does not. Unit: ns.
    package let patience: Int64?

    /// - Parameters:
    ///   - environment: the process's own.
    ///   - process: the process's number: a sign of life of another is not asked for.
    /// - Returns: `nil` where nobody asked.
    package init?(
        environment: [String: String] = ProcessInfo.processInfo.environment, process: Int32 = getpid()
    ) {
        guard let address = environment["NOTIFY_SOCKET"], address.hasPrefix("/") || address.hasPrefix("@") else {
            return nil
        }
        self.address = address
        let isOurs = environment["WATCHDOG_PID"].map { Int32($0) == process } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init) ?? 0
        patience = isOurs && (1...Int64.max / 1000).contains(microseconds) ? microseconds * 1000 : nil
    }

    /// Tells it. A manager that does not listen is not waited for.
    ///
    /// - Returns: whether it was told.
    @discardableResult
    package func tell(_ words: Word...) -> Bool {
        let text = words.map(\.line).joined(separator: "\n")
        return nabd_notify(address, text, text.utf8.count) == 0
    }
}
