/* A process under LD_PRELOAD of this syncs nothing and believes it did: what a power cut must then be seen to cost. */

int fsync(int descriptor) {
    (void)descriptor;
    return 0;
}

int fdatasync(int descriptor) {
    (void)descriptor;
    return 0;
}
