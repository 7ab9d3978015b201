import GRDB

extension JournalReader {
    /// What the chain of events came to.
    package struct ChainVerification: Sendable {
        package var events: Int64 = 0
        package var faults: [ChainFault] = []
        /// The number after the last event; `nil` without a file of events.
        var next: Int64?
    }

    /// Something in the chain of events that is not as the host wrote it.
    package enum ChainFault: Sendable, Equatable {
        /// The event is not as it was written, or does not hang on the one that stands before it.
        case changed(file: String, number: Int64, Sign)
        /// Events lie between two that stand side by side: a file is gone, or numbers went on further up after a loss.
        case missing(file: String, number: Int64, after: Int64)

        /// By what a changed event is known.
        package enum Sign: Sendable, Equatable {
            case checksum
            case hash
            /// It is the first one of its file.
            case anchor
        }

        /// Where it is and what it is, for a person.
        package var words: String {
            switch self {
            case .changed(let file, let number, .checksum): "\(file): event \(number) is not as it was written"
            case .changed(let file, let number, .hash):
                "\(file): event \(number): its hash does not fit; it, or one before it, was changed"
            case .changed(let file, _, .anchor):
                "\(file): does not hang on the event before it: records are missing"
            case .missing(let file, let number, let before):
                "\(file): event \(number) follows \(before): records are missing"
            }
        }
    }

    /// Reads every event that is kept, and whether it is as it was written and hangs on the one before it.
    ///
    /// - Parameters:
    ///   - faultsAtMost: more are not looked for.
    ///   - between: called after each 500 events: to give way, or to end it by an error, which is thrown on.
    package func verifyChain(
        faultsAtMost limit: Int = 100, between: () throws -> Void = {}
    ) throws -> ChainVerification {
        var result = ChainVerification()
        var previous: [UInt8]?
        let all = try open(.events)
        for (index, file) in all.enumerated() {
            let end = index + 1 < all.count ? all[index + 1].first : Int64.max
            let anchor = try file.queue.read { try Row.fetchOne($0, sql: "SELECT hash FROM anchor")?.bytes("hash") }
            if let previous, anchor != previous {
                let name = file.segment.name
                if let next = result.next, next != file.first {
                    // Numbers that went on elsewhere tell a loss, which the journal has told itself.
                    result.faults.append(.missing(file: name, number: file.first, after: next &- 1))
                    result.next = file.first
                } else {
                    result.faults.append(.changed(file: name, number: file.first, .anchor))
                }
            }
            var chain = (hash: anchor ?? EventRecord.noHash, next: result.next ?? file.first)
            guard try verify(file, end: end, &chain, &result, limit, between) else {
                result.next = nil
                break
            }
            (previous, result.next) = (chain.hash, chain.next)
        }
        return result
    }

    /// Returns whether it is worth going on.
    private func verify(
        _ file: OpenFile, end: Int64, _ chain: inout (hash: [UInt8], next: Int64), _ result: inout ChainVerification,
        _ limit: Int, _ between: () throws -> Void
    ) throws -> Bool {
        let name = file.segment.name
        var last: Int64 = 0
        while result.faults.count < limit {
            let events: [EventRecord] = try Self.readable(file, after: last, end: end) { db, start, found in
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT * FROM events WHERE id > ? AND id < ? ORDER BY id LIMIT 500",
                    arguments: [start, end])
                while let row = try rows.next() {
                    let event = EventRecord(row)
                    if event.id > found.last?.id ?? start { found.append(event) }
                }
            }
            guard let newest = events.last else { return true }
            last = newest.id
            for event in events {
                result.events += 1
                if !event.isWhole { result.faults.append(.changed(file: name, number: event.id, .checksum)) }
                if event.id != chain.next {
                    result.faults.append(.missing(file: name, number: event.id, after: chain.next &- 1))
                }
                if event.expectedHash(after: chain.hash) != event.hash {
                    result.faults.append(.changed(file: name, number: event.id, .hash))
                    return false
                }
                chain = (event.hash, event.id &+ 1)
            }
            try between()
        }
        return false
    }
}
