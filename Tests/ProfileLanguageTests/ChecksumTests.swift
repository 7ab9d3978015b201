import Testing

@testable import ProfileLanguage

@Suite struct ChecksumTests {
    /// Check values of the catalogue of parametrised CRC algorithms, over "123456789"; the sums by hand.
    @Test(
        arguments: [
            (.sum8, 0xDD), (.invertedSum8, 0x22), (.zeroSum8, 0x23), (.sum16, 0x01DD), (.xor8, 0x31), (.crc8, 0xF4),
            (.crc16CCITTFalse, 0x29B1),
            (.crc16XMODEM, 0x31C3), (.crc16X25, 0x906E), (.crc16Modbus, 0x4B37),
        ] as [(ChecksumAlgorithm, UInt16)])
    func checkValues(algorithm: ChecksumAlgorithm, value: UInt16) {
        #expect(algorithm.compute("123456789".utf8) == value)
    }

    @Test func hexadecimalIsUpperCaseOnly() {
        let rule = Self.rule(.crc16CCITTFalse, .hex)
        #expect(rule.encoded(over: "REMOTE_CTRL^DISABLED".utf8) == Array("EF95".utf8))
        #expect(
            rule.matches(
                Array("EF95".utf8), at: 0, over: Array("REMOTE_CTRL^DISABLED".utf8),
                0..<"REMOTE_CTRL^DISABLED".utf8.count))
        #expect(
            !rule.matches(
                Array("ef95".utf8), at: 0, over: Array("REMOTE_CTRL^DISABLED".utf8),
                0..<"REMOTE_CTRL^DISABLED".utf8.count))
        #expect(
            !rule.matches(
                Array("EF9".utf8), at: 0, over: Array("REMOTE_CTRL^DISABLED".utf8),
                0..<"REMOTE_CTRL^DISABLED".utf8.count))
    }

    private static func rule(_ algorithm: ChecksumAlgorithm, _ encoding: ChecksumEncoding) -> ChecksumRule {
        ChecksumRule(
            algorithm: algorithm, coverage: .payload, encoding: encoding, digits: 5, at: nil, after: [[0x7C]],
            overWire: false)
    }

    @Test(
        arguments: [
            (.crc16XMODEM, .raw, [0x31, 0xC3]), (.crc16XMODEM, .rawLowFirst, [0xC3, 0x31]),
            (.crc16XMODEM, .hex, Array("31C3".utf8)),
            (.crc16XMODEM, .hexLower, Array("31c3".utf8)), (.sum8, .decimal, Array("00221".utf8)),
            (.sum8, .hex, Array("DD".utf8)),
        ] as [(ChecksumAlgorithm, ChecksumEncoding, [UInt8])])
    func aChecksumIsWrittenAsSaid(algorithm: ChecksumAlgorithm, encoding: ChecksumEncoding, bytes: [UInt8]) {
        let rule = Self.rule(algorithm, encoding)
        #expect(rule.encoded(over: "123456789".utf8) == bytes)
        #expect(rule.length == bytes.count)
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 1
            #expect(!rule.matches(changed, at: 0, over: Array("123456789".utf8), 0..<9))
        }
    }

    @Test(
        arguments: [
            ("01 81", [1, 0x81]), ("0x01,0x81", [1, 0x81]), ("01:81 # why\n-> 83", [1, 0x81, 0x83]), ("", []),
        ] as [(String, [UInt8])])
    func hexadecimalTextIsReadLeniently(text: String, bytes: [UInt8]) { #expect(VectorFile.hex(text).bytes == bytes) }

    @Test(arguments: [("01 8", 1, 4), ("01\n0g", 2, 2), ("zz", 1, 1), ("0 1", 1, 2)])
    func whatIsNoHexadecimalIsToldWithItsPlace(text: String, line: Int, column: Int) {
        let parsed = VectorFile.hex(text)
        #expect(parsed.bytes == nil)
        #expect((parsed.line, parsed.column) == (line, column))
    }
}
