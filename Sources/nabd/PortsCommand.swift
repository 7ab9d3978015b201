import ArgumentParser
import DeviceModel
import SerialPorts

struct PortsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ports",
        abstract: "The serial ports of this machine: who holds each, and the udev rule that gives it a name.",
        discussion: """
            A name like ttyUSB0 moves when something is plugged in; /dev/nabd/<name> stays. No port is opened. Rules \
            belong in \(PortRule.file).
            """
    ).examples(
        "nabd ports", "nabd ports /dev/ttyUSB0 --name pump-a > 70-nabd.rules",
        "sudo cp 70-nabd.rules /etc/udev/rules.d/", "sudo udevadm control --reload",
        "sudo udevadm trigger --subsystem-match=tty")
    @Argument(help: "Only the rule of this port.") var port: String?
    @Option(help: "The name that it is to have below /dev/nabd, as “line” of the configuration says it.")
    var name: String?
    @Flag(help: "A JSON line for each port.") var json = false

    func validate() throws {
        if let name, !PortRule.isName(name) {
            throw ValidationError(
                "“\(name)” is no name for a port: letters, digits, hyphens, dots and underscores, at most 40")
        }
        if name != nil, port == nil { throw ValidationError("--name needs the port that is to have it") }
    }

    func run() throws {
        let folders = PortFolders()
        let adapters = folders.adapters()
        if let port { return try tell(port, adapters) }
        if adapters.isEmpty, !json {
            print("this machine has no serial port now: plug the adapter in; dmesg tells what the kernel makes of it")
        }
        let holders = folders.holders(of: adapters.map(\.device))
        var hasPlaceholder = false
        for adapter in adapters {
            let name = adapter.givenName ?? PortRule.placeholder
            let rule = PortRule(adapter, among: adapters, name: name)
            let held = holders[adapter.device] ?? []
            if json {
                print(Self.json(adapter, held, rule).text)
            } else {
                print(Self.words(adapter, held, rule))
                hasPlaceholder = hasPlaceholder || adapter.givenName == nil
            }
        }
        if hasPlaceholder {
            print(
                "\nNames are yours: “nabd ports PORT --name pump-a” prints one rule with its name, for "
                    + "\(PortRule.file)."
            )
        }
    }

    /// One port's rule, as the file takes it.
    private func tell(_ port: String, _ adapters: [SerialAdapter]) throws {
        guard let adapter = adapters.first(where: { $0.device == port || $0.name == port || $0.links.contains(port) })
        else {
            let known = adapters.map(\.device).joined(separator: ", ")
            throw Failure(
                .bad, "\(port) is no serial port of this machine\(known.isEmpty ? "" : "; it has \(known)")")
        }
        guard
            let rule = PortRule(
                adapter, among: adapters, name: name ?? adapter.givenName ?? PortRule.placeholder)
        else { throw Failure(.bad, Self.hasNoRule(adapter)) }
        print(json ? Self.json(adapter, [], rule).text : "# \(adapter.name): \(rule.remark)\n\(rule.text)")
    }

    private static func hasNoRule(_ adapter: SerialAdapter) -> String {
        "\(adapter.device) can be told from others by nothing: it has no serial number of its own, and udev does not "
            + "say where it is plugged in (is udev running?)"
    }

    private static func about(_ adapter: SerialAdapter) -> String {
        guard let usb = adapter.usb else { return "a port of the board" }
        let words = usb.words.isEmpty ? "USB adapter" : usb.words
        return "\(words) (\(usb.vendor):\(usb.product)), "
            + (usb.serial.map { "serial number \($0)" } ?? "without a serial number") + ", interface \(usb.interface)"
    }

    private static func words(_ adapter: SerialAdapter, _ held: [PortHolder], _ rule: PortRule?) -> String {
        var rows = ["\(adapter.device): \(about(adapter))"]
        if !adapter.links.isEmpty { rows.append("  names  \(adapter.links.joined(separator: ", "))") }
        if let path = adapter.path { rows.append("  path   \(path)") }
        let holders = held.map(\.description).joined(separator: ", ")
        rows.append("  held   \(holders.isEmpty ? "by nobody, as far as this user may see" : "by \(holders)")")
        if let rule {
            rows += ["  rule   \(rule.text)", "         \(rule.remark)"]
        } else {
            rows.append("  rule   none: \(hasNoRule(adapter))")
        }
        return rows.joined(separator: "\n")
    }

    private static func json(_ adapter: SerialAdapter, _ held: [PortHolder], _ rule: PortRule?) -> JSON {
        JSON.members([
            "port": .string(adapter.device), "names": .array(adapter.links.map(JSON.string)),
            "usb": adapter.usb.map { usb in
                JSON.members([
                    "vendor": .string(usb.vendor), "product": .string(usb.product),
                    "serial": usb.serial.map(JSON.string), "interface": .string(usb.interface),
                    "words": .string(usb.words),
                ])
            },
            "path": adapter.path.map(JSON.string),
            "heldBy": .array(
                held.map {
                    .members(["process": .integer($0.process), "program": $0.program.map(JSON.string)])
                }),
            "rule": rule.map { .string($0.text) }, "ruleBasis": rule.map { .string($0.basis.rawValue) },
            "remark": rule.map { .string($0.remark) },
        ])
    }
}
