/*
 * codec_gzip.c - gzip members (RFC 1952) through isa-l, which checks CRC and length at their end.
 */
#include "codec.h"

#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <stdlib.h>

/*
 * isal_inflate() could read the member's header itself, but it keeps what it knows of the header in a local
 * variable and so loses its way when the input buffer ends inside one. The header is kept here instead.
 */
struct gzip {
    bool header_done;
    struct isal_gzip_header header; /* without buffers: extra field, name and comment are passed over */
    struct inflate_state inflate;
};

static void *gzip_open(void)
{
    struct gzip *gzip = malloc(sizeof *gzip);
    if (gzip == NULL)
        return NULL;
    isal_inflate_init(&gzip->inflate);
    gzip->inflate.crc_flag = ISAL_GZIP_NO_HDR_VER;
    return gzip;
}

static enum codec_status gzip_begin(void *state)
{
    struct gzip *gzip = state;
    isal_inflate_reset(&gzip->inflate);
    isal_gzip_header_init(&gzip->header);
    gzip->header_done = false;
    return CODEC_GOES_ON;
}

/* Errors of isa-l are negative; its positive codes ask for more input. */
static int inflate_step(struct gzip *gzip)
{
    if (!gzip->header_done) {
        int code = isal_read_gzip_header(&gzip->inflate, &gzip->header);
        if (code != ISAL_DECOMP_OK)
            return code;
        gzip->header_done = true;
    }
    return isal_inflate(&gzip->inflate);
}

static enum codec_status gzip_step(void *state, struct codec_io *io)
{
    struct gzip *gzip = state;
    struct inflate_state *inflate = &gzip->inflate;

    inflate->next_in = io->in;
    inflate->avail_in = (uint32_t)io->in_bytes;
    inflate->next_out = io->out;
    inflate->avail_out = (uint32_t)io->out_bytes;

    int code = inflate_step(gzip);

    io->in = inflate->next_in;
    io->in_bytes = inflate->avail_in;
    io->out = inflate->next_out;
    io->out_bytes = inflate->avail_out;

    if (code < 0)
        return CODEC_DAMAGED;
    return inflate->block_state == ISAL_BLOCK_FINISH ? CODEC_MEMBER_ENDS : CODEC_GOES_ON;
}

static void gzip_close(void *state)
{
    free(state);
}

const struct codec_class codec_gzip = {
    .open = gzip_open,
    .begin = gzip_begin,
    .step = gzip_step,
    .close = gzip_close,
};
