package import DeviceModel
import Foundation
import Nomenclature
package import ProfileLanguage
package import StrictYAML

/// What a folder of profiles offers: each device with what is read of it, how it is connected, and what that rests on.
///
/// `docs/devices.md` is ``markdown(_:)`` of the shipped ones, and a test compares them.
package struct DeviceCatalogue: Sendable {
    /// A device as its profile and its vectors have it.
    package struct Entry: Sendable {
        package let name: String
        package let device: DeviceProfile.Identity
        /// What its values are called, for people and for machines; waveforms behind the others.
        package let values: [(display: String, referenceID: String)]
        package let waveforms: Int
        /// What must be set on the line, in words.
        package let line: String
        /// How many vectors there are of each kind; only kinds of which there are any.
        package let vectors: [(kind: VectorFile.Kind, count: Int)]
        /// The facts that nothing independent confirms.
        package let unverified: [String]
        /// Commands that somebody may ask for, where a site's policy lets them.
        package let commands: [String]

        package init(_ profile: DeviceProfile, _ vectors: [VectorFile.Vector]) {
            name = profile.name
            device = profile.device
            var values: [(display: String, referenceID: String)] = []
            let metrics = profile.metrics.filter { !$0.isWaveform } + profile.metrics.filter(\.isWaveform)
            for metric in metrics where !values.contains(where: { $0.referenceID == metric.name.referenceID }) {
                values.append((metric.name.display, metric.name.referenceID))
            }
            self.values = values
            waveforms = Set(profile.metrics.filter(\.isWaveform).map(\.name.referenceID)).count
            line = profile.line.words
            self.vectors = VectorFile.Kind.allCases.compactMap { kind in
                let count = vectors.count { $0.kind == kind }
                return count > 0 ? (kind, count) : nil
            }
            unverified = profile.provenance.filter(\.unverified).map(\.document)
            commands = profile.commands.map(\.name)
        }

        /// What it is, in words.
        package var kind: String { device.kind + (device.isForTraining ? ", for training only" : "") }

        /// How its vectors were come by, in words.
        package var evidence: String {
            let count = vectors.reduce(0) { $0 + $1.count }
            let kinds = vectors.map { "\($0.count) \($0.kind.rawValue)" }.joined(separator: ", ")
            return count == 0 ? "no vectors" : "\(count) vector\(count == 1 ? "" : "s"): \(kinds)"
        }

        /// At most so many of its values by name, and how many more there are.
        package func reads(most: Int) -> String {
            let names = values.prefix(most).map(\.display).joined(separator: ", ")
            return values.count <= most ? names : "\(names) and \(values.count - most) more"
        }

        package var json: JSON {
            .members([
                "profile": .string(name), "manufacturer": .string(device.manufacturer),
                "model": .string(device.model), "kind": .string(device.kind),
                "metrics": .array(values.map { .string($0.referenceID) }), "waveforms": .integer(waveforms),
                "line": .string(line),
                "vectors": .object(
                    vectors.map { JSON.Member(name: $0.kind.rawValue, value: .integer($0.count)) }),
                "unverified": .array(unverified.map(JSON.string)), "commands": .array(commands.map(JSON.string)),
            ])
        }
    }

    package let entries: [Entry]

    /// Reads profiles with the vectors beside them. Throws ``InvalidFile`` with what is wrong with the first that
    /// cannot be read.
    package init(profiles files: [String]) throws(InvalidFile) {
        var entries: [Entry] = []
        for file in files {
            let profile = try DeviceProfile.load(file)
            let beside = URL(fileURLWithPath: profile.path).deletingLastPathComponent()
                .appendingPathComponent("vectors.yaml").path
            let hasVectors = FileManager.default.fileExists(atPath: beside)
            entries.append(Entry(profile, hasVectors ? try VectorFile.load(beside, for: profile).vectors : []))
        }
        self.entries = entries.sorted { $0.name < $1.name }
    }

    /// Values of one device that a page or a screen names.
    package static let mostValues = 12

    /// The page of devices.
    package var markdown: String {
        var text = """
            # Devices

            Made by `nabd profile list --markdown` from the profiles and their vectors; do not edit. None of these \
            profiles was run on the device that it describes: each says where its facts come from, and its README \
            what is known of cable, settings and hazards.

            * **Vectors** prove what bytes mean. *captured*: recorded from a device by others; *specified*: printed in \
            a document of the vendor; *simulated*: of another implementation's tests or simulator; *derived*: made \
            from a published algorithm, which proves only that the profile agrees with itself.
            * **Unverified** is what nothing independent confirms. Compare the device's own display with what Nabd \
            reads before it counts.
            * **Line** is how the device is set when it comes. Another baud rate or format is an override of the unit: \
            `override: {baud: 4800, format: 7E1}`. Every serial device may be behind a terminal server (`tcp://…`).


            """
        text += "\(entries.count) profiles, \(entries.reduce(0) { $0 + $1.vectors.reduce(0) { $0 + $1.count } }) "
        text += "vectors.\n\n| profile | device | what is read | line | evidence | unverified |\n"
        text += "|---|---|---|---|---|---|\n"
        for entry in entries {
            let unverified = entry.unverified.isEmpty ? "–" : entry.unverified.joined(separator: "<br>")
            let cells = [
                "[`\(entry.name)`](../device-profiles/\(entry.name)/README.md)",
                "\(entry.device.manufacturer) \(entry.device.model): \(entry.kind)",
                entry.reads(most: Self.mostValues), entry.line, entry.evidence, unverified,
            ]
            text += "| \(cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ")) |\n"
        }
        return text
    }

    /// For a screen.
    package var words: String {
        entries.map { entry in
            let unverified = entry.unverified.isEmpty ? ["nothing"] : entry.unverified
            return """
                \(entry.name): \(entry.device.manufacturer) \(entry.device.model), \(entry.kind)
                  reads       \(entry.reads(most: Self.mostValues))
                  line        \(entry.line)
                  evidence    \(entry.evidence)
                  unverified  \(unverified.joined(separator: "\n              "))
                """
        }.joined(separator: "\n") + "\n"
    }
}

extension LineDescription {
    /// What must be set on the line and wired, in words.
    var words: String {
        var parts: [String] = []
        switch transport {
        case .modbusTCP: parts.append("Modbus TCP")
        case .modbusRTU: parts.append(isASCII ? "Modbus ASCII" : "Modbus RTU")
        case .serial: parts.append(serial == nil ? "TCP" : "serial")
        }
        if let serial {
            parts[0] += " \(serial.baud) baud \(serial.dataBits)\(serial.parity.rawValue)\(serial.stopBits)"
            switch serial.flow {
            case .none: break
            case .hardware: parts.append("flow control by RTS and CTS, which must be wired")
            case .software: parts.append("flow control by XON and XOFF")
            }
            let levels = [("DTR", serial.dtr), ("RTS", serial.rts)].compactMap { name, level in
                level.map { "\(name) \($0 ? "on" : "off")" }
            }
            parts += levels
            if serial.isRS485 { parts.append("RS-485, switched by the port's driver") }
        }
        if transport != .serial { parts.append("unit \(unit)") }
        if let port { parts.append(serial == nil ? "port \(port)" : "or TCP port \(port)") }
        return parts.joined(separator: ", ")
    }
}
