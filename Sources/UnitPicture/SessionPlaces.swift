import DeviceModel
import SampleJournal

/// Since when each device of a session is where it is: a fold over what the session says of its beds.
struct SessionPlaces {
    /// The devices of each bed.
    private var beds: [String: [String]] = [:]
    /// When the session said its beds first: what it said then holds from its beginning. Unit: ns of the monotonic
    /// clock.
    private var first: Int64?
    /// When a device came to its bed, or left it, within the session. Unit: ns of the monotonic clock.
    private(set) var moved: [String: Int64] = [:]

    /// Takes an event of the session.
    mutating func take(_ event: EventRecord) {
        let body = event.object
        guard event.kind == EventKind.bedConfigured.name, let bed = body["bed"] as? String,
            let devices = body["devices"] as? [String]
        else { return }
        let time = event.monotonicNanoseconds
        let concerned = Set(devices + (beds[bed] ?? []))
        let before = concerned.map { ($0, self.bed(of: $0)) }
        beds[bed] = devices
        first = first ?? time
        for (device, place) in before where time != first && place != self.bed(of: device) { moved[device] = time }
    }

    /// `nil` where none has it, or two.
    private func bed(of device: String) -> String? {
        let claims = beds.filter { $0.value.contains(device) }
        return claims.count == 1 ? claims.first?.key : nil
    }
}
