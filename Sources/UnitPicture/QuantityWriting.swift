import DeviceModel

extension StreamDescriptor {
    /// Writes the quantity that bits stand for as a JSON number: the same text as ``json(bits:text:)`` gives, without
    /// making texts of each sample of a waveform.
    func write(bits: Int64, to bytes: inout [UInt8]) {
        if case .integer(let scale) = form, (-18...0).contains(scale.exponent) {
            let (product, isBeyond) = bits.multipliedReportingOverflow(by: scale.multiplier)
            if !isBeyond { return Self.write(product, places: -scale.exponent, to: &bytes) }
        }
        json(bits: bits, text: nil).write(to: &bytes)
    }

    /// - Parameter places: digits after the point. Range: 0…18.
    private static func write(_ number: Int64, places: Int, to bytes: inout [UInt8]) {
        var (left, places) = (number.magnitude, places)
        while places > 0, left % 10 == 0 { (left, places) = (left / 10, places - 1) }
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        // The last digit first, and as many zeros as the point needs before it.
        var written = 0
        repeat {
            if written == places, places > 0 { bytes.append(UInt8(ascii: ".")) }
            bytes.append(UInt8(ascii: "0") + UInt8(left % 10))
            left /= 10
            written += 1
        } while left > 0 || written <= places
        bytes[start...].reverse()
    }
}
