#if Commands
/// What a command is for: the very bytes, and what must still be true when they are said. A plain value.
package struct CommandOrder: Sendable, BitwiseCopyable {
    /// By its place in the plan.
    package let command: Int32
    /// How many stops of the device had been asked for when it was decided: with one more it is not said.
    package let stops: Int64
    /// What the device showed when it was decided; with another value it is not said.
    package let before: ToldTexts
    private let bytes: InlineArray<256, UInt8>
    private let count: UInt16

    /// `nil` where the effect has no bytes, or more than 256.
    package init?(command: Int, stops: Int64, effect: [UInt8], before: ToldTexts) {
        guard (1...256).contains(effect.count) else { return nil }
        self.command = Int32(truncatingIfNeeded: command)
        (self.stops, self.before, count) = (stops, before, UInt16(effect.count))
        var bytes = InlineArray<256, UInt8>(repeating: 0)
        for place in effect.indices { bytes[place] = effect[place] }
        self.bytes = bytes
    }

    /// Puts the effect's bytes in place of what an array holds. It allocates where the array has no room yet, or is
    /// held by somebody else too.
    func put(into array: inout [UInt8]) {
        array.removeAll(keepingCapacity: true)
        array.reserveCapacity(bytes.count)
        for place in 0..<Int(count) { array.append(bytes[place]) }
    }
}
#endif
