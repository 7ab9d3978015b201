/// What is fixed of an item: its first bytes where they are known, and how long it is.
struct TextShape {
    enum Byte {
        case any
        case known(UInt8)
        /// The first byte of a number.
        case numeric

        func excludes(_ other: Byte) -> Bool {
            switch (self, other) {
            case (.known(let one), .known(let two)): one != two
            case (.known(let byte), .numeric), (.numeric, .known(let byte)):
                !(0x30...0x39).contains(byte) && ![0x20, 0x2B, 0x2D, 0x2E].contains(byte)
            default: false
            }
        }
    }

    private var bytes: [Byte] = []
    private var isOpen = false
    private var shortest = 0

    init(_ segments: [Template.Segment], _ profile: DeviceProfile) {
        for segment in segments {
            switch segment {
            case .literal(let text):
                shortest += text.count
                if !isOpen { bytes += text.map { .known($0) } }
            case .hole(_, let width?):
                shortest += width
                if !isOpen { bytes += [Byte](repeating: .any, count: width) }
            case .hole("slot", nil) where Set(profile.rack?.slots.map(\.utf8.count) ?? []).count == 1:
                let width = profile.rack?.slots.first?.utf8.count ?? 0
                shortest += width
                if !isOpen { bytes += [Byte](repeating: .any, count: width) }
            case .hole(let name, nil):
                if !isOpen, case .decimal? = profile.fields.first(where: { $0.name == name })?.type {
                    bytes.append(.numeric)
                }
                isOpen = true
            }
        }
    }

    func differs(from other: TextShape) -> Bool {
        if !isOpen, shortest < other.shortest || !other.isOpen && shortest != other.shortest { return true }
        if !other.isOpen, other.shortest < shortest { return true }
        return beginsUnlike(other)
    }

    /// Whether the bytes that both are known to begin with cannot be the same.
    func beginsUnlike(_ other: TextShape) -> Bool { zip(bytes, other.bytes).contains { $0.excludes($1) } }
}
