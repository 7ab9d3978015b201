package import DevicePlans
package import Fieldbus
import ProfileLanguage

extension DevicePlan {
    /// Why the device cannot be on such a line; `nil` when it can.
    package func fault(on address: LineAddress) -> String? {
        switch (line.transport, address) {
        case (_, .newPseudoTerminal): "a line is a serial port, or tcp://HOST:PORT"
        case (.serial, .path) where line.serial == nil:
            "this device speaks over TCP only: its line is tcp://HOST:PORT, or it calls (listen:tcp://ADDRESS:PORT)"
        case (.serial, .rtuOverTCP), (.serial, .modbusTCP):
            "this device does not speak Modbus: its line is a serial port, or tcp://HOST:PORT"
        case (.serial, _): nil
        case (_, .listening): "a Modbus device is asked, it does not call"
        case (.modbusTCP, .path): "this device speaks Modbus TCP: its line is tcp://HOST:PORT"
        case (.modbusTCP, .rtuOverTCP): "this device speaks Modbus TCP, not RTU frames: its line is tcp://HOST:PORT"
        case (.modbusTCP, _), (.modbusRTU, .path), (.modbusRTU, .rtuOverTCP), (.modbusRTU, .modbusTCP): nil
        case (.modbusRTU, .tcp):
            "this device speaks Modbus RTU: its line is a serial port, rtu+tcp://HOST:PORT where a terminal server "
                + "carries its frames as they are, "
                + "or modbus+tcp://HOST:PORT where a gateway speaks Modbus TCP"
        }
    }
}
