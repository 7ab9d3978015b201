// The device for every side of the polling benchmarks: answers each read of up to 125 registers, and does nothing else.
// Use: modbus_serve PORT [ADDRESSES]. Listens at 127.0.0.1, 127.0.0.2, … and serves each client on a thread of its own, for ever.
// For each line on standard input it prints what it has served so far, so that registers are counted here and not by those who read them.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_ulong requests, registers;

static void *serve(void *argument) {
    int client = (int)(intptr_t)argument, one = 1;
    uint32_t noise = 2463534242u;
    uint8_t request[260], reply[260];
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    while (recv(client, request, 12, MSG_WAITALL) == 12) {
        unsigned count = request[10] << 8 | request[11], size = count * 2;
        if (count > 125) break;
        memcpy(reply, request, 8);
        reply[4] = (uint8_t)((size + 3) >> 8);
        reply[5] = (uint8_t)(size + 3);
        reply[8] = (uint8_t)size;
        for (unsigned i = 0; i < count; i++) {
            // Another level for each register, with three bits of noise: a journal must not profit from values that stand still.
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            unsigned value = 200 + i * 7 + (noise & 7);
            reply[9 + 2 * i] = (uint8_t)(value >> 8);
            reply[10 + 2 * i] = (uint8_t)value;
        }
        atomic_fetch_add_explicit(&requests, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&registers, count, memory_order_relaxed);
        if (send(client, reply, 9 + size, MSG_NOSIGNAL) != (ssize_t)(9 + size)) break;
    }
    close(client);
    return NULL;
}

static void *welcome(void *argument) {
    int listener = (int)(intptr_t)argument;
    for (;;) {
        pthread_t thread;
        int client = accept(listener, NULL, NULL);
        if (client < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) != 0) exit(1);
        pthread_detach(thread);
    }
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) return 2;
    for (int k = 0; k < (argc == 3 ? atoi(argv[2]) : 1); k++) {
        pthread_t thread;
        int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned)k);
        if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4) != 0) return 1;
        if (pthread_create(&thread, NULL, welcome, (void *)(intptr_t)listener) != 0) return 1;
    }
    for (int byte; (byte = getchar()) != EOF;) {
        if (byte != '\n') continue;
        printf("{\"requests\": %lu, \"registers\": %lu}\n", atomic_load(&requests), atomic_load(&registers));
        fflush(stdout);
    }
    for (;;) pause();
}
