/*
 * test_worker.c - slices of a text to rows, without fork, mmap or HDF5: however a text is cut, the rows are the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker.h"

enum { ROWS_BYTES = 1 << 16, MAX_COLUMNS = 8 };

/* One worker's world, with a peer that copies rows out as the parent would. */
struct bench {
    char path[64];
    struct schema schema;
    struct dialect dialect;
    const struct kernel_class *class;
    struct kernel *kernel;
    struct outcome outcome;
    struct survey surveys[MAX_COLUMNS], guessed[MAX_COLUMNS];
    bool inferred[MAX_COLUMNS];
    uint32_t longest[MAX_COLUMNS];
    unsigned char *rows, *stored;
    size_t stored_bytes, taken, n_drained, n_rejects;
    struct worker_job job;
};

static void take(struct bench *b)
{
    size_t row = b->schema.row_bytes, n = (b->outcome.rows_ready - b->taken) * row;

    memcpy(b->stored + b->stored_bytes, b->rows + b->taken * row, n);
    b->stored_bytes += n;
    b->taken = b->outcome.rows_ready;
}

static void publish(void *peer)
{
    take(peer);
}

static int drain(void *peer)
{
    struct bench *b = peer;

    take(b);
    b->taken = 0;
    b->n_drained++;
    return 0;
}

static void open_bench(struct bench *b, const char *dtype, const char *text, size_t text_bytes, size_t rows_bytes)
{
    char error[SCHEMA_ERROR];
    FILE *f;

    memset(b, 0, sizeof *b);
    snprintf(b->path, sizeof b->path, "/tmp/shmload-test-worker-%d", (int)getpid());
    f = fopen(b->path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, text_bytes, f), text_bytes);
    fclose(f);
    assert_int_equal(schema_parse(&b->schema, dtype, error), 0);
    assert_int_equal(schema_bind(&b->schema, NULL, 0, 0, error), 0);
    b->dialect = (struct dialect){.delimiter = DELIMITER_BLANKS, .hash_comment = true};
    b->class = kernel_pick(NULL);
    b->kernel = b->class->open(&b->schema, &b->dialect);
    assert_non_null(b->kernel);
    b->rows = malloc(rows_bytes + KERNEL_SLACK);
    b->stored = malloc(1 << 24);
    b->job = (struct worker_job){
        .path = b->path, .to = UINT64_MAX, .exact = true, .schema = &b->schema, .dialect = &b->dialect,
        .kernel_class = b->class, .kernel = b->kernel, .record_limit = 1 << 24, .outcome = &b->outcome,
        .surveys = b->surveys, .guessed_from = b->guessed, .longest = b->longest, .rows = b->rows,
        .rows_bytes = rows_bytes, .peer = b, .publish = publish, .drain = drain,
    };
}

static void run(struct bench *b)
{
    b->taken = 0;
    worker_run(&b->job);
    assert_int_equal(b->outcome.state, OUTCOME_DONE);
    take(b);
}

static void close_bench(struct bench *b)
{
    unlink(b->path);
    b->class->close(b->kernel);
    schema_release(&b->schema);
    free(b->rows);
    free(b->stored);
}

static void whole_file(void **state)
{
    const char *text = "chr1 1\nchr2 2\n\n# c\nchr3 3";
    struct bench b;

    (void)state;
    open_bench(&b, "chr:S4,pos:i4", text, strlen(text), ROWS_BYTES);
    run(&b);
    assert_int_equal(b.outcome.fatal.code, FAILURE_NONE);
    assert_int_equal(b.outcome.n_rows, 3);
    assert_int_equal(b.outcome.n_lines, 4);
    assert_int_equal(b.outcome.text_to, strlen(text));
    assert_memory_equal(b.stored, "chr1\1\0\0\0chr2\2\0\0\0chr3\3\0\0\0", 24);
    close_bench(&b);
}

/* Two slices, cut at every byte, agree on the seam and give the rows of the whole. */
static void every_cut(void **state)
{
    const char *text = "a 1\r\nbb 22\n\n#x\n  ccc 333\nd 4\n\ne 5";
    size_t n = strlen(text), whole_bytes;
    unsigned char whole[256];
    struct bench b;

    (void)state;
    open_bench(&b, "s:S3,i:i4", text, n, ROWS_BYTES);
    run(&b);
    whole_bytes = b.stored_bytes;
    memcpy(whole, b.stored, whole_bytes);
    assert_int_equal(whole_bytes, 5 * 7);
    for (uint64_t at = 1; at < n; at++) {
        uint64_t seam, lines;

        b.stored_bytes = 0;
        b.job.from = 0;
        b.job.to = at;
        b.job.exact = true;
        run(&b);
        seam = b.outcome.text_to;
        lines = b.outcome.n_lines;
        b.job.from = at;
        b.job.to = UINT64_MAX;
        b.job.exact = false;
        run(&b);
        assert_int_equal(b.outcome.text_from, seam);
        assert_int_equal(lines + b.outcome.n_lines, 7);
        assert_int_equal(b.stored_bytes, whole_bytes);
        assert_memory_equal(b.stored, whole, whole_bytes);
    }
    close_bench(&b);
}

/* A cut inside quotes shows as a seam that does not meet; begun again from the right place, all is well. */
static void cut_in_quotes(void **state)
{
    const char *text = "\"a\nb\" 1\n\"c\n\nd\" 2\ne 3\n";
    size_t n = strlen(text), n_apart = 0;
    struct bench b;

    (void)state;
    open_bench(&b, "s:S4,i:i4", text, n, ROWS_BYTES);
    for (uint64_t at = 1; at < n; at++) {
        uint64_t seam;
        size_t before;

        b.stored_bytes = 0;
        b.job.from = 0;
        b.job.to = at;
        b.job.exact = true;
        run(&b);
        seam = b.outcome.text_to;
        before = b.stored_bytes;
        b.job.from = at;
        b.job.to = UINT64_MAX;
        b.job.exact = false;
        run(&b);
        if (b.outcome.text_from != seam) {
            n_apart++;
            b.stored_bytes = before;
            b.job.from = seam;
            b.job.exact = true;
            run(&b);
        }
        assert_int_equal(b.stored_bytes, 24);
        assert_memory_equal(b.stored, "a\nb\0\1\0\0\0c\n\nd\2\0\0\0e\0\0\0\3\0\0\0", 24);
    }
    assert_true(n_apart > 0);
    close_bench(&b);
}

/* A region of a few rows is handed over again and again; long lines and many blocks go through. */
static void small_region(void **state)
{
    const size_t n_rows = 200000;
    char *text = malloc(n_rows * 16), *p = text;
    struct bench b;

    (void)state;
    for (size_t i = 0; i < n_rows; i++)
        p += sprintf(p, "%zu %zu\n", i, 2 * i);
    open_bench(&b, "a:i4,b:i4", text, (size_t)(p - text), 100);
    run(&b);
    assert_int_equal(b.outcome.n_rows, n_rows);
    assert_int_equal(b.stored_bytes, 8 * n_rows);
    assert_true(b.n_drained > 1000);
    for (size_t i = 0; i < n_rows; i++) {
        int32_t row[2];

        memcpy(row, b.stored + 8 * i, sizeof row);
        assert_int_equal(row[0], i);
        assert_int_equal(row[1], 2 * i);
    }
    close_bench(&b);
    free(text);
}

static void long_line(void **state)
{
    const size_t n = 3 << 20;
    char *text = malloc(n + 8);
    struct bench b;

    (void)state;
    memset(text, ' ', n);
    memcpy(text, "1", 1);
    memcpy(text + n, "2\n3 4\n", 6);
    open_bench(&b, "a:i4,b:i4", text, n + 6, ROWS_BYTES);
    run(&b);
    assert_int_equal(b.outcome.n_rows, 2);
    b.job.record_limit = 1 << 20;
    run(&b);
    assert_int_equal(b.outcome.fatal.code, FAILURE_LINE_LONG);
    close_bench(&b);
    free(text);
}

static void bad_lines(void **state)
{
    const char *text = "1 1\nx 2\n3 3\n4\n5 99999999999\n6 6\n";
    struct bench b;

    (void)state;
    open_bench(&b, "a:i4,b:i4", text, strlen(text), ROWS_BYTES);
    run(&b);
    assert_int_equal(b.outcome.n_bad, 3);
    assert_int_equal(b.outcome.n_failures, 3);
    assert_int_equal(b.outcome.failures[0].line_no, 2);
    assert_int_equal(b.outcome.failures[0].byte_offset, 4);
    assert_int_equal(b.outcome.failures[1].line_no, 4);
    assert_int_equal(b.outcome.failures[1].code, FAILURE_TOO_FEW);
    assert_int_equal(b.outcome.failures[2].line_no, 5);
    assert_int_equal(b.outcome.rows_ready, 0);

    b.job.max_bad = 3;
    b.job.keep_rejects = true;
    b.stored_bytes = 0;
    run(&b);
    assert_int_equal(b.outcome.n_rejected, 3);
    assert_int_equal(b.stored_bytes, 24);
    assert_true(b.outcome.rejects_bytes > 3 * sizeof(struct reject));
    const struct reject *last = (const struct reject *)(const void *)(b.rows + ROWS_BYTES - b.outcome.rejects_bytes);
    assert_int_equal(last->line_no, 5);
    assert_memory_equal(last + 1, "5 99999999999", 13);
    close_bench(&b);
}

static void footer(void **state)
{
    const char *text = "1 1\n2 2\ntotal\nend";
    struct bench b;

    (void)state;
    open_bench(&b, "a:i4,b:i4", text, strlen(text), ROWS_BYTES);
    b.job.skip_footer = 2;
    run(&b);
    assert_int_equal(b.outcome.fatal.code, FAILURE_NONE);
    assert_int_equal(b.outcome.n_rows, 2);
    assert_int_equal(b.outcome.n_bad, 0);
    b.job.skip_footer = 40;
    run(&b);
    assert_int_equal(b.outcome.n_rows, 0);
    close_bench(&b);
}

/* A guess that fails makes the rows void, and the surveys tell what would have held. */
static void misfit(void **state)
{
    const char *text = "1 2 a\n3 4.5 b\n99999999999 5 longer\n7 NA c\n";
    static const struct missing_token na = {.text = "NA", .bytes = 2};
    struct bench b;

    (void)state;
    open_bench(&b, "a:i4,b:i4,c:S1", text, strlen(text), ROWS_BYTES);
    for (int i = 0; i < 3; i++) {
        b.inferred[i] = true;
        b.schema.fields[i].missing = (struct missing){.n_tokens = 1, .tokens = &na};
    }
    b.guessed[0] = b.guessed[1] = (struct survey){.class = SURVEY_INTEGER, .longest = 1, .most_positive = 2};
    b.guessed[2] = (struct survey){.class = SURVEY_TEXT, .longest = 1};
    b.job.inferred = b.inferred;
    run(&b);
    assert_true(b.outcome.misfit);
    assert_int_equal(b.outcome.n_bad, 0);
    assert_int_equal(b.outcome.rows_ready, 0);
    assert_int_equal(b.surveys[0].class, SURVEY_INTEGER);
    assert_int_equal(b.surveys[0].most_positive, 99999999999);
    assert_int_equal(b.surveys[1].class, SURVEY_FLOAT);
    assert_int_equal(b.surveys[2].class, SURVEY_TEXT);
    assert_int_equal(b.surveys[2].longest > b.longest[2] ? b.surveys[2].longest : b.longest[2], 6);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file), cmocka_unit_test(every_cut), cmocka_unit_test(cut_in_quotes),
        cmocka_unit_test(small_region), cmocka_unit_test(long_line), cmocka_unit_test(bad_lines),
        cmocka_unit_test(footer), cmocka_unit_test(misfit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
