/* Counts what each thread of a program asks of the allocator and of locks, from a moment on that is told from outside.
 *
 *   cc -O2 -shared -fPIC -o thread_counters.so thread_counters.c        LD_PRELOAD=…/thread_counters.so NABD_COUNTERS=FOLDER program
 *
 * Counting begins when FOLDER/count appears and ends when FOLDER/report appears; then FOLDER/threads.jsonl is written: a line for each
 * thread with its name, its counts, and, of threads whose name begins with "line ", where each distinct call came from.
 *
 * What it cannot see: a lock that is taken without a call into libc. Swift's Mutex is one; where it has to wait it shows as a futex.
 * The hooks themselves allocate nothing and take no lock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum kind { ALLOCATIONS, FREES, LOCKS, WAITS, FUTEXES, KINDS };
static const char *const names[KINDS] = {"allocations", "frees", "locks", "waits", "futexes"};

enum { THREADS = 64, PLACES = 96, DEPTH = 24 };

struct place {
    enum kind kind;
    uint64_t count;
    int depth;
    void *frames[DEPTH];
};

struct account {
    int thread;
    char name[16];
    uint64_t counts[KINDS];
    int places;
    struct place place[PLACES];
};

static struct account accounts[THREADS];
static atomic_int taken;
static atomic_bool counting;
static const char *folder;

/* In the initial block of thread-local storage: reaching them allocates nothing. */
static __thread struct account *mine __attribute__((tls_model("initial-exec")));
static __thread bool inside __attribute__((tls_model("initial-exec")));

static struct account *open_account(void) {
    int index = atomic_fetch_add(&taken, 1);
    if (index >= THREADS) return NULL;
    struct account *account = &accounts[index];
    account->thread = (int)gettid();
    prctl(PR_GET_NAME, account->name);
    return account;
}

static void remember(struct account *account, enum kind kind) {
    void *frames[DEPTH];
    int depth = backtrace(frames, DEPTH);
    for (int index = 0; index < account->places; index++) {
        struct place *known = &account->place[index];
        if (known->kind == kind && known->depth == depth && memcmp(known->frames, frames, (size_t)depth * sizeof *frames) == 0) {
            known->count++;
            return;
        }
    }
    if (account->places == PLACES) return;
    struct place *place = &account->place[account->places++];
    *place = (struct place){.kind = kind, .count = 1, .depth = depth};
    memcpy(place->frames, frames, (size_t)depth * sizeof *frames);
}

static void count(enum kind kind) {
    if (!atomic_load_explicit(&counting, memory_order_relaxed) || inside) return;
    inside = true;
    int kept = errno;
    if (mine == NULL) mine = open_account();
    if (mine != NULL) {
        mine->counts[kind]++;
        if (strncmp(mine->name, "line ", 5) == 0) remember(mine, kind);
    }
    errno = kept;
    inside = false;
}

/* The allocator. */

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

void *malloc(size_t size) { count(ALLOCATIONS); return __libc_malloc(size); }
void *calloc(size_t number, size_t size) { count(ALLOCATIONS); return __libc_calloc(number, size); }
void *realloc(void *old, size_t size) { count(ALLOCATIONS); return __libc_realloc(old, size); }
void *memalign(size_t alignment, size_t size) { count(ALLOCATIONS); return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { count(ALLOCATIONS); return __libc_memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
    count(ALLOCATIONS);
    void *block = __libc_memalign(alignment, size);
    if (block == NULL) return ENOMEM;
    *out = block;
    return 0;
}
void free(void *block) {
    if (block != NULL) count(FREES);
    __libc_free(block);
}

/* Locks and waiting. The next definition is looked up at the first call, which may come before this library's constructor. */

#define NEXT(name) \
    static __typeof__(name) *next; \
    if (next == NULL) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define HOOK(kind, name, parameters, arguments) \
    int name parameters { \
        NEXT(name); \
        count(kind); \
        return next arguments; \
    }

HOOK(LOCKS, pthread_mutex_lock, (pthread_mutex_t *lock), (lock))
HOOK(LOCKS, pthread_mutex_trylock, (pthread_mutex_t *lock), (lock))
HOOK(LOCKS, pthread_mutex_timedlock, (pthread_mutex_t *lock, const struct timespec *limit), (lock, limit))
HOOK(LOCKS, pthread_rwlock_rdlock, (pthread_rwlock_t *lock), (lock))
HOOK(LOCKS, pthread_rwlock_wrlock, (pthread_rwlock_t *lock), (lock))
HOOK(LOCKS, pthread_rwlock_tryrdlock, (pthread_rwlock_t *lock), (lock))
HOOK(LOCKS, pthread_rwlock_trywrlock, (pthread_rwlock_t *lock), (lock))
HOOK(LOCKS, pthread_spin_lock, (pthread_spinlock_t *lock), (lock))
HOOK(WAITS, pthread_cond_wait, (pthread_cond_t *condition, pthread_mutex_t *lock), (condition, lock))
HOOK(WAITS, pthread_cond_timedwait, (pthread_cond_t *condition, pthread_mutex_t *lock, const struct timespec *limit), (condition, lock, limit))
HOOK(WAITS, sem_wait, (sem_t *semaphore), (semaphore))
HOOK(WAITS, sem_timedwait, (sem_t *semaphore, const struct timespec *limit), (semaphore, limit))
HOOK(WAITS, pthread_join, (pthread_t thread, void **result), (thread, result))

long syscall(long number, ...) {
    NEXT(syscall);
    long a[6];
    va_list rest;
    va_start(rest, number);
    for (int index = 0; index < 6; index++) a[index] = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_futex) count(FUTEXES);
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The report. */

static bool appeared(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void wait_for(const char *name) {
    while (!appeared(name)) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static void tell_place(FILE *out, const struct place *place) {
    fprintf(out, "{\"kind\": \"%s\", \"count\": %llu, \"frames\": [", names[place->kind], (unsigned long long)place->count);
    for (int index = 0; index < place->depth; index++) {
        /* A return address belongs to the call before it. */
        uintptr_t address = (uintptr_t)place->frames[index] - 1;
        Dl_info found;
        bool known = dladdr((void *)address, &found) != 0;
        fprintf(out, "%s[\"%s\", %llu]", index > 0 ? ", " : "", known ? found.dli_fname : "",
                (unsigned long long)(known ? address - (uintptr_t)found.dli_fbase : address));
    }
    fputs("]}", out);
}

static void tell(FILE *out, int thread, const char *name, const struct account *account) {
    fprintf(out, "{\"thread\": %d, \"name\": \"%s\"", thread, name);
    for (int kind = 0; kind < KINDS; kind++)
        fprintf(out, ", \"%s\": %llu", names[kind], account ? (unsigned long long)account->counts[kind] : 0ULL);
    fputs(", \"places\": [", out);
    for (int index = 0; account != NULL && index < account->places; index++) {
        if (index > 0) fputs(", ", out);
        tell_place(out, &account->place[index]);
    }
    fputs("]}\n", out);
}

static void read_name(int thread, char name[32]) {
    char path[64];
    name[0] = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread);
    FILE *file = fopen(path, "r");
    if (file == NULL) return;
    if (fgets(name, 32, file) != NULL) name[strcspn(name, "\n")] = 0;
    fclose(file);
}

/* Every thread that is there now, with an account or without one: none means that it did nothing that is counted. */
static void report(void) {
    char path[512], final[512], name[32];
    snprintf(path, sizeof path, "%s/threads.part", folder);
    snprintf(final, sizeof final, "%s/threads.jsonl", folder);
    FILE *out = fopen(path, "w");
    DIR *threads = opendir("/proc/self/task");
    if (out == NULL || threads == NULL) return;
    int opened = atomic_load(&taken) < THREADS ? atomic_load(&taken) : THREADS;
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        int thread = atoi(entry->d_name);
        if (thread <= 0 || thread == (int)gettid()) continue;
        const struct account *account = NULL;
        for (int index = 0; index < opened; index++)
            if (accounts[index].thread == thread) account = &accounts[index];
        read_name(thread, name);
        tell(out, thread, name, account);
    }
    closedir(threads);
    fclose(out);
    if (atomic_load(&taken) <= THREADS) rename(path, final);
}

static void *watch(void *unused) {
    (void)unused;
    prctl(PR_SET_NAME, "counters");
    wait_for("count");
    atomic_store(&counting, true);
    wait_for("report");
    atomic_store(&counting, false);
    /* A hook that was under way ends. */
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    report();
    return NULL;
}

__attribute__((constructor)) static void begin(void) {
    folder = getenv("NABD_COUNTERS");
    if (folder == NULL) return;
    /* The first backtrace loads a library and allocates. */
    void *frames[2];
    backtrace(frames, 2);
    pthread_t watcher;
    if (pthread_create(&watcher, NULL, watch, NULL) == 0) pthread_detach(watcher);
}
