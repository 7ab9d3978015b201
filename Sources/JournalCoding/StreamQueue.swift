package import DeviceModel

/// Samples of many streams on their way to their buffers, in the order in which they came. They go on many at a time
/// and stream by stream: each buffer is then brought into the processor's cache once for many samples, not for each.
package struct StreamQueue {
    /// How many wait at most: few enough to stay in the processor's own cache. Unit: samples.
    package static let capacity = 1024

    private var records: [SampleRecord] = []
    private var streams: [Int32] = []
    /// By stream: where the next of its samples stands in `order`.
    private var places: [Int32] = []
    private var order: [Int32] = []

    package init() {}

    /// Takes one more; where it is the last for which there is room, all go on.
    ///
    /// - Parameter stream: the index of its buffer, below 2³¹.
    package mutating func add(_ record: SampleRecord, stream: Int, to buffers: inout [StreamBuffer]) {
        records.append(record)
        streams.append(Int32(truncatingIfNeeded: stream))
        if records.count == Self.capacity { give(to: &buffers) }
    }

    /// Hands on all that wait; those of a stream keep their order.
    package mutating func give(to buffers: inout [StreamBuffer]) {
        guard !records.isEmpty else { return }
        sort(streams: buffers.count)
        for place in order { buffers[Int(streams[Int(place)])].append(records[Int(place)]) }
        records.removeAll(keepingCapacity: true)
        streams.removeAll(keepingCapacity: true)
    }

    /// Counts the samples of each stream, and gives each its place behind those before it.
    private mutating func sort(streams count: Int) {
        places.removeAll(keepingCapacity: true)
        places.append(contentsOf: repeatElement(0, count: count + 1))
        for stream in streams { places[Int(stream) + 1] += 1 }
        for stream in 0..<count { places[stream + 1] += places[stream] }
        order.removeAll(keepingCapacity: true)
        order.append(contentsOf: repeatElement(0, count: streams.count))
        for (index, stream) in streams.enumerated() {
            order[Int(places[Int(stream)])] = Int32(truncatingIfNeeded: index)
            places[Int(stream)] += 1
        }
    }
}
