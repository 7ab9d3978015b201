import TestSupport
import Testing

@testable import Console

private func frame(_ event: String, _ data: String) -> ArraySlice<UInt8> {
    Array("event: \(event)\ndata: \(data)\n\n".utf8)[...]
}

private func events(_ bytes: [UInt8]) -> [String] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").map(String.init)
}

@Suite struct FarQueueTests {
    private func queue(_ bed: String? = nil, waves: WavesWanted = .all) -> FarQueue {
        FarQueue(FarView(bed: bed, consultation: 7), waves: waves)
    }

    /// However long a link takes nothing: what waits is the newest of each thing, and numbers go first.
    @Test func aScreenThatIsLateIsToldOnlyWhatIsSo() {
        var queue = queue()
        for second in 0..<1_000 {
            queue.push(frame("waves", #"{"bed":"chair-1","waves":[[11,\#(second),\#(second),1,[5]]]}"#))
            queue.push(
                frame(
                    "beat",
                    #"{"mono":\#(second),"values":[[\#(second % 2),\#(second),"97"]],"alarms":[\#(second)],"#
                        + #""beds":[{"bed":"chair-1","at":\#(second)}]}"#))
        }
        let told = events(queue.take(factor: 1))
        #expect(
            told.first == "event: beat\ndata: "
                + #"{"mono":999,"alarms":[999],"beds":[{"bed":"chair-1","at":999}],"#
                + #""values":[[0,998,"97"],[1,999,"97"]]}"#
        )
        #expect(told.count == 2 && told.last?.hasPrefix("event: waves") == true)
        #expect(queue.take(factor: 1).isEmpty)
    }

    /// What is of before a failure must not stand as of now: the failure comes behind it, and goes with the next beat.
    @Test func aFailureIsToldLast() {
        var queue = queue()
        queue.push(frame("picture", #"{"form":1}"#))
        queue.push(frame("beat", #"{"mono":1}"#))
        queue.push(frame("failure", #"{"code":"journal"}"#))
        let told = events(queue.take(factor: 1)).map { $0.split(separator: "\n")[0] }
        #expect(told == ["event: picture", "event: beat", "event: failure"])
        queue.push(frame("failure", #"{"code":"journal"}"#))
        queue.push(frame("beat", #"{"mono":2}"#))
        #expect(events(queue.take(factor: 1)) == ["event: beat\ndata: {\"mono\":2}"])
    }

    @Test func aPictureTakesThePlaceOfAllBefore() {
        var queue = queue()
        queue.push(frame("beat", #"{"mono":1}"#))
        queue.push(frame("waves", #"{"bed":"chair-1","waves":[[11,0,0,1,[5]]]}"#))
        queue.push(frame("failure", #"{"code":"journal"}"#))
        queue.push(frame("picture", #"{"form":1}"#))
        queue.push(frame("beat", #"{"mono":2}"#))
        #expect(
            events(queue.take(factor: 1)) == [
                "event: picture\ndata: {\"form\":1,\"far\":{\"consultation\":7}}", "event: beat\ndata: {\"mono\":2}",
            ])
    }

    @Test func onlyTheWavesThatAreWantedAndMayBeSeenAreTold() {
        for (bed, waves, isTold) in [
            ("chair-1", .all, true), ("chair-2", .all, false), (nil, .bed("chair-2"), false),
            (nil, .bed("chair-1"), true), (nil, .none, false), ("chair-2", .bed("chair-1"), false),
        ] as [(String?, WavesWanted, Bool)] {
            var queue = queue(bed, waves: waves)
            queue.push(frame("waves", #"{"bed":"chair-1","waves":[[11,0,0,1,[5]]]}"#))
            #expect(queue.take(factor: 1).isEmpty != isTold, "\(bed ?? "all") \(waves)")
        }
    }

    @Test(arguments: ["", "event: beat", "data: {}", "event: beat\ndata: {\n\n", "event: other\ndata: {}\n\n"])
    func whatIsNoFrameIsLeftOut(text: String) {
        var queue = queue()
        queue.push(Array(text.utf8)[...])
        #expect(queue.take(factor: 1).isEmpty)
    }
}

@Suite struct WaveThinnerTests {
    private func line(_ first: Int, _ values: [Int?], period: Double = 4) -> ArraySlice<UInt8> {
        let list = values.map { $0.map { "\($0)" } ?? "null" }.joined(separator: ",")
        return Array(
            #"{"bed":"a","waves":[[3,\#(first),\#(Double(first) * period),\#(period),[\#(list)]]]}"#.utf8)[...]
    }

    /// The entries of the only bed, each with its numbers.
    private func take(
        _ thinner: inout WaveThinner, _ factor: Int
    ) -> [(first: Int, begin: Double, period: Double, values: [Int?])] {
        thinner.take(factor: factor).flatMap { line in
            let waves = JSONPieces.member("waves", of: line[...]).flatMap(JSONPieces.elements) ?? []
            return waves.map { wave in
                let parts = JSONPieces.elements(wave) ?? []
                let numbers = parts.dropLast().map { JSONPieces.number($0) ?? .nan }
                let values = (JSONPieces.elements(parts[4]) ?? []).map { JSONPieces.integer($0).map(Int.init) }
                return (Int(numbers[1]), numbers[2], numbers[3], values)
            }
        }
    }

    @Test func wholeItIsAsItWas() {
        var thinner = WaveThinner()
        thinner.push(line(100, [1, nil, 3]))
        thinner.push(line(103, [4]))
        thinner.push(line(110, [5]))
        let told = take(&thinner, 1)
        #expect(told.map(\.first) == [100, 105] && told.map(\.values) == [[1, nil, 3, 4], [5]])
        #expect(told.map(\.begin) == [400, 440] && thinner.isEmpty)
        thinner.push(line(111, [6]))
        #expect(take(&thinner, 1).map(\.first) == [106], "it goes on")
    }

    @Test func aPeakStaysAPeakInItsPlace() {
        var thinner = WaveThinner()
        thinner.push(line(0, [0, 9, 0, 0, 0, -7, 0, 3]))
        let told = take(&thinner, 2)
        #expect(told.map(\.values) == [[0, 9, -7, 3]] && told.map(\.period) == [8])
        // The greatest before the least, where it came before.
        thinner.push(line(8, [5, 1, 2, 3]))
        #expect(take(&thinner, 2).map(\.values) == [[5, 1]])
    }

    @Test func aGapStaysAGap() {
        var thinner = WaveThinner()
        thinner.push(line(0, [1, 2, nil, 4, 5, 6, 7, 8]))
        #expect(take(&thinner, 2).map(\.values) == [[nil, nil, 5, 8]])
        thinner.push(line(20, [1, 1, 1, 1]))
        let told = take(&thinner, 2)
        #expect(told.map(\.first) == [5], "numbers 4 and on would go on: one is left out")
    }

    @Test func whatFillsNoGroupWaits() {
        var thinner = WaveThinner()
        thinner.push(line(0, [1, 2, 3, 4, 5]))
        #expect(take(&thinner, 2).map(\.values) == [[1, 4]])
        thinner.push(line(5, [6, 7, 8]))
        let told = take(&thinner, 2)
        #expect(told.map(\.values) == [[5, 8]] && told.map(\.first) == [2] && told.map(\.begin) == [16])
        thinner.push(line(8, [1, 1]))
        #expect(take(&thinner, 1).map(\.first) == [5], "another factor begins anew")
    }

    @Test func whatIsOldGoes() {
        var thinner = WaveThinner()
        for second in 0..<60 { thinner.push(line(second * 250, Array(repeating: second, count: 250))) }
        let told = take(&thinner, 1)
        let count = told.reduce(0) { $0 + $1.values.count }
        #expect((2_450...2_501).contains(count) && told.last?.values.last == 59)
    }

    /// Numbers never go back, whatever link and samples do; what is told was measured; nothing is told twice.
    @Test func numbersNeverGoBack() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<200 {
            var (thinner, source, next, time) = (WaveThinner(), 0, 0, -1.0)
            for _ in 0..<60 {
                if Int.random(in: 0..<6, using: &random) == 0 { source += Int.random(in: 1...40, using: &random) }
                let values = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                    Int.random(in: 0..<40, using: &random) == 0 ? nil : Int.random(in: -9...9, using: &random)
                }
                thinner.push(line(source, values))
                source += values.count
                for entry in take(&thinner, [1, 2, 4, 8].randomElement(using: &random) ?? 1) {
                    #expect(entry.first >= next && entry.begin > time)
                    next = entry.first + entry.values.count
                    time = entry.begin + Double(entry.values.count - 1) * entry.period
                    #expect(time < Double(source) * 4)
                }
            }
            #expect(next > 0)
        }
    }
}

@Suite struct FarPaceTests {
    @Test func aThinLinkIsToldLessAndAGoodOneAll() {
        var pace = FarPace()
        #expect(pace.factor == 4, "nobody knows the link yet")
        for _ in 0..<3 { pace.took(2_000_000_000) }
        #expect(pace.factor == nil && pace.pause == 1_000)
        var rounds = 0
        while pace.factor != 1, rounds < 10_000 {
            pace.took(1_000_000)
            rounds += 1
        }
        #expect(pace.factor == 1 && rounds > 32, "after it failed, more is tried less often")
        pace.took(500_000_000)
        #expect(pace.factor == 1, "neither too long nor easy")
    }
}
