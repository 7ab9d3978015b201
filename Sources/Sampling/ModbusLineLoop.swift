import DeviceDrivers
import DeviceModel
import DeviceProfiles
import Fieldbus
import Glibc
import RealTime

/// The loop of a Modbus line: the reads of all its devices, each at its absolute deadline, one at a time.
///
/// Devices that answer go first; one that failed is asked again only when none of them is due, and as its budget allows.
/// Everything here runs on the line's own thread. Buffers are made once; that nothing else is allocated is not yet
/// shown by a count.
final class ModbusLineLoop<Line: RegisterLine, Clock: MonotonicTime> {
    /// How long a device that refused all of a read is given before the read is searched again. Unit: ns.
    static var searchAgain: Int64 { 60_000_000_000 }
    /// Periods after which a device that failed goes before those that are well: a full line must not silence it for ever.
    static var mostOverdue: Int64 { 10 }
    /// The longest sleep, so that a stop is heard soon. Unit: ns.
    static var longestSleep: Int64 { 100_000_000 }

    let line: Line
    let clock: Clock
    private let recorder: LineRecorder
    var devices: [ModbusLineDevice]
    var reads: [ModbusLineRead]
    /// The reads as they were planned; what a device refused is tried again when the line is opened anew.
    private let planned: [ModbusLineRead]
    private var registers = [UInt16](repeating: 0, count: ModbusBlock.longest)
    private var reconnection: Reconnection
    private var contention = ContentionWatch()
    private var isOpen = false
    private var openings = 0
    /// Whether the last read was of a device that is well: two of the others never follow each other while one of these waits.
    private var wasWell = false

    init(devices plans: [DevicePlan], line: Line, clock: Clock, recorder: LineRecorder) {
        self.line = line
        self.clock = clock
        self.recorder = recorder
        let now = clock.now()
        var place = RingSink.Place()
        place.linkAlert = plans.reduce(0) { $0 + $1.alerts.count }
        var devices: [ModbusLineDevice] = []
        var reads: [ModbusLineRead] = []
        for plan in plans {
            guard case .modbus(let modbus) = plan.protocolPlan else { continue }
            devices.append(ModbusLineDevice(plan, modbus.blocks, place: place, neighbours: plans.count - 1, recorder: recorder, now: now))
            reads += modbus.blocks.enumerated().map { ModbusLineRead($1, of: plan, device: devices.count - 1, part: $0) }
            place.stream += plan.streams.count
            place.alert += plan.alerts.count
            place.linkAlert += LinkAlert.allCases.count
            place.device += 1
        }
        self.devices = devices
        self.reads = reads
        planned = reads
        reconnection = Reconnection(seed: UInt64(bitPattern: Int64(plans.first?.handle.hashValue ?? 1)))
    }

    /// Runs until told to stop.
    func run(until stop: StopFlag) {
        recorder.begin(at: clock.now())
        while !stop.isSet {
            if isOpen { step() } else { reopen() }
            look(asked: nil)
            let now = clock.now()
            for index in devices.indices { devices[index].watch(time: now) }
        }
        look(asked: nil)
        for index in devices.indices { devices[index].sink.tell(isLast: true, time: clock.now()) }
        line.close()
    }

    // MARK: Opening and losing the line

    private func reopen() {
        let now = clock.now()
        guard now >= reconnection.next else {
            clock.sleep(until: min(reconnection.next, now + Self.longestSleep))
            return
        }
        do {
            try line.open()
        } catch {
            lose(error, time: clock.now())
            return
        }
        isOpen = true
        openings = line.openings
        let start = clock.now()
        // What was put off stays put off.
        let due = Dictionary(zip(reads.map { $0.place }, reads.map { $0.due })) { max($0, $1) }
        reads = planned
        for index in reads.indices { reads[index].due = max(due[reads[index].place] ?? 0, start) }
        // Another device may have been plugged in: it must say who it is before its values count.
        for index in devices.indices { devices[index].open(time: start) }
    }

    private func lose(_ error: FieldbusError, time: Int64) {
        line.close()
        isOpen = false
        reconnection.failed(at: time)
        for index in devices.indices {
            devices[index].lose(errno: error.errnoValue, time: time)
            for read in reads where read.device == index { devices[index].miss(read.block, .notAvailable, .disconnected, time: time) }
        }
    }

    // MARK: One step

    private func step() {
        let now = clock.now()
        guard let next = nextRead(now) else {
            clock.sleep(until: now + Self.longestSleep)
            return
        }
        let due = reads[next].due
        if due - now > Self.longestSleep {
            clock.sleep(until: now + Self.longestSleep)
            return
        }
        clock.sleep(until: due)
        let awake = clock.now()
        // Waiting for the read before on the same line is not waking up late.
        if due > now { recorder.lateness.record(awake - due) }
        let period = reads[next].block.period
        let behind = (awake - due) / period
        let device = reads[next].device
        if behind > 0, reads[next].search == nil {
            devices[device].sink.miss(deadlines: behind, time: awake)
        }
        reads[next].due = due + (behind + 1) * period
        if reads[next].isRefused {
            devices[device].miss(reads[next].block, .notAvailable, .deviceException, time: awake)
        } else {
            perform(next)
        }
    }

    /// The read that is due first; of a device that failed only when no other is due.
    private func nextRead(_ now: Int64) -> Int? {
        var well: Int?
        var other: Int?
        for index in reads.indices {
            if devices[reads[index].device].health.isWell {
                if well.map({ reads[index].due < reads[$0].due }) ?? true { well = index }
            } else if other.map({ reads[index].due < reads[$0].due }) ?? true {
                other = index
            }
        }
        guard let well else { return other }
        guard let other else { return well }
        if wasWell, now - reads[other].due > Self.mostOverdue * reads[other].block.period { return other }
        return reads[well].due <= max(now, reads[other].due) ? well : other
    }

    private func perform(_ index: Int) {
        let read = reads[index]
        let block = read.search?.part ?? read.block
        let device = read.device
        wasWell = devices[device].health.isWell
        let start = clock.now()
        do {
            try line.read(read.request(block, slowestReply: devices[device].plan.line.slowestReply), into: &registers)
            let now = clock.now()
            recorder.countBusy(now - start)
            reconnection.succeeded()
            devices[device].sink.count(.requests)
            look(asked: device)
            let wasSilent = devices[device].isSilent
            heedReopening()
            devices[device].take(registers, of: block, part: read.part, time: now)
            if read.search != nil { goOn(index, isLegal: true, time: now) }
            if wasSilent { restore(device, time: now) }
            if devices[device].plan.line.turnaround > 0 { clock.sleep(until: now + devices[device].plan.line.turnaround) }
        } catch {
            let now = clock.now()
            recorder.countBusy(now - start)
            if error != .resting { devices[device].sink.count(.requests) }
            look(asked: device)
            heedReopening()
            fail(index, block, error, took: now - start, time: now)
        }
    }

    private func fail(_ index: Int, _ block: ModbusBlock, _ error: FieldbusError, took: Int64, time: Int64) {
        let device = reads[index].device
        if case .deviceException(let code) = error {
            // It answered: it is there, but has no such value.
            devices[device].refuse(time: time)
            reconnection.succeeded()
            if ModbusLineRead.mayBeARegister(code), search(index, exception: code, time: time) { return }
            devices[device].miss(block, .notAvailable, .deviceException, time: time)
            return
        }
        let (validity, reason) = ModbusLineDevice.judgement(error)
        devices[device].miss(block, validity, reason, time: time)
        if error.losesLine { return lose(error, time: time) }
        let failing = devices.count { !$0.health.isWell || $0.plan.handle == devices[device].plan.handle }
        let pause = devices[device].fail(error, took: took, failing: failing, period: block.period, time: time)
        guard pause > 0 else { return }
        for other in reads.indices where reads[other].device == device { reads[other].due = max(reads[other].due, time + pause) }
    }

    /// The connection was made anew within a read: another device may be there.
    private func heedReopening() {
        guard line.openings != openings else { return }
        openings = line.openings
        for index in devices.indices { devices[index].decoder.forgetIdentity() }
    }

    /// A device that was silent may have been replaced, or may have been starting when it refused: it is asked for everything again.
    private func restore(_ device: Int, time: Int64) {
        guard reads.contains(where: { $0.device == device && $0.isRefused }) else { return }
        reads.removeAll { $0.device == device }
        for var read in planned where read.device == device {
            read.due = time
            reads.append(read)
        }
    }

    // MARK: Registers that a device does not have

    /// Begins or continues the search for a refused register; `false` when there is nothing to search.
    private func search(_ index: Int, exception: UInt8, time: Int64) -> Bool {
        if reads[index].search != nil {
            goOn(index, isLegal: false, time: time)
            return true
        }
        guard time >= reads[index].searchAfter, let search = RegisterSearch(reads[index].block, exception: exception) else { return false }
        reads[index].search = search
        reads[index].due = time
        return true
    }

    /// One part of a search has been answered or refused. When it is over, the reads that the device takes stand for the one it refused.
    private func goOn(_ index: Int, isLegal: Bool, time: Int64) {
        let read = reads[index]
        guard var search = read.search else { return }
        guard search.take(isLegal: isLegal) else {
            reads[index].search = search
            reads[index].due = time
            return
        }
        let next = (time / read.block.period + 1) * read.block.period
        reads[index].search = nil
        reads[index].searchAfter = time + Self.searchAgain
        reads[index].due = next
        for block in search.refused { devices[read.device].miss(block, .notAvailable, .deviceException, time: time) }
        // A device that refuses everything, while it starts perhaps, is asked for everything again.
        guard !search.refusedAll else { return }
        for block in search.refused {
            devices[read.device].sink.event(.registersRefused, words: "\(block.space.rawValue) \(block.address)", time: time)
        }
        reads.remove(at: index)
        for (blocks, isRefused) in [(search.remaining, false), (search.refused, true)] {
            for block in blocks { reads.append(read.replaced(by: block, isRefused: isRefused, due: next)) }
        }
    }

    // MARK: What else was seen on the line

    private func look(asked: Int?) {
        while let sighting = line.takeSighting() {
            let time = clock.now()
            let device = devices.firstIndex { $0.units.contains(sighting.unit) } ?? asked ?? 0
            guard devices.indices.contains(device) else { continue }
            devices[device].sink.see(sighting.kind, time: time)
            if sighting.kind.isContention, contention.see(time: time) {
                devices[0].sink.event(.busContention, figure: 5, time: time)
                for index in devices.indices { devices[index].sink.alert(.busContention, holds: true, time: time) }
            }
        }
        let time = clock.now()
        guard contention.ends(time: time) else { return }
        for index in devices.indices { devices[index].sink.alert(.busContention, holds: false, time: time) }
    }
}
