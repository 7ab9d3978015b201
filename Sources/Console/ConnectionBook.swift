import NIOCore
import Synchronization

/// The connections there are. One too many takes the place of the one that has been idle longest; where none is idle,
/// it is not taken in.
final class ConnectionBook: Sendable {
    private struct Entry {
        let channel: any Channel
        /// When nothing was asked for any more, as a number that grows; `nil` while something is answered.
        var idle: Int?
    }

    private struct Book {
        var next = 0
        var entries: [ObjectIdentifier: Entry] = [:]
    }

    private let most: Int
    private let book = Mutex(Book())

    init(most: Int = ConsoleLimits.connections) { self.most = most }

    var count: Int { book.withLock { $0.entries.count } }

    /// Takes a connection in. Returns `false` where there is no place.
    func enter(_ channel: any Channel) -> Bool {
        let (isIn, leaving) = book.withLock { book -> (Bool, (any Channel)?) in
            var leaving: (any Channel)?
            if book.entries.count >= most {
                guard let oldest = Self.oldest(book.entries.mapValues(\.idle)) else { return (false, nil) }
                leaving = book.entries.removeValue(forKey: oldest)?.channel
            }
            book.next += 1
            book.entries[ObjectIdentifier(channel)] = Entry(channel: channel, idle: book.next)
            return (true, leaving)
        }
        leaving?.close(promise: nil)
        return isIn
    }

    /// Which has been idle longest; `nil` where none is.
    static func oldest<Key: Hashable>(_ idle: [Key: Int?]) -> Key? {
        idle.compactMap { key, since in since.map { (key, $0) } }.min { $0.1 < $1.1 }?.0
    }

    func answering(_ channel: any Channel) { change(channel) { $0.entries[ObjectIdentifier(channel)]?.idle = nil } }

    func idle(_ channel: any Channel) {
        change(channel) { book in
            book.next += 1
            book.entries[ObjectIdentifier(channel)]?.idle = .some(book.next)
        }
    }

    func leave(_ channel: any Channel) { change(channel) { $0.entries[ObjectIdentifier(channel)] = nil } }

    private func change(_ channel: any Channel, _ body: (inout Book) -> Void) { book.withLock { body(&$0) } }

    func closeAll() {
        for channel in book.withLock({ $0.entries.values.map(\.channel) }) { channel.close(promise: nil) }
    }
}
