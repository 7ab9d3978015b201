import DeviceModel
import TestSupport
import Testing

@testable import UnitPicture

/// What is written without texts is what the journal's own lines say.
@Suite struct QuantityWritingTests {
    private static func text(_ stream: StreamDescriptor, _ bits: Int64) -> String {
        var bytes: [UInt8] = []
        stream.write(bits: bits, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [(1, 0), (1, -1), (5, -3), (-25, -2), (1, -18), (-1, 0), (7, 3)])
    func itIsTheSameText(multiplier: Int64, exponent: Int) {
        let stream = PictureUnit.stream(
            "d", "M", form: .integer(DecimalScale(multiplier: multiplier, exponent: exponent)))
        var chance = SeededGenerator(seed: 7)
        let random = (0..<2000).map { Int64.random(in: .min ... .max, using: &chance) >> Int64($0 % 60) }
        for bits in [0, 1, -1, 10, -10, 100, 999, 1000, .min, .max] + random {
            #expect(Self.text(stream, bits) == stream.json(bits: bits, text: nil).text)
        }
    }

    @Test func aFloatThatIsNoNumberIsNull() {
        let stream = PictureUnit.stream("d", "M", form: .float64)
        #expect(Self.text(stream, Int64(bitPattern: Double.infinity.bitPattern)) == "null")
        #expect(Self.text(stream, Int64(bitPattern: (0.1).bitPattern)) == "0.1")
    }
}
