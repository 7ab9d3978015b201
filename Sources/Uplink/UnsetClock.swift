/// What becomes of samples that were taken before the wall clock was set, as long as nothing tells when that was.
package enum UnsetClock: String, Sendable {
    /// They wait until it is known, or their session is over.
    case hold
    /// They go at once, marked, without a time; when it is known they go again under the same ids.
    case mark
}
