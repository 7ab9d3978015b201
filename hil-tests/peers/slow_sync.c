/* Makes every sync of one process take as long as a file says: LD_PRELOAD this, with the file's path in NABD_SLOW_SYNC.
 *
 * The file holds one int64, the time in ms; it is mapped, so a change counts from the next sync on. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *delay;

__attribute__((constructor)) static void map_delay(void) {
    const char *path = getenv("NABD_SLOW_SYNC");
    int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0) abort();
    void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED) abort();
    close(descriptor);
    delay = mapped;
}

static void wait_first(void) {
    int64_t milliseconds = delay ? *delay : 0;
    if (milliseconds <= 0) return;
    struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) {}
}

int fsync(int descriptor) {
    wait_first();
    return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    wait_first();
    return (int)syscall(SYS_fdatasync, descriptor);
}
