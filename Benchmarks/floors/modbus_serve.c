// The device for both sides of the polling benchmark: answers every read with 125 registers, and does nothing else.
// Use: modbus_serve PORT. Serves one client after the other, for ever.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4) != 0) return 1;
    for (;;) {
        int client = accept(listener, NULL, NULL);
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        uint8_t request[260], reply[260];
        while (recv(client, request, 12, MSG_WAITALL) == 12) {
            unsigned count = request[10] << 8 | request[11], size = count * 2;
            if (count > 125) break;
            memcpy(reply, request, 8);
            reply[4] = (uint8_t)((size + 3) >> 8);
            reply[5] = (uint8_t)(size + 3);
            reply[8] = (uint8_t)size;
            for (unsigned i = 0; i < count; i++) {
                reply[9 + 2 * i] = (uint8_t)(i >> 2);
                reply[10 + 2 * i] = (uint8_t)(i * 7);
            }
            if (send(client, reply, 9 + size, 0) != (ssize_t)(9 + size)) break;
        }
        close(client);
    }
}
