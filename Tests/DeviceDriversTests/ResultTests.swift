import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

private let second: Int64 = 1_000_000_000

/// Results: each told once, with what tells one from another, and known to be of now or not; and values behind which
/// nobody is.
@Suite struct ResultTests {
    // MARK: Times

    @Test(
        arguments: [
            ("YYYYMMDDhhmmss", "20240627135407", "2024-06-27T13:54:07Z"),
            ("YYYYMMDDhhmmss*", "20240627135407+0300", "2024-06-27T13:54:07Z"),
            ("DD/MM/YY hh:mm", "27/06/24 13:54", "2024-06-27T13:54:00Z"),
            ("YYYY-MM-DDThh:mm:ss", "2024-02-29T00:00:00", "2024-02-29T00:00:00Z"),
            ("unix", "1719496447", "2024-06-27T13:54:07Z"),
        ])
    func aTimeIsReadAsItIsWritten(format: String, text: String, time: String) throws {
        let bytes = Array(text.utf8)
        let read = try #require(TimeFormat(format)).nanoseconds(bytes, 0..<bytes.count)
        #expect(read == UTCTime.nanoseconds(time))
        if !format.hasSuffix("*") { #expect(try #require(TimeFormat(format)).text(try #require(read)) == text) }
    }

    @Test(
        arguments: [
            ("YYYYMMDDhhmmss", "20240627"), ("YYYYMMDDhhmmss", "20240230135407"), ("YYYYMMDDhhmmss", "20240627255407"),
            ("YYYYMMDDhhmmss", ""),
            ("YYYYMMDDhhmmss", "2024062713540x"), ("YYYYMMDDhhmmss", "20240627135407Z"),
            ("DD/MM/YY hh:mm", "27.06.24 13:54"), ("unix", ""), ("unix", "-1"),
        ])
    func whatIsNoTimeIsNone(format: String, text: String) throws {
        let bytes = Array(text.utf8)
        #expect(try #require(TimeFormat(format)).nanoseconds(bytes, 0..<bytes.count) == nil)
    }

    @Test(arguments: [
        "", "hh:mm", "YYYYMMDD", "YYYY-MM-DD hh", "YYYYMMDDhhmmssfoo", "YYYYYYYYMMDDhhmm", "MMDDhhmmYYmm",
    ])
    func whatIsNoFormatIsRefused(format: String) { #expect(TimeFormat(format) == nil) }

    // MARK: Results

    /// A monitor that tells its pulse and the last pressure of its cuff, with the number of the measurement.
    private func monitor(
        _ mark: String, number: String = "{type: integer}", doubt: String = "", taken: String = "{type: text}"
    ) throws -> DevicePlan {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: patient monitor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            frames:
              line: {start: "!", end: "\\r", longest: 64, split: ","}
            messages:
              status: "S,{pulse},{pressure},{number},{taken}"
            fields:
              pulse: {type: integer}
              pressure: {type: integer, missing: {"-": notAvailable}\(doubt)}
              number: \(number)
              taken: \(taken)
            metrics:
              - {metric: MDC_PULS_RATE, from: pulse, unit: /min, every: 1s}
              - {metric: MDC_PRESS_BLD_NONINV_SYS, from: pressure, unit: "mm[Hg]", episodic: true\(mark)}
            """
        return try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
    }

    private func decoder(_ plan: DevicePlan) throws -> SerialDecoder {
        guard case .serial(let serial) = plan.protocolPlan else { throw InvalidFile(diagnostics: []) }
        return SerialDecoder(plan, serial)
    }

    private func say(_ lines: [String], to decoder: inout SerialDecoder, at time: Int64 = 0) -> [SampleRecord] {
        var kept = Kept()
        for (index, line) in lines.enumerated() {
            let bytes = Array("!\(line)\r".utf8)
            decoder.feed(bytes, count: bytes.count, time: time + Int64(index) * second, sink: &kept)
        }
        return kept.records.filter { $0.kind == .sample && $0.index == 1 }
    }

    /// A cuff whose last pressure is said in every block, or only when it has measured.
    @Test(arguments: [true, false])
    func aResultThatIsSaidAgainAndAgainIsNotKnownToBeOfNowAtFirst(isRepeated: Bool) throws {
        let every = isRepeated ? ", every: 1s" : ""
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: patient monitor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            frames: {line: {start: "!", end: "\\r", longest: 64, split: ","}}
            messages: {pulse: "P,{pulse}", cuff: "C,{pressure}"}
            fields:
              pulse: {type: integer}
              pressure: {type: integer, missing: {"-": notAvailable}}
            metrics:
              - {metric: MDC_PULS_RATE, from: pulse, unit: /min, every: 1s}
              - {metric: MDC_PRESS_BLD_NONINV_SYS, from: pressure, unit: "mm[Hg]", episodic: true\(every)}
            """
        let plan = try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
        var decoder = try decoder(plan)
        let before = isRepeated ? Reason.storedResult : .none
        #expect(say(["C,120", "C,120", "C,118"], to: &decoder).map(\.reason) == [before, .none])
        decoder.reset(isSameDevice: true)
        #expect(say(["C,121"], to: &decoder).map(\.reason) == [.none])
        decoder.reset()
        #expect(say(["C,121"], to: &decoder).isEmpty, "the same is told once, whatever was between")
        decoder.reset()
        #expect(say(["C,122", "C,123"], to: &decoder).map(\.reason) == [before, .none])
        decoder.reset()
        #expect(say(["C,-", "C,124"], to: &decoder).map(\.reason) == [.sentinel, .none])
    }

    @Test func aResultWithANumberIsToldOnceAndTheFirstIsNotKnownToBeOfNow() throws {
        var decoder = try decoder(try monitor(", new-when: number"))
        let told = say(
            ["S,70,120,4,", "S,71,120,4,", "S,72,120,4,", "S,73,120,5,", "S,74,120,5,", "S,75,131,6,"], to: &decoder)
        #expect(told.map(\.bits) == [120, 120, 131])
        #expect(
            told.map(\.validity) == [.questionable, .valid, .valid]
                && told.map(\.reason) == [.storedResult, .none, .none])
        // Measured while nobody listened: of any time since.
        decoder.reset()
        let later = say(["S,70,128,7,", "S,70,128,7,", "S,70,128,8,"], to: &decoder)
        #expect(later.map(\.validity) == [.questionable, .valid])
        // The same as before: nothing new.
        decoder.reset()
        #expect(say(["S,70,128,8,", "S,70,128,9,"], to: &decoder).map(\.validity) == [.valid])
    }

    @Test func aResultWithATimeIsOfNowOrNot() throws {
        let mark = ", taken-at: {field: taken, format: \"YYYYMMDDhhmmss\", within: 5min}"
        var decoder = try decoder(try monitor(mark))
        let now = try #require(UTCTime.nanoseconds("2026-11-28T10:00:00Z"))
        let lines = [
            "S,70,120,0,20261128125900", "S,70,120,0,20261128125900", "S,70,120,0,20261127125900",
            "S,70,120,0,20261128130059", "S,70,120,0,",
        ]
        // Nobody knows what time it is.
        #expect(
            say(lines, to: &decoder).map(\.validity) == [.questionable, .questionable, .questionable, .questionable])
        decoder = try self.decoder(try monitor(mark))
        decoder.civilClock = CivilClock(utcOffset: now, zone: 3 * 3600 * second)
        let told = say(lines, to: &decoder)
        #expect(told.map(\.validity) == [.valid, .questionable, .valid, .questionable])
        #expect(told.map(\.reason) == [.none, .storedResult, .none, .storedResult])
    }

    @Test func aMissingResultIsToldOnceToo() throws {
        var decoder = try decoder(try monitor(", new-when: number"))
        let told = say(["S,70,-,4,", "S,71,-,4,", "S,72,118,4,"], to: &decoder)
        #expect(told.map(\.validity) == [.notAvailable, .valid])
    }

    /// One that is being measured, or not yet confirmed, is told again when it is final, and when it is withdrawn.
    @Test(arguments: [", new-when: number", ", new-when: number, taken-at: \(Self.takenAt)"])
    func aResultIsToldAgainWhenTheDeviceJudgesItOtherwise(mark: String) throws {
        let doubt = """
            , validity-when: [{field: taken, has: P, validity: ongoing}, {field: taken, has: X, validity: questionable}]
            """
        var decoder = try decoder(try monitor(mark, doubt: doubt))
        let told = say(
            ["S,70,99,3,F", "S,70,120,4,P", "S,70,120,4,P", "S,70,120,4,F", "S,70,120,4,F", "S,70,120,4,X"],
            to: &decoder)
        #expect(told.map(\.bits) == [99, 120, 120, 120])
        let final: Validity = mark.contains("taken-at") ? .questionable : .valid
        #expect(told.map(\.validity) == [.questionable, .ongoing, final, .questionable])
        #expect(told.last?.reason == .deviceStatus)
    }

    /// One that was there when the line was opened is not of now because it is judged otherwise since.
    @Test func aStoredResultThatIsJudgedOtherwiseIsStillStored() throws {
        let doubt = ", validity-when: {field: taken, has: W, validity: questionable}"
        var decoder = try decoder(try monitor(", new-when: number", doubt: doubt))
        let told = say(["S,70,120,4,W", "S,70,120,4,F", "S,70,118,5,F"], to: &decoder)
        #expect(told.map(\.reason) == [.deviceStatus, .storedResult, .none])
    }

    /// What makes a number none makes no old result a new one: a sentinel, nothing where it stands.
    @Test(arguments: [("-", ", new-when: number"), ("", ", new-when: number"), ("-", ", taken-at: \(Self.takenAt)")])
    func aNumberThatSaysNoneMakesNoOtherResult(none: String, mark: String) throws {
        let byTime = mark.contains("taken-at")
        var decoder = try decoder(try monitor(mark, number: "{type: integer, missing: {\"-\": notAvailable}}"))
        func line(_ number: String, _ value: Int) -> String {
            byTime ? "S,70,\(value),0,\(number)" : "S,70,\(value),\(number),"
        }
        let (first, second) = byTime ? ("20261128130000", "20261128130500") : ("2", "3")
        let lines = [line(first, 120), line(none, 120), line(first, 120), line(none, 131), line(second, 131)]
        let told = say(lines, to: &decoder)
        // What has no number is told once, and is not known to be of now; the one with its number is not told anew.
        #expect(told.map(\.bits) == [120, 120, 131, 131])
        #expect(told[1...2].allSatisfy { $0.validity == .questionable && $0.reason == .storedResult })
    }

    /// A time that stands for none is no time, whatever it looks like.
    @Test func aTimeThatIsASentinelIsNone() throws {
        let text = "28.11.2026 13:50"
        let taken = "{type: text, missing: {\"\(text)\": notAvailable}}"
        let now = try #require(UTCTime.nanoseconds("2026-11-28T13:52:00Z"))
        for (field, validity) in [("{type: text}", Validity.valid), (taken, .questionable)] {
            var decoder = try decoder(
                try monitor(", taken-at: {field: taken, format: \"DD.MM.YYYY hh:mm\", within: 5min}", taken: field))
            decoder.civilClock = CivilClock(utcOffset: now, zone: 0)
            #expect(say(["S,70,120,0,\(text)"], to: &decoder).map(\.validity) == [validity])
        }
    }

    private static let takenAt = "{field: taken, format: \"YYYYMMDDhhmmss\", within: 5min}"

    @Test(
        arguments: [
            ("", "tells periodic values as well"), (", new-when: nothing", "there is no field “nothing”"),
            (", taken-at: {field: taken, format: YYYY, within: 5min}", "expected a time such as"),
            (", taken-at: {field: number, format: YYYYMMDDhhmm, within: 5min}", "the field is text"),
        ])
    func whatTellsNothingIsRefused(mark: String, words: String) {
        do throws(InvalidFile) {
            do { _ = try monitor(mark) } catch let error as InvalidFile { throw error } catch {}
            Issue.record("nothing was told")
        } catch {
            #expect(error.description.contains(words), "\(error)")
        }
    }

    // MARK: Heartbeats

    private let registers = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: environment sensor}
        provenance: [{document: manual, seen: here}]
        line: {modbus: rtu, baud: 9600, format: 8N1, unit: 1}
        fields:
          uptime: {input: 3, type: uint16, every: 1s}
        metrics:
          - {metric: MDC_TEMP, from: {input: 1, type: int16}, scale: 0.1, unit: Cel, every: 1s}
        heartbeat: {field: uptime, changes-within: 3s}
        """

    /// A gateway that goes on answering for a device that is off.
    @Test func valuesBehindWhichNothingMovesAreInvalid() throws {
        let plan = try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: registers)).compile(
            handle: "device")
        guard case .modbus(let modbus) = plan.protocolPlan else { return }
        let block = try #require(modbus.blocks.first)
        var decoder = ModbusDecoder(plan)
        var kept = Kept()
        for (time, beat) in [(1, 7), (2, 8), (3, 9), (4, 9), (6, 9), (7, 9), (8, 10)] as [(Int64, UInt8)] {
            decoder.take([0, 250, 0, 0, 0, beat], from: 0, of: block, time: time * second, sink: &kept)
        }
        #expect(kept.records.map(\.validity) == [.invalid, .valid, .valid, .valid, .valid, .invalid, .valid])
        #expect(kept.records.map(\.reason) == [.frozen, .none, .none, .none, .none, .frozen, .none])
    }
}

/// What an author is told of bytes that give nothing.
@Suite struct ExplanationTests {
    private func plan(_ frames: String, _ more: String) throws -> DevicePlan {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: patient monitor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            frames:
              frame: {\(frames)}
            \(more)
            metrics:
              - {metric: MDC_PULS_RATE, from: rate, unit: /min, every: 1s}
            """
        return try DeviceProfile.load(try YAMLFile(path: "xy/m/profile.yaml", text: text)).compile(handle: "device")
    }

    private func told(_ plan: DevicePlan, _ bytes: [UInt8]) -> String {
        CaptureDecoder(plan).explain(bytes).notes.map(\.description).joined(separator: "\n")
    }

    @Test func bytesOfAnotherModelAreShownBesideWhatWasExpected() throws {
        let plan = try plan(
            "start: 0x01, length: 5, checksum: {sum8: 0..3, at: 4}",
            "fields:\n  rate: {in: frame, byte: 2, type: uint8}")
        let words = told(plan, [UInt8](repeating: 0x55, count: 600))
        #expect(
            words.contains("no whole frame in 600 bytes") && words.contains("“frame” begins with 01 and has 5 bytes"))
        #expect(words.contains("counts only when the next one follows it"))
    }

    @Test func aFirstLineWhoseBeginningWasNotSeenIsSaidToWait() throws {
        let plan = try plan(
            "end: \"\\r\\n\", longest: 40", "messages:\n  line: \"HR {rate}\"\nfields:\n  rate: {type: integer}")
        #expect(told(plan, Array("HR 70\r\n".utf8)).contains("a capture begins with an end mark"))
    }

    @Test(
        arguments: [
            ("$A,70,ok,x\r", "item 3, “ok”, has no “good” after its byte 0"), ("$A,70\r", "it has 2 items, expected 4"),
            ("$A,70,good,x,y\r", "it has more than 4 items"),
            ("$B,70,good,x\r", "item 1, “B”, has no “A” after its byte 0"),
        ])
    func theItemThatDoesNotFitIsNamed(message: String, words: String) throws {
        let plan = try plan(
            "start: \"$\", end: \"\\r\", longest: 40, split: \",\"",
            "messages:\n  line: \"A,{rate},good,{_}\"\nfields:\n  rate: {type: integer}")
        #expect(told(plan, Array(message.utf8)).contains(words), "\(told(plan, Array(message.utf8)))")
    }
}
