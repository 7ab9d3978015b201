import Foundation
import TestSupport
import Testing

@testable import DeviceModel

@Suite struct EventTests {
    private static let alert = AlertRecord(
        device: "pump-1", vmd: "slot-1", name: "NABD_TEST", priority: .high, text: "words", arabicText: "كلمات",
        instance: "s-1")

    /// One of each constructor, with all its members.
    private static let events: [UnitEvent] = [
        .hostStarted(unit: "u", alertsEnded: 1, isTestData: true, at: 1), .hostStopped(alertsEnded: 0, at: 1),
        .deviceConfigured(
            "d", profile: "p", digest: "a", manufacturer: "m", model: "x", function: "k", line: "l",
            udi: "u", hasUnverifiedFacts: true, results: ["M"], at: 1),
        .alertStart(alert, at: 1), .alertEnd(alert, reason: .stopped, at: 1),
        .lineStatistics(device: "d", ["line": .string("l")], at: 1), .deviceStatistics(device: "d", .object([]), at: 1),
        .clockStepped(milliseconds: 1, at: 1), .samplesLost(1, cause: .disk, at: 1),
        .eventsLost(1, cause: .disk, at: 1),
        .journalSlow(milliseconds: 1, at: 1), .journalSetAside(file: "f", reason: "r", at: 1),
        .journalFileFailed(file: "f", reason: "r", at: 1),
        .journalGap(part: "samples", known: 2, found: 1, at: 1), .journalGap(file: "f", at: 1),
        .journalPruned(file: "f", bytes: 1, cause: "c", at: 1),
        .samplesShed(file: "f", content: "waveforms", samples: 1, bytes: 1, at: 1),
        .journalWitnessed(number: 1, hash: "h", signature: "s", certificate: "c", at: 1),
        .settingRefused(device: "d", setting: "devices", reason: "r", at: 1),
        .deviceReleased("d", at: 1),
    ]

    private static let codes = (1...22).compactMap { EventCode(rawValue: $0) }

    @Test func thePageIsTheTable() throws {
        let page = try String(contentsOfFile: Repository.path("docs/events.md"), encoding: .utf8)
        #expect(page == EventReference.markdown, "nabd journal events > docs/events.md")
    }

    /// What was written is read for ever: a name may be added here, never changed.
    @Test func namesStayAsTheyWere() {
        let names = """
            hostStarted hostStopped deviceConfigured alertStart alertEnd deviceConnected deviceDisconnected \
            deviceSilent deviceIdentified wrongDevice \
            deadlinesMissed deviceStale vmdConnected vmdDisconnected lateReply duplicateReply unsolicitedFrame \
            mismatchedReply conflictingReplies lineEcho \
            lineEchoLost busContention registersRefused registersRestored heldInput samplesExceeded \
            requestBarred \
            lineStatistics deviceStatistics clockStepped samplesLost eventsLost \
            journalSlow journalSetAside journalFileFailed journalGap journalPruned samplesShed settingRefused \
            journalWitnessed deviceReleased \
            commandDrafted commandVerified commandMismatched commandChanged commandWithdrawn commandExpired \
            commandRefused commandIntended commandNotSent commandSent commandTaken commandRejected \
            commandUnanswered commandReadBack \
            commandUndecided commandLeftToPeople commandResolved stopAsked stopSent stopConfirmed stopNotDelivered \
            pumpLookedAt pumpUnlocked commandLedger \
            alertUpdate alarmSwitchedOff alarmSwitchedOn alarmLedger bedConfigured presetChosen patientBound \
            patientUnbound bindingWithdrawn bedEntered scoreGiven bedLedger \
            consultationOpened consultationClosed consultationJoined consultationLeft
            """
        #expect(EventKind.allCases.map(\.name).joined(separator: " ") == names)
    }

    @Test func constructorsWriteOnlyWhatTheTableHas() throws {
        for event in Self.events where event.kind != .deviceStatistics {
            guard case .object(let members) = event.members else {
                Issue.record("\(event.kind) has no members")
                continue
            }
            let known = Set(event.kind.members.map(\.name))
            #expect(known.isSuperset(of: members.map(\.name)), "\(event.kind)")
        }
        for event in Self.events {
            switch event.kind.concern {
            case .device: #expect(event.device != nil, "\(event.kind)")
            case .host: #expect(event.device == nil, "\(event.kind)")
            case .deviceOrHost: break
            }
        }
    }

    @Test func everyKindIsMadeBySomething() {
        #expect(Self.codes.count == 22 && EventCode(rawValue: 23) == nil)
        let made = Set(Self.events.map(\.kind)).union(Self.codes.compactMap(\.kind))
        // Those of commands, beds, consultations and alarms are made in rooms of their own, whose tests show each.
        let others = EventKind.allCases.filter { kind in
            kind.isOfCommand || kind.isOfBed || kind.isOfConsultation
                || (kind.isOfAlarm && kind != .alertStart && kind != .alertEnd)
        }
        #expect(made.union(others) == Set(EventKind.allCases) && made.isDisjoint(with: others))
        #expect(made.isDisjoint(with: EventKind.ofCommands))
        #expect(UnitEvent.command(.alertEnd, device: nil, .object([]), at: 1) == nil)
        #expect(EventKind.ofCommands.filter { !$0.isKeptByHost }.isEmpty)
    }

    @Test func whatALineReportsKeepsItsName() throws {
        for code in Self.codes {
            let event = try #require(UnitEvent.line(code, device: "d", figure: 3, text: "t", at: 7))
            #expect(event.kind.name == "\(code)" && event.kind.concern == .device)
            #expect(event.members == .members(["figure": .integer(3), "text": .string("t")]))
        }
        #expect(UnitEvent.line(.none, device: "d", figure: 0, text: "", at: 0) == nil)
        #expect(UnitEvent.line(.lateReply, device: "d", figure: 0, text: "", at: 0)?.members == .object([]))
    }

    private func read(_ event: UnitEvent) -> RecordedEvent {
        guard case .object(let members) = event.members else { return .unknown("no object") }
        func text(_ value: JSON) -> String { if case .string(let text) = value { text } else { value.text } }
        return RecordedEvent(
            name: event.kind.name, device: event.device,
            members: Dictionary(members.map { ($0.name, text($0.value)) }) { first, _ in first })
    }

    @Test func whatIsWrittenIsReadAgain() {
        #expect(read(.alertStart(Self.alert, at: 1)) == .alertStart(Self.alert))
        #expect(read(.alertEnd(Self.alert, at: 1)) == .alertEnd(Self.alert, reason: nil))
        #expect(read(.alertEnd(Self.alert, reason: .removed, at: 1)) == .alertEnd(Self.alert, reason: "removed"))
        #expect(read(.hostStopped(alertsEnded: 0, at: 1)) == .sessionBoundary(.hostStopped, leavesNoAlert: true))
        #expect(
            read(.hostStarted(unit: "u", alertsEnded: nil, at: 1))
                == .sessionBoundary(.hostStarted, leavesNoAlert: false))
        #expect(read(.clockStepped(milliseconds: 9, at: 1)) == .other(.clockStepped))
    }

    /// C-36. An event of a command is never one of those that leave the unit as their line; one that nobody here knows,
    /// and what stands for all of them, leaves it in no form.
    @Test func c36_whatTellsOfACommandIsNoOtherEvent() {
        for kind in EventKind.allCases {
            let recorded = RecordedEvent(name: kind.name, device: "d", members: ["alert": "a"])
            if case .command(let known) = recorded { #expect(known == kind) } else { #expect(!kind.isOfCommand) }
            #expect((recorded == .command(kind)) == kind.isOfCommand, "\(kind)")
            let staying: [EventKind] = [
                .lineStatistics, .deviceStatistics, .alarmLedger, .bedLedger, .commandLedger,
            ]
            #expect(recorded.isOwnAffair == staying.contains(kind), "\(kind)")
        }
        for name in ["commandPaused", "stopHeld", "pumpMoved", "command\u{301}"] {
            let recorded = RecordedEvent(name: name, device: "d", members: [:])
            #expect(recorded == .command(nil) && recorded.isOwnAffair, "\(name)")
        }
    }

    @Test func whatIsNotKnownIsSaidToBe() {
        #expect(RecordedEvent(name: "moonRose", device: nil, members: [:]) == .unknown("moonRose"))
        #expect(RecordedEvent(name: "alertStart", device: "d", members: ["text": "no name"]) == .unknown("alertStart"))
    }
}

@Suite struct AlertKindTests {
    @Test func everyAlertHasItsWords() {
        let rows = AlertKind.allCases.map(\.descriptor)
        #expect(Set(rows.map(\.text)).count == rows.count && Set(rows.map(\.arabicText)).count == rows.count)
        for row in rows {
            #expect(row.name.hasPrefix("NABD_") == (row.code == nil), "\(row.name)")
            #expect(row.arabicText.unicodeScalars.contains { (0x0600...0x06FF).contains($0.value) }, "\(row.name)")
        }
    }

    @Test func linkAlertsAreNumberedWithoutHoles() {
        #expect(LinkAlert.allCases.map(\.rawValue) == Array(0..<LinkAlert.allCases.count))
        #expect(Set(LinkAlert.allCases.map(\.kind)).count == LinkAlert.allCases.count)
    }
}
