package import StrictYAML

/// What one step of a declared command puts on the wire. What its holes may hold, and what hangs on it, is left open.
///
/// Bytes that a command would send never leave the host as a request, whatever a profile calls them.
package struct WirePattern: Sendable, Hashable {
    /// Whose step it is, for people: `alaris/asena-gh: start`.
    package let name: String
    /// Runs of bytes that stand in this order, with anything between them; at least one, none empty.
    let runs: [[UInt8]]
    /// Whether it is so short that only the same bytes and nothing else are taken for it.
    private let isWhole: Bool

    /// Shorter steps are looked for as a saying of their own, not within others.
    private static let leastBytes = 3

    /// Nothing where the holes leave fewer than ``leastBytes`` bytes that are known.
    init?(_ step: CommandDescription.Step, name: String, frames: [FrameFormat]) {
        let format = step.frame.map { frames[$0] }
        self.name = name
        if step.send.isLiteral {
            let payload = step.send.literals.joined()
            runs = [format.map { $0.encode(payload: Array(payload)) } ?? Array(payload)]
            isWhole = runs[0].count < Self.leastBytes
            if runs[0].isEmpty { return nil }
        } else {
            var runs = step.send.literals.map { format?.stuffed($0) ?? $0 }
            if let format, format.payloadStart == format.start.count { runs[0] = format.start + runs[0] }
            if let format, format.checksum == nil { runs[runs.count - 1] += format.end }
            self.runs = runs.filter { !$0.isEmpty }
            isWhole = false
            if self.runs.reduce(0, { $0 + $1.count }) < Self.leastBytes { return nil }
        }
    }

    /// Whether it stands in `bytes` and ends behind `first`: what ended before was looked at when it was said.
    package func isCompleted(in bytes: [UInt8], from first: Int) -> Bool {
        guard let last = runs.last else { return false }
        if isWhole { return bytes.count - first == last.count && Self.holds(last, in: bytes, at: first) }
        var place = max(0, first - last.count + 1)
        while place + last.count <= bytes.count {
            if Self.holds(last, in: bytes, at: place), hasRest(in: bytes, before: place) { return true }
            place += 1
        }
        return false
    }

    /// Whether the runs before the last one stand before it, in their order.
    private func hasRest(in bytes: [UInt8], before end: Int) -> Bool {
        var place = 0
        for run in runs.dropLast() {
            while place + run.count <= end, !Self.holds(run, in: bytes, at: place) { place += 1 }
            guard place + run.count <= end else { return false }
            place += run.count
        }
        return true
    }

    private static func holds(_ run: [UInt8], in bytes: [UInt8], at place: Int) -> Bool {
        guard place + run.count <= bytes.count else { return false }
        for offset in run.indices where bytes[place + offset] != run[offset] { return false }
        return true
    }

    /// The most bytes of a command that are looked back for.
    package static let reach = 512
}

extension DeviceProfile {
    /// What its commands would send, but for steps that only read.
    package var wirePatterns: [WirePattern] {
        commands.flatMap { command in
            command.steps.filter { !$0.isRead }.compactMap {
                WirePattern($0, name: "\(name): \(command.name)", frames: frames)
            }
        }
    }

    /// Everything that it says by itself, one after another, with where the file says so: bytes with what is told
    /// only later left out.
    private var sayings: [(bytes: [UInt8], location: SourceLocation)] {
        func bytes(_ send: SendTemplate, _ frame: Int?) -> [UInt8] {
            let payload = send.bytes(.sample) { _ in [] } ?? []
            return frame.map { frames[$0].encode(payload: payload) } ?? payload
        }
        return requests.map { request in
            (
                request.prelude.flatMap { bytes($0.send, $0.frame) } + bytes(request.send, request.frame),
                request.location
            )
        } + session.answers.map { (bytes($0.send, $0.frame), lineLocation) }
    }

    /// Reports each request that would put a command on the wire. One that does so only with what is told later is
    /// found when it is to be said.
    package func refuseCommands(_ patterns: [WirePattern], _ diagnostics: Diagnostics) {
        for (bytes, location) in sayings {
            if let pattern = patterns.first(where: { $0.isCompleted(in: bytes, from: 0) }) {
                diagnostics.error(
                    location,
                    "this sends what the command “\(pattern.name)” sends; a command never leaves as a request")
            } else if ModbusWrite.isWhole(bytes) {
                diagnostics.error(location, "this is a Modbus write; what has an effect is a command")
            }
        }
    }
}

/// Modbus frames that write, spoken on a serial line by a protocol of text or bytes.
package enum ModbusWrite {
    private static func writes(_ function: UInt8) -> Bool {
        switch function {
        case 5, 6, 15, 16, 21, 22, 23: true
        default: false
        }
    }

    /// Whether these bytes are an RTU frame with a right checksum, or an ASCII one, whose function writes. No
    /// allocation.
    package static func isWhole(_ bytes: [UInt8]) -> Bool {
        if bytes.first == UInt8(ascii: ":") { return isWholeText(bytes) }
        guard bytes.count >= 6, writes(bytes[1]) else { return false }
        let sum = ChecksumAlgorithm.crc16Modbus.compute(bytes, 0..<bytes.count - 2)
        return bytes[bytes.count - 2] == UInt8(truncatingIfNeeded: sum)
            && bytes[bytes.count - 1] == UInt8(truncatingIfNeeded: sum >> 8)
    }

    /// Hexadecimal digits behind the colon; all bytes with the checksum sum to 0.
    private static func isWholeText(_ text: [UInt8]) -> Bool {
        var sum: UInt8 = 0
        var function: UInt8 = 0
        var count = 0
        var place = 1
        while place + 1 < text.count, let high = digit(text[place]), let low = digit(text[place + 1]) {
            let byte = high << 4 | low
            sum &+= byte
            if count == 1 { function = byte }
            (count, place) = (count + 1, place + 2)
        }
        return count >= 3 && sum == 0 && writes(function)
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x37
        case 0x61...0x66: character - 0x57
        default: nil
        }
    }
}
