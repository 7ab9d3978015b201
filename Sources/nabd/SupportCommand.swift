import ArgumentParser
import DeviceModel
import Foundation
import NabdHost
import Observability
import PlainFiles
import SampleJournal

struct SupportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "support-bundle",
        abstract: "Gather what somebody far away needs to see why a unit does not work, without a value of a patient.",
        discussion:
            "Writes a .tar.gz with the unit's configuration, what check, doctor and ports say, the health and the "
            + "counts of the running host, what is stored and delivered, the host's own events, and the log of its "
            + "services. Samples, alerts that a device raised, and commands to pumps are not in it; look at it before "
            + "it is sent all the same."
    ).examples("nabd support-bundle", "nabd support-bundle --output /media/usb/unit.tar.gz")

    @OptionGroup var file: UnitFile
    @Option(name: .shortAndLong, help: "The file to write; without it, nabd-support-<unit>-<time>.tar.gz here.")
    var output: String?

    func run() throws {
        let unit = try file.load(faultsCost: .itsPart)
        let config = file.path
        let moment = UTCTime.text(nanoseconds: Int64(Date().timeIntervalSince1970) * 1_000_000_000)
            .filter { $0.isNumber }.prefix(14)
        let name = "nabd-support-\(unit.unit)-\(moment)"
        let place = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        let folder = place.appendingPathComponent(name)
        defer { try? FileManager.default.removeItem(at: place) }
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try gather(unit, config, into: folder)
        } catch { throw Failure(.io, "\(folder.path) cannot be written: \(error.localizedDescription)") }
        let result = output ?? "\(name).tar.gz"
        let packed = Self.output(of: "/usr/bin/env", ["tar", "-C", place.path, "-czf", result, name])
        guard packed.status == 0 else { throw Failure(.io, "tar could not write \(result): \(packed.text)") }
        print("\(result): look at it, then send it to whoever helps you")
    }

    private func gather(_ unit: UnitConfiguration, _ config: String, into folder: URL) throws {
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        try write("unit.yaml", PlainFile.text(config, limit: 1 << 20) ?? "it cannot be read\n")
        let ourselves: [(String, [String])] = [
            ("version.txt", ["--version"]), ("check.txt", ["check", "--config", config]),
            ("doctor.txt", ["doctor", "--config", config]),
            ("ports.txt", ["ports"]), ("journal.json", ["journal", "stat", "--config", config, "--json"]),
            ("uplink.txt", ["uplink", "status", "--config", config]),
        ]
        for (name, words) in ourselves {
            let told = Self.output(of: "/proc/self/exe", words)
            try write(name, "\(told.text)exit \(told.status)\n")
        }
        for word in ["health", "metrics"] {
            let text: String
            do throws(StatusSocketError) { text = try StatusSocket.ask(word, at: unit.statusSocket) } catch {
                text = "\(error)\n"
            }
            try write("\(word).txt", text)
        }
        let system: [(String, [String])] = [
            ("system.txt", ["uname", "-a"]), ("release.txt", ["cat", "/etc/os-release"]),
            ("services.txt", ["systemctl", "status", "--no-pager", "nabd-*"]),
            ("log.txt", ["journalctl", "--no-pager", "--lines", "5000", "--unit", "nabd-*"]),
        ]
        for (name, words) in system { try write(name, Self.output(of: "/usr/bin/env", words).text) }
        try write("events.jsonl", Self.events(of: unit.journalDirectory))
    }

    /// The last events that tell of the host, its lines and devices: no alert of a device, no command, and nothing that
    /// a device said.
    private static func events(of journal: String) -> String {
        let kinds = EventKind.allCases.filter { kind in
            !kind.isOfCommand && !kind.isOfAlarm && !kind.isOfBed && kind != .vmdConnected && kind != .vmdDisconnected
        }
        do {
            let reader = try JournalReader(directory: journal)
            let newest = try reader.newestEvent()
            let events = try reader.events(of: kinds, after: max(0, newest - 5000), limit: 5000)
            return events.map { event in
                JSON.members([
                    "event": .string(event.kind), "device": event.device.map(JSON.string),
                    "number": .integer(event.id), "time": .string(UTCTime.text(nanoseconds: event.utc)),
                    "members": .object(
                        event.members.filter { $0.key != "text" }.sorted { $0.key < $1.key }.map {
                            JSON.Member(name: $0.key, value: .string($0.value))
                        }),
                ]).text + "\n"
            }.joined()
        } catch { return "\(error)\n" }
    }

    /// What a program says, both ways, and its exit code; a program that is not there says so.
    private static func output(of program: String, _ words: [String]) -> (text: String, status: Int32) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = words
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        do { try process.run() } catch { return ("\(words.first ?? program) cannot be run\n", 127) }
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: bytes, as: UTF8.self), process.terminationStatus)
    }
}
