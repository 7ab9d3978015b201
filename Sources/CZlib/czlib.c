// zlib behind one call: its own header would hide the system's types from Swift.
#include "czlib.h"

#include <zlib.h>

long nabd_gzip(const unsigned char *input, unsigned long length, unsigned char *output, unsigned long room) {
    z_stream stream = {0};
    if (length > 0x7fffffff || room > 0x7fffffff) return -1;
    // 15 bits of window, and 16 for gzip's header instead of zlib's.
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return -1;
    stream.next_in = (unsigned char *)input;
    stream.avail_in = (unsigned int)length;
    stream.next_out = output;
    stream.avail_out = (unsigned int)room;
    int result = deflate(&stream, Z_FINISH);
    long written = (long)stream.total_out;
    deflateEnd(&stream);
    return result == Z_STREAM_END ? written : -1;
}
