import DeviceDrivers
import DeviceModel
import ProfileLanguage

/// What else was seen on the line.
extension ModbusEngine {
    mutating func watch(at now: Int64) {
        for index in devices.indices { devices[index].watch(time: now) }
        guard contention.ends(time: now) else { return }
        for index in devices.indices { devices[index].sink.alert(.busContention, holds: false, time: now) }
    }

    mutating func look(asked: Int?, at now: Int64) {
        while let sighting = wire.takeSighting() {
            let device = devices.firstIndex { $0.units.contains(sighting.unit) } ?? asked ?? 0
            guard devices.indices.contains(device) else { continue }
            devices[device].sink.see(sighting.kind, time: now)
            doubt(sighting)
            if sighting.kind == .late {
                answers += 1
                devices[device].health.hearLate()
                forgetSilences(device, at: now)
            }
            if sighting.kind.isContention, contention.see(time: now) {
                devices[0].sink.event(.busContention, figure: 5, time: now)
                for index in devices.indices { devices[index].sink.alert(.busContention, holds: true, time: now) }
            }
        }
    }

    /// What came beside what was awaited may be of before: of this unit, or of one that nobody can tell.
    private mutating func doubt(_ sighting: LinkSighting) {
        switch sighting.kind {
        case .echo, .detour: return
        case .late, .duplicate, .conflicting, .unsolicited, .foreignRequest, .mismatched, .damaged, .resync, .echoLost:
            for device in devices.indices where sighting.unit == 0 || devices[device].units.contains(sighting.unit) {
                devices[device].drive.isClean = false
                devices[device].drive.isCalm = false
            }
        }
    }
}
