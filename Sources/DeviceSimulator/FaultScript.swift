import ModbusFrames

/// How a played device misbehaves: faults, each with the share of messages it strikes.
///
/// Written as `silent:0.01,wrong-checksum:0.05`. The seed decides which messages; the same seed gives the same faults.
package struct FaultScript: Sendable {
    package enum Fault: String, Sendable, CaseIterable {
        /// The message is not sent.
        case silent
        /// The message comes a second late.
        case late
        /// Only the first half is sent.
        case truncated
        /// A bit is changed.
        case wrongChecksum = "wrong-checksum"
        /// Random bytes come before the message.
        case noise
        /// The message is sent twice.
        case duplicated
        /// Another unit answers in this one's place, with a good checksum. Modbus only.
        case wrongUnit = "wrong-unit"
        /// The device answers that it cannot. Modbus only.
        case exception
        /// The bytes come one by one, 5 ms apart.
        case dribbled
        /// The device is gone for three seconds; on TCP its connection is cut.
        case unplugged
    }

    /// A script that cannot be read.
    package struct Unreadable: Error, CustomStringConvertible {
        package let description: String
    }

    /// What is sent instead of a message.
    struct Outcome {
        var bytes: [UInt8]
        /// How much later. Unit: ns.
        var delay: Int64 = 0
        /// Time between two bytes; 0 for the line's own pace. Unit: ns.
        var gap: Int64 = 0
        var isUnplugged = false
    }

    /// What kind of message is struck: where its unit and checksum stand.
    enum Kind {
        case serial
        case modbusRTU
        case modbusTCP
    }

    private let shares: [(fault: Fault, share: Double)]
    private var random: SeededRandom

    package init(_ text: String, seed: UInt64) throws {
        shares = try text.split(separator: ",").map { part in
            let pair = part.split(separator: ":")
            guard pair.count == 2, let fault = Fault(rawValue: String(pair[0])), let share = Double(pair[1]),
                (0...1).contains(share)
            else {
                let names = Fault.allCases.map(\.rawValue).joined(separator: ", ")
                throw Unreadable(description: "“\(part)” is not FAULT:SHARE; faults are \(names), shares are 0 to 1")
            }
            return (fault, share)
        }
        random = SeededRandom(seed: seed)
    }

    /// What becomes of a message.
    mutating func apply(_ message: [UInt8], _ kind: Kind) -> Outcome {
        var outcome = Outcome(bytes: message)
        for (fault, share) in shares where random.unit() < share {
            switch fault {
            case .silent: return Outcome(bytes: [])
            case .unplugged: return Outcome(bytes: [], delay: 3_000_000_000, isUnplugged: true)
            case .late: outcome.delay = 1_000_000_000
            case .truncated: outcome.bytes = Array(outcome.bytes.prefix(outcome.bytes.count / 2))
            case .wrongChecksum:
                guard !outcome.bytes.isEmpty else { continue }
                let place = Int(random.next() % UInt64(outcome.bytes.count))
                outcome.bytes[place] ^= 1 << UInt8(random.next() % 8)
            case .noise: outcome.bytes = (0..<3).map { _ in UInt8(truncatingIfNeeded: random.next()) } + outcome.bytes
            case .duplicated: outcome.bytes += outcome.bytes
            case .wrongUnit: outcome.bytes = Self.fromAnotherUnit(outcome.bytes, kind)
            case .exception: outcome.bytes = Self.refusal(outcome.bytes, kind)
            case .dribbled: outcome.gap = 5_000_000
            }
        }
        return outcome
    }

    private static func fromAnotherUnit(_ message: [UInt8], _ kind: Kind) -> [UInt8] {
        var changed = message
        switch kind {
        case .serial: return message
        case .modbusRTU:
            guard message.count >= 4 else { return message }
            changed[0] = message[0] == 247 ? 1 : message[0] + 1
            return RTUFrame.frame(unit: changed[0], Array(changed[1...].dropLast(2)))
        case .modbusTCP:
            guard message.count >= 8 else { return message }
            changed[6] = message[6] == 247 ? 1 : message[6] + 1
            return changed
        }
    }

    /// “Server device busy”. Source: MODBUS Application Protocol V1.1b3, section 7.
    private static let busy: UInt8 = 6

    private static func refusal(_ message: [UInt8], _ kind: Kind) -> [UInt8] {
        switch kind {
        case .serial: return message
        case .modbusRTU:
            return message.count >= 4
                ? RTUFrame.frame(unit: message[0], ModbusAnswer.exception(message[1], code: busy)) : message
        case .modbusTCP:
            guard let header = TCPFrame(message, at: 0, end: message.count), message.count > TCPFrame.headerLength
            else { return message }
            return TCPFrame.frame(
                transaction: header.transaction, unit: header.unit,
                ModbusAnswer.exception(message[TCPFrame.headerLength], code: busy))
        }
    }
}
