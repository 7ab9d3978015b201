import DeviceDrivers
import DeviceModel
import DevicePlans
import ProfileLanguage

extension DeviceHealth {
    /// What is watched of a serial device for staleness: each question with a period, a rack's slots together, and what
    /// the device says unasked.
    ///
    /// - Parameter tick: how often what it says unasked is read. Unit: ns.
    static func watching(
        _ device: DevicePlan, _ plan: SerialPlan, tick: Int64, now: Int64
    ) -> (requests: [Int?], stream: Int?, health: DeviceHealth) {
        func metric(_ messages: [MessagePlan]) -> String {
            let fields = messages.flatMap { $0.fields + ($0.records?.keyed.map(\.field) ?? []) }
            return fields.lazy.flatMap(\.targets).first.map { device.streams[$0.stream].metric } ?? ""
        }
        var parts: [DeviceHealth.Part] = []
        var requests: [Int?] = []
        var rack: Int?
        let ofSlots = plan.requests.filter { $0.slot != nil }.compactMap(\.period).max()
        for request in plan.requests {
            guard let period = request.period, let reply = request.reply else {
                requests.append(nil)
                continue
            }
            if request.slot == nil || rack == nil {
                let name = metric([plan.messages[reply]])
                parts.append(
                    DeviceHealth.Part(
                        period: max(request.slot == nil ? period : ofSlots ?? period, tick), name: name, now: now))
                if request.slot != nil { rack = parts.count - 1 }
            }
            requests.append(request.slot == nil ? parts.count - 1 : rack)
        }
        guard let period = plan.streamPeriod else {
            return (requests, nil, DeviceHealth(parts: parts, isOnWire: device.line.serial != nil))
        }
        parts.append(
            DeviceHealth.Part(period: max(period, tick), name: metric(plan.messages.filter { !$0.isReply }), now: now))
        return (requests, parts.count - 1, DeviceHealth(parts: parts, isOnWire: device.line.serial != nil))
    }
}
