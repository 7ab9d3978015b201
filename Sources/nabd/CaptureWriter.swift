import DeviceModel
import DeviceProfiles
import Fieldbus
import Foundation
import RealTime

/// Shows the bytes on a line and keeps them in a capture file: hexadecimal text that `decode --hex` and vectors read.
///
/// Of a serial device the file holds what the device sent; what was sent to it stands in comments. Of Modbus it holds both, since a reply means
/// nothing without its request.
struct CaptureWriter {
    private let path: String?
    private let isModbus: Bool
    private let isShown: Bool
    private let start: Int64
    private var text = ""
    /// A capture is for a vector, not for a day. Unit: bytes of text.
    private static let limit = 64 << 20

    init(_ path: String?, plan: DevicePlan, line: String, isShown: Bool, start: Int64) throws {
        self.path = path
        self.isShown = isShown
        self.start = start
        isModbus = plan.line.transport != .serial
        if let path, FileManager.default.fileExists(atPath: path) { throw Failure(.usage, "\(path) is there already: nothing is overwritten") }
        text = "# nabd capture of \(plan.profile.name) on \(line), begun \(UTCTime.text(nanoseconds: WallClock.now()))\n"
    }

    mutating func take(_ pieces: [LineTap.Piece]) {
        for piece in pieces {
            let bytes = VectorFile.hexText(piece.bytes)
            let place: KeyValuePairs<String, JSON?> = ["monotonicNanoseconds": .integer(piece.time)]
            if isShown { print(JSON.members(["line": .string(piece.isFromDevice ? "received" : "sent"), "bytes": .string(bytes)]).adding(place).text) }
            guard path != nil, text.utf8.count < Self.limit else { continue }
            let seconds = Double(piece.time - start) / 1e9
            let when = "\(piece.isFromDevice ? "received" : "sent") at \((seconds * 1000).rounded() / 1000) s"
            text += piece.isFromDevice || isModbus ? "\(bytes)  # \(when)\n" : "# \(when): \(bytes)\n"
        }
    }

    func finish() throws {
        guard let path else { return }
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) } catch {
            throw Failure(.io, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
