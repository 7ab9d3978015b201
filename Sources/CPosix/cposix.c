#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <linux/serial.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <termios.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int nabd_make_raw(int descriptor) {
    struct termios settings;
    if (tcgetattr(descriptor, &settings) != 0) return -errno;
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    if (tcsetattr(descriptor, TCSANOW, &settings) != 0) return -errno;
    return 0;
}

int nabd_open_pty(char *path, size_t capacity) {
    int descriptor = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    int failure = 0;
    if (grantpt(descriptor) != 0 || unlockpt(descriptor) != 0) {
        failure = -errno;
    } else {
        failure = -ptsname_r(descriptor, path, capacity);
    }
    if (failure == 0) failure = nabd_make_raw(descriptor);
    if (failure != 0) {
        close(descriptor);
        return failure;
    }
    return descriptor;
}

int nabd_set_flow(int descriptor, int flow) {
    struct termios settings;
    if (tcgetattr(descriptor, &settings) != 0) return -errno;
    settings.c_cflag &= ~(tcflag_t)CRTSCTS;
    settings.c_iflag &= ~(tcflag_t)(IXON | IXOFF | IXANY);
    if (flow == NABD_FLOW_HARDWARE) settings.c_cflag |= CRTSCTS;
    if (flow == NABD_FLOW_SOFTWARE) settings.c_iflag |= IXON | IXOFF;
    return tcsetattr(descriptor, TCSANOW, &settings) == 0 ? 0 : -errno;
}

static int set_level(int descriptor, int line, int on) { return ioctl(descriptor, on ? TIOCMBIS : TIOCMBIC, &line) == 0 ? 0 : -errno; }

int nabd_set_dtr(int descriptor, int on) { return set_level(descriptor, TIOCM_DTR, on); }

int nabd_set_rts(int descriptor, int on) { return set_level(descriptor, TIOCM_RTS, on); }

int nabd_set_rs485(int descriptor) {
    struct serial_rs485 mode;
    memset(&mode, 0, sizeof mode);
    mode.flags = SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND;
    return ioctl(descriptor, TIOCSRS485, &mode) == 0 ? 0 : -errno;
}

int nabd_terminal_exclusive(int descriptor, int exclusive) {
    return ioctl(descriptor, exclusive ? TIOCEXCL : TIOCNXCL) == 0 ? 0 : -errno;
}

int nabd_terminal_is_exclusive(int descriptor) {
    int exclusive = 0;
    return ioctl(descriptor, TIOCGEXCL, &exclusive) == 0 ? exclusive != 0 : -errno;
}

int nabd_set_timer_slack(uint64_t nanoseconds) {
    return prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0) == 0 ? 0 : -errno;
}

void nabd_name_thread(const char *name) {
    char short_name[16];
    strncpy(short_name, name, sizeof short_name - 1);
    short_name[sizeof short_name - 1] = 0;
    pthread_setname_np(pthread_self(), short_name);
}

int nabd_set_fifo(int priority) {
    struct sched_param parameters = {.sched_priority = priority};
    return -pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
}

int nabd_set_nice(int nice_value) {
    return setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice_value) == 0 ? 0 : -errno;
}

int nabd_clock_synchronised(void) {
    struct timex state = {0};
    int result = adjtimex(&state);
    if (result < 0) return -errno;
    return result != TIME_ERROR && !(state.status & STA_UNSYNC);
}

int nabd_wait(int descriptor, short events, int64_t nanoseconds) {
    return nabd_wait_or_bell(descriptor, events, -1, nanoseconds);
}

int nabd_wait_or_bell(int descriptor, short events, int bell, int64_t nanoseconds) {
    // The system passes over a descriptor below 0.
    struct pollfd entries[2] = {{.fd = descriptor, .events = events}, {.fd = bell, .events = POLLIN}};
    if (nanoseconds < 0) nanoseconds = 0;
    struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    int ready = ppoll(entries, 2, &limit, NULL);
    if (ready < 0) return -errno;
    uint64_t times;
    // That a bell could not be read is no fault of the line.
    if (entries[1].revents != 0 && read(bell, &times, sizeof times) < 0) return entries[0].revents;
    return entries[0].revents;
}

int nabd_make_bell(void) {
    int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return bell < 0 ? -errno : bell;
}

void nabd_ring(int bell) {
    uint64_t once = 1;
    // It fails only where it has been rung 2^64 times and nobody has waited since.
    if (write(bell, &once, sizeof once) < 0) return;
}

void nabd_line_buffer_output(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

void nabd_bound_arenas(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

int nabd_may_lock_memory(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) == 0 && data[0].effective >> CAP_IPC_LOCK & 1) return 1;
    struct rlimit limit;
    return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

int nabd_lock_memory(void) { return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? 0 : -errno; }

void nabd_prefault_stack(size_t size) {
    volatile char pages[size];
    for (size_t place = 0; place < size; place += 4096) pages[place] = 0;
}

int nabd_open_place(const char *path) {
    int descriptor = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

int nabd_accept(int listener) {
    int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

int nabd_peer_is_ours(int descriptor) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -errno;
    if (peer.uid == geteuid() || peer.uid == 0 || peer.gid == getegid()) return 1;
    gid_t groups[256];
    size = sizeof groups;
    // More groups than have room: the first 256 are not told; such a caller is not ours.
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0) return 0;
    for (size_t index = 0; index < size / sizeof groups[0]; index++) {
        if (groups[index] == getegid()) return 1;
    }
    return 0;
}

int32_t nabd_peer_process(int descriptor) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

int64_t nabd_milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int nabd_is_socket(int folder, const char *name) {
    struct stat details;
    if (fstatat(folder, name, &details, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
    return S_ISSOCK(details.st_mode);
}

/// A socket's address holds only 107 bytes; by the folder's descriptor any path is short.
static int local_address(struct sockaddr_un *address, int folder, const char *name) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", folder, name);
    return length > 0 && (size_t)length < sizeof address->sun_path ? 0 : -ENAMETOOLONG;
}

int nabd_bind_local(int descriptor, int folder, const char *name) {
    struct sockaddr_un address;
    int code = local_address(&address, folder, name);
    if (code != 0) return code;
    return bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : -errno;
}

int nabd_connect_local(int descriptor, int folder, const char *name) {
    struct sockaddr_un address;
    int code = local_address(&address, folder, name);
    if (code != 0) return code;
    return connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : -errno;
}

int nabd_notify(const char *name, const char *text, size_t length) {
    struct sockaddr_un address;
    size_t size = strlen(name);
    if (size < 2 || size >= sizeof address.sun_path) return -ENAMETOOLONG;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, name, size);
    // An abstract name begins with a zero byte.
    if (name[0] == '@') address.sun_path[0] = 0;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    socklen_t taken = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    ssize_t sent = sendto(descriptor, text, length, MSG_NOSIGNAL, (struct sockaddr *)&address, taken);
    int code = sent == (ssize_t)length ? 0 : sent < 0 ? -errno : -EMSGSIZE;
    close(descriptor);
    return code;
}
