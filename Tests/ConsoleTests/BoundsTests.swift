@testable import Console
import Foundation
import Synchronization
import TestSupport
import Testing

/// What the server keeps of others, bounded.
@Suite struct BoundsTests {
    @Test func aPressCountsOnceAsLongAsItIsKnown() {
        var book = OnceBook()
        let presses = (0...OnceBook.most).map { "press-\($0)" }
        func isNew(_ place: Int) -> Bool { book.note(presses[place]) }
        for place in 0..<OnceBook.most { #expect(isNew(place)) }
        #expect(!isNew(0))
        #expect(isNew(OnceBook.most))
        // The oldest went for it, the others are known.
        #expect(!isNew(1))
        #expect(isNew(0))
    }

    @Test func aPressIsAUUID() {
        #expect(OnceBook.isPress("0189e7a2-1c2d-4e5f-8a9b-0123456789ab"))
        for text in ["", "1", "0189e7a21c2d4e5f8a9b0123456789abcdef", "0189e7a2-1c2d-4e5f-8a9b-0123456789ag"] {
            #expect(!OnceBook.isPress(text))
        }
    }

    @Test func theOneThatIsIdleLongestGivesWay() {
        #expect(ConnectionBook.oldest(["a": 3, "b": 2, "c": nil]) == "b")
        #expect(ConnectionBook.oldest(["a": nil, "b": nil] as [String: Int?]) == nil)
    }

    @Test(.timeLimit(.minutes(1))) func turnsAreHandedOnAndNobodyWaitsBeyond() async throws {
        let turns = Turns(most: 1, waiting: 1)
        try await turns.begin(orElse: .tooManyHistories)
        let order = Mutex<[Int]>([])
        let second = Task {
            try await turns.begin(orElse: .tooManyHistories)
            order.withLock { $0.append(2) }
        }
        try await Task.sleep(for: .milliseconds(50))
        await #expect(throws: Refusal.tooManyHistories) { try await turns.begin(orElse: .tooManyHistories) }
        order.withLock { $0.append(1) }
        await turns.end()
        try await second.value
        #expect(order.withLock { $0 } == [1, 2])
        await turns.end()
        try await turns.begin(orElse: .tooManyHistories)
    }

    @Test(.timeLimit(.minutes(1))) func whatNobodyWantsAnyMoreIsNotReadOn() async {
        let written = Atomic(0)
        let ended = Atomic(false)
        let reading = PastReading(
            PastAnswer(type: "x") { isCancelled, write in
                defer { ended.store(true, ordering: .relaxed) }
                while !isCancelled() {
                    try write([1])
                    written.add(1, ordering: .relaxed)
                }
            })
        var pieces = reading.all.makeAsyncIterator()
        for _ in 0..<3 {
            _ = await pieces.next()
            reading.goOn()
        }
        // One piece is on its way, and no more is read before it is taken.
        try? await Task.sleep(for: .milliseconds(50))
        #expect(written.load(ordering: .relaxed) == 3)
        reading.cancel()
        while !ended.load(ordering: .relaxed) { await Task.yield() }
        #expect(written.load(ordering: .relaxed) <= 4)
    }

    @Test func theScreensFilesAreReadOnceWithTypeAndDigest() throws {
        let folder = try TemporaryFolder()
        try Data("<!doctype html>".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/index.html"))
        try Data("let a = 1".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/main.js"))
        try Data("#!/bin/sh".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/run.sh"))
        try Data("secret".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/.hidden.js"))
        let files = ScreenFiles(folder: folder.path)
        #expect(files.failure == nil && files.names == ["index.html", "main.js"])
        let script = try #require(files["main.js"])
        #expect(script.type == "text/javascript; charset=utf-8")
        #expect(script.tag == ScreenFiles.tag(Data("let a = 1".utf8)))
        #expect(script.tag != files["index.html"]?.tag)
        #expect(files["../main.js"] == nil && files["run.sh"] == nil)
        #expect(ScreenFiles.has(script.tag, "\"x\", \(script.tag)") && ScreenFiles.has(script.tag, "W/\(script.tag)"))
        #expect(!ScreenFiles.has(script.tag, "\"x\"") && !ScreenFiles.has(script.tag, nil))
        try Data("let a = 2".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/main.js"))
        #expect(files["main.js"]?.bytes == Array("let a = 1".utf8))
    }

    @Test func aFolderThatIsNoScreenIsSaid() throws {
        let folder = try TemporaryFolder()
        #expect(ScreenFiles(folder: "\(folder.path)/none").failure?.contains("it cannot be read") == true)
        #expect(ScreenFiles(folder: folder.path).failure?.contains("no index.html") == true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/index.html"))
        let large = Data(repeating: 0x20, count: ConsoleLimits.fileBytes + 1)
        try large.write(to: URL(fileURLWithPath: "\(folder.path)/large.js"))
        let files = ScreenFiles(folder: folder.path)
        #expect(files.failure?.contains("large.js") == true && files["index.html"] == nil)
    }
}
