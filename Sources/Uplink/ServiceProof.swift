import AsyncHTTPClient
import Foundation
import NIOHTTP1

/// Whether the records service takes a new pair as it takes the one in use, before that is gone.
struct ServiceProof: Sendable {
    /// What came of asking.
    enum Told: Equatable {
        case status(Int)
        case nothing
    }

    /// How long one question may take. Unit: s.
    private static let askingLimit: Int64 = 30

    private let service: UplinkEndpoint
    private let meter: WireMeter

    init(_ service: UplinkEndpoint, meter: WireMeter) { (self.service, self.meter) = (service, meter) }

    /// Throws ``EnrolmentFault/notTaken`` where the service answers the pair in use and not, or otherwise, this one.
    func hold(_ fresh: String) async throws(EnrolmentFault) {
        let former = await told(service.clientCertificate)
        // A service that does not answer says nothing of a certificate.
        guard former != .nothing else { return }
        let new = await told(fresh)
        guard !Self.isTaken(former: former, new: new) else { return }
        // It may have gone away between the two.
        if await told(service.clientCertificate) == former { throw .notTaken }
    }

    /// Whether an answer to the new pair is as good as one to the former: without a token both may be refused.
    static func isTaken(former: Told, new: Told) -> Bool {
        guard case .status(let former) = former else { return true }
        guard case .status(let new) = new else { return false }
        return new < 400 || new == former || new >= 500
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
