/// Bytes on a Modbus line or behind a request on a serial one: steps of waiting, coming and looking.
///
/// Frames are made whole as well as of any bytes, since a checksum of 16 bits is not found by trying.
enum LineMode {
    static func run(_ input: inout Input) {
        switch input.byte() % 3 {
        case 0: rtu(&input)
        case 1: tcp(&input)
        default: echo(&input)
        }
    }

    private static func request(_ input: inout Input) -> RegisterRequest {
        let kind = input.byte()
        let count = 1 + Int(input.byte()) % 125
        return RegisterRequest(unit: 1 + kind >> 4 & 3, function: 1 + kind & 3, address: input.word(), count: count, slowestReply: 1, mayWiden: false)
    }

    // MARK: RTU

    private static func rtu(_ input: inout Input) {
        var inbox = RTUInbox()
        var wanted: RegisterRequest?
        var time: Int64 = 0
        for _ in 0..<64 where !input.isOver {
            time += 1
            switch input.byte() % 8 {
            case 0, 1:
                let asked = request(&input)
                wanted = asked
                var bytes = [asked.unit, asked.function, UInt8(asked.address >> 8), UInt8(asked.address & 0xFF), 0, UInt8(asked.count)]
                RTUFrame.appendChecksum(&bytes)
                inbox.await(RTUInbox.Awaited(shape: AnswerShape(asked), length: asked.dataBytes + 5), request: bytes, echoIsAnswer: false)
                if input.byte() & 1 == 1 { inbox.append(bytes, count: bytes.count) }
            case 2:
                let bytes = input.take(Int(input.byte()))
                inbox.append(bytes, count: bytes.count)
            case 3, 4:
                // A whole frame of any content, perhaps cut short.
                var bytes = input.take(3 + Int(input.byte()))
                if bytes.count > 2, let wanted, input.byte() & 1 == 1 {
                    bytes = [wanted.unit, wanted.function, UInt8(wanted.dataBytes)] + bytes.prefix(wanted.dataBytes)
                    bytes += [UInt8](repeating: 0, count: wanted.dataBytes + 3 - bytes.count)
                }
                RTUFrame.appendChecksum(&bytes)
                inbox.append(bytes, count: max(0, bytes.count - Int(input.byte() & 3)))
            case 5: _ = inbox.takeRest()
            case 6:
                if let wanted { inbox.unanswered.add(AnswerShape(wanted), sent: time, patience: 20) }
                inbox.awaitNothing()
            default: inbox.unanswered.expire(now: time)
            }
            look(&inbox, wanted)
            while inbox.sightings.take() != nil {}
        }
    }

    private static func look(_ inbox: inout RTUInbox, _ wanted: RegisterRequest?) {
        for _ in 0..<200 {
            switch inbox.next() {
            case .answer:
                guard let wanted else { broken("an answer to nothing") }
                let answer = inbox.answer
                guard answer[0] == wanted.unit, answer[1] == wanted.function, Int(answer[2]) == wanted.dataBytes,
                    RTUFrame.isWhole(answer, 0..<(wanted.dataBytes + 5))
                else { broken("an answer that is not the one awaited") }
                inbox.awaitNothing()
                return
            case .exception:
                inbox.awaitNothing()
                return
            case .damaged, .needMore: return
            }
        }
        broken("an inbox that never ends")
    }

    // MARK: TCP

    private static func tcp(_ input: inout Input) {
        var inbox = TCPInbox()
        var wanted: RegisterRequest?
        var transaction: UInt16 = 0
        for _ in 0..<64 where !input.isOver {
            switch input.byte() % 5 {
            case 0:
                wanted = request(&input)
                transaction &+= 1
            case 1:
                inbox.giveUp(transaction)
                wanted = nil
            case 2:
                let bytes = input.take(Int(input.byte()))
                if bytes.count <= inbox.room { inbox.append(bytes, count: bytes.count) } else { inbox.clear() }
            default:
                // A header that is right, a body of any bytes.
                let body = input.take(2 + Int(input.byte() % 250))
                let number = transaction &- UInt16(input.byte() & 3)
                let length = body.count + (input.byte() == 0 ? 1 : 0)
                let bytes = [UInt8(number >> 8), UInt8(number & 0xFF), 0, 0, UInt8(length >> 8), UInt8(length & 0xFF)] + body
                if bytes.count <= inbox.room { inbox.append(bytes, count: bytes.count) } else { inbox.clear() }
            }
            switch inbox.next(wanted, transaction: transaction) {
            case .answer:
                guard let wanted, inbox.answer[0] == wanted.function, Int(inbox.answer[1]) == wanted.dataBytes else {
                    broken("an answer that is not the one awaited")
                }
            case .exception, .wrongContent: if wanted == nil { broken("an answer to nothing") }
            case .outOfStep: inbox.clear()
            case .needMore: break
            }
            while inbox.sightings.take() != nil {}
        }
    }

    // MARK: Echo

    /// Whatever is taken off is the request, from its first byte on; nothing else is lost, nothing is made up.
    private static func echo(_ input: inout Input) {
        var filter = EchoFilter()
        var buffer = [UInt8](repeating: 0, count: 256 + EchoFilter.room)
        for _ in 0..<16 where !input.isOver {
            let request = input.take(Int(input.byte() % 40))
            let coming = (input.byte() & 1 == 1 ? request : []) + input.take(Int(input.byte()))
            var out: [UInt8] = []
            filter.expect(request)
            var place = 0
            while place < coming.count {
                let count = min(1 + Int(input.byte() % 16), coming.count - place)
                for offset in 0..<count { buffer[offset] = coming[place + offset] }
                out += buffer[..<filter.pass(&buffer, count: count)]
                place += count
            }
            out += buffer[..<filter.passRest(&buffer)]
            let isEchoTakenOff = coming.starts(with: request) && out.elementsEqual(coming.dropFirst(request.count))
            if !out.elementsEqual(coming), !isEchoTakenOff { broken("bytes that were lost or made up") }
            while filter.takeSighting() != nil {}
        }
    }
}
