import NIOCore
import Synchronization

/// Who is connected. A caller too many takes the place of another: of the process that has the most, the oldest. So a
/// program that opens one connection after the other shuts out itself, and not the person who wants a pump stopped.
final class Callers: Sendable {
    static let most = 8

    struct Caller<Connection: Sendable>: Sendable {
        let number: Int
        /// The process at the other end, as the system says.
        let process: Int32
        let connection: Connection
    }

    private struct Book {
        var next = 0
        var callers: [Caller<any Channel>] = []
    }

    private let book = Mutex(Book())

    /// Closes whoever has to give way.
    func enter(_ channel: any Channel, process: Int32) {
        let leaving = book.withLock { book -> (any Channel)? in
            let number = book.next
            book.next += 1
            channel.closeFuture.whenComplete { _ in self.leave(number) }
            book.callers.append(Caller(number: number, process: process, connection: channel))
            guard book.callers.count > Self.most, let index = Self.leaving(book.callers) else { return nil }
            return book.callers.remove(at: index).connection
        }
        leaving?.close(promise: nil)
    }

    func closeAll() {
        for caller in book.withLock({ $0.callers }) { caller.connection.close(promise: nil) }
    }

    private func leave(_ number: Int) { book.withLock { $0.callers.removeAll { $0.number == number } } }

    /// The place of the one that gives way; the callers are in the order in which they came.
    static func leaving<Connection>(_ callers: [Caller<Connection>]) -> Int? {
        let counts = Dictionary(grouping: callers, by: \.process).mapValues(\.count)
        let most = counts.values.max()
        return callers.firstIndex { counts[$0.process] == most }
    }
}
