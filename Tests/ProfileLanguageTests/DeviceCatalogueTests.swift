import DeviceModel
import DevicePlans
import Foundation
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

/// What `nabd profile list` tells of the profiles, and that the page made of it is the current one.
@Suite struct DeviceCatalogueTests {
    private static func catalogue(_ names: [String]) throws -> DeviceCatalogue {
        try DeviceCatalogue(profiles: names.map { Repository.path("device-profiles/\($0)/profile.yaml") })
    }

    @Test func thePageOfDevicesIsCurrent() throws {
        let names = ProfileShelf.names(in: [Repository.path("device-profiles")])
        #expect(names.count >= 40 && names == names.sorted())
        let page = try String(contentsOfFile: Repository.path("docs/devices.md"), encoding: .utf8)
        let made = try Self.catalogue(names).markdown
        #expect(page == made, "nabd profile list --markdown > docs/devices.md")
        #expect(try page != Self.catalogue(names.dropLast()).markdown)
        for name in names { #expect(page.contains("](../device-profiles/\(name)/README.md)")) }
    }

    @Test func aDeviceIsToldWithWhatItRestsOn() throws {
        let entry = try #require(Self.catalogue(["nonin/oem-iii-df2"]).entries.first)
        #expect(entry.values.map(\.referenceID).last == "MDC_PULS_OXIM_PLETH")
        #expect(entry.waveforms == 1)
        #expect(entry.line == "serial 9600 baud 8N1")
        #expect(entry.unverified == ["Missing values 511 and 127"])
        #expect(entry.vectors.allSatisfy { $0.count > 0 } && entry.evidence.contains("vectors: "))
        #expect(entry.reads(most: 1).hasSuffix("and 2 more"))
    }

    @Test(arguments: [
        ("victron/gx", "Modbus TCP, unit 100, port 502"), ("xy/md02", "Modbus RTU 9600 baud 8N1, unit 1"),
    ])
    func theLineIsToldInWords(profile: String, words: String) throws {
        #expect(try Self.catalogue([profile]).entries.first?.line == words)
    }

    @Test func aFolderWithoutVectorsProvesNothing() throws {
        let folder = try TemporaryFolder()
        let text = try String(
            contentsOfFile: Repository.path("device-profiles/nonin/oem-iii-df2/profile.yaml"), encoding: .utf8)
        let path = try folder.write("maker/model/profile.yaml", text)
        #expect(try DeviceCatalogue(profiles: [path]).entries.first?.evidence == "no vectors")
    }

    @Test func whatIsNearIsSuggested() {
        let folders = [Repository.path("device-profiles")]
        #expect(ProfileShelf.suggest("nonin/oem-iii-df3", in: folders) == "did you mean “nonin/oem-iii-df2”?")
        #expect(ProfileShelf.suggest("completely/else-where", in: folders) == nil)
    }
}
