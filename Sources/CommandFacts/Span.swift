/// From a time to a later one, by the boot clock; as far as that can be told where somebody wrote times that no clock
/// has. Unit: ns.
package func span(from earlier: Int64, to later: Int64) -> Int64 {
    let (difference, isTooFar) = later.subtractingReportingOverflow(earlier)
    if isTooFar { return later > earlier ? .max : .min }
    return difference
}
