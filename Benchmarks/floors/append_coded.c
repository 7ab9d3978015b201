// The floor for a journal that codes: eight beds' samples, Rice-coded second differences of each stream, appended to a plain file, fdatasync after
// each commit. Times are implied, nothing can be found again, damage is not noticed.
// Use: append_coded FILE SECONDS COMMIT-MS
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BEDS = 8, STREAMS = 16, LONGEST = 4096 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static uint8_t out[1 << 20];
static size_t used;
static uint64_t held;
static int held_count;

static void put(uint64_t value, int bits) {
    while (bits > 32) put(value >> 32, bits - 32), bits = 32;
    held = held << bits | (value & ((1ull << bits) - 1));
    for (held_count += bits; held_count >= 8; held_count -= 8) out[used++] = (uint8_t)(held >> (held_count - 8));
}

static uint32_t zigzag(int32_t value) { return (uint32_t)value << 1 ^ (uint32_t)(value >> 31); }

static void code(const int32_t *values, int count) {
    uint64_t sum = 0;
    for (int i = 2; i < count; i++) sum += zigzag(values[i] - 2 * values[i - 1] + values[i - 2]);
    int bits = 0;
    while (count > 2 && sum / (uint64_t)(count - 2) >> (bits + 1)) bits++;
    put((uint64_t)bits, 8);
    for (int i = 0; i < count; i++) {
        if (i < 2) {
            put((uint32_t)values[i], 32);
            continue;
        }
        uint32_t rest = zigzag(values[i] - 2 * values[i - 1] + values[i - 2]), ones = rest >> bits;
        put((1ull << (ones + 1)) - 2, (int)ones + 1);
        put(rest, bits);
    }
    if (held_count > 0) put(0, 8 - held_count);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int file = open(argv[1], O_CREAT | O_WRONLY | O_TRUNC | O_APPEND, 0600);
    long seconds = atol(argv[2]), step = atol(argv[3]), samples = 0, bytes = 0, commits = seconds * 1000 / step;
    double *took = malloc(sizeof *took * (size_t)commits), total = 0;
    static int32_t values[BEDS][STREAMS][LONGEST], level[BEDS][STREAMS];
    static int counts[BEDS][STREAMS];
    uint64_t state = 1;
    for (long commit = 0; commit < commits; commit++) {
        for (int bed = 0; bed < BEDS; bed++)
            for (int stream = 0; stream < STREAMS; stream++) {
                long period = stream < 12 ? 1000 : stream < 15 ? 4 : 8, count = 0;
                int width = stream < 12 ? 1 : 12;
                for (long time = (commit * step + period - 1) / period * period; time < (commit + 1) * step; time += period) {
                    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
                    level[bed][stream] += (int)(state % (uint64_t)(2 * width + 1)) - width;
                    values[bed][stream][count++] = level[bed][stream];
                }
                counts[bed][stream] = (int)count;
                samples += count;
            }
        double start = now();
        used = 0;
        for (int bed = 0; bed < BEDS; bed++)
            for (int stream = 0; stream < STREAMS; stream++)
                if (counts[bed][stream] > 0) code(values[bed][stream], counts[bed][stream]);
        if (write(file, out, used) != (ssize_t)used || fdatasync(file) != 0) return 1;
        took[commit] = now() - start;
        total += took[commit];
        bytes += (long)used;
    }
    qsort(took, (size_t)commits, sizeof *took, ascending);
    printf("{\"samples\": %ld, \"bytes\": %ld, \"seconds\": %.4f, \"p50Milliseconds\": %.4f, \"p99Milliseconds\": %.4f}\n", samples, bytes, total,
           took[commits / 2] * 1e3, took[commits * 99 / 100] * 1e3);
    return 0;
}
