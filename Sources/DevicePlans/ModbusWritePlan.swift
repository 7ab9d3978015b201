#if Commands
package import ModbusFrames
package import ProfileLanguage

/// One write of a Modbus device, compiled: where it goes, and what the device answers that has done nothing.
package struct ModbusWritePlan: Sendable {
    /// Never 0.
    package let unit: UInt8
    package let span: WriteSpan
    /// The exceptions by which the device proves that it did nothing.
    package let proofs: [UInt8]
    let write: RegisterWrite

    /// Unit and request, without what RTU and TCP put around them; `nil` where an argument is missing, or its number
    /// does not fit.
    package func bytes(_ profile: DeviceProfile, argument: (String) -> String?) -> [UInt8]? {
        guard let words = profile.words(of: write, argument: argument), words.count == span.count,
            let first = words.first
        else { return nil }
        let write: ModbusWriteRequest
        switch span.function {
        case 5: write = .coil(address: span.address, isOn: first != 0)
        case 6: write = .register(address: span.address, value: first)
        case 15: write = .coils(address: span.address, words.map { $0 != 0 })
        case 16: write = .registers(address: span.address, words)
        default: return nil
        }
        var bytes = [unit]
        ModbusRequest.write(write).append(to: &bytes)
        return bytes
    }

    /// The request that an effect's bytes are; `nil` where they are none of this write.
    package func request(_ bytes: [UInt8]) -> ModbusRequest? {
        guard unit != 0, bytes.first == unit, let request = ModbusRequest(bytes, 1..<bytes.count),
            Int(request.function.rawValue) == span.function,
            request.writes == span.address..<(span.address + span.count)
        else { return nil }
        return request
    }
}

extension ModbusRequest {
    /// The coils or registers that it writes; none where it does not.
    fileprivate var writes: Range<Int> {
        switch self {
        case .write(.coil(let address, _)), .write(.register(let address, _)): address..<(address + 1)
        case .write(.coils(let address, let coils)): address..<(address + coils.count)
        case .write(.registers(let address, let values)): address..<(address + values.count)
        case .read, .loopback, .identification: 0..<0
        }
    }
}
#endif
