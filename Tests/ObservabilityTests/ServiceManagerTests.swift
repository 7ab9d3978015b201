import Foundation
import Glibc
import TestSupport
import Testing

@testable import Observability

@Suite struct ServiceManagerTests {
    /// The end that a service manager has.
    private final class Manager {
        let path: String
        private let descriptor: Int32
        private let folder: TemporaryFolder

        init(_ folder: TemporaryFolder) throws {
            self.folder = folder
            path = "\(folder.path)/notify"
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(bound == 0)
        }

        deinit { close(descriptor) }

        func next() -> String? {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
        }
    }

    @Test func eachWordIsOneDatagram() throws {
        let manager = try Manager(TemporaryFolder())
        let service = try #require(ServiceManager(environment: ["NOTIFY_SOCKET": manager.path]))
        #expect(service.tell(.ready, .status("3 of 3 devices\nanswer")))
        #expect(manager.next() == "READY=1\nSTATUS=3 of 3 devices answer")
        #expect(service.tell(.reloading(at: 5_000_000_123)))
        #expect(manager.next() == "RELOADING=1\nMONOTONIC_USEC=5000000")
        #expect(service.tell(.alive) && manager.next() == "WATCHDOG=1")
        #expect(service.tell(.stuck) && manager.next() == "WATCHDOG=trigger")
        #expect(service.tell(.stopping) && manager.next() == "STOPPING=1")
        #expect(manager.next() == nil)
    }

    @Test func whereNobodyAskedNobodyIsTold() {
        #expect(ServiceManager(environment: [:]) == nil)
        for address in ["", "relative", "vsock:2:1"] {
            #expect(ServiceManager(environment: ["NOTIFY_SOCKET": address]) == nil, "\(address)")
        }
    }

    @Test func aManagerThatIsGoneIsNotWaitedFor() throws {
        let folder = try TemporaryFolder()
        let long = "/" + String(repeating: "x", count: 200)
        for address in ["\(folder.path)/nobody", long, "@nabd-test-nobody", "/"] {
            #expect(try #require(ServiceManager(environment: ["NOTIFY_SOCKET": address])).tell(.alive) == false)
        }
    }

    @Test func aManagerThatReadsNothingIsNotWaitedFor() throws {
        let manager = try Manager(TemporaryFolder())
        let service = try #require(ServiceManager(environment: ["NOTIFY_SOCKET": manager.path]))
        var told = 0
        while service.tell(.alive), told < 100_000 { told += 1 }
        #expect(told < 100_000, "its queue is full, and the caller goes on")
    }

    @Test(
        arguments: [
            ("10000000", nil, 10_000_000_000), ("10000000", "77", 10_000_000_000), ("10000000", "78", nil),
            ("", nil, nil), ("0", nil, nil), ("-1", nil, nil), ("99999999999999999999", nil, nil),
            ("9223372036854775807", nil, nil), ("ten", nil, nil), ("10000000", "x", nil),
        ] as [(String, String?, Int64?)])
    func howLongItWaits(microseconds: String, process: String?, patience: Int64?) throws {
        var environment = ["NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": microseconds]
        environment["WATCHDOG_PID"] = process
        #expect(try #require(ServiceManager(environment: environment, process: 77)).patience == patience)
    }
}
