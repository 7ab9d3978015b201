import DeviceModel
import DevicePlans
import ProfileLanguage

/// Frames that follow each other and only say values: read where they lie, and put together as packets.
extension SerialDecoder {
    /// Reads frames where they lie, as long as one follows the other without a fault. What they are is held for all of
    /// them by who calls, so that nothing is counted for each.
    ///
    /// - Parameter bytes: the framer's buffer.
    mutating func drain(
        _ frame: PlainFrame, _ list: FieldList, _ packet: PacketPlan.Part?, _ index: Int, _ bytes: [UInt8], time: Int64,
        sink: inout RecordBuffer
    ) {
        let run = framers[index].takePlain(frame, in: bytes)
        let base = framers[index].position - run.upperBound
        for place in stride(from: run.lowerBound, to: run.upperBound, by: frame.length) {
            let moment = Moment(time: time, offset: base + place)
            counters.frames += 1
            judge.beginMessage()
            if judge.readsPlainly(list, moment) {
                judge.readPlain(
                    list, bytes.span.extracting(place..<(place + frame.length)), moment, sink: &sink)
            } else {
                judge.read(
                    list, bytes: bytes, start: place, length: frame.length, captures: captures, moment, sink: &sink)
            }
            if let packet { takePacket(packet, bytes, from: place, moment, sink: &sink) }
        }
    }

    /// Takes a frame of a packet; a packet that is whole is read.
    mutating func takePacket(
        _ part: PacketPlan.Part, _ bytes: [UInt8], from start: Int, _ moment: Moment, sink: inout RecordBuffer
    ) {
        if part.isFirst.holds(in: bytes.span.extracting(start..<(start + part.frameLength))) {
            breakPacket(time: moment.time, sink: &sink)
            inPacket = true
            packetOffset = moment.offset
        }
        guard inPacket else { return }
        packet.put(part.frameLength, of: bytes, from: start, at: packetFrames * part.frameLength)
        packetFrames += 1
        guard packetFrames == part.count else { return }
        if let packetPlan = plan.packet {
            judge.read(
                packetPlan.list, bytes: packet, start: 0, length: packet.count, captures: captures,
                Moment(time: moment.time, offset: packetOffset), sink: &sink)
        }
        (inPacket, packetFrames) = (false, 0)
    }

    /// A packet that has begun will not be completed: its values are missing, and say so.
    mutating func breakPacket(time: Int64, sink: inout RecordBuffer) {
        if packetFrames > 0, let packetPlan = plan.packet {
            judge.miss(
                packetPlan.list.fields, .invalid, .frameLost, Moment(time: time, offset: packetOffset), sink: &sink)
        }
        (inPacket, packetFrames) = (false, 0)
    }
}

/// What every frame of a framer is, where all are plain, carry values only, and nothing is said back to one.
final class FrameRun: Sendable {
    let frame: PlainFrame
    let list: FieldList
    let packet: PacketPlan.Part?

    /// `nil` of a framer whose frames need more looking at.
    init?(_ plan: SerialPlan, _ frames: [Int]) {
        guard frames.count == 1, let frame = plan.frames[frames[0]].plain, plan.messagesOfFrame[frames[0]].isEmpty,
            plan.answers.isEmpty, plan.frames.allSatisfy({ $0.format.number == nil && $0.format.continuedBy == nil })
        else { return nil }
        self.frame = frame
        list = plan.frameFields[frames[0]]
        packet = plan.packet?.frame == frames[0] ? plan.packet?.part : nil
    }
}
