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
        guard !configuration.beds.isEmpty else { return nil }
        guard let folder = configuration.patientFolder else {
            let refusal = configuration.refused.first { $0.part == .setting("patients") || $0.part == .setting("nabd") }
            let words =
                "the configuration does not say for certain where patients are kept, so nobody can be bound to a bed: "
                + "mend it (“nabd check”), then restart nabd-acquire"
            logger.error("\(words)", metadata: ["reason": "\(refusal?.reason ?? "“patients” is faulty")"])
            return nil
        }
        do throws(PatientStoreFault) { return try PatientStore(folder: folder) } catch {
            logger.error(
                "the patients' folder cannot be used, so nobody can be bound to a bed",
                metadata: ["folder": "\(folder)", "reason": "\(error)"])
            return nil
        }
    }
}
