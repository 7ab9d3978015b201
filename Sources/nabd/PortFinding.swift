import DevicePlans
import Fieldbus
import Foundation
import NabdHost
import SerialPorts

/// What can be known of a device's serial port without opening it.
struct PortFinding {
    let device: UnitConfiguration.Device
    let path: String
    /// What is wrong with it, in a sentence; `nil` when nothing is.
    let fault: String?

    /// One for each device that has a port of this machine.
    static func all(_ unit: UnitConfiguration) -> [PortFinding] {
        var taken: [UInt64: (path: String, handle: String)] = [:]
        return unit.devices.compactMap { device in
            guard case .path(let path) = device.address else { return nil }
            func found(_ fault: String?) -> PortFinding { PortFinding(device: device, path: path, fault: fault) }
            switch PortPlace(path) {
            case .missing: return found(FieldbusError.cannotOpen(path: path, errno: ENOENT).description)
            case .forbidden: return found(FieldbusError.cannotOpen(path: path, errno: EACCES).description)
            case .other(let what):
                return found("\(path) is \(what) and no serial port: “nabd ports” tells which there are")
            case .terminal(let number):
                guard let other = taken[number] else {
                    taken[number] = (path, device.plan.handle)
                    return found(nil)
                }
                // Devices of one Modbus line have one name for it.
                guard other.path != path else { return found(nil) }
                return found(
                    "\(path) is the same port as \(other.path) of “\(other.handle)”: give each device a port of its "
                        + "own, or devices of one Modbus line the same name")
            }
        }
    }
}
