import Consultations
import OperatorDesk
import Synchronization
import Testing

@testable import Console

@Suite struct FarDoorTests {
    @Test func knockingIsLimitedForEachAndForAll() {
        let limit = HandshakeLimit(at: 0)
        let own = (0..<100).count { _ in limit.take("10.0.0.1", at: 0) }
        #expect(own == 12)
        #expect(limit.take("10.0.0.2", at: 0), "somebody else's knocking takes nobody's place")
        #expect(!limit.take("10.0.0.1", at: 400_000_000) && limit.take("10.0.0.1", at: 500_000_000))
        let others = (0..<1_000).count { limit.take("10.1.0.\($0)", at: 500_000_000) }
        #expect((20...40).contains(others))
        #expect(limit.take("10.0.0.3", at: 60_000_000_000))
    }

    @Test func addressesDoNotFillTheMemory() {
        let limit = HandshakeLimit(at: 0)
        for number in 0..<5_000 { _ = limit.take("\(number)", at: 0) }
        #expect(!limit.take("one more", at: 0))
        #expect(limit.take("one more", at: 3_600_000_000_000), "those that did nothing are forgotten")
    }

    private static let consultation: Consultation = {
        var fold = ConsultationFold()
        let grant = ConsultationGrant(
            clinician: "dr-h", name: "Dr. H", certificate: String(repeating: "0f", count: 32), bed: nil,
            until: 90_000_000_000, by: ["layla"])
        fold.take(.opened(grant), at: ConsultationFold.Position(sequence: 4, session: "s", nanoseconds: 0, utc: 0))
        return fold.open(at: 0)[0]
    }()

    /// What the host was asked to record.
    private final class Noted: Sendable {
        let asks = Mutex<[ConsultationAsk]>([])

        func answer(_ ask: ConsultationAsk) -> Result<Int64, Refusal> {
            asks.withLock { asks in
                asks.append(ask)
                return .success(Int64(asks.count))
            }
        }
    }

    @Test func oneMachineIsOneVisit() async throws {
        let noted = Noted()
        let visits = FarVisits { noted.answer($0) }
        let join = ConsultationAsk.join(
            4, certificate: Self.consultation.grant.certificate, from: "10.0.0.1")
        for _ in 0..<6 { try await visits.enter(Self.consultation, from: "10.0.0.1", at: 0) }
        #expect(noted.asks.withLock { $0 } == [join])
        for _ in 0..<6 { await visits.leave(4, from: "10.0.0.1", at: 5_000_000_000) }
        await visits.settle(at: 64_000_000_000) { _ in true }
        #expect(noted.asks.withLock { $0 } == [join], "a browser comes back")
        await visits.settle(at: 65_000_000_000) { _ in true }
        #expect(noted.asks.withLock { $0 } == [join, .leave(4, visit: 1)])
    }

    @Test func whoIsNotRecordedDoesNotLook() async {
        let unrecorded = Refusal(503, "unrecorded", "words")
        let visits = FarVisits { _ in .failure(unrecorded) }
        for _ in 0..<2 {
            await #expect(throws: unrecorded) { try await visits.enter(Self.consultation, from: "::1", at: 0) }
        }
    }

    @Test func ofWhatIsOverNothingIsSaid() async throws {
        let noted = Noted()
        let visits = FarVisits { noted.answer($0) }
        try await visits.enter(Self.consultation, from: "::1", at: 0)
        await visits.settle(at: 1) { _ in false }
        await visits.leave(4, from: "::1", at: 2)
        await visits.settle(at: 900_000_000_000) { _ in true }
        #expect(noted.asks.withLock { $0.count } == 1)
    }
}
