package import AsyncHTTPClient
import CZlib
import NIOHTTPCompression

/// Bodies in the gzip format. Source: RFC 1952, by zlib. A room of its own, since zlib's header hides the system's
/// types from whoever sees it.
package enum Gzip {
    /// `nil` where it would not be smaller.
    package static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count > 64 else { return nil }
        var output = [UInt8](repeating: 0, count: bytes.count)
        let written = nabd_gzip(bytes, UInt(bytes.count), &output, UInt(output.count))
        guard written > 0 else { return nil }
        return Array(output.prefix(written))
    }

    /// Answers in gzip are read, up to so many bytes when they are unpacked.
    package static func reading(atMost bytes: Int) -> HTTPClient.Decompression { .enabled(limit: .size(bytes)) }
}
