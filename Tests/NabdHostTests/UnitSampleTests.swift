import Console
import DevicePlans
import Foundation
import NabdHost
import Patients
import StrictYAML
import TestSupport
import Testing

/// The configuration that `nabd init` prints is one that a unit can begin with.
@Suite struct UnitSampleTests {
    private func load(_ text: String, faultsCost cost: UnitConfiguration.FaultCost = .everything) throws
        -> (unit: UnitConfiguration, diagnostics: Diagnostics)
    {
        let folder = try TemporaryFolder()
        let own = text.replacingOccurrences(of: UnitSample.profiles, with: Repository.path("device-profiles"))
        #expect(own != text, "the sample names the package's folder of profiles")
        let diagnostics = Diagnostics()
        let path = try folder.write("unit.yaml", own)
        return (try UnitConfiguration.load(path, diagnostics: diagnostics, faultsCost: cost), diagnostics)
    }

    @Test func theReaderTakesTheSampleWithTheShippedProfiles() throws {
        let (unit, diagnostics) = try load(UnitSample.text)
        // That is so for every preset that is shipped, and is said wherever one is named.
        let found = diagnostics.all.filter {
            $0.message != "the preset “oncology-chair” is not reviewed by a clinician"
        }
        #expect(found.isEmpty && diagnostics.all.count == 1, "\(found)")
        #expect(unit.devices.map(\.plan.handle) == ["oximeter", "pump-a", "fridge", "power", "position"])
        #expect(unit.lines.count == 5)
        #expect(unit.journalDirectory == "/var/lib/nabd/journal")
        #expect(unit.statusSocket == "/run/nabd/status" && unit.clockFile == "/run/nabd-clock/quality")
        #expect(unit.beds.map(\.id) == ["chair-1"] && unit.beds[0].configured.devices == ["oximeter", "pump-a"])
        #expect(unit.patientFolder == "/var/lib/nabd/journal.patients")
        #expect(unit.isTestData && unit.destination == nil && unit.pumps == nil && unit.metricsPort == nil)
        #expect(unit.console == nil)
    }

    @Test func whatIsLeftOutIsRightToo() throws {
        let lines = UnitSample.text.split(separator: "\n", omittingEmptySubsequences: false)
        let marked = lines.filter { $0.hasPrefix(UnitSample.mark) }
        #expect(marked.count >= 10)
        let whole = lines.map { $0.hasPrefix(UnitSample.mark) ? $0.dropFirst(UnitSample.mark.count) : $0 }
            .joined(separator: "\n")
        // Keys and rules are not here: a unit that runs waits for them.
        let (unit, diagnostics) = try load(whole, faultsCost: .itsPart)
        #expect(!diagnostics.hasErrors && unit.refused.isEmpty, "\(diagnostics.all)")
        #expect(unit.metricsPort == 9464 && unit.destination == "https://records.example.sa/fhir")
        #expect(unit.people?.socket == "/run/nabd/people")
        #expect(unit.console?.address == .socket("/run/nabd-console/socket") && unit.console?.hosts == [])
        #expect(unit.console?.files == "/usr/share/nabd/screen")
    }

    @Test func aMisspeltSampleIsRefused() throws {
        let text = UnitSample.text.replacingOccurrences(of: "alaris/asena-gh", with: "alaris/asena-gg")
        do {
            _ = try load(text)
            Issue.record("it was taken")
        } catch let fault as InvalidFile {
            #expect(fault.description.contains("did you mean “alaris/asena-gh”?"), "\(fault)")
        }
    }
}
