/* What a plain client on libmodbus makes of late replies: it reads registers at a period and prints what it was given.
 *
 *   plain_client DEVICE BAUD UNIT ADDRESS COUNT TIMEOUT_MS PERIOD_MS POLLS none|protocol|link
 *
 * A line for each poll: the moments before and after (ns, CLOCK_BOOTTIME), then the values, or "-". */
#include <errno.h>
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc != 10) {
        fprintf(stderr, "usage: plain_client DEVICE BAUD UNIT ADDRESS COUNT TIMEOUT_MS PERIOD_MS POLLS none|protocol|link\n");
        return 2;
    }
    int address = atoi(argv[4]), count = atoi(argv[5]), timeout = atoi(argv[6]), period = atoi(argv[7]), polls = atoi(argv[8]);
    modbus_t *line = modbus_new_rtu(argv[1], atoi(argv[2]), 'N', 8, 1);
    if (line == NULL || count < 1 || count > 125) return 2;
    modbus_error_recovery_mode mode = MODBUS_ERROR_RECOVERY_NONE;
    if (strcmp(argv[9], "protocol") == 0) mode = MODBUS_ERROR_RECOVERY_PROTOCOL;
    if (strcmp(argv[9], "link") == 0) mode = MODBUS_ERROR_RECOVERY_LINK | MODBUS_ERROR_RECOVERY_PROTOCOL;
    modbus_set_error_recovery(line, mode);
    modbus_set_slave(line, atoi(argv[3]));
    modbus_set_response_timeout(line, timeout / 1000, (uint32_t)(timeout % 1000) * 1000);
    if (modbus_connect(line) != 0) {
        fprintf(stderr, "%s: %s\n", argv[1], modbus_strerror(errno));
        return 1;
    }
    int64_t due = now();
    for (int poll = 0; poll < polls; poll++) {
        uint16_t values[125];
        int64_t before = now();
        int got = modbus_read_registers(line, address, count, values);
        printf("%lld %lld", (long long)before, (long long)now());
        for (int index = 0; index < got; index++) printf(" %u", values[index]);
        puts(got < 0 ? " -" : "");
        due += (int64_t)period * 1000000;
        int64_t rest = due - now();
        if (rest > 0) {
            struct timespec pause = {rest / 1000000000, rest % 1000000000};
            nanosleep(&pause, NULL);
        } else {
            due = now();
        }
    }
    modbus_close(line);
    modbus_free(line);
    return 0;
}
