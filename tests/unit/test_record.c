/* test_record.c - one line of text to one record: fields, comments, quotes, line ends, errors with their places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record.h"

enum { ROW_BYTES = 256 };

struct world {
    struct schema schema;
    struct dialect dialect;
    struct record *record;
    unsigned char row[ROW_BYTES];
    struct record_extent extent;
    struct failure failure;
    struct convert_tally tally;
};

static void open_world(struct world *w, const char *dtype, int delimiter)
{
    char error[SCHEMA_ERROR];

    memset(w, 0, sizeof *w);
    assert_int_equal(schema_parse(&w->schema, dtype, error), 0);
    assert_int_equal(schema_bind(&w->schema, NULL, 0, 0, error), 0);
    w->dialect = (struct dialect){.delimiter = delimiter, .hash_comment = true};
    w->record = record_open(&w->schema, &w->dialect);
    assert_non_null(w->record);
}

static void close_world(struct world *w)
{
    record_close(w->record);
    schema_release(&w->schema);
}

static enum record_status parse_bytes(struct world *w, const char *text, size_t n, bool last)
{
    return record_parse(w->record, text, n, last, w->row, NULL, &w->tally, &w->extent, &w->failure);
}

static enum record_status parse(struct world *w, const char *text)
{
    return parse_bytes(w, text, strlen(text), true);
}

static int32_t int_at(const struct world *w, size_t field)
{
    int32_t v;

    memcpy(&v, w->row + w->schema.fields[field].offset, sizeof v);
    return v;
}

static void expect_ints(struct world *w, const char *text, int32_t a, int32_t b)
{
    assert_int_equal(parse(w, text), RECORD_ROW);
    assert_int_equal(int_at(w, 0), a);
    assert_int_equal(int_at(w, 1), b);
    assert_int_equal(w->extent.bytes, strlen(text));
}

static void expect_bad(struct world *w, const char *text, int code, uint32_t column_no)
{
    assert_int_equal(parse(w, text), RECORD_BAD);
    assert_int_equal(w->failure.code, code);
    assert_int_equal(w->failure.column_no, column_no);
}

static void blanks_and_line_ends(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "a:i4,b:i4", DELIMITER_BLANKS);
    expect_ints(&w, "1 2\n", 1, 2);
    expect_ints(&w, "1\t 2", 1, 2);
    expect_ints(&w, "  \v1\f\f2 \t\n", 1, 2);
    expect_ints(&w, "1 2\r\n", 1, 2);
    expect_ints(&w, "1 2 \r\r\r\n", 1, 2);
    expect_ints(&w, "1 2\r", 1, 2);
    assert_int_equal(parse(&w, "\n"), RECORD_NOTHING);
    assert_int_equal(parse(&w, " \t\r\n"), RECORD_NOTHING);
    assert_int_equal(w.extent.n_lines, 1);
    assert_int_equal(parse_bytes(&w, "1 2", 3, false), RECORD_MORE);
    close_world(&w);
}

static void wrong_lines(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "a:i4,b:i4", DELIMITER_BLANKS);
    expect_bad(&w, "1\n", FAILURE_TOO_FEW, 2);
    expect_bad(&w, "1 2 3\n", FAILURE_TOO_MANY, 3);
    expect_bad(&w, "1 x\n", FAILURE_NOT_INTEGER, 2);
    assert_int_equal(w.failure.field, 1);
    assert_memory_equal(w.failure.text, "x", 1);
    expect_bad(&w, "1 2147483648\n", FAILURE_OUT_OF_RANGE, 2);
    expect_bad(&w, "1\r 2\n", FAILURE_CR, 1);
    expect_bad(&w, "1 2 # x\ry\n", FAILURE_CR, 3);
    assert_int_equal(parse_bytes(&w, "1 2\0\n", 5, true), RECORD_BAD);
    assert_int_equal(w.failure.code, FAILURE_NUL);
    assert_int_equal(parse_bytes(&w, "# \0\n", 4, true), RECORD_BAD);
    assert_int_equal(w.failure.code, FAILURE_NUL);
    expect_bad(&w, "1\xc2\xa0" "2\n", FAILURE_TOO_FEW, 2);
    expect_bad(&w, "1\xff" "2\n", FAILURE_TOO_FEW, 2);
    close_world(&w);
}

static void default_comments(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "a:i4,b:i4", DELIMITER_BLANKS);
    assert_int_equal(parse(&w, "# 1 2\n"), RECORD_NOTHING);
    assert_int_equal(parse(&w, "  #1 2\n"), RECORD_NOTHING);
    expect_ints(&w, "1 2 # 3 4\n", 1, 2);
    expect_ints(&w, "1 2 #\n", 1, 2);
    expect_bad(&w, "1 #2\n", FAILURE_NOT_INTEGER, 2);
    expect_bad(&w, "1 2#3\n", FAILURE_NOT_INTEGER, 2);
    close_world(&w);

    open_world(&w, "a:S4,b:S8", DELIMITER_BLANKS);
    assert_int_equal(parse(&w, "a#b #ff00aa # colour\n"), RECORD_ROW);
    assert_string_equal((char *)w.row + 4, "#ff00aa");
    assert_memory_equal(w.row, "a#b", 4);
    close_world(&w);
}

static void given_comments(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "a:i4,b:i4", DELIMITER_BLANKS);
    w.dialect.hash_comment = false;
    w.dialect.n_comments = 2;
    w.dialect.comments[0] = (struct comment_mark){"//", 2};
    w.dialect.comments[1] = (struct comment_mark){"%", 1};
    expect_ints(&w, "1 2//3\n", 1, 2);
    expect_ints(&w, "1 2%\n", 1, 2);
    assert_int_equal(parse(&w, "%1 2\n"), RECORD_NOTHING);
    expect_bad(&w, "1//2\n", FAILURE_TOO_FEW, 2);
    expect_bad(&w, "#1 2\n", FAILURE_NOT_INTEGER, 1);
    close_world(&w);

    open_world(&w, "a:i4,b:S4", ',');
    w.dialect.hash_comment = false;
    w.dialect.n_comments = 1;
    w.dialect.comments[0] = (struct comment_mark){"#", 1};
    assert_int_equal(parse(&w, "1,\"a#b\"#x\n"), RECORD_ROW);
    assert_memory_equal(w.row + 4, "a#b", 4);
    assert_int_equal(parse(&w, "1,a#b\n"), RECORD_ROW);
    assert_memory_equal(w.row + 4, "a\0\0", 4);
    close_world(&w);
}

static void quotes(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "a:S8,b:i4", DELIMITER_BLANKS);
    assert_int_equal(parse(&w, "\"a b\" 5\n"), RECORD_ROW);
    assert_memory_equal(w.row, "a b", 4);
    assert_int_equal(parse(&w, "\"a\"\"b\"\t\"5\"\n"), RECORD_ROW);
    assert_memory_equal(w.row, "a\"b", 4);
    assert_int_equal(int_at(&w, 1), 5);
    assert_int_equal(parse(&w, "a\"b 5\n"), RECORD_ROW);
    assert_memory_equal(w.row, "a\"b", 4);
    assert_int_equal(parse(&w, "\"a\nb\r\nc\" 5\nrest"), RECORD_ROW);
    assert_memory_equal(w.row, "a\nb\r\nc", 7);
    assert_int_equal(w.extent.n_lines, 3);
    assert_int_equal(w.extent.bytes, strlen("\"a\nb\r\nc\" 5\n"));
    expect_bad(&w, "\"a\"b 5\n", FAILURE_QUOTE_JUNK, 1);
    expect_bad(&w, "x \"5\n6\n", FAILURE_QUOTE_OPEN, 2);
    assert_int_equal(w.extent.bytes, 5);
    expect_bad(&w, "\"a\nb\n\"c 5\n", FAILURE_QUOTE_JUNK, 1);
    assert_int_equal(w.failure.text_total, 2);
    expect_bad(&w, "\"a\nb\" x\n", FAILURE_NOT_INTEGER, 2);
    assert_int_equal(w.failure.line_no, 1);
    assert_int_equal(parse_bytes(&w, "\"a\nb", 4, false), RECORD_MORE);
    assert_int_equal(parse_bytes(&w, "\"a\"", 3, false), RECORD_MORE);
    close_world(&w);
}

static void delimited(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, "a:S8,b:i4,c:f8", ',');
    w.schema.fields[2].missing.empty = true;
    assert_int_equal(parse(&w, " x y , 5 ,1.5\r\n"), RECORD_ROW);
    assert_memory_equal(w.row, " x y ", 6);
    assert_int_equal(int_at(&w, 1), 5);
    assert_int_equal(parse(&w, "\"x,\"\"y\" ,5,\n"), RECORD_ROW);
    assert_memory_equal(w.row, "x,\"y", 5);
    assert_int_equal(parse(&w, ",5,1e3 # note\n"), RECORD_ROW);
    assert_int_equal(parse(&w, ",5,1e3 # a note, \"and more,\n,6,7\n"), RECORD_ROW);
    assert_int_equal(w.extent.n_lines, 1);
    expect_bad(&w, ",5,1e3 # a note, b\rc\n", FAILURE_CR, 4);
    expect_bad(&w, ",5,1e3# a, b\n", FAILURE_TOO_MANY, 4);
    expect_bad(&w, ",5 # a,1\n", FAILURE_NOT_INTEGER, 2);
    assert_int_equal(parse(&w, "  \t\n"), RECORD_NOTHING);
    assert_int_equal(parse(&w, "# a,b\n"), RECORD_NOTHING);
    expect_bad(&w, "a,5,1,\n", FAILURE_TOO_MANY, 4);
    expect_bad(&w, "a,5\n", FAILURE_TOO_FEW, 3);
    expect_bad(&w, "\"a\"b,5,1\n", FAILURE_QUOTE_JUNK, 1);
    assert_int_equal(w.failure.text_total, 0);
    expect_bad(&w, "a,\"5\n,\" b\n,1\n", FAILURE_QUOTE_JUNK, 2);
    assert_int_equal(w.failure.text_total, 1);
    close_world(&w);

    open_world(&w, "a:S4,b:S8", '\t');
    assert_int_equal(parse(&w, "a b\t c # d\n"), RECORD_ROW);
    assert_memory_equal(w.row + 4, " c # d", 7);
    assert_int_equal(parse(&w, "\t\n"), RECORD_ROW);
    close_world(&w);

    open_world(&w, "a:i4,b:i4", 0xff);
    expect_ints(&w, "1\xff" "2\n", 1, 2);
    close_world(&w);
}

static void fixed_widths(void **state)
{
    static const uint32_t widths[] = {3, 4, 2};
    struct world w;

    (void)state;
    open_world(&w, "a:i4,b:i4,c:S2", DELIMITER_WIDTHS);
    w.dialect.n_widths = 3;
    w.dialect.widths = widths;
    expect_ints(&w, "123 456x \n", 123, 456);
    expect_ints(&w, "  1   2\n", 1, 2);
    assert_memory_equal(w.row + 8, "\0", 2);
    expect_bad(&w, "123 456xyz\n", FAILURE_TOO_MANY, 4);
    expect_bad(&w, "123\n", FAILURE_NOT_INTEGER, 2);
    close_world(&w);
}

static void chosen_columns(void **state)
{
    static const int32_t usecols[] = {2, -1, 0, 0};
    char error[SCHEMA_ERROR];
    struct world w;

    (void)state;
    open_world(&w, "a:i4,b:i4,c:i4,d:i4", DELIMITER_BLANKS);
    record_close(w.record);
    assert_int_equal(schema_bind(&w.schema, usecols, 4, 4, error), 0);
    w.record = record_open(&w.schema, &w.dialect);
    expect_ints(&w, "1 2 3 4\n", 3, 4);
    assert_int_equal(int_at(&w, 2), 1);
    assert_int_equal(int_at(&w, 3), 1);
    expect_ints(&w, "1 x 3\n", 3, 3);
    expect_ints(&w, "1 2 3 4 5 6\n", 3, 6);
    expect_bad(&w, "1 2\n", FAILURE_TOO_FEW, 3);
    close_world(&w);
}

static void longest_fields(void **state)
{
    uint32_t longest[2] = {0, 3};
    struct world w;
    const char *text = "\"a\"\"bcd\",12 # x\n";

    (void)state;
    open_world(&w, "a:S8,b:i4", ',');
    assert_int_equal(record_parse(w.record, text, strlen(text), true, w.row, longest, &w.tally, &w.extent, &w.failure),
                     RECORD_ROW);
    assert_int_equal(longest[0], 5);
    assert_int_equal(longest[1], 6);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_and_line_ends), cmocka_unit_test(wrong_lines),    cmocka_unit_test(default_comments),
        cmocka_unit_test(given_comments),       cmocka_unit_test(quotes),         cmocka_unit_test(delimited),
        cmocka_unit_test(fixed_widths),         cmocka_unit_test(chosen_columns), cmocka_unit_test(longest_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
