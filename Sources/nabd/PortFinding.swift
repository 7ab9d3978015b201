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

    /// Why a port cannot be had now, in a sentence; `nil` when nothing is found.
    static func fault(_ path: String) -> String? {
        if let words = fault(path, PortPlace(path)) { return words }
        return PortFolders().holders(of: [path])[path]?.first(where: \.hasLocked).map {
            "\(path) is held by \($0): stop that process"
        }
    }

    /// Why what stands there is no port that this user can have.
    private static func fault(_ path: String, _ place: PortPlace) -> String? {
        switch place {
        case .missing: FieldbusError.cannotOpen(path: path, errno: ENOENT).description
        case .forbidden: FieldbusError.cannotOpen(path: path, errno: EACCES).description
        case .other(let what): "\(path) is \(what) and no serial port: “nabd ports” tells which there are"
        case .terminal: nil
        }
    }

    /// One for each device that has a port of this machine.
    static func all(_ unit: UnitConfiguration) -> [PortFinding] {
        var taken: [UInt64: (path: String, handle: String)] = [:]
        return unit.devices.compactMap { device in
            guard case .path(let path) = device.address else { return nil }
            func found(_ fault: String?) -> PortFinding { PortFinding(device: device, path: path, fault: fault) }
            let place = PortPlace(path)
            switch place {
            case .missing, .forbidden, .other: return found(fault(path, place))
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
