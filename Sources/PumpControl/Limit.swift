package import CommandFacts

/// Whose limit it is.
package enum LimitSource: String, Sendable, Hashable, CaseIterable {
    /// What the pump's profile says it can do.
    case pump
    /// The drug library.
    case library
    /// The site's policy.
    case site
    /// What this program never goes beyond.
    case ceiling
}

/// The least and the most of a quantity, as one source says; `nil` says nothing.
package struct Bounds: Sendable, Hashable {
    package let least: ExactQuantity?
    package let most: ExactQuantity?

    package init(least: ExactQuantity? = nil, most: ExactQuantity? = nil) { (self.least, self.most) = (least, most) }
}

/// What one source says of a quantity.
package struct LimitLayer: Sendable, Hashable {
    package let source: LimitSource
    /// Beyond it nothing is sent.
    package let hard: Bounds
    /// Beyond it a reason and a second person are needed.
    package let soft: Bounds

    package init(_ source: LimitSource, hard: Bounds, soft: Bounds = Bounds()) {
        (self.source, self.hard, self.soft) = (source, hard, soft)
    }
}

/// The limits of one quantity out of all layers: the most restrictive counts, whoever set it. A layer can only tighten.
package struct Limit: Sendable, Hashable {
    package struct Bound: Sendable, Hashable {
        package let value: ExactQuantity
        package let source: LimitSource
    }

    package enum Judgement: Sendable, Hashable {
        case within
        case beyondSoft(Bound)
        case beyondHard(Bound)
    }

    package let least: Bound?
    package let most: Bound?
    package let softLeast: Bound?
    package let softMost: Bound?

    package init(_ layers: [LimitLayer]) {
        func bound(_ value: (LimitLayer) -> ExactQuantity?, _ isTighter: (ExactQuantity, ExactQuantity) -> Bool)
            -> Bound?
        {
            layers.compactMap { layer in value(layer).map { Bound(value: $0, source: layer.source) } }
                .min { isTighter($0.value, $1.value) }
        }
        least = bound({ $0.hard.least }, >)
        most = bound({ $0.hard.most }, <)
        softLeast = bound({ $0.soft.least }, >)
        softMost = bound({ $0.soft.most }, <)
    }

    package func judge(_ quantity: Ratio) -> Judgement {
        if let most, quantity > most.value.ratio { return .beyondHard(most) }
        if let least, quantity < least.value.ratio { return .beyondHard(least) }
        if let softMost, quantity > softMost.value.ratio { return .beyondSoft(softMost) }
        if let softLeast, quantity < softLeast.value.ratio { return .beyondSoft(softLeast) }
        return .within
    }
}
