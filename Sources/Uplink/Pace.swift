/// How much goes into a bundle, how long an answer is waited for, and how many bundles are under way: learnt from each
/// exchange, downwards at once and upwards slowly.
struct Pace: Equatable {
    /// The smallest cap of the known services is 160 resources.
    static let mostEntries = 100
    /// Most proxies take a body of some MB; a bundle is in memory several times while it is sent. Unit: bytes.
    static let mostBytes = 512 << 10
    static let fewestBytes = 8 << 10
    /// Unit: s.
    static let deadlines: ClosedRange<Double> = 30...300
    /// An exchange of at most this much tells the way's latency and not its width. Unit: bytes.
    private static let smallBytes = 16 << 10
    /// From which latency on several are under way. Unit: s.
    private static let long = 0.3
    /// One for each so much of latency at most. Unit: s.
    private static let latencyOfEach = 0.15
    static let mostUnderWay = 8
    /// Fewer shared the way, on average, than would be felt.
    private static let alone = 1.25

    private(set) var entries = Self.mostEntries
    /// Unit: bytes.
    private(set) var bytes = Self.mostBytes
    /// Unit: s.
    private(set) var deadline = Self.deadlines.lowerBound
    /// Of small exchanges, smoothed; 0 while it is not known. Unit: s.
    private(set) var latency = 0.0
    /// How much longer the larger exchanges take than that by themselves, smoothed; `nil` while it is not known. Unit:
    /// s.
    private(set) var carrying: Double?
    private var isDoubtful = false
    private var hasConnected = false
    /// What a bundle may have at the most. Unit: bytes.
    private let most: Int

    init() { most = Self.mostBytes }

    /// - Parameters:
    ///   - entries: with `bytes`, what was learnt before a restart.
    ///   - most: what the link's cap leaves to one bundle. Unit: bytes.
    init(entries: Int64?, bytes: Int64?, most: Int = mostBytes) {
        self.most = min(max(most, Self.fewestBytes), Self.mostBytes)
        if let entries { self.entries = min(max(Int(clamping: entries), 1), Self.mostEntries) }
        self.bytes = min(max(Int(clamping: bytes ?? Int64(self.most)), Self.fewestBytes), self.most)
    }

    /// Bundles that are under way at once: so many that the way is full while answers are waited for, and no more; more
    /// than one only where it is long, and no cap makes them small. On a way that is narrow small exchanges take long
    /// as well, but large ones much longer: there several would share what there is, and leave an alarm a part of it.
    var underWay: Int {
        guard !isDoubtful, latency >= Self.long, most >= Self.mostBytes, let carrying, carrying < latency else {
            return 1
        }
        let full = 1 + (latency / max(carrying, 0.001)).rounded()
        return Int(min(full, latency / Self.latencyOfEach, Double(Self.mostUnderWay)))
    }

    /// A bundle was answered after so many seconds.
    ///
    /// - Parameter sharing: how many shared the way meanwhile, itself among them, on average.
    mutating func answered(entries count: Int, bytes size: Int, seconds: Double, sharing: Double = 1) {
        isDoubtful = false
        learn(bytes: size, seconds: seconds, sharing: max(1, sharing))
        deadline = min(max(Self.deadlines.lowerBound, seconds * 3, deadline * 0.75), Self.deadlines.upperBound)
        // Only one that filled the measure says that there may be more.
        if count * 8 >= entries * 7 { entries = min(entries + max(1, entries / 8), Self.mostEntries) }
        if size * 8 >= bytes * 7 { bytes = min(bytes + max(1024, bytes / 8), most) }
    }

    private mutating func learn(bytes size: Int, seconds: Double, sharing: Double) {
        // The first has made its connection besides, which takes as long again and longer.
        guard hasConnected else {
            hasConnected = true
            return
        }
        if size <= Self.smallBytes {
            // What others had of the way makes no way longer; what was quicker shows that it is shorter.
            if latency == 0 || seconds < latency {
                latency = seconds
            } else if sharing < Self.alone {
                latency = latency * 0.75 + seconds * 0.25
            }
        } else if latency > 0 {
            // Each of several takes as long as all of them together: of that its own part is counted, or several would
            // look like a narrower way, and their number go down and up again.
            let own = max(0, seconds - latency) / sharing
            carrying = carrying.map { ($0 + own) / 2 } ?? own
        }
    }

    /// No answer came in time: the next may take longer, and gets less to do.
    mutating func timedOut(entries count: Int, bytes size: Int) {
        deadline = min(deadline * 2, Self.deadlines.upperBound)
        tooMuch(entries: count, bytes: size)
    }

    /// A bundle of this size was too much.
    mutating func tooMuch(entries count: Int, bytes size: Int) {
        isDoubtful = true
        entries = max(1, min(entries, count / 2))
        bytes = max(Self.fewestBytes, min(bytes, size / 2))
    }

    /// The service or the way fails.
    mutating func failed() { isDoubtful = true }

    /// The first of these sizes that go into one bundle; at least one. Where it is not known how long the way is, a
    /// small one finds it out.
    func fitting(_ sizes: some Sequence<Int>) -> Int {
        let room = hasConnected && latency == 0 ? min(bytes, Self.smallBytes) : bytes
        var (count, total) = (0, 0)
        for size in sizes {
            if count > 0, count == entries || total + size > room { break }
            count += 1
            total += size
        }
        return count
    }
}
