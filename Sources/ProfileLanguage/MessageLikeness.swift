/// Whether messages can be told apart by what they look like.
extension DeviceProfile {
    /// Whether one frame could be both messages. Where that is not known, it could.
    package func couldBeTaken(_ left: MessageDescription, for right: MessageDescription) -> Bool {
        guard left.frame == right.frame else { return false }
        if let one = left.length, let other = right.length, !one.overlaps(other) { return false }
        for one in left.when {
            for other in right.when where one.bytes == other.bytes {
                if case (.isOneOf(let values), .isOneOf(let others)) = (one.test, other.test),
                    Set(values).isDisjoint(with: others)
                {
                    return false
                }
                if case (.bit(let bit, let isSet), .bit(let otherBit, let otherSet)) = (one.test, other.test),
                    bit == otherBit, isSet != otherSet
                {
                    return false
                }
            }
        }
        guard let one = left.template, let other = right.template else { return true }
        guard one.separator == other.separator else { return beginAlike(one, other) }
        let (least, most) = (max(one.optionalFrom, other.optionalFrom), min(one.items.count, other.items.count))
        if least > one.items.count, !one.moreItems { return false }
        if least > other.items.count, !other.moreItems { return false }
        // A frame that is both has as many items as either must have.
        return zip(one.items, other.items).prefix(min(least, most)).allSatisfy {
            !TextShape($0, self).differs(from: TextShape($1, self))
        }
    }

    /// Whether messages that are divided in different ways could have the same first bytes.
    private func beginAlike(_ one: Template, _ other: Template) -> Bool {
        // Blanks may stand before the first item, and move it.
        if one.separator == .blanks || other.separator == .blanks { return true }
        guard let first = one.items.first, let second = other.items.first else { return true }
        return !TextShape(first, self).beginsUnlike(TextShape(second, self))
    }
}
