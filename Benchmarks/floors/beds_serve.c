// The beds for the measurement of a whole unit: each client is a bed's monitor, which speaks unasked and never waits for who listens.
// Use: beds_serve PORT ADDRESSES [TIMES]. TIMES: so many times as fast as said below. Listens at 127.0.0.1, 127.0.0.2, …; a bed's signals differ with its address.
// A frame is AA 55, bytes of data, kind, data, and a CRC-16 (CCITT, FFFF) of all but AA 55. Kind 1, 25 a second: 10 samples of each of three
// waveforms at 250 Hz and 5 of one at 125 Hz. Kind 2, once a second: twelve numerics. All are signed, in 16 bits, the high byte first.
// For each line on standard input it prints what has been sent so far, and once more when that is closed, and ends.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WAVEFORMS = 4, NUMERICS = 12, TICKS = 25, TICK_NANOSECONDS = 1000000000 / TICKS };
static const int counts[WAVEFORMS] = {10, 10, 10, 5};

static long tick_nanoseconds = TICK_NANOSECONDS;

// Samples said; frames of which not all bytes were taken, because nobody read for so long; clients now and in all; how late a frame was at most.
static atomic_ulong samples, cut, beds, connections, latest;

struct bed {
    int client, number;
    uint32_t noise;
    int16_t wave[WAVEFORMS], numeric[NUMERICS];
};

static int step(struct bed *bed, int width) {
    bed->noise ^= bed->noise << 13;
    bed->noise ^= bed->noise >> 17;
    bed->noise ^= bed->noise << 5;
    return (int)(bed->noise % (2 * (unsigned)width + 1)) - width;
}

static int put(uint8_t *frame, int size, int value) {
    frame[size] = (uint8_t)(value >> 8);
    frame[size + 1] = (uint8_t)value;
    return size + 2;
}

// Closes the frame and sends it; false when the client is gone. A device does not care whether all of it is taken.
static int say(struct bed *bed, uint8_t *frame, int size) {
    unsigned crc = 0xFFFF, count = ((unsigned)size - 4) / 2;
    frame[0] = 0xAA;
    frame[1] = 0x55;
    frame[2] = (uint8_t)(size - 4);
    for (int i = 2; i < size; i++) {
        crc ^= (unsigned)frame[i] << 8;
        for (int bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    size = put(frame, size, (int)(crc & 0xFFFF));
    ssize_t sent = send(bed->client, frame, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return 0;
    if (sent != size) atomic_fetch_add_explicit(&cut, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&samples, count, memory_order_relaxed);
    return 1;
}

static int speak(struct bed *bed, long tick) {
    uint8_t frame[128];
    int size = 4;
    frame[3] = 1;
    for (int wave = 0; wave < WAVEFORMS; wave++) {
        for (int i = 0; i < counts[wave]; i++) size = put(frame, size, bed->wave[wave] += step(bed, 12));
    }
    if (!say(bed, frame, size)) return 0;
    if (tick % TICKS != bed->number % TICKS) return 1;
    size = 4;
    frame[3] = 2;
    for (int i = 0; i < NUMERICS; i++) size = put(frame, size, bed->numeric[i] += step(bed, 1));
    return say(bed, frame, size);
}

static void *live(void *argument) {
    struct bed *bed = argument;
    struct timespec next, now;
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    clock_gettime(CLOCK_MONOTONIC, &next);
    // Beds are not in step with each other.
    next.tv_nsec += (long)bed->number * 7919000 % tick_nanoseconds;
    for (long tick = 0;; tick++) {
        next.tv_nsec += tick_nanoseconds;
        while (next.tv_nsec >= 1000000000) { next.tv_nsec -= 1000000000; next.tv_sec++; }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        unsigned long late = (unsigned long)((now.tv_sec - next.tv_sec) * 1000000000L + now.tv_nsec - next.tv_nsec);
        unsigned long before = atomic_load(&latest);
        while (late > before && !atomic_compare_exchange_weak(&latest, &before, late)) {}
        if (!speak(bed, tick)) break;
    }
    atomic_fetch_sub(&beds, 1);
    close(bed->client);
    free(bed);
    return NULL;
}

struct place { int listener, number; };

static void *welcome(void *argument) {
    struct place *place = argument;
    for (;;) {
        pthread_t thread;
        int one = 1;
        struct bed *bed = calloc(1, sizeof *bed);
        if (bed == NULL || (bed->client = accept(place->listener, NULL, NULL)) < 0) exit(1);
        setsockopt(bed->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        bed->number = place->number;
        bed->noise = 2463534242u + (uint32_t)place->number * 2654435769u;
        for (int i = 0; i < WAVEFORMS; i++) bed->wave[i] = 1000;
        for (int i = 0; i < NUMERICS; i++) bed->numeric[i] = (int16_t)(1000 + 20 * i);
        atomic_fetch_add(&beds, 1);
        atomic_fetch_add(&connections, 1);
        if (pthread_create(&thread, NULL, live, bed) != 0) exit(1);
        pthread_detach(thread);
    }
}

static void report(void) {
    printf("{\"samples\": %lu, \"cut\": %lu, \"beds\": %lu, \"connections\": %lu, \"latestMilliseconds\": %.3f}\n", atomic_load(&samples), atomic_load(&cut),
           atomic_load(&beds), atomic_load(&connections), (double)atomic_load(&latest) / 1e6);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) return 2;
    if (argc == 4 && atoi(argv[3]) > 1) tick_nanoseconds /= atoi(argv[3]);
    for (int k = 0; k < atoi(argv[2]); k++) {
        pthread_t thread;
        int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned)k);
        struct place *place = malloc(sizeof *place);
        if (place == NULL || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4) != 0) return 1;
        *place = (struct place){listener, k};
        if (pthread_create(&thread, NULL, welcome, place) != 0) return 1;
    }
    for (int byte; (byte = getchar()) != EOF;) {
        if (byte == '\n') report();
    }
    report();
    return 0;
}
