package import StrictYAML

/// The three files.
package enum RuleFile: String, Sendable, Hashable, CaseIterable {
    case policy
    case library
    case orders

    /// In the folder; its signature is `NAME.sig`.
    package var name: String { "\(rawValue).yaml" }

    /// What the file says it is.
    package var form: String {
        switch self {
        case .policy: "pump-policy/1"
        case .library: "drug-library/1"
        case .orders: "orders/1"
        }
    }

    /// For people.
    var words: String {
        switch self {
        case .policy: "the site's policy"
        case .library: "the drug library"
        case .orders: "the orders"
        }
    }
}

/// Which file was accepted: the next is a later version, or the same bytes.
package struct RuleStamp: Sendable, Hashable {
    package let version: Int64
    /// SHA-256 of the bytes, in hexadecimal digits.
    package let digest: String

    package init(version: Int64, digest: String) { (self.version, self.digest) = (version, digest) }
}

/// A file that was read.
package enum RuleReading<Value: Sendable>: Sendable {
    /// There is none, and never was.
    case missing
    /// Everything that it says something about is refused.
    case unusable([Diagnostic])
    case usable(Value)

    package var value: Value? { if case .usable(let value) = self { value } else { nil } }

    package var faults: [Diagnostic] { if case .unusable(let faults) = self { faults } else { [] } }
}

/// The files as they were read together.
package struct RuleSet: Sendable {
    package var policy: RuleReading<SitePolicy>
    package var library: RuleReading<DrugLibrary>
    package var orders: RuleReading<Orders>
    /// What was accepted last, this time or before; to be kept for the next reading.
    package var stamps: [RuleFile: RuleStamp]

    package init(
        policy: RuleReading<SitePolicy>, library: RuleReading<DrugLibrary> = .missing,
        orders: RuleReading<Orders> = .missing, stamps: [RuleFile: RuleStamp] = [:]
    ) {
        (self.policy, self.library, self.orders, self.stamps) = (policy, library, orders, stamps)
    }
}

/// What decides whether a device is driven.
package enum PumpRules: Sendable {
    /// There is no policy: nothing is driven.
    case none
    case rules(RuleSet)

    /// Whether a request is allowed, or every reason why not.
    package func judge(_ request: PumpRequest) -> Verdict {
        switch self {
        case .none:
            .refused([
                RuleRefusal(
                    .site, .notAllowed,
                    "No device is driven here: there is no \(RuleFile.policy.name); the site has to sign one.")
            ])
        case .rules(let rules): rules.judge(request)
        }
    }
}
