import DeviceModel
import SampleJournal

/// The files of a unit's identity: what is made of them is made anew when they change, without a restart, and what
/// cannot be used yet is tried until it can.
struct IdentityWatch {
    /// How often the files are looked at.
    private static let lookEvery = Duration.seconds(10)

    enum Change<Made> {
        case none
        case made(Made)
        /// What was made before is not to be used any more: others may have the key.
        case lost
    }

    private let paths: [String]
    /// The files as they were when they were read.
    private var stamp: [FileFacts?]?
    private var looked: ContinuousClock.Instant?
    /// What cannot be used now; `nil` when all can.
    private(set) var problem: String?

    init(_ endpoint: UplinkEndpoint) {
        paths = [endpoint.authority, endpoint.clientCertificate, endpoint.clientKey]
    }

    /// Looks, where it is time, and makes it anew where the files have changed.
    mutating func look<Made>(_ make: () throws -> Made) -> Change<Made> {
        let now = ContinuousClock.now
        guard looked.map({ now - $0 >= Self.lookEvery }) ?? true else { return .none }
        looked = now
        let facts = paths.map(FileFacts.init)
        guard facts != stamp || problem != nil else { return .none }
        do {
            let made = try make()
            (stamp, problem) = (facts, nil)
            return .made(made)
        } catch {
            // Files that are being written are tried again; what was read before goes on meanwhile.
            problem = "\(error)"
            return (error as? EndpointError)?.isOfRights == true ? .lost : .none
        }
    }
}
