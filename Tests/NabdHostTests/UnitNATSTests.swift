import NabdHost
import StrictYAML
import TestSupport
import Testing
import Uplink

/// How a unit is told that it delivers to a stream.
@Suite struct UnitNATSTests {
    private func load(_ server: String, _ rest: String) throws -> UnitConfiguration {
        let text = """
            nabd: unit/1
            unit: mobile-7
            profiles: \(Repository.path("device-profiles"))
            devices:
              fridge: {profile: xy/md02, line: /dev/ttyUSB1, unit: 3}
            uplink:
              authority: authority.pem
              client-certificate: unit.pem
              client-key: unit.key
              server: \(server)
            \(rest.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
            """
        let folder = try TemporaryFolder()
        return try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
    }

    private static let stream = "nats: {stream: UNITS, subject: nabd.mobile-7}"

    @Test func theStreamAndTheSubjectAreRead() throws {
        let unit = try load("nats://records.example:4223", Self.stream)
        #expect(unit.uplink?.nats == NATSSettings(stream: "UNITS", subject: "nabd.mobile-7"))
        #expect(unit.destination == "nats://records.example:4223/UNITS/nabd.mobile-7")
        #expect(unit.uplink?.place?.port == 4223)
        #expect(try load("nats://records.example", Self.stream).uplink?.place?.port == 4222)
    }

    @Test(arguments: [
        ("nats://records.example", "", "unit.yaml:7:"),
        ("nats://me:SECRET@records.example", stream, "unit.yaml:10:"),
        ("nats://records.example/UNITS", stream, "unit.yaml:10:"),
        ("tls://records.example", stream, "unit.yaml:10:"),
        ("https://records.example/fhir", stream, "unit.yaml:11:"),
        ("nats://records.example", "nats: {stream: UNITS}", "unit.yaml:11:"),
        ("nats://records.example", "nats: {stream: UNITS, subject: nabd.>}", "unit.yaml:11:"),
        ("nats://records.example", "nats: {stream: a.b, subject: nabd}", "unit.yaml:11:"),
        ("nats://records.example", "nats: {stream: UNITS, subject: nabd, user: me}", "unit.yaml:11:"),
        ("nats://records.example", "\(stream)\ncompression: gzip", "unit.yaml:12:"),
        ("nats://records.example", "\(stream)\nest: {server: https://est.example}", "unit.yaml:12:"),
    ])
    func aFaultIsToldAtItsPlaceAndCostsTheUplink(server: String, rest: String, place: String) throws {
        let unit = try load(server, rest)
        #expect(unit.uplink == nil && unit.refused.map(\.part) == [.setting("uplink")])
        let reason = unit.refused.first?.reason ?? ""
        #expect(reason.contains(place) && !reason.contains("SECRET"), "\(reason)")
    }
}
