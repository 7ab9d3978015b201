package import Fieldbus
import ModbusFrames

/// Carries Modbus ASCII over any line: an engine says and hears RTU, the line carries characters.
package final class ASCIILine<Carrier: ByteLine>: ByteLine {
    private let carrier: Carrier
    private var reader = ASCIIReader()
    private var characters = [UInt8](repeating: 0, count: 512)
    /// Bytes of whole frames that had no room.
    private var waiting: [UInt8] = []

    package var isConnection: Bool { carrier.isConnection }

    package init(_ carrier: Carrier) { self.carrier = carrier }

    package func open(deadline: Int64) throws(FieldbusError) {
        reader.reset()
        waiting.removeAll(keepingCapacity: true)
        try carrier.open(deadline: deadline)
    }

    package func close() { carrier.close() }

    package func read(into buffer: inout [UInt8], deadline: Int64) throws(FieldbusError) -> Int {
        if waiting.isEmpty {
            let count = try carrier.read(into: &characters, deadline: deadline)
            for place in 0..<count { reader.take(characters[place], into: &waiting) }
        }
        let taken = min(waiting.count, buffer.count)
        for place in 0..<taken { buffer[place] = waiting[place] }
        waiting.removeFirst(taken)
        return taken
    }

    package func write(_ bytes: [UInt8], deadline: Int64) throws(FieldbusError) {
        try carrier.write(ASCIIFrame.ascii(ofRTU: bytes), deadline: deadline)
    }
}
