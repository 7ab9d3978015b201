/// Every event that a journal may hold: the one table of their names. What was written is read for ever, so a name
/// never changes and never goes.
package enum EventKind: String, Sendable, CaseIterable {
    case hostStarted
    case hostStopped
    case deviceConfigured
    case alertStart
    case alertEnd
    case deviceConnected
    case deviceDisconnected
    case deviceSilent
    case deviceIdentified
    case wrongDevice
    case deadlinesMissed
    case deviceStale
    case vmdConnected
    case vmdDisconnected
    case lateReply
    case duplicateReply
    case unsolicitedFrame
    case mismatchedReply
    case conflictingReplies
    case lineEcho
    case lineEchoLost
    case busContention
    case registersRefused
    case registersRestored
    case heldInput
    case samplesExceeded
    case requestBarred
    case lineStatistics
    case deviceStatistics
    case clockStepped
    case samplesLost
    case eventsLost
    case journalSlow
    case journalSetAside
    case journalFileFailed
    case journalGap
    case journalPruned
    case samplesShed
    case settingRefused
    case journalWitnessed
    case deviceReleased
    case commandDrafted
    case commandVerified
    case commandMismatched
    case commandChanged
    case commandWithdrawn
    case commandExpired
    case commandRefused
    case commandIntended
    case commandNotSent
    case commandSent
    case commandTaken
    case commandRejected
    case commandUnanswered
    case commandReadBack
    case commandUndecided
    case commandLeftToPeople
    case commandResolved
    case stopAsked
    case stopSent
    case stopConfirmed
    case stopNotDelivered
    case pumpLookedAt
    case pumpUnlocked
    case commandLedger
    case alertUpdate
    case alarmSwitchedOff
    case alarmSwitchedOn
    case alarmLedger
    case bedConfigured
    case presetChosen
    case patientBound
    case patientUnbound
    case bindingWithdrawn
    case bedEntered
    case scoreGiven
    case bedLedger
    case consultationOpened
    case consultationClosed
    case consultationJoined
    case consultationLeft

    /// The name in the journal.
    package var name: String { rawValue }

    /// Whether it belongs to a device of the unit.
    package enum Concern: String, Sendable {
        /// It always names a device.
        case device
        /// It names a device where it is about one, and none where it is about the host.
        case deviceOrHost = "device or host"
        /// It is about the host, and names no device.
        case host
    }

    /// Whom it is about.
    package var concern: Concern {
        switch self {
        case .hostStarted, .hostStopped, .clockStepped, .eventsLost, .journalSlow, .journalSetAside, .journalFileFailed,
            .journalGap, .journalPruned,
            .samplesShed, .journalWitnessed, .commandLedger, .alarmLedger,
            .bedConfigured, .presetChosen, .patientBound, .patientUnbound, .bindingWithdrawn, .bedEntered, .scoreGiven,
            .bedLedger, .consultationOpened, .consultationClosed, .consultationJoined, .consultationLeft:
            .host
        case .alertStart, .alertUpdate, .alertEnd, .alarmSwitchedOff, .alarmSwitchedOn, .samplesLost, .settingRefused,
            .commandDrafted, .commandVerified, .commandMismatched, .commandChanged, .commandWithdrawn,
            .commandExpired, .commandRefused, .commandIntended, .commandNotSent, .commandSent, .commandTaken,
            .commandRejected,
            .commandUnanswered, .commandReadBack, .commandUndecided, .commandLeftToPeople, .commandResolved,
            .stopAsked, .stopSent, .stopConfirmed, .stopNotDelivered, .pumpLookedAt, .pumpUnlocked:
            .deviceOrHost
        case .deviceConfigured, .deviceConnected, .deviceDisconnected, .deviceSilent, .deviceIdentified, .wrongDevice,
            .deadlinesMissed, .deviceStale,
            .vmdConnected, .vmdDisconnected, .lateReply, .duplicateReply, .unsolicitedFrame, .mismatchedReply,
            .conflictingReplies, .lineEcho,
            .lineEchoLost, .busContention, .registersRefused, .registersRestored, .heldInput, .samplesExceeded,
            .requestBarred, .lineStatistics,
            .deviceStatistics, .deviceReleased:
            .device
        }
    }

    /// One line of documentation.
    package var meaning: String {
        switch self {
        case .hostStarted: "The host began a session."
        case .hostStopped: "The host ended its session in good order."
        case .deviceConfigured: "A device that this session reads."
        case .alertStart: "A condition that somebody must know of came to hold."
        case .alertEnd: "The condition no longer holds, or nobody watches it any more."
        case .deviceConnected: "The line is open and the device answered, or its stream is in step."
        case .deviceDisconnected: "The line could not be opened, or was lost."
        case .deviceSilent: "The device stopped answering."
        case .deviceIdentified: "The device's own serial number is the one expected."
        case .wrongDevice: "The device's own serial number is not the one expected: its values are withheld."
        case .deadlinesMissed:
            "The line's thread woke so late, or the line was taken so long, that whole periods were skipped."
        case .deviceStale: "No fresh sample within three periods."
        case .vmdConnected: "A rack reports a slot that it did not report before."
        case .vmdDisconnected: "A rack no longer reports a slot."
        case .lateReply: "Answers to requests that had been given up; never taken for values."
        case .duplicateReply: "Second copies of answers already taken."
        case .unsolicitedFrame: "Whole frames that answer nothing that was asked."
        case .mismatchedReply: "Whole frames of another unit, function or length while an answer was awaited."
        case .conflictingReplies: "Two different answers to one request: the device's values are withheld for a while."
        case .lineEcho: "Our own bytes come back: an RS-485 adapter that echoes. They are taken off."
        case .lineEchoLost: "An echo that had been there is missing."
        case .busContention:
            "Frames that are damaged or unexplained, one after another: somebody else talks on the line."
        case .registersRefused:
            "The device does not have these registers; they are left out until the line is opened anew."
        case .registersRestored: "Registers that were refused are answered again."
        case .heldInput: "What lay in a buffer while nobody read: its values are not now, and are left out."
        case .samplesExceeded:
            "The device sent several times more samples than its profile describes: the rest is left out."
        case .requestBarred: "A request or an answer was not said, because a command would have been."
        case .lineStatistics: "What was counted of a line since the start; it names the line's first device."
        case .deviceStatistics: "What was counted of a device since the start."
        case .clockStepped: "The wall clock was set; no stored time is rewritten."
        case .samplesLost:
            "Samples that found no room in memory; it names the first device of the line whose ring was full."
        case .eventsLost: "Events given up because the journal took none for so long."
        case .journalSlow: "A write to the journal's disk took longer than a second."
        case .journalSetAside: "A file that is no database any more was renamed, and a new one begun."
        case .journalFileFailed: "A file could not be written or synced; it is left as it is, and a new one begun."
        case .journalGap: "Records are missing that had been made: deleted, damaged, or replaced by an older copy."
        case .journalPruned: "A file went away whose content is delivered, or that nobody waits for."
        case .settingRefused: "A part of the unit's configuration is faulty: this session runs without it."
        case .deviceReleased: "A device that this session reads no longer."
        case .journalWitnessed: "The host signed, with the unit's key, how far the chain of events had come."
        case .commandDrafted: "Somebody entered a command for a pump; its number is this event's."
        case .commandVerified: "A second person entered the same, blind."
        case .commandMismatched: "A second person entered something else: both are void."
        case .commandChanged: "The pump shows something else than when a command was entered, which is void."
        case .commandWithdrawn: "Somebody withdrew a command before it was started."
        case .commandExpired: "A command waited too long and is void."
        case .commandRefused: "A command was refused, and is void."
        case .commandIntended: "A command is to be carried out: from here on it may have an effect."
        case .commandNotSent: "Not a byte of the command was said."
        case .commandSent: "The command was said, all or any of it."
        case .commandTaken: "The pump said that it takes the command."
        case .commandRejected: "The pump proved that it did nothing."
        case .commandUnanswered: "What came, or did not come, proves nothing."
        case .commandReadBack: "The pump was asked what it shows."
        case .commandUndecided: "The pump has shown nothing that decides."
        case .commandLeftToPeople: "A person has to look at the pump."
        case .commandResolved: "Somebody stood before the pump and says what it shows."
        case .stopAsked: "Somebody wants a pump to stand; its number is this event's."
        case .stopSent: "The stop was said, all or any of it."
        case .stopConfirmed: "The pump shows that it stands."
        case .stopNotDelivered: "Nobody can say that the pump stands."
        case .pumpLookedAt: "Somebody has looked at a pump whose record has a gap, or whose stop was not proven."
        case .pumpUnlocked: "Somebody lets a pump be commanded again after too many failures."
        case .commandLedger: "All that the events of commands before came to: a reader may begin here."
        case .samplesShed: "Samples that were not delivered were given up because the journal is at its limit."
        case .alertUpdate: "Something about an alert changed that neither begins nor ends it."
        case .alarmSwitchedOff: "Somebody switched an alarm of a bed off: its condition is recorded, and not signalled."
        case .alarmSwitchedOn: "An alarm that was switched off is signalled again."
        case .alarmLedger: "All alerts that have begun and not ended: a reader may begin here."
        case .bedConfigured: "A bed of this session, with its devices."
        case .presetChosen: "The limits by which a bed's values are watched from here on."
        case .patientBound: "Somebody said that a patient is at a bed; the binding's number is this event's."
        case .patientUnbound: "Somebody said that the patient is no longer at the bed."
        case .bindingWithdrawn:
            "Somebody said that it was another patient: what was filed under it was entered in error."
        case .bedEntered: "Somebody entered what no device measures."
        case .scoreGiven: "What a score came to, or what is missing of it."
        case .bedLedger: "Who is at which bed, and by which limits each is watched: a reader may begin here."
        case .consultationOpened:
            "Somebody lets a far clinician look for a time; its number is this event's. The session's end ends it too."
        case .consultationClosed: "A far clinician may look no longer."
        case .consultationJoined: "The far clinician began to look; the visit's number is this event's."
        case .consultationLeft: "The far clinician looks no longer."
        }
    }

    /// Whether it tells of a bed, the patient at it, or what was entered there.
    package var isOfBed: Bool {
        switch self {
        case .bedConfigured, .presetChosen, .patientBound, .patientUnbound, .bindingWithdrawn, .bedEntered, .scoreGiven,
            .bedLedger:
            true
        default: false
        }
    }

    /// Whether it tells of a far clinician who may look.
    package var isOfConsultation: Bool {
        switch self {
        case .consultationOpened, .consultationClosed, .consultationJoined, .consultationLeft: true
        default: false
        }
    }

    /// Whether it tells of an alert or of how alerts are signalled.
    package var isOfAlarm: Bool {
        switch self {
        case .alertStart, .alertUpdate, .alertEnd, .alarmSwitchedOff, .alarmSwitchedOn, .alarmLedger: true
        default: false
        }
    }

    /// Whether it tells of a command to a pump, or of a stop.
    package var isOfCommand: Bool { Self.ofCommands.contains(self) }

    /// Those that tell of commands to pumps.
    package static let ofCommands: [EventKind] = allCases.filter { isNamedAsOfCommand($0.name) }

    /// Whether a name is that of an event of commands, be it of a younger host: they all begin so, and no other does.
    package static func isNamedAsOfCommand(_ name: String) -> Bool {
        ["command", "stop", "pump"].contains { name.utf8.starts(with: $0.utf8) }
    }

    /// Whether the host itself keeps account of it, so that nobody else may write it: sessions, alerts,
    /// beds, consultations and commands.
    package var isKeptByHost: Bool {
        switch self {
        case .hostStarted, .hostStopped, .alertStart, .alertUpdate, .alertEnd, .alarmSwitchedOff, .alarmSwitchedOn,
            .alarmLedger, .bedConfigured, .presetChosen, .patientBound, .patientUnbound, .bindingWithdrawn,
            .bedEntered, .scoreGiven, .bedLedger,
            .consultationOpened, .consultationClosed, .consultationJoined, .consultationLeft,
            .commandDrafted, .commandVerified, .commandMismatched, .commandChanged, .commandWithdrawn,
            .commandExpired, .commandRefused, .commandIntended, .commandNotSent, .commandSent, .commandTaken,
            .commandRejected,
            .commandUnanswered, .commandReadBack, .commandUndecided, .commandLeftToPeople, .commandResolved,
            .stopAsked, .stopSent, .stopConfirmed, .stopNotDelivered, .pumpLookedAt, .pumpUnlocked,
            .commandLedger:
            true
        case .deviceConfigured, .deviceConnected, .deviceDisconnected, .deviceSilent, .deviceIdentified, .wrongDevice,
            .deadlinesMissed, .deviceStale,
            .vmdConnected, .vmdDisconnected, .lateReply, .duplicateReply, .unsolicitedFrame, .mismatchedReply,
            .conflictingReplies, .lineEcho,
            .lineEchoLost, .busContention, .registersRefused, .registersRestored, .heldInput, .samplesExceeded,
            .requestBarred, .lineStatistics,
            .deviceStatistics, .clockStepped,
            .samplesLost, .eventsLost, .journalSlow, .journalSetAside, .journalFileFailed, .journalGap, .journalPruned,
            .samplesShed, .settingRefused, .journalWitnessed, .deviceReleased:
            false
        }
    }
}
