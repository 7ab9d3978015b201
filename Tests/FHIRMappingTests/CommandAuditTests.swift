import DeviceModel
import Foundation
import Nomenclature
import Testing

@testable import FHIRMapping

/// What leaves the unit of a command to a pump (C-25, C-36).
@Suite struct CommandAuditTests {
    private static let mapper = FHIRMapper(
        unit: "mobile-7", name: "mobile-7", isTestData: true, names: NomenclatureShelf.names().nomenclature)

    /// What no bundle may hold: one word for each member that any event of commands has, and what stands within them.
    private static let canaries = [
        "canary-by", "canary-number", "canary-content", "canary-effect", "canary-word", "canary-shown", "canary-pump",
        "canary-stop", "canary-ledger", "canary-drug", "canary-order", "28.8", "2100ff", "canary-device",
        "canary-session",
    ]

    private static func line(of kind: EventKind) -> String {
        let members = kind.members.map { JSON.Member(name: $0.name, value: .string("canary-\($0.name)")) }
        let more: [JSON.Member] = [
            JSON.Member(name: "drug", value: .string("canary-drug")),
            JSON.Member(name: "order", value: .string("canary-order")),
            JSON.Member(name: "quantity", value: .string("28.8")), JSON.Member(name: "bytes", value: .string("2100ff")),
        ]
        return JSON.object(members + more).text
    }

    private static func resource(
        _ name: String, number: Int64 = 7, session: String = "canary-session", device: String? = "canary-device",
        line: String, utc: Int64? = 1_795_328_100_123_000_000, clock: ClockQuality = .synchronised,
        isDescribed: Bool = true
    ) -> FHIRResource {
        mapper.event(
            RecordedEvent(
                name: name, device: device, members: ["by": "canary-by", "alert": "a", "number": "canary-number"]),
            name: name, id: number, session: session, device: device, utc: utc, clock: clock, line: line,
            hash: Array(repeating: 0xAB, count: 32), isDescribed: isDescribed)
    }

    private static func resource(_ kind: EventKind) -> FHIRResource { resource(kind.name, line: line(of: kind)) }

    private func canaries(in resource: FHIRResource) -> [String] {
        let text = FHIRResource.transaction([resource]).text
        return (Self.canaries + [String(repeating: "ab", count: 32)]).filter(text.contains)
    }

    @Test func c36_noMemberOfACommandIsInAnythingThatLeaves() {
        var members: Set<String> = []
        for kind in EventKind.ofCommands {
            for isDescribed in [true, false] {
                let resource = Self.resource(kind.name, line: Self.line(of: kind), isDescribed: isDescribed)
                #expect(canaries(in: resource).isEmpty, "\(kind)")
                #expect(resource.type == "AuditEvent" && resource.json["valueString"] == nil)
            }
            members.formUnion(kind.members.map { "canary-\($0.name)" })
        }
        #expect(members.isSubset(of: Self.canaries), "a member has no canary")
        // They are found where they are: in what goes as its line.
        let other = Self.resource(EventKind.clockStepped.name, line: Self.line(of: .commandIntended))
        #expect(canaries(in: other).contains("canary-effect") && canaries(in: other).contains("28.8"))
    }

    /// Whoever adds a kind of event decides here whether its whole line may leave the unit.
    @Test func c36_onlyTheseGoAsTheirLine() {
        let going = EventKind.allCases.filter { Self.resource($0).json["valueString"] != nil }
        let expected: [EventKind] = [
            .hostStarted, .hostStopped, .deviceConfigured, .deviceConnected, .deviceDisconnected, .deviceSilent,
            .deviceIdentified, .wrongDevice, .deadlinesMissed, .deviceStale, .vmdConnected, .vmdDisconnected,
            .lateReply, .duplicateReply, .unsolicitedFrame, .mismatchedReply, .conflictingReplies, .lineEcho,
            .lineEchoLost, .busContention, .registersRefused, .registersRestored, .heldInput, .samplesExceeded,
            .requestBarred, .lineStatistics, .deviceStatistics, .clockStepped, .samplesLost, .eventsLost, .journalSlow,
            .journalSetAside, .journalFileFailed, .journalGap, .journalPruned, .samplesShed, .settingRefused,
            .journalWitnessed, .deviceReleased, .alertUpdate, .alarmSwitchedOff, .alarmSwitchedOn, .bedConfigured,
            .presetChosen,
            // Who was let in from afar, by whom, and who looked: whoever keeps the records has to be able to see it.
            .consultationOpened, .consultationClosed, .consultationJoined, .consultationLeft,
            // These never go at all.
            .alarmLedger, .bedLedger,
        ]
        #expect(Set(going) == Set(expected))
    }

    /// A host that goes back to an older version has events of a younger one.
    @Test(arguments: ["commandPaused", "stopHeld", "pumpMoved"])
    func c36_aCommandOfAYoungerHostDoesNotGoAsItsLine(name: String) {
        let resource = Self.resource(name, line: Self.line(of: .commandIntended))
        #expect(resource.type == "AuditEvent" && canaries(in: resource).isEmpty)
        // The name is not one that this host knows to be harmless.
        #expect(!resource.json.text.contains(name) && resource.json["subtype"] == nil)
    }

    @Test(arguments: ["commandIntended", "stopHeld"]) func c36_theNameDecidesWhateverItIsTakenFor(name: String) {
        for event in [RecordedEvent.unknown(name), .other(.lateReply)] {
            let resource = Self.mapper.event(
                event, name: name, id: 7, session: "s", device: nil, utc: 0, line: Self.line(of: .commandIntended))
            #expect(resource.type == "AuditEvent" && canaries(in: resource).isEmpty)
        }
    }

    @Test func c25_anEntryIsExactlyThis() {
        let resource = Self.resource(.commandVerified)
        let (host, device) = (Self.mapper.gatewayID, Self.mapper.deviceID("canary-device", vmd: nil))
        #expect(
            resource.json.text
                == #"{"resourceType":"AuditEvent","id":"\#(resource.id)","#
                + #""meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","#
                + #""code":"HTEST"}]},"#
                + #""type":{"system":"urn:nabd:audit","code":"device-command","display":"Command to a device"},"#
                + #""subtype":[{"system":"\#(FHIRMapper.eventSystem)","code":"commandVerified"}],"#
                + #""action":"U","recorded":"2026-11-22T06:15:00.123Z","outcome":"0","#
                + #""agent":[{"type":{"coding":[{"#
                + #""system":"http://terminology.hl7.org/CodeSystem/extra-security-role-type","#
                + #""code":"humanuser","display":"human user"}]},"requestor":true}],"#
                + #""source":{"observer":{"reference":"Device/\#(host)"}},"#
                + #""entity":[{"what":{"reference":"Device/\#(device)"}}]}"#)
        #expect(resource.url == "AuditEvent/\(resource.id)")
    }

    /// What FHIR asks of an AuditEvent, of every one that is made; and what people do is told from what the host does.
    @Test func c25_everyCommandHasItsEntry() {
        let people: Set<EventKind> = [
            .commandDrafted, .commandVerified, .commandMismatched, .commandWithdrawn, .commandResolved, .stopAsked,
            .pumpLookedAt, .pumpUnlocked,
        ]
        let unknown: Set<EventKind> = [
            .commandUnanswered, .commandUndecided, .commandLeftToPeople, .stopNotDelivered,
        ]
        for kind in EventKind.ofCommands where kind != .commandLedger {
            let json = Self.resource(kind).json
            #expect(json["subtype"]?.text.contains("\"\(kind.name)\"") == true)
            #expect(json["type"] != nil && json["recorded"] != nil && json["source"] != nil, "\(kind)")
            let agent = json["agent"]?.text ?? ""
            #expect(agent.contains(#""requestor":\#(people.contains(kind))"#), "\(kind)")
            #expect(agent.contains("humanuser") == people.contains(kind))
            #expect(agent.contains("\"who\"") != people.contains(kind))
            guard case .string(let action) = json["action"], case .string(let outcome) = json["outcome"] else {
                Issue.record("\(kind) has no account")
                continue
            }
            #expect(["C", "R", "U", "D", "E"].contains(action) && ["0", "4", "8", "12"].contains(outcome))
            #expect((outcome == "8") == unknown.contains(kind), "\(kind)")
        }
        #expect(Self.resource(.commandLedger).json["outcome"] == nil)
    }

    @Test func theSameEventHasTheSameIdAndAnotherAnother() {
        func id(_ number: Int64, _ session: String, _ line: String) -> String {
            Self.resource("commandSent", number: number, session: session, line: line).id
        }
        #expect(id(7, "s", "{}") == id(7, "s", "{…}"))
        #expect(Set([id(7, "s", "{}"), id(8, "s", "{}"), id(7, "t", "{}")]).count == 3)
        #expect(id(7, "s", "{}").wholeMatch(of: /[A-Za-z][A-Za-z0-9\-.]{0,63}/) != nil)
    }

    @Test func aTimeThatNobodyKnowsIsNotTold() {
        let unset = Self.resource("commandSent", line: "{}", utc: nil, clock: .unknown).json
        #expect(unset["recorded"] == nil && unset["_recorded"]?.text.contains("data-absent-reason") == true)
        #expect(unset["meta"]?.text.contains(#"{"system":"urn:nabd:clock","code":"unknown"}"#) == true)
        let held = Self.resource("commandSent", line: "{}", clock: .holdover).json
        #expect(held["recorded"] != nil && held["meta"]?.text.contains("urn:nabd:clock") == true)
    }

    /// A device that the service does not know is not referred to.
    @Test func whatIsAboutNoDescribedDeviceIsTheUnits() {
        for (device, isDescribed) in [(nil, true), ("canary-device", false)] as [(String?, Bool)] {
            let json = Self.resource("stopAsked", device: device, line: "{}", isDescribed: isDescribed).json
            #expect(json["entity"]?.text.contains(Self.mapper.gatewayID) == true)
        }
    }
}
