import Consultations
import DeviceModel
import Foundation
import Testing

@testable import NabdHost

/// Consultations in the recorder's rounds: asked in a task, decided in a round, durable before it is answered.
@Suite struct ConsultationRoundsTests {
    private static let second: Int64 = 1_000_000_000
    private static let certificate = String(repeating: "0f", count: 32)
    private static let door = ConsultationDesk.Door(
        clinicians: [FarClinician(id: "dr-h", name: "Dr. Haddad", certificate: certificate)], beds: ["chair-1"],
        isListening: true)

    private struct Full: Error {}

    /// What the journal took.
    private final class Journal {
        var events: [UnitEvent] = []
        var isFull = false

        func record(_ batch: [UnitEvent]) throws -> Int64 {
            if isFull { throw Full() }
            events += batch
            return Int64(events.count)
        }
    }

    private let asks = AskQueue<ConsultationRequest, ConsultationAnswer>(limit: 4)
    private let journal = Journal()
    private let rounds: ConsultationRounds

    init() {
        rounds = ConsultationRounds(Self.door, session: "s", asks: asks)
        asks.open()
    }

    /// Asks, and turns a round once it is asked.
    private func ask(_ request: ConsultationRequest, at time: Int64) async throws -> ConsultationAnswer {
        let asks = asks
        let answer = Task { try await asks.ask(request) }
        while asks.waiting == 0 { try await Task.sleep(for: .milliseconds(1)) }
        turn(at: time)
        return try await answer.value
    }

    private func turn(at time: Int64) {
        rounds.turn(now: time * Self.second, utc: time * Self.second) { [journal] in try journal.record($0) }
    }

    private func open(at time: Int64) async throws -> ConsultationAnswer {
        try await ask(
            .open(clinician: "dr-h", bed: nil, length: 600 * Self.second, by: "layla"), at: time)
    }

    private func isOpen(at time: Int64) async throws -> Bool {
        guard case .book(let book, nil) = try await ask(.list, at: time) else { return false }
        return !book.open.isEmpty
    }

    @Test func whatIsAnsweredIsRecorded() async throws {
        guard case .book(let book, _) = try await open(at: 1) else {
            Issue.record("it is not opened")
            return
        }
        #expect(book.open.map(\.number) == [1] && journal.events.map(\.kind) == [.consultationOpened])
        #expect(try await isOpen(at: 600))
        turn(at: 601)
        #expect(journal.events.map(\.kind) == [.consultationOpened, .consultationClosed])
        #expect(try await isOpen(at: 601) == false)
    }

    @Test func aFullDiskOpensNothing() async throws {
        journal.isFull = true
        guard case .refused(.journal, _) = try await open(at: 1) else {
            Issue.record("it is not refused")
            return
        }
        journal.isFull = false
        #expect(try await isOpen(at: 2) == false, "nothing of it is done later")
    }

    @Test func whatTheJournalLosesClosesAll() async throws {
        _ = try await open(at: 1)
        rounds.took(
            [.clockStepped(milliseconds: 5, at: 2 * Self.second)], first: 2, utcOffset: 0)
        #expect(try await isOpen(at: 3))
        rounds.took([.eventsLost(1, cause: .disk, at: 4 * Self.second)], first: 3, utcOffset: 0)
        #expect(try await isOpen(at: 5) == false)
    }

    @Test func whoCannotBeRecordedIsTold() async throws {
        let asks = asks
        let answer = Task { try await asks.ask(.list) }
        while asks.waiting == 0 { try await Task.sleep(for: .milliseconds(1)) }
        rounds.refuse()
        guard case .refused(.journal, _) = try await answer.value else {
            Issue.record("nobody is told")
            return
        }
    }
}
