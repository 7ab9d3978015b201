package import FHIRMapping
package import Nomenclature

/// What the uplink does and how far it is.
package struct UplinkStatus: Sendable {
    package var isReachable = false
    /// The last thing that went wrong; `nil` when the last bundle was taken.
    package var problem: String?
    /// Whether the book says that something is wrong: this process, or one before it.
    var isNoted = false
    /// Resources that are stored there, in all.
    package var stored = 0
    /// Resources that were put aside.
    package var parked = 0
    /// Whether what the service said it had stored was not there when it was last read back.
    package var isContradicted = false
    /// Whether another machine delivers under the same identity.
    package var isShared = false
    /// What of everything goes, by the month's bytes.
    var stage = LinkStage.everything
}

extension UplinkService {
    package struct Settings: Sendable {
        /// What people call the unit.
        package var unit: String
        /// The destination's address; its book is known by it.
        package var destination: String
        package var isTestData: Bool
        /// The length of windows of sessions before version 5, which do not say it. Unit: ns.
        package var window: Int64
        /// Names for records of hosts that did not write what their metrics were called.
        package var names: Nomenclature
        /// Whether bodies go in gzip, to a service that reads it.
        package var compresses: Bool
        /// Tells this machine from another with a copy of its record; `nil` where nothing does.
        package var machine: String?
        /// How often a sample of what was acknowledged is read back. Unit: ns.
        package var reconcileEvery: Int64
        /// Which waveforms are sent.
        package var waveforms: WaveformPolicy
        /// Who a patient is, by the keyed digest; `nil` where the protected store cannot say now.
        package var identity: @Sendable (String) -> PatientIdentity?

        /// What becomes of samples whose time nobody knows yet.
        package var unsetClock = UnsetClock.hold

        package init(
            unit: String, destination: String, isTestData: Bool, window: Int64, names: Nomenclature, compresses: Bool,
            reconcileEvery: Int64, machine: String? = nil, waveforms: WaveformPolicy = .always,
            identity: @escaping @Sendable (String) -> PatientIdentity? = { _ in nil }
        ) {
            self.unit = unit
            self.destination = destination
            self.isTestData = isTestData
            self.window = window
            self.names = names
            self.compresses = compresses
            self.reconcileEvery = reconcileEvery
            self.identity = identity
            self.machine = machine
            self.waveforms = waveforms
        }
    }

    /// What the book says of time, so that another process knows how the uplink is.
    package struct Time: Sendable {
        /// The monotonic clock of the machine. Unit: ns.
        let now: @Sendable () -> Int64
        /// Names this boot of the machine.
        let boot: Int64

        package init(now: @escaping @Sendable () -> Int64, boot: Int64) { (self.now, self.boot) = (now, boot) }
    }
}
