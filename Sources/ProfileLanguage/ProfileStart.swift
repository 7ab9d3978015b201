/// The beginning of a profile, for an author to go on from. What it makes is a whole, working profile of an invented
/// device.
package struct ProfileStart: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case stream
        case text
        case binary
        case lines
        case modbusRTU = "modbus-rtu"
        case modbusTCP = "modbus-tcp"

        package var meaning: String {
            switch self {
            case .stream: "sends binary frames unasked"
            case .text: "is asked and answers in text"
            case .binary: "is asked and answers in binary frames with a length"
            case .lines: "sends lines of text unasked"
            case .modbusRTU: "has Modbus registers, on a serial line"
            case .modbusTCP: "has Modbus registers, on the network"
            }
        }
    }

    package let kind: Kind
    package let manufacturer: String
    package let model: String
    package let baud: Int
    package let format: String

    package init(kind: Kind, manufacturer: String, model: String, baud: Int, format: String) {
        self.kind = kind
        self.manufacturer = manufacturer
        self.model = model
        self.baud = baud
        self.format = format
    }

    /// Whether baud rate and format are those of a serial line.
    package var hasGoodLine: Bool {
        var serial = SerialFormat(baud: baud)
        return (300...921_600).contains(baud) && serial.apply(format: format)
    }

    /// The files of the profile's folder, by name.
    package func files(name: String) -> [(name: String, text: String)] {
        [
            ("profile.yaml", head + body),
            (
                "vectors.yaml",
                "# yaml-language-server: $schema=../../schema/vectors.schema.json\nnabd: "
                    + "vectors/1\nvectors:\n\(vectors)"
            ),
            (
                "README.md",
                "# \(manufacturer) \(model)\n\nWhat it reads, in a line. Wiring: "
                    + "\(baud > 0 ? "\(baud) baud \(format)" : "network").\n\nNot known, or not verified: everything "
                    + "in this start.\n"
            ),
        ]
    }

    private func quoted(_ text: String) -> String { "\"\(text.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline })\"" }

    private var head: String {
        """
        # yaml-language-server: $schema=../../schema/profile.schema.json
        # What the device is and how it speaks, in a line or two. Lines that begin with # are notes to you: take them \
        away when they are done with.
        nabd: profile/1

        device: {manufacturer: \(quoted(manufacturer)), model: \(quoted(model)), kind: patient monitor}

        # Every fact has a source. What nothing independent confirms gets an entry of its own with unverified: true.
        provenance:
          - {document: "Protocol manual, pages", seen: "where, on which day", unverified: true}


        """
    }

    private var body: String {
        switch kind {
        case .stream: streamBody
        case .text: textBody
        case .binary: binaryBody
        case .lines: linesBody
        case .modbusRTU:
            modbusBody("modbus: rtu, baud: \(baud), format: \(format), unit: 1, turnaround: 20ms, slowest-reply: 500ms")
        case .modbusTCP: modbusBody("modbus: tcp, port: 502, unit: 1, slowest-reply: 1s")
        }
    }

    private var streamBody: String {
        """
        line: {serial: \(baud), format: \(format)}

        frames:
          # Five bytes: 0x01, status, value, counter, low byte of the sum of the first four.
          frame: {start: 0x01, length: 5, checksum: {sum8: 0..3, at: 4}}

        fields:
          value:
            in: frame
            byte: 2  # counted from 0
            type: uint8
            missing: {255: notAvailable}
            validity-when: {byte: 1, bit: 6, is: 1, validity: notAvailable}

        metrics:
          - {metric: MDC_PULS_OXIM_SAT_O2, from: value, unit: "%", every: 1s, absolute: [0, 100]}

        simulate:
          value: {low: 96, high: 99, period: 40s}

        """
    }

    private var textBody: String {
        """
        line: {serial: \(baud), format: \(format), slowest-reply: 500ms}

        frames:
          # STX text ETX and the exclusive or of the text in two hexadecimal digits, CR.
          message: {start: 0x02, end: "\\r", checksum: {xor8: 1.., encoding: hex, after: 0x03}, longest: 80, split: ";"}

        fields:
          rate: {type: decimal, places: 2}
          status: {type: text, table: {R: infusing, H: halted}}

        requests:
          # The reply as it looks: {name} is a field, {_} anything, other text must stand there.
          state: {send: "STAT?", reply: "STAT;{status};{rate};ml/h", every: 1s, class: read, retries: 1}

        metrics:
          - {metric: MDC_FLOW_FLUID_PUMP_CURRENT, from: rate, unit: mL/h, absolute: [0, 1200]}
          - {metric: MDC_PUMP_INFUSING_STATUS, from: status}

        simulate: {rate: 12.5, status: infusing}

        """
    }

    private var binaryBody: String {
        """
        line: {serial: \(baud), format: \(format), turnaround: 20ms, slowest-reply: 500ms}

        frames:
          # 0x3A, command, sum: what we send. 0x3E, command, number of data bytes, data, sum: what comes back.
          ask: {start: 0x3A, length: 3, checksum: {sum8: 0..}, from: host}
          answer: {start: 0x3E, length: {byte: 2, type: uint8, adds: 4}, longest: 64, checksum: {sum8: 0..}}

        fields:
          pressure: {in: state, byte: 3, type: uint16le, missing: {0xFFFF: notAvailable}}

        requests:
          # What is sent is all between the start mark and the checksum.
          state:
            send: {hex: "05"}
            reply: {when: {byte: 1, is: 0x05}, length: 6}
            every: 1s
            class: read

        metrics:
          - {metric: MDC_PRESS_CUFF, from: pressure, unit: "mm[Hg]", scale: 0.1, absolute: [0, 350]}

        simulate: {pressure: {low: 10, high: 120, period: 30s}}

        """
    }

    private var linesBody: String {
        """
        line: {serial: \(baud), format: \(format)}

        frames:
          line: {end: "\\r\\n", longest: 120}

        messages:
          # Lines of KEY=value words: values are found by key, never by position.
          status: {repeat: {split: " ", each: "{key}={value}"}}

        fields:
          spo2: {in: status, key: SPO2, type: integer, strip: "%", missing: {"---": notAvailable}}
          rate: {in: status, key: PR, type: integer, missing: {"---": notAvailable}}

        metrics:
          - {metric: MDC_PULS_OXIM_SAT_O2, from: spo2, unit: "%", every: 1s, absolute: [0, 100]}
          - {metric: MDC_PULS_OXIM_PULS_RATE, from: rate, unit: "/min", every: 1s, plausible: [20, 300]}

        simulate: {spo2: 97, rate: {low: 70, high: 76, period: 60s}}

        """
    }

    private func modbusBody(_ line: String) -> String {
        """
        line: {\(line)}

        metrics:
          - metric: MDC_TEMP
            # The address on the wire, from 0: a manual's “30002”. And what it says when its probe is broken.
            from: {input: 0x0001, type: int16, missing: {0x7FFF: notAvailable}}
            scale: 0.1
            unit: Cel
            every: 5s
            plausible: [-40, 80]

        simulate:
          MDC_TEMP: {low: 3.9, high: 5.6, period: 90s}

        """
    }
}
