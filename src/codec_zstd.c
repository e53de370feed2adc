/*
 * codec_zstd.c - zstd frames (RFC 8878) through libzstd, which checks the frame's checksum when it has one.
 */
#include "codec.h"

#include <zstd.h>
#include <zstd_errors.h>

/* Take the windows of 'zstd --ultra --long=31' too; the default limit is 128 MiB. Only files that ask for it pay. */
static void *zstd_open(void)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (zstd == NULL)
        return NULL;

    int largest = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound;
    if (ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, largest))) {
        ZSTD_freeDCtx(zstd);
        return NULL;
    }
    return zstd;
}

static enum codec_status zstd_begin(void *state)
{
    size_t code = ZSTD_DCtx_reset(state, ZSTD_reset_session_only);
    return ZSTD_isError(code) ? CODEC_NO_MEMORY : CODEC_GOES_ON;
}

static enum codec_status zstd_step(void *state, struct codec_io *io)
{
    ZSTD_inBuffer in = { .src = io->in, .size = io->in_bytes };
    ZSTD_outBuffer out = { .dst = io->out, .size = io->out_bytes };

    size_t code = ZSTD_decompressStream(state, &out, &in);

    io->in += in.pos;
    io->in_bytes -= in.pos;
    io->out += out.pos;
    io->out_bytes -= out.pos;

    if (code == 0)
        return CODEC_MEMBER_ENDS;
    if (!ZSTD_isError(code))
        return CODEC_GOES_ON;
    return ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation ? CODEC_NO_MEMORY : CODEC_DAMAGED;
}

static void zstd_close(void *state)
{
    ZSTD_freeDCtx(state);
}

const struct codec_class codec_zstd = {
    .open = zstd_open,
    .begin = zstd_begin,
    .step = zstd_step,
    .close = zstd_close,
};
