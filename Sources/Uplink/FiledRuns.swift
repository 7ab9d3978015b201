import DeviceModel
import FHIRMapping

/// The runs of one stream in a window: those that count or stand where they stood first, and for each withdrawn binding
/// those that are told anew.
struct FiledRuns {
    private let stretches: [PatientFilings.Stretch]
    /// One for each of the tellings of a stretch, by its place.
    private var layers: [SampleRunBuilder]
    private var place = 0

    /// - Parameter stretches: those that the window touches.
    init(_ stream: StreamDescriptor, _ form: SampleRunBuilder.Form, _ stretches: [PatientFilings.Stretch]) {
        self.stretches = stretches
        let count = stretches.map(\.filings.count).max() ?? 1
        layers = (0..<max(1, count)).map { _ in SampleRunBuilder(stream, form) }
    }

    mutating func append(_ sample: SampleRunBuilder.Sample) {
        guard !stretches.isEmpty else { return layers[0].append(sample) }
        if sample.time < stretches[place].from { place = 0 }
        while place + 1 < stretches.count, stretches[place].to <= sample.time { place += 1 }
        let filings = stretches[place].filings
        for layer in layers.indices {
            layers[layer].append(
                sample, under: layer < filings.count ? filings[layer] : nil, stretch: stretches[place].from)
        }
    }

    mutating func finish() -> [SampleRun] { layers.indices.flatMap { layers[$0].finish() } }
}
