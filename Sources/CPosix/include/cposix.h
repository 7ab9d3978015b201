// The few POSIX and Linux calls that Swift's Glibc module does not offer.

#ifndef NABD_CPOSIX_H
#define NABD_CPOSIX_H

#include <stddef.h>
#include <stdint.h>

/// Opens a pseudo-terminal in raw mode, without echo, close-on-exec.
/// On success returns the controlling side's descriptor and writes the other side's path into `path`;
/// on failure returns -errno.
int nabd_open_pty(char *path, size_t capacity);

/// Puts a terminal descriptor into raw 8N1 mode without echo. Returns 0 or -errno.
int nabd_make_raw(int descriptor);

/// How a terminal's bytes are held back: not at all, by RTS and CTS, by XON and XOFF.
enum { NABD_FLOW_NONE = 0, NABD_FLOW_HARDWARE = 1, NABD_FLOW_SOFTWARE = 2 };

/// Sets a terminal's flow control. Returns 0 or -errno.
int nabd_set_flow(int descriptor, int flow);

/// Sets the level of DTR or of RTS: 1 on, 0 off. Returns 0 or -errno.
int nabd_set_dtr(int descriptor, int on);
int nabd_set_rts(int descriptor, int on);

/// Has the driver switch the direction of an RS-485 line. Returns 0 or -errno.
int nabd_set_rs485(int descriptor);

/// Takes (1) or gives back (0) the exclusive right to open this terminal (TIOCEXCL). Returns 0 or -errno.
int nabd_terminal_exclusive(int descriptor, int exclusive);

/// Whether somebody has taken that right. Returns 1, 0 or -errno.
int nabd_terminal_is_exclusive(int descriptor);

/// Sets the calling thread's timer slack. Unit: ns. Returns 0 or -errno.
int nabd_set_timer_slack(uint64_t nanoseconds);

/// Names the calling thread (at most 15 bytes are kept).
void nabd_name_thread(const char *name);

/// Gives the calling thread the SCHED_FIFO policy with this priority. Returns 0 or -errno.
int nabd_set_fifo(int priority);

/// Whether this process may lock as much memory as it likes: CAP_IPC_LOCK, or no limit on locked memory. Returns 1 or 0.
int nabd_may_lock_memory(void);

/// Keeps every page of this process in memory from the moment it is first used. Returns 0 or -errno.
int nabd_lock_memory(void);

/// Uses some of the calling thread's stack once, so that its pages are there later. Unit: bytes.
void nabd_prefault_stack(size_t size);

/// Sets the calling thread's nice value. Returns 0 or -errno.
int nabd_set_nice(int nice);

/// The kernel's view of the wall clock. Returns 1 when it is synchronised, 0 when it is not, -errno on failure.
int nabd_clock_synchronised(void);

/// Waits until a descriptor is ready for `events` (poll's bits). Unit of the limit: ns.
/// Returns what it is ready for, 0 when the limit passed, -errno on failure.
int nabd_wait(int descriptor, short events, int64_t nanoseconds);

/// The same, and until somebody rings a bell (one of `nabd_make_bell`, or -1 for none), which is silent again then.
/// Returns 0 where only the bell was rung.
int nabd_wait_or_bell(int descriptor, short events, int bell, int64_t nanoseconds);

/// Something that any thread rings to end another's waiting. Returns its descriptor or -errno.
int nabd_make_bell(void);

/// Rings it, without waiting. Rung again before anybody has heard it, it was rung once.
void nabd_ring(int bell);

/// Makes standard output leave line by line, also into a pipe: who reads JSON lines reads them as they come.
void nabd_line_buffer_output(void);

/// Threads share one arena of memory instead of having one each, and what is large is given back when it is freed:
/// otherwise a process of many threads keeps, locked, what each of them once needed. A line's thread allocates nothing,
/// so it waits for none of them. Before any thread is made.
void nabd_bound_arenas(void);

/// From now on a disk that refuses a write to a mapped page of SQLite's shared index (a file whose name ends in "-shm") does not end this process:
/// the page is replaced by a copy that belongs to the process alone. What follows goes on as it was, but no other process sees it any more: the
/// files concerned must not be written again. Any other bus error is left to whoever handled it before. Once a process. Returns 0 or -errno.
int nabd_keep_indices(void);

/// How many pages were replaced so.
int64_t nabd_replaced_pages(void);

/// Opens a folder as a place only. Returns its descriptor or -errno.
int nabd_open_place(const char *path);

/// Takes the next caller of a listening socket, without waiting. Returns its descriptor or -errno.
int nabd_accept(int listener);

/// Whether the process at the other end of a Unix socket is this user's, root's, or of this process's group. 1, 0 or -errno.
int nabd_peer_is_ours(int descriptor);

/// The process at the other end of a Unix socket, as it was when it connected; 0 where the system does not tell.
int32_t nabd_peer_process(int descriptor);

/// The monotonic clock. Unit: ms.
int64_t nabd_milliseconds(void);

/// Whether a name in a folder is a socket; a link is not followed. 1, 0 or -errno.
int nabd_is_socket(int folder, const char *name);

/// Binds a Unix socket to a name in a folder, or connects it to the one that is there, however long the folder's path is.
/// Return 0 or -errno.
int nabd_bind_local(int descriptor, int folder, const char *name);
int nabd_connect_local(int descriptor, int folder, const char *name);

/// Sends one datagram to a Unix socket, whose name begins with '/', or with '@' for an abstract one; it waits for nobody. Returns 0 or -errno.
int nabd_notify(const char *name, const char *text, size_t length);

#endif
