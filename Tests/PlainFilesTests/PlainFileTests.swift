import Foundation
import TestSupport
import Testing

@testable import PlainFiles

/// Files that somebody else may have put there.
@Suite struct PlainFileTests {
    @Test func onlySmallRegularFilesAreRead() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("a", "12345")
        #expect(PlainFile.text(path) == "12345" && PlainFile.bytes(path, limit: 5) == Array("12345".utf8))
        #expect(PlainFile.bytes(path, limit: 4) == nil)
        #expect(PlainFile.bytes(try folder.write("empty", "")) == [])
        #expect(PlainFile.bytes(folder.path) == nil && PlainFile.bytes("\(folder.path)/b") == nil)
        #expect(mkfifo("\(folder.path)/pipe", 0o600) == 0 && PlainFile.bytes("\(folder.path)/pipe") == nil)
        try Data([0x61, 0xFF]).write(to: URL(fileURLWithPath: path))
        #expect(PlainFile.text(path) == nil && PlainFile.bytes(path) == [0x61, 0xFF])
        // The limit counts, whatever the file says of its size: this one says that it has none.
        #expect(PlainFile.bytes("/dev/zero", limit: 8) == nil && PlainFile.bytes("/proc/self/status", limit: 8) == nil)
    }
}
