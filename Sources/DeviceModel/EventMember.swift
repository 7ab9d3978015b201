/// A member that an event may carry beside those that every event has.
package struct EventMember: Sendable, Hashable {
    /// The name in the journal.
    package let name: String
    /// What it says.
    package let meaning: String
    /// The unit of a number; `nil` for what is none, or a plain count.
    package let unit: String?

    init(_ name: String, _ meaning: String, unit: String? = nil) {
        self.name = name
        self.meaning = meaning
        self.unit = unit
    }
}

extension EventKind {
    private static let frames = EventMember("figure", "How many since last told.")

    private static func file(_ meaning: String) -> EventMember { EventMember("file", meaning) }

    /// The members that it may carry; any may be left out.
    package var members: [EventMember] {
        let isOfLine = EventCode.allCases.contains { $0.kind == self }
        return own + (isOfLine || self == .alertStart || self == .alertEnd ? [Self.repeated] : [])
    }

    private static let repeated = EventMember(
        "repeated", "How many more of it this one stands for, because the device raised more than is told one by one.")

    private var own: [EventMember] {
        switch self {
        case .hostStarted:
            [
                EventMember("unit", "The unit's name."), EventMember("version", "The host's version."), Self.accounts,
                EventMember("testData", "Present where all that the unit tells is marked as test data."),
            ]
        case .hostStopped: [Self.accounts]
        case .deviceConfigured: Self.device
        case .alertStart:
            Self.alert + [
                EventMember("nature", "\(AlertNature.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))."),
                EventMember("latching", "Whether it stands after its condition until somebody acknowledges it."),
            ]
        case .alertUpdate:
            Self.alert + [
                EventMember(
                    "change",
                    "What changed: \(AlertChange.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))."),
                EventMember(
                    "presence", "\(AlertPresence.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))."),
                EventMember(
                    "activation", "\(AlertActivation.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))."),
                EventMember("unconfirmed", "Whether it has not been seen again since the host began."),
                EventMember(
                    "latching",
                    "With `priorityRaised`: whether it stands after its condition from now on, until somebody "
                        + "acknowledges it."),
                EventMember("count", "How often the condition has come back."),
                EventMember("until", "When a pause ends by itself.", unit: "ns of the monotonic clock"), Self.by,
            ]
        case .alarmSwitchedOff, .alarmSwitchedOn: [Self.bed, Self.alertName, Self.metric, Self.by]
        case .alarmLedger:
            [
                EventMember("alarms", "Those alerts, each with its state: an array."),
                EventMember("off", "The alarms of beds that are switched off: an array."),
            ]
        case .bedConfigured:
            [
                Self.bed, EventMember("name", "What people call it, in English."),
                EventMember("nameArabic", "The same, in Arabic."),
                EventMember("devices", "The handles of its devices: an array."),
            ]
        case .presetChosen:
            [
                Self.bed, EventMember("preset", "The preset's name."),
                EventMember("digest", "SHA-256 of its file, in hexadecimal digits."),
                EventMember("reviewed", "Whether a clinician has reviewed it."),
                EventMember(
                    "limits",
                    "Its limits: an array of `metric`, `unit` and, of each side `low` and `high`, the levels with "
                        + "`value`, `priority` and `delayNanoseconds`. Older hosts do not say them."), Self.by,
            ]
        case .patientBound:
            [
                Self.bed,
                EventMember("subject", "The patient: a keyed digest of the identifiers, in hexadecimal digits."),
                EventMember("sinceSession", "The session in which the patient came."),
                EventMember(
                    "sinceMonotonicNanoseconds", "When in it the patient came.", unit: "ns"),
                EventMember("replaces", "The binding that it stands in place of, by its number."), Self.by,
            ]
        case .patientUnbound, .bindingWithdrawn:
            [Self.bed, EventMember("binding", "The binding's: the sequence of the event by which it began."), Self.by]
        case .bedEntered:
            [
                Self.bed, EventMember("item", "What was entered."), EventMember("value", "As what."), Self.by,
            ]
        case .scoreGiven:
            [
                Self.bed, EventMember("score", "The score's name."), EventMember("total", "What it comes to."),
                EventMember("missing", "What is missing of it, and why: an array."),
                EventMember("parts", "The points of each part: an object."),
            ]
        case .bedLedger:
            [
                EventMember("beds", "Each bed, with its devices and its preset: an array."),
                EventMember(
                    "bindings", "All that are open, and the last of the others, with what became of them: an array."),
                EventMember("sessions", "The sessions that these name and the last ones, in their order: an array."),
            ]
        case .consultationOpened:
            [
                Self.bed, Self.by,
                EventMember("certificate", "SHA-256 of the certificate that may come in, in hexadecimal digits."),
                EventMember("clinician", "Who may look, by the id in the configuration."),
                EventMember("name", "What people call the clinician."),
                EventMember("until", "When it ends by itself.", unit: "ns of the monotonic clock"),
            ]
        case .consultationClosed:
            [Self.by, Self.consultation, EventMember("reason", "Why, where nobody did: `expired`, `removed`.")]
        case .consultationJoined: [Self.consultation, EventMember("from", "The address at the other end.")]
        case .consultationLeft:
            [
                Self.consultation,
                EventMember("visit", "The visit's: the sequence of the event by which it began."),
            ]
        case .alertEnd:
            Self.alert + [
                EventMember(
                    "reason",
                    "Why it ended although the condition was not seen to: "
                        + "\(AlertEnding.allCases.map(\.rawValue).joined(separator: ", "))."
                ), Self.by,
            ]
        case .deviceConnected, .lineEcho, .lineEchoLost: [Self.frames, EventMember("text", "More about it.")]
        case .deviceDisconnected: [EventMember("figure", "The system's number of the error (errno).")]
        case .deviceSilent:
            [EventMember("figure", "Requests unanswered in a row."), EventMember("text", "What came instead.")]
        case .deviceIdentified, .wrongDevice: [EventMember("text", "The serial number found.")]
        case .deadlinesMissed: [EventMember("figure", "Periods without a reading.")]
        case .deviceStale: [EventMember("text", "The first metric of what is missing.")]
        case .vmdConnected, .vmdDisconnected: [EventMember("text", "The slot.")]
        case .lateReply, .duplicateReply, .unsolicitedFrame, .mismatchedReply, .conflictingReplies, .busContention:
            [Self.frames]
        case .registersRefused, .registersRestored: [Self.frames, EventMember("text", "Space and first register.")]
        case .heldInput:
            [
                EventMember("figure", "How old the values may be.", unit: "ms"),
                EventMember("text", "Whether the host stood still, or more came at once than can have been said."),
            ]
        case .samplesExceeded: [EventMember("figure", "How many samples since last told.")]
        case .requestBarred: [EventMember("figure", "How many since last told.")]
        case .lineStatistics: Self.lineFigures
        case .deviceStatistics:
            [EventMember("…", "One count for each name that the metrics have as `nabd_device_…_total`.")]
        case .clockStepped: [EventMember("stepMilliseconds", "By how much; positive is forward.", unit: "ms")]
        case .samplesLost: [EventMember("figure", "How many."), EventMember("cause", "`ring full` or `disk`.")]
        case .eventsLost: [EventMember("figure", "How many."), EventMember("cause", "`disk`.")]
        case .journalSlow: [EventMember("milliseconds", "How long the write took.", unit: "ms")]
        case .journalSetAside: [Self.file("Its name now."), EventMember("reason", "Why it cannot be opened.")]
        case .journalFileFailed: [Self.file("Its name."), EventMember("reason", "What the system or the check said.")]
        case .journalGap:
            [
                EventMember("part", "`samples` or `events`."),
                EventMember("known", "The last number known to have been given."),
                EventMember("found", "The last number found."),
                Self.file("The file that was taken away under the running host."),
            ]
        case .settingRefused:
            [
                EventMember("setting", "The part, by its key."),
                EventMember("reason", "What is wrong with it, with the place in its file."),
            ]
        case .journalWitnessed: Self.witness
        case .deviceReleased: []
        case .commandDrafted: [Self.by, EventMember("content", "What is wanted: an object."), Self.shownAtEntry]
        case .commandVerified: [Self.by, Self.command, Self.shownAtEntry]
        case .commandMismatched, .commandWithdrawn: [Self.by, Self.command]
        case .commandChanged: [Self.command, EventMember("shown", "What the pump shows now: an array.")]
        case .commandResolved: [Self.by, Self.command, EventMember("word", "What the pump shows.")]
        case .commandExpired, .commandSent, .commandTaken, .commandRejected, .commandUndecided, .commandLeftToPeople:
            [Self.command]
        case .commandRefused, .commandNotSent, .commandUnanswered: [Self.command, EventMember("word", "Why.")]
        case .commandIntended:
            [
                EventMember("effect", "What is said, and by what it is known to be in effect: an object."),
                Self.command,
            ]
        case .commandReadBack: [Self.command, EventMember("shown", "What the pump shows: an object.")]
        case .stopAsked, .pumpLookedAt, .pumpUnlocked: [Self.by, Self.pump]
        case .stopSent, .stopConfirmed, .stopNotDelivered:
            [Self.pump, EventMember("stop", "The stop's: the sequence of the event by which it was asked.")]
        case .commandLedger: [EventMember("ledger", "Open commands, and what is remembered of pumps: an object.")]
        case .journalPruned: [Self.file("Its name."), Self.bytes, EventMember("cause", "Why it went.")]
        case .samplesShed:
            [
                Self.file("Where they were."), EventMember("content", "`waveforms` or `numerics`."),
                EventMember("figure", "How many samples."), Self.bytes,
            ]
        }
    }

    private static let bytes = EventMember("bytes", "The space that became free.", unit: "bytes")

    /// Sessions of older hosts do not have it.
    private static let accounts = EventMember(
        "alertsEnded",
        "Present when no alert begun before is open behind this event: how many were ended for that just before it.")

    private static let command = EventMember(
        "number", "The command's: the sequence of the event by which it was drafted.")

    private static let shownAtEntry = EventMember(
        "shown", "What the pump showed at this moment: an array. Older hosts did not keep it.")

    private static let pump = EventMember(
        "pump", "Which, however the configuration calls it: `serial:…` or `port:…`, and `#…` for a slot.")

    private static let consultation = EventMember(
        "consultation", "The consultation's: the sequence of the event by which it was opened.")

    private static let by = EventMember("by", "Who, by their ids: an array.")

    private static let device = [
        EventMember("profile", "The profile's name."),
        EventMember("digest", "What the profile is made of, as `sha256sum FILES | sha256sum` prints it."),
        EventMember("manufacturer", "Who makes the device."),
        EventMember("model", "Its model."),
        EventMember("kind", "What it does."), EventMember("line", "Where it is connected."),
        EventMember("udi", "Its unique device identifier, as its label has it."),
        EventMember("unverifiedFacts", "Whether its profile rests on facts that nobody verified at a device."),
        EventMember(
            "results",
            "The metrics that it tells now and then, each a result, so that none becomes stale: an array. Older hosts "
                + "do not say them."),
    ]

    private static let witness = [
        EventMember("number", "The event up to which it vouches."),
        EventMember("hash", "That event's hash in the chain, in hexadecimal digits."),
        EventMember("signature", "Base64: ECDSA with SHA-256 (P-256) or SHA-384 (P-384), or RSA with SHA-256."),
        EventMember("certificate", "SHA-256 of the unit's certificate, in hexadecimal digits."),
    ]

    private static let bed = EventMember("bed", "Which bed.")
    private static let metric = EventMember("metric", "The metric whose value it is about.")
    private static let alertName = EventMember("alert", "Its name: `MDC_EVT_…` or one of `NABD_…`.")

    private static let alert = [
        EventMember("vmd", "The virtual device that it is about."), bed, metric, alertName,
        EventMember("priority", "\(AlertPriority.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))."),
        EventMember("text", "The words, in English."),
        EventMember("textArabic", "The words, in Arabic."),
        EventMember("instance", "Names this occurrence; start and end have the same."),
    ]

    private static let lineFigures = [
        EventMember("line", "Where it is connected."),
        EventMember("utilisation", "The share of its time that was taken, 0 to 1."),
        EventMember("missedDeadlines", "Periods that passed without a reading."),
        EventMember("latenessMicroseconds", "How late its thread woke: an object of `p50` and `p99`.", unit: "µs"),
    ]
}
