import AsyncHTTPClient
import Foundation
import NIOHTTP1

/// Whether the records service takes a new pair as it takes the one in use, before that is gone.
struct ServiceProof: Sendable {
    /// What came of asking.
    enum Told: Equatable {
        case status(Int)
        case nothing

        /// Whether it says how the service is, and nothing of who asked.
        var isOfService: Bool {
            guard case .status(let status) = self else { return false }
            return status == 408 || status == 429 || status >= 500
        }
    }

    /// How long one question may take. Unit: s.
    private static let askingLimit: Int64 = 30

    private let service: UplinkEndpoint
    private let meter: WireMeter

    init(_ service: UplinkEndpoint, meter: WireMeter) { (self.service, self.meter) = (service, meter) }

    /// Returns where the service takes this pair as it takes the one in use, or does not answer that either: it says
    /// nothing of a certificate then. Throws ``EnrolmentFault/notTaken``, ``EnrolmentFault/unproved``, and
    /// ``EnrolmentFault/stopped`` where the task is cancelled: an exchange that is broken off has no answer.
    func hold(_ fresh: String) async throws(EnrolmentFault) {
        try await Self.hold(fresh, beside: service.clientCertificate, wantsToken: service.smart != nil) {
            await told($0)
        }
    }

    /// - Parameters:
    ///   - wantsToken: whether requests of this unit carry a token; these do not.
    ///   - told: what the service says to who shows the pair in a file.
    static func hold(
        _ fresh: String, beside inUse: String, wantsToken: Bool = false, told: (String) async -> Told
    ) async throws(EnrolmentFault) {
        func answer(_ pair: String) async throws(EnrolmentFault) -> Told {
            let answer = await told(pair)
            guard !Task.isCancelled else { throw .stopped }
            return answer
        }
        let former = try await answer(inUse)
        guard former != .nothing else { return }
        let new = try await answer(fresh)
        guard !isTaken(former: former, new: new, wantsToken: wantsToken) else { return }
        // It may have gone away between the two, or have a fault of its own.
        guard !new.isOfService, try await answer(inUse) == former else { throw .unproved }
        throw .notTaken
    }

    /// Whether an answer to the new pair is as good as one to the former: without a token both may be refused.
    ///
    /// A service that wants tokens and answers 401 has taken the certificate and misses the token, of which there is
    /// none in this question: that is better than the 403 by which the former has no right to anything. Where no token
    /// is wanted, 401 says that the certificate is nobody's, and 403 that it is somebody's: the former stays.
    static func isTaken(former: Told, new: Told, wantsToken: Bool = false) -> Bool {
        guard case .status(let former) = former else { return true }
        guard case .status(let new) = new else { return false }
        return new < 400 || new == former || wantsToken && (former, new) == (403, 401)
    }

    private func told(_ pair: String) async -> Told {
        let endpoint = UplinkEndpoint(
            server: service.server, authority: service.authority, clientCertificate: pair, clientKey: pair)
        guard let client = try? FHIRClient(endpoint, meter: meter) else { return .nothing }
        var request = HTTPClientRequest(url: "\(client.base)/metadata")
        request.headers.add(name: "Accept", value: "application/fhir+json")
        let told: Told? = await client.exchange(request, within: .seconds(Self.askingLimit)) { head, _ in
            .status(Int(head.status.code))
        } failed: { _ in
            .nothing
        }
        await client.shutdown()
        return told ?? .nothing
    }
}
