/*
 * test_part.c - where --part cuts the list of inputs: every input in one part, and the largest part as small as can be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "part.h"

enum { MOST_INPUTS = 1000, COST = 256 << 10 };

static struct input list[MOST_INPUTS];

/* Inputs of so many bytes each. */
static struct inputs make_inputs(const uint64_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        list[i] = (struct input){.path = "x", .dataset = "x", .file_bytes = bytes[i], .regular = true};
    return (struct inputs){.n = n, .end = n, .input = list};
}

static void choose(struct inputs *inputs, uint64_t part, uint64_t n_parts)
{
    const struct options options = {.part = part, .n_parts = n_parts};

    inputs->first = 0;
    inputs->end = inputs->n;
    assert_int_equal(part_choose(inputs, &options), 0);
}

/* All parts one behind another. Returns what the largest one holds. */
static uint64_t expect_cover(struct inputs *inputs, uint64_t n_parts)
{
    uint64_t largest = 0;
    size_t at = 0;

    for (uint64_t part = 1; part <= n_parts; part++) {
        uint64_t bytes = 0, held;

        choose(inputs, part, n_parts);
        assert_int_equal(inputs->first, at);
        assert_true(inputs->end >= at);
        if (inputs->n >= n_parts)
            assert_true(inputs->end > at);
        for (size_t i = at; i < inputs->end; i++)
            bytes += inputs->input[i].file_bytes;
        assert_int_equal(inputs->file_bytes, bytes);
        held = bytes + (inputs->end - at) * COST;
        largest = held > largest ? held : largest;
        at = inputs->end;
    }
    assert_int_equal(at, inputs->n);
    return largest;
}

static void every_input_is_in_one_part(void **state)
{
    uint64_t bytes[MOST_INPUTS];

    (void)state;
    srand(1);
    for (size_t n = 0; n < 40; n++)
        for (uint64_t n_parts = 1; n_parts < 45; n_parts++) {
            for (size_t i = 0; i < n; i++)
                bytes[i] = (uint64_t)rand() % 3 == 0 ? 0 : (uint64_t)rand() % 100000000;
            struct inputs inputs = make_inputs(bytes, n);

            (void)expect_cover(&inputs, n_parts);
        }
}

static void equal_inputs_are_dealt_evenly(void **state)
{
    uint64_t bytes[MOST_INPUTS] = {0};

    (void)state;
    for (size_t n = 1; n < 100; n++)
        for (uint64_t n_parts = 1; n_parts <= n; n_parts++) {
            struct inputs inputs = make_inputs(bytes, n);

            assert_int_equal(expect_cover(&inputs, n_parts), (n + n_parts - 1) / n_parts * COST);
        }
}

/* The least that the largest of n_parts runs of inputs from 'first' on can hold, by trying all cuts. */
static uint64_t best(const uint64_t *bytes, size_t first, size_t n, uint64_t n_parts)
{
    uint64_t held = 0, least = UINT64_MAX;

    for (size_t end = first; end <= n; end++) {
        uint64_t rest = n_parts > 1 ? best(bytes, end, n, n_parts - 1) : end == n ? 0 : UINT64_MAX;
        uint64_t most = held > rest ? held : rest;

        least = most < least ? most : least;
        if (end < n)
            held += bytes[end] + COST;
    }
    return least;
}

static void the_largest_part_is_as_small_as_can_be(void **state)
{
    uint64_t bytes[9];

    (void)state;
    srand(2);
    for (int round = 0; round < 200; round++) {
        size_t n = 1 + (size_t)rand() % 9;
        uint64_t n_parts = 1 + (uint64_t)rand() % 5;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint64_t)rand() % 10000000;
        struct inputs inputs = make_inputs(bytes, n);

        assert_int_equal(expect_cover(&inputs, n_parts), best(bytes, 0, n, n_parts));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_input_is_in_one_part),
        cmocka_unit_test(equal_inputs_are_dealt_evenly),
        cmocka_unit_test(the_largest_part_is_as_small_as_can_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
