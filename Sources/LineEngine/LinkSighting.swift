/// Something on a line besides the answer that was awaited: it is counted and journalled, and never taken for a value.
package struct LinkSighting: Sendable, Equatable, BitwiseCopyable {
    package enum Kind: UInt8, Sendable, BitwiseCopyable, CaseIterable {
        /// A whole answer to a request that had been given up.
        case late
        /// A second copy of an answer already taken.
        case duplicate
        /// A second answer that differs from the one taken: two devices at one address, or a device that contradicts
        /// itself.
        case conflicting
        /// A whole frame that answers nothing that was asked.
        case unsolicited
        /// A request that is not ours: another master is on the line.
        case foreignRequest
        /// A whole frame, while an answer was awaited, of another unit, function or length.
        case mismatched
        /// A frame of the awaited shape whose checksum is wrong.
        case damaged
        /// Bytes were skipped to find a frame.
        case resync
        /// Our own bytes came back before the answer.
        case echo
        /// An echo that had been there is missing.
        case echoLost
        /// Another shape was asked for than planned, so that a late answer is not taken for the next.
        case detour
    }

    package let kind: Kind
    /// The Modbus unit that the frame names; 0 where it names none.
    package let unit: UInt8

    package init(_ kind: Kind, unit: UInt8 = 0) {
        self.kind = kind
        self.unit = unit
    }
}

/// Sightings since they were last taken: a fixed number, so that a babbling line costs no memory.
struct SightingList {
    /// More than a line brings between two requests; what comes beyond is still counted by the journal as bus
    /// contention.
    private static let capacity = 64
    private var list: [LinkSighting] = []

    init() { list.reserveCapacity(Self.capacity) }

    mutating func note(_ kind: LinkSighting.Kind, unit: UInt8 = 0) {
        if list.count < Self.capacity { list.append(LinkSighting(kind, unit: unit)) }
    }

    mutating func take() -> LinkSighting? { list.popLast() }
}
