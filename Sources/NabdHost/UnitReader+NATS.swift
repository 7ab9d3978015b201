import StrictYAML
import Uplink

/// A stream of NATS in place of a FHIR server.
extension UnitReader {
    /// What has no meaning, or no way, where the unit delivers to a stream.
    private static let ofFHIR = ["compression", "smart", "est"]

    /// Looks whether the server's address is that of a destination, and reads what belongs to NATS.
    ///
    /// - Returns: `nil` for a FHIR server, and where it is faulty.
    func stream(_ map: YAMLMapping, at server: YAMLValue?, _ address: String) -> NATSSettings? {
        guard address.hasPrefix("\(NATSSettings.scheme):") else {
            if address.hasPrefix("https://") {
                map["nats"]?.error("“nats” says which stream: then “server” must be nats://HOST, or nats://HOST:PORT")
            } else {
                server?.error("the records service must be https://…, or nats://… for a stream; found “\(address)”")
            }
            return nil
        }
        if !NATSSettings.isServer(address) {
            server?.error("expected nats://HOST, or nats://HOST:PORT, without a name or a password in it")
        }
        for key in Self.ofFHIR { map[key]?.error("“\(key)” is for a FHIR server, not for a stream of NATS") }
        guard let part = map.required("nats")?.mapping("the stream, and what the unit's subjects begin with") else {
            return nil
        }
        part.allow(["stream", "subject"])
        let before = diagnostics.errors
        func word(_ key: String, _ what: String, _ isRight: (String) -> Bool, _ expected: String) -> String {
            guard let value = part.required(key), let text = value.text(what) else { return "" }
            if !isRight(text) { value.error("expected \(what), \(expected), found “\(text)”") }
            return text
        }
        let stream = word(
            "stream", "the stream's name", NATSSettings.isStream, "up to 64 letters, digits, “-” and “_”")
        let subject = word(
            "subject", "what the unit's subjects begin with", NATSSettings.isSubject,
            "words of letters, digits, “-” and “_” with points between them, such as nabd.mobile-7")
        return diagnostics.errors == before ? NATSSettings(stream: stream, subject: subject) : nil
    }
}
