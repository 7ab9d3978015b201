import DevicePlans
import JournalCoding
import DeviceModel
import Fieldbus
import Foundation
import LineEngine
import RealTime
import Sampling
import StrictYAML
import TestSupport
import Testing

@testable import NabdHost
@testable import SampleJournal

@Suite struct ReloadTests {
    private static let devices = """
          spo2-1: {profile: nonin/oem-iii-df2, line: /dev/ttyUSB0}
          fridge: {profile: xy/md02, line: /dev/ttyUSB1, unit: 3}
          store: {profile: xy/md02, line: /dev/ttyUSB1, unit: 4}
          gx: {profile: victron/gx, line: "tcp://127.0.0.1:502"}

        """
    private static let head = "nabd: unit/1\nunit: mobile-7\nprofiles: \(Repository.path("device-profiles"))\n"

    private static func load(_ text: String) throws -> UnitConfiguration {
        let folder = try TemporaryFolder()
        return try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
    }

    private static func unit(
        _ devices: String = Self.devices, head: String = Self.head, more: String = ""
    ) throws -> UnitConfiguration {
        try load("\(head)\(more)devices:\n\(devices)")
    }

    private static func reload(
        _ devices: String, head: String = Self.head, more: String = ""
    ) throws -> UnitReload {
        UnitReload(from: try unit(), to: try unit(devices, head: head, more: more))
    }

    @Test func whatReadsTheSameChangesNothing() throws {
        let plan = try Self.reload(
            Self.devices.replacing(
                "{profile: xy/md02, line: /dev/ttyUSB1, unit: 4}",
                with: "{profile:   xy/md02, # a\n"
                    + "    line: /dev/ttyUSB1, unit: 4}"), more: "# other words\n")
        #expect(!plan.changesLines && plan.waiting.isEmpty && plan.released.isEmpty && plan.configured.isEmpty)
    }

    @Test(arguments: [
        // What is replaced, by what; the lines that are closed and opened; the devices released.
        ("unit: 4", "unit: 5", ["/dev/ttyUSB1"], ["/dev/ttyUSB1"], []),
        ("unit: 4}", "unit: 4, udi: abc}", ["/dev/ttyUSB1"], ["/dev/ttyUSB1"], []),
        ("line: /dev/ttyUSB0", "line: /dev/ttyUSB7", ["/dev/ttyUSB0"], ["/dev/ttyUSB7"], []),
        ("  gx: ", "  gy: ", ["tcp://127.0.0.1:502"], ["tcp://127.0.0.1:502"], ["gx"]),
        (
            "  store: {profile: xy/md02, line: /dev/ttyUSB1, unit: 4}\n", "", ["/dev/ttyUSB1"], ["/dev/ttyUSB1"],
            ["store"]
        ),
        ("  gx: {profile: victron/gx, line: \"tcp://127.0.0.1:502\"}\n", "", ["tcp://127.0.0.1:502"], [], ["gx"]),
        ("nonin/oem-iii-df2", "contec/cms50d-plus", ["/dev/ttyUSB0"], ["/dev/ttyUSB0"], []),
        ("  gx:", "  more: {profile: nonin/oem-iii-df2, line: /dev/ttyUSB9}\n  gx:", [], ["/dev/ttyUSB9"], []),
    ])
    func onlyTheLineThatChangedIsTouched(
        part: String, by: String, ended: [String], begun: [String], released: [String]
    ) throws {
        let text = Self.devices.replacing(part, with: by)
        #expect(text != Self.devices)
        let plan = try Self.reload(text)
        #expect(plan.ended.map(\.description) == ended)
        #expect(plan.begun.map(\.address.description) == begun)
        #expect(plan.released == released)
        #expect(plan.waiting.isEmpty && plan.kept.isEmpty)
        #expect(
            Set(plan.configuration.devices.map(\.plan.handle)) == Set(try Self.unit(text).devices.map(\.plan.handle)))
    }

    @Test func aDeviceWhoseNewEntryIsFaultyGoesOnAsItWas() throws {
        let plan = try Self.reload(Self.devices.replacing("nonin/oem-iii-df2", with: "nonin/oem-iii"))
        #expect(!plan.changesLines && plan.kept == ["spo2-1"] && plan.released.isEmpty)
        #expect(plan.configuration.refused.map(\.part) == [.device("spo2-1")])
        // On a shared line its neighbours are left alone too.
        let shared = try Self.reload(Self.devices.replacing("unit: 4", with: "unit: 400"))
        #expect(!shared.changesLines && shared.kept == ["store"])
    }

    @Test func aFaultyOneWhosePortAnotherTookIsNotKept() throws {
        let devices = Self.devices.replacing("{profile: nonin/oem-iii-df2,", with: "{profile: nonin/nosuch,")
            .replacing("  gx:", with: "  other: {profile: contec/cms50d-plus, line: /dev/ttyUSB0}\n  gx:")
        let read = try Self.unit(devices)
        guard read.devices.contains(where: { $0.plan.handle == "other" }) else { return }
        let plan = UnitReload(from: try Self.unit(), to: read)
        #expect(plan.kept.isEmpty && plan.released == ["spo2-1"])
    }

    /// Its neighbour now has the address that it had: one meter must not be recorded as two.
    @Test func aFaultyOneOnALineThatChangedIsNotKept() throws {
        let devices = Self.devices.replacing("unit: 3}", with: "unit: 300}").replacing("unit: 4}", with: "unit: 3}")
        let plan = try Self.reload(devices)
        #expect(plan.kept.isEmpty && plan.released == ["fridge"] && plan.configured == ["store"])
    }

    /// A device that the unit may no longer trust does not go on as it was.
    @Test func whatIsNoLongerTrustedIsNotKept() throws {
        let plan = try Self.reload(
            Self.devices.replacing("nonin/oem-iii-df2", with: "alaris/asena-gh"), more: "monitor-only: true\n")
        #expect(plan.kept.isEmpty && plan.released == ["spo2-1"], "a pump that is spoken to is not only monitored")
    }

    /// The line of a driven pump stays as it is, whatever the file says of it.
    @Test(arguments: [
        ("", ""), ("line: /dev/ttyUSB0", "line: /dev/ttyUSB9"), ("nonin/oem-iii-df2", "contec/cms50d-plus"),
        ("  spo2-1: {profile: nonin/oem-iii-df2, line: /dev/ttyUSB0}\n", ""), ("nonin/oem-iii-df2", "nonin/nosuch"),
    ])
    func theLineOfADrivenPumpStays(part: String, by: String) throws {
        let text = part.isEmpty ? Self.devices : Self.devices.replacing(part, with: by)
        let (running, driven) = (try Self.unit(), LineAddress("/dev/ttyUSB0").map { Set([$0]) } ?? [])
        let plan = UnitReload(from: running, to: try Self.unit(text, more: "monitor-only: true\n"), driven: driven)
        #expect(!plan.ended.contains { driven.contains($0) } && plan.released.isEmpty)
        #expect(!plan.begun.contains { driven.contains($0.address) })
        #expect(plan.configuration.devices.count { $0.address == driven.first } == 1)
        #expect(plan.waiting.contains { $0.contains("monitor-only") })
        #expect(plan.waiting.contains { $0.contains("/dev/ttyUSB0") } == !part.isEmpty)
    }

    /// What changes at the next start only is as it was until then, and so is the alert about it.
    @Test func aFaultThatStillCountsIsStillTold() throws {
        let running = try Self.unit(more: "uplink: {server: 5}\n")
        #expect(running.refused.map(\.part) == [.setting("uplink")])
        let mended = UnitReload(from: running, to: try Self.unit())
        #expect(mended.configuration.refused.map(\.part) == [.setting("uplink")], "nothing is delivered yet")
        let broken = UnitReload(from: try Self.unit(), to: running)
        #expect(broken.configuration.refused.map(\.part) == [.setting("nabd")], "what runs goes on")
    }

    @Test(arguments: [
        ("journal: {limit: 8GiB}\n", "journal"), ("test-data: true\n", "test-data"),
        ("status: {socket: /run/nabd/status}\n", "status"), ("real-time: {priority: 0}\n", "real-time"),
    ])
    func whatHangsOnMoreThanALineWaits(more: String, key: String) throws {
        let plan = try Self.reload(Self.devices, more: more)
        #expect(plan.waiting.count == 1 && plan.waiting[0].contains("“\(key)”"))
        #expect(!plan.changesLines)
        // As long as it waits, it is told.
        let again = UnitReload(from: plan.configuration, to: try Self.unit(more: more))
        #expect(again.waiting == plan.waiting)
    }

    @Test func aLineThatChangedTwiceIsComparedWithWhatRuns() throws {
        let first = try Self.reload(Self.devices.replacing("unit: 4", with: "unit: 5"))
        let back = UnitReload(from: first.configuration, to: try Self.unit())
        #expect(back.ended.map(\.description) == ["/dev/ttyUSB1"] && back.configured == ["fridge", "store"])
        let same = UnitReload(from: first.configuration, to: first.configuration)
        #expect(!same.changesLines)
    }

    // MARK: The recorder

    private static func sample(_ value: Int64, at time: Int64) -> SampleRecord {
        SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: time, bits: value)
    }

    /// A line that is taken out and put in again goes on with its numbers; its alerts end with it.
    @Test func aLineThatIsOpenedAnewGoesOnWithItsNumbers() throws {
        let folder = try TemporaryFolder()
        let run = try PlayedRecorder(folder)
        let other = LineWorker(address: run.worker.address, plans: try RecorderRun.configure(folder).lines[0].plans)
        run.at(0.1) {
            for value in 1...3 { _ = run.worker.recorder.ring.push(Self.sample(Int64(value), at: run.clock.now())) }
            run.report(.stale, holds: true)
        }
        run.at(1.5) { try run.change(LineChange(added: [other])) }
        run.at(2.5) {
            // What the old line's thread left behind is drained a last time.
            _ = run.worker.recorder.ring.push(Self.sample(4, at: run.clock.now()))
            try run.change(
                LineChange(
                    removed: [run.worker], events: [.deviceReleased("fridge", at: run.clock.now())],
                    alerts: [(.deviceRefused, "gone", true)]))
        }
        run.at(3.5) {
            for value in 5...6 { _ = other.recorder.ring.push(Self.sample(Int64(value), at: run.clock.now())) }
            // A line that is drained no longer.
            _ = run.worker.recorder.ring.push(Self.sample(99, at: run.clock.now()))
        }
        try run.run(seconds: 6)
        let reader = try JournalReader(directory: "\(folder.path)/journal")
        #expect(try reader.verify().faults.isEmpty)
        let streams = try reader.streamsByID()
        let blocks = try reader.chunks(after: 0, limit: 100).flatMap { reader.blocks(of: $0, streams: streams) }
            .filter { streams[$0.stream] == other.streams[0] }
        #expect(blocks.flatMap(\.bits) == [1, 2, 3, 4, 5, 6])
        #expect(blocks.map(\.firstSequence) == [0, 3, 4])
        let alerts = try RecorderRun.alerts(folder)
        #expect(
            alerts == [
                "NABD_DEVICE_STALE start", "NABD_DEVICE_STALE end removed", "NABD_DEVICE_REFUSED start",
            ])
        #expect(try RecorderRun.events(folder).contains { $0.kind == "deviceReleased" && $0.device == "fridge" })
        #expect(run.totals.picture.lines.count == 1 && run.totals.picture.lines[0].worker === other)
    }

    /// What the journal does not take changes nothing, and is told.
    @Test func aChangeThatTheJournalRefusesChangesNothing() async throws {
        let folder = try TemporaryFolder()
        let run = try RecorderRun(folder)
        let line = try #require(run.configuration.lines.first)
        run.recorder.stop()
        await #expect(throws: NoteError.notRunning) {
            try await run.recorder.change(LineChange(added: [LineWorker(address: line.address, plans: line.plans)]))
        }
    }
}
