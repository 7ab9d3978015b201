#pragma once

/// Compresses into the gzip format (RFC 1952). Returns the bytes written, or -1 where they do not fit.
long nabd_gzip(const unsigned char *input, unsigned long length, unsigned char *output, unsigned long room);
