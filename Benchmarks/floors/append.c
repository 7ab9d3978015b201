// The floor for a journal: append records of given sizes to a plain file, fdatasync after each group.
// Use: append FILE < sizes, where standard input has one line a commit with the sizes of its records.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int file = open(argv[1], O_CREAT | O_WRONLY | O_TRUNC | O_APPEND, 0600);
    static char line[1 << 16], record[1 << 20];
    memset(record, 0x5A, sizeof record);
    double *took = malloc(sizeof *took * 1000000), total = 0;
    long commits = 0, bytes = 0;
    while (fgets(line, sizeof line, stdin) && commits < 1000000) {
        double start = now();
        for (char *part = strtok(line, " \n"); part; part = strtok(NULL, " \n")) {
            size_t size = (size_t)atol(part);
            if (size > sizeof record || write(file, record, size) != (ssize_t)size) return 1;
            bytes += (long)size;
        }
        if (fdatasync(file) != 0) return 1;
        took[commits] = now() - start;
        total += took[commits++];
    }
    qsort(took, (size_t)commits, sizeof *took, ascending);
    printf("{\"commits\": %ld, \"bytes\": %ld, \"seconds\": %.4f, \"p50Milliseconds\": %.4f, \"p99Milliseconds\": %.4f}\n", commits, bytes, total,
           took[commits / 2] * 1e3, took[commits * 99 / 100] * 1e3);
    return 0;
}
