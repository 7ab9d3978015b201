/// Under whom something is filed at the records service, and whether it still counts.
///
/// What was measured before anybody was known to be there, and what was filed under one patient only, have the
/// addresses of ever. What was filed under a binding that was withdrawn stays under those, entered in error, and is
/// filed anew under addresses that name that binding.
package struct Filing: Sendable, Hashable {
    /// The patient: a keyed digest, 64 hexadecimal digits; `nil` where nobody is known to be there.
    package let subject: String?
    /// The number of the last withdrawn binding under which it was filed before; `nil` where it was under none.
    package let after: Int64?
    /// Whether it is what was filed under a binding that was withdrawn since.
    package let isInError: Bool

    package init(subject: String?, after: Int64? = nil, isInError: Bool = false) {
        (self.subject, self.after, self.isInError) = (subject, after, isInError)
    }

    /// Nobody is known to be there, nor ever was said to be.
    package static let unbound = Filing(subject: nil)
}
