import ArgumentParser
import DeviceModel
import DevicePlans

extension ProfileCommand {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The devices that have a profile: what is read, the line's settings, and what that rests on.",
            discussion: "Without folders: the profiles here, or those that come with the program."
        ).examples(
            "nabd profile list", "nabd profile list alaris/asena-gh",
            "nabd profile list /etc/nabd/device-profiles --json")
        @Argument(help: "Profiles (folders, files or vendor/model), or folders of them.") var paths: [String] = []
        @Flag(help: "A JSON line for each device, with every metric.") var json = false
        @Flag(help: "The page docs/devices.md.") var markdown = false

        func run() throws {
            if json, markdown { throw Failure(.usage, "give either --json or --markdown") }
            let folders = paths.isEmpty ? [try ProfileCommand.defaultFolder()] : paths
            let catalogue = try DeviceCatalogue(profiles: try ProfileCommand.find(folders))
            if json {
                for entry in catalogue.entries { print(entry.json.text) }
            } else {
                print(markdown ? catalogue.markdown : catalogue.words, terminator: "")
            }
        }
    }
}
