/*
 * test_ahead.c - what is read ahead is what a stream gives, to the last byte and the failure behind it; readers that
 * stop early; no thread to be had.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <zstd.h>

#include "ahead.h"

enum { TEXT_BYTES = 3000001 };

static bool fail_thread;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument)
{
    return fail_thread ? EAGAIN : __real_pthread_create(thread, attr, start, argument);
}

static char *text;
static unsigned char *packed;
static size_t packed_bytes;

static int make_text(void **state)
{
    size_t room = ZSTD_compressBound(TEXT_BYTES);
    uint32_t random = 1;

    (void)state;
    text = malloc(TEXT_BYTES);
    packed = malloc(room);
    assert_true(text != NULL && packed != NULL);
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        random = random * 1103515245 + 12345;
        text[i] = "0123456789 \n"[(random >> 16) % 12];
    }
    packed_bytes = ZSTD_compress(packed, room, text, TEXT_BYTES, 1);
    assert_false(ZSTD_isError(packed_bytes));
    return 0;
}

/* A file without a name that holds the first bytes of what was packed. */
static struct stream *open_packed(size_t n_bytes)
{
    FILE *file = tmpfile();
    struct stream *stream;
    struct failure failure;

    assert_non_null(file);
    assert_int_equal(fwrite(packed, 1, n_bytes, file), n_bytes);
    rewind(file);
    assert_int_equal(stream_open_fd(&stream, dup(fileno(file)), &failure), 0);
    fclose(file);
    return stream;
}

static void gives_the_same(void **state)
{
    static const size_t sizes[] = {1000, 4096, 128 << 10, (128 << 10) + 1, 256 << 10, 2 * TEXT_BYTES};
    char *got = malloc(2 * TEXT_BYTES);
    struct failure failure;
    struct ahead *ahead;

    (void)state;
    assert_non_null(got);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct stream *stream = open_packed(packed_bytes);
        size_t at = 0;

        assert_int_equal(ahead_open(&ahead, stream), 0);
        while (at < TEXT_BYTES) {
            size_t left = TEXT_BYTES - at, expected = sizes[i] < left ? sizes[i] : left;

            assert_int_equal(ahead_read(ahead, got, sizes[i], &failure), expected);
            assert_memory_equal(got, text + at, expected);
            at += expected;
        }
        assert_int_equal(ahead_read(ahead, got, sizes[i], &failure), 0);
        assert_int_equal(ahead_read(ahead, got, sizes[i], &failure), 0);
        assert_int_equal(ahead_position(ahead), packed_bytes);
        ahead_close(ahead);
        stream_close(stream);
    }
    free(got);
}

static void tells_the_failure(void **state)
{
    struct stream *stream = open_packed(packed_bytes / 2);
    char *got = malloc(TEXT_BYTES);
    struct failure failure = {0};
    struct ahead *ahead;
    ssize_t n;
    size_t at = 0;

    (void)state;
    assert_non_null(got);
    assert_int_equal(ahead_open(&ahead, stream), 0);
    while ((n = ahead_read(ahead, got, 70000, &failure)) > 0) {
        assert_memory_equal(got, text + at, (size_t)n);
        at += (size_t)n;
    }
    assert_int_equal(n, -1);
    assert_int_equal(failure.code, FAILURE_TRUNCATED);
    assert_true(at > TEXT_BYTES / 3);
    failure.code = FAILURE_NONE;
    assert_int_equal(ahead_read(ahead, got, 70000, &failure), -1);
    assert_int_equal(failure.code, FAILURE_TRUNCATED);
    ahead_close(ahead);
    stream_close(stream);
    free(got);
}

/* The reader goes away at once, and while all blocks are full. */
static void stops_early(void **state)
{
    (void)state;
    for (int n_reads = 0; n_reads < 3; n_reads++) {
        struct stream *stream = open_packed(packed_bytes);
        struct failure failure;
        struct ahead *ahead;
        char got[1000];

        assert_int_equal(ahead_open(&ahead, stream), 0);
        for (int i = 0; i < n_reads; i++)
            assert_int_equal(ahead_read(ahead, got, sizeof got, &failure), sizeof got);
        usleep((useconds_t)n_reads * 10000);
        ahead_close(ahead);
        stream_close(stream);
    }
    ahead_close(NULL);
}

static void does_without_a_thread(void **state)
{
    struct stream *stream = open_packed(packed_bytes);
    struct failure failure;
    struct ahead *ahead;
    char got[1000];

    (void)state;
    fail_thread = true;
    assert_int_equal(ahead_open(&ahead, stream), -1);
    fail_thread = false;
    assert_int_equal(stream_read(stream, got, sizeof got, &failure), sizeof got);
    assert_memory_equal(got, text, sizeof got);
    stream_close(stream);
}

static int free_text(void **state)
{
    (void)state;
    free(text);
    free(packed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_same),
        cmocka_unit_test(tells_the_failure),
        cmocka_unit_test(stops_early),
        cmocka_unit_test(does_without_a_thread),
    };

    return cmocka_run_group_tests(tests, make_text, free_text);
}
