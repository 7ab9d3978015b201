import Foundation
import StrictYAML
import Uplink

/// How the unit's certificate is enrolled and renewed over the network.
extension UnitReader {
    /// How long before its end a certificate may be renewed. Unit: ns.
    private static let renewals: ClosedRange<Int64> = 3_600_000_000_000...31_536_000_000_000_000

    /// - Parameter authority: whom the uplink trusts: the EST server is of the same, where nothing else is said.
    /// - Returns: `nil` where what is said of it is faulty.
    func enrolment(_ map: YAMLMapping, authority: String) -> EnrolmentSettings? {
        map.allow(["server", "subject", "authority", "renew-before"])
        let before = diagnostics.errors
        let server = map.required("server")
        let address = server?.text("the address of the EST server") ?? ""
        let base = EnrolmentSettings.base(of: address)
        if let server, base == nil {
            server.error(
                "the EST server must be https://HOST, or https://HOST/.well-known/est/LABEL, without a name or a "
                    + "password in it")
        }
        var subject = unit.unit
        if let value = map["subject"], let text = value.text("the name that the certificate is for") {
            if !EnrolmentSettings.isSubject(text) {
                value.error("expected the certificate's name in printable characters of ASCII, 64 at most")
            }
            subject = text
        }
        var trusted = authority
        if let value = map["authority"], let text = value.text("a PEM file") {
            trusted = absolute(text)
            if faultCost == .everything, !FileManager.default.isReadableFile(atPath: trusted) {
                value.error("there is no readable file \(trusted)")
            }
        }
        let renewBefore = map["renew-before"]?.duration(
            "how long before its end a certificate is renewed", Self.renewals)
        guard diagnostics.errors == before, let base else { return nil }
        return EnrolmentSettings(
            base: base, subject: subject, authority: trusted, renewBefore: renewBefore.map { $0 / 1_000_000_000 })
    }
}
