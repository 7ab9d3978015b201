@testable import DeviceProfiles
import Testing

@Suite struct ChecksumTests {
    /// Check values of the catalogue of parametrised CRC algorithms, over "123456789"; the sums by hand.
    @Test(
        arguments: [
            (.sum8, 0xDD), (.invertedSum8, 0x22), (.xor8, 0x31), (.crc16CCITTFalse, 0x29B1), (.crc16XMODEM, 0x31C3), (.crc16Modbus, 0x4B37),
        ] as [(ChecksumAlgorithm, UInt16)])
    func checkValues(algorithm: ChecksumAlgorithm, value: UInt16) { #expect(algorithm.compute("123456789".utf8) == value) }

    @Test func hexadecimalIsUpperCaseOnly() {
        let rule = ChecksumRule(algorithm: .crc16CCITTFalse, coverage: .payload, encoding: .hex, place: .after(0x7C))
        #expect(rule.encoded(over: "REMOTE_CTRL^DISABLED".utf8) == Array("EF95".utf8))
        #expect(rule.matches(Array("EF95".utf8), over: "REMOTE_CTRL^DISABLED".utf8))
        #expect(!rule.matches(Array("ef95".utf8), over: "REMOTE_CTRL^DISABLED".utf8))
        #expect(!rule.matches(Array("EF9".utf8), over: "REMOTE_CTRL^DISABLED".utf8))
    }

    @Test(arguments: [("01 81", [1, 0x81]), ("0x01,0x81", [1, 0x81]), ("01:81 # why\n-> 83", [1, 0x81, 0x83]), ("", [])] as [(String, [UInt8])])
    func hexadecimalTextIsReadLeniently(text: String, bytes: [UInt8]) { #expect(VectorFile.hex(text).bytes == bytes) }

    @Test(arguments: [("01 8", 1, 4), ("01\n0g", 2, 2), ("zz", 1, 1), ("0 1", 1, 2)])
    func whatIsNoHexadecimalIsToldWithItsPlace(text: String, line: Int, column: Int) {
        let parsed = VectorFile.hex(text)
        #expect(parsed.bytes == nil)
        #expect((parsed.line, parsed.column) == (line, column))
    }
}
