import ArgumentParser
import DeviceModel
import Foundation
import NabdHost
import SampleJournal

struct UplinkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uplink", abstract: "What the records service has, and what it refused.",
        subcommands: [Status.self, DeadLetters.self])

    struct Place: ParsableArguments {
        @Option(help: "The unit's configuration.") var config: String

        func store() throws -> DeliveryStore {
            let directory = try UnitConfiguration.load(config).journalDirectory
            do {
                return try DeliveryStore(directory: directory, readOnly: true)
            } catch let error as JournalError {
                throw Failure(.unavailable, error.description)
            }
        }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "How far delivery is.")
        @OptionGroup var place: Place

        func run() throws {
            let store = try place.store()
            let position = try store.samplePosition()
            print(
                JSON.members([
                    "delivered": .integer(try store.deliveredCount()), "refused": .integer(try store.deadLetterCount()),
                    "eventPosition": .integer(try store.eventPosition()), "session": .integer(position.session),
                    "windowNanoseconds": .integer(position.window),
                ]).text)
        }
    }

    struct DeadLetters: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dead-letters", abstract: "What the records service refused, and why.")
        @OptionGroup var place: Place
        @Flag(help: "With the resource itself.") var full = false

        func run() throws {
            for letter in try place.store().deadLetters(limit: 1000) {
                print(
                    JSON.members([
                        "url": .string(letter.url), "reason": .string(letter.reason),
                        "time": .string(UTCTime.text(nanoseconds: letter.utc)),
                        "resource": full ? .string(letter.resource) : nil,
                    ]).text)
            }
        }
    }
}
