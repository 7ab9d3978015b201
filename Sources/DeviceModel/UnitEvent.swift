/// Something that happened in the unit, on its way to the journal. Made only by the constructors here, so that names
/// and members are those of the table.
package struct UnitEvent: Sendable {
    package let kind: EventKind
    /// The device's handle; `nil` for what is about the host.
    package let device: String?
    /// Further members, an object; never patient data, but for what a command says.
    package let members: JSON
    /// Unit: ns of the monotonic clock.
    package let monotonic: Int64

    private init(_ kind: EventKind, device: String? = nil, _ members: JSON, _ time: Int64) {
        (self.kind, self.device, self.members, monotonic) = (kind, device, members, time)
    }

    private init(_ kind: EventKind, device: String? = nil, _ members: KeyValuePairs<String, JSON?> = [:], _ time: Int64)
    {
        self.init(kind, device: device, JSON.members(members), time)
    }
}

// All times: unit ns of the monotonic clock.
extension UnitEvent {
    // MARK: Sessions

    /// - Parameters:
    ///   - alertsEnded: how many alerts of earlier sessions were ended just before; `nil` when it is not known that
    ///     none is left.
    ///   - isTestData: whether all that the unit tells is marked as test data.
    package static func hostStarted(
        unit: String, alertsEnded: Int?, isTestData: Bool = false, at time: Int64
    ) -> UnitEvent {
        UnitEvent(
            .hostStarted,
            [
                "unit": .string(unit), "version": .string(HostVersion.text),
                "alertsEnded": alertsEnded.map { .integer($0) }, "testData": isTestData ? .bool(true) : nil,
            ], time)
    }

    /// - Parameter alertsEnded: how many alerts were ended just before; `nil` when it is not known that none is left.
    package static func hostStopped(alertsEnded: Int?, at time: Int64) -> UnitEvent {
        UnitEvent(.hostStopped, ["alertsEnded": alertsEnded.map { .integer($0) }], time)
    }

    /// A device that the session reads.
    ///
    /// - Parameters:
    ///   - digest: of the profile, in 64 hexadecimal digits.
    ///   - function: what the device does.
    ///   - udi: its unique device identifier, as its label has it.
    ///   - hasUnverifiedFacts: whether its profile rests on facts that nobody verified at a device.
    ///   - results: the metrics that it tells now and then, and that do not become stale.
    package static func deviceConfigured(
        _ device: String, profile: String, digest: String, manufacturer: String, model: String,
        function: String, line: String, udi: String? = nil, hasUnverifiedFacts: Bool, results: [String] = [],
        at time: Int64
    ) -> UnitEvent {
        UnitEvent(
            .deviceConfigured, device: device,
            [
                "profile": .string(profile), "digest": .string(digest), "manufacturer": .string(manufacturer),
                "model": .string(model), "kind": .string(function), "line": .string(line),
                "udi": udi.map(JSON.string), "unverifiedFacts": .bool(hasUnverifiedFacts),
                "results": results.isEmpty ? nil : .array(results.map(JSON.string)),
            ], time)
    }

    /// A device that the session reads no longer.
    package static func deviceReleased(_ device: String, at time: Int64) -> UnitEvent {
        UnitEvent(.deviceReleased, device: device, [:], time)
    }

    /// - Parameters:
    ///   - device: the handle of the device that it costs; `nil` for another part.
    ///   - setting: the part's key.
    package static func settingRefused(device: String?, setting: String, reason: String, at time: Int64) -> UnitEvent {
        UnitEvent(
            .settingRefused, device: device, ["setting": .string(setting), "reason": .string(reason)], time)
    }

    // MARK: Alerts

    /// - Parameters:
    ///   - latches: whether it stands after its condition has ended, until somebody acknowledges it.
    ///   - repeated: how many more changes of the same alert it stands for.
    package static func alertStart(
        _ alert: AlertRecord, nature: AlertNature? = nil, latches: Bool = false, repeated: UInt32 = 0, at time: Int64
    ) -> UnitEvent {
        UnitEvent(
            .alertStart, device: alert.device,
            alert.members(repeated: repeated).adding([
                "nature": nature.map { .string($0.rawValue) }, "latching": latches ? .bool(true) : nil,
            ]), time)
    }

    /// - Parameters:
    ///   - repeated: how many more changes of the same alert it stands for.
    ///   - reason: why it ended although the condition was not seen to; `nil` when it was.
    ///   - people: who ended it, by their ids.
    package static func alertEnd(
        _ alert: AlertRecord, repeated: UInt32 = 0, reason: AlertEnding? = nil, by people: [String] = [],
        at time: Int64
    ) -> UnitEvent {
        UnitEvent(
            .alertEnd, device: alert.device,
            alert.members(repeated: repeated, reason: reason).adding([
                "by": people.isEmpty ? nil : .array(people.map(JSON.string))
            ]), time)
    }

    /// What changed of an alert, or of how alerts are signalled; `nil` for a kind that is none of these. The room
    /// `Alarms` knows the members.
    ///
    /// - Parameters:
    ///   - device: the one that it is about; `nil` for the host itself, or a bed.
    ///   - members: an object.
    package static func alarm(_ kind: EventKind, device: String?, _ members: JSON, at time: Int64) -> UnitEvent? {
        kind.isOfAlarm && kind != .alertStart && kind != .alertEnd
            ? UnitEvent(kind, device: device, members, time) : nil
    }

    /// An event of a bed; `nil` for a kind that is none. The room `Patients` knows the members.
    ///
    /// - Parameter members: an object.
    package static func bed(_ kind: EventKind, _ members: JSON, at time: Int64) -> UnitEvent? {
        kind.isOfBed ? UnitEvent(kind, members, time) : nil
    }

    /// An event of a consultation; `nil` for a kind that is none. The room `Consultations` knows the members.
    ///
    /// - Parameter members: an object.
    package static func consultation(_ kind: EventKind, _ members: JSON, at time: Int64) -> UnitEvent? {
        kind.isOfConsultation ? UnitEvent(kind, members, time) : nil
    }

    // MARK: Lines

    /// What a line's thread reported; `nil` for the code that means nothing.
    ///
    /// - Parameter repeated: how many more of its kind it stands for.
    package static func line(
        _ code: EventCode, device: String, figure: Int64, text: String, repeated: UInt32 = 0, at time: Int64
    ) -> UnitEvent? {
        code.kind.map { kind in
            UnitEvent(
                kind, device: device,
                [
                    "figure": figure == 0 ? nil : .integer(figure), "text": text.isEmpty ? nil : .string(text),
                    "repeated": repeated == 0 ? nil : .integer(Int64(repeated)),
                ], time)
        }
    }

    /// - Parameter device: the line's first.
    package static func lineStatistics(device: String?, _ figures: KeyValuePairs<String, JSON?>, at time: Int64)
        -> UnitEvent
    {
        UnitEvent(.lineStatistics, device: device, figures, time)
    }

    /// - Parameter counts: an object.
    package static func deviceStatistics(device: String, _ counts: JSON, at time: Int64) -> UnitEvent {
        UnitEvent(.deviceStatistics, device: device, counts, time)
    }

    // MARK: Commands

    /// An event of a command to a pump; `nil` for a kind that is none. `CommandRecord` knows the members.
    ///
    /// - Parameters:
    ///   - device: the pump's handle; `nil` for what is about none.
    ///   - members: an object.
    package static func command(_ kind: EventKind, device: String?, _ members: JSON, at time: Int64) -> UnitEvent? {
        kind.isOfCommand ? UnitEvent(kind, device: device, members, time) : nil
    }

    // MARK: Losses and clocks

    /// - Parameter milliseconds: by how much; positive is forward.
    package static func clockStepped(milliseconds: Int64, at time: Int64) -> UnitEvent {
        UnitEvent(.clockStepped, ["stepMilliseconds": .integer(milliseconds)], time)
    }

    /// Where records were lost.
    package enum LossCause: String, Sendable {
        case ring = "ring full"
        case disk
    }

    /// - Parameter device: the first of the line whose ring was full; `nil` where the disk is the cause.
    package static func samplesLost(_ count: Int64, device: String? = nil, cause: LossCause, at time: Int64)
        -> UnitEvent
    {
        UnitEvent(.samplesLost, device: device, ["figure": .integer(count), "cause": .string(cause.rawValue)], time)
    }

    package static func eventsLost(_ count: Int64, cause: LossCause, at time: Int64) -> UnitEvent {
        UnitEvent(.eventsLost, ["figure": .integer(count), "cause": .string(cause.rawValue)], time)
    }

    // MARK: The journal

    package static func journalSlow(milliseconds: Int64, at time: Int64) -> UnitEvent {
        UnitEvent(.journalSlow, ["milliseconds": .integer(milliseconds)], time)
    }

    package static func journalSetAside(file: String, reason: String, at time: Int64) -> UnitEvent {
        UnitEvent(.journalSetAside, ["file": .string(file), "reason": .string(reason)], time)
    }

    package static func journalFileFailed(file: String, reason: String, at time: Int64) -> UnitEvent {
        UnitEvent(.journalFileFailed, ["file": .string(file), "reason": .string(reason)], time)
    }

    /// - Parameters:
    ///   - part: `samples` or `events`.
    ///   - known: the last number known to have been given, and `found`: the last one found.
    package static func journalGap(part: String, known: Int64, found: Int64, at time: Int64) -> UnitEvent {
        UnitEvent(.journalGap, ["part": .string(part), "known": .integer(known), "found": .integer(found)], time)
    }

    /// A file that was taken away under the running host.
    package static func journalGap(file: String, at time: Int64) -> UnitEvent {
        UnitEvent(.journalGap, ["file": .string(file)], time)
    }

    package static func journalPruned(file: String, bytes: Int64, cause: String, at time: Int64) -> UnitEvent {
        UnitEvent(.journalPruned, ["file": .string(file), "bytes": .integer(bytes), "cause": .string(cause)], time)
    }

    /// The unit's own word, by its key, of how far the chain of events had come.
    ///
    /// - Parameters:
    ///   - hash: of the event with this number, in hexadecimal digits.
    ///   - signature: in base64.
    ///   - certificate: SHA-256 of the unit's certificate, in hexadecimal digits.
    package static func journalWitnessed(
        number: Int64, hash: String, signature: String, certificate: String, at time: Int64
    ) -> UnitEvent {
        UnitEvent(
            .journalWitnessed,
            [
                "number": .integer(number), "hash": .string(hash), "signature": .string(signature),
                "certificate": .string(certificate),
            ], time)
    }

    /// - Parameter content: `waveforms` or `numerics`.
    package static func samplesShed(file: String, content: String, samples: Int64, bytes: Int64, at time: Int64)
        -> UnitEvent
    {
        UnitEvent(
            .samplesShed,
            [
                "file": .string(file), "content": .string(content), "figure": .integer(samples),
                "bytes": .integer(bytes),
            ], time)
    }
}
