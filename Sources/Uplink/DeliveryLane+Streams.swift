import DeviceModel
import SampleJournal

extension DeliveryLane {
    /// Metrics of what a pump gives begin so. A stream is in the same lane for ever, or part of it would be in none:
    /// another name here needs a book that has the place of both lanes at the earlier one.
    private static let ofPumps = [
        "MDC_PUMP_", "MDC_FLOW_FLUID_", "MDC_VOL_FLUID_", "MDC_VOL_SYRINGE", "MDC_RATE_DOSE", "MDC_DRUG_NAME",
        "MDC_CONC_DRUG", "NABD_PUMP_", "NABD_SYRINGE", "NABD_BOLUS_",
    ]

    /// The lane of a stream's samples.
    init(of stream: StreamDescriptor) {
        if stream.isWaveform {
            self = .waveforms
        } else {
            self = Self.ofPumps.contains { stream.metric.hasPrefix($0) } ? .pumpState : .numerics
        }
    }
}
