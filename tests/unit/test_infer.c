/*
 * test_infer.c - texts to delimiter, header, names and types, without a parse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture.h"
#include "infer.h"
#include "message.h"

enum { INPUTS = 4 };

static char directory[] = "/tmp/test_infer-XXXXXX";
static char error[SCHEMA_ERROR];
static struct failure failure;

/* One run's look at some texts. */
static struct world {
    struct options options;
    struct inputs inputs;
    struct input input[INPUTS];
    char paths[INPUTS][64];
    struct finding findings[INPUTS];
    struct schemas schemas;
} w;

static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    w.options.delimiter = DELIMITER_AUTO;
    w.options.max_errors_percent = -1;
    w.inputs.input = w.input;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    schemas_release(&w.schemas);
    for (size_t i = 0; i < INPUTS; i++) {
        finding_release(&w.findings[i]);
        if (*w.paths[i] != '\0')
            unlink(w.paths[i]);
    }
    infer_close();
    return 0;
}

static void add_bytes(const char *text, size_t bytes)
{
    struct input *in = &w.input[w.inputs.n];
    char *path = w.paths[w.inputs.n];
    FILE *file;

    snprintf(path, sizeof w.paths[0], "%s/%zu.txt", directory, w.inputs.n);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    *in = (struct input){.path = path, .dataset = path, .file_bytes = bytes, .regular = true};
    w.inputs.n++;
}

static void add(const char *text)
{
    add_bytes(text, strlen(text));
}

static int look(void)
{
    struct schema typed = {0};
    uint32_t n = 0;

    if (w.options.dtype != NULL) {
        assert_int_equal(schema_parse(&typed, w.options.dtype, error), 0);
        n = (uint32_t)schema_elements(&typed);
        schema_release(&typed);
    }
    for (size_t i = 0; i < w.inputs.n; i++)
        if (infer_input(&w.findings[i], &w.input[i], &w.options, n > 0, n, &failure, error) != 0)
            return -1;
    return infer_schemas(&w.schemas, w.findings, &w.inputs, &w.options, error);
}

static void check_schema(size_t input, const char *expected)
{
    char *dtype = schema_dtype(&w.schemas.schema[w.findings[input].schema]);

    assert_string_equal(dtype, expected);
    free(dtype);
}

/* One text alone: its delimiter and its schema. */
static void check(const char *text, int delimiter, const char *expected)
{
    add(text);
    if (look() != 0)
        fail_msg("'%s': %s", text, error);
    if (w.findings[0].dialect.delimiter != delimiter)
        fail_msg("'%s': delimiter %d", text, w.findings[0].dialect.delimiter);
    check_schema(0, expected);
}

static void check_wrong(const char *text, const char *part)
{
    add(text);
    assert_int_equal(look(), -1);
    if (strstr(error, part) == NULL)
        fail_msg("'%s': '%s' has no '%s'", text, error, part);
}

/* Start over inside a test. */
static void again(void)
{
    struct options options = w.options;

    tear_down(NULL);
    set_up(NULL);
    w.options = options;
}

/* ---- delimiters ------------------------------------------------------------------------------------------------ */

static void settles_delimiters(void **state)
{
    static const struct {
        const char *text;
        int delimiter;
        const char *dtype;
    } rows[] = {
        {"1 2.5\n3\t4\n", DELIMITER_BLANKS, "f0:i4,f1:f8"},
        {"  1  2 \n 3 4", DELIMITER_BLANKS, "f0:i4,f1:i4"},
        {"1\n2\n", DELIMITER_BLANKS, "f0:i4"},
        {"1,2\n3,4\n", ',', "f0:i4,f1:i4"},
        {"1, 2\n3, 4\n", ',', "f0:i4,f1:i4"},
        {"1;2,5\n3;4,5\n", ',', "f0:S3,f1:i4"},
        {"1;2\n3;4\n", ';', "f0:i4,f1:i4"},
        {"a|2\nb|4\n", '|', "f0:S1,f1:i4"},
        {"a b\t1\nc\t2\n", '\t', "f0:S3,f1:i4"},
        {"a\t1,2,\nb\t3,4,\n", '\t', "f0:S1,f1:S4"},
        {"a,b c,1\nd,e,2\n", ',', "f0:S1,f1:S3,f2:i4"},
        {"\"a,b\",1\n\"c\",2\n", ',', "f0:S3,f1:i4"},
        {"\"a b\" 1\nc 2\n", DELIMITER_BLANKS, "f0:S3,f1:i4"},
        {"1,2\n3,4,5\n", DELIMITER_BLANKS, "f0:S5"},
        {"1 2 # one\n3 4\n5 6 #two words\n", DELIMITER_BLANKS, "f0:i4,f1:i4"},
        {"1 2 # a\n3 4 # b\n", DELIMITER_BLANKS, "f0:i4,f1:i4"},
        {"a #ff00aa 1\nb #00ff00 2\n", DELIMITER_BLANKS, "f0:S1,f1:S7,f2:i4"},
        {"# a, b\n\n1 2\n\n", DELIMITER_BLANKS, "f0:i4,f1:i4"},
        {"\xef\xbb\xbf" "1,2\r\n3,4\r\n", ',', "f0:i4,f1:i4"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(rows[i].text, rows[i].delimiter, rows[i].dtype);
        again();
    }
}

static void settles_by_dtype(void **state)
{
    (void)state;
    w.options.dtype = "a:S9,b:i4";
    check("x,y 1\nz 2\n", DELIMITER_BLANKS, "a:S9,b:i4");
    again();
    check("x y,1\nz w,2\n", DELIMITER_BLANKS, "a:S9,b:i4"); /* two each by blanks */
    again();
    check("x y z,1\nz,2\n", ',', "a:S9,b:i4");
    again();
    w.options.dtype = "a:f8";
    check("1\n2\n", DELIMITER_BLANKS, "a:f8");
    again();
    w.options.dtype = "a:f8,b:i4";
    w.options.usecols = "2,0";
    check("1,2,3\n1,2,3,4\n", ',', "a:f8,b:i4");
    assert_int_equal(w.schemas.schema[0].cells[0].column, 0);
    assert_int_equal(w.schemas.schema[0].cells[1].column, 2);
}

/* ---- headers --------------------------------------------------------------------------------------------------- */

static void finds_headers(void **state)
{
    static const struct {
        const char *text, *dtype;
        uint64_t start, lines;
    } rows[] = {
        {"chr pos\nc1 5\nc2 6\n", "chr:S2,pos:i4", 8, 1},
        {"chr,pos\nc1,5\n", "chr:S2,pos:i4", 8, 1},
        {"# a comment of many words\n\nchr pos\nc1 5\n", "chr:S2,pos:i4", 35, 3},
        {"# chr pos\nc1 5\n", "chr:S2,pos:i4", 0, 0},
        {"#chr,pos\nc1,5\n", "chr:S2,pos:i4", 0, 0},
        {"## x\n#chr\tpos\nc1\t5\n", "chr:S2,pos:i4", 0, 0},
        {"# chr pos\n\nc1 5\n", "f0:S2,f1:i4", 0, 0},
        {"# one\nc1 5\n", "f0:S2,f1:i4", 0, 0},
        {"#1 2\n1 3\n", "f0:i4,f1:i4", 0, 0},
        {"a b\nc d\n", "f0:S1,f1:S1", 0, 0},
        {"a 1990\nc 5\n", "f0:S1,f1:i4", 0, 0},
        {"c1 NA\nc2 5\n", "f0:S2,f1:f8", 0, 0},
        {",x\nr1,5\n", "f0:S2,x:i4", 3, 1},
        {"\"my id\",\"x \"\"q\"\"\"\nr1,5\n", "[('my id', 'S2'), ('x \"q\"', 'i4')]", 18, 1},
        {"Year #day Vol\n1979 1 26.4\n", "[('Year', 'i4'), ('#day', 'i4'), ('Vol', 'f8')]", 14, 1},
        {"# Year\tTemp (C)\n1979.5\t26.4\n", "[('Year', 'f8'), ('Temp (C)', 'f8')]", 0, 0},
        {"\xef\xbb\xbf" "a b\r\n1 2\r\n", "a:i4,b:i4", 8, 1},
        {"a b\n", "f0:S1,f1:S1", 0, 0},
        {"a b\nNA 2\n", "a:f8,b:i4", 4, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        add(rows[i].text);
        assert_int_equal(look(), 0);
        check_schema(0, rows[i].dtype);
        if (rows[i].start != 0)
            assert_int_equal(w.findings[0].text_start, rows[i].start);
        assert_int_equal(w.findings[0].lines_before, rows[i].lines);
        again();
    }
}

static void obeys_header_option(void **state)
{
    (void)state;
    w.options.header = HEADER_YES;
    check("a b\nc d\n", DELIMITER_BLANKS, "a:S1,b:S1");
    again();
    check("1990 1991\n5 6\n", DELIMITER_BLANKS, "1990:i4,1991:i4");
    again();
    check("#a b\nx y\n", DELIMITER_BLANKS, "a:S1,b:S1");
    again();
    check("# a licence for all\na b\nx y\n", DELIMITER_BLANKS, "a:S1,b:S1");
    again();
    check_wrong("# a licence for all\n1 2\n", "4 names for 2 columns");
    again();
    check_wrong("a b\nr1 1 2\nr2 3 4\n", "write.table");
    again();
    w.options.header = HEADER_NO;
    check("#x y\na b\n1 2\n", DELIMITER_BLANKS, "f0:S1,f1:S1");
}

static void heads_typed_inputs(void **state)
{
    (void)state;
    w.options.dtype = "chr:S5,pos:i4";
    check("a b\nc1 5\n", DELIMITER_BLANKS, "chr:S5,pos:i4");
    assert_int_equal(w.findings[0].text_start, 4);
    again();
    check("a b\n", DELIMITER_BLANKS, "chr:S5,pos:i4"); /* nothing below: bad data rather than a header */
    assert_int_equal(w.findings[0].text_start, 0);
    again();
    check("chr pos\n", DELIMITER_BLANKS, "chr:S5,pos:i4"); /* but these are the dtype's own names */
    assert_int_equal(w.findings[0].text_start, 8);
    again();
    check("c1 NA\nc2 5\n", DELIMITER_BLANKS, "chr:S5,pos:i4");
    assert_int_equal(w.findings[0].text_start, 0);
    again();
    check("c1 7\n", DELIMITER_BLANKS, "chr:S5,pos:i4");
    assert_int_equal(w.findings[0].text_start, 0);
    again();
    w.options.dtype = "S5,i4";
    check("a b\nc1 5\n", DELIMITER_BLANKS, "a:S5,b:i4");
    again();
    w.options.dtype = "S5,S5";
    check("a b\nc1 5\n", DELIMITER_BLANKS, "f0:S5,f1:S5");
    again();
    w.options.dtype = "S5,(2)i4";
    check("a b1 b2\nc1 5 6\n", DELIMITER_BLANKS, "a:S5,b1:(2)i4");
}

static void counts_skipped_lines(void **state)
{
    (void)state;
    w.options.skip_lines = 2;
    check("some, words\n\"here\na b\n1 2\n", DELIMITER_BLANKS, "a:i4,b:i4");
    assert_int_equal(w.findings[0].text_start, 22);
    assert_int_equal(w.findings[0].lines_before, 3);
    again();
    w.options.skip_lines = 0;
    w.options.skip_footer = 2;
    check("1 2\n3 4\nend of it\n\n", DELIMITER_BLANKS, "f0:i4,f1:i4");
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

static void cleans_names(void **state)
{
    (void)state;
    message_level(true, false);
    check("a/b,,x,x,x_2,_f_y,.\n1,2,3,4,5,6,7\n", ',', "a_b:i4,f1:i4,x:i4,x_3:i4,x_2:i4,f_y:i4,f6:i4");
    assert_string_equal(w.schemas.schema[0].fields[0].source_name, "a/b");
    assert_string_equal(w.schemas.schema[0].fields[1].source_name, "");
    assert_string_equal(w.schemas.schema[0].fields[3].source_name, "x");
    assert_null(w.schemas.schema[0].fields[2].source_name);
    message_level(false, false);
}

static void takes_given_names(void **state)
{
    (void)state;
    w.options.names = "x, y";
    check("a b\n1 2\n", DELIMITER_BLANKS, "x:i4,y:i4");
    assert_int_equal(w.findings[0].text_start, 4);
    again();
    w.options.dtype = "i4,f8";
    check("1 2\n3 4\n", DELIMITER_BLANKS, "x:i4,y:f8");
    again();
    w.options.dtype = NULL;
    check_wrong("1 2 3\n", "3 columns");
    again();
    w.options.names = "x,x";
    check_wrong("1 2\n", "twice");
    again();
    w.options.names = "x,a/b";
    check_wrong("1 2\n", "'_'");
}

static void chooses_columns(void **state)
{
    (void)state;
    message_level(true, false);
    w.options.usecols = "c,0,-1,0";
    check("a b c d\n1 2.5 x 4\n5 6 y 70000000000\n", DELIMITER_BLANKS, "c:S1,a:i4,d:i8,a_2:i4");
    assert_int_equal(w.schemas.schema[0].n_columns, 4);
    assert_false(w.schemas.schema[0].exact);
    assert_int_equal(w.schemas.schema[0].cells[3].from_end, -1);
    again();
    w.options.usecols = "2,1";
    check("1 2.5 x\n5 6 y\n", DELIMITER_BLANKS, "f0:S1,f1:f8");
    again();
    w.options.names = "p,q";
    check("1 2.5 x\n5 6 y\n", DELIMITER_BLANKS, "p:S1,q:f8");
    again();
    w.options.names = "p,q,r";
    w.options.usecols = "r,p";
    check("1 2.5 x\n5 6 y\n", DELIMITER_BLANKS, "r:S1,p:i4");
    again();
    w.options.names = NULL;
    check_wrong("1 2.5 x\n5 6 y\n", "no header");
    again();
    check_wrong("a b c\n1 2 3\n", "there are a, b, c");
    again();
    w.options.usecols = "3";
    check_wrong("1 2.5 x\n", "column 3");
    again();
    w.options.dtype = "v:i4";
    w.options.usecols = "c";
    check("a b c\n1 2 3\n", DELIMITER_BLANKS, "v:i4");
    assert_int_equal(w.schemas.schema[0].cells[0].column, 2);
    assert_int_equal(w.findings[0].text_start, 6);
    message_level(false, false);
}

/* ---- types, missing values ------------------------------------------------------------------------------------- */

static void overrides_types(void **state)
{
    (void)state;
    w.options.dtype_override = "pos=i8,x=>f4";
    check("chr pos x n\nc 1 2 3\n", DELIMITER_BLANKS, "chr:S1,pos:i8,x:>f4,n:i4");
    assert_true(w.schemas.inferred[0]);
    assert_false(w.schemas.field_inferred[0][1]);
    assert_true(w.schemas.field_inferred[0][3]);
    again();
    w.options.dtype_override = "pos=i8,chr=i4\nchr=S,x=S4+";
    check("chr pos x n\n07 1 2 3\n123 4 5 6\n", DELIMITER_BLANKS, "chr:S3,pos:i8,x:S4,n:i4");
    assert_true(w.schemas.field_inferred[0][0]);
    again();
    w.options.dtype_override = "b=i8";
    w.options.dtype = "a:i4,b:i4,v:(2)f4";
    check("1 2 3 4\n", DELIMITER_BLANKS, "a:i4,b:i8,v:(2)f4");
    again();
    w.options.dtype_override = "v=f8,b=S";
    check_wrong("1 2 3 4\n", "--dtype b=S...: beside a whole dtype it wants a width, as in b=S10");
    again();
    w.options.dtype_override = "c=S2";
    check_wrong("1 2 3 4\n", "there are a, b, v");
    again();
    w.options.dtype = NULL;
    w.options.dtype_override = "nope=i8";
    check_wrong("chr pos\nc 1\n", "'nope'; there are chr, pos");
    again();
    w.options.dtype_override = "pos=(2)i8";
    check_wrong("chr pos\nc 1\n", "whole dtype");
}

static void heeds_missing_tokens(void **state)
{
    struct column_setting na[] = {{.text = ".,?"}, {.column = "y", .text = "-"}};
    struct column_setting fill[] = {{.column = "x", .text = "-1"}};
    const struct field *f;

    (void)state;
    check("x y\n1 NA\n2 3\n", DELIMITER_BLANKS, "x:i4,y:f8");
    again();
    check("x,y\n1,\n2,3\n", ',', "x:i4,y:f8");
    assert_true(w.schemas.schema[0].fields[1].missing.empty);
    again();
    w.options.na = na;
    w.options.n_na = 1;
    check("x y\n1 .\n2 3\n? 4\n", DELIMITER_BLANKS, "x:f8,y:f8");
    again();
    check("x y\n1 NA\n2 3\n", DELIMITER_BLANKS, "x:i4,y:S2"); /* the list stands instead of NA */
    again();
    w.options.n_na = 2;
    check("x y\n1 -\n. 3\n", DELIMITER_BLANKS, "x:f8,y:f8");
    again();
    check("x y\n1 .\n2 3\n", DELIMITER_BLANKS, "x:i4,y:S1");
    again();
    w.options.fill = fill;
    w.options.n_fill = 1;
    check("x y\n1 -\n. 3\n", DELIMITER_BLANKS, "x:i4,y:f8");
    f = &w.schemas.schema[0].fields[0];
    assert_true(f->missing.has_fill);
    assert_memory_equal(f->missing.fill, "\xff\xff\xff\xff", 4);
    assert_false(w.schemas.schema[0].fields[1].missing.has_fill);
    assert_ptr_equal(w.schemas.schema[0].cells[0].missing, &f->missing);
}

static void checks_fill_values(void **state)
{
    struct column_setting fill[] = {{.column = "x", .text = "abc"}};

    (void)state;
    w.options.fill = fill;
    w.options.n_fill = 1;
    check_wrong("x y\n1 a\n2 b\n", "not an integer");
    again();
    fill[0] = (struct column_setting){.column = "y", .text = "abc"};
    check_wrong("x y\n1 a\n2 b\n", "strings keep their text");
    again();
    fill[0] = (struct column_setting){.column = "z", .text = "0"};
    check_wrong("x y\n1 a\n2 b\n", "there are x, y");
    again();
    fill[0] = (struct column_setting){.text = "3000000000"};
    check("x y\n1 a\n2 b\n", DELIMITER_BLANKS, "x:i8,y:S1");
    again();
    w.options.dtype = "x:u1,y:S1";
    check_wrong("1 a\n", "out of range");
}

static void asks_for_a_type(void **state)
{
    (void)state;
    check_wrong("id n\n99999999999999999999999 1\n", "--dtype 'id=S'");
}

/* ---- several inputs -------------------------------------------------------------------------------------------- */

static void shares_schemas(void **state)
{
    (void)state;
    add("a b\n1 2\n");
    add("a b\n1.5 22222222222\n");
    add("a,c\nx,2\n");
    add("a,b\n7,8\n");
    assert_int_equal(look(), 0);
    assert_int_equal(w.schemas.n, 2);
    assert_int_equal(w.findings[3].schema, 0);
    check_schema(0, "a:f8,b:i8");
    check_schema(2, "a:S1,c:i4");
}

static void empty_inputs_join(void **state)
{
    (void)state;
    add("");
    add("a b\n1 2\n");
    add("# nothing\n");
    add("a,b\n");
    assert_int_equal(look(), 0);
    assert_int_equal(w.schemas.n, 1);
    check_schema(0, "a:i4,b:i4");
    assert_true(w.findings[3].header);
    assert_int_equal(w.findings[3].text_start, 4);
    assert_int_equal(w.findings[0].n_columns, 2);
    assert_non_null(w.findings[0].surveys);
    again();

    check_wrong("# nothing\n", "--dtype");
    again();
    add("1 2\n");
    add("1 2 3\n");
    check_wrong("", "different columns");
    again();
    w.options.dtype = "a:i4,b:S3";
    check("", DELIMITER_BLANKS, "a:i4,b:S3");
}

static void widens_the_second_time(void **state)
{
    (void)state;
    add("1 2\n3 4\n");
    add("a b\n3 4\n");
    assert_int_equal(look(), 0);
    w.findings[0].surveys[0].class = SURVEY_TEXT;
    w.findings[0].surveys[0].longest = 12;
    assert_int_equal(infer_schemas(&w.schemas, w.findings, &w.inputs, &w.options, error), 0);
    assert_int_equal(w.schemas.n, 2);
    check_schema(0, "f0:S12,f1:i4");
    check_schema(1, "a:i4,b:i4");
}

/* ---- samples --------------------------------------------------------------------------------------------------- */

static char *many_lines(const char *line, size_t n, const char *first, const char *last)
{
    char *text = malloc(strlen(first) + n * strlen(line) + strlen(last) + 1), *at = text;

    at = stpcpy(at, first);
    for (size_t i = 0; i < n; i++)
        at = stpcpy(at, line);
    strcpy(at, last);
    return text;
}

static void samples_the_end(void **state)
{
    char *text = many_lines("1 2\n", 200000, "a b\n", "1 2.5\n");

    (void)state;
    check(text, DELIMITER_BLANKS, "a:i4,b:f8");
    free(text);
    again();
    text = many_lines("1 2\n", 200000, "a b\n", "total of all: 2\n");
    w.options.skip_footer = 1;
    check(text, DELIMITER_BLANKS, "a:i4,b:i4");
    free(text);
}

/* Lines inside quotes look like records, but are none. */
static void is_not_fooled_by_quotes(void **state)
{
    char *text = many_lines("1,\"x\ny,z\nw\"\n", 60000, "", "");

    (void)state;
    check(text, ',', "f0:i4,f1:S7");
    free(text);
}

static void reads_long_lines(void **state)
{
    char *header = many_lines("name ", 30000, "", "\n");
    char *row = many_lines("1 ", 30000, "", "\n");
    char *text = many_lines(row, 3, header, "");

    (void)state;
    message_level(true, false);
    add(text);
    assert_int_equal(infer_input(&w.findings[0], &w.input[0], &w.options, false, 0, &failure, error), 0);
    assert_int_equal(w.findings[0].n_columns, 30000);
    assert_true(w.findings[0].header);
    free(header);
    free(row);
    free(text);
    message_level(false, false);
}

static void refuses_utf16(void **state)
{
    (void)state;
    add_bytes("\xff\xfe" "1\0 \0\n\0", 8);
    assert_int_equal(look(), -1);
    assert_non_null(strstr(error, "iconv -f UTF-16"));
}

static void tells_failures(void **state)
{
    (void)state;
    add("1 2\n");
    unlink(w.paths[0]);
    assert_int_equal(infer_input(&w.findings[0], &w.input[0], &w.options, false, 0, &failure, error), -1);
    assert_int_equal(failure.code, FAILURE_OPEN);
    assert_string_equal(error, "");
}

/* A text that cannot be: its failure. */
static void check_bad_text(const char *text, size_t bytes, int code, uint64_t line_no)
{
    add_bytes(text, bytes);
    assert_int_equal(look(), -1);
    assert_string_equal(error, "");
    assert_int_equal(failure.code, code);
    assert_int_equal(failure.line_no, line_no);
    again();
}

static void refuses_what_is_no_text(void **state)
{
    (void)state;
    check_bad_text("\0\1\2", 3, FAILURE_NUL, 1);
    check_bad_text("# c\n\n1 2\0\n3 4\n", 14, FAILURE_NUL, 3);
    check_bad_text("1 2\r3 4\r", 8, FAILURE_CR, 1);
    check_bad_text("\n\"a b\n", 6, FAILURE_QUOTE_OPEN, 2);
    w.options.dtype = "i4,i4";
    check_bad_text("1 2\0\n3 4\n", 9, FAILURE_NUL, 1);
    w.options.max_errors_given = true; /* then it is a line to set aside */
    add_bytes("1 2\0\n3 4\n", 9);
    assert_int_equal(look(), 0);
    again();
    w.options.dtype = NULL;
    add_bytes("1 2\0\n3 4\n5 6\n", 13);
    assert_int_equal(look(), 0);
    check_schema(0, "f0:i4,f1:i4");
    again();
    check_wrong("PK\3\4 and so on", "zip");
    again();
    check_wrong("\x89HDF\r\n\x1a\n", "HDF5 file already");
}

/* ---- advice ---------------------------------------------------------------------------------------------------- */

/* What is said about a text that need not be loadable; NULL: nothing. */
static void check_advice(const char *text, const char *part)
{
    struct capture c;
    char *said;

    add(text);
    c = capture_start(STDERR_FILENO);
    if (look() != 0)
        *error = '\0';
    said = capture_stop(&c);
    if (part == NULL ? *said != '\0' : strstr(said, part) == NULL)
        fail_msg("'%s': said '%s', not '%s'", text, said, part != NULL ? part : "");
    free(said);
    again();
}

#define TABLE "1 2.5 x\n2 3.5 y\n3 4.5 z\n4 5.5 w\n5 6.5 v\n6 7.5 u\n7 8.5 t\n8 9.5 s\n"
#define CSV "a,b,c\n2026-01-01 10:00,1,2\n2026-01-01 11:00,3,4\n2026-01-01 12:00,5,6\n2026-01-01 13:00,7,8\n"

static void advises(void **state)
{
    (void)state;
    check_advice(TABLE, NULL);
    check_advice("id mass name\n" TABLE, NULL);
    check_advice("made by hand on Monday\nunits m\n" TABLE, "the first 2 lines are no part of the table of 3 fields");
    check_advice("made by hand on Monday\n\nid mass name\n" TABLE, "try --skip-lines 1\n");
    check_advice("made by hand on Monday\n" TABLE "end\n\n", "try --skip-lines 1 --skip-footer 2\n");
    check_advice(TABLE "id mass name\nsum 4\n", "the last 2 lines");
    check_advice("% made by hand on Monday\n% units m\n" TABLE, "--comment '%'");
    check_advice("% made by hand on Monday\n% units m kg\n1 2 5%\n" TABLE, "--skip-lines 2");
    check_advice("the first of all\nSerial,12\n\n" CSV, "table of 3 fields by comma, it seems: try --skip-lines 2\n");
    check_advice("id mass\n" TABLE, "write.table of R makes it: give --skip-lines 1 --names row,id,mass\n");
    check_advice("id mass,kg\n" TABLE, "--names row,NAME,...\n");
    check_advice("id mass name sum\n" TABLE, "the first line has 4 words above 3 columns");
    check_advice(TABLE "odd\n" TABLE, NULL);
    check_advice("2026-01-01 10:00,1,ok\n2026-01-01 11:00,3,ok\n", "give -d ','");
    w.options.skip_lines = 1;
    check_advice("one\ntwo\n" TABLE, "try --skip-lines 2\n");
    w.options.skip_lines = 0;
    w.options.dtype = "i4,f8,S1";
    check_advice("one\ntwo words\n" TABLE, "try --skip-lines 2\n");
    w.options.delimiter = DELIMITER_BLANKS;
    check_advice("one\ntwo words\n" TABLE, "try --skip-lines 2\n");
}

/* ---- pipes ----------------------------------------------------------------------------------------------------- */

static void feed(const char *text)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    w.input[0] = (struct input){.path = "-", .dataset = "stdin"};
    w.inputs.n = 1;
}

static void keeps_pipes(void **state)
{
    struct finding *f = &w.findings[0];
    char block[64];

    (void)state;
    feed("a b\n1 2\n");
    assert_int_equal(look(), 0); /* spooled: can be read again */
    check_schema(0, "a:i4,b:i4");
    assert_true(f->fd > 2);
    assert_int_equal(f->fd_bytes, 8);
    assert_int_equal(pread(f->fd, block, sizeof block, 0), 8);
    assert_memory_equal(block, "a b\n1 2\n", 8);
    assert_null(f->stream);
    again();

    feed("a b\n1 2\n");
    w.options.dtype = "i4,i4";
    assert_int_equal(look(), 0); /* read once */
    check_schema(0, "a:i4,b:i4");
    assert_non_null(f->stream);
    assert_int_equal(f->fd, -1);
    assert_int_equal(f->head_bytes, 8);
    assert_memory_equal(f->head, "a b\n1 2\n", 8);
    assert_int_equal(f->text_start, 4);
    again();

    close(STDIN_FILENO);
    w.input[0] = (struct input){.path = "-", .dataset = "stdin"};
    w.inputs.n = 1;
    assert_int_equal(look(), -1);
    assert_string_equal(error, "standard input is closed");
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settles_delimiters), TEST(settles_by_dtype),   TEST(finds_headers),      TEST(obeys_header_option),
        TEST(heads_typed_inputs), TEST(counts_skipped_lines), TEST(cleans_names),     TEST(takes_given_names),
        TEST(chooses_columns),    TEST(overrides_types),    TEST(heeds_missing_tokens), TEST(checks_fill_values),
        TEST(asks_for_a_type),    TEST(shares_schemas),     TEST(empty_inputs_join),  TEST(widens_the_second_time),
        TEST(samples_the_end),    TEST(is_not_fooled_by_quotes), TEST(reads_long_lines), TEST(refuses_utf16),
        TEST(tells_failures),     TEST(keeps_pipes),          TEST(refuses_what_is_no_text), TEST(advises),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
