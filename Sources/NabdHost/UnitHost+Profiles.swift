import DevicePlans
import Logging
import ProfileLanguage

extension UnitHost {
    /// Says once whose profiles rest on what nobody has confirmed; what that is, to whoever asks for more.
    func tellProfiles() {
        for device in configuration.devices {
            let plan = device.plan
            logger.debug(
                "this device is read by its profile",
                metadata: [
                    "device": "\(plan.handle)", "line": "\(device.address)", "profile": "\(plan.profile.name)",
                    "metrics": "\(plan.streams.count)",
                ])
            for fact in plan.profile.provenance where fact.unverified {
                logger.debug(
                    "this fact of its profile is unverified",
                    metadata: ["device": "\(plan.handle)", "fact": "\(fact.document)"])
            }
        }
        let resting = configuration.devices.filter { $0.plan.profile.provenance.contains(where: \.unverified) }
        guard !resting.isEmpty else { return }
        logger.notice(
            "profiles in use rest on unverified facts: “nabd profile list” names them",
            metadata: ["devices": "\(resting.map(\.plan.handle).joined(separator: ", "))"])
    }
}
