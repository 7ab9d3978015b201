import ArgumentParser
import DeviceModel
import DevicePlans
import DeviceSimulator
import Fieldbus
import Foundation
import LineEngine
import ProfileLanguage
import RealTime
import Sampling

extension ProfileCommand {
    struct Try: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a real device for a while and print JSON lines."
        ).examples(
            "nabd profile try xy/md02 --line /dev/ttyUSB0 --unit 3",
            "nabd profile try nmea/0183 --line /dev/ttyUSB0 --raw --record gps.hex")
        @Argument(help: "The profile: a folder, a file, or vendor/model.") var profile: String
        @Option(help: "The line: /dev/ttyUSB0, tcp://HOST:PORT, or listen:tcp://HOST:PORT for a device that calls.")
        var line: String
        @Option(name: .customLong("for"), help: "How long, such as 10s.") var time = "10s"
        @Flag(help: "Show the bytes on the line as well.") var raw = false
        @Option(help: "Keep the bytes in this file, for decode --hex and for vectors.") var record: String?
        @OptionGroup var overrides: Overrides

        func run() throws {
            guard let address = LineAddress(line), address != .newPseudoTerminal else {
                throw Failure(
                    .usage, "--line takes /dev/ttyUSB0, tcp://HOST:PORT or listen:tcp://HOST:PORT, not “\(line)”")
            }
            let length = try duration(time)
            let profile = try ProfileCommand.load(profile)
            let handle = profile.name.split(separator: "/").last.map(String.init) ?? profile.name
            let plan = profile.compile(handle: handle, overrides: try overrides.make())
            if let fault = plan.fault(on: address) { throw Failure(.usage, fault) }
            let isPort = if case .path = address { true } else { false }
            if case .path(let path) = address, let fault = PortFinding.fault(path) {
                throw Failure(.unavailable, fault)
            }
            let clock = MonotonicClock()
            var tap: LineTap?
            var tapped = address
            if raw || record != nil {
                do {
                    let isTCP = if case .path = address { false } else { true }
                    tap = try LineTap(address, settings: plan.line.serial.map(SerialSettings.init), isTCP: isTCP)
                } catch let error as FieldbusError {
                    throw Failure(.unavailable, error.description)
                }
                if case .tcp(let host, let port)? = tap.flatMap({ LineAddress($0.name) }) {
                    tapped = address.moved(to: host, port)
                } else {
                    tapped = tap.flatMap { LineAddress($0.name) } ?? address
                }
            }
            var capture = try CaptureWriter(record, plan: plan, line: line, isShown: raw, start: clock.now())
            let worker = LineWorker(address: tapped, plans: [plan])
            try worker.start(priority: 0)
            let end = clock.now() + length
            var printer = LivePrinter(worker)
            worker.recorder.tell(
                CivilClock(
                    utcOffset: Int64(Date().timeIntervalSince1970 * 1e9) - clock.now(),
                    zone: Int64(TimeZone.current.secondsFromGMT()) * 1_000_000_000))
            while clock.now() < end {
                clock.sleep(until: min(end, clock.now() + 50_000_000))
                capture.take(tap?.take() ?? [])
                printer.drain()
            }
            worker.stop()
            tap?.stop()
            capture.take(tap?.take() ?? [])
            printer.drain()
            try capture.finish()
            guard printer.heard else {
                let replies = worker.recorder.total(.replies)
                if replies > 0 {
                    throw Failure(
                        .unavailable,
                        "the device on \(line) answered \(replies) of \(worker.recorder.total(.requests)) requests, "
                            + "but no value came: see with --raw which one is not answered as the profile says"
                    )
                }
                throw Failure(.unavailable, printer.hint(on: line, isPort: isPort))
            }
        }
    }

    struct Simulate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Play a device from its profile. Prints where it is found, then plays until it is stopped."
        ).examples(
            "nabd profile simulate nonin/oem-iii-df2 --line pty",
            "nabd profile simulate xy/md02@1 xy/md02@2 --line tcp://127.0.0.1:5020",
            "nabd profile simulate ivy/450c --line pty --patient 7")
        @Argument(
            help: "The profiles: folders, files, or vendor/model. Several Modbus devices share a line: PROFILE@UNIT."
        ) var profiles: [String]
        @Option(
            help: "The line: pty, tcp://HOST:PORT, a terminal's path, or listen:tcp://HOST:PORT of a host it calls."
        ) var line: String
        @Option(
            help: ArgumentHelp(
                "Faults as FAULT:SHARE,…: \(FaultScript.Fault.allCases.map(\.rawValue).joined(separator: ", "))."))
        var faults: String?
        @Option(help: "Decides which messages the faults strike.") var seed: UInt64 = 1
        @Option(
            help: ArgumentHelp(
                "Measure a played patient: devices that are given the same number have the same beats and values.",
                valueName: "number")) var patient: UInt64?
        @Option(name: .customLong("for"), help: "How long, such as 30s; without it, until stopped.") var time: String?
        @OptionGroup var overrides: Overrides

        func run() throws {
            signal(SIGPIPE, SIG_IGN)
            guard let address = LineAddress(line) else {
                throw Failure(.usage, "--line takes pty, tcp://HOST:PORT or a path, not “\(line)”")
            }
            let script: FaultScript?
            do { script = try faults.map { try FaultScript($0, seed: seed) } } catch {
                throw Failure(.usage, "\(error)")
            }
            let player: DevicePlayer
            do {
                // Players of one patient are programs of their own: what they have in common is the machine's day.
                player = try DevicePlayer(
                    try profiles.map(plan), on: address, faults: script,
                    scene: PlayedScene(
                        patient: patient.map { PlayedPatient(seed: $0) }, begin: patient.map { _ in Self.dayBegan() }))
            } catch let error as FieldbusError {
                throw Failure(.unavailable, error.description)
            } catch let error as DevicePlayer.Unplayable {
                throw Failure(.usage, error.description)
            }
            print(player.name)
            try player.start()
            if let time {
                let clock = MonotonicClock()
                clock.sleep(until: clock.now() + (try duration(time)))
                player.stop()
            } else {
                while true { Thread.sleep(forTimeInterval: 3600) }
            }
        }

        /// Unit: ns of the monotonic clock.
        private static func dayBegan() -> Int64 { MonotonicClock().now() / 86_400_000_000_000 * 86_400_000_000_000 }

        /// A device of the line: its profile, and perhaps its Modbus unit behind an @.
        private func plan(_ text: String) throws -> DevicePlan {
            var own = try overrides.make()
            var name = text
            if let mark = text.lastIndex(of: "@"), !FileManager.default.fileExists(atPath: text) {
                guard let unit = UInt8(text[text.index(after: mark)...]), unit > 0 else {
                    throw Failure(.usage, "“\(text)”: expected PROFILE@UNIT with a unit of 1 to 255")
                }
                own.unit = unit
                name = String(text[..<mark])
            }
            let profile = try ProfileCommand.load(name)
            return profile.compile(handle: profile.name, overrides: own)
        }
    }
}

/// A length of time such as `30s`. Unit of the result: ns.
func duration(_ text: String) throws -> Int64 {
    guard let nanoseconds = DurationText.nanoseconds(text), nanoseconds > 0 else {
        throw Failure(.usage, "“\(text)” is not a time; write it as 500ms, 30s or 5min")
    }
    guard nanoseconds <= longest else { throw Failure(.usage, "“\(text)” is longer than a year") }
    return nanoseconds
}

private let longest: Int64 = 366 * 86_400 * 1_000_000_000

/// Prints a line's records as they come.
private struct LivePrinter {
    private let worker: LineWorker
    private var sequences: [Int64]
    private(set) var heard = false

    /// Why the line could not be opened or was lost, as it was last told. Source: Linux error numbers.
    private var lossCode: Int32?

    init(_ worker: LineWorker) {
        self.worker = worker
        sequences = [Int64](repeating: 0, count: worker.streams.count)
    }

    mutating func drain() {
        while let record = worker.recorder.ring.pop() {
            let utc = WallClock.now() - MonotonicClock().now() + record.monotonicNanoseconds
            let place: KeyValuePairs<String, JSON?> = [
                "time": .string(UTCTime.text(nanoseconds: utc)),
                "monotonicNanoseconds": .integer(record.monotonicNanoseconds),
            ]
            switch record.kind {
            case .sample:
                let index = Int(record.index)
                let stream = worker.streams[index]
                let value = SampleLine.Value(
                    bits: record.bits, text: stream.form == .text ? record.textValue : nil, validity: record.validity,
                    reason: record.reason)
                print(SampleLine.json(stream, [value], firstSequence: sequences[index], place: place).text)
                sequences[index] += 1
                heard = heard || record.validity.carriesValue
            case .event:
                if record.event == .deviceDisconnected { lossCode = Int32(truncatingIfNeeded: record.bits) }
                print(
                    JSON.members([
                        "event": .string(record.event.name), "device": .string(worker.devices[Int(record.index)]),
                        "figure": record.bits == 0 ? nil : .integer(record.bits),
                        "text": record.textLength > 0 ? .string(record.textValue) : nil,
                    ]).adding(place).text)
            case .alertStart: tell(.alertStart, of: record, place)
            case .alertEnd: tell(.alertEnd, of: record, place)
            }
        }
    }

    /// What is to be looked at, by what was heard.
    func hint(on line: String, isPort: Bool) -> String {
        func total(_ counts: LinkCount...) -> Int64 { counts.reduce(0) { $0 + worker.recorder.total($1) } }
        let settings =
            isPort ? "baud rate, parity and wiring" : "that it is this device, and this protocol, at that address"
        if total(.checksum, .resyncs) > 0 {
            return "bytes came on \(line), but no whole message of this profile: check \(settings). --raw shows them"
        }
        if total(.unsolicited, .mismatched, .late) > 0 {
            return
                "whole messages came on \(line), but none that was awaited: is it another device, or another address "
                + "or unit? --raw shows them"
        }
        if total(.exceptions) > 0 {
            return
                "the device on \(line) answers, and refused all \(total(.exceptions)) requests (exceptions): is it "
                + "the model of this profile, and is --unit its address? --raw shows them"
        }
        if let lossCode, lossCode != 0 { return "\(line) cannot be used: \(String(cString: strerror(lossCode)))" }
        let way = isPort ? "cable" : "network"
        if total(.requests) > 0 {
            return
                "the device on \(line) answered none of \(total(.requests)) requests: check power, \(way) and address"
        }
        return "nothing came on \(line): check power and \(way)"
    }

    private func tell(_ phase: EventKind, of record: SampleRecord, _ place: KeyValuePairs<String, JSON?>) {
        let alert = worker.alerts[Int(record.index)]
        print(
            JSON.members([
                "event": .string(phase.name), "device": .string(alert.device), "vmd": alert.vmd.map(JSON.string),
                "alert": .string(alert.name),
                "text": .string(alert.text),
            ]).adding(place).text)
    }
}
