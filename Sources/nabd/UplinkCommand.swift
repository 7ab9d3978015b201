import ArgumentParser
import DeviceModel
import Foundation
import NabdHost
import RealTime
import SampleJournal
import Uplink

struct UplinkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uplink",
        abstract: "What is stored at the records service, what is parked, and what shall become of it.",
        subcommands: [
            Status.self, Parked.self, WithheldList.self, Retry.self, Release.self, Retire.self, KeySet.self, Enrol.self,
        ])

    struct Place: ParsableArguments {
        @OptionGroup var file: UnitFile

        func books() throws -> DeliveryBooks {
            DeliveryBooks(journal: try file.load(faultsCost: .itsPart).journalDirectory)
        }

        /// Every book, or what to do when there is none.
        func open() throws -> [DeliveryBook] {
            let unit = try file.load(faultsCost: .itsPart)
            let books = DeliveryBooks(journal: unit.journalDirectory)
            guard !books.paths.isEmpty else {
                throw Failure(
                    .unavailable,
                    unit.uplink == nil && !unit.mayHaveRefused("uplink")
                        ? "this unit has no uplink: \(file.path) has no “uplink”, and the record stays on this disk"
                        : "there is no book of deliveries in \(books.directory): nothing was delivered yet")
            }
            do { return try books.paths.map { try DeliveryBook(readingFrom: $0) } } catch let error as JournalError {
                throw Failure(.unavailable, error.description)
            }
        }

        func leave(_ order: DeliveryBooks.Order) throws {
            do { try books().leave(order) } catch let error as JournalError {
                throw Failure(.unavailable, error.description)
            }
        }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How far each lane is at each destination, as JSON lines."
        ).examples("nabd uplink status")
        @OptionGroup var place: Place

        func run() throws {
            let unit = try place.file.load(faultsCost: .itsPart)
            let reader = try? JournalReader(directory: unit.journalDirectory)
            for book in try place.open() {
                let report = try DeliveryReport(book, reader)
                let isOurs =
                    try unit.destination.map {
                        DeliveryBooks.isSame($0, try book.destination())
                    } ?? false
                let limits = isOurs ? unit.uplinkLimits : LinkLimits()
                let clock = ClockJudge(file: unit.clockFile)
                let month = MonthCount(try book.monthCount()).turned(
                    to: clock.now() == .unknown ? nil : WallClock.now())
                print(
                    JSON.members([
                        "destination": .string(try book.destination()), "stored": .integer(report.stored),
                        "lastStored": report.lastStored.map { .string(UTCTime.text(nanoseconds: $0)) },
                        "parked": .integer(report.parked), "waitingBehindParked": .integer(report.waitingBehindParked),
                        "released": .integer(report.released),
                        "contradicted": report.isContradicted ? .bool(true) : nil,
                        "mayNotRead": report.mayNotRead ? .bool(true) : nil,
                        "month": month.name.map(JSON.string), "monthBytes": .integer(month.bytes),
                        "monthLimitBytes": limits.bytesPerMonth.map(JSON.integer),
                        "bitsPerSecond": limits.bitsPerSecond.map(JSON.integer),
                        "sent": isOurs ? .string(limits.stage(at: month.bytes).rawValue) : nil,
                        "problem": report.problem.map(JSON.string), "identity": try book.concern().map(JSON.string),
                        "renewal": isOurs
                            ? try book.fact("renewal").flatMap { $0.isEmpty ? nil : JSON.document($0) } : nil,
                        "reach": try book.fact("reach").flatMap { $0.isEmpty ? nil : JSON.document($0) },
                        "lanes": report.lanesAsJSON,
                    ]).text)
            }
        }
    }

    struct Parked: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "What the records service does not take, and why: it holds up nothing else, and the journal keeps it."
        ).examples("nabd uplink parked --full")
        @OptionGroup var place: Place
        @Flag(help: "With the resource itself.") var full = false

        func run() throws {
            for book in try place.open() {
                for resource in try book.parked(limit: 1000) {
                    var behind: String?
                    if case .behind(let url) = resource.cause { behind = url }
                    print(
                        JSON.members([
                            "url": .string(resource.url), "reason": .string(resource.reason),
                            "behind": behind.map(JSON.string), "time": .string(UTCTime.text(nanoseconds: resource.utc)),
                            "resource": full && !resource.resource.isEmpty ? .string(resource.resource) : nil,
                        ]).text)
                }
            }
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Try what is parked again.").examples(
            "nabd uplink retry")
        @OptionGroup var place: Place

        func run() throws {
            try place.leave(.retry)
            print("the host tries what is parked again: in a moment, or when it next starts")
        }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What is parked need not be stored: it is forgotten, and the journal need not keep it for it."
        ).examples("nabd uplink release", "nabd uplink release --withheld")
        @OptionGroup var place: Place
        @Flag(help: "Instead of what is parked, the waveforms that the policy does not send.") var withheld = false

        func run() throws {
            if withheld {
                try place.leave(.releaseWithheld)
                print("the host forgets what is withheld: in a moment, or when it next starts")
                return
            }
            try place.leave(.release)
            print("the host forgets what is parked: in a moment, or when it next starts")
        }
    }

    struct Retire: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Nothing is to be delivered to a former destination any more: its book holds nothing back then."
        ).examples("nabd uplink retire --server https://old.example.sa/fhir")
        @OptionGroup var place: Place
        @Option(help: "The former destination's address, as `uplink status` says it.") var server: String

        func run() throws {
            // Strictly: where the uplink's part cannot be read, nobody knows which destination is a former one.
            let unit = try place.file.load()
            let books = DeliveryBooks(journal: unit.journalDirectory)
            if let current = unit.destination, books.path(of: current) == books.path(of: server) {
                throw Failure(
                    .usage, "\(server) is where this unit delivers to: take it out of the configuration first")
            }
            guard let name = try books.retire(server) else {
                throw Failure(.usage, "there is no book for \(server); `nabd uplink status` names them")
            }
            print("its book is kept as \(name)")
        }
    }
}
