#if !Commands
/// A build without the command path: no request of it can be a write, for there is no value of this.
package typealias ModbusWriteRequest = Never

extension Never {
    package var function: ModbusFunction { switch self {} }
    package var address: Int { switch self {} }
    var isItsOwnAnswer: Bool { switch self {} }
    func append(to bytes: inout [UInt8]) { switch self {} }

    /// Whatever the bytes are, they are no write that this build could say.
    init?(_ bytes: [UInt8], _ range: Range<Int>, _ function: ModbusFunction) { return nil }
}
#endif
