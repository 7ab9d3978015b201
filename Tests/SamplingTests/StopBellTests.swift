import DevicePlans
import Fieldbus
import Foundation
import ProfileLanguage
import RealTime
import TestSupport
import Testing

@testable import Sampling

/// A stop wakes the thread of its line, which would otherwise look for one every 20 ms.
@Suite struct StopBellTests {
    private func worker(_ profile: String, isDriven: Bool) throws -> LineWorker {
        let plan = try DeviceProfile.load(Repository.path("device-profiles/\(profile)"))
            .compile(handle: "device", isDriven: isDriven)
        return LineWorker(address: try #require(LineAddress("/dev/none")), plans: [plan])
    }

    private func isRung(_ bell: Bell) -> Bool {
        var polled = pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&polled, 1, 0) == 1
    }

    @Test(arguments: ["alaris/asena-gh", "prominent/dulco-flex"])
    func aStopRingsTheBellOfItsLine(_ profile: String) throws {
        let worker = try worker(profile, isDriven: true)
        let bell = try #require(worker.bell)
        #expect(!isRung(bell))
        #expect(worker.askStop(device: 0) == 1 && isRung(bell))
    }

    @Test func aLineThatIsOnlyReadHasNone() throws {
        #expect(try worker("alaris/asena-gh", isDriven: false).bell == nil)
    }
}
