/*
 * codec_bzip2.c - bzip2 streams through libbz2, which checks the CRC of each block and of the whole.
 */
#include "codec.h"

#include <bzlib.h>
#include <stdbool.h>
#include <stdlib.h>

struct bzip2 {
    bool begun; /* bz holds memory */
    bz_stream bz;
};

static void *bzip2_open(void)
{
    return calloc(1, sizeof(struct bzip2));
}

static void bzip2_end(struct bzip2 *bzip2)
{
    if (bzip2->begun)
        BZ2_bzDecompressEnd(&bzip2->bz);
    bzip2->begun = false;
}

static enum codec_status bzip2_begin(void *state)
{
    struct bzip2 *bzip2 = state;

    bzip2_end(bzip2); /* libbz2 has no reset */
    bzip2->bz = (bz_stream){ 0 };
    bzip2->begun = BZ2_bzDecompressInit(&bzip2->bz, 0, 0) == BZ_OK;
    return bzip2->begun ? CODEC_GOES_ON : CODEC_NO_MEMORY;
}

static enum codec_status bzip2_step(void *state, struct codec_io *io)
{
    bz_stream *bz = &((struct bzip2 *)state)->bz;

    bz->next_in = (char *)io->in;
    bz->avail_in = (unsigned)io->in_bytes;
    bz->next_out = (char *)io->out;
    bz->avail_out = (unsigned)io->out_bytes;

    int code = BZ2_bzDecompress(bz);

    io->in = (unsigned char *)bz->next_in;
    io->in_bytes = bz->avail_in;
    io->out = (unsigned char *)bz->next_out;
    io->out_bytes = bz->avail_out;

    switch (code) {
    case BZ_OK: return CODEC_GOES_ON;
    case BZ_STREAM_END: return CODEC_MEMBER_ENDS;
    case BZ_MEM_ERROR: return CODEC_NO_MEMORY;
    default: return CODEC_DAMAGED;
    }
}

static void bzip2_close(void *state)
{
    bzip2_end(state);
    free(state);
}

const struct codec_class codec_bzip2 = {
    .open = bzip2_open,
    .begin = bzip2_begin,
    .step = bzip2_step,
    .close = bzip2_close,
};
