/*
 * pack.c - one chunk of rows to the bytes that HDF5 stores for it: shuffle, then deflate or zstd, then a checksum.
 *
 * Deflate is a zlib stream (RFC 1950), which every HDF5 reads. Measured on shuffled records against zlib at the same
 * level: level 1 is isa-l's, 6 times as fast for up to 7 percent more bytes; levels 2 to 9 are libdeflate's, 1.5 to 4
 * times as fast for 2 to 8 percent fewer bytes.
 */
#include "pack.h"

#include <assert.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "gather.h"
#include "shuffle.h"

enum { IGZIP_LEVEL = 1 }; /* the deflate level that isa-l does, here and by its own count */

struct packer {
    struct packing packing;
    size_t chunk_bytes;
    unsigned char *filtered;                      /* chunk_bytes: the chunk on its way to the codec */
    unsigned char *gathered;                      /* chunk_bytes: the columns of the chunk; else NULL */
    uint8_t *igzip;                               /* ISAL_DEF_LVL1_DEFAULT; deflate, level 1; else NULL */
    struct libdeflate_compressor *libdeflate;     /* deflate, other levels; else NULL */
};

/* ---- making one ------------------------------------------------------------------------------------------------ */

static size_t chunk_bytes(const struct packing *p)
{
    assert(p->row_bytes > 0 && p->chunk_rows > 0);
    assert(p->chunk_rows <= UINT32_MAX / p->row_bytes);
    return p->chunk_rows * p->row_bytes;
}

static int codec_open(struct packer *k)
{
    int level = k->packing.level;

    switch (k->packing.codec) {
    case PACK_NONE:
        return 0;
    case PACK_DEFLATE:
        assert(level >= 1 && level <= 9);
        if (level == IGZIP_LEVEL)
            return (k->igzip = malloc(ISAL_DEF_LVL1_DEFAULT)) != NULL ? 0 : -1;
        return (k->libdeflate = libdeflate_alloc_compressor(level)) != NULL ? 0 : -1;
    case PACK_ZSTD:
        assert(level >= 1 && level <= ZSTD_maxCLevel());
        return 0;
    }
    return -1;
}

struct packer *packer_open(const struct packing *p)
{
    struct packer *k = calloc(1, sizeof *k);

    if (k == NULL)
        return NULL;
    k->packing = *p;
    k->chunk_bytes = chunk_bytes(p);
    k->filtered = malloc(k->chunk_bytes);
    if (p->columns != NULL)
        k->gathered = malloc(k->chunk_bytes);
    if (k->filtered == NULL || (p->columns != NULL && k->gathered == NULL) || codec_open(k) != 0) {
        packer_close(k);
        return NULL;
    }
    return k;
}

void packer_close(struct packer *k)
{
    if (k == NULL)
        return;
    libdeflate_free_compressor(k->libdeflate);
    free(k->igzip);
    free(k->filtered);
    free(k->gathered);
    free(k);
}

size_t packer_parts(const struct packing *p)
{
    return p->columns != NULL ? p->columns->n_fields : 1;
}

size_t packer_most_bytes(const struct packing *p)
{
    return chunk_bytes(p) + (p->checksum ? packer_parts(p) * PACK_CHECKSUM_BYTES : 0);
}

/* ---- the codecs: n bytes of 'filtered' to 'room' at most; *out_bytes is 0 when it takes more --------------------- */

/*
 * The bytes that isa-l 2.30 makes depend on the stream's address: it enters a hash of it among those of the text, where
 * about one address in 1500 displaces what would have been found. Addresses are random, the bytes must not be. So the
 * stream always stands in one place, and all packers of a process take it in turn, as a chunk leaves nothing in it.
 */
static struct isal_zstream *igzip_stream(void)
{
    static void *const place = (void *)0x200000000000; /* far from where Linux puts program, heap and mappings */
    static struct isal_zstream elsewhere, *stream;

    if (stream == NULL) {
        void *got = mmap(place, sizeof *stream, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

        stream = got == place ? got : &elsewhere;
        if (got != place && got != MAP_FAILED) /* by a kernel before 4.17 */
            munmap(got, sizeof *stream);
    }
    return stream;
}

static void igzip_compress(struct packer *k, size_t n, unsigned char *out, size_t room, size_t *out_bytes)
{
    struct isal_zstream *stream = igzip_stream();

    isal_deflate_stateless_init(stream);
    stream->level = IGZIP_LEVEL;
    stream->level_buf = k->igzip;
    stream->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    stream->gzip_flag = IGZIP_ZLIB;
    stream->end_of_stream = 1;
    stream->next_in = k->filtered;
    stream->avail_in = (uint32_t)n;
    stream->next_out = out;
    stream->avail_out = (uint32_t)room;

    int code = isal_deflate_stateless(stream);

    assert(code == COMP_OK || code == STATELESS_OVERFLOW);
    *out_bytes = code == COMP_OK ? stream->total_out : 0;
}

/*
 * The frame is the one that HDF5's plugin makes: with its content size, which some readers rely on, and no checksum.
 * A ZSTD_CCtx kept from chunk to chunk would save a tenth of the time, but since zstd 1.5.5 its match tables carry a
 * salt that depends on what it compressed before, and so might the bytes.
 */
static int zstd_compress(struct packer *k, size_t n, unsigned char *out, size_t room, size_t *out_bytes)
{
    size_t code = ZSTD_compress(out, room, k->filtered, n, k->packing.level);

    *out_bytes = ZSTD_isError(code) ? 0 : code;
    return ZSTD_isError(code) && ZSTD_getErrorCode(code) != ZSTD_error_dstSize_tooSmall ? -1 : 0;
}

static int codec_compress(struct packer *k, size_t n, unsigned char *out, size_t *out_bytes)
{
    size_t room = n - 1;

    *out_bytes = 0;
    if (k->packing.codec == PACK_ZSTD)
        return zstd_compress(k, n, out, room, out_bytes);
    if (k->igzip != NULL)
        igzip_compress(k, n, out, room, out_bytes);
    else if (k->libdeflate != NULL)
        *out_bytes = libdeflate_zlib_compress(k->libdeflate, k->filtered, n, out, room);
    return 0;
}

/* ---- the checksum ---------------------------------------------------------------------------------------------- */

/* End-around carry to 16 bits: remainder modulo 65535, but 65535 for a sum that is a multiple of it and not 0. */
static uint32_t fold(uint64_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

/*
 * Fletcher's checksum over 16-bit words with the high byte first, both sums starting from 0; an odd last byte is a high
 * byte. HDF5 folds more often, which makes no difference. Within a block the second sum stays below 2^55.
 * Source  J. G. Fletcher, An arithmetic checksum for serial transmissions, 1982; HDF5, H5Pset_fletcher32()
 */
static uint32_t fletcher32(const unsigned char *bytes, size_t n_bytes)
{
    const size_t block_bytes = 1 << 20;
    uint64_t sum = 0, sum_of_sums = 0;

    while (n_bytes > 1) {
        size_t n = n_bytes < block_bytes ? n_bytes & ~(size_t)1 : block_bytes;

        for (const unsigned char *end = bytes + n; bytes < end; bytes += 2) {
            sum += (uint32_t)(bytes[0] << 8 | bytes[1]);
            sum_of_sums += sum;
        }
        n_bytes -= n;
        sum = fold(sum);
        sum_of_sums = fold(sum_of_sums);
    }
    if (n_bytes == 1) {
        sum += (uint32_t)(bytes[0] << 8);
        sum_of_sums += sum;
    }
    return fold(sum_of_sums) << 16 | fold(sum);
}

/* HDF5 stores it low byte first on every machine. */
static void append_checksum(unsigned char *out, size_t *out_bytes)
{
    uint32_t checksum = fletcher32(out, *out_bytes);

    for (int i = 0; i < PACK_CHECKSUM_BYTES; i++)
        out[(*out_bytes)++] = (unsigned char)(checksum >> 8 * i);
}

/* ---- the pipeline ---------------------------------------------------------------------------------------------- */

/* n bytes of elements through the filters. */
static int pack_elements(struct packer *k, const void *from, size_t n, size_t elem_bytes, void *out, size_t *out_bytes,
                         uint32_t *filter_mask)
{
    const struct packing *p = &k->packing;

    *filter_mask = 0;
    if (p->shuffle)
        shuffle(from, n / elem_bytes, elem_bytes, k->filtered);
    else
        memcpy(k->filtered, from, n);

    if (codec_compress(k, n, out, out_bytes) != 0)
        return -1;
    if (*out_bytes == 0) {
        memcpy(out, k->filtered, n);
        *out_bytes = n;
        if (p->codec != PACK_NONE)
            *filter_mask = 1u << (p->shuffle ? 1 : 0);
    }
    if (p->checksum)
        append_checksum(out, out_bytes);
    return 0;
}

int packer_pack(struct packer *k, const void *rows, void *out, size_t *out_bytes, uint32_t *filter_mask)
{
    const struct packing *p = &k->packing;

    return pack_elements(k, rows, k->chunk_bytes, p->elem_bytes > 0 ? p->elem_bytes : p->row_bytes, out, out_bytes,
                         filter_mask);
}

static int pack_columns(struct packer *k, const void *rows, unsigned char *out, struct packed_chunk *parts,
                        size_t *out_bytes)
{
    const struct schema *s = k->packing.columns;
    size_t n_rows = k->packing.chunk_rows;

    gather_columns(s, rows, n_rows, k->gathered);
    *out_bytes = 0;
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct field *f = &s->fields[i];
        size_t bytes;

        if (pack_elements(k, k->gathered + n_rows * f->offset, n_rows * gather_field_bytes(f), f->elem_bytes,
                          out + *out_bytes, &bytes, &parts[i].filter_mask) != 0)
            return -1;
        parts[i].packed_bytes = (uint32_t)bytes;
        *out_bytes += bytes;
    }
    return 0;
}

int packer_pack_parts(struct packer *k, const void *rows, void *out, struct packed_chunk *parts, size_t *out_bytes)
{
    if (k->packing.columns != NULL)
        return pack_columns(k, rows, out, parts, out_bytes);
    if (packer_pack(k, rows, out, out_bytes, &parts->filter_mask) != 0)
        return -1;
    parts->packed_bytes = (uint32_t)*out_bytes;
    return 0;
}
