import ProfileLanguage

/// Which messages one frame could be: known of the profile's messages, and asked of those of a rack's slots.
package struct Likeness: Sendable {
    /// By message of the plan: the profile's message that it is, and the slot that it was made for.
    private let origin: [(message: Int, slot: Int?)]
    /// By two messages of the profile.
    private let alike: [[Bool]]
    /// The same of two that were made for different slots.
    private let isAlikeAcross: [[Bool]]
    /// By message of the plan: what may come where it was awaited, itself or a refusal.
    let coming: [[Int]]

    init(_ profile: DeviceProfile, origin: [(message: Int, slot: Int?)], slots: [String], requests: [RequestPlan]) {
        self.origin = origin
        let messages = profile.messages
        alike = messages.map { one in messages.map { profile.couldBeTaken(one, for: $0) } }
        let (first, second) = (slots.first ?? "", slots.dropFirst().first ?? "")
        let ofFirst = messages.map { $0.filling("slot", with: first) }
        let ofSecond = messages.map { $0.filling("slot", with: second) }
        isAlikeAcross = ofFirst.map { one in ofSecond.map { profile.couldBeTaken(one, for: $0) } }
        var coming = origin.indices.map { [$0] }
        for request in requests {
            if let reply = request.reply, let refusal = request.refusal, !coming[reply].contains(refusal) {
                coming[reply].append(refusal)
            }
        }
        self.coming = coming
    }

    func isAlike(_ one: Int, _ other: Int) -> Bool {
        let (left, right) = (origin[one], origin[other])
        guard alike[left.message][right.message] else { return false }
        guard let slot = left.slot, let second = right.slot, slot != second else { return true }
        return isAlikeAcross[left.message][right.message]
    }
}

extension MessageDescription {
    /// The same with one value of its text already filled in.
    func filling(_ name: String, with text: String) -> MessageDescription {
        var message = self
        message.template = template?.filling(name, with: text)
        return message
    }
}
