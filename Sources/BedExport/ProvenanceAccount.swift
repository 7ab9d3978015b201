import DeviceModel
import Patients
import SampleJournal

/// What a record rests on, counted while it is read.
struct ProvenanceAccount {
    /// A profile by which a device was read.
    struct Profile: Hashable {
        let device: String
        let profile: String
        let digest: String
        let hasUnverifiedFacts: Bool
    }

    /// Of devices of the whole unit, as of each session; which are the bed's is asked later.
    private(set) var profiles: [Profile] = []
    /// The versions of the host that wrote it, in their order.
    private(set) var versions: [String] = []
    /// The newest moment of which there is anything.
    private(set) var last: JournalMoment?
    private(set) var clocks: [ClockQuality: Int] = [:]
    private(set) var validities: [Validity: Int] = [:]
    /// The first and the last event of the session, with the chain's hash at the last.
    private(set) var events: (first: Int64, last: Int64, hash: [UInt8])?

    mutating func take(_ event: EventRecord, isWithin: Bool) {
        let body = EventBody(event)
        switch event.kind {
        case EventKind.hostStarted.name:
            if let version = body.text("version"), versions.last != version { versions.append(version) }
        case EventKind.deviceConfigured.name:
            guard let device = event.device, let digest = body.text("digest") else { break }
            let profile = Profile(
                device: device, profile: body.text("profile") ?? "", digest: digest,
                hasUnverifiedFacts: body.flag("unverifiedFacts") ?? false)
            if !profiles.contains(profile) { profiles.append(profile) }
        default: break
        }
        if isWithin { events = (events?.first ?? event.id, event.id, event.hash) }
    }

    mutating func take(_ sample: SessionSample) {
        clocks[sample.clock, default: 0] += 1
        validities[sample.validity, default: 0] += 1
        last = max(last ?? sample.moment, sample.moment)
    }
}

extension SessionExport {
    /// What the tables rest on.
    func provenance() throws -> JSON {
        var veil = veil
        let session = request.session
        func count<Key>(_ keys: [Key], _ word: (Key) -> String, _ counts: [Key: Int]) -> JSON {
            .object(keys.map { JSON.Member(name: word($0), value: .integer(counts[$0] ?? 0)) })
        }
        let head = try times()
        let hash = account.events.map { $0.hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
        let tells = !veil.removed.contains(.names)
        return .members([
            "format": .string("nabd-bed-session/1"), "hostVersion": .string(HostVersion.text),
            "recordedBy": .array(account.versions.map(JSON.string)), "journalVersion": .integer(JournalFiles.version),
            "deidentified": .bool(!veil.removed.isEmpty),
            "bed": tells ? .string(session.bed) : nil,
            "bedName": tells ? session.configured.map { .string($0.name) } : nil,
            "bedNameArabic": tells ? session.configured.map { .string($0.nameArabic) } : nil,
            "binding": tells ? .integer(session.binding.number) : nil,
            "subject": veil.subject(session.binding.subject).map(JSON.string),
            "boundBy": veil.operators(session.binding.by).isEmpty
                ? nil : .array(veil.operators(session.binding.by).map(JSON.string)),
            "start": head.start.map(JSON.string), "end": head.end.map(JSON.string),
            "isOpen": .bool(session.binding.isOpen),
            "profiles": .array(
                bedProfiles.map { profile in
                    .members([
                        "device": .string(veil.device(profile.device)), "profile": .string(profile.profile),
                        "digest": .string(profile.digest), "unverifiedFacts": .bool(profile.hasUnverifiedFacts),
                    ])
                }),
            "presets": .array(
                session.presets.map { preset in
                    .members([
                        "preset": .string(preset.preset), "digest": .string(preset.digest),
                        "reviewed": .bool(preset.isReviewed),
                    ])
                }),
            "samplesByClock": count([.synchronised, .holdover, .unknown], \.word, account.clocks),
            "samplesByValidity": count(Validity.allCases, \.word, account.validities),
            "waveforms": .string("not exported"),
            "withheld": .array(withheld.map(JSON.string)),
            "events": tells
                ? account.events.map {
                    .members([
                        "first": .integer($0.first), "last": .integer($0.last), "hashAtLast": hash.map(JSON.string),
                    ])
                } : nil,
        ])
    }

    /// Of the bed's own devices.
    var bedProfiles: [ProvenanceAccount.Profile] {
        let devices = Set(source.history.allDevices(of: request.session.bed))
        return account.profiles.filter { devices.contains($0.device) }
    }

    private func times() throws -> (start: String?, end: String?) {
        func text(_ moment: JournalMoment?) throws -> String? {
            try moment.flatMap { try source.clocks.utc(at: $0) }.map { UTCTime.text(nanoseconds: veil.utc($0)) }
        }
        return (try text(source.start), try text(source.end))
    }

    /// What was taken out, in words.
    private var withheld: [String] {
        let words: [(Veil.Removal, String)] = [
            (.patient, "the patient's identifiers and their digest"),
            (.operators, "who entered, bound or acknowledged"),
            (.serials, "serial numbers and unique device identifiers"),
            (.names, "names of unit, beds and devices, sessions and numbers of the journal"),
            (.texts, "texts of devices and alarms"), (.position, "where the unit was"),
            (.dates, "dates: shifted by a number of whole days that is told nowhere"),
        ]
        return words.filter { veil.removed.contains($0.0) }.map(\.1)
    }
}
