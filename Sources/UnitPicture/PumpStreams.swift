import DeviceModel

/// The streams by which a screen tells what an infusion pump does.
struct PumpStreams: Hashable {
    /// A pump: a device, or one of a rack's.
    struct Place: Hashable, Comparable {
        let device: String
        let vmd: String?

        static func < (left: Place, right: Place) -> Bool {
            (left.device, left.vmd ?? "") < (right.device, right.vmd ?? "")
        }
    }

    /// What is told of one; raw values are members of the picture.
    enum Part: String, CaseIterable {
        case drug
        case rate
        case volume
        case toBeInfused
        case timeLeft
        case state

        /// The metrics that mean it, the best first. Names: `device-profiles/nomenclature/metrics.tsv`; which pumps
        /// tell which, their profiles. What flows now says more than what was set.
        var metrics: [String] {
            switch self {
            case .drug: ["MDC_DRUG_NAME_LABEL"]
            case .rate: ["MDC_FLOW_FLUID_PUMP_CURRENT", "MDC_FLOW_FLUID_PUMP"]
            case .volume: ["MDC_VOL_FLUID_DELIV_TOTAL", "MDC_VOL_FLUID_DELIV_SEGMENT"]
            case .toBeInfused: ["MDC_VOL_FLUID_TBI", "MDC_VOL_FLUID_TBI_REMAIN"]
            case .timeLeft: ["MDC_TIME_PD_REMAIN", "NABD_PUMP_TIME_LEFT"]
            case .state: ["MDC_PUMP_INFUSING_STATUS", "MDC_PUMP_MODE"]
            }
        }
    }

    let place: Place
    /// The number of the stream of each part that it has.
    let parts: [Part: Int64]

    /// All pumps among streams: each place that tells a rate.
    static func all(_ streams: [(number: Int64, descriptor: StreamDescriptor)]) -> [PumpStreams] {
        let rates = Set(Part.rate.metrics)
        let places = Set(
            streams.filter { rates.contains($0.descriptor.metric) }.map {
                Place(device: $0.descriptor.device, vmd: $0.descriptor.vmd)
            })
        return places.sorted().map { place in
            let own = streams.filter { $0.descriptor.device == place.device && $0.descriptor.vmd == place.vmd }
            var parts: [Part: Int64] = [:]
            for part in Part.allCases {
                parts[part] =
                    part.metrics.lazy.compactMap { metric in
                        own.first { $0.descriptor.metric == metric }?.number
                    }.first
            }
            return PumpStreams(place: place, parts: parts)
        }
    }
}
