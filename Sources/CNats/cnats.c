// What is called of libnats, by its own names: each hands on to the library's own once that is in memory. Nothing is
// called before nabd_nats_is_there() has said so.
#include "CNats.h"

#include <dlfcn.h>
#include <pthread.h>

// The library's own calls of these names must find the library's.
#define HIDDEN __attribute__((visibility("hidden")))
#define LIBRARY "libnats.so.3.4"

#define FUNCTIONS \
    X(natsConnection_Close) \
    X(natsConnection_Connect) \
    X(natsConnection_Destroy) \
    X(natsConnection_GetLastError) \
    X(natsConnection_GetMaxPayload) \
    X(natsConnection_PublishMsg) \
    X(natsConnection_Status) \
    X(natsConnection_SubscribeSync) \
    X(natsMsgHeader_Set) \
    X(natsMsg_Create) \
    X(natsMsg_Destroy) \
    X(natsMsg_GetData) \
    X(natsMsg_GetDataLength) \
    X(natsMsg_GetSubject) \
    X(natsOptions_Create) \
    X(natsOptions_Destroy) \
    X(natsOptions_SetAllowReconnect) \
    X(natsOptions_SetCATrustedCertificates) \
    X(natsOptions_SetCertificatesChain) \
    X(natsOptions_SetCiphers) \
    X(natsOptions_SetExpectedHostname) \
    X(natsOptions_SetMaxPingsOut) \
    X(natsOptions_SetName) \
    X(natsOptions_SetPingInterval) \
    X(natsOptions_SetSecure) \
    X(natsOptions_SetTimeout) \
    X(natsOptions_SetURL) \
    X(natsOptions_SetWriteDeadline) \
    X(natsSubscription_Destroy) \
    X(natsSubscription_NextMsg)

enum place {
#define X(name) PLACE_##name,
    FUNCTIONS
#undef X
    COUNT
};

static const char *const names[COUNT] = {
#define X(name) [PLACE_##name] = #name,
    FUNCTIONS
#undef X
};

static void *found[COUNT];
static bool is_there = false;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define CALL(name) ((__typeof__(&name))found[PLACE_##name])

static void find(void) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return;
    for (int place = 0; place < COUNT; place++) {
        found[place] = dlsym(library, names[place]);
        if (found[place] == NULL) return;
    }
    is_there = true;
}

bool nabd_nats_is_there(void) {
    pthread_once(&once, find);
    return is_there;
}

HIDDEN void natsConnection_Close(natsConnection *nc) {
    CALL(natsConnection_Close)(nc);
}

HIDDEN natsStatus natsConnection_Connect(natsConnection **nc, natsOptions *options) {
    return CALL(natsConnection_Connect)(nc, options);
}

HIDDEN void natsConnection_Destroy(natsConnection *nc) {
    CALL(natsConnection_Destroy)(nc);
}

HIDDEN natsStatus natsConnection_GetLastError(natsConnection *nc, const char **lastError) {
    return CALL(natsConnection_GetLastError)(nc, lastError);
}

HIDDEN int64_t natsConnection_GetMaxPayload(natsConnection *nc) {
    return CALL(natsConnection_GetMaxPayload)(nc);
}

HIDDEN natsStatus natsConnection_PublishMsg(natsConnection *nc, natsMsg *msg) {
    return CALL(natsConnection_PublishMsg)(nc, msg);
}

HIDDEN natsConnStatus natsConnection_Status(natsConnection *nc) {
    return CALL(natsConnection_Status)(nc);
}

HIDDEN natsStatus natsConnection_SubscribeSync(natsSubscription **sub, natsConnection *nc, const char *subject) {
    return CALL(natsConnection_SubscribeSync)(sub, nc, subject);
}

HIDDEN natsStatus natsMsgHeader_Set(natsMsg *msg, const char *key, const char *value) {
    return CALL(natsMsgHeader_Set)(msg, key, value);
}

HIDDEN natsStatus natsMsg_Create(
    natsMsg **made, const char *subject, const char *reply, const char *data, int length) {
    return CALL(natsMsg_Create)(made, subject, reply, data, length);
}

HIDDEN void natsMsg_Destroy(natsMsg *msg) {
    CALL(natsMsg_Destroy)(msg);
}

HIDDEN const char *natsMsg_GetData(const natsMsg *msg) {
    return CALL(natsMsg_GetData)(msg);
}

HIDDEN int natsMsg_GetDataLength(const natsMsg *msg) {
    return CALL(natsMsg_GetDataLength)(msg);
}

HIDDEN const char *natsMsg_GetSubject(const natsMsg *msg) {
    return CALL(natsMsg_GetSubject)(msg);
}

HIDDEN natsStatus natsOptions_Create(natsOptions **made) {
    return CALL(natsOptions_Create)(made);
}

HIDDEN void natsOptions_Destroy(natsOptions *options) {
    CALL(natsOptions_Destroy)(options);
}

HIDDEN natsStatus natsOptions_SetAllowReconnect(natsOptions *options, bool allow) {
    return CALL(natsOptions_SetAllowReconnect)(options, allow);
}

HIDDEN natsStatus natsOptions_SetCATrustedCertificates(natsOptions *options, const char *certificates) {
    return CALL(natsOptions_SetCATrustedCertificates)(options, certificates);
}

HIDDEN natsStatus natsOptions_SetCertificatesChain(natsOptions *options, const char *cert, const char *key) {
    return CALL(natsOptions_SetCertificatesChain)(options, cert, key);
}

HIDDEN natsStatus natsOptions_SetCiphers(natsOptions *options, const char *ciphers) {
    return CALL(natsOptions_SetCiphers)(options, ciphers);
}

HIDDEN natsStatus natsOptions_SetExpectedHostname(natsOptions *options, const char *hostname) {
    return CALL(natsOptions_SetExpectedHostname)(options, hostname);
}

HIDDEN natsStatus natsOptions_SetMaxPingsOut(natsOptions *options, int most) {
    return CALL(natsOptions_SetMaxPingsOut)(options, most);
}

HIDDEN natsStatus natsOptions_SetName(natsOptions *options, const char *name) {
    return CALL(natsOptions_SetName)(options, name);
}

HIDDEN natsStatus natsOptions_SetPingInterval(natsOptions *options, int64_t interval) {
    return CALL(natsOptions_SetPingInterval)(options, interval);
}

HIDDEN natsStatus natsOptions_SetSecure(natsOptions *options, bool secure) {
    return CALL(natsOptions_SetSecure)(options, secure);
}

HIDDEN natsStatus natsOptions_SetTimeout(natsOptions *options, int64_t timeout) {
    return CALL(natsOptions_SetTimeout)(options, timeout);
}

HIDDEN natsStatus natsOptions_SetURL(natsOptions *options, const char *url) {
    return CALL(natsOptions_SetURL)(options, url);
}

HIDDEN natsStatus natsOptions_SetWriteDeadline(natsOptions *options, int64_t deadline) {
    return CALL(natsOptions_SetWriteDeadline)(options, deadline);
}

HIDDEN void natsSubscription_Destroy(natsSubscription *sub) {
    CALL(natsSubscription_Destroy)(sub);
}

HIDDEN natsStatus natsSubscription_NextMsg(natsMsg **next, natsSubscription *sub, int64_t timeout) {
    return CALL(natsSubscription_NextMsg)(next, sub, timeout);
}
