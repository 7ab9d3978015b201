import Consultations
import Foundation
import Synchronization
import TestSupport
import Testing
import UnitPicture

@testable import Console

private func slice(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }
private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

/// A unit of two beds, whose every part says of which it is.
enum TwoBeds {
    static let picture = """
        {"form":1,"unit":"mobile-1","mono":12345.678,"beds":[{"bed":"chair-1","patient":{"binding":4,"since":1000}},\
        {"bed":"chair-2","patient":{"binding":9,"since":5000}}],"devices":[{"device":"ox-1","bed":"chair-1"},\
        {"device":"ox-2","bed":"chair-2"},{"device":"fridge","bed":null}],"streams":[{"n":11,"device":"ox-1"},\
        {"n":12,"device":"ox-1"},{"n":21,"device":"ox-2"},{"n":31,"device":"fridge"}],\
        "values":[[11,1.5,"97"],[21,1.5,"canary-88"],[31,1,"5"]],\
        "alarms":[{"instance":"a","bed":"chair-2","device":null},\
        {"instance":"b","bed":null,"device":"ox-1"},{"instance":"c","bed":null,"device":null},\
        {"instance":"d","bed":null,"device":"ox-2","text":"canary"}],"commands":[{"number":1,"device":"ox-2"}],\
        "pumps":[{"device":"ox-1"},{"device":"ox-2"}],"consultations":[{"consultation":7},{"consultation":8}],\
        "later":{"bed":"chair-2","name":"canary"}}
        """
}

@Suite struct FarViewTests {
    @Test func ofOneBedNothingElseIsTold() {
        var view = FarView(bed: "chair-1", consultation: 7)
        let told = text(view.picture(slice(TwoBeds.picture)))
        #expect(
            told == """
                {"form":1,"unit":"mobile-1","mono":12345.678,"beds":[{"bed":"chair-1","patient":{"binding":4,\
                "since":1000}}],"devices":[{"device":"ox-1","bed":"chair-1"}],"streams":[{"n":11,"device":"ox-1"},\
                {"n":12,"device":"ox-1"}],"values":[[11,1.5,"97"]],"alarms":[{"instance":"b","bed":null,\
                "device":"ox-1"},{"instance":"c","bed":null,"device":null}],"commands":[],"pumps":[{"device":"ox-1"}],\
                "consultations":[{"consultation":7}],"far":{"consultation":7}}
                """)
        for stranger in ["canary", "ox-2", "chair-2", "fridge"] { #expect(!told.contains(stranger)) }
        let beat = view.beat(slice(#"{"utc":5,"values":[[21,2,"canary"],[12,2,"1"]],"later":1}"#))
        #expect(text(JSONPieces.object(beat ?? [])) == #"{"utc":5,"values":[[12,2,"1"]]}"#)
    }

    @Test func ofAllBedsEverythingIsToldAsItIs() {
        var view = FarView(bed: nil, consultation: 7)
        let expected = TwoBeds.picture.dropLast() + #","far":{"consultation":7}}"#
        #expect(text(view.picture(slice(TwoBeds.picture))) == expected)
    }

    /// A device that moves takes its values along, from the beat on that says so.
    @Test func aDeviceThatMovesIsSeenNoMore() {
        var view = FarView(bed: "chair-1", consultation: 7)
        _ = view.picture(slice(TwoBeds.picture))
        let beat = view.beat(slice(#"{"values":[[11,2,"canary"]],"devices":[{"device":"ox-1","bed":"chair-2"}]}"#))
        #expect(text(JSONPieces.object(beat ?? [])) == #"{"values":[],"devices":[]}"#)
    }

    @Test(arguments: ["", "{", "[]", "{\"a\":}", "{\"a\" 1}", "{\"a\":1,}", "{\"a\":[}", "{\"a\":1]", "{\"a"])
    func whatCannotBeReadIsNotTold(text: String) {
        var view = FarView(bed: "chair-1", consultation: 7)
        #expect(view.picture(slice(text)) == nil && view.beat(slice(text)) == nil)
    }

    /// Bytes changed, taken out, doubled: nothing traps, and nothing of the other bed is told.
    @Test func whateverComesNothingOfTheOtherBedIsTold() {
        var random = SeededGenerator(seed: 19)
        for _ in 0..<4_000 {
            var bytes = Array(TwoBeds.picture.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 32...126, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes[place], at: place)
                }
            }
            var view = FarView(bed: "chair-1", consultation: 7)
            #expect(!text(view.picture(bytes[...])).contains("canary-88"))
        }
    }

    @Test func piecesStandAsTheyDid() {
        let object = #"{"a":[1, {"b":"},]\"\\"}],"c":"\u0041","d":-1.50e3}"#
        let members = JSONPieces.members(slice(object)) ?? []
        #expect(members.map(\.name) == ["a", "c", "d"])
        #expect(text(JSONPieces.object(members)) == object)
        #expect(JSONPieces.elements(slice("[]"))?.isEmpty == true && JSONPieces.elements(slice("[1,]")) == nil)
        #expect(JSONPieces.members(slice("{\"a\":" + String(repeating: "[", count: 9_999) + "}")) == nil)
    }
}

@Suite struct FarPastTests {
    private struct NotedPast: PastSource {
        let lines: [String]
        var asked: @Sendable (HistoryScope) -> Void = { _ in }

        func read(path: String, parameters: [String: String], scope: HistoryScope) throws(Refusal) -> PastAnswer {
            let lines = lines
            asked(scope)
            return PastAnswer(type: "application/x-ndjson") { _, write in
                for line in lines { try write(Array(line.utf8)) }
            }
        }
    }

    private func past(_ bed: String?) throws -> FarPast {
        var view = FarView(bed: nil, consultation: 1)
        _ = view.picture(slice(TwoBeds.picture))
        var fold = ConsultationFold()
        let grant = ConsultationGrant(
            clinician: "dr-h", name: "Dr. H", certificate: String(repeating: "0f", count: 32), bed: bed,
            until: 90_000_000_000, by: ["layla"])
        let outcome = fold.take(
            .opened(grant),
            at: ConsultationFold.Position(sequence: 1, session: "s", nanoseconds: 0, utc: 9_000_000_000))
        guard case .opened(let consultation) = outcome else { throw CancellationError() }
        return FarPast(consultation: consultation, unit: view.unit)
    }

    private func isAsked(_ past: FarPast, _ streams: String, format: String? = nil) -> Bool {
        var parameters = ["streams": streams, "from": "0", "to": "99999"]
        parameters["format"] = format
        return (try? past.history(parameters)) != nil
    }

    @Test func onlyWhatThePictureHasIsRead() throws {
        let all = try past(nil)
        #expect(isAsked(all, "11") && isAsked(all, "11,21") && isAsked(all, "31"))
        #expect(!isAsked(all, "99") && !isAsked(all, "") && !isAsked(all, "11,x"))
        #expect(!isAsked(all, "11", format: "csv"))
    }

    /// Whose past it is, is decided where the journal is read: by whom it was opened, and for which bed.
    @Test func thePastIsReadAsOneOfAFarClinician() throws {
        for bed in [nil, "chair-1"] {
            let noted = Mutex<[HistoryScope]>([])
            let source = NotedPast(lines: []) { scope in noted.withLock { $0.append(scope) } }
            let past = try past(bed)
            _ = try past.read("/history", ["streams": "11", "from": "0", "to": "99999"], from: source)
            _ = try past.read("/streams", ["from": "0", "to": "99999"], from: source)
            let scope = HistoryScope.far(consultation: past.consultation.number, bed: bed)
            #expect(noted.withLock { $0 } == [scope, scope])
        }
    }

    @Test func ofOneBedNothingElseIsRead() throws {
        let one = try past("chair-1")
        #expect(isAsked(one, "11,12"))
        #expect(!isAsked(one, "21") && !isAsked(one, "11,21") && !isAsked(one, "31"))
        for path in ["/log", "/technical", "/else"] {
            #expect(throws: Refusal.self) { try one.read(path, [:], from: NotedPast(lines: [])) }
        }
    }

    @Test func linesAreToldWithoutOthers() throws {
        let last =
            #"{"from":1,"streams":[{"n":11,"low":[1]},{"n":21,"low":[2]}],"events":[[1,"deviceSilent","ox-2"],"#
            + #"[2,"deviceSilent","ox-1"],[3,"hostStarted",null]],"later":"canary"}"#
        let answer = try past("chair-1").read(
            "/history", ["streams": "11", "from": "0", "to": "99999"],
            from: NotedPast(lines: ["{\"progress\":0.5}\n{\"prog", "ress\":0.9}\n", last]))
        var told: [UInt8] = []
        try answer.write({ false }) { told += $0 }
        #expect(
            text(told) == "{\"progress\":0.5}\n{\"progress\":0.9}\n"
                + #"{"from":1,"streams":[{"n":11,"low":[1]}],"events":[[2,"deviceSilent","ox-1"]]}"#)
    }
}
