/* test_seal.c - however rows are cut, the seals that come of them are those of the rows in one piece. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seal.h"

enum { N_BYTES = 100000, ROW_BYTES = 20, N_ROWS = N_BYTES / ROW_BYTES };

static unsigned char rows[N_BYTES];

static int fill(void **state)
{
    unsigned x = 1;

    (void)state;
    for (size_t i = 0; i < N_BYTES; i++) {
        x = x * 1103515245 + 12345;
        rows[i] = (unsigned char)(x >> 16);
    }
    return 0;
}

/* Source  the CRC catalogue's check value of CRC-32/ISO-HDLC */
static void checksum_is_the_one_of_gzip(void **state)
{
    (void)state;
    assert_int_equal(seal_checksum(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(seal_checksum(seal_checksum(0, "1234", 4), "56789", 5), 0xcbf43926);
    assert_int_equal(seal_checksum(0, NULL, 0), 0);
}

static struct seal seal_of(uint64_t first_row, uint64_t n_rows, uint32_t dataset)
{
    return (struct seal){.first_row = first_row, .n_rows = n_rows, .n_bytes = n_rows * ROW_BYTES, .dataset = dataset,
                         .checksum = seal_checksum(0, rows + first_row * ROW_BYTES, n_rows * ROW_BYTES)};
}

static void add_in_pieces(struct seals *s, uint64_t piece_rows, uint32_t dataset)
{
    for (uint64_t row = 0; row < N_ROWS; row += piece_rows) {
        struct seal piece = seal_of(row, N_ROWS - row < piece_rows ? N_ROWS - row : piece_rows, dataset);

        seals_add(s, &piece);
    }
}

/* The list covers each of the datasets once, in order, with true checksums. */
static void expect_true(const struct seals *s, uint32_t n_datasets)
{
    size_t i = 0;

    for (uint32_t dataset = 0; dataset < n_datasets; dataset++)
        for (uint64_t row = 0; row < N_ROWS; row += s->list[i++].n_rows) {
            struct seal want;

            assert_in_range(i, 0, s->n - 1);
            want = seal_of(row, s->list[i].n_rows, dataset);
            assert_memory_equal(&s->list[i], &want, sizeof want);
        }
    assert_int_equal(i, s->n);
}

static void pieces_of_any_size(void **state)
{
    static const uint64_t pieces[] = {1, 2, 3, 7, 64, 100, 999, 2500, 4999, N_ROWS};
    static const uint64_t units[] = {1, ROW_BYTES, 1000, 12345, N_BYTES - 1, N_BYTES, 1 << 20};

    (void)state;
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
        for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
            struct seal *list = calloc(N_ROWS + 1, sizeof *list);
            struct seals s = {.list = list, .room = N_ROWS + 1, .unit_bytes = units[u]};

            add_in_pieces(&s, pieces[p], 0);
            expect_true(&s, 1);
            for (size_t i = 0; i + 1 < s.n; i++)
                assert_true(s.list[i].n_bytes >= units[u]);
            if (units[u] >= N_BYTES)
                assert_int_equal(s.n, 1);
            free(list);
        }
}

static void a_full_list_is_joined(void **state)
{
    (void)state;
    for (size_t room = 2; room < 40; room++) {
        struct seal *list = calloc(room, sizeof *list);
        struct seals s = {.list = list, .room = room, .unit_bytes = 1};

        add_in_pieces(&s, 3, 0);
        assert_in_range(s.n, 1, room);
        expect_true(&s, 1);
        free(list);
    }
}

/* The last of one dataset and the first of the next are never joined, however full the list is. */
static void datasets_stay_apart(void **state)
{
    (void)state;
    for (size_t room = 6; room < 20; room++) {
        struct seal *list = calloc(room, sizeof *list);
        struct seals s = {.list = list, .room = room, .unit_bytes = 100};

        for (uint32_t dataset = 0; dataset < 5; dataset++)
            add_in_pieces(&s, 11, dataset);
        assert_in_range(s.n, 5, room);
        expect_true(&s, 5);
        free(list);
    }
}

static void no_rows_are_a_seal_too(void **state)
{
    struct seal list[4], none = {.first_row = 100, .dataset = 3}, more;
    struct seals s = {.list = list, .room = 4, .unit_bytes = SEAL_BYTES};

    (void)state;
    seals_add(&s, &none);
    assert_int_equal(s.n, 1);
    more = seal_of(100, 50, 3);
    seals_add(&s, &more);
    assert_int_equal(s.n, 1);
    assert_memory_equal(&list[0], &more, sizeof more);
}

static void rows_that_do_not_follow_are_not_joined(void **state)
{
    struct seal list[4], a = seal_of(0, 10, 0), gap = seal_of(11, 10, 0);
    struct seals s = {.list = list, .room = 4, .unit_bytes = SEAL_BYTES};

    (void)state;
    seals_add(&s, &a);
    seals_add(&s, &gap);
    assert_int_equal(s.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_the_one_of_gzip),
        cmocka_unit_test(pieces_of_any_size),
        cmocka_unit_test(a_full_list_is_joined),
        cmocka_unit_test(datasets_stay_apart),
        cmocka_unit_test(no_rows_are_a_seal_too),
        cmocka_unit_test(rows_that_do_not_follow_are_not_joined),
    };

    return cmocka_run_group_tests(tests, fill, NULL);
}
