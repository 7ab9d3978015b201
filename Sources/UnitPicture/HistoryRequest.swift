/// Why a question about the past is not answered. It names no value that was given.
package struct HistoryFault: Error, Sendable, Hashable {
    /// A word for programs.
    package let code: String
    /// Plain words for people.
    package let words: String

    init(_ code: String, _ words: String) { (self.code, self.words) = (code, words) }
}

/// Whether a session's data are of patients or of tests. Data of the two are never put together.
package enum DataMark: String, Sendable, Hashable {
    case test
    case real
}

/// A time that is asked for: from its beginning on and before its end.
package struct HistoryTime: Sendable, Hashable {
    /// The longest that is answered at once: a month of minutes is what a screen can show and a reader can pass over.
    /// Unit: ms.
    static let longest: Int64 = 31 * 86_400_000
    /// Times of the years 1970 to 2250, whose nanoseconds fit. Unit: ms since 1970.
    static let bounds: ClosedRange<Int64> = 0...8_835_955_200_000

    /// Unit: ms since 1970.
    package let from: Int64
    package let to: Int64

    package init(from: Int64, to: Int64) throws(HistoryFault) {
        guard Self.bounds.contains(from), Self.bounds.contains(to) else {
            throw HistoryFault("time", "from and to are milliseconds since 1970")
        }
        guard from < to else { throw HistoryFault("time", "from lies before to") }
        guard to - from <= Self.longest else { throw HistoryFault("tooLong", "at most 31 days at once") }
        (self.from, self.to) = (from, to)
    }

    /// Unit: ns since 1970.
    var nanoseconds: Range<Int64> { from * 1_000_000..<to * 1_000_000 }
}

/// What a screen asks of the past, read from a path and the parameters of its query.
package enum HistoryRequest: Sendable, Hashable {
    /// Which streams have samples.
    case streams(HistoryTime, mark: DataMark?)
    /// The least and the greatest value of each column of a picture.
    case columns(HistoryTime, streams: [Int64], count: Int, mark: DataMark?)
    /// Every sample, as CSV.
    case samples(HistoryTime, streams: [Int64], mark: DataMark?)
    /// What happened, newest last.
    case log(HistoryTime, limit: Int)

    /// More curves than a screen can show beside one another.
    static let mostStreams = 32
    /// The width of the widest screens in pixels.
    static let mostColumns = 4000
    /// As many as a page can list.
    static let mostOfLog = 1000

    /// What answers a path; `nil` of a path that is no question about the past.
    ///
    /// - Parameter parameters: decoded, each name once.
    package init?(path: String, parameters: [String: String]) throws(HistoryFault) {
        let query = Query(parameters: parameters)
        switch path {
        case "/streams":
            try query.allow(["from", "to", "mark"])
            self = .streams(try query.time(), mark: try query.mark())
        case "/history" where parameters["format"] != nil:
            try query.allow(["streams", "from", "to", "columns", "format", "mark"])
            guard parameters["format"] == "csv" else { throw HistoryFault("format", "format is csv or left out") }
            self = .samples(try query.time(), streams: try query.streams(), mark: try query.mark())
        case "/history":
            try query.allow(["streams", "from", "to", "columns", "mark"])
            self = .columns(
                try query.time(), streams: try query.streams(),
                count: Int(try query.number("columns", in: 1...Int64(Self.mostColumns))), mark: try query.mark())
        case "/log":
            try query.allow(["from", "to", "limit"])
            let limit = parameters["limit"] == nil ? 200 : try query.number("limit", in: 1...Int64(Self.mostOfLog))
            self = .log(try query.time(), limit: Int(limit))
        default: return nil
        }
    }

    /// What the answer is, for HTTP.
    package var contentType: String {
        switch self {
        case .streams, .log: "application/json"
        case .columns: "application/x-ndjson"
        case .samples: "text/csv; charset=utf-8"
        }
    }

    /// The name of the file that the answer is to be kept as; `nil` of what a page shows.
    package var attachment: String? {
        guard case .samples = self else { return nil }
        return "history.csv"
    }
}

/// The parameters of a question, read strictly.
private struct Query {
    let parameters: [String: String]

    func allow(_ names: Set<String>) throws(HistoryFault) {
        guard parameters.keys.allSatisfy(names.contains) else {
            throw HistoryFault("parameter", "only \(names.sorted().joined(separator: ", ")) can be asked here")
        }
    }

    func number(_ name: String, in range: ClosedRange<Int64>) throws(HistoryFault) -> Int64 {
        guard let text = parameters[name], let number = Int64(text), "\(number)" == text, range.contains(number) else {
            throw HistoryFault(
                "parameter", "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func time() throws(HistoryFault) -> HistoryTime {
        try HistoryTime(
            from: try number("from", in: HistoryTime.bounds), to: try number("to", in: HistoryTime.bounds))
    }

    func streams() throws(HistoryFault) -> [Int64] {
        let parts = (parameters["streams"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in Int64(part).flatMap { $0 > 0 && "\($0)" == part ? $0 : nil } }
        guard numbers.count == parts.count, Set(numbers).count == numbers.count,
            numbers.count <= HistoryRequest.mostStreams
        else {
            throw HistoryFault(
                "streams", "streams are 1 to \(HistoryRequest.mostStreams) different numbers with commas between them")
        }
        return numbers
    }

    func mark() throws(HistoryFault) -> DataMark? {
        guard let text = parameters["mark"] else { return nil }
        guard let mark = DataMark(rawValue: text) else { throw HistoryFault("mark", "mark is test or real") }
        return mark
    }
}
