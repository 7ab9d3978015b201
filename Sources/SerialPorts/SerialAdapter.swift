import Foundation

/// A serial port that this machine has now, as the kernel and udev describe it.
package struct SerialAdapter: Sendable, Equatable {
    /// What an adapter says of itself on USB. Of words only what a udev rule can hold is kept.
    package struct USB: Sendable, Equatable {
        /// Four hexadecimal digits each.
        package let vendor: String
        package let product: String
        /// `nil` for one that has no number of its own.
        package let serial: String?
        /// The interface's number, two digits: an adapter of several ports has one for each, or counts them.
        package let interface: String
        /// Which of the interface's ports it is; `nil` where the kernel does not count them.
        package let port: String?
        /// What it calls itself.
        package let words: String
    }

    /// The kernel's name, such as `ttyUSB0`. It moves when something is plugged in.
    package let name: String
    /// `nil` for a port of the board.
    package let usb: USB?
    /// Where it is plugged in, as udev has it (`ID_PATH`); `nil` where udev does not tell.
    package let path: String?
    /// Its other names below /dev, sorted.
    package let links: [String]

    package var device: String { "/dev/\(name)" }

    /// Its name below `/dev/nabd`, where a rule has given it one.
    package var givenName: String? {
        links.first { $0.hasPrefix("/dev/nabd/") }.map { String($0.dropFirst("/dev/nabd/".count)) }
    }
}

/// The folders in which the kernel and udev tell of ports.
package struct PortFolders: Sendable {
    /// What stands before `/sys`, `/run`, `/dev` and `/proc`: empty on a machine.
    let root: String

    package init(root: String = "") { self.root = root }

    /// The serial ports that are there, by their names. Terminals without a device behind them, and ports that the
    /// kernel only keeps room for, are none.
    package func adapters() -> [SerialAdapter] {
        names("/sys/class/tty").compactMap(adapter).sorted {
            $0.name.localizedStandardCompare($1.name) == .orderedAscending
        }
    }

    private func adapter(_ name: String) -> SerialAdapter? {
        let folder = "/sys/class/tty/\(name)"
        guard let device = resolved("\(folder)/device"), text("\(folder)/type") != "0" else { return nil }
        let known = udev(text("\(folder)/dev") ?? "")
        return SerialAdapter(
            name: name, usb: usb(device, known.properties), path: Self.clean(known.properties["ID_PATH"]),
            links: known.links)
    }

    private func usb(_ device: String, _ properties: [String: String]) -> SerialAdapter.USB? {
        var interface: String?
        var folder = device
        while folder.count > root.count + "/sys".count {
            if interface == nil { interface = Self.clean(read("\(folder)/bInterfaceNumber")) }
            if let interface, let vendor = Self.clean(read("\(folder)/idVendor")),
                let product = Self.clean(read("\(folder)/idProduct"))
            {
                let words = ["manufacturer", "product"].compactMap { read("\(folder)/\($0)") }.joined(separator: " ")
                return SerialAdapter.USB(
                    vendor: vendor, product: product,
                    // What udev says is what its rules compare with.
                    serial: properties.isEmpty
                        ? Self.clean(read("\(folder)/serial")) : Self.clean(properties["ID_SERIAL_SHORT"]),
                    interface: interface, port: Self.clean(read("\(device)/port_number")), words: words)
            }
            folder = URL(fileURLWithPath: folder).deletingLastPathComponent().path
        }
        return nil
    }

    /// What udev keeps of a device by its numbers, such as `188:0`: properties, and names below /dev.
    private func udev(_ number: String) -> (properties: [String: String], links: [String]) {
        var properties: [String: String] = [:]
        var links: [String] = []
        for line in (read("\(root)/run/udev/data/c\(number)") ?? "").split(separator: "\n") {
            if line.hasPrefix("S:") { links.append("/dev/\(line.dropFirst(2))") }
            let pair = line.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
            if line.hasPrefix("E:"), pair.count == 2 { properties[pair[0]] = pair[1] }
        }
        return (properties, links.sorted())
    }

    /// A word as udev keeps it: what its rules could not hold becomes an underscore. `nil` when nothing is left.
    private static func clean(_ text: String?) -> String? {
        guard let text, !text.isEmpty else { return nil }
        return String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "#+-.:=@_".contains($0)) ? $0 : "_" })
    }

    // MARK: Files

    func names(_ folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: root + folder)) ?? []
    }

    func text(_ path: String) -> String? { read(root + path) }

    /// A small file's first lines without the end of the last.
    private func read(_ path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Where a link leads; `nil` when there is nothing.
    private func resolved(_ path: String) -> String? {
        guard FileManager.default.fileExists(atPath: root + path) else { return nil }
        return URL(fileURLWithPath: root + path).resolvingSymlinksInPath().path
    }
}
