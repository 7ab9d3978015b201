// The floor for keeping time: absolute clock_nanosleep in C, with locked memory. Writes how late each wake-up was, in nanoseconds, a line each.
// Use: wakeup PERIOD_MICROSECONDS SECONDS PRIORITY FILE (priority 0: ordinary, and memory is locked where it may be)
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    long period = atol(argv[1]) * 1000, count = (long)(atof(argv[2]) * 1e9 / period);
    struct sched_param parameters = {.sched_priority = atoi(argv[3])};
    int locked = mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    if (parameters.sched_priority > 0 && (!locked || pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) != 0)) {
        fprintf(stderr, "SCHED_FIFO or locked memory was refused\n");
        return 1;
    }
    long *late = calloc((size_t)count, sizeof *late);
    FILE *out = fopen(argv[4], "w");
    if (late == NULL || out == NULL) return 1;
    struct timespec next, woke;
    clock_gettime(CLOCK_BOOTTIME, &next);
    // The first tenth of a second is not counted, here and on the other side: a program's first steps fetch its code.
    for (long i = -(100000000 / period); i < count; i++) {
        next.tv_nsec += period;
        while (next.tv_nsec >= 1000000000) { next.tv_nsec -= 1000000000; next.tv_sec++; }
        clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &next, NULL);
        clock_gettime(CLOCK_BOOTTIME, &woke);
        long lateness = (woke.tv_sec - next.tv_sec) * 1000000000L + woke.tv_nsec - next.tv_nsec;
        if (i >= 0) late[i] = lateness;
    }
    for (long i = 0; i < count; i++) fprintf(out, "%ld\n", late[i]);
    if (fclose(out) != 0) return 1;
    printf("{\"wakeups\": %ld}\n", count);
    return 0;
}
