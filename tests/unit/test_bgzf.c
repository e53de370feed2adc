/* test_bgzf.c - the blocks of a bgzip file: walked to the end or not at all, and slices that begin with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bgzf.h"
#include "plan.h"

enum { BLOCK = 30 }; /* of every block here; what it packs does not matter, since nothing is inflated */

static char path[] = "/tmp/shmload-bgzf-XXXXXX";
static FILE *file;

static int make_file(void **state)
{
    (void)state;
    strcpy(path + sizeof path - 7, "XXXXXX");
    file = fdopen(mkstemp(path), "w");
    return file != NULL ? 0 : -1;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* extra: a whole extra field, in front of BC. */
static void add_block(uint32_t text_bytes, const char *extra, size_t extra_bytes)
{
    unsigned char block[BLOCK + 64] = "\x1f\x8b\x08\x04\0\0\0\0\0\xff";
    size_t n = BLOCK + extra_bytes;
    unsigned char *bc = block + 12 + extra_bytes;

    block[10] = (unsigned char)(6 + extra_bytes);
    memcpy(block + 12, extra, extra_bytes);
    memcpy(bc, "BC\2\0", 4);
    bc[4] = (unsigned char)(n - 1);
    for (int i = 0; i < 4; i++)
        block[n - 4 + (size_t)i] = (unsigned char)(text_bytes >> 8 * i);
    assert_int_equal(fwrite(block, 1, n, file), n);
}

static int walk(struct bgzf *b)
{
    assert_int_equal(fclose(file), 0);
    return bgzf_walk(b, path);
}

static void marks_are_blocks(void **state)
{
    struct bgzf b;

    (void)state;
    for (int i = 0; i < 100; i++)
        add_block(i % 3 == 0 ? 0 : 60000, "XY\3\0abc", i % 2 == 0 ? 7 : 0);
    add_block(0, "", 0);
    assert_int_equal(walk(&b), 0);
    assert_int_equal(b.text_bytes, 66 * 60000);
    assert_in_range(b.n, 12, 15);
    for (size_t i = 0; i < b.n; i++) {
        uint64_t block = 0, file_at = 0, text_at = 0;

        while (file_at < b.marks[i].file) {
            text_at += block % 3 == 0 ? 0 : 60000;
            file_at += block++ % 2 == 0 ? BLOCK + 7 : BLOCK;
        }
        assert_int_equal(file_at, b.marks[i].file);
        assert_int_equal(text_at, b.marks[i].text);
        assert_true(b.marks[i].text - (i > 0 ? b.marks[i - 1].text : 0) >= 256 << 10);
    }
    bgzf_release(&b);
}

static void a_huge_file_has_few_marks(void **state)
{
    struct bgzf b;

    (void)state;
    for (int i = 0; i < 100000; i++)
        add_block(300000, "", 0);
    assert_int_equal(walk(&b), 0);
    assert_in_range(b.n, 4096, 8192);
    for (size_t i = 0; i < b.n; i++)
        assert_int_equal(b.marks[i].file / BLOCK * 300000, b.marks[i].text);
    for (size_t i = 1; i < b.n; i++)
        assert_true(b.marks[i].text > b.marks[i - 1].text);
    bgzf_release(&b);
}

static void what_is_not_blocks_to_its_end(void **state)
{
    static const char gzip[] = "\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    struct bgzf b;

    for (int way = 0; way < 5; way++) {
        if (way > 0)
            make_file(state);
        if (way > 0)
            add_block(300000, "", 0);
        switch (way) {
        case 0: break; /* an empty file is no block, but ends where it should */
        case 1: fwrite(gzip, 1, 20, file); break;
        case 2: fwrite("\0\0\0\0", 1, 4, file); break;
        case 3: add_block(300000, "BC\2\0\1\0", 6); break; /* a size that cannot be */
        case 4: fwrite("\x1f\x8b\x08\4\0\0\0\0\0\xff\6\0BC\2\0\x2f\0....", 1, 22, file); break; /* cut short */
        }
        assert_int_equal(walk(&b), way == 0 ? 0 : -1);
        assert_int_equal(b.n, 0);
        bgzf_release(&b);
        unlink(path);
    }
    make_file(state);
    fclose(file);
    assert_int_equal(bgzf_walk(&b, "/nowhere/at/all"), -1);
}

/* Slices of one file meet, and behind its first byte of text each begins with a block. */
static void slices_begin_with_blocks(void **state)
{
    struct input input = {.path = path, .regular = true};
    struct finding finding = {.codec = CODEC_GZIP, .text_start = 700};
    struct inputs inputs = {.n = 1, .end = 1, .input = &input};
    struct options options = {.slice_bytes = 2 << 20};
    struct resources resources = {.jobs = 2, .jobs_rule = "", .memory_bytes = 1 << 30, .memory_rule = ""};
    struct plan plan;
    char error[SCHEMA_ERROR];
    uint64_t at = 700;

    (void)state;
    for (int i = 0; i < 400; i++)
        add_block(65280, "", 0);
    add_block(0, "", 0);
    fclose(file);
    input.file_bytes = inputs.file_bytes = 401 * BLOCK;
    assert_int_equal(plan_make(&plan, &inputs, &finding, &options, &resources, error), 0);
    assert_in_range(plan.n, 8, 13);
    for (size_t k = 0; k < plan.n; k++) {
        const struct slice *s = &plan.slices[k];

        assert_int_equal(s->from, at);
        assert_int_equal(s->first, k == 0);
        assert_int_equal(s->last, k + 1 == plan.n);
        if (k > 0)
            assert_int_equal(s->file_from / BLOCK * 65280, s->from - 1);
        assert_true(s->to > s->from);
        at = s->to;
    }
    assert_true(at == UINT64_MAX);
    plan_release(&plan);

    options.skip_footer = 1; /* only who reads to the end knows what the last lines are */
    assert_int_equal(plan_make(&plan, &inputs, &finding, &options, &resources, error), 0);
    assert_int_equal(plan.n, 1);
    plan_release(&plan);

    options = (struct options){0};
    resources.jobs = 1; /* nobody else would be idle */
    assert_int_equal(plan_make(&plan, &inputs, &finding, &options, &resources, error), 0);
    assert_int_equal(plan.n, 1);
    plan_release(&plan);

    resources.jobs = 2;
    assert_int_equal(plan_make(&plan, &inputs, &finding, &options, &resources, error), 0);
    assert_in_range(plan.n, 4, 8);
    plan_release(&plan);

    inputs.file_bytes *= 100; /* one of many: others have work enough */
    assert_int_equal(plan_make(&plan, &inputs, &finding, &options, &resources, error), 0);
    assert_int_equal(plan.n, 1);
    plan_release(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(marks_are_blocks, make_file, remove_file),
        cmocka_unit_test_setup_teardown(a_huge_file_has_few_marks, make_file, remove_file),
        cmocka_unit_test_setup_teardown(what_is_not_blocks_to_its_end, make_file, remove_file),
        cmocka_unit_test_setup_teardown(slices_begin_with_blocks, make_file, remove_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
