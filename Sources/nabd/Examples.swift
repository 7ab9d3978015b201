import ArgumentParser

extension CommandConfiguration {
    /// The same, with examples behind what its help says. A line is kept to what a terminal shows at once.
    func examples(_ lines: String...) -> CommandConfiguration {
        var configuration = self
        let examples = (["Examples:"] + lines.map { "  \($0)" }).joined(separator: "\n")
        configuration.discussion = discussion.isEmpty ? examples : "\(discussion)\n\n\(examples)"
        return configuration
    }
}
