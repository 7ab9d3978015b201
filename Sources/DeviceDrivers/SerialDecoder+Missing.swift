package import DeviceModel
import DevicePlans

/// What did not come: samples without a value say so.
extension SerialDecoder {
    /// Samples without a value for all that a request would have read.
    ///
    /// - Parameter isTold: whether another request tells the field of this index.
    package mutating func miss(
        request: Int, _ validity: Validity, _ reason: Reason, time: Int64,
        unless isTold: (Int) -> Bool = { _ in false }, sink: inout some RecordSink
    ) {
        guard let reply = plan.requests[request].reply else { return }
        read(into: &sink) {
            $0.miss($0.plan.messages[reply], validity, reason, time: time, offset: 0, unless: isTold, sink: &$1)
        }
    }

    /// Samples without a value for all that the device would have said unasked.
    package mutating func missStream(_ validity: Validity, _ reason: Reason, time: Int64, sink: inout some RecordSink) {
        read(into: &sink) { $0.missStream(validity, reason, time: time, buffer: &$1) }
    }

    func missStream(_ validity: Validity, _ reason: Reason, time: Int64, buffer sink: inout RecordBuffer) {
        let moment = Moment(time: time, offset: 0)
        for list in plan.frameFields { judge.miss(list.fields, validity, reason, moment, sink: &sink) }
        judge.miss(plan.packet?.list.fields ?? [], validity, reason, moment, sink: &sink)
        for message in plan.messages where !message.isReply {
            miss(message, validity, reason, time: time, offset: 0, sink: &sink)
        }
    }

    /// A frame came that is damaged: what it carried is missing, where it is known what that was. Of a frame that
    /// carries one thing it is that one; of one that else carries only curves, the values, if it can have been those.
    ///
    /// - Parameter length: of the frame; `nil` where that is not known. Unit: bytes.
    func missDamaged(
        _ frame: Int, length: Int?, _ reason: Reason, _ moment: Moment, sink: inout RecordBuffer
    ) {
        var unasked = plan.messagesOfFrame[frame].filter { !plan.messages[$0].isReply }
        let isOnlyOne = unasked.count == 1
        if !isOnlyOne {
            guard unasked.allSatisfy({ plan.messages[$0].tellsValues || plan.messages[$0].tellsCurves }) else { return }
            unasked = unasked.filter { plan.messages[$0].tellsValues }
        }
        guard unasked.count == 1, let only = unasked.first else { return }
        let message = plan.messages[only]
        if !isOnlyOne, let length, let lengths = message.length, !lengths.contains(length) { return }
        miss(
            message, .invalid, reason, time: moment.time, offset: moment.offset,
            withCurves: isOnlyOne, sink: &sink)
    }

    func miss(
        _ message: MessagePlan, _ validity: Validity, _ reason: Reason, time: Int64, offset: Int,
        unless isTold: (Int) -> Bool = { _ in false }, withCurves: Bool = true,
        sink: inout RecordBuffer
    ) {
        let moment = Moment(time: time, offset: offset, slot: message.fixedSlot ?? 0)
        // Which slots of a rack would have reported is not known.
        let isOfUnknownSlot =
            message.fixedSlot == nil && (message.slotCapture != nil || message.records?.slotCapture != nil)
        guard !isOfUnknownSlot else { return }
        for field in message.fields where !isTold(field.index) && (withCurves || !field.isCurve) {
            judge.miss(field, validity, reason, moment, sink: &sink)
        }
        for keyed in message.records?.keyed ?? []
        where !isTold(keyed.field.index) && (withCurves || !keyed.field.isCurve) {
            judge.miss(keyed.field, validity, reason, moment, sink: &sink)
        }
    }

    /// Slots of the rack that have not been reported since a time: they are told as gone, once.
    package mutating func expireSlots(since time: Int64, now: Int64, sink: inout some RecordSink) {
        read(into: &sink) { $0.expireSlots(since: time, now: now, buffer: &$1) }
    }

    private mutating func expireSlots(since time: Int64, now: Int64, buffer sink: inout RecordBuffer) {
        while let slot = judge.rack.expireSlot(since: time, Moment(time: now, offset: 0), sink: &sink) {
            let moment = Moment(time: now, offset: 0, slot: slot)
            for message in plan.messages where message.fixedSlot == nil || message.fixedSlot == slot {
                for field in message.fields + (message.records?.keyed.map(\.field) ?? [])
                where field.targets.contains(where: \.isSlotted) {
                    judge.miss(field, .notAvailable, .absent, moment, sink: &sink)
                }
            }
        }
    }
}

extension MessagePlan {
    fileprivate var tellsCurves: Bool {
        (fields + (records?.keyed.map(\.field) ?? [])).contains { $0.isCurve && !$0.targets.isEmpty }
    }

    /// Whether it tells values, and not only curves.
    fileprivate var tellsValues: Bool {
        (fields + (records?.keyed.map(\.field) ?? [])).contains { !$0.isCurve && !$0.targets.isEmpty }
    }
}
