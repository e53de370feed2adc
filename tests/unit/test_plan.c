/* test_plan.c - slices cover each input without gap or overlap; the memory is never shared out twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"

static const uint64_t MIB = 1 << 20;

struct world {
    struct input input[3];
    struct finding finding[3];
    struct inputs inputs;
    struct options options;
    struct resources resources;
    struct plan plan;
    char error[SCHEMA_ERROR];
};

static void make_world(struct world *w, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t bytes[] = {a, b, c};

    memset(w, 0, sizeof *w);
    w->inputs = (struct inputs){.n = 3, .end = 3, .input = w->input};
    for (int i = 0; i < 3; i++) {
        w->input[i] = (struct input){.file_bytes = bytes[i], .regular = true};
        w->finding[i].sliceable = true;
        w->inputs.file_bytes += bytes[i];
    }
    w->resources =
        (struct resources){.jobs = 2, .jobs_rule = "test", .memory_bytes = 1024 * MIB, .memory_rule = "test"};
}

static int make(struct world *w)
{
    return plan_make(&w->plan, &w->inputs, w->finding, &w->options, &w->resources, w->error);
}

static void expect_cover(const struct world *w)
{
    size_t k = 0;

    for (size_t i = 0; i < 3; i++) {
        uint64_t at = w->finding[i].text_start;

        assert_true(w->plan.slices[k].first);
        for (;; k++) {
            const struct slice *s = &w->plan.slices[k];

            assert_int_equal(s->input, i);
            assert_int_equal(s->from, at);
            at = s->to;
            if (s->last)
                break;
            assert_false(w->plan.slices[k + 1].first);
        }
        assert_true(at == UINT64_MAX);
        k++;
    }
    assert_int_equal(k, w->plan.n);
}

static void small_files_are_whole(void **state)
{
    struct world w;

    (void)state;
    make_world(&w, 0, 16 * MIB, 1); /* four times what a slice of two jobs is */
    assert_int_equal(make(&w), 0);
    assert_int_equal(w.plan.n, 3);
    expect_cover(&w);
    plan_release(&w.plan);
}

static void large_files_are_cut(void **state)
{
    struct world w;

    (void)state;
    make_world(&w, 100 * MIB + 7, 3, 1000 * MIB);
    w.finding[0].text_start = 17;
    assert_int_equal(make(&w), 0);
    assert_true(w.plan.n > 30);
    expect_cover(&w);
    plan_release(&w.plan);

    w.finding[2].sliceable = false; /* a stream */
    w.options.slice_bytes = 2 * MIB;
    assert_int_equal(make(&w), 0);
    assert_int_equal(w.plan.n, 50 + 1 + 1);
    expect_cover(&w);
    plan_release(&w.plan);

    w.options.skip_footer = 1; /* the end must be in one hand */
    assert_int_equal(make(&w), 0);
    assert_int_equal(w.plan.n, 3);
    plan_release(&w.plan);
}

static void memory_is_kept(void **state)
{
    struct world w;

    (void)state;
    for (uint64_t mib = 20; mib <= 4096; mib += 37)
        for (unsigned jobs = 1; jobs <= 256; jobs *= 4) {
            make_world(&w, 1000 * MIB, 1000 * MIB, 1000 * MIB);
            w.resources.jobs = jobs;
            w.resources.memory_bytes = mib * MIB;
            if (make(&w) != 0) {
                assert_true(mib < 24);
                assert_non_null(strstr(w.error, "--memory"));
                continue;
            }
            assert_true(w.plan.jobs >= 1 && w.plan.jobs <= jobs);
            assert_true(w.plan.n_regions >= 1);
            assert_true((uint64_t)w.plan.n_regions * w.plan.region_bytes < mib * MIB);
            expect_cover(&w);
            plan_release(&w.plan);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_files_are_whole),
        cmocka_unit_test(large_files_are_cut),
        cmocka_unit_test(memory_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
