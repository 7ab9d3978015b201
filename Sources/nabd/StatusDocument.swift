import DeviceModel
import Foundation
import NabdHost
import Observability

/// What a running host told, as `nabd status` and `nabd watch` read it. The form is documented in docs/operations.md.
struct StatusDocument: Decodable {
    struct Health: Decodable {
        let state: String
        let reasons: [String]
    }

    struct Value: Decodable {
        let vmd: String?
        let display: String
        let unit: String?
        /// `nil` where nothing counts now.
        let text: String?
        let validity: String?
        let reason: String?
        let ageMilliseconds: Int?
    }

    struct Waveform: Decodable {
        let vmd: String?
        let display: String
        let columns: [Double?]
    }

    struct Device: Decodable {
        let device: String
        let profile: String?
        let line: String
        let link: String
        let hint: String?
        let values: [Value]
        let waveforms: [Waveform]
    }

    struct Alert: Decodable {
        let device: String?
        let vmd: String?
        let alert: String
        let bed: String?
        let priority: String?
        let text: String?
        let presence: String?
        let activation: String?
        let unconfirmed: Bool?
        let escalated: Bool?
        let instance: String?
        let metric: String?
        let began: String?
        let textArabic: String?
        let acknowledgedBy: [String]?
        let heldMilliseconds: Int
    }

    /// A limit of a bed's preset that nothing there is held against.
    struct Unwatched: Decodable {
        let bed: String
        let metric: String
        let text: String
        let textArabic: String
    }

    struct Line: Decodable {
        struct Lateness: Decodable {
            let p50: Double?
            let p99: Double?
        }

        let line: String
        let utilisation: Double
        let missedDeadlines: Int
        let latenessMicroseconds: Lateness
    }

    struct Journal: Decodable {
        let samples: Int
        let events: Int
        let gaps: Int
        let bytes: Int
        let limitBytes: Int
    }

    struct Uplink: Decodable {
        let server: String?
        let stored: Int
        let parked: Int
        let nothingStoredMilliseconds: Int?
        let problem: String?
        let identity: String?
    }

    let unit: String
    let version: String
    let testData: Bool?
    let time: String
    let clock: String
    let health: Health
    let devices: [Device]
    let alerts: [Alert]
    let unwatched: [Unwatched]?
    let lines: [Line]
    let journal: Journal
    let uplink: Uplink?

    init(_ text: String) throws { self = try JSONDecoder().decode(StatusDocument.self, from: Data(text.utf8)) }

    /// Asks the host at its socket. Throws ``Failure``, with what to do.
    static func ask(at socket: String) throws -> (text: String, document: StatusDocument) {
        let text: String
        do throws(StatusSocketError) { text = try StatusSocket.ask(UnitStatus.word, at: socket) } catch {
            throw Failure(.unavailable, "\(error)")
        }
        do { return (text, try StatusDocument(text)) } catch {
            throw Failure(
                .unavailable, "\(socket) does not tell what this version reads: the host there is of another version")
        }
    }
}
