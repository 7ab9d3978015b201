import Crypto
import DeviceModel
import Patients

/// What is kept of a patient, as it stands in a file of its own.
enum PatientRecord {
    /// Unit: bytes. Six identifiers of 256 bytes, each byte escaped, are 9 216.
    static let longest = 16 << 10

    static func bytes(_ identifiers: PatientIdentifiers, subject: String) -> [UInt8] {
        let entered = identifiers.entered.sorted { $0.key < $1.key }.map {
            JSON.Member(name: $0.key.rawValue, value: .string($0.value))
        }
        let sum = sum(of: JSON.object(entered).text, subject)
        let record = JSON.members([
            "identifiers": .object(entered), "subject": .string(subject), "sum": .string(sum),
        ])
        return Array(record.text.utf8)
    }

    /// `nil` for what was not written so, or was changed since.
    static func identifiers(_ bytes: [UInt8], subject: String) -> PatientIdentifiers? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var reader = BodyReader(text)
        let identifiers = try? reader.whole { reader throws(BodyReader.Damage) in
            try reader.member("identifiers")
            let entries = try reader.object { reader throws(BodyReader.Damage) in
                var entries: [(kind: String, text: String)] = []
                if let text = try reader.stringIfAny("birth-date") { entries.append(("birth-date", text)) }
                if let text = try reader.stringIfAny("iqama") { entries.append(("iqama", text)) }
                if let text = try reader.stringIfAny("mrn") { entries.append(("mrn", text)) }
                if let text = try reader.stringIfAny("name") { entries.append(("name", text)) }
                if let text = try reader.stringIfAny("national-id") { entries.append(("national-id", text)) }
                if let text = try reader.stringIfAny("passport") { entries.append(("passport", text)) }
                return entries
            }
            guard try reader.string("subject") == subject else { throw reader.damage }
            _ = try reader.string("sum")
            do { return try PatientIdentifiers(entries) } catch { throw reader.damage }
        }
        // It is what would be written for it, the sum with the rest.
        return identifiers.flatMap { Self.bytes($0, subject: subject) == bytes ? $0 : nil }
    }

    private static func sum(of identifiers: String, _ subject: String) -> String {
        Hex.text(Array(SHA256.hash(data: Array("nabd-patient/1\n\(subject)\n\(identifiers)".utf8))))
    }
}
