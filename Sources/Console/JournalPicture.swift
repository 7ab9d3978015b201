import Foundation
import Glibc
import RealTime
import SampleJournal
package import UnitPicture

/// The picture of a unit out of the journal in a folder, as long as it is the same journal.
package final class JournalPicture: PictureSource {
    /// Somebody put another journal into the folder, or took it away.
    private struct Replaced: Error, CustomStringConvertible {
        let description = "another journal is in its place; it is read anew"
    }

    /// How often it is looked whether the folder is the same. Unit: ns.
    private static let lookEvery: Int64 = 1_000_000_000

    private let directory: String
    private let reader: PictureReader
    private let clock: any MonotonicTime
    private var files: [String: UInt64]
    private var looked: Int64

    /// Opens it and catches up. Throws where there is none, or it cannot be read.
    package init(directory: String, settings: PictureSettings, clock: any MonotonicTime = MonotonicClock()) throws {
        (self.directory, self.clock) = (directory, clock)
        // Before it is read: a journal that takes its place meanwhile is another one.
        files = Self.files(directory)
        looked = clock.now()
        reader = try PictureReader(try JournalReader(directory: directory), settings: settings)
    }

    package func take() throws -> PictureBeat {
        let now = clock.now()
        if now - looked >= Self.lookEvery {
            looked = now
            let found = Self.files(directory)
            // Files are begun and go; what has a name keeps it, and is the same file.
            guard !found.isEmpty, found.allSatisfy({ files[$0.key] == nil || files[$0.key] == $0.value }) else {
                throw Replaced()
            }
            files = found
        }
        return try reader.take(now: time(now))
    }

    package func whole() -> [UInt8] { reader.whole(now: time(clock.now())) }
    package func waves(of bed: String) -> [UInt8] { reader.waves(of: bed) }
    package var beds: [String] { reader.beds }

    private func time(_ now: Int64) -> PictureTime { PictureTime(monotonic: now, utc: WallClock.now()) }

    /// The journal's files, each with the system's number of it.
    private static func files(_ directory: String) -> [String: UInt64] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".sqlite") }.reduce(into: [:]) { files, name in
            var details = stat()
            if lstat("\(directory)/\(name)", &details) == 0 { files[name] = UInt64(details.st_ino) }
        }
    }
}

extension OpenedJournal {
    /// A journal in a folder, with what tells of its commits.
    package init(directory: String, settings: PictureSettings) throws {
        // What is committed from here on wakes: it is read after that.
        let watch = CommitWatch(directory: directory)
        self.init(try JournalPicture(directory: directory, settings: settings)) { limit in
            _ = await watch.next(within: limit)
        }
    }
}
