#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

static const char suffix[] = "-shm";
static struct sigaction earlier;
static size_t page_size;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static atomic_long replaced;

/// The last pages that were replaced; only who holds `busy` touches it.
static char *recent[64];

/// What is mapped at an address: a shared index of SQLite, no file at all, or something else.
enum mapping { INDEX, NO_FILE, OTHER };

/// Reads /proc/self/maps with nothing but system calls; lines are `begin-end rwxp offset device inode   path`.
static enum mapping mapping_at(uintptr_t address) {
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) return OTHER;
    enum mapping found = OTHER;
    char buffer[1024];
    uintptr_t bounds[2] = {0, 0};
    int part = 0, matched = 0, has_path = 0, is_index = 0, done = 0;
    ssize_t count;
    while (!done && (count = read(file, buffer, sizeof buffer)) > 0) {
        for (ssize_t place = 0; place < count && !done; place++) {
            char c = buffer[place];
            if (c == '\n') {
                is_index |= matched == (int)sizeof suffix - 1;
                if (address >= bounds[0] && address < bounds[1]) {
                    found = is_index ? INDEX : has_path ? OTHER : NO_FILE;
                    done = 1;
                }
                bounds[0] = bounds[1] = 0;
                part = matched = has_path = is_index = 0;
            } else if (part < 2) {
                if (c == '-' || c == ' ') {
                    part++;
                } else {
                    bounds[part] = bounds[part] << 4 | (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
                }
            } else {
                // The suffix ends the path, or the kernel's word that the file was deleted follows.
                if (c == ' ') is_index |= matched == (int)sizeof suffix - 1;
                has_path |= c == '/' || c == '[';
                matched = matched < (int)sizeof suffix - 1 && c == suffix[matched] ? matched + 1 : c == suffix[0];
            }
        }
    }
    close(file);
    return found;
}

/// Puts a copy of a page, which belongs to this process alone, in its place. Returns 1 when whoever was refused may go on.
static int replace(char *page) {
    switch (mapping_at((uintptr_t)page)) {
        case OTHER: return 0;
        case NO_FILE:
            // Another thread was quicker, or it is none of ours.
            for (size_t place = 0; place < sizeof recent / sizeof *recent; place++) {
                if (recent[place] == page) return 1;
            }
            return 0;
        case INDEX: break;
    }
    void *copy = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) return 0;
    // By the kernel: where the page cannot be read either, as behind the end of a file that was cut short, this fails,
    // while reading it here would end the process within its handler. Zeros are no index: SQLite makes it anew.
    struct iovec to = {copy, page_size}, from = {page, page_size};
    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)page_size) memset(copy, 0, page_size);
    if (mremap(copy, page_size, page_size, MREMAP_MAYMOVE | MREMAP_FIXED, page) == MAP_FAILED) {
        munmap(copy, page_size);
        return 0;
    }
    recent[(size_t)atomic_fetch_add(&replaced, 1) % (sizeof recent / sizeof *recent)] = page;
    return 1;
}

static void on_bus_error(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    int saved = errno, goes_on = 0;
    if (info->si_code == BUS_ADRERR) {
        // Asleep: a thread of higher priority must not keep the other from ending.
        while (atomic_flag_test_and_set(&busy)) poll(NULL, 0, 1);
        goes_on = replace((char *)((uintptr_t)info->si_addr & ~(uintptr_t)(page_size - 1)));
        atomic_flag_clear(&busy);
    }
    // Otherwise the same access comes again, and whoever was there before decides.
    if (!goes_on) sigaction(SIGBUS, &earlier, NULL);
    errno = saved;
}

int nabd_keep_indices(void) {
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    struct sigaction ours = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    return sigaction(SIGBUS, &ours, &earlier) == 0 ? 0 : -errno;
}

int64_t nabd_replaced_pages(void) { return atomic_load(&replaced); }
