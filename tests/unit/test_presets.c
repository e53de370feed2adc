/*
 * test_presets.c - every preset is whole: types that parse, names of their own, widths for all columns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dialect.h"
#include "presets.h"
#include "schema.h"

static char error[SCHEMA_ERROR];

static void check_column(const struct preset *p, size_t i)
{
    const char *name = p->columns[i].name, *type = p->columns[i].type;
    struct field f = {0};

    if (*name == '\0' || strpbrk(name, ",=:/'\" ") != NULL)
        fail_msg("%s: column name '%s'", p->name, name);
    for (size_t j = 0; j < i; j++)
        if (strcmp(name, p->columns[j].name) == 0)
            fail_msg("%s: two columns '%s'", p->name, name);
    if (!schema_parse_open_string(&f, type, strlen(type)) && schema_parse_type(&f, type, strlen(type), error) != 0)
        fail_msg("%s: column '%s': %s", p->name, name, error);
    if (f.kind == KIND_STRING && p->columns[i].missing != NULL)
        fail_msg("%s: column '%s': strings are never missing", p->name, name);
}

static void presets_are_whole(void **state)
{
    const struct preset *p;
    size_t n = 0;

    (void)state;
    for (; (p = preset_at(n)) != NULL; n++) {
        assert_ptr_equal(preset_find(p->name), p); /* no two of one name */
        assert_true(p->n_columns > 0);
        assert_true(*p->title != '\0');
        assert_int_equal(p->delimiter == DELIMITER_WIDTHS, p->widths != NULL);
        for (size_t i = 0; i < p->n_columns; i++) {
            check_column(p, i);
            assert_true(p->widths == NULL || p->widths[i] > 0);
        }
    }
    assert_true(n > 0);
    assert_null(preset_at(n + 1));
    assert_null(preset_find("help")); /* the word that lists them */
    assert_null(preset_find(""));
}

static void ghcn_lines_are_269_bytes(void **state)
{
    const struct preset *p = preset_find("ghcn-daily");
    uint32_t bytes = 0;

    (void)state;
    assert_non_null(p);
    for (size_t i = 0; i < p->n_columns; i++)
        bytes += p->widths[i];
    assert_int_equal(bytes, 269);
    assert_string_equal(p->columns[127].name, "SFLAG31");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_whole),
        cmocka_unit_test(ghcn_lines_are_269_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
