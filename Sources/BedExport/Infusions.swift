import DeviceModel

/// Which metrics tell of an infusion, and of what kind each is.
enum Infusions {
    /// What was set at the pump, or what it says that it did.
    enum Part: String {
        case programmed
        case delivered
    }

    private static let prefixes = [
        "MDC_FLOW_FLUID_", "MDC_VOL_FLUID_", "MDC_VOL_INFUS_", "MDC_TIME_PD_FLUID_", "NABD_BOLUS_", "NABD_SYRINGE",
        "NABD_LINE_FLOW", "MDC_VOL_SYRINGE",
    ]
    /// What leaves the patient is none.
    private static let others = ["_DRAIN", "_COL", "_BAL_"]

    /// `nil` for a metric that is of no infusion.
    static func part(of stream: StreamDescriptor) -> Part? {
        guard prefixes.contains(where: stream.metric.hasPrefix), !others.contains(where: stream.metric.contains) else {
            return nil
        }
        return stream.name?.category == .setting || settings.contains(stream.metric) ? .programmed : .delivered
    }

    /// In records of hosts that did not write the category. Names: `device-profiles/nomenclature/metrics.tsv`.
    private static let settings: Set<String> = [
        "MDC_FLOW_FLUID_PUMP", "MDC_FLOW_FLUID_BOLUS", "MDC_VOL_FLUID_TBI", "MDC_VOL_SYRINGE", "NABD_BOLUS_SIZE",
        "NABD_SYRINGE",
    ]
}

/// Tells when what a stream says changes, or is said anew after a hole.
struct ChangeWatch {
    private var last: (value: String?, validity: Validity, reason: Reason, moment: JournalMoment)?

    mutating func isNews(_ sample: SessionSample) -> Bool {
        defer { last = (sample.value, sample.validity, sample.reason, sample.moment) }
        guard let last else { return true }
        let (limit, overflow) = sample.descriptor.periodNanoseconds.multipliedReportingOverflow(by: 3)
        return (last.value, last.validity, last.reason) != (sample.value, sample.validity, sample.reason)
            || last.moment.session != sample.moment.session
            || !overflow && sample.moment.time &- last.moment.time > limit
    }
}
