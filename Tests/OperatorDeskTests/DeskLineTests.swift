import Alarms
import BedDesk
import CommandFacts
import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import OperatorDesk

@Suite struct DeskLineTests {
    private static let entry = DeskEntry(
        device: "p1", command: "set-rate", entries: ["rate": " 04,17", "é": "", "e\u{301}x": "١٢"], order: "o-7",
        reason: "“why”\n")

    private static let lines: [DeskLine] = [
        DeskLine(.list, by: Door.amal), DeskLine(.show(7), by: Door.basma),
        DeskLine(.history(most: 500), by: Door.amal),
        DeskLine(.preview(entry), by: Door.amal), DeskLine(.draft(entry), by: Door.amal),
        DeskLine(.verify(.max, entry), by: Door.basma), DeskLine(.withdraw(1), by: Door.amal),
        DeskLine(.start(1), by: Door.amal), DeskLine(.stop(device: "p/1")), DeskLine(.stop(device: "p"), by: Door.amal),
        DeskLine(.resolve(1, seen: .inEffect), by: Door.amal, second: Door.basma),
        DeskLine(.resolve(1, seen: .notInEffect), by: Door.amal),
        DeskLine(.lookedAt(device: "p"), by: Door.amal), DeskLine(.unlock(device: "p"), by: Door.amal),
        DeskLine(.list), DeskLine(.alarm(.acknowledge(["s-1", "s/2"])), by: Door.amal),
        DeskLine(.alarm(.acknowledge(["s-2", "s-1"], seenAs: [.low, .high])), by: Door.amal),
        DeskLine(.alarm(.pause(bed: nil, seconds: 1)), by: Door.amal),
        DeskLine(.alarm(.pause(bed: "chair-1", seconds: 120)), by: Door.amal),
        DeskLine(.alarm(.switchOff(AlarmSwitch(bed: "b", name: "N", metric: "M"))), by: Door.amal),
        DeskLine(.alarm(.switchOn(AlarmSwitch(bed: "b", name: "N", metric: nil))), by: Door.amal),
        DeskLine(.bed(.list), by: Door.amal), DeskLine(.bed(.unbind(bed: "b")), by: Door.amal),
        DeskLine(.bed(.choosePreset(bed: "b", preset: "icu")), by: Door.amal),
        DeskLine(
            .bed(.bind(bed: "b", identifiers: [EnteredIdentifier(kind: "mrn", text: " ١٢٣")], since: 86_400)),
            by: Door.amal),
        DeskLine(.bed(.withdraw(bed: "b", binding: nil)), by: Door.amal),
        DeskLine(.bed(.withdraw(bed: "b", binding: 7)), by: Door.amal),
        DeskLine(.bed(.replace(bed: "b", binding: 7, identifiers: [])), by: Door.amal),
        DeskLine(.bed(.enter(bed: "b", item: "consciousness", value: "A")), by: Door.amal),
        DeskLine(.consultation(.list), by: Door.amal), DeskLine(.consultation(.close(.max)), by: Door.amal),
        DeskLine(.consultation(.open(clinician: "dr-h", bed: "b", seconds: 60)), by: Door.amal),
        DeskLine(.consultation(.open(clinician: "dr-h", bed: nil, seconds: 14_400)), by: Door.amal),
        DeskLine(.consultation(.join(4, certificate: String(repeating: "0f", count: 32), from: "::1"))),
        DeskLine(.consultation(.leave(4, visit: 5))),
    ]

    private func fault(_ text: String) -> DeskLine.Fault? {
        do throws(DeskLine.Fault) {
            _ = try DeskLine(Array(text.utf8))
            return nil
        } catch { return error }
    }

    /// What was typed comes through to the byte, whatever it is.
    @Test(arguments: lines) func aLineSaysTheSameAtBothEnds(line: DeskLine) throws {
        let bytes = try line.line()
        #expect(bytes.count(where: { $0 == 0x0A }) == 1 && bytes.last == 0x0A)
        #expect(try DeskLine(bytes.dropLast()) == line)
        if let entries = line.ask.entry?.entries, let read = try DeskLine(bytes.dropLast()).ask.entry?.entries {
            #expect(entries.mapValues { Array($0.utf8) } == read.mapValues { Array($0.utf8) })
        }
    }

    /// As many alarms as may be named at once fit into a line, as a session names them, in the longest of words.
    @Test func allThatMayBeAcknowledgedAtOnceFitsIntoALine() throws {
        let names = (0..<AlarmRequest.most).map { "0d2f7c1e-4f0a-4c1e-9b7e-2f6a1c3d5e7f-\(10_000 + $0)" }
        let line = DeskLine(
            .alarm(.acknowledge(names, seenAs: names.map { _ in AlertPriority.medium })), by: Door.amal)
        let read = try DeskLine(line.line().dropLast())
        #expect(read == line)
    }

    @Test(arguments: [
        (#"{"ask":"list"}"#, DeskLine.Fault.notJSON), ("", .notJSON), ("[]", .notJSON), ("{", .notJSON),
        (#"{"ask":"list","desk":2}"#, .otherVersion), (#"{"ask":"delete","desk":1}"#, .unknownRequest),
        (#"{"ask":"show","desk":1}"#, .notTheForm), (#"{"ask":"list","desk":1,"number":1}"#, .notTheForm),
        (#"{"ask":"list","desk":1,"force":true}"#, .notTheForm), (#"{"desk":1,"ask":"list"}"#, .notTheForm),
        (#"{"ask":"list", "desk":1}"#, .notTheForm),
        (#"{"ask":"stop","desk":1,"device":"a","device":"b"}"#, .notTheForm),
        (#"{"ask":"show","desk":1,"number":1.0}"#, .notTheForm),
        (#"{"ask":"show","desk":1,"number":0}"#, .outsideRange),
        (#"{"ask":"show","desk":1,"number":-1}"#, .outsideRange),
        (#"{"ask":"show","desk":1,"number":9223372036854775808}"#, .notJSON),
        (#"{"ask":"history","desk":1,"most":501}"#, .outsideRange),
        (#"{"ask":"stop","desk":1,"device":""}"#, .outsideRange),
        (#"{"ask":"acknowledge","desk":1}"#, .notTheForm), (#"{"ask":"unbind","desk":1}"#, .notTheForm),
        (#"{"ask":"bind","bed":"b","desk":1,"identifiers":[],"since":86401}"#, .outsideRange),
        (#"{"ask":"bind","bed":"b","desk":1,"identifiers":[],"since":-1}"#, .outsideRange),
        (#"{"ask":"bind","bed":"b","desk":1,"since":0}"#, .notTheForm),
        (#"{"ask":"withdrawBinding","bed":"b","desk":1,"number":0}"#, .outsideRange),
        (#"{"ask":"enter","bed":"b","desk":1,"item":"","value":"1"}"#, .outsideRange),
        (#"{"ask":"acknowledge","desk":1,"instances":[]}"#, .outsideRange),
        (#"{"ask":"acknowledge","desk":1,"instances":[""]}"#, .outsideRange),
        (#"{"ask":"acknowledge","desk":1,"instances":["a","b"],"priorities":["low"]}"#, .outsideRange),
        (#"{"ask":"acknowledge","desk":1,"instances":["a"],"priorities":["urgent"]}"#, .notTheForm),
        (#"{"ask":"acknowledge","desk":1,"instances":["a"],"priorities":[]}"#, .notTheForm),
        (#"{"ask":"pause","desk":1,"seconds":0}"#, .outsideRange),
        (#"{"ask":"pause","desk":1,"seconds":121}"#, .outsideRange),
        (#"{"ask":"pause","desk":1}"#, .notTheForm), (#"{"ask":"switchOff","bed":"b","desk":1}"#, .notTheForm),
        (#"{"ask":"pause","desk":1,"metric":"m","seconds":1}"#, .notTheForm),
        (#"{"ask":"list","desk":1,"second":{"id":"a","secret":"b"}}"#, .outsideRange),
        (#"{"ask":"resolve","desk":1,"number":1,"seen":"maybe"}"#, .notTheForm),
        (
            #"{"ask":"draft","command":"c","desk":1,"device":"d","entries":[{"name":"a","quantity":"1"},"#
                + #"{"name":"a","quantity":"2"}]}"#,
            .notTheForm
        ),
    ])
    func whatThisProgramWouldNotWriteIsRefused(text: String, expected: DeskLine.Fault) {
        #expect(fault(text) == expected)
        #expect(fault(#"{"ask":"list","desk":1}"#) == nil)
    }

    /// The same object as a page's script may write it: its members in another order, with blanks, and what may be
    /// escaped escaped.
    private static func turned(_ value: Any) -> String {
        switch value {
        case let object as [String: Any]:
            let members = object.sorted { $0.key > $1.key }.map { "\"\($0.key)\" : \(turned($0.value))" }
            return "{ " + members.joined(separator: ",\n") + " }"
        case let list as [Any]: return "[" + list.map(turned).joined(separator: " , ") + "]"
        case let text as String:
            return "\"" + text.utf16.map { "\\u" + String($0, radix: 16).paddedToFour }.joined() + "\""
        default: return "\(value)"
        }
    }

    @Test(arguments: lines) func theOrderOfMembersSaysNothing(line: DeskLine) throws {
        let bytes = Array(try line.line().dropLast())
        let turned = Self.turned(try JSONSerialization.jsonObject(with: Data(bytes)))
        #expect(Array(turned.utf8) != bytes)
        #expect(try DeskLine(inAnyOrder: Array(turned.utf8)) == line)
        #expect(try DeskLine(inAnyOrder: bytes) == line)
    }

    @Test func entriesComeInAnyOrder() throws {
        let text =
            #"{"entries":[{"quantity":"2","name":"b"},{"name":"a","quantity":"1"}],"device":"d","desk":1,"#
            + #""command":"c","ask":"preview"}"#
        let entry = DeskEntry(device: "d", command: "c", entries: ["a": "1", "b": "2"], order: nil, reason: nil)
        #expect(try DeskLine(inAnyOrder: Array(text.utf8)) == DeskLine(.preview(entry)))
    }

    @Test(arguments: [
        (#"{"number":1,"ask":"show","desk":1,"number":2}"#, DeskLine.Fault.notTheForm),
        (#"{"number":1,"ask":"show","desk":1,"n\u0075mber":1}"#, .notTheForm),
        (#"{"desk":1,"by":{"id":"a","secret":"b","id":"c"},"ask":"list"}"#, .notTheForm),
        (#"{"desk":1,"ask":"list","force":true}"#, .notTheForm), (#"{"desk":1,"ask":"list","device":null}"#, .notJSON),
        (#"{"desk":1,"ask":"show","number":1.5}"#, .notJSON), (#"{"desk":2,"ask":"list"}"#, .otherVersion),
        (#"{"desk":1,"ask":"list"} {"desk":1}"#, .notJSON), (#"{"desk":1,"ask":"list""#, .notJSON),
        (#"{"desk":1,"ask":"show","number":0}"#, .outsideRange), ("", .notJSON), ("\"\\", .notJSON),
        (String(repeating: "[", count: 9_000), .notJSON), (String(repeating: " ", count: 16_384), .tooLong),
        (
            #"{"entries":[{"name":"a","quantity":"1"},{"name":"a","quantity":"2"}],"device":"d","desk":1,"#
                + #""command":"c","ask":"draft"}"#,
            .notTheForm
        ),
    ]) func whateverTheOrderNothingIsGuessed(text: String, expected: DeskLine.Fault) {
        #expect(throws: expected) { try DeskLine(inAnyOrder: Array(text.utf8)) }
    }

    /// C-18: nobody is told that a stop is not in the right form.
    @Test(arguments: [
        #"{"ask": "stop", "desk": 1, "device": "p1"}"#, #"{"device":"p1","ask":"stop"}"#,
        #"{"ask":"stop","desk":2,"device":"p1","why":["x"]}"#, #"{"ask":"stop","by":7,"desk":"1","device":"p1"}"#,
        #"{"ask":"stop","by":{"id":"amal"},"desk":1,"device":"p1","number":0}"#,
    ])
    func c18_aStopIsTakenInAnyForm(text: String) throws {
        #expect(try DeskLine(Array(text.utf8)) == DeskLine(.stop(device: "p1")))
    }

    @Test(arguments: [
        #"{"ask":"stop","desk":2,"device":"a","device":"b"}"#, #"{"ask":"stopp","desk":2,"device":"a"}"#,
        #"{"ask":"stop","desk":2}"#, #"{"ask":"start","ask":"stop","desk":1,"number":1}"#,
    ])
    func whatMayBeAnotherStopIsRefused(text: String) { #expect(fault(text) != nil) }

    @Test func whatIsTooLongIsRefused() throws {
        let long = DeskEntry(
            device: "p", command: "c",
            entries: Dictionary(uniqueKeysWithValues: (0..<33).map { ("n\($0)", "1") }))
        #expect(throws: DeskLine.Fault.outsideRange) { _ = try DeskLine(.draft(long)).line() }
        let reason = DeskEntry(device: "p", command: "c", entries: [:], reason: String(repeating: "r", count: 1_001))
        #expect(throws: DeskLine.Fault.outsideRange) { _ = try DeskLine(.draft(reason)).line() }
        let order = DeskEntry(device: "p", command: "c", entries: [:], order: String(repeating: "o", count: 201))
        #expect(throws: DeskLine.Fault.outsideRange) { _ = try DeskLine(.draft(order)).line() }
        let quantity = DeskEntry(device: "p", command: "c", entries: ["a": String(repeating: "1", count: 201)])
        #expect(throws: DeskLine.Fault.outsideRange) { _ = try DeskLine(.draft(quantity)).line() }
        let bytes = [UInt8](repeating: UInt8(ascii: " "), count: DeskLine.longest)
        #expect(throws: DeskLine.Fault.tooLong) { _ = try DeskLine(bytes) }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: DeskLine.longest - 1)
        #expect(throws: DeskLine.Fault.notJSON) { _ = try DeskLine(deep) }
    }

    /// Lines with bytes changed, taken out, doubled: each is refused, or is a line that says itself.
    @Test func anyLineIsRefusedOrSaysItself() throws {
        var random = SeededGenerator(seed: 13)
        let lines = try Self.lines.map { Array(try $0.line().dropLast()) }
        var taken = 0
        for _ in 0..<40_000 {
            var bytes = lines[Int.random(in: 0..<lines.count, using: &random)]
            for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: bytes[place...], at: place)
                default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &random))
                }
            }
            guard let line = try? DeskLine(bytes) else { continue }
            taken += 1
            // Which is taken in any form.
            if case .stop(let device) = line.ask {
                #expect(!device.isEmpty && line.second == nil)
            } else {
                #expect(try line.line() == bytes + [0x0A])
            }
        }
        #expect((5_000..<35_000).contains(taken))
    }

    private static let view = CommandView(
        number: 12, device: "p1", command: "set-rate", stage: .verified, people: 2,
        entries: [EntryView("rate", "4.17", unit: "mL/h")], since: 99, waitsFor: "Start it.",
        atEntry: [ReadingView("rate", "2", unit: "mL/h")],
        readings: [ReadingView("state", "stopped"), ReadingView("rate", "3", unit: "mL/h")])

    @Test(arguments: [
        DeskAnswer.refused(code: "notDraft", words: "No.", command: 3),
        .refused(code: "x", words: "", command: nil), .command(view), .commands([view, view]), .commands([]),
        .pumps([
            PumpView(
                device: "p1", model: "m", line: "l", isDriven: true,
                commands: [
                    OfferView("set-rate", arguments: [OfferView.Argument("rate", unit: "mL/h", range: "0.1 to 9")])
                ],
                openCommand: 4, stop: .notDelivered, mustBeLookedAt: true, isLocked: true)
        ]),
        .preview(bytes: [0, 0x0A, 0xFF], words: "w"), .preview(bytes: [], words: "w"),
        .stop(asked: true, isProven: nil, words: "w"), .stop(asked: false, isProven: false, words: "w"),
        .done(words: "w"),
    ])
    func anAnswerSaysTheSameAtBothEnds(answer: DeskAnswer) throws {
        let line = AnswerLine(answer).line
        #expect(line.count(where: { $0 == 0x0A }) == 1 && line.last == 0x0A)
        #expect(AnswerLine(Array(line.dropLast()))?.answer == answer)
    }

    @Test func anAnswerThatIsTooLongIsToldToBe() {
        let line = AnswerLine(.commands(Array(repeating: Self.view, count: 10_000))).line
        guard case .refused("tooLong", _, _) = AnswerLine(Array(line.dropLast()))?.answer else {
            Issue.record("\(line.count)")
            return
        }
        #expect(AnswerLine(Array(#"{"answer":"done","desk":2,"words":""}"#.utf8)) == nil)
        #expect(AnswerLine(Array(#"{"answer":"preview","bytes":"0g","desk":1,"words":""}"#.utf8)) == nil)
    }
}

extension String {
    fileprivate var paddedToFour: String { String(repeating: "0", count: max(0, 4 - count)) + self }
}
