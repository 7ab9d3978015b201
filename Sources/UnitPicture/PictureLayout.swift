import DeviceModel

/// Which streams a picture has, and at which bed each is.
struct PictureLayout {
    struct Stream {
        let number: Int64
        let descriptor: StreamDescriptor
        /// Whether it is a result, which does not become stale.
        let isResult: Bool
        /// `nil` where its device is at no bed, or claimed by two.
        let bed: String?
    }

    /// In the order of their numbers.
    let streams: [Stream]
    let byNumber: [Int64: Stream]
    let pumps: [PumpStreams]
    /// The bed of each device that is at one.
    let bedOfDevice: [String: String]

    /// What is the same for both.
    private struct Key: Hashable {
        let device: String
        let vmd: String?
        let metric: String
    }

    /// - Parameters:
    ///   - known: all streams of the journal; of those of one metric of one device, the one that was heard last in the
    ///     session counts, or, before any was heard, the newest of the device's profile.
    ///   - beds: the devices of each bed.
    init(_ samples: SessionSamples, _ devices: [String: SessionDevices.Device], beds: [String: [String]]) {
        let claims = Dictionary(grouping: beds.flatMap { bed, devices in devices.map { (bed, $0) } }) { $0.1 }
        let bedOfDevice = claims.compactMapValues { $0.count == 1 ? $0[0].0 : nil }
        var chosen: [Key: Int64] = [:]
        for (number, stream) in samples.streams {
            guard let device = devices[stream.device] else { continue }
            let heard = samples.heard[number]
            guard heard != nil || stream.profile == device.profile else { continue }
            let key = Key(device: stream.device, vmd: stream.vmd, metric: stream.metric)
            guard let other = chosen[key] else {
                chosen[key] = number
                continue
            }
            let isBetter = (heard ?? .min, number) > (samples.heard[other] ?? .min, other)
            if isBetter { chosen[key] = number }
        }
        streams = chosen.values.sorted().compactMap { number in
            samples.streams[number].map { stream in
                Stream(
                    number: number, descriptor: stream,
                    isResult: devices[stream.device]?.results.contains(stream.metric) ?? false,
                    bed: bedOfDevice[stream.device])
            }
        }
        byNumber = Dictionary(streams.map { ($0.number, $0) }) { first, _ in first }
        pumps = PumpStreams.all(streams.map { ($0.number, $0.descriptor) })
        self.bedOfDevice = bedOfDevice
    }
}
