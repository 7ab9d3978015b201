import Alarms
import DeviceModel
import Foundation
import LineEngine
import Logging
import RealTime
import Sampling
import Synchronization
import TestSupport
import Testing
import Uplink

@testable import NabdHost
@testable import SampleJournal

@Suite struct StatusTests {
    private static let second: Int64 = 1_000_000_000

    // MARK: Threads

    @Test func aThreadThatComesRoundMoves() {
        let beat = Beat()
        let threads = [PulseWatch.Thread(name: "journal", beat: beat, started: 100 * Self.second)]
        // One that never gave a sign is measured from its start.
        #expect(PulseWatch.standing(threads, at: 104 * Self.second).isEmpty)
        #expect(PulseWatch.standing(threads, at: 105 * Self.second) == ["journal"])
        beat.give(at: 110 * Self.second)
        #expect(PulseWatch.standing(threads, at: 114 * Self.second).isEmpty)
        #expect(PulseWatch.standing(threads, at: 115 * Self.second) == ["journal"])
    }

    /// A disk that hangs is not mended by a new process.
    @Test func aThreadInTheSystemIsGivenTime() {
        let beat = Beat()
        beat.give(at: 10 * Self.second, into: .system)
        #expect(beat.last == Beat.Sign(time: 10 * Self.second, place: .system))
        let threads = [PulseWatch.Thread(name: "journal", beat: beat, started: 1)]
        #expect(PulseWatch.standing(threads, at: 69 * Self.second).isEmpty)
        #expect(PulseWatch.standing(threads, at: 71 * Self.second) == ["journal"])
        beat.give(at: 72 * Self.second)
        #expect(PulseWatch.standing(threads, at: 77 * Self.second) == ["journal"])
    }

    // MARK: The clock

    @Test(arguments: [
        "", "synchronised", "synchronised 5", "synchronised 5 6", "unknown 5 6\n", "synchronised  6\n",
        "synchronised 5 6 7\n", "synchronised 99999999999999999999 6\n", "synchronised 5 6\nmore\n",
    ])
    func whatIsNoNoteSaysNothing(text: String) { #expect(ClockNote(text) == nil, "\(text)") }

    @Test func aNoteCountsForTenSecondsOfItsOwnBoot() throws {
        let note = try #require(ClockNote(ClockNote(.synchronised, at: 50 * Self.second).text))
        #expect(note.quality == .synchronised && note.time == 50 * Self.second && note.boot == BootMark.current)
        #expect(note.counts(at: 60 * Self.second))
        #expect(!note.counts(at: 60 * Self.second + 1), "older says nothing of now")
        #expect(!note.counts(at: 49 * Self.second), "nothing is told of before")
        #expect(!ClockNote(.synchronised, at: 50 * Self.second, boot: 1).counts(at: 51 * Self.second))
    }

    /// systemd puts a clock at 1970 to the date of its own build: that is no time either.
    @Test func aClockThatWasNeverSetIsKnown() {
        let (day, year) = (86_400 * Self.second, 365 * 86_400 * Self.second)
        let epoch = 57 * year
        #expect(!ClockJudge.isSet(wall: 5 * day, sinceStart: 5 * day, epoch: epoch), "at 1970")
        for uptime in [Self.second, day, 30 * day] {
            #expect(!ClockJudge.isSet(wall: epoch + uptime, sinceStart: uptime, epoch: epoch), "at systemd's date")
            #expect(!ClockJudge.isSet(wall: epoch + uptime + 30 * Self.second, sinceStart: uptime, epoch: epoch))
            #expect(ClockJudge.isSet(wall: epoch + uptime + day, sinceStart: uptime, epoch: epoch))
        }
        #expect(ClockJudge().now() != .unknown, "this machine's own")
    }

    @Test func aHostThatMayNotAskTheKernelGoesByTheFile() throws {
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/quality"
        #expect(ClockJudge(file: file).now() == .holdover, "nobody tells")
        let now = MonotonicClock().now()
        try Data(ClockNote(.synchronised, at: now).text.utf8).write(to: URL(fileURLWithPath: file))
        #expect(ClockJudge(file: file).now() == .synchronised)
        try Data(ClockNote(.holdover, at: now).text.utf8).write(to: URL(fileURLWithPath: file))
        #expect(ClockJudge(file: file).now() == .holdover)
        try Data(ClockNote(.synchronised, at: now - 11 * Self.second).text.utf8).write(to: URL(fileURLWithPath: file))
        #expect(ClockJudge(file: file).now() == .holdover, "its writer is gone")
        try Data(repeating: 0x73, count: 100_000).write(to: URL(fileURLWithPath: file))
        #expect(ClockJudge(file: file).now() == .holdover)
    }

    // MARK: The log

    @Test func theLogGetsAFewLinesAtOnceAndThenOneAMinute() {
        var account = LogAccount(from: 0)
        #expect((0..<5).map { _ in account.take(1, at: 0) } == [1, 1, 1, 1, 1])
        #expect(account.take(1, at: 0) == nil && account.take(3, at: Self.second) == nil)
        #expect(account.take(1, at: 60 * Self.second) == 5, "with how many it stands for")
        #expect(account.take(1, at: 61 * Self.second) == nil)
    }

    /// The host's own alerts are told, a device's are not: they may tell of a patient.
    @Test func theLogTellsOfTheHostAndNotOfPatients() {
        let log = NotedLog()
        var alerts = AlertLog(logger: log.logger)
        alerts.tell(
            AlertRecord(device: "pump-1", AlertKind.deviceStale.descriptor, instance: nil), begins: true, times: 0,
            at: 0)
        alerts.tell(
            AlertRecord(device: "pump-1", AlertKind.deviceStale.descriptor, instance: nil), begins: false, times: 2,
            at: 0)
        alerts.tell(
            AlertRecord(
                device: "ecg-1", name: "MDC_EVT_ECG_ASYSTOLE", priority: .high, text: "Asystole", arabicText: "",
                instance: nil),
            begins: true, times: 0, at: 0)
        // The recorder says this one itself, with the reason.
        alerts.tell(AlertRecord(AlertKind.journalFailing.descriptor, instance: nil), begins: true, times: 0, at: 0)
        let lines = log.lines
        #expect(lines.count == 2)
        #expect(lines[0].contains("error") && lines[0].contains("No current values") && lines[0].contains("pump-1"))
        #expect(lines[1].contains("no longer") && lines[1].contains("times=3"))
    }

    // MARK: What is told

    private static func run(_ script: (PlayedRecorder) -> Void, seconds: Double = 3) throws -> PlayedRecorder {
        let run = try PlayedRecorder(TemporaryFolder())
        script(run)
        try run.run(seconds: seconds)
        return run
    }

    private static func status(
        _ run: PlayedRecorder, at now: Int64, uplink: UplinkView.State? = nil, examination: UnitExamination? = nil
    ) throws -> UnitStatus {
        let totals = run.totals
        return UnitStatus(
            summary: HostSummary(), picture: totals.picture, uplink: uplink, examination: examination,
            configuration: try RecorderRun.configure(TemporaryFolder()), now: now, utc: 0, clock: .holdover,
            health: UnitHealth(picture: totals.picture, journalProblem: totals.problem, standing: [], now: now))
    }

    private static func value(_ status: UnitStatus, _ index: Int = 0) -> JSON? {
        guard case .array(let devices)? = status.json["devices"], case .array(let values)? = devices.first?["values"]
        else { return nil }
        return values[index]
    }

    /// What the technical page shows beside the devices: as text, so that a name that changes is seen.
    @Test func lanesCertificatesAndFindingsAreTold() throws {
        let run = try Self.run { _ in }
        #expect(try Self.status(run, at: 0).json["findings"] == nil, "before the first look nothing is known")
        var uplink = UplinkView.State()
        #expect(try Self.status(run, at: 0, uplink: uplink).json["uplink"]?["lanes"] == nil)
        uplink.report = DeliveryReport(
            stored: 7, lastStored: 60 * Self.second, parked: 1, waitingBehindParked: 3, released: 0,
            isContradicted: false, mayNotRead: true, problem: nil,
            lanes: [
                DeliveryReport.Lane(lane: .alarms, behind: 0), DeliveryReport.Lane(lane: .waveforms, behind: nil),
                DeliveryReport.Lane(lane: .numerics, behind: 125 * Self.second + 1),
            ])
        let day = 86_400
        let examination = UnitExamination(
            findings: [
                UnitFinding(.good, "clock", "synchronised"), UnitFinding(.fault, "journal", "make room"),
                UnitFinding(.warning, "time zone", "it is UTC"),
            ],
            certificates: [
                UnitExamination.Certificate(.uplink, expiry: 9 * day + 5),
                UnitExamination.Certificate(.uplinkAuthority, expiry: -1),
                UnitExamination.Certificate(.far, expiry: nil),
            ], utc: 0)
        let json = try Self.status(run, at: 0, uplink: uplink, examination: examination).json
        let told = json["uplink"]
        #expect(told?["lastStored"] == .string(UTCTime.text(nanoseconds: 60 * Self.second)))
        #expect(told?["waitingBehindParked"] == .number("3") && told?["mayNotRead"] == .bool(true))
        #expect(
            told?["lanes"]?.text
                == #"[{"lane":"alarms","behindSeconds":0},{"lane":"waveforms"},"#
                + #"{"lane":"numerics","behindSeconds":125}]"#)
        #expect(
            json["findings"]?.text
                == #"[{"what":"journal","severity":"fault","words":"make room"},"#
                + #"{"what":"time zone","severity":"warning","words":"it is UTC"}]"#)
        guard case .array(let certificates)? = json["certificates"] else { throw CancellationError() }
        #expect(
            certificates.map { $0["certificate"] } == [.string("uplink"), .string("uplinkAuthority"), .string("far")])
        #expect(certificates.map { $0["daysLeft"] } == [.number("9"), .number("-1"), .null])
        #expect(certificates[2]["expires"] == .null)
    }

    /// The host looks by itself at what `nabd doctor` looks at.
    @Test func aLookAtTheMachineFindsWhatIsWrong() throws {
        let folder = try TemporaryFolder()
        var unit = try RecorderRun.configure(folder)
        unit.uplink = UplinkEndpoint(
            server: "https://r.example/fhir", authority: "\(folder.path)/a.pem",
            clientCertificate: "\(folder.path)/c.pem",
            clientKey: "\(folder.path)/k.pem")
        let found = UnitExamination(unit)
        #expect(found.findings.map(\.what).starts(with: ["clock", "time zone", "journal", "key"]))
        #expect(found.findings.first { $0.what == "key" }?.severity == .fault)
        #expect(found.certificates.map(\.which) == [.uplink, .uplinkAuthority])
        #expect(found.certificates.allSatisfy { $0.expiry == nil })
        unit.retention.limit = .max
        #expect(UnitExamination.journal(unit).severity != .good, "no disk has room for that")
        unit.uplink = nil
        #expect(UnitExamination(unit).certificates.isEmpty)
    }

    @Test func aValueIsShownAsLongAsItIsOfNow() throws {
        let run = try Self.run { run in
            run.at(1) {
                run.report(.deviceConnected)
                _ = run.worker.recorder.ring.push(
                    SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: run.clock.now(), bits: 53))
            }
        }
        let (time, stream) = (run.totals.picture.lines[0].newest[0].monotonicNanoseconds, run.worker.streams[0])
        let fresh = Self.value(try Self.status(run, at: time + Self.second / 2))
        #expect(fresh?["value"] == .number("5.3") && fresh?["text"] == .string("5.3"))
        #expect(fresh?["ageMilliseconds"] == .number("500") && fresh?["validity"] == .string("valid"))
        let edge = time + 3 * stream.periodNanoseconds + Self.second / 2
        #expect(Self.value(try Self.status(run, at: edge))?["value"] == .number("5.3"))
        let stale = Self.value(try Self.status(run, at: edge + 1))
        #expect(stale?["value"] == .null && stale?["text"] == nil && stale?["reason"] == .string("stale"))
        // Another metric of which nothing came.
        let awaited = Self.value(try Self.status(run, at: time), 1)
        #expect(awaited?["value"] == .null && awaited?["reason"] == .string("awaited"))
    }

    @Test func whatDoesNotCountHasNoValue() throws {
        for validity in Validity.allCases {
            let run = try Self.run { run in
                run.at(1) {
                    _ = run.worker.recorder.ring.push(
                        SampleRecord(
                            kind: .sample, index: 0, monotonicNanoseconds: run.clock.now(), bits: 53,
                            validity: validity, reason: .deviceStatus))
                }
            }
            let value = Self.value(try Self.status(run, at: run.totals.picture.lines[0].newest[0].monotonicNanoseconds))
            #expect(value?["value"] == (validity.carriesValue ? .number("5.3") : .null), "\(validity)")
            #expect(value?["validity"] == .string(validity.word) && value?["reason"] == .string("deviceStatus"))
        }
    }

    /// What holds from the first moment is as old as the host, whatever is done to the wall clock meanwhile.
    @Test func anAlertIsAsOldAsItIs() throws {
        let run = try Self.run { run in
            run.hold([(.settingRefused, nil)])
            run.at(1) { run.offset += 86_400 * Self.second }
            run.at(2) { run.report(.stale, holds: true) }
        }
        let (start, alarms) = (run.clock.start, run.totals.picture.alerts)
        #expect(alarms.map(\.record.name).sorted() == ["NABD_DEVICE_STALE", "NABD_SETTING_REFUSED"])
        let refused = try #require(alarms.first { $0.record.name == "NABD_SETTING_REFUSED" })
        #expect(refused.began == start + 500 * Self.second, "by the wall clock, and not by the other")
        guard case .array(let told)? = try Self.status(run, at: start + 5 * Self.second).json["alerts"] else {
            throw CancellationError()
        }
        let ages = Dictionary(
            uniqueKeysWithValues: told.map { ($0["alert"]?.text ?? "", $0["heldMilliseconds"]?.text ?? "") })
        #expect(ages["\"NABD_SETTING_REFUSED\""] == "5000", "\(ages)")
        #expect(ages["\"NABD_DEVICE_STALE\""].flatMap { Int($0) }.map { (2_900...3_000).contains($0) } == true)
    }

    /// A device that answers each question with a refusal is there, and is the wrong one.
    @Test func aDeviceThatRefusesEverythingSaysWhereToLook() throws {
        func hint(_ run: PlayedRecorder) throws -> JSON? {
            guard case .array(let devices)? = try Self.status(run, at: run.clock.now()).json["devices"] else {
                return nil
            }
            return devices.first?["hint"]
        }
        func refusing(_ more: @escaping (PlayedRecorder) -> Void) throws -> PlayedRecorder {
            try Self.run { run in
                run.at(1) {
                    run.report(.deviceConnected)
                    run.report(.registersRefused, holds: true)
                    more(run)
                }
            }
        }
        #expect(
            try hint(refusing { _ in }) == .string("it refuses what is asked: is it this model, and this address?"))
        let partly = try refusing { run in
            _ = run.worker.recorder.ring.push(
                SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: run.clock.now(), bits: 53))
        }
        #expect(try hint(partly) == nil, "it gives what it has")
    }

    /// What somebody else has asked of a journal's files is not whether he may write them, but whether the host may.
    @Test func aFileOfTheWrongOwnerIsNamed() throws {
        let folder = try TemporaryFolder()
        let unit = try RecorderRun.configure(folder)
        try FileManager.default.createDirectory(atPath: unit.journalDirectory, withIntermediateDirectories: true)
        let file = try folder.write("journal/events-000001.sqlite", "x")
        #expect(chmod(unit.journalDirectory, 0o750) == 0 && chmod(file, 0o640) == 0)
        let own = FileUser.current
        let found = UnitExamination.journal(unit, for: FileUser(id: own.id + 7, group: own.group + 7, name: "nabd"))
        #expect(found.severity == .fault)
        #expect(found.words.contains("\(unit.journalDirectory) belongs to \(own.name) (mode 750)"), "\(found.words)")
        #expect(found.words.contains("chown nabd: "))
        // The folder is right, and a file in it is not.
        #expect(chmod(unit.journalDirectory, 0o777) == 0)
        let inside = UnitExamination.journal(unit, for: FileUser(id: own.id + 7, group: own.group + 7, name: "nabd"))
        #expect(inside.severity == .fault && inside.words.hasPrefix("\(file) belongs to"), "\(inside.words)")
        #expect(chmod(file, 0o666) == 0)
        let right = UnitExamination.journal(unit, for: FileUser(id: own.id + 7, group: own.group + 7, name: "nabd"))
        #expect(!right.words.contains("belongs to") && right.words.contains("right for the user nabd"))
        #expect(!UnitExamination.journal(unit).words.contains("belongs to"), "of one's own")
    }

    @Test func whatOfTheIdentityCannotBeUsedIsNoHealth() throws {
        let good = try Self.run { run in run.at(1) { run.report(.deviceConnected) } }
        let findings = [
            UnitFinding(.fault, "key", "it is not there"), UnitFinding(.fault, "token key", "not this user's"),
            UnitFinding(.warning, "certificate", "soon"),
        ]
        let examination = UnitExamination(findings: findings, certificates: [], utc: 0)
        #expect(examination.identityFaults == ["it is not there"])
        let health = UnitHealth(
            picture: good.totals.picture, journalProblem: nil, standing: [], now: good.clock.now(),
            identityFaults: examination.identityFaults)
        #expect(health.state == .degraded && health.text == "degraded\nthe unit's identity: it is not there\n")
    }

    @Test func healthSaysWhatIsWrong() throws {
        let good = try Self.run { run in run.at(1) { run.report(.deviceConnected) } }
        let health = try Self.status(good, at: good.clock.now()).health
        #expect(health.state == .ok && health.text == "ok\n")
        #expect(health.sentence == "1 of 1 devices answer; the journal is written")
        let silent = try Self.run { run in
            run.at(0.5) { run.report(.deviceConnected) }
            run.at(1) { run.report(.deviceSilent) }
            run.at(1.2) { run.report(.stale, holds: true) }
        }
        let degraded = UnitHealth(
            picture: silent.totals.picture, journalProblem: nil, standing: ["line fridge"],
            now: silent.clock.now())
        #expect(degraded.state == .degraded)
        #expect(
            degraded.text == "degraded\nthe thread “line fridge” does not move\nfridge: the device does not answer\n",
            "that a silent device has no values goes without saying")
        let failing = UnitHealth(
            picture: good.totals.picture, journalProblem: "no room", standing: [], now: good.clock.now())
        let held = UnitHealth(
            picture: good.totals.picture, journalProblem: nil, standing: [],
            now: good.totals.picture.time + 11 * Self.second)
        #expect(held.state == .failing && held.text == "failing\nnothing was stored for 11 s: the disk hangs\n")
        #expect(failing.state == .failing && failing.text == "failing\nthe journal cannot be written: no room\n")
    }

    /// What a device raises may tell of a patient: health, which goes further than the status, does not have it.
    @Test func healthTellsOfNoPatient() throws {
        let run = try Self.run { run in run.at(1) { run.report(.deviceConnected) } }
        var picture = run.totals.picture
        var register = AlertRegister(session: "s", isWhole: true, at: 0)
        let record = AlertRecord(
            device: "fridge", name: "MDC_EVT_X", priority: .high, text: "Asystole", arabicText: "", instance: nil)
        _ = register.begin(record, nature: .physiological, latches: false, at: 1)
        picture.alerts = register.standing
        let health = UnitHealth(picture: picture, journalProblem: nil, standing: [], now: run.clock.now())
        #expect(health.state == .ok && !health.text.contains("Asystole"))
    }

    @Test func aSweepShowsItsStretchAndNothingOlder() {
        var sweep = RecordedPicture.Sweep()
        let width = RecordedPicture.Sweep.columnTime
        for stretch: Int64 in [0, 1, 3, 100, 101] {
            sweep.add(SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: stretch * width + 5, bits: stretch))
        }
        let columns = sweep.columns(until: 102 * width)
        #expect(columns.count == RecordedPicture.Sweep.columns)
        #expect(columns.suffix(3).map { $0?.bits } == [100, 101, nil])
        #expect(columns.dropLast(3).allSatisfy { $0 == nil }, "what was a turn of the ring ago is not shown")
    }
}

/// A log that is read.
final class NotedLog: Sendable {
    private let noted = Mutex<[String]>([])

    var lines: [String] { noted.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: NotedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let more = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
            log.noted.withLock { $0.append("\(event.level) \(event.message) \(more.joined(separator: " "))") }
        }
    }
}
