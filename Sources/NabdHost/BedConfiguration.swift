import BedDesk
import PatientStore
import Patients

extension UnitConfiguration {
    /// The bed of each device that is at one, as the configuration says.
    var bedOfDevice: [String: String] {
        Dictionary(beds.flatMap { bed in bed.configured.devices.map { ($0, bed.id) } }) { first, _ in first }
    }

    /// The beds, as the desk has them.
    var deskBeds: [BedDesk.Bed] {
        beds.map { BedDesk.Bed(bed: $0.id, configured: $0.configured, preset: $0.preset) }
    }
}

extension PatientStore: PatientKeeping {}
