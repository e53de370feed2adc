/*
 * codec.h - one compressed format as four functions; between stream.c and the codec_*.c, and nobody else.
 *
 * 1. open() once
 * 2. begin() before each member (gzip, zstd: frame; bzip2, xz: stream)
 * 3. step() until it says CODEC_MEMBER_ENDS, then 2 again if another member follows
 * 4. close(), at any time
 *
 * A codec knows one member. What stands between and after members is stream.c's business.
 */
#ifndef SHMLOAD_CODEC_H
#define SHMLOAD_CODEC_H

#include <stddef.h>

#include "failure.h"

enum { CODEC_STEP_BYTES = 1 << 30 }; /* at most so much in or out in one step: some libraries count in 32 bits */

enum codec_status {
    CODEC_GOES_ON,
    CODEC_MEMBER_ENDS, /* whole, its checks passed, all its text given out */
    CODEC_DAMAGED,
    CODEC_NO_MEMORY,
};

/* What a step may take and fill; it moves the pointers on and counts the sizes down. */
struct codec_io {
    unsigned char *in; /* not const only because some libraries' are not; never written */
    size_t in_bytes;   /* 0 when the input has no more */
    unsigned char *out;
    size_t out_bytes;  /* > 0 */
};

struct codec_class {
    size_t gap_bytes; /* zeros between members come in multiples of this; 0: no zeros may stand there */

    /* Owner the caller, until close(). Errors NULL on no memory. */
    void *(*open)(void);

    /* Forget the member before, finished or not. Errors CODEC_GOES_ON, or CODEC_NO_MEMORY. */
    enum codec_status (*begin)(void *state) MUST_USE;

    /*
     * Inflate until 'in' is used up, 'out' is full or the member ends; bytes after the member stay in 'in'.
     * A step that goes on without taking or giving a byte cannot go on with these bytes at all.
     * After an error only begin() and close() are allowed.
     */
    enum codec_status (*step)(void *state, struct codec_io *io) MUST_USE;

    void (*close)(void *state);
};

extern const struct codec_class codec_gzip, codec_bzip2, codec_xz, codec_zstd;

#endif
