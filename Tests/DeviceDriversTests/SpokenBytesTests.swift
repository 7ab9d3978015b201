import DevicePlans
import Foundation
import ProfileLanguage
import TestSupport
import Testing

@testable import DeviceDrivers

/// What is said with a value of the session in it, such as a control code made of the pump's serial number.
@Suite struct SpokenBytesTests {
    /// The value counts, and no other that changes beside it.
    @Test func aCodeIsMadeOfTheSerialNumberThatWasToldLast() throws {
        let profile = try DeviceProfile.load(Repository.path("device-profiles/alaris/asena-gh"))
        let device = profile.compile(handle: "pump", isDriven: true)
        guard case .serial(let plan) = device.protocolPlan else { return #expect(Bool(false)) }
        let control = try #require(
            plan.requests.firstIndex { request in
                request.send.parts.contains { if case .checksum = $0 { true } else { false } }
            })
        let serial = try #require(plan.requests.firstIndex { $0.send.parts == [.literal(Array("INST_SERIALNO".utf8))] })
        let status = try #require(plan.requests.firstIndex { $0.send.parts == [.literal(Array("INF".utf8))] })
        var decoder = SerialDecoder(device, plan)
        var sink = Kept()
        func hear(_ text: String, _ request: Int) {
            decoder.expect(request)
            let bytes = profile.frames[0].encode(payload: Array(text.utf8))
            decoder.feed(bytes, count: bytes.count, time: 5, sink: &sink)
        }
        func said() -> [UInt8]? { decoder.bytes(of: control, time: 9) }
        #expect(said() == nil, "nobody knows who it is")
        for number in ["8003-00107", "8003-00108", "8003-00107"] {
            hear("INST_SERIALNO^\(number)", serial)
            let sum = ChecksumAlgorithm.crc16CCITTFalse.compute(Array(number.utf8))
            let code = String(format: "%04X", Int(sum))
            let told = String(decoding: try #require(said()), as: UTF8.self)
            #expect(told.hasPrefix("!REMOTE_CTRL^ENABLED^\(code)|"), "\(told)")
            for rate in ["3.00", "4.00"] {
                hear("INF^\(number)^-^SET^\(rate)^ml/h^^0.100^ml^17.91^mmHg^24+^EVENT^17", status)
                #expect(said() == Array(told.utf8), "another rate is no other code")
            }
        }
        decoder.forgetIdentity()
        decoder.reset()
        #expect(said() == nil, "of another session")
    }
}
