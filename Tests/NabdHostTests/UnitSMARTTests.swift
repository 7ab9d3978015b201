import NabdHost
import StrictYAML
import TestSupport
import Testing
import Uplink

/// How a unit is told to ask for tokens, and what becomes of samples of an unset clock.
@Suite struct UnitSMARTTests {
    private func load(_ more: String, faultsCost cost: UnitConfiguration.FaultCost = .itsPart) throws
        -> UnitConfiguration
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
              client-key: unit.key
              \(more)
            """
        let folder = try TemporaryFolder()
        return try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: cost)
    }

    @Test func whatIsNotSaidIsTheUsual() throws {
        #expect(try load("window: 60s").uplink?.smart == nil)
        let unit = try load("smart: {client: mobile-7, key: /etc/nabd/keys/smart.key}")
        let smart = try #require(unit.uplink?.smart)
        #expect(smart.client == "mobile-7" && smart.key == "/etc/nabd/keys/smart.key")
        #expect(smart.scope == "system/*.cru" && smart.tokenEndpoint == nil)
    }

    @Test func allOfItIsRead() throws {
        let unit = try load(
            """
            smart: {client: a b, key: k.key, scope: "system/Observation.cu system/Device.cu", \
            token-endpoint: "https://login.example:8443/t?x=1"}
            """)
        let smart = try #require(unit.uplink?.smart)
        #expect(smart.client == "a b" && smart.key.hasSuffix("/k.key") && smart.key.hasPrefix("/"))
        #expect(smart.scope == "system/Observation.cu system/Device.cu")
        #expect(smart.tokenEndpoint == "https://login.example:8443/t?x=1")
    }

    @Test(arguments: [
        "smart: {key: k}", "smart: {client: c}", "smart: {client: c, key: k, secret: s}", "smart: yes",
        #"smart: {client: "", key: k}"#, #"smart: {client: "a\nb", key: k}"#, "smart: {client: ü, key: k}",
        #"smart: {client: c, key: k, scope: ""}"#, #"smart: {client: c, key: k, scope: "a  b"}"#,
        #"smart: {client: c, key: k, token-endpoint: "http://a/t"}"#,
        #"smart: {client: c, key: k, token-endpoint: "https://u:SECRET@a/t"}"#, "unset-clock: drop",
    ])
    func aFaultIsToldAtItsPlaceAndCostsTheUplink(line: String) throws {
        let unit = try load(line)
        #expect(unit.uplink == nil && unit.refused.map(\.part) == [.setting("uplink")])
        let reason = unit.refused.first?.reason ?? ""
        #expect(reason.contains("unit.yaml:11:") && !reason.contains("SECRET"), "\(reason)")
    }

    @Test func aCheckLooksAtTheKey() throws {
        let error = #expect(throws: InvalidFile.self) {
            _ = try load("smart: {client: c, key: none.key}", faultsCost: .everything)
        }
        let told = error?.diagnostics.map(\.description).joined(separator: "\n") ?? ""
        #expect(told.contains("none.key is not a readable PEM key"), "\(told)")
    }

    @Test func samplesOfAnUnsetClockAreHeldOrMarked() throws {
        #expect(try load("window: 60s").unsetClock == .hold)
        #expect(try load("unset-clock: hold").unsetClock == .hold)
        #expect(try load("unset-clock: mark").unsetClock == .mark)
    }
}
