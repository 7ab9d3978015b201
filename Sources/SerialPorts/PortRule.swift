/// The udev rule that gives a port a name below `/dev/nabd`, to the group `nabd`, and keeps ModemManager away from it.
package struct PortRule: Sendable, Equatable {
    /// What stands for a name that nobody has chosen yet.
    package static let placeholder = "NAME"
    /// Where the rules belong: behind udev's own, which find out what the rules compare with.
    package static let file = "/etc/udev/rules.d/70-nabd.rules"

    /// By what the port is known.
    package enum Basis: String, Sendable {
        case serial
        /// By the socket that it is plugged into.
        case path
        /// By the kernel's name, of a port of the board.
        case kernel
    }

    package let basis: Basis
    /// The rule's line.
    package let text: String
    /// What somebody must know who plugs it in elsewhere.
    package let remark: String

    /// The rule of a port among all that are there; `nil` where nothing is known by which it could be told.
    package init?(_ adapter: SerialAdapter, among all: [SerialAdapter], name: String) {
        var matches: [String] = []
        let others = all.filter { $0.name != adapter.name }
        if let usb = adapter.usb {
            let twin = usb.serial.flatMap { _ in others.first { Self.areTwins($0.usb, usb) } }
            if let serial = usb.serial, twin == nil {
                basis = .serial
                remark = "known by its serial number, wherever it is plugged in"
                matches = [
                    Self.property("ID_VENDOR_ID", usb.vendor), Self.property("ID_MODEL_ID", usb.product),
                    Self.property("ID_SERIAL_SHORT", serial), Self.property("ID_USB_INTERFACE_NUM", usb.interface),
                ]
            } else {
                guard let path = adapter.path else { return nil }
                basis = .path
                let why =
                    twin.map { "\($0.name) has the same serial number" } ?? "it has no serial number of its own"
                remark = "\(why): known by the socket, so whatever is plugged in there gets this name"
                matches = [Self.property("ID_PATH", path)]
            }
            // Ports of one interface differ by their count only.
            if let port = usb.port, others.contains(where: { Self.shareInterface($0, adapter) }) {
                matches.append("ATTRS{port_number}==\"\(port)\"")
            }
        } else {
            basis = .kernel
            remark = "a port of the board: the kernel's name for it stays"
            matches = ["KERNEL==\"\(adapter.name)\""]
        }
        text =
            (["SUBSYSTEM==\"tty\""] + matches + [
                "GROUP=\"nabd\"", "MODE=\"0660\"", "SYMLINK+=\"nabd/\(name)\"", "ENV{ID_MM_DEVICE_IGNORE}=\"1\"",
            ]).joined(separator: ", ")
    }

    /// Whether a name can stand in a rule and below `/dev/nabd`.
    package static func isName(_ text: String) -> Bool {
        text.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]{0,39}/) != nil
    }

    private static func property(_ name: String, _ value: String) -> String { "ENV{\(name)}==\"\(value)\"" }

    /// Whether two adapters say the same of themselves, so that no rule tells them apart by it.
    private static func areTwins(_ one: SerialAdapter.USB?, _ other: SerialAdapter.USB) -> Bool {
        guard let one else { return false }
        return (one.vendor, one.product, one.serial, one.interface, one.port)
            == (other.vendor, other.product, other.serial, other.interface, other.port)
    }

    private static func shareInterface(_ one: SerialAdapter, _ other: SerialAdapter) -> Bool {
        guard let left = one.usb, let right = other.usb else { return false }
        if let serial = left.serial {
            return (left.vendor, left.product, serial, left.interface)
                == (right.vendor, right.product, right.serial ?? "", right.interface)
        }
        return one.path != nil && one.path == other.path
    }
}
