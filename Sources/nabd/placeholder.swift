import ArgumentParser
import UnixSignals
@main struct M { static func main() {} }
