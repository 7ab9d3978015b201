#include <stddef.h>
#include <stdint.h>

/// The fuzzer's own main loop, in the runtime that `-sanitize=fuzzer` links.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
