/*
 * test_survey.c - values of a column to the narrowest type that holds them all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "misspelt.h"
#include "survey.h"

static const struct missing_token na[] = {{"NA", 2, false, 0}, {"-9999", 5, true, -9999}, {"nan", 3, false, 0}};

/* The type of a blank separated list of values, surveyed in two halves and joined both ways round. */
static void type_of(const char *values, const struct missing *missing, char *type)
{
    struct survey halves[2] = {{0}}, joined;
    struct field f = {0}, turned = {0};
    int code;

    for (size_t n, i = 0; *values != '\0'; values += n + (values[n] == ' '), i++) {
        n = strcspn(values, " ");
        survey_field(&halves[i % 2], missing, values, n, false);
    }
    joined = halves[0];
    survey_join(&joined, &halves[1]);
    survey_join(&halves[1], &halves[0]);
    code = survey_type(&joined, missing, &f);
    assert_int_equal(survey_type(&halves[1], missing, &turned), code);
    assert_int_equal(turned.kind, f.kind);
    assert_int_equal(turned.elem_bytes, f.elem_bytes);
    if (code == FAILURE_NONE)
        snprintf(type, 16, "%c%u", f.kind, f.elem_bytes);
    else
        snprintf(type, 16, "%s", code == FAILURE_NO_TYPE ? "none" : "?");
}

static void check(const char *values, bool fill, const char *expected)
{
    struct missing m = {.n_tokens = 3, .tokens = na, .has_numbers = true, .has_fill = fill};
    char type[16];

    type_of(values, &m, type);
    if (strcmp(type, expected) != 0)
        fail_msg("'%s': %s, not %s", values, type, expected);
}

static void finds_types(void **state)
{
    static const struct {
        const char *values, *type;
    } rows[] = {
        {"1 2 -3", "i4"},
        {"007 +5 -0", "i4"},
        {"2147483647 -2147483648", "i4"},
        {"2147483648", "i8"},
        {"-2147483649", "i8"},
        {"9223372036854775807 -9223372036854775808", "i8"},
        {"9223372036854775808 1", "u8"},
        {"18446744073709551615 -0", "u8"},
        {"9223372036854775808 -1", "none"},
        {"18446744073709551616", "none"},
        {"-9223372036854775809", "none"},
        {"18446744073709551616 1.5", "f8"},
        {"18446744073709551616 x", "S20"},
        {"1 2.0", "f8"},
        {"1e3 4", "f8"},
        {"1D+03", "f8"},
        {"5.68-304 1", "f8"},
        {"1.5-2 1.5", "S5"},
        {"1-3", "S3"},
        {"2019-01-01", "S10"},
        {"12:30 1", "S5"},
        {"inf nan", "f8"},
        {"1 Infinity", "f8"},
        {"nan infinity alpha", "S8"},
        {"1 2 abc", "S3"},
        {"0x10", "S4"},
        {"1 NA", "f8"},
        {"1.5 NA", "f8"},
        {"NA NA", "f8"},
        {"", "f8"},
        {"NA chrX", "S4"},
        {"NA99 1", "S4"},
        {"1 -9999", "i4"},
        {"99999999999999999999 NA", "none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i].values, false, rows[i].type);
}

static void fills_keep_integers(void **state)
{
    (void)state;
    check("1 NA", true, "i4");
    check("1 nan", true, "i4");
    check("1 nan", false, "f8");
    check("1 inf", true, "f8");
    check("NA", true, "f8");
}

static void trims_numbers_only(void **state)
{
    struct missing m = {.n_tokens = 3, .tokens = na, .empty = true};
    struct survey s = {0};
    struct field f = {0};

    (void)state;
    survey_field(&s, &m, " 12 ", 4, false);
    survey_field(&s, &m, "", 0, false);
    survey_field(&s, &m, "  ", 2, true);
    assert_int_equal(s.class, SURVEY_INTEGER);
    assert_true(s.missing);
    assert_int_equal(survey_type(&s, &m, &f), FAILURE_NONE);
    assert_int_equal(f.kind, KIND_FLOAT);
    survey_field(&s, &m, " North ", 7, false);
    assert_int_equal(survey_type(&s, &m, &f), FAILURE_NONE);
    assert_int_equal(f.kind, KIND_STRING);
    assert_int_equal(f.elem_bytes, 7);
}

static void works_without_tokens(void **state)
{
    struct survey s = {0};
    struct field f = {0};

    (void)state;
    survey_field(&s, NULL, "", 0, true);
    assert_int_equal(survey_type(&s, NULL, &f), FAILURE_NONE);
    assert_int_equal(f.kind, KIND_STRING);
    assert_int_equal(f.elem_bytes, 1);
}

static void knows_misspelt_numbers(void **state)
{
    static const struct {
        const char *text;
        enum misspelt how;
    } rows[] = {
        {"<0.01", MISSPELT_LIMIT}, {">= 5", MISSPELT_LIMIT}, {"<", MISSPELT_NOT}, {"<x", MISSPELT_NOT},
        {"<<1", MISSPELT_NOT}, {"<nan", MISSPELT_NOT}, {"\xe2\x88\x92""1.5", MISSPELT_MINUS},
        {"1e\xe2\x88\x92""5", MISSPELT_MINUS}, {"\xe2\x88\x92", MISSPELT_NOT}, {"\xe2\x88", MISSPELT_NOT},
        {"\xc2\xa0""7\xc2\xa0", MISSPELT_SPACE}, {"1\xc2\xa0""234", MISSPELT_SPACE},
        {"\xc2\xa0\xe2\x88\x92""7", MISSPELT_MINUS}, {"\xe2\x88\x92""7\xc2\xa0", MISSPELT_MINUS},
        {"\xc2\xa0", MISSPELT_NOT}, {"\xc2", MISSPELT_NOT}, {"1,234", MISSPELT_GROUPS},
        {"-12,345,678.25", MISSPELT_GROUPS}, {"1,23", MISSPELT_NOT}, {"1234,567", MISSPELT_NOT}, {"1,2345", MISSPELT_NOT}, {",123", MISSPELT_NOT},
        {"1,234,", MISSPELT_NOT}, {"1,234.5.6", MISSPELT_NOT}, {"1,234x", MISSPELT_NOT}, {"12", MISSPELT_NOT},
        {"1\xe2\x80\x89""234.5", MISSPELT_THIN}, {"-1\xe2\x80\xaf""234", MISSPELT_THIN}, {"1\xe2\x80\x88""234", MISSPELT_NOT},
        {"\xe2\x88\x92""1\xe2\x80\x89""234", MISSPELT_MINUS}, {"\xc2\xa0""1\xe2\x80\x89""234", MISSPELT_SPACE},
        {"1\xe2\x80", MISSPELT_NOT}, {"10.5*", MISSPELT_FLAG}, {"-7?!", MISSPELT_FLAG}, {"**", MISSPELT_NOT},
        {"1.5*2", MISSPELT_NOT}, {"nan*", MISSPELT_NOT}, {"12A", MISSPELT_NOT}, {"*", MISSPELT_NOT},
        {"+", MISSPELT_NOT}, {"", MISSPELT_NOT}, {"abc", MISSPELT_NOT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum misspelt how = misspelt_find(rows[i].text, strlen(rows[i].text));

        if (how != rows[i].how)
            fail_msg("'%s': %d, not %d", rows[i].text, (int)how, (int)rows[i].how);
    }
}

static void take(struct survey *s, const char *text, uint64_t line_no)
{
    survey_field(s, NULL, text, strlen(text), false);
    survey_place(s, line_no);
}

static void keeps_the_first_text(void **state)
{
    struct survey s = {0}, unplaced = {0}, numbers = {0};

    (void)state;
    take(&numbers, "1", 1);
    assert_int_equal(numbers.line_no, 0);
    take(&s, "7", 4);
    take(&s, "<0.25", 5);
    take(&s, "<0.5", 6);
    assert_int_equal(s.line_no, 5);
    take(&unplaced, "<0.125", 0);
    survey_join(&unplaced, &s); /* a place is better than none */
    survey_join(&unplaced, &numbers);
    assert_int_equal(unplaced.line_no, 5);
    assert_int_equal(unplaced.first_bytes, 5);
    assert_memory_equal(unplaced.first, "<0.25", 5);
    assert_int_equal(unplaced.misspelt, MISSPELT_LIMIT);
    survey_join(&numbers, &unplaced);
    assert_int_equal(numbers.line_no, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_types),
        cmocka_unit_test(fills_keep_integers),
        cmocka_unit_test(trims_numbers_only),
        cmocka_unit_test(works_without_tokens),
        cmocka_unit_test(knows_misspelt_numbers),
        cmocka_unit_test(keeps_the_first_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
