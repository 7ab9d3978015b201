// The floor for a whole host: libmodbus reading 125 registers of each device in its own time, scaled, for ever; nothing is kept.
// Use: modbus_paced PORT DEVICES PERIOD_MICROSECONDS PRIORITY (0: ordinary). One thread a device, at 127.0.0.1, 127.0.0.2, …
#include <modbus.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static int port, priority;
static long period;
static volatile double kept;

static void *poll_device(void *argument) {
    char host[16];
    snprintf(host, sizeof host, "127.0.0.%d", (int)(intptr_t)argument);
    struct sched_param parameters = {.sched_priority = priority};
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    if (priority > 0) pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
    modbus_t *context = modbus_new_tcp(host, port);
    modbus_set_slave(context, 1);
    if (context == NULL || modbus_connect(context) != 0) exit(1);
    uint16_t registers[125];
    double scaled[125];
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (long count = 0;; count++) {
        if (modbus_read_registers(context, 0, 125, registers) != 125) exit(1);
        for (int i = 0; i < 125; i++) scaled[i] = (int16_t)registers[i] * 0.1;
        kept = scaled[count % 125];
        next.tv_nsec += period * 1000;
        while (next.tv_nsec >= 1000000000) { next.tv_nsec -= 1000000000; next.tv_sec++; }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    port = atoi(argv[1]);
    period = atol(argv[3]);
    priority = atoi(argv[4]);
    pthread_t thread;
    for (int k = 1; k <= atoi(argv[2]); k++) {
        if (pthread_create(&thread, NULL, poll_device, (void *)(intptr_t)k) != 0) return 1;
    }
    return pthread_join(thread, NULL);
}
