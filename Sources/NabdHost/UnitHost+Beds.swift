import BedDesk
import DeviceModel
import JournalFolds
import Logging
import PatientStore
import Patients
import RealTime
import SampleJournal

/// The beds of a unit, as its journal left them.
extension UnitHost {
    /// Also of a unit without beds: its configuration may get some while it runs, and its journal may have had some.
    func makeBeds(session: String) -> BedRounds {
        let unit = configuration
        let fold = BindingFold(journal: unit.journalDirectory)
        let now = MonotonicClock().now()
        var watches = BedWatches(presets: unit.presets, names: unit.names)
        watches.recall(
            fold, journal: unit.journalDirectory, boot: BootMark.id, at: now,
            utc: clock.now() == .unknown ? nil : WallClock.now())
        return BedRounds(
            BedDesk(fold, rules: BedRules(unit), store: patientStore()), unit, watches: watches, session: session,
            asks: desk?.beds)
    }

    /// Where the patients' identifiers stand; `nil` where it cannot be used: nobody can be bound then.
    private func patientStore() -> PatientStore? {
        guard !configuration.beds.isEmpty, let folder = configuration.patientFolder else { return nil }
        do throws(PatientStoreFault) { return try PatientStore(folder: folder) } catch {
            logger.error(
                "the patients' folder cannot be used, so nobody can be bound to a bed",
                metadata: ["folder": "\(folder)", "reason": "\(error)"])
            return nil
        }
    }
}
