import CPosix
import Glibc

/// Ends another thread's waiting, from any thread and without waiting.
package final class Bell: Sendable {
    /// What is waited for beside something else; below 0 where the system has no descriptor left: nobody is woken then,
    /// and whoever waits has to look by himself.
    package let descriptor: Int32

    package init() { descriptor = nabd_make_bell() }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whoever waits goes on now; if nobody does, whoever waits next goes on at once.
    package func ring() { if descriptor >= 0 { nabd_ring(descriptor) } }
}
