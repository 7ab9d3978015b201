import Hummingbird
import NIOCore
import RealTime
import Synchronization

/// One far screen that looks: what is told to all screens waits here until its link takes it, the newest of each thing.
final class FarStream: Sendable {
    private struct State {
        var queue: FarQueue
        var isOver = false
    }

    private let state: Mutex<State>
    private let screen: Screen

    init(_ view: FarView, waves: WavesWanted, screen: Screen) {
        state = Mutex(State(queue: FarQueue(view, waves: waves)))
        self.screen = screen
    }

    /// Takes what is told to screens, as it comes, until the screen is closed.
    private func listen() async {
        while let frames = await screen.next() {
            state.withLock { state in
                for frame in frames { state.queue.push(ArraySlice(frame.readableBytesView)) }
            }
        }
        state.withLock { $0.isOver = true }
    }

    func close() { screen.close() }

    /// Tells it until the screen is closed, or the link breaks.
    func tell(_ writer: inout any ResponseBodyWriter, clock: any MonotonicTime) async throws {
        let listening = Task { await listen() }
        defer {
            close()
            listening.cancel()
        }
        var pace = FarPace()
        while true {
            let (bytes, isOver) = state.withLock { ($0.queue.take(factor: pace.factor), $0.isOver) }
            if isOver { return }
            if !bytes.isEmpty {
                let start = clock.now()
                try await writer.write(ByteBuffer(bytes: bytes))
                // A comment waits until the link has taken what is before it: so long did the round take.
                try await writer.write(ByteBuffer(string: ":\n\n"))
                pace.took(clock.now() - start)
            }
            try await Task.sleep(for: .milliseconds(pace.pause))
        }
    }
}
