/// How many exchanges shared the way, on average, while one was under way. Times are of one clock. Unit: s.
struct WayShare {
    private var underWay: [Int: Double] = [:]
    /// What has ended while something that is under way still was.
    private var ended: [ClosedRange<Double>] = []

    mutating func begin(_ number: Int, at time: Double) { underWay[number] = time }

    /// - Returns: how many there were, itself among them: 1 where it was alone.
    mutating func end(_ number: Int, at time: Double) -> Double {
        guard let begin = underWay.removeValue(forKey: number), time > begin else { return 1 }
        let own = begin...time
        let others = ended + underWay.values.filter { $0 < time }.map { $0...time }
        let shared = others.reduce(0) { $0 + max(0, min($1.upperBound, time) - max($1.lowerBound, begin)) }
        ended.append(own)
        if let oldest = underWay.values.min() {
            ended.removeAll { $0.upperBound < oldest }
        } else {
            ended = []
        }
        return 1 + shared / (time - begin)
    }
}
