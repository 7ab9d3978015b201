/// What names a device, a bed or a preset in files, in the journal and on the command line.
package enum Handle {
    /// 1 to 40 of a to z, 0 to 9 and -.
    package static func isOne(_ text: String) -> Bool {
        (1...40).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }
}
