import DeviceModel
package import ProfileLanguage

/// Something a device says unasked.
package enum Unasked: Sendable {
    /// A frame of fixed length, perhaps one of a packet.
    case frame(Int)
    case message(Int)
}

extension DevicePlan {
    /// The shares of its line's time that asking the device takes, and that it takes unasked; `nil` where the line has
    /// no baud rate.
    ///
    /// Exact for Modbus and for frames of fixed length. For text a value of open width counts as 8 characters.
    package var lineLoad: (asked: Double, streamed: Double)? {
        guard let format = line.serial else { return nil }
        let byte = Double(format.bitsPerByte) / Double(format.baud)
        func share(_ bytes: Double, _ period: Int64, silence: Double = 0) -> Double {
            (bytes * byte + silence) / (Double(period) / 1e9)
        }
        let turnaround = Double(line.turnaround) / 1e9
        switch protocolPlan {
        case .modbus(let plan):
            let silence = 2 * max(3.5 * byte, format.baud > 19200 ? 0.00175 : 0) + turnaround
            // In ASCII a byte is two characters, and a frame has three more.
            func size(_ block: ModbusBlock) -> Double {
                line.isASCII ? 2 * (11 + Double(block.replySize)) + 6 : 13 + Double(block.replySize)
            }
            return (plan.blocks.reduce(0) { $0 + share(size($1), $1.period, silence: silence) }, 0)
        case .serial(let plan):
            var load = 0.0
            for request in plan.requests {
                guard let period = request.period else { continue }
                let asked =
                    plan.bytes(request.send, frame: request.frame, saying: .sample) { _ in
                        [UInt8](repeating: 0, count: 8)
                    }?.count ?? 0
                load += share(
                    Double(asked) + (request.reply.map { length(of: plan.messages[$0], plan) } ?? 0), period,
                    silence: turnaround)
            }
            return (load, unasked.reduce(0) { $0 + share(bytes($1.what, plan), $1.period) })
        }
    }

    /// How many values of a field stand in a message; of a curve of which only the message tells, those of a second.
    package func samples(of field: FieldPlan) -> Int {
        guard case .bits(_, let count, _) = field.source else { return 1 }
        let period = field.targets.first.map { streams[$0.stream].periodNanoseconds } ?? 1_000_000_000
        return count ?? max(1, Int((1e9 / Double(period)).rounded()))
    }

    /// How fast the device speaks unasked, as far as its profile tells. Unit: bytes a second; 0 when it only answers,
    /// or speaks at times only.
    package var streamedBytesPerSecond: Double {
        guard case .serial(let plan) = protocolPlan else { return 0 }
        return unasked.reduce(0) { $0 + bytes($1.what, plan) / (Double($1.period) / 1e9) }
    }

    /// What the device says unasked, and how often. Unit: ns.
    package var unasked: [(what: Unasked, period: Int64)] {
        guard case .serial(let plan) = protocolPlan else { return [] }
        func fastest(_ fields: [FieldPlan]) -> Int64? {
            fields.flatMap { field in
                field.targets.map { target in
                    streams[target.stream].periodNanoseconds * Int64(samples(of: field))
                }
            }.min()
        }
        var found: [(Unasked, Int64)] = []
        for index in plan.frames.indices {
            var period = fastest(plan.frameFields[index].fields)
            if let packet = plan.packet, packet.frame == index, period == nil {
                period = fastest(packet.list.fields).map { $0 / Int64(packet.count) }
            }
            if let period { found.append((.frame(index), period)) }
        }
        // What is read by asking is not what the device speaks up for.
        let asked = Set(
            plan.requests.compactMap { $0.period == nil ? nil : $0.reply }.flatMap {
                plan.messages[$0].fields.map(\.index)
            })
        for (index, message) in plan.messages.enumerated() where !message.isReply {
            let fields = (message.fields + (message.records.map { $0.fields + $0.keyed.map(\.field) } ?? [])).filter {
                !asked.contains($0.index)
            }
            let isResult = fields.allSatisfy { $0.targets.allSatisfy(\.isEpisodic) }
            if isResult, !plan.requests.isEmpty { continue }
            // When a result comes is not known.
            if let period = fastest(fields) { found.append((.message(index), isResult ? 2_000_000_000 : period)) }
        }
        return found
    }

    private func bytes(_ what: Unasked, _ plan: SerialPlan) -> Double {
        switch what {
        case .frame(let index): Double(plan.frames[index].longest)
        case .message(let index): length(of: plan.messages[index], plan)
        }
    }

    /// The bytes of the record with a field.
    package func recordBytes(of field: FieldPlan, in records: BinaryRecords) -> Int {
        guard case .bits(let slices, _, let stride) = field.source, case .told(_, let times, let adds) = records.size
        else { return records.size.least }
        let last = (slices.map(\.byte).max() ?? 0) + 1 + (samples(of: field) - 1) * stride
        return adds + (max(0, last - adds) + times - 1) / times * times
    }

    private func length(of message: MessagePlan, _ plan: SerialPlan) -> Double {
        let frame = plan.frames[message.frame]
        if case .fixed(let length) = frame.length { return Double(length) }
        if let length = message.length { return Double(length.lowerBound) }
        var bytes = frame.shortest
        func size(_ text: TextPlan) -> Int {
            text.segments.reduce(text.items.count - 1) { sum, segment in
                switch segment {
                case .literal(_, let count): sum + count
                case .hole(_, let width): sum + (width ?? 8)
                }
            }
        }
        bytes += message.text.map(size) ?? 0
        if let records = message.records, let binary = records.binary {
            bytes = max(bytes, binary.index.map { $0.bytes.upperBound + 1 } ?? 0)
            for keyed in records.keyed {
                // Each record with the head of a list of its own for each list around it.
                bytes +=
                    recordBytes(of: keyed.field, in: binary) + (binary.index == nil ? 4 * (binary.lists.count + 1) : 0)
            }
        } else if let records = message.records {
            bytes += max(1, records.keyed.count) * (size(records.each) + 1)
        }
        return Double(min(bytes, frame.longest))
    }
}
