#if Commands
package import LineEngine
import RealTime

/// What the command path needs of a line.
extension LineWorker {
    /// How far a stop has come; `nil` when no more is known yet.
    package func takeStopReport() -> StopReport? { recorder.stopReports.pop() }

    /// Asks for a stop of a device, from any thread. Returns how many were asked for with it.
    package func askStop(device: Int) -> Int64 {
        // Asked first: whom the bell wakes must find it.
        defer { bell?.ring() }
        return recorder.askStop(device: device)
    }

    package func stopsAsked(device: Int) -> Int64 { recorder.stopsAsked(device: device) }
}
#endif
