import ArgumentParser
import DeviceModel
import NabdHost
import SampleJournal

extension UplinkCommand {
    struct WithheldList: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "withheld",
            abstract: "The waveforms that the policy does not send: the journal keeps them until it does."
        ).examples("nabd uplink withheld")
        @OptionGroup var place: Place

        func run() throws {
            let unit = try place.file.load(faultsCost: .itsPart)
            let reader = try? JournalReader(directory: unit.journalDirectory)
            var offsets: [Int64: Int64?] = [:]
            for book in try place.open() {
                let destination = try book.destination()
                for stretch in try book.withheld(.waveforms) {
                    if offsets[stretch.session] == nil {
                        offsets[stretch.session] = try reader?.clockOffset(session: stretch.session)
                    }
                    let offset = offsets[stretch.session] ?? nil
                    // Where nobody knows when it was, how long it is.
                    func time(_ monotonic: Int64) -> JSON? {
                        offset.map { .string(UTCTime.text(nanoseconds: monotonic &+ $0)) }
                    }
                    print(
                        JSON.members([
                            "destination": .string(destination), "device": .string(stretch.device),
                            "from": time(stretch.first), "to": time(stretch.end),
                            "seconds": .integer((stretch.end - stretch.first) / 1_000_000_000),
                        ]).text)
                }
            }
        }
    }
}
