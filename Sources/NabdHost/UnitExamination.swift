import Console
import DeviceModel
import Foundation
import RealTime
import SampleJournal
import Synchronization
package import Uplink

/// Something that was looked at of what a unit needs of its machine.
package struct UnitFinding: Sendable, Hashable {
    package enum Severity: String, Sendable, CaseIterable {
        case good
        /// The host runs without it, at a price that is told.
        case warning
        /// Something cannot work.
        case fault
    }

    package let severity: Severity
    /// What it is about, such as `clock`: a word that programs know.
    package let what: String
    package let words: String

    package init(_ severity: Severity, _ what: String, _ words: String) {
        (self.severity, self.what, self.words) = (severity, what, words)
    }
}

/// What can be looked at beside a host that runs, as `nabd doctor` and the host itself do. It says nothing to a device
/// or a server.
package struct UnitExamination: Sendable {
    /// A certificate that the unit needs, and when it is no longer good.
    package struct Certificate: Sendable, Hashable {
        package enum Which: String, Sendable, CaseIterable {
            /// The unit's for the records service, and the first of its authorities' to expire.
            case uplink
            case uplinkAuthority
            /// The unit's for far clinicians, and the first of their authority's to expire.
            case far
            case farAuthority
        }

        package let which: Which
        /// `nil` where it cannot be read. Unit: s since 1970.
        package let expiry: Int?

        package init(_ which: Which, expiry: Int?) { (self.which, self.expiry) = (which, expiry) }

        /// Whole days until it expires, negative when it has; `nil` where it cannot be read.
        ///
        /// - Parameter utc: unit ns since 1970.
        package func daysLeft(at utc: Int64) -> Int64? {
            expiry.map { expiry in
                let left = Int64(expiry) - utc / 1_000_000_000
                return left / 86_400 - (left < 0 && left % 86_400 != 0 ? 1 : 0)
            }
        }
    }

    package let findings: [UnitFinding]
    package let certificates: [Certificate]
    /// When it was looked. Unit: ns since 1970.
    package let utc: Int64

    package init(findings: [UnitFinding], certificates: [Certificate], utc: Int64) {
        (self.findings, self.certificates, self.utc) = (findings, certificates, utc)
    }

    /// Looks now. It reads files.
    package init(_ unit: UnitConfiguration) {
        var findings = [Self.clock, Self.timeZone, Self.journal(unit)]
        if let console = unit.console { findings.append(Self.screens(console)) }
        if let uplink = unit.uplink { findings += Self.identity(uplink) }
        var certificates: [Certificate] = []
        if let expiries = unit.uplink?.expiries {
            certificates += [
                Certificate(.uplink, expiry: expiries.own), Certificate(.uplinkAuthority, expiry: expiries.authority),
            ]
        }
        if let expiries = unit.far?.place.expiries {
            certificates += [
                Certificate(.far, expiry: expiries.own), Certificate(.farAuthority, expiry: expiries.authority),
            ]
        }
        self.init(findings: findings, certificates: certificates, utc: WallClock.now())
    }

    /// Why nothing can be delivered as this unit, a sentence each. The key for tokens is not in it, which the host's
    /// own user may not read.
    var identityFaults: [String] {
        findings.filter { $0.severity == .fault && ["key", "certificate"].contains($0.what) }.map(\.words)
    }

    // MARK: The machine

    package static var clock: UnitFinding {
        guard ClockJudge().now() != .unknown else {
            return UnitFinding(
                .fault, "clock",
                "it says \(UTCTime.text(nanoseconds: WallClock.now())), which cannot be: set it (timedatectl set-time) "
                    + "and look whether the battery of the machine's clock is empty")
        }
        switch WallClock.isSynchronised() {
        case true?: return UnitFinding(.good, "clock", "synchronised")
        case false?:
            return UnitFinding(
                .warning, "clock",
                "the kernel does not hold it to be synchronised: is chrony or another time service running?")
        case nil: return UnitFinding(.warning, "clock", "the kernel does not tell whether it is synchronised")
        }
    }

    package static var timeZone: UnitFinding {
        let minutes = TimeZone.current.secondsFromGMT() / 60
        guard minutes != 0 else {
            return UnitFinding(
                .warning, "time zone",
                "it is UTC, and results that devices date themselves are compared with the machine's civil time: "
                    + "timedatectl set-timezone Asia/Riyadh")
        }
        let (hours, rest) = abs(minutes).quotientAndRemainder(dividingBy: 60)
        return UnitFinding(
            .good, "time zone",
            "\(TimeZone.current.identifier), \(hours) h\(rest > 0 ? " \(rest) min" : "") "
                + "\(minutes > 0 ? "ahead of" : "behind") UTC")
    }

    // MARK: The unit

    /// Whether the journal can be written, and finds room on its disk.
    ///
    /// - Parameter user: the host's; `nil`: whoever runs this program.
    package static func journal(_ unit: UnitConfiguration, for user: FileUser? = nil) -> UnitFinding {
        // Of a journal that is not there yet, the folder that it will be made in.
        var place = unit.journalDirectory
        while !FileManager.default.fileExists(atPath: place), place.count > 1 {
            place = URL(fileURLWithPath: place).deletingLastPathComponent().path
        }
        let isThere = place == unit.journalDirectory
        if isThere, let words = JournalRights.fault(of: place, for: user ?? .current) {
            return UnitFinding(.fault, "journal", words)
        }
        // What another user may is told by the files' rights; of this one the system knows more.
        guard user != nil && user != .current || access(place, W_OK | X_OK) == 0 else {
            return UnitFinding(
                .fault, "journal",
                "\(place) cannot be written by this user: check its owner, and that the disk is not read-only")
        }
        var figures = statvfs()
        guard statvfs(place, &figures) == 0 else {
            return UnitFinding(.fault, "journal", "the disk of \(place) cannot be asked for its size")
        }
        let free = Int64(figures.f_bavail) * Int64(figures.f_frsize)
        let wanted = unit.retention.limit - JournalFiles(directory: unit.journalDirectory).size
        let asked = user.map { $0 == .current ? "" : ", the files are right for the user \($0.name)" } ?? ""
        let words = "\(free >> 20) MiB free, \(unit.retention.limit >> 20) MiB allowed\(asked)"
        if free < 64 << 20 { return UnitFinding(.fault, "journal", "\(words): make room") }
        if free < wanted {
            return UnitFinding(
                .warning, "journal", "\(words): the disk will be full before the journal is at its limit")
        }
        return UnitFinding(.good, "journal", words)
    }

    package static func screens(_ place: ConsolePlace) -> UnitFinding {
        if let words = place.fault { return UnitFinding(.fault, "screens", words) }
        return UnitFinding(.good, "screens", "\(place.address)")
    }

    /// The unit's key and certificate for the records service.
    package static func identity(_ endpoint: UplinkEndpoint) -> [UnitFinding] {
        let unusable = endpoint.fault?.description
        var found = [
            unusable.map { UnitFinding(.fault, "key", $0) }
                ?? UnitFinding(.good, "key", "it belongs to the certificate, and not every user may read it")
        ]
        if let smart = endpoint.smart {
            found.append(
                (smart.fault?.description).map { UnitFinding(.fault, "token key", $0) }
                    ?? UnitFinding(.good, "token key", "it signs, and nobody but its owner may read it"))
        }
        // Before its time nobody can say how long it lasts.
        guard ClockJudge().now() != .unknown else { return found }
        do {
            let days = try endpoint.daysLeft()
            let words = "the unit's certificate is good for \(days) more days"
            if days < 0 {
                found.append(UnitFinding(.fault, "certificate", "the unit's certificate has expired: renew it"))
            } else {
                let isGood = try Int64(endpoint.noticeTime()) >= WallClock.now() / 1_000_000_000
                let advice =
                    endpoint.enrolment == nil ? "renew it" : "“nabd uplink status” says why it was not renewed"
                found.append(
                    UnitFinding(isGood ? .good : .warning, "certificate", isGood ? words : "\(words): \(advice)"))
            }
        } catch {
            if "\(error)" != unusable { found.append(UnitFinding(.fault, "certificate", "\(error)")) }
        }
        return found
    }
}

/// Looks at the machine now and then, so that whoever asks how the host is waits for no disk.
final class UnitExaminer: Sendable {
    /// Unit: s.
    private static let every = 60

    private let found = Mutex<UnitExamination?>(nil)

    /// What was found last; `nil` before the first look.
    var now: UnitExamination? { found.withLock { $0 } }

    /// Looks until the task is cancelled.
    func run(_ configuration: @Sendable () -> UnitConfiguration) async {
        while !Task.isCancelled {
            let examination = UnitExamination(configuration())
            found.withLock { $0 = examination }
            try? await Task.sleep(for: .seconds(Self.every))
        }
    }
}
