// The floor for polling: libmodbus in a closed loop. Prints registers read and CPU seconds used by this process.
// Use: modbus_poll HOST PORT SECONDS
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    modbus_t *context = modbus_new_tcp_pi(argv[1], argv[2]);
    modbus_set_slave(context, 1);
    if (context == NULL || modbus_connect(context) != 0) return 1;
    uint16_t registers[125];
    double scaled[125], sum = 0, end = now() + atof(argv[3]);
    long count = 0;
    while (now() < end) {
        if (modbus_read_registers(context, 0, 125, registers) != 125) return 1;
        // What a poller is for: scaled values, not registers.
        for (int i = 0; i < 125; i++) scaled[i] = (int16_t)registers[i] * 0.1;
        sum += scaled[count % 125];
        count += 125;
    }
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    double cpu = use.ru_utime.tv_sec + use.ru_utime.tv_usec / 1e6 + use.ru_stime.tv_sec + use.ru_stime.tv_usec / 1e6;
    printf("{\"registers\": %ld, \"cpuSeconds\": %.4f, \"check\": %.1f}\n", count, cpu, sum);
    return 0;
}
