/*
 * test_pack.c - shuffle against a slow one, every codec undone by a decoder of another library, HDF5's own checksums.
 *
 * What is read has exactly the promised size, for a sanitizer to see. What is written is followed by guard bytes, which
 * see what a sanitizer does not: the compressing libraries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#include "pack.h"
#include "shuffle.h"

/* ---- buffers and bytes ----------------------------------------------------------------------------------------- */

enum { GUARD_BYTES = 64, GUARD = 0xa5 };

static unsigned char *exact(size_t n)
{
    unsigned char *bytes = malloc(n);
    assert_non_null(bytes);
    return bytes;
}

static unsigned char *guarded(size_t n)
{
    unsigned char *bytes = malloc(n + GUARD_BYTES);
    assert_non_null(bytes);
    memset(bytes, 0x5a, n);
    memset(bytes + n, GUARD, GUARD_BYTES);
    return bytes;
}

static void check_guard(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < GUARD_BYTES; i++)
        assert_int_equal(bytes[n + i], GUARD);
}

static uint64_t random_state = 1;

static uint32_t below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

static void fill_noise(unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)below(256);
}

/* Like records: the first bytes of a row constant, then a counter, then small numbers. */
static void fill_records(unsigned char *rows, size_t n_rows, size_t row_bytes)
{
    for (size_t at = 0; at < n_rows * row_bytes; at++) {
        size_t row = at / row_bytes, i = at % row_bytes;
        rows[at] = (unsigned char)(i < row_bytes / 3 ? 'c' + i : i % 4 == 3 ? below(6) : row >> i % 4 * 8);
    }
}

/* The bytes from which the known checksums were made. */
static void fill_ramp(unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(i * 7 + (i >> 8) * 13);
}

/* ---- shuffle --------------------------------------------------------------------------------------------------- */

static void shuffle_slowly(const unsigned char *rows, size_t n_rows, size_t row_bytes, unsigned char *columns)
{
    for (size_t i = 0; i < n_rows * row_bytes; i++)
        columns[i % row_bytes * n_rows + i / row_bytes] = rows[i];
}

static void check_shuffle(size_t n_rows, size_t row_bytes)
{
    size_t n = n_rows * row_bytes;
    unsigned char *rows = exact(n), *columns = guarded(n), *expected = exact(n);

    fill_noise(rows, n);
    shuffle_slowly(rows, n_rows, row_bytes, expected);
    shuffle(rows, n_rows, row_bytes, columns);
    assert_memory_equal(columns, expected, n);
    check_guard(columns, n);
    free(rows);
    free(columns);
    free(expected);
}

static void shuffles_every_shape(void **state)
{
    static const size_t many_rows[] = { 127, 128, 1000, 4096 };
    static const size_t wide_rows[] = { 63, 64, 65, 111, 1000, 4099 };

    (void)state;
    for (size_t row_bytes = 1; row_bytes <= 34; row_bytes++) {
        for (size_t n_rows = 1; n_rows <= 82; n_rows++)
            check_shuffle(n_rows, row_bytes);
        for (size_t i = 0; i < sizeof many_rows / sizeof *many_rows; i++)
            check_shuffle(many_rows[i], row_bytes);
    }
    for (size_t i = 0; i < sizeof wide_rows / sizeof *wide_rows; i++)
        for (size_t n_rows = 1; n_rows <= 82; n_rows += 3)
            check_shuffle(n_rows, wide_rows[i]);
}

/* ---- packing, and undoing it ----------------------------------------------------------------------------------- */

struct packed {
    unsigned char *bytes;
    size_t n;
    uint32_t mask;
};

/* Pack by a packer, into a buffer apart, and once more in place: both must be the same. */
static struct packed pack_with(struct packer *k, const struct packing *p, const unsigned char *rows)
{
    size_t most = packer_most_bytes(p), in_place_bytes = 0;
    unsigned char *in_place = guarded(most);
    struct packed packed = { .bytes = guarded(most), .mask = 99 };
    uint32_t in_place_mask = 99;

    assert_int_equal(most, p->row_bytes * p->chunk_rows + (p->checksum ? 4 : 0));
    assert_int_equal(packer_pack(k, rows, packed.bytes, &packed.n, &packed.mask), 0);
    assert_true(packed.n <= most);
    check_guard(packed.bytes, most);

    memcpy(in_place, rows, p->row_bytes * p->chunk_rows);
    assert_int_equal(packer_pack(k, in_place, in_place, &in_place_bytes, &in_place_mask), 0);
    check_guard(in_place, most);
    assert_int_equal(in_place_bytes, packed.n);
    assert_int_equal(in_place_mask, packed.mask);
    assert_memory_equal(in_place, packed.bytes, packed.n);
    free(in_place);
    return packed;
}

static struct packed pack_once(const struct packing *p, const unsigned char *rows)
{
    struct packer *k = packer_open(p);
    assert_non_null(k);
    struct packed packed = pack_with(k, p, rows);
    packer_close(k);
    return packed;
}

/* A zlib stream by both decoders, so that each library is checked by the other. */
static void undo_deflate(const unsigned char *in, size_t in_bytes, unsigned char *out, size_t out_bytes)
{
    struct libdeflate_decompressor *libdeflate = libdeflate_alloc_decompressor();
    size_t used = 0;
    struct inflate_state *inflate = malloc(sizeof *inflate);
    unsigned char *copy = exact(in_bytes), *other = exact(out_bytes);

    assert_non_null(libdeflate);
    assert_int_equal(libdeflate_zlib_decompress_ex(libdeflate, in, in_bytes, out, out_bytes, &used, NULL),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(used, in_bytes);
    libdeflate_free_decompressor(libdeflate);

    memcpy(copy, in, in_bytes);
    assert_non_null(inflate);
    isal_inflate_init(inflate);
    inflate->crc_flag = ISAL_ZLIB;
    inflate->next_in = copy;
    inflate->avail_in = (uint32_t)in_bytes;
    inflate->next_out = other;
    inflate->avail_out = (uint32_t)out_bytes;
    assert_int_equal(isal_inflate(inflate), ISAL_DECOMP_OK);
    assert_int_equal(inflate->block_state, ISAL_BLOCK_FINISH);
    assert_int_equal(inflate->total_out, out_bytes);
    assert_memory_equal(other, out, out_bytes);
    free(inflate);
    free(copy);
    free(other);
}

static void undo_zstd(const unsigned char *in, size_t in_bytes, unsigned char *out, size_t out_bytes)
{
    assert_int_equal(ZSTD_getFrameContentSize(in, in_bytes), out_bytes);
    assert_int_equal(ZSTD_findFrameCompressedSize(in, in_bytes), in_bytes);
    assert_int_equal(ZSTD_decompress(out, out_bytes, in, in_bytes), out_bytes);
}

/* What a reader does: everything backwards. The checksum is looked at elsewhere. */
static void check_undone(const struct packing *p, const struct packed *packed, const unsigned char *rows)
{
    size_t n = p->row_bytes * p->chunk_rows, codec_bytes = packed->n - (p->checksum ? 4 : 0);
    uint32_t codec_bit = 1u << (p->shuffle ? 1 : 0);
    unsigned char *columns = exact(n), *expected = exact(n);

    if (p->codec == PACK_NONE || packed->mask != 0) {
        assert_int_equal(packed->mask, p->codec == PACK_NONE ? 0 : codec_bit);
        assert_int_equal(codec_bytes, n);
        memcpy(columns, packed->bytes, n);
    } else {
        assert_true(codec_bytes < n);
        (p->codec == PACK_DEFLATE ? undo_deflate : undo_zstd)(packed->bytes, codec_bytes, columns, n);
    }
    if (p->shuffle)
        shuffle_slowly(rows, p->chunk_rows, p->row_bytes, expected);
    else
        memcpy(expected, rows, n);
    assert_memory_equal(columns, expected, n);
    free(columns);
    free(expected);
}

static const struct packing codecs[] = {
    { .codec = PACK_NONE },
    { .codec = PACK_DEFLATE, .level = 1 }, { .codec = PACK_DEFLATE, .level = 2 }, { .codec = PACK_DEFLATE, .level = 3 },
    { .codec = PACK_DEFLATE, .level = 4 }, { .codec = PACK_DEFLATE, .level = 5 }, { .codec = PACK_DEFLATE, .level = 6 },
    { .codec = PACK_DEFLATE, .level = 7 }, { .codec = PACK_DEFLATE, .level = 8 }, { .codec = PACK_DEFLATE, .level = 9 },
    { .codec = PACK_ZSTD, .level = 1 }, { .codec = PACK_ZSTD, .level = 3 }, { .codec = PACK_ZSTD, .level = 9 },
};
enum { N_CODECS = sizeof codecs / sizeof *codecs };

/* Run a check with each codec, with and without shuffle and checksum, for chunks of one shape. */
static void for_each_packing(size_t chunk_rows, size_t row_bytes, void (*check)(const struct packing *p))
{
    for (unsigned i = 0; i < N_CODECS * 4; i++) {
        struct packing p = codecs[i / 4];
        p.shuffle = i & 1;
        p.checksum = i & 2;
        p.chunk_rows = chunk_rows;
        p.row_bytes = row_bytes;
        check(&p);
    }
}

static void check_records(const struct packing *p)
{
    unsigned char *rows = exact(p->row_bytes * p->chunk_rows);

    fill_records(rows, p->chunk_rows, p->row_bytes);
    struct packed packed = pack_once(p, rows);
    if (p->codec != PACK_NONE && p->row_bytes * p->chunk_rows >= 1000)
        assert_int_equal(packed.mask, 0);
    check_undone(p, &packed, rows);
    free(packed.bytes);
    free(rows);
}

static void packs_records(void **state)
{
    (void)state;
    for_each_packing(16384, 26, check_records);
    for_each_packing(4096, 4, check_records);
    for_each_packing(1024, 111, check_records);
    for_each_packing(65536, 1, check_records);
    for_each_packing(1, 5000, check_records);
}

/* Too short to be worth anything, down to one byte: codecs get no room at all. */
static void packs_little(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 40; n++)
        for_each_packing(n, 3, check_records);
    for_each_packing(1, 1, check_records);
    for_each_packing(2, 1, check_records);
}

static void check_noise(const struct packing *p)
{
    unsigned char *rows = exact(p->row_bytes * p->chunk_rows);

    fill_noise(rows, p->row_bytes * p->chunk_rows);
    struct packed packed = pack_once(p, rows);
    if (p->codec != PACK_NONE)
        assert_int_equal(packed.mask, p->shuffle ? 2 : 1);
    check_undone(p, &packed, rows);
    free(packed.bytes);
    free(rows);
}

static void leaves_noise_alone(void **state)
{
    (void)state;
    for_each_packing(8192, 26, check_noise);
    for_each_packing(70001, 1, check_noise);
}

/* 230 kinds of bytes: around 2500 of them deflate begins to gain what its tables cost. */
static void check_edge(size_t n, struct packing p)
{
    unsigned char *rows = exact(n);

    for (size_t i = 0; i < n; i++)
        rows[i] = (unsigned char)below(230);
    p.row_bytes = 1;
    p.chunk_rows = n;
    struct packed packed = pack_once(&p, rows);
    check_undone(&p, &packed, rows);
    free(packed.bytes);
    free(rows);
}

static void packs_where_it_just_pays(void **state)
{
    (void)state;
    for (size_t n = 2200; n < 3000; n += 5)
        for (size_t i = 0; i < N_CODECS; i++)
            check_edge(n, codecs[i]);
}

/* The bytes must not depend on what a packer did before. */
static void check_history(const struct packing *p)
{
    size_t n = p->row_bytes * p->chunk_rows;
    unsigned char *rows = exact(n), *noise = exact(n);
    struct packer *k = packer_open(p);

    fill_records(rows, p->chunk_rows, p->row_bytes);
    fill_noise(noise, n);
    memcpy(noise, rows + n / 2, n / 4); /* bytes to be found again, at other places */
    struct packed fresh = pack_once(p, rows);
    assert_non_null(k);
    for (int i = 0; i < 5; i++) {
        struct packed again;

        free(pack_with(k, p, noise).bytes);
        again = pack_with(k, p, rows);
        assert_int_equal(again.n, fresh.n);
        assert_int_equal(again.mask, fresh.mask);
        assert_memory_equal(again.bytes, fresh.bytes, fresh.n);
        free(again.bytes);
    }
    packer_close(k);
    free(fresh.bytes);
    free(rows);
    free(noise);
}

static void forgets_earlier_chunks(void **state)
{
    (void)state;
    for_each_packing(4096, 26, check_history);
}

enum { TEXT_BYTES = 5, LAST_BYTES = 17, LAST_ROWS = 32768, LAST_USED = 27232 };

/* A last chunk: text, a number with little sense and one that comes again and again, then zeros. */
static void fill_last_chunk(unsigned char *rows)
{
    memset(rows, 0, (size_t)LAST_ROWS * LAST_BYTES);
    for (int i = LAST_ROWS; i < LAST_ROWS + LAST_USED; i++, rows += LAST_BYTES) {
        int32_t number = (int32_t)((int64_t)i * 7919 % 100000000);
        double again = round(i % 1000 / 7.0 * 1000) / 1000;
        char text[TEXT_BYTES + 8];

        snprintf(text, sizeof text, "chr%d", i % 22);
        memcpy(rows, text, strlen(text));
        memcpy(rows + TEXT_BYTES, &number, sizeof number);
        memcpy(rows + TEXT_BYTES + sizeof number, &again, sizeof again);
    }
}

/* ---- the checksum ---------------------------------------------------------------------------------------------- */

static void check_checksum(const unsigned char *bytes, size_t n, const char *expected)
{
    struct packing p = { .checksum = true, .row_bytes = 1, .chunk_rows = n };
    struct packed packed = pack_once(&p, bytes);

    assert_int_equal(packed.n, n + 4);
    assert_int_equal(packed.mask, 0);
    assert_memory_equal(packed.bytes, bytes, n);
    assert_memory_equal(packed.bytes + n, expected, 4);
    free(packed.bytes);
}

static void check_checksum_of_text(const char *text, const char *expected)
{
    check_checksum((const unsigned char *)text, strlen(text), expected);
}

/* Expected: the last four bytes of chunks that HDF5 1.10.8 stored with H5Pset_fletcher32(). */
static void checksums_as_hdf5(void **state)
{
    size_t most = (3 << 20) + 1;
    unsigned char *bytes = exact(most);

    (void)state;
    check_checksum_of_text("\xab", "\x00\xab\x00\xab");
    check_checksum_of_text("abcde", "\xc7\x29\xf0\x4f");
    check_checksum_of_text("abcdef", "\x2d\x2a\x56\x50");
    check_checksum_of_text("abcdefgh", "\x95\x91\xeb\xe1");

    memset(bytes, 0, most);
    check_checksum(bytes, 4, "\x00\x00\x00\x00");
    memset(bytes, 0xff, most);
    check_checksum(bytes, 2, "\xff\xff\xff\xff");
    check_checksum(bytes, 4099, "\x00\xff\x00\xff");
    check_checksum(bytes, 65536, "\xff\xff\xff\xff");
    fill_ramp(bytes, most);
    check_checksum(bytes, (1 << 20) + 3, "\x07\x0e\x0d\x0f");
    check_checksum(bytes, most, "\xff\xff\xfd\x02");
    free(bytes);
}

/* The checksum is that of the bytes before it, packed or not. */
static void checksums_what_is_stored(void **state)
{
    struct packing p = {
        .codec = PACK_DEFLATE, .level = 6, .shuffle = true, .checksum = true, .row_bytes = 26, .chunk_rows = 999,
    };
    unsigned char *rows = exact(26 * 999);
    char expected[4];

    (void)state;
    fill_records(rows, 999, 26);
    struct packed packed = pack_once(&p, rows);
    memcpy(expected, packed.bytes + packed.n - 4, 4);
    check_checksum(packed.bytes, packed.n - 4, expected);
    free(packed.bytes);
    free(rows);
}

/* ---- at any address ------------------------------------------------------------------------------------ */

enum { PAGE_BYTES = 4096, LARGE_BYTES = 128 << 10 };

static struct {
    bool now;
    uint64_t random; /* so that the hundredth place is one of those that made a difference */
    void *place;
    size_t bytes;
} scattered = {.random = 7798172094064081330u};

/* At a place as an exec(2) might choose it. */
static void *scatter(size_t n)
{
    uintptr_t hint;

    scattered.random = scattered.random * 6364136223846793005u + 1442695040888963407u;
    hint = 0x7f0000000000u + (uintptr_t)(scattered.random >> 36) * PAGE_BYTES;
    scattered.place = mmap((void *)hint, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    scattered.bytes = n;
    return scattered.place;
}

/* ---- no memory ------------------------------------------------------------------------------------------------- */

static int fail_at; /* the allocation that fails, from 1; 0: none does */

static int fails_now(void)
{
    return fail_at > 0 && --fail_at == 0;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
    if (scattered.now && n > LARGE_BYTES && n != (size_t)LAST_ROWS * LAST_BYTES)
        return scatter(n);
    return fails_now() ? NULL : __real_malloc(n);
}

void *__real_calloc(size_t n, size_t each);
void *__wrap_calloc(size_t n, size_t each);
void *__wrap_calloc(size_t n, size_t each)
{
    return fails_now() ? NULL : __real_calloc(n, each);
}

struct libdeflate_compressor *__real_libdeflate_alloc_compressor(int level);
struct libdeflate_compressor *__wrap_libdeflate_alloc_compressor(int level);
struct libdeflate_compressor *__wrap_libdeflate_alloc_compressor(int level)
{
    return fails_now() ? NULL : __real_libdeflate_alloc_compressor(level);
}

static void check_allocations(const struct packing *p)
{
    int n_allocations = p->codec == PACK_DEFLATE ? 3 : 2;

    for (int i = 1; i <= n_allocations; i++) {
        fail_at = i;
        assert_null(packer_open(p));
        assert_int_equal(fail_at, 0);
    }
    packer_close(NULL);
}

static void says_no_memory(void **state)
{
    (void)state;
    for_each_packing(100, 26, check_allocations);
}

void __real_free(void *bytes);
void __wrap_free(void *bytes);
void __wrap_free(void *bytes)
{
    if (bytes != scattered.place || bytes == NULL) {
        __real_free(bytes);
        return;
    }
    munmap(scattered.place, scattered.bytes);
    scattered.place = NULL;
}

/* The bytes must not depend on where the packer stands, either. Without care one address in 1500 shows. */
static void does_not_depend_on_addresses(void **state)
{
    struct packing p = {.codec = PACK_DEFLATE, .level = 1, .shuffle = true, .row_bytes = LAST_BYTES,
                        .chunk_rows = LAST_ROWS};
    unsigned char *rows = exact((size_t)LAST_ROWS * LAST_BYTES), *out = exact(packer_most_bytes(&p));
    struct packed first;

    (void)state;
    fill_last_chunk(rows);
    first = pack_once(&p, rows);
    for (int i = 0; i < 200; i++) {
        struct packer *k;
        uint32_t mask;
        size_t n;

        scattered.now = true;
        k = packer_open(&p);
        scattered.now = false;
        assert_non_null(k);
        assert_int_equal(packer_pack(k, rows, out, &n, &mask), 0);
        assert_int_equal(n, first.n);
        assert_memory_equal(out, first.bytes, n);
        packer_close(k);
    }
    free(first.bytes);
    free(rows);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffles_every_shape),
        cmocka_unit_test(packs_records),
        cmocka_unit_test(packs_little),
        cmocka_unit_test(leaves_noise_alone),
        cmocka_unit_test(packs_where_it_just_pays),
        cmocka_unit_test(forgets_earlier_chunks),
        cmocka_unit_test(does_not_depend_on_addresses),
        cmocka_unit_test(checksums_as_hdf5),
        cmocka_unit_test(checksums_what_is_stored),
        cmocka_unit_test(says_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
