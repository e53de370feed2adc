/*
 * test_inputs.c - which files, under which names, and what is refused before any work.
 *
 * Runs in a directory of its own, made at the start and emptied at the end.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "capture.h"
#include "inputs.h"

static char directory[] = "/tmp/test_inputs.XXXXXX";

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

static void touch(const char *path)
{
    write_text(path, "1 2\n");
}

#define ARGUMENTS(...) .arguments = (const char *[]){__VA_ARGS__}, \
                       .n_arguments = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)
#define OPTIONS(...) &(struct options){__VA_ARGS__}

/* Collected without a word, with these datasets in this order. */
static void check_good(const struct options *o, const char *const *datasets)
{
    struct inputs inputs;
    struct capture c = capture_start(2);
    const int result = inputs_collect(&inputs, o);
    char *said = capture_stop(&c);
    size_t n = 0;

    assert_string_equal(said, "");
    assert_int_equal(result, 0);
    for (; datasets[n] != NULL; n++) {
        assert_true(n < inputs.n);
        assert_string_equal(inputs.input[n].dataset, datasets[n]);
    }
    assert_int_equal(inputs.n, n);
    free(said);
    inputs_release(&inputs);
    inputs_release(&inputs);
}

/* Refused in n_lines lines, the first with 'piece' in it. */
static void check_bad(const struct options *o, size_t n_lines, const char *piece)
{
    struct inputs inputs;
    struct capture c = capture_start(2);
    const int result = inputs_collect(&inputs, o);
    char *said = capture_stop(&c);
    size_t n = 0;

    for (const char *p = said; (p = strchr(p, '\n')) != NULL; p++)
        n++;
    if (strstr(said, piece) == NULL)
        fail_msg("'%s' is not in: %s", piece, said);
    assert_int_equal(result, -1);
    assert_int_equal(n, n_lines);
    free(said);
    inputs_release(&inputs);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void names_come_from_base_names(void **state)
{
    static const struct {
        const char *path, *dataset;
    } cases[] = {
        {"a.b.txt.gz", "a.b"}, {"d/x.txt", "x"}, {"plain", "plain"}, {".hidden", ".hidden"}, {"x.", "x"},
        {"y.csv", "y"}, {".txt.gz", ".txt"}, {"z.gz", "z"}, {".gz", ".gz"}, {"q.tsv.zstd", "q"}, {"r.dat.bz2", "r"},
        {"s.xz", "s"}, {"t.txt.bgz", "t"}, {"u.txt.zst", "u"}, {"v.gz.txt", "v.gz"}, {"k=v.txt", "k=v"},
        {"\xff\x01.txt", "\xff\x01"}, {"w.txt.GZ", "w.txt"}, {".h.txt", ".h"},
    };
    (void)state;
    mkdir("d", 0700);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        touch(cases[i].path);
        check_good(OPTIONS(ARGUMENTS(cases[i].path)), NAMES(cases[i].dataset));
        unlink(cases[i].path);
    }
    touch("..txt");
    check_bad(OPTIONS(ARGUMENTS("..txt")), 1, "..txt: '.' cannot be a dataset name");
    check_good(OPTIONS(ARGUMENTS("n=..txt")), NAMES("n"));
    unlink("..txt");
}

static void paths_without_their_packing(void **state)
{
    (void)state;
    assert_int_equal(inputs_unpacked_bytes("d/x.txt.gz"), 7);
    assert_int_equal(inputs_unpacked_bytes("d/x.txt.zstd"), 7);
    assert_int_equal(inputs_unpacked_bytes("d/x.txt"), 7);
    assert_int_equal(inputs_unpacked_bytes("x.gz.xz"), 4);
    assert_int_equal(inputs_unpacked_bytes("d/.gz"), 5);
    assert_int_equal(inputs_unpacked_bytes("-"), 1);
}

static void names_from_paths_make_groups(void **state)
{
    char absolute[128], expected[128];
    (void)state;
    mkdir("d", 0700);
    mkdir("d/e", 0700);
    touch("d/e/x.txt.gz");
    touch("x.txt");
    snprintf(absolute, sizeof absolute, "%s/x.txt", directory);
    snprintf(expected, sizeof expected, "%s/x", directory + 1);
    check_good(OPTIONS(ARGUMENTS("d/e/x.txt.gz", "x.txt", absolute, "./d//e/./x.txt.gz"), .name_from = NAME_FROM_PATH,
                       .concat = "all"), NAMES("all", "all", "all", "all"));
    check_good(OPTIONS(ARGUMENTS("d/e/x.txt.gz", "x.txt", absolute), .name_from = NAME_FROM_PATH),
               NAMES("d/e/x", "x", expected));
    check_good(OPTIONS(ARGUMENTS(".//d/./e//x.txt.gz", "n/m=x.txt"), .name_from = NAME_FROM_PATH, .group = "g/h"),
               NAMES("g/h/d/e/x", "g/h/n/m"));
    check_bad(OPTIONS(ARGUMENTS("d/../x.txt"), .name_from = NAME_FROM_PATH), 1, "'d/../x' cannot be a dataset name");
    check_bad(OPTIONS(ARGUMENTS("d/e/x.txt.gz", "d/e/../e/x.txt.gz"), .name_from = NAME_FROM_PATH), 1, "'d/e/../e/x'");
}

static void given_names(void **state)
{
    (void)state;
    touch("a.txt");
    touch("b.txt");
    check_good(OPTIONS(ARGUMENTS("first=a.txt", "grp/second=b.txt")), NAMES("first", "grp/second"));
    check_good(OPTIONS(ARGUMENTS("x.y.gz=a.txt")), NAMES("x.y.gz"));
    touch("c=a.txt");
    check_good(OPTIONS(ARGUMENTS("c=a.txt")), NAMES("c=a"));
    check_good(OPTIONS(ARGUMENTS("n=c=a.txt")), NAMES("n"));
    check_bad(OPTIONS(ARGUMENTS("=a.txt")), 1, "'' cannot be a dataset name");
    check_bad(OPTIONS(ARGUMENTS("/g/a=a.txt")), 1, "'/g/a' cannot be");
    check_bad(OPTIONS(ARGUMENTS("g//a=a.txt")), 1, "'g//a' cannot be");
    check_bad(OPTIONS(ARGUMENTS("..=a.txt")), 1, "'..' cannot be");
    check_bad(OPTIONS(ARGUMENTS("n=")), 1, "n=: the path is empty");
    check_bad(OPTIONS(ARGUMENTS("n=nowhere.txt")), 1, "n=nowhere.txt: No such file");
}

static void names_that_collide(void **state)
{
    (void)state;
    mkdir("d", 0700);
    touch("a.txt");
    touch("d/a.csv");
    touch("b.txt");
    check_bad(OPTIONS(ARGUMENTS("a.txt", "b.txt", "d/a.csv")), 1,
              "a.txt and d/a.csv would both be dataset 'a': name one as NAME=PATH, or use --name-from path");
    check_bad(OPTIONS(ARGUMENTS("a.txt", "a.txt", "a.txt")), 2, "a.txt is given twice: leave one out");
    check_good(OPTIONS(ARGUMENTS("a.txt", "d/a.csv"), .name_from = NAME_FROM_PATH), NAMES("a", "d/a"));
    check_good(OPTIONS(ARGUMENTS("a.txt", "a.txt"), .concat = "all", .group = "g"), NAMES("g/all", "g/all"));
    check_bad(OPTIONS(ARGUMENTS("a/b=a.txt", "a!c=b.txt", "a=d/a.csv")), 1,
              "d/a.csv would be dataset 'a', but a.txt needs a group there for 'a/b'");
    check_good(OPTIONS(ARGUMENTS("a/b=a.txt", "a!=b.txt", "ab=d/a.csv")), NAMES("a/b", "a!", "ab"));
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    mkdir("d", 0700);
    touch("a.txt");
    touch("secret.txt");
    chmod("secret.txt", 0);
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    check_bad(OPTIONS(ARGUMENTS("nowhere.txt")), 1, "shmload: nowhere.txt: No such file or directory\n");
    check_bad(OPTIONS(ARGUMENTS("a.txt", "d")), 1, "d: is a directory");
    check_bad(OPTIONS(ARGUMENTS("n=d")), 1, "n=d: is a directory");
    check_bad(OPTIONS(ARGUMENTS("a.txt/")), 1, "a.txt/: Not a directory");
    check_bad(OPTIONS(ARGUMENTS("sock")), 1, "sock: is a socket");
    check_bad(OPTIONS(ARGUMENTS("")), 1, ": the path is empty");
    check_bad(OPTIONS(ARGUMENTS("x", "y", "a.txt", "d")), 3, "x: No such file");
    if (geteuid() != 0)
        check_bad(OPTIONS(ARGUMENTS("secret.txt")), 1, "secret.txt: Permission denied");
    close(listener);
}

static void the_output_is_no_input(void **state)
{
    (void)state;
    touch("a.txt");
    touch("out.h5");
    assert_int_equal(symlink("out.h5", "link.txt"), 0);
    check_bad(OPTIONS(ARGUMENTS("a.txt", "link.txt"), .output = "./out.h5"), 1, "link.txt: is an input and the output");
    check_bad(OPTIONS(ARGUMENTS("a.txt"), .rejects = "a.txt"), 1, "a.txt: is an input and the file for --rejects");
    check_good(OPTIONS(ARGUMENTS("a.txt"), .output = "out.h5", .rejects = "new.tsv"), NAMES("a"));
}

static void what_has_no_size(void **state)
{
    struct inputs inputs;
    (void)state;
    touch("a.txt");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    const int fd = open("/dev/null", O_RDONLY), before = dup(0);
    char word[64];
    snprintf(word, sizeof word, "/dev/fd/%d", fd);
    dup2(fd, 0);
    assert_int_equal(inputs_collect(&inputs, OPTIONS(ARGUMENTS("a.txt", "pipe", word, "-"))), 0);
    assert_int_equal(inputs.n, 4);
    assert_true(inputs.input[0].regular && inputs.input[0].file_bytes == 4);
    for (size_t i = 1; i < 4; i++)
        assert_true(!inputs.input[i].regular && inputs.input[i].file_bytes == 0);
    assert_string_equal(inputs.input[1].dataset, "pipe");
    assert_string_equal(inputs.input[3].dataset, "stdin");
    assert_string_equal(inputs.input[3].path, "-");
    assert_int_equal(inputs.file_bytes, 4);
    inputs_release(&inputs);

    check_good(OPTIONS(ARGUMENTS("n=-")), NAMES("n"));
    check_bad(OPTIONS(ARGUMENTS("-", "n=-")), 1, "n=-: standard input can be read only once");

    struct capture c = capture_start(2); /* first, or its file would become standard input */
    close(0);
    const int result = inputs_collect(&inputs, OPTIONS(ARGUMENTS("-")));
    dup2(before, 0);
    char *said = capture_stop(&c);
    assert_int_equal(result, -1);
    assert_string_equal(said, "shmload: -: standard input is closed\n");
    free(said);
    inputs_release(&inputs);
    close(before);
    close(fd);
}

static void lists(void **state)
{
    (void)state;
    touch("a.txt");
    touch("b.txt");
    touch("c\nd.txt");
    write_text("list", "b.txt\r\n\n\r\nn=a.txt\r\nm=b.txt");
    check_good(OPTIONS(ARGUMENTS("a.txt"), .files_from = "list"), NAMES("a", "b", "n", "m"));
    check_good(OPTIONS(.files_from = "list"), NAMES("b", "n", "m"));
    write_file("nulls", "c\nd.txt\0\0a.txt\0", 15);
    check_good(OPTIONS(.files_from = "nulls", .null_separated = true), NAMES("c\nd", "a"));
    check_bad(OPTIONS(.files_from = "nulls"), 1, "give --null");
    write_text("empty", "\n\r\n");
    check_bad(OPTIONS(.files_from = "empty"), 1, "--files-from empty: no file in it");
    check_good(OPTIONS(ARGUMENTS("a.txt"), .files_from = "empty"), NAMES("a"));
    check_bad(OPTIONS(.files_from = "nowhere"), 1, "--files-from nowhere: No such file");
    check_bad(OPTIONS(.files_from = "."), 1, "--files-from .: Is a directory");

    const int fd = open("list", O_RDONLY), before = dup(0);
    dup2(fd, 0);
    check_good(OPTIONS(.files_from = "-"), NAMES("b", "n", "m"));
    lseek(0, 0, SEEK_SET);
    check_bad(OPTIONS(ARGUMENTS("-"), .files_from = "-"), 1, "standard input has the list");
    dup2(before, 0);
    close(before);
    close(fd);
}

static void many_troubles_are_counted(void **state)
{
    const char *paths[25];
    (void)state;
    for (size_t i = 0; i < 25; i++)
        paths[i] = "nowhere.txt";
    struct capture c = capture_start(2);
    struct inputs inputs;
    assert_int_equal(inputs_collect(&inputs, OPTIONS(.arguments = paths, .n_arguments = 25)), -1);
    char *said = capture_stop(&c);
    assert_non_null(strstr(said, "shmload: 15 more inputs have trouble\n"));
    free(said);
    inputs_release(&inputs);
}

static void many_inputs(void **state)
{
    enum { N = 20000 };
    const char **arguments = malloc(N * sizeof *arguments);
    char *words = malloc(N * 32);
    struct inputs inputs;
    (void)state;
    touch("a.txt");
    for (int i = 0; i < N; i++) {
        snprintf(words + 32 * i, 32, "g%d/n%d=a.txt", i * 7919 % 100, i);
        arguments[i] = words + 32 * i;
    }
    assert_int_equal(inputs_collect(&inputs, OPTIONS(.arguments = arguments, .n_arguments = N)), 0);
    assert_int_equal(inputs.n, N);
    assert_string_equal(inputs.input[N - 1].dataset, "g81/n19999");
    inputs_release(&inputs);
    arguments[17] = "g81/n19999=a.txt";
    check_bad(OPTIONS(.arguments = arguments, .n_arguments = N), 1, "a.txt is given twice");
    free(words);
    free(arguments);
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *where)
{
    (void)s, (void)type, (void)where;
    return remove(path);
}

static int enter_directory(void **state)
{
    char from[sizeof directory];
    (void)state;
    memcpy(from, directory, sizeof directory);
    memcpy(from + sizeof directory - 7, "XXXXXX", 6);
    if (mkdtemp(from) == NULL)
        return -1;
    memcpy(directory, from, sizeof directory);
    return chdir(directory);
}

static int leave_directory(void **state)
{
    (void)state;
    return chdir("/") == 0 ? nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_come_from_base_names), TEST(paths_without_their_packing),  TEST(names_from_paths_make_groups),
        TEST(given_names),
        TEST(names_that_collide),         TEST(files_that_cannot_be_read),    TEST(the_output_is_no_input),
        TEST(what_has_no_size),           TEST(lists),                        TEST(many_troubles_are_counted),
        TEST(many_inputs),
    };
    return cmocka_run_group_tests_name("inputs", tests, NULL, NULL);
}
