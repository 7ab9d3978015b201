import DeviceModel

@testable import DeviceDrivers

/// Keeps what was read.
struct Kept: RecordSink {
    var records: [SampleRecord] = []
    mutating func take(_ record: SampleRecord, frameOffset: Int) { records.append(record) }
}
