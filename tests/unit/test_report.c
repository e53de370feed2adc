/*
 * test_report.c - failures in words, the account for people and for scripts, and the progress line's arithmetic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "message.h"
#include "progress.h"
#include "report.h"

static char chr[] = "chr", pos[] = "pos", hits[] = "hits", flags[] = "flags", wave[] = "wave";

static struct field fields[] = {
    {.name = chr, .kind = KIND_STRING, .elem_bytes = 10, .n_elems = 1},
    {.name = pos, .kind = KIND_INT, .elem_bytes = 4, .n_elems = 1, .offset = 10},
    {.name = hits, .kind = KIND_FLOAT, .elem_bytes = 8, .n_elems = 1, .big_endian = true, .offset = 14},
    {.name = flags, .kind = KIND_UINT, .elem_bytes = 1, .n_elems = 1, .offset = 22},
    {.name = wave, .kind = KIND_INT, .elem_bytes = 8, .n_elems = 6, .n_dims = 2, .dims = {2, 3}, .offset = 23},
};
static const struct schema schema = {.n_fields = 5, .fields = fields, .row_bytes = 71, .n_columns = 10, .exact = true};
static const struct schema two = {.n_fields = 2, .fields = fields, .row_bytes = 14, .n_columns = 2, .exact = true};

/* ---- failures -------------------------------------------------------------------------------------------------- */

static void check_failure(const struct schema *s, struct failure f, const char *text, const char *expected)
{
    struct capture c = capture_start(2);
    if (text != NULL)
        failure_quote(&f, text, strlen(text));
    report_failure("run7.txt", s, &f);
    char *said = capture_stop(&c);
    assert_true(strlen(said) > 0);
    said[strlen(said) - 1] = '\0';
    assert_string_equal(said, expected);
    free(said);
}

#define FIELD(c, number) (struct failure){.code = (c), .line_no = 17, .column_no = (uint32_t)(number) + 1, .field = (number)}
#define RECORD(c) (struct failure){.code = (c), .line_no = 17, .column_no = 3, .field = -1}
#define INPUT(c, why) (struct failure){.code = (c), .sys_errno = (why), .field = -1}

static void failures_of_fields(void **state)
{
    (void)state;
    check_failure(&schema, FIELD(FAILURE_NOT_INTEGER, 1), "abc", "run7.txt:17:2: field 'pos' (i4): 'abc' is not an integer");
    check_failure(&schema, FIELD(FAILURE_NOT_NUMBER, 2), "1.#INF\x1b",
                  "run7.txt:17:3: field 'hits' (>f8): '1.#INF\\x1b' is not a number");
    check_failure(&schema, FIELD(FAILURE_NOT_INTEGER, 1), "2.0",
                  "run7.txt:17:2: field 'pos' (i4): '2.0' is not an integer; --dtype pos=f8");
    check_failure(&schema, FIELD(FAILURE_NOT_INTEGER, 1), "?",
                  "run7.txt:17:2: field 'pos' (i4): '?' is not an integer; if it stands for a missing value, --na '?'");
    check_failure(&schema, FIELD(FAILURE_NOT_NUMBER, 2), "null",
                  "run7.txt:17:3: field 'hits' (>f8): 'null' is not a number; if it stands for a missing value, --na 'null'");
    check_failure(&schema, FIELD(FAILURE_TOO_LONG, 0), "chrUn_gl000220",
                  "run7.txt:17:1: field 'chr' (S10): 'chrUn_gl000220' has 14 bytes, more than S10 holds; --dtype chr=S14");
    check_failure(&schema, FIELD(FAILURE_TOO_LONG, 0), "chr1 5 6\nchr2",
                  "run7.txt:17:1: field 'chr' (S10): 'chr1 5 6\\x0achr2' has 13 bytes, more than S10 holds; line ends are in "
                  "it: is the quote at its start a stray one?");
    check_failure(&schema, FIELD(FAILURE_MISSING_VALUE, 1), "NA",
                  "run7.txt:17:2: field 'pos' (i4): 'NA' is missing and an integer has no NaN; "
                  "--fill 'pos=VALUE' or --dtype pos=f8");
    check_failure(&schema, FIELD(FAILURE_MISSING_VALUE, 1), "",
                  "run7.txt:17:2: field 'pos' (i4): the value is missing and an integer has no NaN; "
                  "--fill 'pos=VALUE' or --dtype pos=f8");
    check_failure(NULL, FIELD(FAILURE_NOT_INTEGER, 1), "abc", "run7.txt:17:2: 'abc' is not an integer");
    check_failure(&two, FIELD(FAILURE_NOT_INTEGER, 4), "abc", "run7.txt:17:5: 'abc' is not an integer");
}

static void long_and_hostile_texts(void **state)
{
    char text[301], expected[600];
    (void)state;
    memset(text, '\x01', 300);
    text[300] = '\0';
    char *to = expected + sprintf(expected, "run7.txt:17:1: field 'chr' (S10): '");
    for (int i = 0; i < FAILURE_TEXT; i++)
        to += sprintf(to, "\\x01");
    sprintf(to, "...' has 300 bytes, more than S10 holds; --dtype chr=S300");
    check_failure(&schema, FIELD(FAILURE_TOO_LONG, 0), text, expected);
}

static void sentences_fit_their_room(void **state)
{
    static char hostile[] = "a\tb";
    struct field field = fields[1];
    struct schema s = {.n_fields = 1, .fields = &field, .n_columns = 1};
    struct failure f = FIELD(FAILURE_NOT_INTEGER, 0);
    char text[128];
    (void)state;
    field.name = hostile;
    failure_quote(&f, "x\n", 2);
    report_sentence(text, sizeof text, &s, &f);
    assert_string_equal(text, "field 'a\\x09b' (i4): 'x\\x0a' is not an integer");
    report_sentence(text, 12, &s, &f);
    assert_string_equal(text, "field 'a...");

    static char comma[] = "a,b", blank[] = "the b";
    f.code = FAILURE_OUT_OF_RANGE;
    failure_quote(&f, "3000000000", 10);
    field.name = comma;
    report_sentence(text, sizeof text, &s, &f);
    assert_string_equal(text, "field 'a,b' (i4): '3000000000' is out of range; make its type i8 in --dtype");
    field.name = blank;
    report_sentence(text, sizeof text, &s, &f);
    assert_string_equal(text, "field 'the b' (i4): '3000000000' is out of range; --dtype 'the b=i8'");
}

/* Every integer out of range is told a type that holds it. */
static void cures_for_out_of_range(void **state)
{
    static const struct {
        int32_t field;
        const char *text, *cure;
    } cases[] = {
        {1, "2147483648", "pos=i8"}, {1, "-2147483649", "pos=i8"}, {1, "+9223372036854775807", "pos=i8"},
        {1, "9223372036854775808", "pos=u8"}, {1, "18446744073709551615", "pos=u8"},
        {1, "18446744073709551616", "pos=f8"}, {1, "-9223372036854775808", "pos=i8"}, {1, "-9223372036854775809", "pos=f8"},
        {1, "99999999999999999999999", "pos=f8"}, {3, "256", "flags=u2"}, {3, "-1", "flags=i2"}, {3, "-40000", "flags=i4"},
        {3, "65536", "flags=u4"}, {3, "4294967296", "flags=u8"}, {4, "9223372036854775808", "wave=u8"},
    };
    static const char *const types[] = {"S10", "i4", ">f8", "u1", "i8"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "run7.txt:17:%d: field '%s' (%s): '%s' is out of range; --dtype %s",
                 cases[i].field + 1, fields[cases[i].field].name, types[cases[i].field], cases[i].text, cases[i].cure);
        check_failure(&schema, FIELD(FAILURE_OUT_OF_RANGE, cases[i].field), cases[i].text, expected);
    }
}

static void failures_of_records(void **state)
{
    struct failure few = RECORD(FAILURE_TOO_FEW), many = RECORD(FAILURE_TOO_MANY), junk = RECORD(FAILURE_QUOTE_JUNK);
    struct schema some = schema, one = schema;
    (void)state;
    some.exact = false;
    one.n_columns = 1;
    few.text_total = 3;
    many.text_total = 12;
    check_failure(&schema, few, NULL, "run7.txt:17:3: 3 fields where 10 are expected");
    check_failure(&schema, many, NULL, "run7.txt:17:3: 12 fields where 10 are expected");
    check_failure(&one, many, NULL, "run7.txt:17:3: 12 fields where 1 is expected");
    few.text_total = 1;
    check_failure(&some, few, NULL, "run7.txt:17:3: 1 field, fewer than --usecols asks for");
    few.text_total = 0;
    check_failure(NULL, few, NULL, "run7.txt:17:3: too few fields");
    check_failure(&schema, RECORD(FAILURE_NUL), NULL, "run7.txt:17:3: NUL byte: not a text file?");
    check_failure(&schema, RECORD(FAILURE_CR), NULL, "run7.txt:17:3: carriage return inside a line; where lines end in CR alone, as in old Mac files, use "
                  "tr '\\r' '\\n'");
    check_failure(&schema, RECORD(FAILURE_QUOTE_OPEN), NULL,
                  "run7.txt:17:3: the quoted field that begins here is never closed");
    check_failure(&schema, junk, NULL, "run7.txt:17:3: text after a closing quote");
    junk.text_total = 1000;
    check_failure(&schema, junk, NULL, "run7.txt:17:3: text after a closing quote, 1,000 lines below the one that "
                  "opens here: is that a stray quote?");
    check_failure(&schema, RECORD(FAILURE_LINE_LONG), NULL,
                  "run7.txt:17:3: the record is larger than the memory for it; if no quote is left open, give a larger --memory");
}

static void failures_of_inputs(void **state)
{
    (void)state;
    check_failure(NULL, INPUT(FAILURE_OPEN, ENOENT), NULL, "run7.txt: No such file or directory");
    check_failure(NULL, INPUT(FAILURE_READ, EIO), NULL, "run7.txt: read error: Input/output error");
    check_failure(NULL, INPUT(FAILURE_TRUNCATED, 0), NULL, "run7.txt: compressed stream ends too early");
    check_failure(NULL, INPUT(FAILURE_TRUNCATED, 0), "gzip", "run7.txt: gzip stream ends too early");
    check_failure(NULL, (struct failure){.code = FAILURE_TRUNCATED, .byte_offset = 5000000000, .field = -1}, "xz",
                  "run7.txt: xz stream ends too early, behind byte 5000000000: was the file copied whole?");
    check_failure(NULL, INPUT(FAILURE_CORRUPT, 0), "zstd", "run7.txt: zstd stream is damaged");
    check_failure(NULL, (struct failure){.code = FAILURE_BEHIND, .byte_offset = 5000000000, .field = -1}, "gzip",
                  "run7.txt: the gzip data end with byte 5000000000, and other bytes stand behind them: if these may "
                  "be lost, give head -c 5000000000 FILE | shmload NAME=-");
    check_failure(NULL, (struct failure){.code = FAILURE_CORRUPT, .byte_offset = 7, .field = -1}, "gzip",
                  "run7.txt: gzip stream is damaged, at byte 7 or before: copy or make the file anew");
    check_failure(NULL, INPUT(FAILURE_CHANGED, 0), NULL, "run7.txt: file changed while it was read");
    check_failure(NULL, INPUT(FAILURE_MEMORY, 0), NULL, "run7.txt: out of memory; fewer --jobs need less");
    check_failure(NULL, INPUT(FAILURE_LOST, SIGSEGV), NULL,
                  "run7.txt: the worker was killed by signal 11 (Segmentation fault)");
    check_failure(NULL, INPUT(FAILURE_LOST, SIGKILL), NULL,
                  "run7.txt: the worker was killed by signal 9 (Killed); out of memory? give a smaller --memory or --jobs");
    check_failure(NULL, INPUT(FAILURE_LOST, 3 << 8), NULL, "run7.txt: the worker stopped early with status 3");
}

/* No code without words, with and without a field. */
static void every_code_has_a_sentence(void **state)
{
    (void)state;
    for (int code = 0; code <= FAILURE_CODES; code++) {
        for (int32_t field = -1; field < 5; field++) {
            struct failure f = {.code = code, .line_no = 1, .field = field};
            struct capture c = capture_start(2);
            failure_quote(&f, "1e5", 3);
            report_failure("a.txt", &schema, &f);
            char *said = capture_stop(&c);
            assert_memory_equal(said, "a.txt:1: ", 9);
            assert_true(strlen(said) > 16 && strlen(said) < 200);
            assert_null(strstr(said, "(null)"));
            free(said);
        }
    }
}

static void more_failures(void **state)
{
    struct capture c = capture_start(2);
    (void)state;
    report_more_failures("a.txt", 0);
    report_more_failures("a.txt", 1);
    report_more_failures("a.txt", 12345);
    char *said = capture_stop(&c);
    assert_string_equal(said, "a.txt: 1 more bad line\na.txt: 12,345 more bad lines\n");
    free(said);
}

/* ---- accounts -------------------------------------------------------------------------------------------------- */

static struct account plain_account(const char *path, const char *dataset, uint64_t n_rows)
{
    return (struct account){.path = path, .dataset = dataset, .text_bytes = n_rows * 25, .file_bytes = n_rows * 25,
                            .n_lines = n_rows, .n_rows = n_rows, .row_bytes = 14, .schema = &two,
                            .delimiter = "blanks", .codec = "plain"};
}

static struct run_account run_of(const struct account *inputs, size_t n)
{
    return (struct run_account){.n_inputs = n, .inputs = inputs, .output = "out.h5", .output_bytes = 93100000,
                                .seconds = 0.12, .stored = true, .kernel = "scalar", .jobs = 2};
}

static void check_account(const struct run_account *run, bool verbose, const char *expected)
{
    struct capture c = capture_start(2);
    report_account(run, verbose);
    char *said = capture_stop(&c);
    assert_string_equal(said, expected);
    free(said);
}

static void short_account(void **state)
{
    struct account inputs[] = {plain_account("a.txt", "a", 3000000), plain_account("b.txt", "b", 1000000)};
    struct run_account run = run_of(inputs, 2);
    (void)state;
    check_account(&run, false, "shmload: 2 files, 4,000,000 rows, 100.0 MB of text -> out.h5 (93.1 MB) in 0.12 s, 833 MB/s\n");
    run.n_inputs = 1;
    inputs[0] = plain_account("a.txt", "a", 1);
    check_account(&run, false, "shmload: 1 file, 1 row, 25 bytes of text -> out.h5 (93.1 MB) in 0.12 s, 0 MB/s\n");
    run.output = NULL;
    inputs[0] = plain_account("a.txt", "a", 999999999);
    check_account(&run, false, "shmload: 1 file, 999,999,999 rows, 25.00 GB of text in 0.12 s, 208333 MB/s\n");
    message_level(true, false);
    check_account(&run, false, "");
    message_level(false, false);
}

static void account_with_something_to_tell(void **state)
{
    struct account inputs[] = {plain_account("a.txt", "a", 1000), plain_account("b\n.txt", "g/b", 0),
                               plain_account("c.txt", "c", 10), plain_account("d.txt", "d", 10)};
    struct run_account run = run_of(inputs, 4);
    (void)state;
    inputs[0].n_missing = 7;
    inputs[0].n_lines = 1012;
    inputs[0].lines_before = 5;
    inputs[2].n_rejected = 1234;
    inputs[2].n_overflow = 2;
    inputs[3].parsed_twice = true;
    inputs[3].codec = "gzip";
    inputs[3].header = true;
    check_account(&run, false,
                  "shmload: b\\x0a.txt -> /g/b: 0 rows; no records\n"
                  "shmload: c.txt -> /c: 10 rows; 1,234 bad, set aside; 2 beyond range, stored as inf\n"
                  "shmload: d.txt -> /d: 10 rows; parsed twice, the first guess of types did not hold\n"
                  "shmload: 4 files, 1,020 rows stored, 1,234 bad lines set aside, 25.5 kB of text -> out.h5 (93.1 MB) "
                  "in 0.12 s, 0 MB/s\n");
    run.n_inputs = 1;
    check_account(&run, true,
                  "shmload: a.txt -> /a: 1,000 rows, 25.0 kB of text, 1,012 lines (5 above, 7 without a record), blanks, plain; "
                  "7 missing\n"
                  "shmload: 1 file, 1,000 rows, 25.0 kB of text -> out.h5 (93.1 MB) in 0.12 s, 0 MB/s\n");
    run.inputs = inputs + 3;
    check_account(&run, true,
                  "shmload: d.txt -> /d: 10 rows, 250 bytes of text, 10 lines, blanks, gzip, header; parsed twice, "
                  "the first guess of types did not hold\n"
                  "shmload: 1 file, 10 rows, 250 bytes of text -> out.h5 (93.1 MB) in 0.12 s, 0 MB/s\n");
}

static void many_with_something_to_tell(void **state)
{
    struct account inputs[25];
    size_t n_lines = 0;
    (void)state;
    for (size_t i = 0; i < 25; i++)
        inputs[i] = plain_account("a.txt", "a", 0);
    struct run_account run = run_of(inputs, 25);
    struct capture c = capture_start(2);
    report_account(&run, false);
    char *said = capture_stop(&c);
    for (const char *p = said; (p = strchr(p, '\n')) != NULL; p++)
        n_lines++;
    assert_int_equal(n_lines, 12);
    assert_non_null(strstr(said, "shmload: 15 more files with something to tell; -v tells\n"));
    free(said);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static json_t *parsed_json(const struct run_account *run)
{
    struct capture c = capture_start(1);
    const int result = report_json(run);
    char *text = capture_stop(&c);
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    assert_int_equal(result, 0);
    if (json == NULL)
        fail_msg("%s: %s", error.text, text);
    free(text);
    return json;
}

static void json_has_all(void **state)
{
    static const char *const keys[] = {"path", "dataset", "rows", "rejected", "missing", "overflow", "lines", "lines_before",
                                       "lines_other", "text_bytes", "file_bytes", "row_bytes", "dtype", "delimiter", "codec", "header", "parsed_twice"};
    struct account inputs[] = {plain_account("a \xc3\xa9\n\".txt", "a", 1000), plain_account("caf\xe9.txt", "caf\xe9", 5)};
    struct run_account run = run_of(inputs, 2);
    (void)state;
    inputs[0].n_rejected = 3;
    inputs[1].header = true;
    json_t *json = parsed_json(&run), *list = json_object_get(json, "inputs");
    assert_string_equal(json_string_value(json_object_get(json, "version")), "0.1.0");
    assert_string_equal(json_string_value(json_object_get(json, "output")), "out.h5");
    assert_true(json_number_value(json_object_get(json, "seconds")) == 0.12);
    assert_int_equal(json_integer_value(json_object_get(json, "output_bytes")), 93100000);
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(json_object_size(json_array_get(list, i)), 17);
        for (size_t k = 0; k < 17; k++)
            assert_non_null(json_object_get(json_array_get(list, i), keys[k]));
    }
    json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
    assert_string_equal(json_string_value(json_object_get(first, "path")), inputs[0].path);
    assert_string_equal(json_string_value(json_object_get(first, "dtype")), "chr:S10,pos:i4");
    assert_int_equal(json_integer_value(json_object_get(first, "rejected")), 3);
    assert_true(json_is_false(json_object_get(first, "header")) && json_is_true(json_object_get(second, "header")));
    assert_string_equal(json_string_value(json_object_get(second, "path")), "caf\\xe9.txt");
    json_t *totals = json_object_get(json, "totals");
    assert_int_equal(json_integer_value(json_object_get(totals, "rows")), 1005);
    assert_int_equal(json_integer_value(json_object_get(totals, "record_bytes")), 1005 * 14);
    json_decref(json);

    run.output = NULL;
    run.n_inputs = 0;
    json = parsed_json(&run);
    assert_true(json_is_null(json_object_get(json, "output")));
    assert_true(json_is_null(json_object_get(json, "output_bytes")));
    json_decref(json);
}

static void a_full_output_is_an_error(void **state)
{
    struct account input = plain_account("a.txt", "a", 1000);
    struct run_account run = run_of(&input, 1);
    const int full = open("/dev/full", O_WRONLY), before = dup(1);
    (void)state;
    if (full < 0)
        skip();
    fflush(stdout);
    dup2(full, 1);
    const int json = report_json(&run);
    clearerr(stdout);
    const int dry_run = report_dry_run(&run);
    clearerr(stdout);
    dup2(before, 1);
    close(before);
    close(full);
    assert_int_equal(json, -1);
    assert_int_equal(dry_run, -1);
}

/* ---- dry run --------------------------------------------------------------------------------------------------- */

static void dry_run_begins_with_the_dtype(void **state)
{
    static struct schema two_again, one = {.n_fields = 1, .fields = fields, .row_bytes = 10, .n_columns = 1, .exact = true};
    struct account inputs[] = {plain_account("a.txt", "a", 3000), plain_account("b.csv", "b", 20),
                               plain_account("c.txt.gz", "c", 0)};
    struct run_account run = run_of(inputs, 3);
    (void)state;
    two_again = two;
    inputs[1].schema = &one;
    inputs[1].row_bytes = 10;
    inputs[1].delimiter = "comma";
    inputs[1].header = true;
    inputs[2].schema = &two_again; /* another pointer, the same record */
    inputs[2].codec = "gzip";
    run.output = NULL;
    struct capture c = capture_start(1);
    const int result = report_dry_run(&run);
    char *text = capture_stop(&c);
    assert_int_equal(result, 0);
    assert_string_equal(text,
                        "chr:S10,pos:i4\n"
                        "#          rows  bytes of records  delimiter   input -> dataset\n"
                        "#         3,000            42,000  blanks      a.txt -> /a\n"
                        "#             0                 0  blanks      c.txt.gz -> /c, gzip; no records\n"
                        "chr:S10\n"
                        "#          rows  bytes of records  delimiter   input -> dataset\n"
                        "#            20               200  comma       b.csv -> /b, header\n"
                        "# 3 files, 3,020 rows, 42.2 kB of records from 75.5 kB of text\n");
    free(text);
}

static void a_reader_who_has_seen_enough(void **state)
{
    struct account input = plain_account("a.txt", "a", 1000);
    struct run_account run = run_of(&input, 1);
    int pipes[2];
    const int before = dup(1);
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(pipes), 0);
    close(pipes[0]);
    fflush(stdout);
    dup2(pipes[1], 1);
    const int result = report_dry_run(&run);
    clearerr(stdout);
    dup2(before, 1);
    close(before);
    close(pipes[1]);
    assert_int_equal(result, 0);
}

/* ---- progress -------------------------------------------------------------------------------------------------- */

static void check_progress(struct progress p, double elapsed, uint64_t done, size_t n_done, const char *expected)
{
    char line[160];
    assert_string_equal(progress_line(&p, elapsed, done, n_done, line, sizeof line), expected);
}

static void progress_in_words(void **state)
{
    const struct progress p = {.total_bytes = 1000000000, .n_inputs = 40}, pipes = {.n_inputs = 1},
                          verify = {.total_bytes = 1000000000, .doing = "verifying: "};
    (void)state;
    check_progress(p, 2, 250000000, 9, "25%, 125 MB/s, 9 of 40 files, 0:06 left");
    check_progress(p, 1, 0, 0, "0%, 0 MB/s, 0 of 40 files, ?:?? left");
    check_progress(p, 60, 10000000, 1, "1%, 0 MB/s, 1 of 40 files, 1:39:00 left");
    check_progress(p, 1, 1, 0, "0%, 0 MB/s, 0 of 40 files, 99:00:00 left");
    check_progress(p, 3, 1200000000, 40, "100%, 400 MB/s, 40 of 40 files, 0:00 left");
    check_progress(pipes, 2, 250000000, 0, "250.0 MB, 125 MB/s, 0 of 1 file");
    check_progress(verify, 2, 250000000, 0, "verifying: 25%, 125 MB/s, 0:06 left");
}

static void progress_keeps_quiet_without_a_terminal(void **state)
{
    struct progress p;
    struct capture c = capture_start(2);
    (void)state;
    progress_init(&p, 100, 2, false);
    const bool shown = p.shown;
    p.started -= 10;
    progress_show(&p, 50, 1);
    progress_end(&p);
    char *said = capture_stop(&c);
    assert_false(shown);
    assert_string_equal(said, "");
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_of_fields),
        cmocka_unit_test(long_and_hostile_texts),
        cmocka_unit_test(sentences_fit_their_room),
        cmocka_unit_test(cures_for_out_of_range),
        cmocka_unit_test(failures_of_records),
        cmocka_unit_test(failures_of_inputs),
        cmocka_unit_test(every_code_has_a_sentence),
        cmocka_unit_test(more_failures),
        cmocka_unit_test(short_account),
        cmocka_unit_test(account_with_something_to_tell),
        cmocka_unit_test(many_with_something_to_tell),
        cmocka_unit_test(json_has_all),
        cmocka_unit_test(a_full_output_is_an_error),
        cmocka_unit_test(dry_run_begins_with_the_dtype),
        cmocka_unit_test(a_reader_who_has_seen_enough),
        cmocka_unit_test(progress_in_words),
        cmocka_unit_test(progress_keeps_quiet_without_a_terminal),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
