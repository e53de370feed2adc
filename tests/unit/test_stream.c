/*
 * test_stream.c - every codec in every buffer size, whole, cut, bent, padded and through pipes.
 *
 * The inputs are made here with the codecs' own libraries, in a temporary directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "codec.h"
#include "stream.h"

enum { INPUT_BYTES = 256 << 10 }; /* the compressed side's buffer in stream.c */

static const enum codec packed[] = { CODEC_GZIP, CODEC_BZIP2, CODEC_XZ, CODEC_ZSTD };
enum { N_PACKED = sizeof packed / sizeof *packed };

static const struct codec_class *const classes[] = { NULL, &codec_gzip, &codec_bzip2, &codec_xz, &codec_zstd };

static const size_t magic_bytes[] = { 0, 2, 6, 6, 4 };

static const size_t chunks[] = { 1, 2, 3, 7, 4096, 1 << 20 };
enum { N_CHUNKS = sizeof chunks / sizeof *chunks };

/* ---- bytes ---- */

struct bytes {
    unsigned char *data;
    size_t n;
    size_t room;
};

static struct bytes bytes_new(size_t n)
{
    struct bytes b = { malloc(n + 1), n, n + 1 };
    assert_non_null(b.data);
    return b;
}

static void append(struct bytes *to, const void *data, size_t n)
{
    if (to->room <= to->n + n) {
        to->room = 2 * (to->n + n) + 1;
        to->data = realloc(to->data, to->room);
        assert_non_null(to->data);
    }
    memcpy(to->data + to->n, data, n);
    to->n += n;
}

/* Append and free. */
static void append_bytes(struct bytes *to, struct bytes from)
{
    append(to, from.data, from.n);
    free(from.data);
}

static struct bytes copy_of(struct bytes b)
{
    struct bytes copy = { 0 };
    append(&copy, b.data, b.n);
    return copy;
}

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static struct bytes text_of(size_t n, uint32_t seed)
{
    struct bytes b = bytes_new(n + 64);
    size_t used = 0;
    while (used < n)
        used += (size_t)sprintf((char *)b.data + used, "chr%u\t%u\t%u.%03u\n", random_next(&seed) % 22 + 1,
                                random_next(&seed) % 100000000, random_next(&seed) % 100, random_next(&seed) % 1000);
    b.n = n;
    return b;
}

static struct bytes noise_of(size_t n, uint32_t seed)
{
    struct bytes b = bytes_new(n);
    for (size_t i = 0; i < n; i++)
        b.data[i] = (unsigned char)(random_next(&seed) >> 16); /* the low bits soon repeat */
    return b;
}

static void assert_same(struct bytes got, struct bytes want)
{
    assert_int_equal(got.n, want.n);
    assert_memory_equal(got.data, want.data, want.n);
}

/* ---- packing ---- */

static struct bytes pack_gzip_with(struct bytes text, struct isal_gzip_header *header)
{
    struct bytes out = bytes_new(text.n + text.n / 8 + 70000);
    struct isal_zstream *z = malloc(sizeof *z);
    unsigned char *level_buffer = malloc(ISAL_DEF_LVL1_DEFAULT);
    assert_non_null(z);
    assert_non_null(level_buffer);

    isal_deflate_init(z);
    z->level = text.n > 100 ? 1 : 0; /* both of its ways */
    z->level_buf = level_buffer;
    z->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    z->end_of_stream = 1;
    z->gzip_flag = header != NULL ? IGZIP_GZIP_NO_HDR : IGZIP_GZIP;
    z->next_in = text.data;
    z->avail_in = (uint32_t)text.n;
    z->next_out = out.data;
    z->avail_out = (uint32_t)out.n;
    if (header != NULL)
        assert_int_equal(isal_write_gzip_header(z, header), 0);
    assert_int_equal(isal_deflate(z), COMP_OK);
    assert_int_equal(z->internal_state.state, ZSTATE_END);
    out.n = (size_t)(z->next_out - out.data);

    free(level_buffer);
    free(z);
    return out;
}

static struct bytes pack_bzip2(struct bytes text)
{
    struct bytes out = bytes_new(text.n + text.n / 50 + 1000);
    unsigned n = (unsigned)out.n;
    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out.data, &n, (char *)text.data, (unsigned)text.n, 1, 0, 0),
                     BZ_OK);
    out.n = n;
    return out;
}

static struct bytes pack_xz(struct bytes text)
{
    struct bytes out = bytes_new(lzma_stream_buffer_bound(text.n));
    size_t n = 0;
    assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, text.data, text.n, out.data, &n, out.n),
                     LZMA_OK);
    out.n = n;
    return out;
}

static struct bytes pack_zstd(struct bytes text)
{
    struct bytes out = bytes_new(ZSTD_compressBound(text.n));
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    out.n = ZSTD_compress2(zstd, out.data, out.n, text.data, text.n);
    assert_false(ZSTD_isError(out.n));
    ZSTD_freeCCtx(zstd);
    return out;
}

static struct bytes pack(enum codec codec, struct bytes text)
{
    switch (codec) {
    case CODEC_GZIP: return pack_gzip_with(text, NULL);
    case CODEC_BZIP2: return pack_bzip2(text);
    case CODEC_XZ: return pack_xz(text);
    case CODEC_ZSTD: return pack_zstd(text);
    case CODEC_PLAIN: break;
    }
    return copy_of(text);
}

/* A gzip member as bgzip writes it: its own size in an extra field. */
static struct bytes pack_bgzip(struct bytes text)
{
    unsigned char extra[6] = { 'B', 'C', 2, 0, 0, 0 };
    struct isal_gzip_header header;
    isal_gzip_header_init(&header);
    header.extra = extra;
    header.extra_len = header.extra_buf_len = sizeof extra;

    struct bytes member = pack_gzip_with(text, &header);
    member.data[16] = (unsigned char)(member.n - 1);
    member.data[17] = (unsigned char)((member.n - 1) >> 8);
    return member;
}

/* ---- files ---- */

static char directory[512];
static char path[600];

static void write_file(const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static int scratch_make(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    snprintf(directory, sizeof directory, "%s/test_stream.XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/input", directory);
    return 0;
}

static int scratch_remove(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

/* The lowest free descriptor: the same before and after when none is leaked. */
static int lowest_free;

static int note_descriptors(void **state)
{
    (void)state;
    lowest_free = open("/dev/null", O_RDONLY);
    return close(lowest_free);
}

static int check_descriptors(void **state)
{
    int fd = open("/dev/null", O_RDONLY);
    (void)state;
    close(fd);
    unlink(path);
    return fd == lowest_free ? 0 : -1;
}

/* ---- reading ---- */

/* Read to the end in pieces of chunk bytes, append to *text; the code of the failure that ended it, or 0. */
static int drain(struct stream *stream, size_t chunk, struct bytes *text)
{
    unsigned char *buffer = malloc(chunk);
    struct failure failure;
    ssize_t got;

    assert_non_null(buffer);
    while ((got = stream_read(stream, buffer, chunk, &failure)) == (ssize_t)chunk)
        append(text, buffer, (size_t)got);
    if (got >= 0) {
        append(text, buffer, (size_t)got);
        assert_int_equal(stream_read(stream, buffer, chunk, &failure), 0); /* less only at the end */
    } else {
        struct failure again;
        assert_int_equal(stream_read(stream, buffer, chunk, &again), -1);
        assert_memory_equal(&again, &failure, sizeof failure);
        assert_int_equal(failure.field, -1);
    }
    free(buffer);
    return got < 0 ? failure.code : FAILURE_NONE;
}

/* The whole way from path to text. */
static int slurp(size_t chunk, struct bytes *text, enum codec *codec)
{
    struct stream *stream;
    struct failure failure;

    *text = (struct bytes){ 0 };
    if (stream_open(&stream, path, &failure) != 0)
        return failure.code;
    if (codec != NULL)
        *codec = stream_kind(stream);
    int code = drain(stream, chunk, text);
    stream_close(stream);
    return code;
}

static void assert_reads(struct bytes file, struct bytes want, size_t chunk)
{
    struct bytes got;
    write_file(file.data, file.n);
    assert_int_equal(slurp(chunk, &got, NULL), FAILURE_NONE);
    assert_same(got, want);
    free(got.data);
}

static void assert_fails(struct bytes file, int code)
{
    for (size_t c = 0; c < N_CHUNKS; c++) {
        struct bytes got;
        write_file(file.data, file.n);
        assert_int_equal(slurp(chunks[c], &got, NULL), code);
        free(got.data);
    }
}

/* ---- tests: what an input is ---- */

static void test_magic(void **state)
{
    static const struct {
        const char *head;
        size_t n;
        enum codec codec;
    } cases[] = {
        { "", 0, CODEC_PLAIN },          { "\x1f", 1, CODEC_PLAIN },
        { "\x1f\x8b", 2, CODEC_GZIP },   { "\x1f\x9d", 2, CODEC_PLAIN },
        { "BZh91A", 6, CODEC_BZIP2 },    { "BZh9\x17\x72", 6, CODEC_BZIP2 },
        { "BZh9", 4, CODEC_PLAIN },      { "BZh01A", 6, CODEC_PLAIN },
        { "BZh9 1", 6, CODEC_PLAIN },    { "\xfd" "7zXZ", 6, CODEC_XZ },
        { "\xfd" "7zXZ", 5, CODEC_PLAIN }, { "\x28\xb5\x2f\xfd", 4, CODEC_ZSTD },
        { "\x28\xb5\x2f", 3, CODEC_PLAIN }, { "\x5f\x2a\x4d\x18", 4, CODEC_ZSTD },
        { "1 2 3\n", 6, CODEC_PLAIN },   { "P*M 1 ", 6, CODEC_PLAIN },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(stream_codec((const unsigned char *)cases[i].head, cases[i].n), cases[i].codec);
    assert_string_equal(stream_codec_name(CODEC_PLAIN), "plain");
    assert_string_equal(stream_codec_name(CODEC_ZSTD), "zstd");
}

static void test_every_codec_and_buffer(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 5, 6, 7, 100, 4096, 40000, 300000 };
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes text = text_of(sizes[i], (uint32_t)i);
        for (enum codec codec = CODEC_PLAIN; codec <= CODEC_ZSTD; codec++) {
            struct bytes file = pack(codec, text);
            enum codec kind;
            for (size_t c = 0; c < N_CHUNKS; c++) {
                struct bytes got;
                write_file(file.data, file.n);
                assert_int_equal(slurp(chunks[c], &got, &kind), FAILURE_NONE);
                assert_int_equal(kind, codec);
                assert_same(got, text);
                free(got.data);
            }
            free(file.data);
        }
        free(text.data);
    }
}

/* One member through a codec that sees n_in bytes at a time and has room for n_out. */
static void assert_steps(enum codec codec, struct bytes file, struct bytes want, size_t n_in, size_t n_out)
{
    const struct codec_class *class = classes[codec];
    void *state = class->open();
    struct bytes got = bytes_new(want.n + n_out);
    enum codec_status status = class->begin(state);
    struct codec_io io = { .in = file.data, .out = got.data };
    size_t left = file.n;

    while (status == CODEC_GOES_ON) {
        if (io.in_bytes == 0)
            io.in_bytes = left < n_in ? left : n_in;
        size_t before = io.in_bytes;
        io.out_bytes = n_out;
        status = class->step(state, &io);
        left -= before - io.in_bytes;
        assert_true(status != CODEC_GOES_ON || before != io.in_bytes || io.out_bytes != n_out);
        assert_true((size_t)(io.out - got.data) <= want.n);
    }
    assert_int_equal(status, CODEC_MEMBER_ENDS);
    assert_int_equal(left, 0);
    got.n = (size_t)(io.out - got.data);
    assert_same(got, want);
    class->close(state);
    free(got.data);
}

static void test_steps(void **state)
{
    static const size_t pieces[] = { 1, 2, 3, 7, 64, 1 << 20 };
    struct bytes text = text_of(3000, 5);
    (void)state;

    for (int k = 0; k < N_PACKED; k++) {
        struct bytes file = pack(packed[k], text);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
            for (size_t o = 0; o < sizeof pieces / sizeof *pieces; o++)
                assert_steps(packed[k], file, text, pieces[i], pieces[o]);
        free(file.data);
    }
    free(text.data);
}

/* Extra field, name, comment and header CRC in all combinations, cut everywhere. */
static void test_gzip_headers(void **state)
{
    struct bytes text = text_of(200, 6);
    unsigned char extra[300] = { 'B', 'C', 2, 0 };
    char name[] = "table.txt", comment[] = "of no consequence";
    (void)state;

    for (unsigned fields = 0; fields < 16; fields++) {
        struct isal_gzip_header header;
        isal_gzip_header_init(&header);
        if (fields & 1) {
            header.extra = extra;
            header.extra_len = header.extra_buf_len = sizeof extra;
        }
        if (fields & 2) {
            header.name = name;
            header.name_buf_len = sizeof name;
        }
        if (fields & 4) {
            header.comment = comment;
            header.comment_buf_len = sizeof comment;
        }
        header.hcrc = (fields & 8) != 0;

        struct bytes file = pack_gzip_with(text, &header);
        assert_int_equal((file.data[3] & 2) != 0, (fields & 8) != 0);
        for (size_t n_in = 1; n_in < file.n + 1; n_in++)
            assert_steps(CODEC_GZIP, file, text, n_in, 1000);
        free(file.data);
    }
    free(text.data);
}

/* ---- tests: members ---- */

static void test_members(void **state)
{
    (void)state;
    for (int k = 0; k < N_PACKED; k++) {
        struct bytes file = { 0 }, text = { 0 };
        for (uint32_t i = 0; i < 12; i++) {
            struct bytes part = text_of(i % 4 == 1 ? 0 : 500 * i, i);
            append_bytes(&file, pack(packed[k], part));
            append_bytes(&text, part);
        }
        for (size_t c = 0; c < N_CHUNKS; c++)
            assert_reads(file, text, chunks[c]);
        free(file.data);
        free(text.data);
    }
}

static void test_bgzip(void **state)
{
    struct bytes file = { 0 }, text = { 0 };
    (void)state;

    for (uint32_t i = 0; i < 200; i++) {
        struct bytes part = text_of(i % 3 == 0 ? 65280 : 100, i);
        append_bytes(&file, pack_bgzip(part));
        append_bytes(&text, part);
    }
    append_bytes(&file, pack_bgzip((struct bytes){ 0 }));
    for (size_t c = 2; c < N_CHUNKS; c++)
        assert_reads(file, text, chunks[c]);
    free(file.data);
    free(text.data);
}

/* The seam between two members at every place around the end of the input buffer. */
static void test_seam_at_buffer_end(void **state)
{
    struct bytes second = text_of(1000, 9);
    (void)state;

    for (int k = 0; k < N_PACKED; k++) {
        if (packed[k] == CODEC_BZIP2)
            continue; /* the size of a bzip2 stream cannot be had at will */
        struct bytes tail = pack(packed[k], second);
        for (size_t target = INPUT_BYTES - 32; target <= INPUT_BYTES + 1; target++) {
            struct bytes noise = noise_of(target, 3);
            struct bytes file = pack(packed[k], noise);
            noise.n -= file.n - target;
            free(file.data);
            file = pack(packed[k], noise);
            assert_in_range(file.n, target - 8, target + 8); /* close, as block headers and xz's fours allow */
            append(&file, tail.data, tail.n);
            append(&noise, second.data, second.n);
            assert_reads(file, noise, 1 << 20);
            free(file.data);
            free(noise.data);
        }
        free(tail.data);
    }
    free(second.data);
}

static void test_zstd_frames(void **state)
{
    static const unsigned char skippable[] = { 0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 'a', 'b', 'c', 'd', 'e' };
    /* RFC 8878: magic, no sizes and no checksum, window of 2^28 bytes, one last raw block of 6 bytes */
    static const unsigned char wide[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, (28 - 10) << 3, 6 << 3 | 1, 0, 0,
                                          '4',  ' ',  '5',  ' ',  '6', '\n' };
    struct bytes first = text_of(3000, 2);
    struct bytes file = { 0 }, text = { 0 };
    (void)state;

    append(&file, skippable, sizeof skippable);
    append_bytes(&file, pack_zstd(first));
    append(&file, skippable, sizeof skippable);
    append(&file, wide, sizeof wide);
    append(&file, skippable, sizeof skippable);
    append_bytes(&text, first);
    append(&text, wide + 9, 6);
    for (size_t c = 0; c < N_CHUNKS; c++)
        assert_reads(file, text, chunks[c]);

    file.n--; /* inside the last skippable frame */
    assert_fails(file, FAILURE_TRUNCATED);
    free(file.data);
    free(text.data);
}

/* ---- tests: damage ---- */

static void test_truncated(void **state)
{
    static const size_t cut_chunks[] = { 1, 7, 4096 };
    struct bytes text = text_of(700, 8);
    (void)state;

    for (int k = 0; k < N_PACKED; k++) {
        struct bytes file = pack(packed[k], text);
        for (size_t n = magic_bytes[packed[k]]; n < file.n; n++)
            for (size_t c = 0; c < 3; c++) {
                struct bytes got;
                write_file(file.data, n);
                assert_int_equal(slurp(cut_chunks[c], &got, NULL), FAILURE_TRUNCATED);
                assert_true(got.n <= text.n);
                assert_true(got.n == 0 || memcmp(got.data, text.data, got.n) == 0);
                free(got.data);
            }
        free(file.data);
    }
    free(text.data);
}

/* A cut inside the second member is no success either. */
static void test_truncated_second(void **state)
{
    struct bytes text = text_of(300, 8);
    (void)state;

    for (int k = 0; k < N_PACKED; k++) {
        struct bytes file = pack(packed[k], text), got;
        size_t whole = file.n;
        append_bytes(&file, copy_of(file));
        for (size_t n = whole + 1; n < file.n; n++) {
            write_file(file.data, n);
            int code = slurp(4096, &got, NULL);
            free(got.data);
            assert_int_equal(code, n - whole < magic_bytes[packed[k]] ? FAILURE_BEHIND : FAILURE_TRUNCATED);
        }
        free(file.data);
    }
    free(text.data);
}

/* Each byte of a file of two members bent in several ways: the right text, or a failure. */
static void test_bent(void **state)
{
    static const unsigned char masks[] = { 0x01, 0x10, 0x80, 0xff, 0x5a };
    uint32_t seed = 1;
    struct bytes text = text_of(400, 8);
    (void)state;

    for (int k = 0; k < N_PACKED; k++) {
        struct bytes file = pack(packed[k], text);
        struct bytes twice = copy_of(text);
        append_bytes(&file, copy_of(file));
        append(&twice, text.data, text.n);
        for (size_t i = 0; i < file.n * 5; i++) {
            struct bytes bent = copy_of(file), got;
            enum codec kind;
            bent.data[i / 5] ^= masks[i % 5];
            write_file(bent.data, bent.n);
            int code = slurp(random_next(&seed) % 600 + 1, &got, &kind);
            if (kind == CODEC_PLAIN) /* the first magic itself was bent */
                assert_true(i / 5 < STREAM_MAGIC);
            else if (code == FAILURE_NONE)
                assert_same(got, twice);
            else
                assert_true(code == FAILURE_CORRUPT || code == FAILURE_TRUNCATED || code == FAILURE_BEHIND);
            free(got.data);
            free(bent.data);
        }
        free(file.data);
        free(twice.data);
    }
    free(text.data);
}

/* After the last member zeros may stand and nothing else. */
static void test_rest(void **state)
{
    static const unsigned char zeros[100000];
    struct bytes text = text_of(500, 4);
    (void)state;

    for (int k = 0; k < N_PACKED; k++) {
        struct bytes file = pack(packed[k], text);
        size_t whole = file.n;
        for (size_t n = 1; n < 10; n++) {
            append(&file, zeros, n == 9 ? sizeof zeros : 1);
            for (size_t c = 0; c < N_CHUNKS; c++)
                assert_reads(file, text, chunks[c]);
        }
        append(&file, "x", 1);
        assert_fails(file, FAILURE_BEHIND);
        file.n = whole;
        append(&file, "x", 1);
        assert_fails(file, FAILURE_BEHIND);
        append(&file, "1 2 3\n4 5 6\n", 12);
        assert_fails(file, FAILURE_BEHIND);
        free(file.data);
    }
    free(text.data);
}

/* Zeros between members: by fours in xz, else not at all. */
static void test_gap(void **state)
{
    struct bytes text = text_of(500, 4);
    struct bytes twice = copy_of(text);
    (void)state;

    append(&twice, text.data, text.n);
    for (int k = 0; k < N_PACKED; k++)
        for (size_t n_zeros = 1; n_zeros <= 8; n_zeros++) {
            struct bytes file = pack(packed[k], text);
            append(&file, "\0\0\0\0\0\0\0\0", n_zeros);
            append_bytes(&file, pack(packed[k], text));
            if (packed[k] == CODEC_XZ && n_zeros % 4 == 0)
                assert_reads(file, twice, 4096);
            else
                assert_fails(file, FAILURE_CORRUPT);
            free(file.data);
        }
    free(text.data);
    free(twice.data);
}

static void test_other_codec_follows(void **state)
{
    struct bytes text = text_of(500, 4);
    struct bytes file = pack(CODEC_GZIP, text);
    (void)state;
    append_bytes(&file, pack(CODEC_ZSTD, text));
    assert_fails(file, FAILURE_BEHIND);
    free(file.data);
    free(text.data);
}

/* ---- tests: pipes and descriptors ---- */

/* A child that writes the bytes a few at a time, as a slow program would. */
static pid_t write_slowly(int fd, struct bytes file, size_t piece)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    for (size_t at = 0; at < file.n; at += piece) {
        size_t n = file.n - at < piece ? file.n - at : piece;
        if (write(fd, file.data + at, n) != (ssize_t)n)
            _exit(1);
        if (at % 100 == 0)
            usleep(50);
    }
    _exit(0);
}

static void assert_ended_well(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void pipe_of(struct bytes file, size_t piece, int *read_end, pid_t *child)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *child = write_slowly(ends[1], file, piece);
    close(ends[1]);
    *read_end = ends[0];
}

static void test_pipe(void **state)
{
    static const size_t sizes[] = { 0, 1, 5, 6, 7, 2000 };
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bytes text = text_of(sizes[i], 7);
        for (enum codec codec = CODEC_PLAIN; codec <= CODEC_ZSTD; codec++)
            for (size_t c = 0; c < N_CHUNKS; c++) {
                struct bytes file = pack(codec, text), got = { 0 };
                struct stream *stream;
                struct failure failure;
                pid_t child;
                int fd;

                pipe_of(file, c + 1, &fd, &child);
                if (c == 0) /* as if a process that shares the pipe had asked for it */
                    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
                assert_int_equal(stream_open_fd(&stream, fd, &failure), 0);
                assert_int_equal(stream_kind(stream), codec);
                assert_int_equal(stream_seek(stream, 0), -1);
                assert_int_equal(drain(stream, chunks[c], &got), FAILURE_NONE);
                assert_int_equal(stream_position(stream), file.n);
                assert_same(got, text);
                stream_close(stream);
                assert_ended_well(child);
                free(file.data);
                free(got.data);
            }
        free(text.data);
    }
}

static void test_fifo(void **state)
{
    struct bytes text = text_of(100000, 7);
    (void)state;

    for (enum codec codec = CODEC_PLAIN; codec <= CODEC_ZSTD; codec++) {
        struct bytes file = pack(codec, text), got;
        assert_int_equal(mkfifo(path, 0600), 0);
        pid_t child = fork();
        if (child == 0) {
            FILE *f = fopen(path, "wb");
            _exit(fwrite(file.data, 1, file.n, f) == file.n && fclose(f) == 0 ? 0 : 1);
        }
        assert_int_equal(slurp(5000, &got, NULL), FAILURE_NONE);
        assert_same(got, text);
        assert_ended_well(child);
        unlink(path);
        free(file.data);
        free(got.data);
    }
    free(text.data);
}

/* Put fd in the place of standard input and read "-" to the end. */
static struct bytes read_stdin_from(int fd)
{
    int saved = dup(STDIN_FILENO);
    struct bytes got = { 0 };
    struct stream *stream;
    struct failure failure;

    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    assert_int_equal(stream_open(&stream, "-", &failure), 0);
    assert_int_equal(drain(stream, 1000, &got), FAILURE_NONE);
    stream_close(stream);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* still open */
    dup2(saved, STDIN_FILENO);
    close(saved);
    return got;
}

static void test_stdin(void **state)
{
    struct bytes text = text_of(5000, 7);
    (void)state;

    for (enum codec codec = CODEC_PLAIN; codec <= CODEC_ZSTD; codec++) {
        struct bytes file = pack(codec, text);
        pid_t child;
        int fd;

        pipe_of(file, 100, &fd, &child);
        struct bytes piped = read_stdin_from(fd);
        assert_same(piped, text);
        assert_ended_well(child);

        /* a file that somebody has read 100 bytes of: the input is the rest */
        struct bytes begun = noise_of(100, 1);
        append(&begun, file.data, file.n);
        write_file(begun.data, begun.n);
        fd = open(path, O_RDONLY);
        assert_int_equal(lseek(fd, 100, SEEK_SET), 100);
        struct bytes rest = read_stdin_from(fd);
        assert_same(rest, text);

        free(file.data);
        free(piped.data);
        free(begun.data);
        free(rest.data);
    }
    free(text.data);
}

static void test_cannot_open(void **state)
{
    struct stream *stream;
    struct failure failure;
    (void)state;

    assert_int_equal(stream_open(&stream, directory, &failure), -1);
    assert_int_equal(failure.code, FAILURE_OPEN);
    assert_int_equal(failure.sys_errno, EISDIR);

    assert_int_equal(stream_open(&stream, path, &failure), -1);
    assert_int_equal(failure.code, FAILURE_OPEN);
    assert_int_equal(failure.sys_errno, ENOENT);

    int saved = dup(STDIN_FILENO);
    close(STDIN_FILENO);
    assert_int_equal(stream_open(&stream, "-", &failure), -1);
    dup2(saved, STDIN_FILENO);
    close(saved);
    assert_int_equal(failure.code, FAILURE_OPEN);
    assert_int_equal(failure.sys_errno, EBADF);
}

static void test_cannot_read(void **state)
{
    struct stream *stream;
    struct failure failure;
    (void)state;

    write_file("1 2 3\n", 6);
    assert_int_equal(stream_open_fd(&stream, open(path, O_WRONLY), &failure), -1);
    assert_int_equal(failure.code, FAILURE_READ);
    assert_int_equal(failure.sys_errno, EBADF);
}

static void test_seek(void **state)
{
    struct bytes text = text_of(1000, 3), file = pack(CODEC_GZIP, text);
    unsigned char byte;
    struct stream *stream;
    struct failure failure;
    (void)state;

    write_file(text.data, text.n);
    assert_int_equal(stream_open(&stream, path, &failure), 0);
    for (size_t offset = 0; offset <= text.n; offset += 50) {
        struct bytes got = { 0 };
        assert_int_equal(stream_seek(stream, offset), 0);
        assert_int_equal(drain(stream, 64, &got), FAILURE_NONE);
        assert_same(got, (struct bytes){ text.data + offset, text.n - offset, 0 });
        assert_int_equal(stream_position(stream), text.n);
        free(got.data);
    }
    assert_int_equal(stream_seek(stream, text.n + 1), 0);
    assert_int_equal(stream_read(stream, &byte, 1, &failure), 0);
    assert_int_equal(stream_seek(stream, UINT64_MAX), -1);
    stream_close(stream);

    write_file(file.data, file.n);
    assert_int_equal(stream_open(&stream, path, &failure), 0);
    assert_int_equal(stream_seek(stream, 0), -1);
    stream_close(stream);
    free(file.data);
    free(text.data);
}

#define STREAM_TEST(f) cmocka_unit_test_setup_teardown(f, note_descriptors, check_descriptors)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(test_magic),
        STREAM_TEST(test_every_codec_and_buffer),
        STREAM_TEST(test_steps),
        STREAM_TEST(test_gzip_headers),
        STREAM_TEST(test_members),
        STREAM_TEST(test_bgzip),
        STREAM_TEST(test_seam_at_buffer_end),
        STREAM_TEST(test_zstd_frames),
        STREAM_TEST(test_truncated),
        STREAM_TEST(test_truncated_second),
        STREAM_TEST(test_bent),
        STREAM_TEST(test_rest),
        STREAM_TEST(test_gap),
        STREAM_TEST(test_other_codec_follows),
        STREAM_TEST(test_pipe),
        STREAM_TEST(test_fifo),
        STREAM_TEST(test_stdin),
        STREAM_TEST(test_cannot_open),
        STREAM_TEST(test_cannot_read),
        STREAM_TEST(test_seek),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
