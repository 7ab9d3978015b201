import TestSupport
import Testing

@testable import ModbusFrames

/// Frames of RTU and TCP against those that documents print.
@Suite struct ModbusFramesTests {
    private struct Printed: Sendable {
        let request: ModbusRequest
        let bytes: [UInt8]
        let answer: [UInt8]
    }

    /// Requests and answers as the specification prints them, from the function code on. Source: MODBUS Application
    /// Protocol V1.1b3, 6.1 to 6.12.
    private static let printed = [
        Printed(
            request: .read(.readCoils, address: 0x13, count: 0x13), bytes: [1, 0, 0x13, 0, 0x13],
            answer: [1, 3, 0xCD, 0x6B, 5]),
        Printed(
            request: .read(.readDiscreteInputs, address: 0xC4, count: 0x16), bytes: [2, 0, 0xC4, 0, 0x16],
            answer: [2, 3, 0xAC, 0xDB, 0x35]),
        Printed(
            request: .read(.readHoldingRegisters, address: 0x6B, count: 3), bytes: [3, 0, 0x6B, 0, 3],
            answer: [3, 6, 2, 0x2B, 0, 0, 0, 0x64]),
        Printed(
            request: .read(.readInputRegisters, address: 8, count: 1), bytes: [4, 0, 8, 0, 1], answer: [4, 2, 0, 0x0A]),
        Printed(
            request: .write(.coil(address: 0xAC, isOn: true)), bytes: [5, 0, 0xAC, 0xFF, 0],
            answer: [5, 0, 0xAC, 0xFF, 0]),
        Printed(request: .write(.register(address: 1, value: 3)), bytes: [6, 0, 1, 0, 3], answer: [6, 0, 1, 0, 3]),
        Printed(request: .loopback(0xA537), bytes: [8, 0, 0, 0xA5, 0x37], answer: [8, 0, 0, 0xA5, 0x37]),
        Printed(
            request: .write(
                .coils(address: 0x13, [true, false, true, true, false, false, true, true, true, false])),
            bytes: [15, 0, 0x13, 0, 10, 2, 0xCD, 1], answer: [15, 0, 0x13, 0, 10]),
        Printed(
            request: .write(.registers(address: 1, [10, 0x102])), bytes: [16, 0, 1, 0, 2, 4, 0, 10, 1, 2],
            answer: [16, 0, 1, 0, 2]),
    ]

    @Test(arguments: printed.indices) func requestsAreThosePrinted(index: Int) {
        let printed = Self.printed[index]
        var bytes: [UInt8] = []
        printed.request.append(to: &bytes)
        #expect(bytes == printed.bytes)
        #expect(ModbusRequest(bytes, 0..<bytes.count) == printed.request)
        #expect(printed.request.answerLength == printed.answer.count)
        #expect(ModbusAnswer.length(printed.answer, at: 0, end: printed.answer.count) == printed.answer.count)
        // Cut short, or with a byte too many, it is none.
        for count in 0..<bytes.count { #expect(ModbusRequest(bytes, 0..<count) == nil, "\(count) bytes") }
        #expect(ModbusRequest(bytes + [0], 0..<(bytes.count + 1)) == nil)
    }

    @Test(arguments: printed.indices) func envelopesHoldThem(index: Int) throws {
        let printed = Self.printed[index]
        var frame: [UInt8] = []
        RTUFrame.compose(unit: 17, printed.request, into: &frame)
        let read = try #require(RTUFrame.request(frame, at: 0, end: frame.count))
        #expect(read.request == printed.request && read.length == frame.count)
        #expect(
            RTUFrame.answerLength(RTUFrame.frame(unit: 17, printed.answer), at: 0, end: printed.answer.count + 3)
                == printed.answer.count + 3)
        for place in frame.indices {
            var damaged = frame
            damaged[place] ^= 0x10
            #expect(RTUFrame.request(damaged, at: 0, end: damaged.count) == nil, "byte \(place)")
        }
        TCPFrame.compose(transaction: 0x1501, unit: 0xFF, printed.request, into: &frame)
        #expect(frame == [0x15, 1, 0, 0, 0, UInt8(printed.bytes.count + 1), 0xFF] + printed.bytes)
        #expect(TCPFrame(frame, at: 0, end: frame.count)?.end == frame.count)
    }

    /// Frames of the facts' vectors: XY-MD02.
    @Test func checksumsAreThoseOfARealDevice() {
        #expect(RTUFrame.frame(unit: 1, [4, 0, 1, 0, 2]) == [1, 4, 0, 1, 0, 2, 0x20, 0x0B])
        #expect(RTUFrame.isWhole([1, 4, 4, 1, 0x31, 2, 0x22, 0x2A, 0xCE], 0..<9))
        #expect(!RTUFrame.isWhole([1, 4, 4, 1, 0x31, 2, 0x22, 0x2A, 0xCF], 0..<9))
    }

    @Test func anExceptionIsAsLongAsItsFunctionSays() {
        #expect(ModbusAnswer([0x83, 2, 0xFF], at: 0, end: 3) == .exception(code: 2))
        #expect(ModbusAnswer([0x83], at: 0, end: 1) == nil)
        #expect(ModbusAnswer.exception(3, code: 2) == [0x83, 2])
        #expect(ModbusAnswer([3, 4, 1, 2, 3, 4, 0], at: 0, end: 7) == .data(2..<6))
        #expect(ModbusAnswer([3, 4, 1, 2, 3], at: 0, end: 5) == nil)
        #expect(ModbusAnswer([99, 1, 2, 3, 4], at: 0, end: 5) == nil)
    }

    /// The device identification, one object at a time. Source of the form: MODBUS Application Protocol V1.1b3, 6.21.
    @Test func anObjectOfTheIdentificationIsAsLongAsItsTextSays() throws {
        var frame: [UInt8] = []
        RTUFrame.compose(unit: 17, .identification(object: 0x80), into: &frame)
        #expect(frame.dropLast(2) == [17, 0x2B, 0x0E, 4, 0x80])
        #expect(RTUFrame.request(frame, at: 0, end: frame.count)?.request == .identification(object: 0x80))
        #expect(RTUFrame.request(frame, at: 0, end: frame.count)?.length == 7)
        let answer = ModbusAnswer.identification(object: 0x80, Array("SN-7".utf8))
        #expect(answer == [0x2B, 0x0E, 4, 0x83, 0, 0, 1, 0x80, 4, 0x53, 0x4E, 0x2D, 0x37])
        #expect(ModbusAnswer(answer, at: 0, end: answer.count) == .object(0x80, 9..<13))
        // Neither cut nor with more objects told than there are.
        for end in 0..<answer.count { #expect(ModbusAnswer(answer, at: 0, end: end) == nil, "\(end)") }
        for count: UInt8 in [0, 2, 255] {
            var lying = answer
            lying[6] = count
            #expect(ModbusAnswer(lying, at: 0, end: lying.count) == nil, "\(count)")
        }
        // Of another type than the identification nothing is known.
        #expect(ModbusAnswer.length([0x2B, 0x0D, 4, 0x83, 0, 0, 1, 0x80, 0], at: 0, end: 9) == nil)
        #expect(ModbusAnswer([0xAB, 2], at: 0, end: 2) == .exception(code: 2))
        let longest = ModbusAnswer.identification(object: 0, [UInt8](repeating: 0x41, count: 300))
        #expect(longest.count == 253 && ModbusAnswer.length(longest, at: 0, end: 253) == 253)
    }
}
