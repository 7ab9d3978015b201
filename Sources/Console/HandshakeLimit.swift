import Synchronization

/// How many connections may begin a handshake: each costs a signature, and whoever knocks is not known yet. As many at
/// once as a browser opens, then a few a second, for each address and for all of them.
final class HandshakeLimit: Sendable {
    /// Places that fill up again by time.
    struct Bucket: Sendable {
        let most: Double
        /// Unit: places a second.
        let rate: Double
        private var places: Double
        /// Unit: ns of the monotonic clock.
        private var since: Int64

        init(most: Double, rate: Double, at now: Int64) {
            (self.most, self.rate, places, since) = (most, rate, most, now)
        }

        mutating func take(at now: Int64) -> Bool {
            places = min(most, places + Double(max(0, now - since)) / 1e9 * rate)
            since = max(since, now)
            guard places >= 1 else { return false }
            places -= 1
            return true
        }

        func isFull(at now: Int64) -> Bool { places + Double(max(0, now - since)) / 1e9 * rate >= most }
    }

    /// A browser opens six connections, and does so again when it is reloaded.
    static let mostOfOne = 12.0
    static let rateOfOne = 2.0
    static let mostOfAll = 40.0
    static let rateOfAll = 20.0
    /// Addresses that are remembered. Beyond it, those that have done nothing for long are forgotten.
    static let mostAddresses = 1_000

    private struct Book {
        var all: Bucket
        var each: [String: Bucket] = [:]
    }

    private let book: Mutex<Book>

    init(at now: Int64) { book = Mutex(Book(all: Bucket(most: Self.mostOfAll, rate: Self.rateOfAll, at: now))) }

    /// Whether a connection from this address may go on. Unit of the time: ns of the monotonic clock.
    func take(_ address: String, at now: Int64) -> Bool {
        book.withLock { book in
            if book.each.count >= Self.mostAddresses, book.each[address] == nil {
                book.each = book.each.filter { !$0.value.isFull(at: now) }
                // So many addresses at once are nobody's clinicians.
                guard book.each.count < Self.mostAddresses else { return false }
            }
            var own = book.each[address] ?? Bucket(most: Self.mostOfOne, rate: Self.rateOfOne, at: now)
            defer { book.each[address] = own }
            // Whoever knocks too often takes nobody else's place.
            return own.take(at: now) && book.all.take(at: now)
        }
    }
}
