import Console
package import Consultations
import StrictYAML

/// Where far clinicians come in, and who they are.
package struct FarSettings: Sendable, Hashable {
    /// The most clinicians that a unit knows.
    static let mostClinicians = 50

    /// An address of this machine; 0.0.0.0 is all of them.
    package var address = ""
    package var port = 0
    /// The certificates of the authority that vouches for clinicians, PEM.
    package var authority = ""
    /// The unit's certificate for this port, and its key, PEM.
    package var certificate = ""
    package var key = ""
    /// In the file's order.
    package var clinicians: [FarClinician] = []

    var place: FarPlace {
        FarPlace(address: address, port: port, authority: authority, certificate: certificate, key: key)
    }
}

extension UnitReader {
    /// Reads where far clinicians come in. Where any of it is faulty, nobody does.
    mutating func readFar(_ map: YAMLMapping) {
        map.allow(["address", "port", "authority", "certificate", "key", "clinicians"])
        let before = diagnostics.errors
        var far = FarSettings()
        far.address = map.required("address")?.text("the address of this machine, or 0.0.0.0 for all of them") ?? ""
        far.port = map.required("port")?.int("the port for far clinicians", 1...65535) ?? 0
        func file(_ key: String) -> String { map.required(key)?.text("a PEM file").map(absolute) ?? "" }
        (far.authority, far.certificate, far.key) = (file("authority"), file("certificate"), file("key"))
        if let list = map.required("clinicians")?.mapping("the far clinicians") {
            let most = FarSettings.mostClinicians
            if list.entries.isEmpty { list.value.error("there is at least one clinician, or no “far” at all") }
            if list.entries.count > most { list.value.error("a unit knows at most \(most) far clinicians") }
            for (id, key, value) in list.entries.prefix(most) {
                guard let clinician = Self.clinician(id, key, value) else { continue }
                if far.clinicians.contains(where: { $0.certificate == clinician.certificate }) {
                    value.error("another clinician has this certificate: each has their own")
                }
                far.clinicians.append(clinician)
            }
        }
        if diagnostics.errors == before { unit.far = far }
    }

    private static func clinician(_ id: String, _ key: YAMLValue, _ value: YAMLValue) -> FarClinician? {
        if !isHandle(id) { key.error("a clinician's id is lower-case letters, digits and hyphens, at most 40") }
        guard let map = value.mapping("a clinician") else { return nil }
        map.allow(["name", "certificate"])
        let name = map.required("name")?.text("what people call the clinician")
        if let name, !ConsultationRecord.isName(name) {
            map["name"]?.error("a name has at most \(ConsultationRecord.longestName) bytes, all of them to be seen")
        }
        // As openssl prints it, with colons and capitals; or without.
        let digest = map.required("certificate")?.text("SHA-256 of the clinician's certificate")?
            .filter { $0 != ":" }.lowercased()
        if let digest, !ConsultationRecord.isDigest(digest) {
            map["certificate"]?.error(
                "expected the 64 hexadecimal digits of SHA-256",
                suggestion: "openssl x509 -in CERTIFICATE -noout -fingerprint -sha256")
        }
        guard let name, let digest else { return nil }
        return FarClinician(id: id, name: name, certificate: digest)
    }
}

extension UnitConfiguration {
    /// What the host lets far clinicians see.
    var farDoor: ConsultationDesk.Door {
        ConsultationDesk.Door(
            clinicians: far?.clinicians ?? [], beds: Set(beds.map(\.id)), isListening: far != nil)
    }
}
