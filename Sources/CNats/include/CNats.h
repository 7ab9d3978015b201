// Debian's libnats, found when a connection to NATS is first made and not at the program's start: a unit that delivers
// otherwise has neither it nor the OpenSSL that it brings in its memory.
#ifndef CNATS_H
#define CNATS_H

#include <nats/nats.h>
#include <stdbool.h>

/// Whether the library is there, with all that is called of it. It stays once it was found.
bool nabd_nats_is_there(void);

#endif
