import DeviceModel
import DevicePlans
import ModbusFrames
import ProfileLanguage

/// Reads the requests and replies of a Modbus capture.
struct ModbusCapture {
    private struct Pending {
        let transaction: UInt16
        let unit: UInt8
        let block: ModbusBlock
        let offset: Int
    }

    private let plan: DevicePlan
    private let bytes: [UInt8]
    private let isTCP: Bool
    private var pending: Pending?
    private var sawDamage = false
    private var decoder: ModbusDecoder

    init(plan: DevicePlan, bytes: [UInt8]) {
        self.plan = plan
        self.bytes = bytes
        isTCP = plan.line.transport == .modbusTCP
        decoder = ModbusDecoder(plan)
    }

    mutating func read(sink: inout some RecordSink) {
        var place = 0
        while place < bytes.count {
            if let length = isTCP ? takeTCP(at: place, sink: &sink) : takeRTU(at: place, sink: &sink) {
                place += length
            } else {
                place += 1
                sawDamage = true
            }
        }
        giveUp(sink: &sink)
    }

    /// A request whose reply never came whole.
    private mutating func giveUp(sink: inout some RecordSink) {
        guard let waiting = pending else { return }
        let reason: Reason = sawDamage ? .checksumMismatch : .timedOut
        decoder.miss(
            waiting.block, reason == .timedOut ? .notAvailable : .invalid, reason, time: 0, offset: waiting.offset,
            sink: &sink)
        pending = nil
    }

    private mutating func takeRTU(at place: Int, sink: inout some RecordSink) -> Int? {
        if let (request, length) = RTUFrame.request(bytes, at: place, end: bytes.count), request.isData {
            takeRequest(request, transaction: 0, unit: bytes[place], offset: place, sink: &sink)
            return length
        }
        if let length = RTUFrame.answerLength(bytes, at: place, end: bytes.count), place + length <= bytes.count,
            RTUFrame.isWhole(bytes, place..<(place + length))
        {
            takeReply(at: place + 1, transaction: 0, unit: bytes[place], offset: place, sink: &sink)
            return length
        }
        return RTUFrame.request(bytes, at: place, end: bytes.count)?.length
    }

    private mutating func takeTCP(at place: Int, sink: inout some RecordSink) -> Int? {
        let start = place + TCPFrame.headerLength
        guard let header = TCPFrame(bytes, at: place, end: bytes.count), TCPFrame.isModbus(bytes, at: place) else {
            return nil
        }
        let end = place + header.end
        if end <= bytes.count, let request = ModbusRequest(bytes, start..<end), request.isData {
            takeRequest(request, transaction: header.transaction, unit: header.unit, offset: place, sink: &sink)
            return header.end
        }
        // An answer is as long as its function says.
        guard let length = ModbusAnswer.length(bytes, at: start, end: bytes.count),
            start + length <= min(bytes.count, end)
        else { return nil }
        takeReply(at: start, transaction: header.transaction, unit: header.unit, offset: place, sink: &sink)
        return min(header.end, bytes.count - place)
    }

    private mutating func takeRequest(
        _ request: ModbusRequest, transaction: UInt16, unit: UInt8, offset: Int, sink: inout some RecordSink
    ) {
        giveUp(sink: &sink)
        sawDamage = false
        let (address, count) =
            switch request {
            case .read(_, let address, let count): (address, count)
            case .identification(let object): (Int(object), 1)
            default: (0, 0)
            }
        pending = plan.block(unit: unit, function: request.function.rawValue, address: address, count: count).map {
            Pending(transaction: transaction, unit: unit, block: $0, offset: offset)
        }
    }

    /// A reply whose function code is at `start`.
    private mutating func takeReply(
        at start: Int, transaction: UInt16, unit: UInt8, offset: Int, sink: inout some RecordSink
    ) {
        let function = bytes[start] & ~ModbusFunction.exceptionBit
        switch ModbusAnswer(bytes, at: start, end: bytes.count) {
        case .exception?:
            guard let waiting = pending, waiting.unit == unit, waiting.block.function == function,
                waiting.transaction == transaction
            else { return }
            decoder.miss(waiting.block, .notAvailable, .deviceException, time: 0, offset: offset, sink: &sink)
            pending = nil
        case .data(let data)?:
            guard let block = block(unit: unit, function: function, size: data.count, transaction: transaction) else {
                return
            }
            decoder.take(bytes, from: data.lowerBound, of: block, time: 0, offset: offset, sink: &sink)
            pending = nil
        case .object(let object, _)?:
            guard let block = plan.block(unit: unit, function: function, address: Int(object), count: 1) else { return }
            if let waiting = pending {
                guard waiting.unit == unit, waiting.block.function == function, waiting.transaction == transaction,
                    waiting.block.address == block.address
                else { return }
            }
            decoder.take(bytes, from: start + 2, of: block, time: 0, offset: offset, sink: &sink)
            pending = nil
        case .repeated?, nil: return
        }
    }

    /// What a reply answers: the request before it, or, where that is missing, the one read of the profile that has its
    /// size.
    private func block(unit: UInt8, function: UInt8, size: Int, transaction: UInt16) -> ModbusBlock? {
        if let waiting = pending {
            let isIts =
                waiting.unit == unit && waiting.block.function == function && waiting.block.replySize == size
                && waiting.transaction == transaction
            return isIts ? waiting.block : nil
        }
        guard case .modbus(let modbus) = plan.protocolPlan else { return nil }
        let fitting = modbus.blocks.filter { $0.unit == unit && $0.function == function && $0.replySize == size }
        return fitting.count == 1 ? fitting.first : nil
    }
}
