import DeviceModel
import DevicePlans
import ProfileLanguage

/// A result that was told, and how it was judged.
struct ToldResult: Sendable {
    /// Of the value and of what tells one result from another.
    let print: UInt64
    let validity: Validity
    let reason: Reason
    /// Whether it was told as one of now.
    let isNow: Bool
    /// Whether it was told, or seen again, since the session began.
    var isOfSession = true
}

/// Each result is told once, and once more when the device judges it otherwise.
extension ValueJudge {
    /// Whether a result is of now; `nil` when there is nothing new to tell of it.
    ///
    /// - Parameter judged: how far it counts by all that is known of it, but for its age.
    mutating func takeResult(
        _ plan: ResultPlan, _ value: RawValue, _ judged: (validity: Validity, reason: Reason), _ stream: Int,
        bytes: [UInt8], _ moment: Moment
    ) -> Bool? {
        let (print, isMarked) = print(plan, value.print(bytes), bytes, moment)
        // What has no number, or one that stands for none, is not of now, and makes none of before another one.
        let told = isMarked ? \Self.toldResults : \Self.unmarkedResults
        let last = self[keyPath: told][stream]
        let isSame = last?.print == print
        if isSame, let last {
            self[keyPath: told][stream]?.isOfSession = true
            if (last.validity, last.reason) == judged || judged.reason.isOfMoment { return nil }
        }
        let isNow = isMarked && isOfNow(plan, isSame ? last : nil, last, bytes, moment)
        if !withholds {
            self[keyPath: told][stream] = ToldResult(
                print: print, validity: judged.validity, reason: judged.reason, isNow: isNow)
        }
        return isNow
    }

    /// A number for the value with what tells one result from another; and whether anything did.
    private func print(
        _ plan: ResultPlan, _ value: UInt64, _ bytes: [UInt8], _ moment: Moment
    ) -> (print: UInt64, isMarked: Bool) {
        var (print, isMarked) = (value, false)
        for field in plan.marks {
            let mark = values[place(field, moment)]
            let says = mark.message == message && mark.validity == .valid && !mark.isDoubted
            print = RawValue.mix(print, says ? mark.print(bytes) : 0)
            isMarked = isMarked || says
        }
        guard let time = plan.time else { return (print, isMarked) }
        let mark = values[place(time.field, moment)]
        // What is no time tells nothing from anything: a dash, a place that is empty.
        let says =
            mark.message == message && mark.isText && mark.validity == .valid
            && time.format.nanoseconds(bytes, mark.range) != nil
        return (RawValue.mix(print, says ? mark.print(bytes) : 0), isMarked || says)
    }

    /// - Parameters:
    ///   - same: the same result as it was told before, where it is now judged otherwise.
    ///   - last: the last result that was told.
    private func isOfNow(
        _ plan: ResultPlan, _ same: ToldResult?, _ last: ToldResult?, _ bytes: [UInt8], _ moment: Moment
    ) -> Bool {
        guard let time = plan.time else {
            // Known by its number only: one that was there when the line was opened may be of any time, but for one
            // that was being measured then.
            guard let last, last.isOfSession else { return false }
            return same.map { $0.isNow || $0.validity == .ongoing } ?? true
        }
        let own = values[place(time.field, moment)]
        guard own.message == message, own.isText, own.validity == .valid, !own.isDoubted, let civilClock,
            let taken = time.format.nanoseconds(bytes, own.range)
        else { return false }
        return abs(civilClock.now(monotonic: moment.time, isUTC: time.format.isUTC) &- taken) <= time.within
    }
}

extension Reason {
    /// Whether it says what is not known at the moment, and nothing of a result that was told already.
    fileprivate var isOfMoment: Bool {
        switch self {
        case .unknownStatus, .frozen: true
        default: false
        }
    }
}
