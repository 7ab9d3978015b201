/// What commands leave of a moment of a line.
enum Turn {
    /// Nothing is to be done for a command.
    case free
    /// Nothing is asked until then. Unit: ns.
    case waits(Int64)
    /// Something is asked or said, or has ended.
    case begun
}
