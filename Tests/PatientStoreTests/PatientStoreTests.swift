import Foundation
import Patients
import TestSupport
import Testing

@testable import PatientStore

/// Where the identifiers stand: whole after any failure, read by nobody else, and told to nobody.
@Suite struct PatientStoreTests {
    private static let place = "/data/patients"

    static func patient(_ number: Int, name: String = "Nora Al-Harbi") throws -> PatientIdentifiers {
        try PatientIdentifiers([("mrn", "MRN-\(number)"), ("name", name)])
    }

    @Test func whatIsKeptIsThereAfterwards() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/patients"
        let store = try PatientStore(folder: path)
        let patient = try PatientIdentifiers([
            ("mrn", "A\u{301}1".filter(\.isASCII) + "7"), ("name", "نورة \"الحربي\""), ("birth-date", "١٩٥٨-٠٣-٠٧"),
            ("national-id", "1000000008"), ("iqama", "2000000006"), ("passport", "k12345"),
        ])
        let subject = store.subject(of: patient)
        try store.keep(patient, as: subject)
        let again = try PatientStore(folder: path)
        #expect(again.known == [subject: patient] && again.damaged == 0)
        #expect(again.subject(of: patient) == subject, "by the same key")
        #expect(PatientReader(folder: path).identifiers(of: subject) == patient)
        #expect(PatientReader(folder: path).identifiers(of: "../key") == nil)
        let other = try PatientStore(folder: "\(folder.path)/other")
        #expect(other.subject(of: patient) != subject, "each unit has its own key")
        // Nobody else reads any of it.
        for name in try FileManager.default.contentsOfDirectory(atPath: path) + ["."] {
            var status = stat()
            #expect(stat("\(path)/\(name)", &status) == 0 && status.st_mode & 0o077 == 0, "\(name)")
            #expect(!name.contains("1000000008"))
        }
    }

    @Test func theSubjectIsTheKeysDigest() throws {
        // HMAC-SHA-256, reckoned with another program: Python's `hmac`, with a key of 32 bytes
        // 0x11.
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/patients"
        _ = try PatientStore(folder: path)
        try FileManager.default.removeItem(atPath: "\(path)/key")
        #expect(
            FileManager.default.createFile(
                atPath: "\(path)/key", contents: Data(repeating: 0x11, count: 32),
                attributes: [.posixPermissions: 0o600]))
        let store = try PatientStore(folder: path)
        let patient = try PatientIdentifiers([("mrn", "1"), ("passport", "234")])
        #expect(store.subject(of: patient) == Self.reckoned)
    }

    private static let reckoned = "9b321dbac3462e03cf25d1c228bed3503ede69524c48b4b6aaf7782444903db4"

    // MARK: Failures

    /// Fails each call once, and has everything after it fail: then the power comes back.
    @Test(arguments: [false, true]) func aKillAtAnyStepLeavesTheOldOrTheNew(keepingNew: Bool) throws {
        let (old, new) = (try Self.patient(1), try Self.patient(1, name: "Noura Al-Harbi"))
        let subject = String(repeating: "0a", count: 32)
        var steps = 0
        var sawOld = 0
        while true {
            steps += 1
            let disk = MemoryDisk()
            let first = try PatientStore(folder: Self.place, files: disk)
            try first.keep(old, as: subject)
            let key = first.subject(of: old)
            disk.failsAt = disk.calls + steps
            let isKept = (try? first.keep(new, as: subject)) != nil
            let again = disk.restarted(keepingNew: keepingNew)
            let second = try PatientStore(folder: Self.place, files: again)
            let found = second.known[subject]
            #expect(found == old || found == new)
            #expect(!isKept || found == new, "what was said to be on the disk is")
            #expect(second.subject(of: old) == key && second.damaged == 0)
            #expect(again.seen.keys.allSatisfy { !$0.hasSuffix(".new") })
            if found == old { sawOld += 1 }
            // It goes on from there.
            try second.keep(new, as: subject)
            #expect(try PatientStore(folder: Self.place, files: again).known[subject] == new)
            if isKept { break }
        }
        #expect(steps > 3 && sawOld > 1)
    }

    @Test(arguments: [false, true]) func aKillWhileItIsMadeLeavesNothingThatIsInTheWay(keepingNew: Bool) throws {
        var steps = 0
        while true {
            steps += 1
            let disk = MemoryDisk()
            disk.failsAt = steps
            let first = try? PatientStore(folder: Self.place, files: disk)
            let again = disk.restarted(keepingNew: keepingNew)
            let second = try PatientStore(folder: Self.place, files: again)
            if let first {
                #expect(second.subject(of: try Self.patient(1)) == first.subject(of: try Self.patient(1)))
                break
            }
            try second.keep(try Self.patient(1), as: String(repeating: "00", count: 32))
        }
        #expect(steps > 6)
    }

    /// The kill test finds a store that writes in place.
    @Test func writingInPlaceWouldBeFound() throws {
        let disk = MemoryDisk()
        let store = try PatientStore(folder: Self.place, files: disk)
        let subject = String(repeating: "0a", count: 32)
        let path = "\(Self.place)/\(subject).patient"
        try store.keep(try Self.patient(1), as: subject)
        let whole = try disk.read(path, limit: 1 << 20)
        disk.put(Array(whole.prefix(whole.count / 2)), at: path)
        let again = try PatientStore(folder: Self.place, files: disk.restarted(keepingNew: true))
        #expect(again.known.isEmpty && again.damaged == 1)
    }

    @Test func anyChangedByteIsFound() throws {
        let disk = MemoryDisk()
        let store = try PatientStore(folder: Self.place, files: disk)
        let subject = String(repeating: "0a", count: 32)
        try store.keep(try Self.patient(1), as: subject)
        let path = "\(Self.place)/\(subject).patient"
        let whole = try disk.read(path, limit: 1 << 20)
        for place in whole.indices {
            for change in [UInt8(1), 0x20, 0x80] {
                var bytes = whole
                bytes[place] ^= change
                #expect(PatientRecord.identifiers(bytes, subject: subject) == nil)
            }
            #expect(PatientRecord.identifiers(Array(whole[..<place]), subject: subject) == nil)
        }
        #expect(PatientRecord.identifiers(whole + [0x20], subject: subject) == nil)
        #expect(PatientRecord.identifiers(whole, subject: String(repeating: "0b", count: 32)) == nil)
        #expect(PatientRecord.identifiers(whole, subject: subject) != nil)
    }

    // MARK: Rights

    @Test(arguments: [
        (FileDetails.Kind.folder, true, true, UInt32(0o700), true), (.folder, true, false, 0o750, true),
        (.folder, true, true, 0o750, false), (.folder, true, false, 0o770, false), (.folder, true, false, 0o701, false),
        (.folder, true, false, 0o704, false), (.folder, true, true, 0o777, false), (.folder, false, true, 0o700, false),
        (.folder, true, true, 0o500, false), (.file, true, true, 0o700, false), (.other, true, true, 0o700, false),
    ]) func whoMayReadTheFolder(kind: FileDetails.Kind, own: Bool, group: Bool, mode: UInt32, isRight: Bool) throws {
        let disk = MemoryDisk()
        _ = try PatientStore(folder: Self.place, files: disk)
        disk.give(Self.place, FileDetails(kind: kind, isOwn: own, isOfOwnGroup: group, mode: mode))
        guard isRight else {
            let fault = #expect(throws: PatientStoreFault.self) {
                _ = try PatientStore(folder: Self.place, files: disk)
            }
            #expect("\(try #require(fault))".contains(Self.place))
            return
        }
        let store = try PatientStore(folder: Self.place, files: disk)
        try store.keep(try Self.patient(1), as: String(repeating: "00", count: 32))
        let path = "\(Self.place)/\(String(repeating: "00", count: 32)).patient"
        #expect(try disk.details(path)?.mode == (mode & 0o040 == 0 ? 0o600 : 0o640))
        #expect(try disk.details("\(Self.place)/key")?.mode == 0o600, "the key is the host's alone")
    }

    @Test func aKeyThatIsNotRightIsNotReplaced() throws {
        let disk = MemoryDisk()
        let store = try PatientStore(folder: Self.place, files: disk)
        let key = "\(Self.place)/key"
        func open() throws -> PatientStore { try PatientStore(folder: Self.place, files: disk) }
        let whole = try disk.read(key, limit: 64)
        for mode in [UInt32(0o640), 0o604, 0o620] {
            disk.give(key, MemoryDisk.details(.file, mode))
            #expect(throws: PatientStoreFault.rights(key)) { _ = try open() }
        }
        disk.give(key, MemoryDisk.details(.other, 0o600))
        #expect(throws: PatientStoreFault.owner(key)) { _ = try open() }
        disk.give(key, MemoryDisk.details(.file, 0o600))
        for bytes in [Array(whole.dropLast()), whole + [0], []] {
            disk.put(bytes, at: key)
            #expect(throws: PatientStoreFault.keyDamaged(key)) { _ = try open() }
        }
        disk.put(whole, at: key)
        #expect(try open().subject(of: try Self.patient(1)) == store.subject(of: try Self.patient(1)))
        // Without patients a new one may be made; with them never.
        try store.keep(try Self.patient(1), as: store.subject(of: try Self.patient(1)))
        disk.take(key)
        #expect(throws: PatientStoreFault.noKey(key)) { _ = try open() }
    }

    @Test func onTheDiskOthersAreRefusedToo() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/patients"
        _ = try PatientStore(folder: path)
        chmod(path, 0o755)
        #expect(throws: PatientStoreFault.rights(path)) { _ = try PatientStore(folder: path) }
        chmod(path, 0o700)
        chmod("\(path)/key", 0o644)
        #expect(throws: PatientStoreFault.rights("\(path)/key")) { _ = try PatientStore(folder: path) }
        chmod("\(path)/key", 0o600)
        #expect(throws: Never.self) { _ = try PatientStore(folder: path) }
        // A link leads nowhere, a pipe holds nobody up.
        symlink(path, "\(folder.path)/link")
        #expect(throws: PatientStoreFault.noFolder("\(folder.path)/link")) {
            _ = try PatientStore(folder: "\(folder.path)/link")
        }
        mkfifo("\(path)/\(String(repeating: "00", count: 32)).patient", 0o600)
        #expect(try PatientStore(folder: path).damaged == 1)
        mkdir("\(path)/stray.new", 0o700)
        mkdir("\(path)/\(String(repeating: "11", count: 32)).patient", 0o700)
        #expect(try PatientStore(folder: path).damaged == 2)
        #expect(throws: PatientStoreFault.self) { _ = try PatientStore(folder: "\(folder.path)/no/such/place") }
    }

    @Test func noMorePatientsThanTheLimit() throws {
        let disk = MemoryDisk()
        let store = try PatientStore(folder: Self.place, files: disk, most: 3)
        for number in 1...3 {
            try store.keep(try Self.patient(number), as: store.subject(of: try Self.patient(number)))
        }
        let fourth = try Self.patient(4)
        #expect(throws: PatientStoreFault.full(Self.place)) { try store.keep(fourth, as: store.subject(of: fourth)) }
        // Of a patient who is kept more may be said.
        let first = try Self.patient(1)
        #expect(throws: Never.self) { try store.keep(try Self.patient(1, name: "Noura"), as: store.subject(of: first)) }
        #expect(try PatientStore(folder: Self.place, files: disk, most: 2).damaged == 1, "what is too many is not read")
    }

    @Test func noFaultTellsOfAPatient() throws {
        let disk = MemoryDisk()
        let store = try PatientStore(folder: Self.place, files: disk)
        let patient = try Self.patient(77)
        disk.failsAt = disk.calls + 2
        let fault = #expect(throws: PatientStoreFault.self) {
            try store.keep(patient, as: store.subject(of: patient))
        }
        let words = "\(try #require(fault))"
        #expect(!words.contains("77") && !words.contains("Nora"))
        #expect(store.known.isEmpty, "what is not on the disk is not known")
    }
}
