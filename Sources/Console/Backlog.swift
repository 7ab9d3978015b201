package import NIOCore

/// What is told to screens: encoded once, the same bytes for all of them.
package struct Frame: Sendable {
    package enum Kind: Sendable, Hashable {
        /// Curves of a bed: can be missed.
        case waves(bed: String)
        /// Anything else: values, alarms, the picture. A screen that misses one shows what is not true.
        case state
    }

    package let kind: Kind
    package let bytes: ByteBuffer

    /// - Parameter data: one line.
    package init(_ event: String, kind: Kind, data: [UInt8]) {
        self.kind = kind
        var buffer = ByteBuffer()
        buffer.reserveCapacity(data.count + event.utf8.count + 16)
        buffer.writeString("event: \(event)\ndata: ")
        buffer.writeBytes(data)
        buffer.writeString("\n\n")
        bytes = buffer
    }

    package static func picture(_ data: [UInt8]) -> Frame { Frame("picture", kind: .state, data: data) }
    package static func beat(_ data: [UInt8]) -> Frame { Frame("beat", kind: .state, data: data) }
    package static func waves(_ data: [UInt8], of bed: String) -> Frame {
        Frame("waves", kind: .waves(bed: bed), data: data)
    }
    /// What keeps everything from being shown.
    package static func failure(_ refusal: Refusal) -> Frame { Frame("failure", kind: .state, data: refusal.document) }
}

/// What one screen has not taken yet, and what becomes of one that is too slow: first it loses waves, then its
/// connection. Decides only.
package struct Backlog {
    private struct Waiting {
        let frame: Frame
        /// When it came. Unit: ns of the monotonic clock.
        let since: Int64
    }

    /// What came of a frame.
    package enum Outcome: Sendable, Hashable {
        case taken
        /// It, or waves before it, are left out.
        case wavesLeftOut
        /// The screen is to be closed.
        case tooSlow
    }

    private var waiting: [Waiting] = []
    private var bytes = 0
    private var waveBytes = 0

    package init() {}

    package var isEmpty: Bool { waiting.isEmpty }

    /// A frame more. Unit of the time: ns of the monotonic clock.
    package mutating func push(_ frame: Frame, at now: Int64) -> Outcome {
        let age = waiting.first.map { now - $0.since } ?? 0
        if age > ConsoleLimits.beatsWait { return .tooSlow }
        var outcome = Outcome.taken
        if age > ConsoleLimits.wavesWait, waveBytes > 0 {
            leaveOutWaves()
            outcome = .wavesLeftOut
        }
        let size = frame.bytes.readableBytes
        if case .waves = frame.kind, age > ConsoleLimits.wavesWait || waveBytes + size > ConsoleLimits.wavesBytes {
            return .wavesLeftOut
        }
        if bytes + size > ConsoleLimits.queueBytes { return .tooSlow }
        add(frame, at: now)
        return outcome
    }

    /// What a screen begins with, or begins anew with: all of it, or it is no picture. What waited says nothing beside
    /// it; how long the screen has taken nothing counts on.
    package mutating func open(_ frames: [Frame], at now: Int64) {
        let since = waiting.first?.since ?? now
        self = Backlog()
        for frame in frames { add(frame, at: since) }
    }

    /// All that waits, which then waits no more.
    package mutating func take() -> [ByteBuffer] {
        defer { self = Backlog() }
        return waiting.map(\.frame.bytes)
    }

    private mutating func add(_ frame: Frame, at now: Int64) {
        waiting.append(Waiting(frame: frame, since: now))
        bytes += frame.bytes.readableBytes
        if case .waves = frame.kind { waveBytes += frame.bytes.readableBytes }
    }

    private mutating func leaveOutWaves() {
        waiting.removeAll { if case .waves = $0.frame.kind { true } else { false } }
        (bytes, waveBytes) = (bytes - waveBytes, 0)
    }
}
