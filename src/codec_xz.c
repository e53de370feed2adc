/*
 * codec_xz.c - xz streams through liblzma, which verifies whatever check the stream carries.
 */
#include "codec.h"

#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>

static void *xz_open(void)
{
    lzma_stream *xz = malloc(sizeof *xz);
    if (xz != NULL)
        *xz = (lzma_stream)LZMA_STREAM_INIT;
    return xz;
}

/*
 * liblzma could pass from stream to stream itself (LZMA_CONCATENATED), but stream.c does that for all formats
 * alike. A check that this liblzma cannot compute must not go for one that has passed.
 */
static enum codec_status xz_begin(void *state)
{
    lzma_ret code = lzma_stream_decoder(state, UINT64_MAX, LZMA_TELL_UNSUPPORTED_CHECK);
    return code == LZMA_OK ? CODEC_GOES_ON : CODEC_NO_MEMORY;
}

static enum codec_status xz_step(void *state, struct codec_io *io)
{
    lzma_stream *xz = state;

    xz->next_in = io->in;
    xz->avail_in = io->in_bytes;
    xz->next_out = io->out;
    xz->avail_out = io->out_bytes;

    lzma_ret code = lzma_code(xz, LZMA_RUN);

    io->in += io->in_bytes - xz->avail_in;
    io->in_bytes = xz->avail_in;
    io->out = xz->next_out;
    io->out_bytes = xz->avail_out;

    switch (code) {
    case LZMA_OK:
    case LZMA_BUF_ERROR: return CODEC_GOES_ON; /* no progress, which stream.c sees for itself */
    case LZMA_STREAM_END: return CODEC_MEMBER_ENDS;
    case LZMA_MEM_ERROR: return CODEC_NO_MEMORY;
    default: return CODEC_DAMAGED;
    }
}

static void xz_close(void *state)
{
    lzma_end(state);
    free(state);
}

const struct codec_class codec_xz = {
    .gap_bytes = 4, /* "Stream Padding" of The .xz File Format, 2.2 */
    .open = xz_open,
    .begin = xz_begin,
    .step = xz_step,
    .close = xz_close,
};
