/// An event as it is read from a journal, which may be of an older or a younger host.
package enum RecordedEvent: Sendable, Hashable {
    case alertStart(AlertRecord)
    /// - reason: why it ended although the condition was not seen to; as written, so that a reason of a younger host is
    ///   told too.
    case alertEnd(AlertRecord, reason: String?)
    case alertUpdate(AlertRecord, AlertStanding)
    /// Somebody switched an alarm off or on, or it came on again by itself.
    case alarmSwitch(EventKind)
    /// Of a bed.
    case bed(EventKind)
    /// - leavesNoAlert: whether every alert begun before it has ended.
    case sessionBoundary(EventKind, leavesNoAlert: Bool)
    /// Of a command to a pump; `nil` for a kind of a younger host. Its members tell of a patient's therapy: they do not
    /// leave the unit.
    case command(EventKind?)
    case other(EventKind)
    /// A name of a younger host, or an alert that does not say which one.
    case unknown(String)

    /// - Parameters:
    ///   - name: the event's name in the journal.
    ///   - device: the device's handle.
    ///   - members: its further members, each as text.
    package init(name: String, device: String?, members: [String: String]) {
        guard let kind = EventKind(rawValue: name) else {
            self = EventKind.isNamedAsOfCommand(name) ? .command(nil) : .unknown(name)
            return
        }
        switch kind {
        case .alertStart: self = AlertRecord(device: device, members: members).map { .alertStart($0) } ?? .unknown(name)
        case .alertEnd:
            self =
                AlertRecord(device: device, members: members).map { .alertEnd($0, reason: members["reason"]) }
                ?? .unknown(name)
        case .alertUpdate:
            self =
                AlertRecord(device: device, members: members).flatMap { alert in
                    AlertStanding(members: members).map { .alertUpdate(alert, $0) }
                } ?? .unknown(name)
        case .alarmSwitchedOff, .alarmSwitchedOn: self = .alarmSwitch(kind)
        case .bedConfigured, .presetChosen, .patientBound, .patientUnbound, .bindingWithdrawn, .bedEntered, .scoreGiven:
            self = .bed(kind)
        case .hostStarted, .hostStopped: self = .sessionBoundary(kind, leavesNoAlert: members["alertsEnded"] != nil)
        case .commandDrafted, .commandVerified, .commandMismatched, .commandChanged, .commandWithdrawn,
            .commandExpired, .commandRefused, .commandIntended, .commandNotSent, .commandSent, .commandTaken,
            .commandRejected,
            .commandUnanswered, .commandReadBack, .commandUndecided, .commandLeftToPeople, .commandResolved,
            .stopAsked, .stopSent, .stopConfirmed, .stopNotDelivered, .pumpLookedAt, .pumpUnlocked,
            .commandLedger:
            self = .command(kind)
        case .deviceConfigured, .deviceConnected, .deviceDisconnected, .deviceSilent, .deviceIdentified, .wrongDevice,
            .deadlinesMissed, .deviceStale,
            .vmdConnected, .vmdDisconnected, .lateReply, .duplicateReply, .unsolicitedFrame, .mismatchedReply,
            .conflictingReplies, .lineEcho,
            .lineEchoLost, .busContention, .registersRefused, .registersRestored, .heldInput, .samplesExceeded,
            .requestBarred, .lineStatistics,
            .deviceStatistics, .clockStepped,
            .samplesLost, .eventsLost, .journalSlow, .journalSetAside, .journalFileFailed, .journalGap, .journalPruned,
            .samplesShed, .settingRefused, .journalWitnessed, .deviceReleased, .alarmLedger, .bedLedger,
            .consultationOpened, .consultationClosed, .consultationJoined, .consultationLeft:
            self = .other(kind)
        }
    }

    /// Whether it stays in the journal: it is about the unit's own lines and says nothing of a patient or a device's
    /// state, stands for other events of commands, or is one that nobody here knows.
    package var isOwnAffair: Bool {
        switch self {
        case .other(.lineStatistics), .other(.deviceStatistics), .other(.alarmLedger), .other(.bedLedger),
            .command(.commandLedger), .command(nil):
            true
        case .alertStart, .alertUpdate, .alertEnd, .alarmSwitch, .bed, .sessionBoundary, .command, .other, .unknown:
            false
        }
    }
}
