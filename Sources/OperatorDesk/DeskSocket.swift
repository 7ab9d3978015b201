import CPosix
import Foundation
import LocalSocket
import NIOCore
import NIOPosix
import RealTime
import Synchronization

/// Why the socket cannot be made, with what to do.
package struct DeskSocketError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// The people's way to the command path: a Unix socket, lines of JSON, a sign-in with every line.
///
/// Only the host's own user, its group and root may connect; there is no way in from another machine. Whoever may
/// connect may have a pump stopped.
package final class DeskSocket: Sendable {
    /// How long a caller may take to say a line and to take its answer.
    package struct Patience: Sendable {
        package var caller: Duration
        /// How long the desk may take: a stop has 15 s.
        package var desk: Duration

        package init(caller: Duration = .seconds(10), desk: Duration = .seconds(20)) {
            (self.caller, self.desk) = (caller, desk)
        }
    }

    /// Requests of one connection that may wait for their answers.
    private static let mostWaiting = 1_000

    private let path: String
    private let listener: Int32
    private let wake: (reading: Int32, writing: Int32)
    private let answering: DeskAnswering
    private let patience: Patience
    private let isOurs: @Sendable (Int32) -> Bool
    private let notice: @Sendable (DeskNotice) -> Void
    private let callers = Callers()

    private typealias Connection = NIOAsyncChannel<Heard, AnswerLine>

    /// Binds the socket; what an earlier host left there is taken away.
    ///
    /// - Parameters:
    ///   - path: absolute, of any length whose folder can be opened.
    ///   - notice: called on any thread; waits for nothing.
    /// - Throws: ``DeskSocketError``, when somebody else answers there, or something else is in the way.
    package convenience init(
        path: String, signIn: SignIn, desk: any CommandDesk, patience: Patience = Patience(),
        notice: @escaping @Sendable (DeskNotice) -> Void
    ) throws(DeskSocketError) {
        try self.init(
            path: path, signIn: signIn, desk: desk, patience: patience,
            isOurs: { nabd_peer_is_ours($0) == 1 }, notice: notice)
    }

    init(
        path: String, signIn: SignIn, desk: any CommandDesk, patience: Patience,
        isOurs: @escaping @Sendable (Int32) -> Bool, notice: @escaping @Sendable (DeskNotice) -> Void
    ) throws(DeskSocketError) {
        (self.path, self.patience, self.isOurs, self.notice) = (path, patience, isOurs, notice)
        answering = DeskAnswering(signIn: signIn, desk: desk, limit: patience.desk, notice: notice)
        listener = try Self.bound(path)
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            let error = Self.failure(path)
            close(listener)
            throw error
        }
        wake = (ends[0], ends[1])
    }

    private static func bound(_ path: String) throws(DeskSocketError) -> Int32 {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard listener >= 0 else { throw failure(path) }
        do throws(SocketPlaceError) {
            let place = try SocketPlace(path)
            defer { place.close() }
            try place.clear()
            // Nobody can connect before the rights are set: nothing listens yet.
            guard place.bind(listener), chmod(path, 0o660) == 0, listen(listener, 16) == 0 else {
                throw SocketPlaceError(description: failure(path).description)
            }
        } catch {
            close(listener)
            throw DeskSocketError(description: error.description)
        }
        return listener
    }

    private static func failure(_ path: String) -> DeskSocketError {
        DeskSocketError(description: "\(path) cannot be made: \(String(cString: strerror(errno)))")
    }

    /// Serves until the task is cancelled, and takes the socket away. Once.
    package func run() async throws(DeskSocketError) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let (connections, entering) = AsyncStream.makeStream(of: Connection.self)
        let thread: RealTimeThread
        do throws(ThreadStartError) {
            thread = try RealTimeThread(name: "pump-door", priority: 0) { [self] in
                accept(group) { entering.yield($0) }
                callers.closeAll()
                entering.finish()
            }
        } catch {
            end()
            throw DeskSocketError(description: "the pumps' socket cannot be served: \(error)")
        }
        // In a task that nobody cancels: each connection that has been taken in is served to its end.
        let serving = Task {
            await withDiscardingTaskGroup { tasks in
                for await connection in connections { tasks.addTask { await self.serve(connection) } }
                tasks.cancelAll()
            }
        }
        await withTaskCancellationHandler {
            await serving.value
        } onCancel: {
            var byte: UInt8 = 0
            _ = write(wake.writing, &byte, 1)
        }
        thread.join()
        end()
        try? await group.shutdownGracefully()
    }

    private func end() {
        unlink(path)
        for descriptor in [listener, wake.reading, wake.writing] { close(descriptor) }
    }

    // MARK: Callers

    /// On a thread of its own, so that no task keeps a caller out.
    private func accept(_ group: MultiThreadedEventLoopGroup, _ enter: @escaping @Sendable (Connection) -> Void) {
        while true {
            var polled = [
                pollfd(fd: wake.reading, events: Int16(POLLIN), revents: 0),
                pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&polled, 2, -1)
            if count < 0, errno != EINTR { return }
            if polled[0].revents != 0 { return }
            guard count > 0, polled[1].revents != 0 else { continue }
            let descriptor = nabd_accept(listener)
            guard descriptor >= 0 else {
                // Without a descriptor the caller stays where he is, and the next look would be at once.
                usleep(50_000)
                continue
            }
            guard isOurs(descriptor) else {
                notice(.stranger)
                close(descriptor)
                continue
            }
            let process = nabd_peer_process(descriptor)
            let (desk, patience) = (answering.desk, TimeAmount(patience.caller))
            // Waited for: of callers who come faster than they are taken in, the socket's queue holds the rest.
            _ = try? ClientBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            DeskLineHandler(desk: desk, patience: patience))
                        // Read on however many requests wait: a stop behind them is heard at once.
                        let waiting = Connection.Configuration(
                            backPressureStrategy: .init(lowWatermark: Self.mostWaiting, highWatermark: Self.mostWaiting)
                        )
                        enter(try Connection(wrappingChannelSynchronously: channel, configuration: waiting))
                        self.callers.enter(channel, process: process)
                    }
                }
                .withConnectedSocket(descriptor).wait()
        }
    }

    private func serve(_ connection: Connection) async {
        // However a connection ends, it ends for its caller only.
        try? await connection.executeThenClose { heard, told in
            for try await heard in heard {
                switch heard {
                case .fault(let fault):
                    try await told.write(
                        AnswerLine(.refused(code: "request", words: fault.words, command: nil)))
                    return
                case .line(let line): try await told.write(AnswerLine(await answering.answer(line)))
                case .stop(let line, let device, let isAsked):
                    try await told.write(
                        AnswerLine(await answering.stop(device: device, isAsked: isAsked, by: line.by)))
                }
            }
        }
    }
}
