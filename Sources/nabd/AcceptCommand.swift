import ArgumentParser
import DevicePlans
import NabdHost
import ProfileLanguage

extension ProfileCommand {
    struct Accept: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the list of these profiles, by digest, for a unit that takes no others.",
            discussion: """
                Read what it says of each, keep it as a file, and name the file in the unit's configuration \
                (“accept: {list: accepted.yaml}”). With a key (“key: site.pub”) it must be signed: \
                signify -S -s site.sec -m accepted.yaml
                """
        ).examples("nabd profile accept device-profiles --version 7 > accepted.yaml")
        @Argument(help: "Profiles (folders, files or vendor/model), or folders of them.") var paths: [String]
        @Option(help: "The list's version: a unit takes none that is not higher than the last.") var version: Int64

        func validate() throws {
            guard AcceptedProfiles.versions.contains(version) else {
                throw ValidationError(
                    "--version takes \(AcceptedProfiles.versions.lowerBound) to "
                        + "\(AcceptedProfiles.versions.upperBound)")
            }
        }

        func run() throws {
            let profiles = try ProfileCommand.find(paths).map { try DeviceProfile.load($0) }
            print(AcceptedProfiles.text(profiles, version: version), terminator: "")
        }
    }
}
