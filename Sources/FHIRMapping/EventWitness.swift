import DeviceModel

/// What the records service keeps of an event beside what it says: the hash of the journal's chain up to it. As long as
/// one event is stored there, no earlier one can be changed, taken out or put in on the unit without showing.
package struct EventWitness: Sendable, Hashable {
    /// The identifier's system.
    package static let system = "urn:nabd:event-hash"

    /// The identity under which the journal is delivered.
    package let unit: String
    /// The event's number in the journal.
    package let number: Int64
    /// SHA-256; 32 bytes.
    package let hash: [UInt8]

    package init(unit: String, number: Int64, hash: [UInt8]) {
        (self.unit, self.number, self.hash) = (unit, number, hash)
    }

    /// Reads an identifier's value, as ``identifier`` has it.
    package init?(_ value: String) {
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let number = Int64(parts[1]), number > 0, parts[2].utf8.count == 64 else { return nil }
        var hash: [UInt8] = []
        var digits = parts[2][...]
        while !digits.isEmpty {
            guard let byte = UInt8(digits.prefix(2), radix: 16) else { return nil }
            hash.append(byte)
            digits = digits.dropFirst(2)
        }
        self.init(unit: String(parts[0]), number: number, hash: hash)
    }

    var identifier: JSON {
        let hex = hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return .members(["system": .string(Self.system), "value": .string("\(unit):\(number):\(hex)")])
    }
}
