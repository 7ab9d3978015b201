import DeviceModel
import DevicePlans
import Foundation
import ProfileLanguage
import StrictYAML

extension UnitReader {
    /// Which profiles the unit takes.
    struct Trust {
        /// Whether profiles are taken only from the list.
        var isListed = false
        /// The list; `nil` when there is none that can be believed.
        var accepted: AcceptedProfiles?
        /// Whether nothing but reads is ever said.
        var isMonitorOnly = false
    }

    /// Reads what the unit says of the profiles that it takes. A faulty part makes it stricter, never laxer.
    mutating func readTrust(_ root: YAMLMapping) {
        // A key that is not known may be one of these, misspelt.
        let unknown = root.entries.map(\.0).filter { !Self.keys.contains($0) }
        func mayBeMeant(_ key: String) -> Bool { unknown.contains { YAMLValue.suggest($0, among: [key]) != nil } }
        trust.isMonitorOnly = mayBeMeant("monitor-only")
        _ = part(.setting("monitor-only")) { reader in
            guard let value = root["monitor-only"] else { return }
            reader.trust.isMonitorOnly = value.bool("whether nothing but reads is said") ?? true
        }
        trust.isListed = root["accept"] != nil || mayBeMeant("accept")
        guard trust.isListed else { return }
        if !part(.setting("accept"), { $0.readAccepted(root) }) {
            // What was taken before counts on.
            let kept = KeptProfiles(journal: unit.journalDirectory).list
            trust.accepted = faultCost == .itsPart ? try? AcceptedProfiles(path: kept, key: nil) : nil
        }
    }

    private mutating func readAccepted(_ root: YAMLMapping) {
        guard let value = root["accept"], let map = value.mapping("the accepted profiles") else {
            return root.value.error("“accept” is not understood")
        }
        map.allow(["list", "key"])
        guard let listValue = map.required("list"), let list = listValue.text("the list's file") else { return }
        let key = map["key"]?.text("the public key's file").map(absolute)
        if map["key"] != nil, key == nil { return }
        let accepted: AcceptedProfiles
        do throws(InvalidFile) {
            accepted = try AcceptedProfiles(path: absolute(list), key: key)
        } catch {
            for diagnostic in error.diagnostics { diagnostics.report(diagnostic) }
            return
        }
        let kept = try? AcceptedProfiles(path: KeptProfiles(journal: unit.journalDirectory).list, key: nil)
        if let kept, kept.bytes != accepted.bytes, kept.version >= accepted.version {
            return listValue.error(
                "this list has version \(accepted.version), and this unit has taken version \(kept.version): a version "
                    + "only grows")
        }
        trust.accepted = accepted
        unit.accepted = accepted
    }

    /// The profile of a device: as it stands in the folders, or else as the unit read it last.
    mutating func profile(_ name: String, _ value: YAMLValue) -> DeviceProfile? {
        let findings = Diagnostics()
        let found = profileFolders.map { "\($0)/\(name)" }.first {
            FileManager.default.fileExists(atPath: "\($0)/profile.yaml")
        }
        if let found {
            if let profile = load(found, value, findings) { return profile }
        } else {
            findings.error(
                value.location, "there is no profile “\(name)” in \(profileFolders.joined(separator: ", "))",
                suggestion: ProfileShelf.suggest(name, in: profileFolders))
        }
        if faultCost == .itsPart, let path = KeptProfiles(journal: unit.journalDirectory).path(name),
            let profile = load(path, value, Diagnostics())
        {
            let part = UnitConfiguration.Refusal.Part.setting("profiles/\(name)")
            if !unit.refused.contains(where: { $0.part == part }) {
                refuse(
                    part, "\(findings.lastError?.description ?? "it is not there"); it is read as it was the last time")
            }
            return profile
        }
        for finding in findings.all { diagnostics.report(finding) }
        return nil
    }

    /// Loads a profile, and judges whether the unit takes it. What is wrong is left in `findings`.
    private func load(_ folder: String, _ value: YAMLValue, _ findings: Diagnostics) -> DeviceProfile? {
        let profile: DeviceProfile
        do throws(InvalidFile) {
            // A host that runs reads a device whose commands cannot be carried out; it carries none of them out.
            profile = try DeviceProfile.load(folder, commands: faultCost == .itsPart ? .areLeft : .areErrors)
        } catch {
            for diagnostic in error.diagnostics { findings.report(diagnostic) }
            return nil
        }
        profile.refuseCommands(CommandShelf.patterns(of: profileFolders), findings)
        if let fault = fault(of: profile) { findings.error(value.location, fault) }
        return findings.hasErrors ? nil : profile
    }

    /// Why the unit does not take a profile that is right in itself.
    private func fault(of profile: DeviceProfile) -> String? {
        let entry = trust.accepted?.entries[profile.name]
        let isAccepted = entry?.digest == profile.digest
        if trust.isListed, !isAccepted {
            return entry == nil
                ? "the profile “\(profile.name)” is not in the list of accepted profiles"
                : "the profile “\(profile.name)” is not the one that was accepted: its digest is \(profile.digest)"
        }
        guard trust.isMonitorOnly, profile.speaksFreely else { return nil }
        guard isAccepted, let entry else {
            return
                "this unit is “monitor-only”, and the profile “\(profile.name)” speaks to its device in bytes that "
                + "nobody vouches for: put it into the list of accepted profiles"
        }
        guard profile.hasInstructions, !entry.mayInstruct else { return nil }
        return
            "this unit is “monitor-only”, and the profile “\(profile.name)” says more than reads: the list of "
            + "accepted profiles must say so (“says: instructions”)"
    }
}
