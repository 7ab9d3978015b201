import Consultations
import Foundation
import NabdHost
import StrictYAML
import TestSupport
import Testing

/// Where far clinicians come in, in a unit's file.
@Suite struct UnitFarTests {
    private static let digest = String(repeating: "0f", count: 32)
    private static let good = """
        nabd: unit/1
        unit: mobile-7
        profiles: \(Repository.path("device-profiles"))
        devices:
          oximeter: {profile: nonin/oem-iii-df2, line: /dev/ttyUSB0}
        console:
          port: 8100
          far:
            address: 0.0.0.0
            port: 8443
            authority: ca.pem
            certificate: /etc/far.pem
            key: far.key
            clinicians:
              dr-h: {name: Dr. Haddad, certificate: "\(digest)"}
              dr-n: {name: د. نصر, certificate: "\(colons)"}

        """
    /// As openssl prints it.
    private static let colons = Array(repeating: "AB", count: 32).joined(separator: ":")

    private func load(_ text: String) throws -> (unit: UnitConfiguration, diagnostics: Diagnostics, folder: String) {
        try UnitBedsTests.load(text, .itsPart)
    }

    @Test func itIsRead() throws {
        let (unit, diagnostics, folder) = try load(Self.good)
        #expect(diagnostics.all.isEmpty && unit.refused.isEmpty)
        let far = try #require(unit.far)
        #expect(far.address == "0.0.0.0" && far.port == 8443 && far.authority == "\(folder)/ca.pem")
        #expect(far.certificate == "/etc/far.pem" && far.key == "\(folder)/far.key")
        #expect(
            far.clinicians == [
                FarClinician(id: "dr-h", name: "Dr. Haddad", certificate: Self.digest),
                FarClinician(id: "dr-n", name: "د. نصر", certificate: String(repeating: "ab", count: 32)),
            ])
    }

    @Test func withoutAWordThereIsNone() throws {
        let text = Self.good.prefix(upTo: Self.good.range(of: "console:")?.lowerBound ?? Self.good.endIndex)
        #expect(try load(String(text)).unit.far == nil)
    }

    /// Where any of it is faulty, nobody comes in.
    @Test(arguments: [
        ("8443", "70000"), ("8443", "0"), ("    address: 0.0.0.0\n", ""), ("    key: far.key\n", ""),
        (colons, digest), (digest, "0f"), (digest, String(repeating: "0g", count: 32)), ("dr-h:", "Dr H:"),
        ("Dr. Haddad", String(repeating: "x", count: 81)), ("    key:", "    kye:"),
        ("{name: Dr. Haddad, certificate: \"\(digest)\"}", "{certificate: \"\(digest)\"}"),
    ])
    func aFaultLetsNobodyIn(part: String, instead: String) throws {
        let text = Self.good.replacingOccurrences(of: part, with: instead)
        #expect(text != Self.good)
        let (unit, diagnostics, _) = try load(text)
        #expect(unit.far == nil && diagnostics.errors > 0 && unit.refused.map(\.part) == [.setting("console")])
    }

    @Test func thereIsALimitOfClinicians() throws {
        let many = (0..<51).map { number in
            let digits = "\(number)" + String(repeating: "0", count: 64 - "\(number)".count)
            return "      c-\(number): {name: C, certificate: \"\(digits)\"}\n"
        }
        let text = Self.good + many.joined()
        #expect(try load(text).unit.far == nil)
    }
}
