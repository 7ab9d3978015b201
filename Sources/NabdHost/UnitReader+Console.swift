package import Console
import StrictYAML

/// Where a unit serves its screens.
package struct ConsolePlace: Sendable {
    /// Further names by which screens reach the server, and their length. Unit of the length: bytes.
    static let mostHosts = 8
    static let longestHost = 260
    /// A Unix socket's path, at most. Unit: bytes. Source: unix(7), `sun_path`.
    static let longestPath = 107

    package let address: ConsoleAddress
    package let hosts: [String]
    /// The folder of the screen's files, as the configuration names it; `nil`: the one that comes with the program.
    let web: String?
    private var shipped = "/usr/share/nabd/screen"

    init(address: ConsoleAddress, hosts: [String], web: String?) {
        (self.address, self.hosts, self.web) = (address, hosts, web)
    }

    /// The folder that comes with the program, where it is another than the package's.
    package mutating func setShipped(_ folder: String) { shipped = folder }

    package var files: String { web ?? shipped }

    /// Why its files cannot be shown; `nil` where they can.
    package var fault: String? { ScreenFiles(folder: files).failure }
}

extension UnitReader {
    mutating func readConsole(_ map: YAMLMapping) {
        map.allow(["port", "socket", "hosts", "web", "far"])
        let web = map["web"]?.text("the folder of the screen's files").map(absolute)
        let hosts = (map["hosts"]?.listOrOne() ?? []).compactMap(host)
        if hosts.count > ConsolePlace.mostHosts {
            map["hosts"]?.error("a unit's screens are reached by at most \(ConsolePlace.mostHosts) further names")
        }
        switch (map["port"], map["socket"]) {
        case (let value?, nil):
            guard let port = value.int("the port on 127.0.0.1", 1...65535) else { return }
            unit.console = ConsolePlace(address: .port(port), hosts: hosts, web: web)
        case (nil, let value?):
            guard let path = value.text("the socket's path").map(absolute) else { return }
            guard path.utf8.count <= ConsolePlace.longestPath else {
                return value.error("a socket's path has at most \(ConsolePlace.longestPath) bytes: \(path)")
            }
            unit.console = ConsolePlace(address: .socket(path), hosts: hosts, web: web)
        case (_?, let socket?): socket.error("give either “port” or “socket”")
        case (nil, nil): map.value.error("give a “port” on 127.0.0.1, or a “socket” for a proxy of it")
        }
    }

    /// A name with or without a port, such as `unit.local:8100`.
    private func host(_ value: YAMLValue) -> String? {
        guard let text = value.text("a name by which screens reach the server") else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let isName = parts[0].utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isName, !parts[0].isEmpty, parts.count <= 2, parts.count == 1 || UInt16(parts[1]) ?? 0 > 0,
            text.utf8.count <= ConsolePlace.longestHost
        else {
            value.error(
                "a name is lower-case letters, digits, hyphens and dots, with or without a port; found “\(text)”")
            return nil
        }
        return text
    }
}
