import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

/// What `nabd profile new` writes proves itself: an author begins with vectors that leave nothing open.
@Suite struct StartTests {
    @Test(arguments: ProfileStart.Kind.allCases) func everyStartProvesAllThatItClaims(kind: ProfileStart.Kind) throws {
        let folder = try TemporaryFolder()
        let start = ProfileStart(kind: kind, manufacturer: "A", model: "B", baud: 9600, format: "8N1")
        for (name, text) in start.files(name: "a/b") { _ = try folder.write(name, text) }
        let profile = try DeviceProfile.load(folder.path)
        let vectors = try VectorFile.load("\(folder.path)/vectors.yaml", for: profile).vectors
        let runner = VectorRunner(profile)
        for vector in vectors { #expect(runner.run(vector).failures.isEmpty, "\(vector.name)") }
        #expect(runner.unproven(by: vectors).isEmpty, "\(runner.unproven(by: vectors).map(\.text))")
        // Without the vector of its missing value the start would be told what it lacks.
        guard profile.fields.contains(where: { !$0.missing.isEmpty }) else { return }
        #expect(!runner.unproven(by: Array(vectors.prefix(1))).isEmpty)
    }
}
