/* Moves the wall clock of one process, as somebody who sets it would: LD_PRELOAD this, with the path of a file in NABD_WALLCLOCK.
 *
 * The file holds one int64, the offset in ns; it is mapped, so a change counts from the next call on. The monotonic clocks are left alone,
 * as they are when a clock is set. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset;

__attribute__((constructor)) static void map_offset(void) {
    const char *path = getenv("NABD_WALLCLOCK");
    int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0) abort();
    void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED) abort();
    close(descriptor);
    offset = mapped;
}

static int64_t wall_clock(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec + (offset ? *offset : 0);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return (int)syscall(SYS_clock_gettime, clock, time);
    int64_t now = wall_clock();
    time->tv_sec = now / 1000000000LL;
    time->tv_nsec = now % 1000000000LL;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    int64_t now = wall_clock();
    time->tv_sec = now / 1000000000LL;
    time->tv_usec = now % 1000000000LL / 1000;
    return 0;
}

time_t time(time_t *into) {
    time_t now = wall_clock() / 1000000000LL;
    if (into) *into = now;
    return now;
}
