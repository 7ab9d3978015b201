import CSerialPort
import Glibc
import Testing

@testable import Fieldbus

@Suite struct SerialSettingsTests {
    /// libserialport 0.1.1 leaves part of its settings as it finds the memory: whatever was there, ours are whole.
    @Test(arguments: [UInt8(0x00), 0x01, 0x02, 0x03, 0x7F, 0xFF])
    func nothingIsLeftToChance(before: UInt8) throws {
        for _ in 0..<50 {
            // Memory of the sizes that it may take, used before by somebody else.
            let used = (1...16).map { size in malloc(size * 16).map { memset($0, Int32(before), size * 16) } }
            for memory in used { free(memory ?? nil) }
            let settings = SerialSettings(baud: 19_200, dataBits: 8, parity: "E", stopBits: 1)
            let configuration = try #require(SerialLine.configuration(settings))
            defer { sp_free_config(configuration) }
            var (baud, bits, stop): (Int32, Int32, Int32) = (0, 0, 0)
            var (parity, flow) = (SP_PARITY_INVALID, SP_XONXOFF_INVALID)
            sp_get_config_baudrate(configuration, &baud)
            sp_get_config_bits(configuration, &bits)
            sp_get_config_stopbits(configuration, &stop)
            sp_get_config_parity(configuration, &parity)
            sp_get_config_xon_xoff(configuration, &flow)
            #expect((baud, bits, stop) == (19_200, 8, 1) && parity == SP_PARITY_EVEN)
            #expect(flow == SP_XONXOFF_DISABLED, "bytes 11 and 13 belong to the device")
        }
    }
}
