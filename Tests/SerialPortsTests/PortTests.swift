import CPosix
import Foundation
import TestSupport
import Testing

@testable import SerialPorts

/// A made-up machine: the files of the kernel and of udev below a folder.
private struct MadeUpMachine {
    let folder: TemporaryFolder
    var ports: PortFolders { PortFolders(root: folder.path) }

    /// Ports are in memory, as `/dev` is: the kernel's list of locks calls files of other file systems by other numbers
    /// than `stat` does.
    init() throws { folder = try TemporaryFolder(in: "/dev/shm") }

    private func link(_ path: String, to target: String) throws {
        let whole = "\(folder.path)\(path)"
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: whole).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: whole, withDestinationPath: target)
    }

    /// A port of a USB adapter, as `usbserial` shows it.
    ///
    /// - Parameters:
    ///   - place: the socket, such as `1-1.2`.
    ///   - udev: what udev has found out; `nil`: it does not run.
    func plug(
        _ name: String, place: String, number: String, serial: String?, interface: String = "00", port: String = "0",
        udev: [String]? = []
    ) throws {
        let device = "/sys/devices/pci0000:00/0000:00:14.0/usb1/\(place)"
        for (file, text) in [
            ("idVendor", "0403"), ("idProduct", "6001"), ("manufacturer", "FTDI"), ("product", "UART"),
        ] { _ = try folder.write("\(device)/\(file)", "\(text)\n") }
        if let serial { _ = try folder.write("\(device)/serial", "\(serial)\n") }
        let own = "\(device)/\(place):1.\(Int(interface) ?? 0)"
        _ = try folder.write("\(own)/bInterfaceNumber", "\(interface)\n")
        _ = try folder.write("\(own)/\(name)/port_number", "\(port)\n")
        _ = try folder.write("\(own)/\(name)/tty/\(name)/dev", "\(number)\n")
        try link("\(own)/\(name)/tty/\(name)/device", to: "../..")
        try link("/sys/class/tty/\(name)", to: "\(folder.path)\(own)/\(name)/tty/\(name)")
        _ = try folder.write("/dev/\(name)", "")
        guard let udev else { return }
        let found = (serial.map { ["E:ID_SERIAL_SHORT=\($0)"] } ?? []) + udev + ["E:ID_BUS=usb"]
        _ = try folder.write("/run/udev/data/c\(number)", found.joined(separator: "\n"))
    }

    /// A port of the board; of type 0 it is one that the kernel keeps room for.
    func solder(_ name: String, type: String) throws {
        _ = try folder.write("/sys/devices/pnp0/00:05/\(name)/type", "\(type)\n")
        try link("/sys/devices/pnp0/00:05/\(name)/device", to: "..")
        try link("/sys/class/tty/\(name)", to: "\(folder.path)/sys/devices/pnp0/00:05/\(name)")
    }
}

@Suite struct PortTests {
    private func rule(_ name: String, of machine: MadeUpMachine) throws -> PortRule? {
        let all = machine.ports.adapters()
        return PortRule(try #require(all.first { $0.name == name }), among: all, name: "pump-a")
    }

    @Test func aSerialNumberAndAnInterfaceMakeTheRule() throws {
        let machine = try MadeUpMachine()
        try machine.plug(
            "ttyUSB0", place: "1-1.2", number: "188:0", serial: "A50285BI",
            udev: ["S:serial/by-id/usb-FTDI_UART_A50285BI-if00-port0", "E:ID_PATH=pci-0000:00:14.0-usb-0:1.2:1.0"])
        let adapter = try #require(machine.ports.adapters().first)
        #expect(adapter.device == "/dev/ttyUSB0" && adapter.usb?.words == "FTDI UART")
        #expect(adapter.links == ["/dev/serial/by-id/usb-FTDI_UART_A50285BI-if00-port0"] && adapter.givenName == nil)
        let rule = try #require(try rule("ttyUSB0", of: machine))
        #expect(rule.basis == .serial)
        #expect(
            rule.text == """
                SUBSYSTEM=="tty", ENV{ID_VENDOR_ID}=="0403", ENV{ID_MODEL_ID}=="6001", \
                ENV{ID_SERIAL_SHORT}=="A50285BI", ENV{ID_USB_INTERFACE_NUM}=="00", GROUP="nabd", MODE="0660", \
                SYMLINK+="nabd/pump-a", ENV{ID_MM_DEVICE_IGNORE}="1"
                """)
    }

    @Test func withoutASerialNumberTheSocketCountsAndItSaysSo() throws {
        let machine = try MadeUpMachine()
        let path = "pci-0000:00:14.0-usb-0:1.3:1.0"
        try machine.plug("ttyUSB0", place: "1-1.3", number: "188:0", serial: nil, udev: ["E:ID_PATH=\(path)"])
        let rule = try #require(try rule("ttyUSB0", of: machine))
        #expect(rule.basis == .path && rule.text.contains("ENV{ID_PATH}==\"\(path)\", GROUP="))
        #expect(rule.remark.contains("no serial number of its own") && rule.remark.contains("socket"))
    }

    @Test func twoOfOneSerialNumberAreToldApartByTheirSockets() throws {
        let machine = try MadeUpMachine()
        for (index, place) in ["1-1.2", "1-1.3"].enumerated() {
            try machine.plug(
                "ttyUSB\(index)", place: place, number: "188:\(index)", serial: "0001",
                udev: ["E:ID_PATH=usb-\(place)"])
        }
        let rules = try ["ttyUSB0", "ttyUSB1"].map { try #require(try rule($0, of: machine)) }
        #expect(rules.map(\.basis) == [.path, .path] && rules[0].text != rules[1].text)
        #expect(rules[0].remark.contains("ttyUSB1 has the same serial number"))
    }

    @Test func portsOfOneAdapterAreToldApartByInterfaceOrCount() throws {
        let machine = try MadeUpMachine()
        try machine.plug("ttyUSB0", place: "1-1", number: "188:0", serial: "S1", interface: "00")
        try machine.plug("ttyUSB1", place: "1-1", number: "188:1", serial: "S1", interface: "01")
        try machine.plug("ttyUSB2", place: "1-2", number: "188:2", serial: "S2", port: "0")
        try machine.plug("ttyUSB3", place: "1-2", number: "188:3", serial: "S2", port: "1")
        let texts = try (0..<4).map { try #require(try rule("ttyUSB\($0)", of: machine)).text }
        #expect(Set(texts).count == 4)
        #expect(texts[1].contains("ID_USB_INTERFACE_NUM}==\"01\"") && !texts[1].contains("port_number"))
        #expect(texts[3].contains("ATTRS{port_number}==\"1\""))
    }

    @Test func withoutSerialNumberAndWithoutUdevThereIsNoRule() throws {
        let machine = try MadeUpMachine()
        try machine.plug("ttyUSB0", place: "1-1", number: "188:0", serial: nil, udev: nil)
        #expect(try rule("ttyUSB0", of: machine) == nil)
        // With a serial number the kernel tells enough.
        try machine.plug("ttyUSB1", place: "1-2", number: "188:1", serial: "A B\"1", udev: nil)
        #expect(try #require(try rule("ttyUSB1", of: machine)).text.contains("ID_SERIAL_SHORT}==\"A_B_1\""))
    }

    @Test func aPortOfTheBoardIsTheKernelsAndRoomForOneIsNone() throws {
        let machine = try MadeUpMachine()
        try machine.solder("ttyS0", type: "4")
        try machine.solder("ttyS1", type: "0")
        _ = try machine.folder.write("/sys/class/tty/tty1/dev", "4:1")
        #expect(machine.ports.adapters().map(\.name) == ["ttyS0"])
        let rule = try #require(try rule("ttyS0", of: machine))
        #expect(rule.basis == .kernel && rule.text.hasPrefix("SUBSYSTEM==\"tty\", KERNEL==\"ttyS0\", GROUP="))
    }

    @Test func aNameThatARuleGaveIsKept() throws {
        let machine = try MadeUpMachine()
        try machine.plug("ttyUSB0", place: "1-1", number: "188:0", serial: "S1", udev: ["S:nabd/oximeter"])
        #expect(machine.ports.adapters().first?.givenName == "oximeter")
        #expect(PortRule.isName("pump-a") && !PortRule.isName("a\"b") && !PortRule.isName("../a"))
    }

    @Test func whoHasAPortOpenOrLockedIsNamed() throws {
        let machine = try MadeUpMachine()
        let path = try machine.folder.write("/dev/ttyUSB0", "")
        _ = try machine.folder.write("/dev/ttyUSB1", "")
        _ = try machine.folder.write("/proc/812/comm", "minicom\n")
        let descriptors = "\(machine.folder.path)/proc/812/fd"
        try FileManager.default.createDirectory(atPath: descriptors, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(descriptors)/3", withDestinationPath: "/dev/ttyUSB0")
        let holders = machine.ports.holders(of: ["/dev/ttyUSB0", "/dev/ttyUSB1"])
        #expect(holders.keys.sorted() == ["/dev/ttyUSB0"])
        #expect(holders["/dev/ttyUSB0"]?.map(\.description) == ["minicom (812)"])
        #expect(holders["/dev/ttyUSB0"]?.map(\.hasLocked) == [false])

        // By a list of locks as the kernel writes it.
        let file = try #require(PortNumbers(path)).file
        _ = try machine.folder.write(
            "/proc/locks",
            "1: POSIX  ADVISORY  WRITE 7 \(file) 0 EOF\n2: FLOCK  ADVISORY  WRITE 812 00:05:1 0 EOF\n"
                + "3: FLOCK  ADVISORY  WRITE 813 \(file) 0 EOF\n3: -> FLOCK  ADVISORY  WRITE 814 \(file) 0 EOF\n")
        let listed = machine.ports.holders(of: ["/dev/ttyUSB0"])["/dev/ttyUSB0"] ?? []
        #expect(listed.map(\.process) == [812, 813] && listed.map(\.hasLocked) == [false, true])
        #expect(listed.last?.program == nil)
    }

    @Test func theKernelsListOfLocksIsRead() throws {
        let machine = try MadeUpMachine()
        let own = open(try machine.folder.write("/dev/ttyUSB0", ""), O_RDONLY)
        defer { close(own) }
        #expect(flock(own, LOCK_EX | LOCK_NB) == 0)
        var details = stat()
        #expect(fstat(own, &details) == 0)
        // The list changes while it is read: an entry may be missed once. A kernel that shows no lock of this file has
        // nothing to say.
        for _ in 0..<50 {
            let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8)
            guard locks.contains(":\(details.st_ino) 0 EOF") else { continue }
            _ = try machine.folder.write("/proc/locks", locks)
            let locked = machine.ports.holders(of: ["/dev/ttyUSB0"])["/dev/ttyUSB0"] ?? []
            #expect(locked.contains { $0.process == Int(getpid()) && $0.hasLocked }, "\(locked), \(locks)")
            return
        }
    }

    @Test func whatIsNoPortIsToldAsWhatItIs() throws {
        let folder = try TemporaryFolder()
        #expect(PortPlace(folder.path) == .other("a folder"))
        #expect(PortPlace(try folder.write("port", "")) == .other("a regular file"))
        #expect(PortPlace("\(folder.path)/none") == .missing)
        #expect(PortPlace("/dev/null") == .other("no terminal"))
    }

    @Test func onePortIsOneByWhateverName() throws {
        var name = [CChar](repeating: 0, count: 64)
        let ends = (0..<2).map { _ in
            let end = nabd_open_pty(&name, name.count)
            return (end, String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        defer { for end in ends { close(end.0) } }
        let folder = try TemporaryFolder()
        let link = "\(folder.path)/oximeter"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: ends[0].1)
        let (place, other) = (PortPlace(ends[0].1), PortPlace(ends[1].1))
        guard case .terminal = place else {
            Issue.record("\(place)")
            return
        }
        #expect(PortPlace(link) == place && other != place)
    }
}
