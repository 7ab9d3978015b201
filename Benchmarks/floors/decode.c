// A decoder of one protocol written by hand in C: the floor beside which ours is measured.
// decode nonin|alaris|registers SECONDS < BYTES: decodes the bytes again and again; prints frames, samples and CPU seconds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint8_t input[1 << 20];
static size_t length;
struct sample { int stream; int valid; int64_t value; };
static struct sample out[65536];
static unsigned count;
static uint64_t samples;

static void put(int stream, int valid, int64_t value) {
    out[count++ & 65535] = (struct sample){stream, valid, value};
    samples++;
}

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static uint64_t nonin(void) {
    uint64_t frames = 0;
    int position = -1, rate = 0;
    for (size_t i = 0; i + 5 <= length;) {
        const uint8_t *f = input + i;
        if (f[0] != 1 || !(f[1] & 0x80) || (uint8_t)(f[0] + f[1] + f[2] + f[3]) != f[4]) { i++; position = -1; continue; }
        frames++;
        put(0, !(f[1] & 0x48), f[2]);
        if (f[1] & 1) position = 0;
        if (position == 0) rate = (f[3] & 3) << 7;
        if (position == 1) rate |= f[3] & 0x7F;
        if (position == 2) put(1, (f[3] & 0x7F) != 127, f[3] & 0x7F);
        if (position >= 0 && ++position == 25) { put(2, rate != 511, rate); position = -1; }
        i += 5;
    }
    return frames;
}

static int64_t decimal(const uint8_t *p, const uint8_t *end, int places) {
    int64_t value = 0;
    int after = -1;
    for (; p < end; p++) {
        if (*p == '.') { after = 0; continue; }
        if (*p < '0' || *p > '9') return -1;
        value = value * 10 + *p - '0';
        if (after >= 0) after++;
    }
    for (int i = after < 0 ? 0 : after; i < places; i++) value *= 10;
    return value;
}

static uint64_t alaris(void) {
    uint64_t frames = 0;
    size_t i = 0;
    while (i < length) {
        while (i < length && input[i] != '!') i++;
        size_t end = i;
        while (end < length && input[end] != '\r') end++;
        if (end >= length) break;
        if (end - i < 7 || input[end - 5] != '|') { i++; continue; }
        uint16_t crc = 0xFFFF;
        for (size_t k = i + 1; k < end - 5; k++) {
            crc ^= (uint16_t)(input[k] << 8);
            for (int b = 0; b < 8; b++) crc = crc & 0x8000 ? (uint16_t)(crc << 1 ^ 0x1021) : (uint16_t)(crc << 1);
        }
        uint16_t told = 0;
        for (size_t k = end - 4; k < end; k++) told = (uint16_t)(told << 4 | (input[k] <= '9' ? input[k] - '0' : input[k] - 'A' + 10));
        if (told != crc) { i++; continue; }
        frames++;
        const uint8_t *items[32];
        int n = 0;
        items[n++] = input + i + 1;
        for (size_t k = i + 1; k < end - 5 && n < 31; k++) if (input[k] == '^') items[n++] = input + k + 1;
        items[n] = input + end - 4;
        if (n >= 12 && !memcmp(items[0], "INF^", 4) && !memcmp(items[5], "ml/h^", 5)) {
            put(0, 1, decimal(items[4], items[5] - 1, 3));
            put(1, 1, decimal(items[7], items[8] - 1, 3));
            put(2, 1, decimal(items[9], items[10] - 1, 2));
            put(3, 1, items[4] - items[3]);
            put(4, 1, items[3] - items[2]);
            put(5, 1, items[12] - items[11]);
        }
        i = end + 1;
    }
    return frames;
}

static uint64_t registers(void) {
    uint64_t frames = 0;
    for (size_t i = 0; i + 250 <= length; i += 250, frames++)
        for (int r = 0; r < 125; r++) {
            int16_t value = (int16_t)(input[i + 2 * r] << 8 | input[i + 2 * r + 1]);
            put(r, value >= -4000 && value <= 4000, value);
        }
    return frames;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    length = fread(input, 1, sizeof input, stdin);
    uint64_t (*decode)(void) = !strcmp(argv[1], "nonin") ? nonin : !strcmp(argv[1], "alaris") ? alaris : registers;
    double start = cpu(), end = start + atof(argv[2]);
    uint64_t frames = 0;
    while (cpu() < end) frames += decode();
    printf("{\"frames\": %llu, \"samples\": %llu, \"cpuSeconds\": %f, \"check\": %lld}\n", (unsigned long long)frames, (unsigned long long)samples,
           cpu() - start, (long long)out[(count - 1) & 65535].value);
    return 0;
}
