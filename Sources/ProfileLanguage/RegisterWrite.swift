package import StrictYAML

/// One Modbus write: coils or registers that follow each other, with what each is to hold.
package struct RegisterWrite: Sendable {
    package enum Content: Sendable {
        /// The argument with this name.
        case argument(String)
        case value(ValueCode)
    }

    package struct Part: Sendable {
        /// The name of a field in coils or holding registers.
        package let field: String
        package let content: Content
        package let location: SourceLocation
    }

    package let parts: [Part]
    /// 5, 6, 15 or 16 where the profile says which; `nil`: the shortest.
    package let function: Int?
    /// The exceptions by which the device proves that it did nothing. Range: 1…4.
    package let proofs: [UInt8]
    package let location: SourceLocation

    /// Functions that write. Source: MODBUS Application Protocol V1.1b3, 6.5, 6.6, 6.11 and 6.12.
    package static let functions = [5, 6, 15, 16]
    /// What a device finds before it does anything: the function, the address, the value. Exception 4 comes when it has
    /// failed in the doing. Source: MODBUS Application Protocol V1.1b3, section 7 and the state diagrams of section 6.
    static let usualProofs: [UInt8] = [1, 2, 3]
    /// The most registers and coils of one write. Source: 6.12 and 6.11.
    static let mostRegisters = 123
    static let mostCoils = 1968

    /// The names of fields and arguments that it is made of.
    var names: [String] {
        parts.flatMap { part in
            if case .argument(let name) = part.content { [part.field, name] } else { [part.field] }
        }
    }

    /// The field that holds an argument; `nil` where none does.
    func field(of argument: String) -> String? {
        parts.first { if case .argument(argument) = $0.content { true } else { false } }?.field
    }
}

/// Where a write goes, and how much of it there is.
package struct WriteSpan: Sendable, Hashable {
    package let space: RegisterSource.Space
    package let address: Int
    /// Registers or coils.
    package let count: Int
    /// 5, 6, 15 or 16.
    package let function: Int

    /// `nil` where the parts are no run of coils or of registers, or are more than one write holds.
    init?(_ write: RegisterWrite, _ fields: [FieldDescription]) {
        let sources = fields.compactMap { field in
            if case .registers(let source) = field.place { source } else { nil }
        }
        guard sources.count == write.parts.count, let first = sources.first else { return nil }
        var end = first.address
        for source in sources {
            guard source.space == first.space, source.address == end else { return nil }
            end += source.registers
        }
        (space, address, count) = (first.space, first.address, end - first.address)
        let isCoil = first.space == .coil
        guard count <= (isCoil ? RegisterWrite.mostCoils : RegisterWrite.mostRegisters) else { return nil }
        function = write.function ?? (isCoil ? count == 1 ? 5 : 15 : count == 1 ? 6 : 16)
        let allowed = isCoil ? count == 1 ? [5, 15] : [15] : count == 1 ? [6, 16] : [16]
        guard allowed.contains(function) else { return nil }
    }
}

extension DeviceProfile {
    /// Where a write goes; `nil` where it is none that can be said.
    package func span(of write: RegisterWrite) -> WriteSpan? {
        let fields = write.parts.compactMap { field($0.field) }
        return fields.allSatisfy { $0.writeFault == nil } ? WriteSpan(write, fields) : nil
    }
}
