import Crypto
import Foundation

/// The uplink's books beside a journal, one for each destination: what is stored there, and what was put aside.
///
/// They lie in a folder beside the record's, which they are no part of: `journal` has `journal.delivery`. As long as
/// there is a book, nothing of the record goes that is not stored at its destination, whatever today's configuration
/// says.
package struct DeliveryBooks: Sendable {
    /// The journal's folder.
    let journal: String

    package init(journal: String) {
        self.journal = journal.hasSuffix("/") ? String(journal.dropLast()) : journal
    }

    package var directory: String { journal + ".delivery" }

    /// The book of a destination, whether it is there or not.
    package func path(of destination: String) -> String {
        let digest = SHA256.hash(data: Data(Self.normal(destination).utf8)).prefix(8)
        let hex = digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        return "\(directory)/book-\(hex).sqlite"
    }

    /// Whether two spellings are of one destination.
    package static func isSame(_ one: String, _ other: String) -> Bool { normal(one) == normal(other) }

    /// Where versions before 5 kept the one book, within the record, without saying whose it was.
    package var formerPath: String { "\(journal)/delivery.sqlite" }

    /// The books that are there, of any destination.
    package var paths: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasPrefix("book-") && $0.hasSuffix(".sqlite") }.sorted().map { "\(directory)/\($0)" }
            .filter(PlainFile.isThere)
    }

    /// The right to write the books: one process has it at a time. Throws ``JournalError``.
    package func takeRight() throws -> DeliveryRight {
        let lock: JournalLock
        do { lock = try JournalLock(JournalFiles(directory: directory)) } catch JournalError.heldByAnother {
            throw JournalError.booksHeldByAnother(directory: directory)
        }
        if let refusal = lock.refusal { throw JournalError.cannotCreate(path: directory, reason: refusal) }
        return DeliveryRight(lock)
    }

    /// Whether anybody was ever asked to deliver what the journal holds.
    var areAny: Bool { !paths.isEmpty || PlainFile.isThere(formerPath) }

    /// One destination has one spelling: scheme and host in lower case, without a slash at the end.
    static func normal(_ destination: String) -> String {
        guard var parts = URLComponents(string: destination) else { return destination }
        parts.scheme = parts.scheme?.lowercased()
        parts.host = parts.host?.lowercased()
        let text = parts.string ?? destination
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    // MARK: A person's word

    /// What a person asks of the uplink. Only the uplink writes its books: the word is left as a file, and taken up in
    /// a moment or at the next start.
    package enum Order: String, CaseIterable, Sendable {
        /// What is parked is to be tried again.
        case retry
        /// What is parked need not be stored there.
        case release
        /// What is withheld need not be stored there.
        case releaseWithheld = "release-withheld"
    }

    package func leave(_ order: Order) throws {
        let path = "\(directory)/\(order.rawValue)"
        guard JournalFiles.makeFolder(directory) else {
            throw JournalError.cannotCreate(path: directory, reason: String(cString: strerror(errno)))
        }
        try PlainFile.clear(path)
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw JournalError.cannotCreate(path: path, reason: String(cString: strerror(errno)))
        }
    }

    /// Sets the book of a destination aside that nothing is to be delivered to any more: it holds nothing back then.
    ///
    /// - Returns: its new name; `nil` when there is none.
    package func retire(_ destination: String) throws -> String? {
        let path = path(of: destination)
        guard PlainFile.isThere(path) else { return nil }
        return path + (try JournalFiles.setAside(path: path, as: ".retired"))
    }

    // MARK: What they say together

    /// How far the record is stored everywhere, and how far anybody has come.
    struct Summary {
        /// The last chunk and event that no book needs any more.
        var stored: (chunk: Int64, event: Int64) = (.max, .max)
        /// The furthest that any book names: the journal had that much.
        var furthest: (session: Int64, chunk: Int64, event: Int64) = (0, 0, 0)
        /// The identity under which was delivered; `nil` when no book says it.
        var unit: String?
        /// The number of books.
        var count = 0
    }

    /// A book that cannot be read says that nothing is stored.
    func summary() -> Summary {
        var summary = Summary()
        func take(_ figures: DeliveryBook.Figures?) {
            summary.count += 1
            let figures = figures ?? DeliveryBook.Figures()
            summary.stored.chunk = min(summary.stored.chunk, figures.stored.chunk)
            summary.stored.event = min(summary.stored.event, figures.stored.event)
            summary.furthest.session = max(summary.furthest.session, figures.furthest.session)
            summary.furthest.chunk = max(summary.furthest.chunk, figures.furthest.chunk)
            summary.furthest.event = max(summary.furthest.event, figures.furthest.event)
            summary.unit = summary.unit ?? figures.unit
        }
        for path in paths { take(try? DeliveryBook.figures(path)) }
        if PlainFile.isThere(formerPath) {
            take(try? FormerBook(readingFrom: formerPath).figures)
        }
        return summary
    }
}

/// The right to write a journal's books of deliveries.
package struct DeliveryRight {
    private let lock: JournalLock

    init(_ lock: JournalLock) { self.lock = lock }

    package func release() { lock.release() }
}
