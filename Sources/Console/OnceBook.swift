/// Presses that were handed on already. A browser sends a request again by itself where a kept connection ended without
/// an answer; what has an effect must not happen twice for that.
struct OnceBook {
    /// So many of the newest are known. A person presses once a second at most; a browser's repetition comes within
    /// seconds.
    static let most = 2_000

    private var order: [String] = []
    private var known: Set<String> = []
    private var oldest = 0

    /// Notes a press. Returns whether it is new.
    mutating func note(_ press: String) -> Bool {
        guard known.insert(press).inserted else { return false }
        if order.count < Self.most {
            order.append(press)
        } else {
            known.remove(order[oldest])
            order[oldest] = press
            oldest = (oldest + 1) % Self.most
        }
        return true
    }

    /// Shape: a UUID, 36 characters.
    static func isPress(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
            && text.utf8.count == 36
    }
}
