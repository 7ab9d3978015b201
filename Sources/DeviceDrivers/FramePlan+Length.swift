import DevicePlans
import ProfileLanguage

extension FramePlan {
    /// The length a frame tells of itself; `nil` until that is there, −1 when it is no number.
    func toldLength(in bytes: [UInt8], from place: Int, count: Int) -> Int? {
        guard case .field(let byte, let type, let digits, let adds) = length else { return nil }
        func at(_ offset: Int) -> Int { Int(bytes[place + byte + offset]) }
        switch type {
        case .uint8: return count > byte ? at(0) + adds : nil
        case .uint16: return count > byte + 1 ? at(0) << 8 + at(1) + adds : nil
        case .uint16LowFirst: return count > byte + 1 ? at(1) << 8 + at(0) + adds : nil
        case .decimal:
            guard count >= byte + digits else { return nil }
            var number = 0
            for offset in 0..<digits {
                guard (0x30...0x39).contains(at(offset)) else { return -1 }
                number = number * 10 + at(offset) - 0x30
            }
            return number + adds
        }
    }
}
