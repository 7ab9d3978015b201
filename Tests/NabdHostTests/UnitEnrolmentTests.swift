import NabdHost
import StrictYAML
import TestSupport
import Testing
import Uplink

/// How a unit is told where its certificate comes from.
@Suite struct UnitEnrolmentTests {
    private func load(_ est: String, key: String = "unit.pem", faultsCost cost: UnitConfiguration.FaultCost = .itsPart)
        throws -> UnitConfiguration
    {
        let text = """
            nabd: unit/1
            unit: mobile-7
            profiles: \(Repository.path("device-profiles"))
            devices:
              fridge: {profile: xy/md02, line: /dev/ttyUSB1, unit: 3}
            uplink:
              server: https://records.example/fhir
              authority: authority.pem
              client-certificate: unit.pem
              client-key: \(key)
              est: \(est)
            """
        let folder = try TemporaryFolder()
        return try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: cost)
    }

    @Test func whatIsNotSaidIsTheUsual() throws {
        let unit = try load("{server: https://est.example}")
        let settings = try #require(unit.uplink?.enrolment)
        #expect(settings.base == "https://est.example/.well-known/est" && settings.subject == "mobile-7")
        #expect(settings.authority == unit.uplink?.authority && settings.renewBefore == nil)
    }

    @Test func allOfItIsRead() throws {
        let unit = try load(
            """
            {server: https://est.example/.well-known/est/units, subject: Unit 7, authority: est.pem, \
            renew-before: 240h}
            """
        )
        let settings = try #require(unit.uplink?.enrolment)
        #expect(settings.base == "https://est.example/.well-known/est/units" && settings.subject == "Unit 7")
        #expect(settings.authority.hasSuffix("/est.pem") && settings.authority.hasPrefix("/"))
        #expect(settings.renewBefore == 864_000)
    }

    @Test(arguments: [
        "{}", "yes", "{server: http://est.example}", "{server: https://u:SECRET@est.example}",
        #"{server: https://est.example, subject: ""}"#, "{server: https://est.example, password: SECRET}",
        "{server: https://est.example, renew-before: 1s}", "{server: https://est.example, renew-before: 1 month}",
    ])
    func aFaultIsToldAtItsPlaceAndCostsTheUplink(est: String) throws {
        let unit = try load(est)
        #expect(unit.uplink == nil && unit.refused.map(\.part) == [.setting("uplink")])
        let reason = unit.refused.first?.reason ?? ""
        #expect(reason.contains("unit.yaml:11:") && !reason.contains("SECRET"), "\(reason)")
    }

    @Test func certificateAndKeyAreOneFile() throws {
        let unit = try load("{server: https://est.example}", key: "unit.key")
        #expect(unit.uplink == nil && unit.refused.first?.reason.contains("one file") == true)
    }

    @Test func whatIsNotThereYetIsMadeByEnrolling() throws {
        do {
            _ = try load("{server: https://est.example}", faultsCost: .everything)
            Issue.record("a file that is not there was not missed")
        } catch let error as InvalidFile {
            #expect(error.diagnostics.contains { $0.description.contains("nabd uplink enrol") })
        }
    }
}
