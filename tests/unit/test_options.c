/*
 * test_options.c - command lines to words and numbers, and every wrong one refused in one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "options.h"

enum { MOST_WORDS = 64 };

/* getopt_long(3) moves words about, so each parse gets its own array. */
static enum options_result parse(struct options *o, const char *const *words)
{
    char *argv[MOST_WORDS + 2];
    int argc = 0;
    static char program[] = "shmload";
    static char copies[MOST_WORDS][256];

    argv[argc++] = program;
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc < MOST_WORDS);
        argv[argc] = strcpy(copies[argc], words[argc - 1]);
    }
    argv[argc] = NULL;
    return options_parse(o, argc, argv);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GOOD(o, ...) assert_int_equal(parse(o, WORDS("-o", "out.h5", "in.txt", __VA_ARGS__)), OPTIONS_RUN)

/* Refused in one line that has 'piece' in it and ends with the way to --help. */
static void check_wrong(const char *piece, const char *const *words)
{
    static const char end[] = "; try 'shmload --help'\n";
    struct options o;
    struct capture c = capture_start(2);
    const enum options_result result = parse(&o, words);
    char *said = capture_stop(&c);

    options_release(&o);
    options_release(&o);
    if (strstr(said, piece) == NULL)
        fail_msg("'%s' is not in: %s", piece, said);
    assert_int_equal(result, OPTIONS_WRONG);
    assert_memory_equal(said, "shmload: ", 9);
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    assert_true(strlen(said) > sizeof end && strcmp(said + strlen(said) - sizeof end + 1, end) == 0);
    free(said);
}

#define WRONG(piece, ...) check_wrong(piece, WORDS("-o", "out.h5", "in.txt", __VA_ARGS__))

static void plain_run_has_the_defaults(void **state)
{
    struct options o;
    (void)state;

    assert_int_equal(parse(&o, WORDS("a.txt", "-o", "out.h5", "n=b.txt", "-")), OPTIONS_RUN);
    assert_int_equal(o.n_arguments, 3);
    assert_string_equal(o.arguments[0], "a.txt");
    assert_string_equal(o.arguments[1], "n=b.txt");
    assert_string_equal(o.arguments[2], "-");
    assert_string_equal(o.output, "out.h5");
    assert_int_equal(o.delimiter, DELIMITER_AUTO);
    assert_int_equal(o.header, HEADER_AUTO);
    assert_int_equal(o.layout, LAYOUT_AUTO);
    assert_int_equal(o.name_from, NAME_FROM_BASE);
    assert_true(o.max_errors_percent < 0 && !o.max_errors_given);
    assert_true(!o.force && !o.dry_run && !o.json && !o.quiet && !o.verbose && !o.comments_given);
    assert_true(o.jobs == 0 && o.memory_bytes == 0 && o.slice_bytes == 0);
    assert_null(o.dtype);
    assert_null(o.group);
    options_release(&o);
}

static void every_option_finds_its_place(void **state)
{
    struct options o;
    (void)state;

    GOOD(&o, "-f", "-T", "list", "-0", "-t", "a:i4,b:f4", "-d", ",", "--comment", "%", "--comment=//", "--header", "no",
         "--skip-lines", "3", "--skip-footer=1", "--names", "a,b", "--usecols", "-1,0,name", "--na", "NA,.",
         "--na", "pct=-9999.0", "--fill", "pos=-1", "--fill=0", "--max-errors", "7", "--rejects", "bad.tsv", "-g", "/g/h/",
         "--name-from", "path", "--layout", "chunked", "--concat", "all", "-j", "12", "--memory", "1.5G", "--slice", "1M",
         "-n", "--json", "-v");
    assert_true(o.force && o.null_separated && o.dry_run && o.json && o.verbose && o.max_errors_given);
    assert_string_equal(o.files_from, "list");
    assert_string_equal(o.dtype, "a:i4,b:f4");
    assert_null(o.dtype_override);
    assert_int_equal(o.delimiter, ',');
    assert_int_equal(o.n_comments, 2);
    assert_string_equal(o.comments[1].text, "//");
    assert_int_equal(o.comments[1].bytes, 2);
    assert_int_equal(o.header, HEADER_NO);
    assert_int_equal(o.skip_lines, 3);
    assert_int_equal(o.skip_footer, 1);
    assert_string_equal(o.names, "a,b");
    assert_string_equal(o.usecols, "-1,0,name");
    assert_int_equal(o.n_na, 2);
    assert_null(o.na[0].column);
    assert_string_equal(o.na[0].text, "NA,.");
    assert_string_equal(o.na[1].column, "pct");
    assert_string_equal(o.na[1].text, "-9999.0");
    assert_int_equal(o.n_fill, 2);
    assert_string_equal(o.fill[0].column, "pos");
    assert_string_equal(o.fill[0].text, "-1");
    assert_null(o.fill[1].column);
    assert_int_equal(o.max_errors, 7);
    assert_string_equal(o.rejects, "bad.tsv");
    assert_string_equal(o.group, "g/h");
    assert_int_equal(o.name_from, NAME_FROM_PATH);
    assert_int_equal(o.layout, LAYOUT_CHUNKED);
    assert_string_equal(o.concat, "all");
    assert_int_equal(o.jobs, 12);
    assert_int_equal(o.memory_bytes, UINT64_C(3) << 29);
    assert_int_equal(o.slice_bytes, 1 << 20);
    options_release(&o);
}

static void delimiters(void **state)
{
    static const struct {
        const char *text;
        int delimiter;
    } good[] = {{"auto", DELIMITER_AUTO}, {"blanks", DELIMITER_BLANKS}, {"space", DELIMITER_BLANKS},
                {"whitespace", DELIMITER_BLANKS}, {"tab", '\t'}, {"\\t", '\t'}, {"\t", '\t'}, {"comma", ','}, {",", ','},
                {"semicolon", ';'}, {"pipe", '|'}, {"|", '|'}, {" ", ' '}, {"\xa7", 0xa7}, {"\x1f", 0x1f}};
    struct options o;
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        GOOD(&o, "-d", good[i].text);
        assert_int_equal(o.delimiter, good[i].delimiter);
        options_release(&o);
    }
    WRONG("one byte, not ''", "-d", "");
    WRONG("one byte, not ',,'", "-d", ",,");
    WRONG("one byte, not '\xc2\xa7'", "-d", "\xc2\xa7");
    WRONG("line end or a quote", "-d", "\n");
    WRONG("line end or a quote", "-d", "\r");
    WRONG("line end or a quote", "-d", "\"");
}

static void widths(void **state)
{
    struct options o;
    (void)state;

    GOOD(&o, "--widths", "11,4,2,8");
    assert_int_equal(o.delimiter, DELIMITER_WIDTHS);
    assert_int_equal(o.n_widths, 4);
    assert_int_equal(o.widths[0], 11);
    assert_int_equal(o.widths[3], 8);
    options_release(&o);
    GOOD(&o, "--widths", "1,2", "--widths", "7");
    assert_int_equal(o.n_widths, 1);
    assert_int_equal(o.widths[0], 7);
    options_release(&o);
    WRONG("not ''", "--widths", "");
    WRONG("not '3,0'", "--widths", "3,0");
    WRONG("not '3,'", "--widths", "3,");
    WRONG("not ',3'", "--widths", ",3");
    WRONG("not '3,,4'", "--widths", "3,,4");
    WRONG("not '3.,4'", "--widths", "3.,4");
    WRONG("not '-3'", "--widths", "-3");
    WRONG("not '4294967296'", "--widths", "4294967296");
}

static void comments(void **state)
{
    struct options o;
    (void)state;

    GOOD(&o, "--comment", "");
    assert_true(o.comments_given && o.n_comments == 0);
    options_release(&o);
    GOOD(&o, "--comment", "a", "--comment", "", "--comment", "b");
    assert_int_equal(o.n_comments, 1);
    assert_string_equal(o.comments[0].text, "b");
    options_release(&o);
    WRONG("line end", "--comment", "a\nb");
    WRONG("more than 8", "--comment=1", "--comment=2", "--comment=3", "--comment=4", "--comment=5", "--comment=6",
          "--comment=7", "--comment=8", "--comment=9");
}

static void sizes_and_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1M", 1 << 20}, {"1048576", 1 << 20}, {"1m", 1 << 20}, {"1MB", 1 << 20}, {"1MiB", 1 << 20},
                {"1024K", 1 << 20}, {"2097152B", 2 << 20}, {"1.5G", UINT64_C(3) << 29}, 
                {"4T", UINT64_C(4) << 40}, {"2.000001M", (2 << 20) + 1}};
    struct options o;
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        GOOD(&o, "--slice", good[i].text);
        assert_int_equal(o.slice_bytes, good[i].bytes);
        options_release(&o);
    }
    WRONG("not '1X'", "--memory", "1X");
    WRONG("not '1MM'", "--memory", "1MM");
    WRONG("not ''", "--memory", "");
    WRONG("not '-1M'", "--memory", "-1M");
    WRONG("not '99999999999999999999'", "--memory", "99999999999999999999");
    WRONG("not '17179869184G'", "--memory", "17179869184G"); /* 2^64 bytes */
    WRONG("too small", "--slice", "1023K");
    WRONG("too small", "--slice", "0");
    WRONG("give 24M or more", "--memory", "1M");
    WRONG("give 24M or more", "--memory", "23.9M");
    GOOD(&o, "--memory", "24M");
    assert_int_equal(o.memory_bytes, 24 << 20);
    options_release(&o);
    WRONG("1 to 4096, not '0'", "-j", "0");
    WRONG("1 to 4096, not '4097'", "-j4097");
    WRONG("1 to 4096, not '2x'", "-j2x");
    WRONG("1 to 4096, not ' 2'", "-j 2");
    WRONG("not '-1'", "--skip-lines", "-1");
    WRONG("not '1.0'", "--skip-lines", "1.0");
    WRONG("not '18446744073709551616'", "--skip-lines", "18446744073709551616");
    GOOD(&o, "--skip-lines", "18446744073709551615");
    assert_true(o.skip_lines == UINT64_MAX);
    options_release(&o);
}

static void max_errors(void **state)
{
    struct options o;
    (void)state;

    GOOD(&o, "--max-errors", "0.5%");
    assert_true(o.max_errors_given && o.max_errors_percent == 0.5);
    options_release(&o);
    GOOD(&o, "--max-errors", "100%");
    assert_true(o.max_errors_percent == 100.0);
    options_release(&o);
    GOOD(&o, "--max-errors", "3%", "--max-errors", "20");
    assert_true(o.max_errors_percent < 0 && o.max_errors == 20);
    options_release(&o);
    WRONG("not '100.1%'", "--max-errors", "100.1%");
    WRONG("not '1.5'", "--max-errors", "1.5");
    WRONG("not '%'", "--max-errors", "%");
    WRONG("not 'x'", "--max-errors", "x");
    WRONG("--rejects needs --max-errors", "--rejects", "bad.tsv");
}

static void dtypes(void **state)
{
    static const char *const whole[] = {"a:i4", "i4,=f4", "=i4,f8", "a:=i4", "(3)f4", "(3)=f4", "[('a','=i4'),('b','<f4')]",
                                        " [('a','<i4')]"};
    static const char *const partial[] = {"pos=i8", "pos=i8,pct=f4", " pos=i8", "pos==i8", "x=(3)f4"};
    struct options o;
    (void)state;

    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        GOOD(&o, "-t", whole[i]);
        assert_string_equal(o.dtype, whole[i]);
        assert_null(o.dtype_override);
        options_release(&o);
    }
    for (size_t i = 0; i < sizeof partial / sizeof *partial; i++) {
        GOOD(&o, "-t", partial[i]);
        assert_string_equal(o.dtype_override, partial[i]);
        assert_null(o.dtype);
        options_release(&o);
    }
    GOOD(&o, "-t", "pos=i8", "-t", "pct=f4", "-t", "c=S3");
    assert_string_equal(o.dtype_override, "pos=i8\npct=f4\nc=S3");
    options_release(&o);
    GOOD(&o, "-t", "a:i4", "-t", "a:i8");
    assert_string_equal(o.dtype, "a:i8");
    options_release(&o);
    WRONG("empty", "-t", "");
    GOOD(&o, "-t", "a:i4", "-t", "a=i8");
    assert_string_equal(o.dtype, "a:i4");
    assert_string_equal(o.dtype_override, "a=i8");
    options_release(&o);
}

static void dtype_files(void **state)
{
    char path[] = "/tmp/test_options.XXXXXX", word[64];
    const int fd = mkstemp(path);
    struct options o;
    (void)state;

    assert_true(fd >= 0);
    snprintf(word, sizeof word, "@%s", path);
    static const char list[] = " [('a','<i4'),\r\n ('b','<f4')]\n\n";
    assert_int_equal(write(fd, list, sizeof list - 1), sizeof list - 1);
    GOOD(&o, "-t", word);
    assert_string_equal(o.dtype, list);
    options_release(&o);

    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, "# what we store\na:i4\n", 21, 0), 21);
    GOOD(&o, "-t", word);
    assert_string_equal(o.dtype, "# what we store\na:i4\n");
    options_release(&o);

    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, "pos=i8\n", 7, 0), 7);
    GOOD(&o, "-t", word);
    assert_string_equal(o.dtype_override, "pos=i8\n");
    options_release(&o);

    assert_int_equal(ftruncate(fd, 0), 0);
    WRONG("empty", "-t", word);
    assert_int_equal(pwrite(fd, "a\0b", 3, 0), 3);
    WRONG("NUL", "-t", word);
    close(fd);
    unlink(path);
    WRONG("No such file", "-t", word);
    WRONG("standard input", "-t", "@-");
    WRONG("directory", "-t", "@/tmp");
}

static void settings_by_column(void **state)
{
    struct options o;
    (void)state;

    GOOD(&o, "--na", "", "--na", "=a=b", "--na", "x y=NA,.", "--na", "c=", "--fill", "c=a=b");
    assert_int_equal(o.n_na, 4);
    assert_true(o.na[0].column == NULL && strcmp(o.na[0].text, "") == 0);
    assert_true(o.na[1].column == NULL && strcmp(o.na[1].text, "a=b") == 0);
    assert_string_equal(o.na[2].column, "x y");
    assert_true(strcmp(o.na[3].column, "c") == 0 && strcmp(o.na[3].text, "") == 0);
    assert_true(strcmp(o.fill[0].column, "c") == 0 && strcmp(o.fill[0].text, "a=b") == 0);
    options_release(&o);
    WRONG("COLUMN=VALUE", "--fill", "");
    WRONG("COLUMN=VALUE", "--fill", "c=");
}

static void names_in_the_file(void **state)
{
    struct options o;
    (void)state;

    GOOD(&o, "-g", "/");
    assert_null(o.group);
    options_release(&o);
    GOOD(&o, "-g", "x", "--concat", "/y/z");
    assert_string_equal(o.group, "x");
    assert_string_equal(o.concat, "y/z");
    options_release(&o);
    WRONG("'a//b' cannot", "-g", "a//b");
    WRONG("'a/../b' cannot", "-g", "a/../b");
    WRONG("'.' cannot", "-g", ".");
    WRONG("'' cannot", "-g", "");
    WRONG("'/' cannot", "--concat", "/");

    static const char *const good[] = {"a", "a/b", "...", ".a", "a/..b", "\xff\x01"};
    static const char *const bad[] = {"", "/", "a/", "/a", "a//b", ".", "..", "a/.", "./a", "a/../b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(options_is_dataset_path(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(options_is_dataset_path(bad[i], strlen(bad[i])));
}

static void contradictions(void **state)
{
    struct options o;
    (void)state;

    check_wrong("no input", WORDS("-o", "out.h5"));
    check_wrong("no output", WORDS("in.txt"));
    check_wrong("standard output", WORDS("in.txt", "-o", "-"));
    check_wrong("--output wants FILE", WORDS("in.txt", "-o", ""));
    WRONG("--quiet and --verbose", "-qv");
    WRONG("--null is about", "-0");
    WRONG("--widths and --delimiter", "--widths", "3", "-d", ",");
    WRONG("are one file", "--rejects", "out.h5", "--max-errors", "1");
    WRONG("--names wants", "--names", "a,,b");
    WRONG("--usecols wants", "--usecols", ",1");

    assert_int_equal(parse(&o, WORDS("-n", "in.txt")), OPTIONS_RUN);
    options_release(&o);
    assert_int_equal(parse(&o, WORDS("-n", "--json", "-T", "-")), OPTIONS_RUN);
    options_release(&o);
    GOOD(&o, "--names", "a,b", "--header", "yes");
    options_release(&o);
}

static void words_that_are_no_options(void **state)
{
    struct options o;
    (void)state;

    WRONG("unknown option '-Z'", "-Z");
    WRONG("unknown option '-Z'", "-fZn");
    WRONG("unknown option '--foo'", "--foo");
    WRONG("unknown option '--foo=3'", "--foo=3");
    WRONG("may be --skip-lines or --skip-footer", "--skip", "3");
    WRONG("--force takes no argument", "--force=yes");
    WRONG("--jobs wants N", "--jobs");
    WRONG("--jobs wants N", "-j");
    WRONG("--header wants auto|yes|no, not 'ye'", "--header", "ye");
    WRONG("--header wants auto|yes|no, not ''", "--header", "");
    WRONG("--header wants auto|yes|no, not 'auto|yes'", "--header", "auto|yes");

    assert_int_equal(parse(&o, WORDS("-o", "out.h5", "--", "-f", "--json")), OPTIONS_RUN);
    assert_true(!o.force && !o.json && o.n_arguments == 2);
    assert_string_equal(o.arguments[0], "-f");
    options_release(&o);
    GOOD(&o, "--verb"); /* short for --verbose */
    assert_true(o.verbose);
    options_release(&o);
}

static void help_fits_the_screen(void **state)
{
    struct options o;
    struct capture c = capture_start(1);
    size_t n_lines = 0;
    (void)state;

    const enum options_result result = parse(&o, WORDS("--help"));
    char *text = capture_stop(&c);
    options_release(&o);
    assert_int_equal(result, OPTIONS_DONE);
    for (char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1, n_lines++)
        assert_in_range(strcspn(line, "\n"), 0, 79);
    assert_in_range(n_lines, 30, 72);
    assert_non_null(strstr(text, "any one byte [auto]"));
    assert_non_null(strstr(text, "by path [base]"));
    assert_non_null(strstr(text, "at the start [0]"));
    assert_non_null(strstr(text, "-V, --version"));
    free(text);
}

static void version_names_what_it_is_made_of(void **state)
{
    struct options o;
    (void)state;

    unsetenv("SHMLOAD_KERNEL");
    struct capture c = capture_start(1);
    enum options_result result = parse(&o, WORDS("-V"));
    char *text = capture_stop(&c);
    assert_int_equal(result, OPTIONS_DONE);
    assert_memory_equal(text, "shmload " SHMLOAD_VERSION "\nHDF5 1.", 15);
    assert_non_null(strstr(text, "\nkernel "));
    assert_null(strstr(text, "kernel none"));
    free(text);
    options_release(&o);

    setenv("SHMLOAD_KERNEL", "abacus", 1);
    c = capture_start(1);
    result = parse(&o, WORDS("-V"));
    text = capture_stop(&c);
    assert_int_equal(result, OPTIONS_DONE);
    assert_non_null(strstr(text, "kernel none: SHMLOAD_KERNEL=abacus"));
    free(text);
    options_release(&o);
    unsetenv("SHMLOAD_KERNEL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_run_has_the_defaults),
        cmocka_unit_test(every_option_finds_its_place),
        cmocka_unit_test(delimiters),
        cmocka_unit_test(widths),
        cmocka_unit_test(comments),
        cmocka_unit_test(sizes_and_numbers),
        cmocka_unit_test(max_errors),
        cmocka_unit_test(dtypes),
        cmocka_unit_test(dtype_files),
        cmocka_unit_test(settings_by_column),
        cmocka_unit_test(names_in_the_file),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(words_that_are_no_options),
        cmocka_unit_test(help_fits_the_screen),
        cmocka_unit_test(version_names_what_it_is_made_of),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
