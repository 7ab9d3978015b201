// The floor for keeping time: absolute clock_nanosleep in C. Prints how late the wake-ups were, in microseconds.
// Use: wakeup PERIOD_MICROSECONDS SECONDS PRIORITY (0: ordinary)
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static int ascending(const void *a, const void *b) {
    long x = *(const long *)a, y = *(const long *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    long period = atol(argv[1]) * 1000, count = (long)(atof(argv[2]) * 1e9 / period);
    struct sched_param parameters = {.sched_priority = atoi(argv[3])};
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    if (parameters.sched_priority > 0) pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
    long *late = malloc((size_t)count * sizeof *late);
    struct timespec next, woke;
    clock_gettime(CLOCK_BOOTTIME, &next);
    for (long i = 0; i < count; i++) {
        next.tv_nsec += period;
        while (next.tv_nsec >= 1000000000) { next.tv_nsec -= 1000000000; next.tv_sec++; }
        clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &next, NULL);
        clock_gettime(CLOCK_BOOTTIME, &woke);
        late[i] = (woke.tv_sec - next.tv_sec) * 1000000000L + woke.tv_nsec - next.tv_nsec;
    }
    qsort(late, (size_t)count, sizeof *late, ascending);
    printf("{\"p50\": %.2f, \"p99\": %.2f, \"p999\": %.2f}\n", late[count / 2] / 1e3, late[count * 99 / 100] / 1e3, late[count * 999 / 1000] / 1e3);
    return 0;
}
