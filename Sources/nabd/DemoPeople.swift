import BedDesk
import DeviceModel
import Foundation
import OperatorDesk
import RealTime
import Synchronization

/// The people of a demonstration: their secrets are made for it, printed, and gone with it.
struct DemoPeople: Sendable {
    struct Person: Sendable {
        let id: String
        let name: String
        let role: OperatorRole
        let secret: String
    }

    let people: [Person]

    /// New secrets.
    init() {
        var generator = SystemRandomNumberGenerator()
        func person(_ id: String, _ name: String, _ role: OperatorRole) -> Person {
            // Letters that no keyboard has elsewhere, and that are not taken for one another.
            let letters = Array("abcdefghkmnprstuv")
            let secret = String((0..<8).compactMap { _ in letters.randomElement(using: &generator) })
            return Person(id: id, name: name, role: role, secret: secret)
        }
        people = [
            person("nurse", "Demo Nurse", .clinician), person("doctor", "Demo Doctor", .clinician),
            person("engineer", "Demo Engineer", .engineer),
        ]
    }

    /// Writes the file of operators, for its owner alone.
    func write(to file: String) throws {
        let entries = try people.map {
            try Operators.lines(id: $0.id, secret: $0.secret, name: $0.name, roles: [$0.role])
        }
        let text = "nabd: operators/1\noperators:\n\(entries.joined(separator: "\n"))\n"
        guard
            FileManager.default.createFile(
                atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        else { throw Failure(.unavailable, "\(file) cannot be written") }
    }
}

/// What the demonstration's nurse does: says who is at the beds, and enters what no device measures.
///
/// All of it goes over the people's socket, as everybody's does.
final class DemoNurse: Sendable {
    private let socket: String
    private let nurse: Credential
    private let beds: [DemoUnit.Bed]
    private let isOver = Atomic(false)
    /// For a machine that has other things to do.
    private static let patience = Duration.seconds(60)

    /// What is entered counts for an hour.
    private static let entersEvery = Duration.seconds(2400)

    init?(_ people: DemoPeople, socket: String, beds: [DemoUnit.Bed]) {
        guard let nurse = people.people.first(where: { $0.role == .clinician }) else { return nil }
        self.socket = socket
        self.nurse = Credential(id: nurse.id, secret: nurse.secret)
        self.beds = beds.filter(\.isBound)
    }

    /// Goes round on a thread of its own: the socket is waited for.
    func start() { Thread { self.goRound() }.start() }

    func stop() { isOver.store(true, ordering: .relaxed) }

    private func goRound() {
        let clock = ContinuousClock()
        for (number, bed) in beds.enumerated() {
            tell(.bind(bed: bed.id, identifiers: Self.identifiers(number + 1), since: 0))
        }
        while !isOver.load(ordering: .relaxed) {
            for bed in beds {
                tell(.enter(bed: bed.id, item: "consciousness", value: "A"))
                tell(.enter(bed: bed.id, item: "oxygen", value: "air"))
            }
            let next = clock.now + Self.entersEvery
            while clock.now < next, !isOver.load(ordering: .relaxed) { Thread.sleep(forTimeInterval: 0.2) }
        }
    }

    /// Who is at a bed: nobody is called so.
    private static func identifiers(_ number: Int) -> [EnteredIdentifier] {
        [
            EnteredIdentifier(kind: "mrn", text: "DEMO-000\(number)"),
            EnteredIdentifier(kind: "birth-date", text: "1900-01-0\(number)"),
            EnteredIdentifier(kind: "name", text: "Demo Patient \(number)"),
        ]
    }

    /// Asks until the host answers people, which it does soon after its start.
    private func tell(_ ask: BedAsk) {
        let clock = ContinuousClock()
        let end = clock.now + Self.patience
        while clock.now < end, !isOver.load(ordering: .relaxed) {
            do {
                let client = try DeskClient(path: socket)
                try client.say(try DeskLine(.bed(ask), by: nurse).line())
                guard let answer = try client.answer(within: Self.patience)?.answer else { continue }
                if case .refused(_, let words, _) = answer {
                    printError("the demonstration's nurse was refused: \(words)")
                }
                return
            } catch {
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
        if !isOver.load(ordering: .relaxed) { printError("the demonstration's nurse was not heard at \(socket)") }
    }
}
