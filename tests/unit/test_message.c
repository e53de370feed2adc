/*
 * test_message.c - one line at a time, printable whatever is in it, and never a reason to stop.
 */
#define _GNU_SOURCE /* posix_openpt and its kin */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "message.h"

static void check_printable(const char *text, size_t text_bytes, const char *expected)
{
    char buffer[256];

    assert_string_equal(message_printable(buffer, sizeof buffer, text, text_bytes), expected);
}

#define PRINTABLE(text, expected) check_printable(text, sizeof text - 1, expected)

static void printable_keeps_text_and_escapes_the_rest(void **state)
{
    (void)state;
    PRINTABLE("", "");
    PRINTABLE("run7.txt", "run7.txt");
    PRINTABLE("a\\b", "a\\b");
    PRINTABLE("\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f", "\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f");
    PRINTABLE("a\nb\tc\x1b[31m\x7f", "a\\x0ab\\x09c\\x1b[31m\\x7f");
    PRINTABLE("a\0b", "a\\x00b");
    PRINTABLE("caf\xe9", "caf\\xe9");                     /* Latin-1 */
    PRINTABLE("\xc2\x9b" "31m", "\\xc2\\x9b31m");         /* a control sequence in UTF-8 */
    PRINTABLE("\xc0\xaf", "\\xc0\\xaf");                  /* overlong */
    PRINTABLE("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
    PRINTABLE("\xed\xa0\x80", "\\xed\\xa0\\x80");         /* surrogate */
    PRINTABLE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* past U+10FFFF */
    PRINTABLE("\xf0\x9f\x90", "\\xf0\\x9f\\x90");         /* ends too early */
    PRINTABLE("\xe2\x82z", "\\xe2\\x82z");
}

/* Every buffer size: terminated, within the size, dots when cut, no half escape and no half character. */
static void printable_fits_every_buffer(void **state)
{
    static const char text[] = "ab\x01\xc3\xa9\xff" "cd\xe2\x82\xac", whole[] = "ab\\x01\xc3\xa9\\xff" "cd\xe2\x82\xac";
    (void)state;

    for (size_t size = 1; size < sizeof whole + 4; size++) {
        char *buffer = malloc(size), again[64];
        message_printable(buffer, size, text, sizeof text - 1);
        const size_t n = strlen(buffer);
        assert_true(n < size);
        if (size >= sizeof whole) {
            assert_string_equal(buffer, whole);
        } else if (size >= 4) {
            assert_string_equal(buffer + n - 3, "...");
            assert_memory_equal(buffer, whole, n - 3);
            assert_true(n == 3 || (whole[n - 3] & 0xc0) != 0x80);
        }
        assert_string_equal(message_printable(again, sizeof again, buffer, n), buffer);
        free(buffer);
    }
}

static void levels(void **state)
{
    (void)state;
    for (int quiet = 0; quiet < 2; quiet++) {
        for (int verbose = 0; verbose < 2; verbose++) {
            char expected[128];
            struct capture c = capture_start(2);
            message_level(quiet, verbose);
            message_error("cannot %s", "stop");
            message_notice("noticed");
            message_detail("detailed");
            message_place("a.txt:%d: bad", 3);
            char *text = capture_stop(&c);
            snprintf(expected, sizeof expected, "shmload: cannot stop\n%s%sa.txt:3: bad\n",
                     quiet ? "" : "shmload: noticed\n", verbose ? "shmload: detailed\n" : "");
            assert_string_equal(text, expected);
            free(text);
        }
    }
    message_level(false, false);
}

static void one_line_whatever_is_in_it(void **state)
{
    struct capture c = capture_start(2);
    (void)state;

    message_error("%s: gone", "a\nb\x1b[2J\xff");
    char *text = capture_stop(&c);
    assert_string_equal(text, "shmload: a\\x0ab\\x1b[2J\\xff: gone\n");
    free(text);
}

static void a_very_long_line_is_cut(void **state)
{
    static char path[100000];
    struct capture c = capture_start(2);
    (void)state;

    memset(path, '\x01', sizeof path - 1);
    message_error("%s", path);
    char *text = capture_stop(&c);
    const size_t n = strlen(text);
    assert_true(n > 10000 && n < 20000);
    assert_string_equal(text + n - 4, "...\n");
    free(text);
}

static void no_progress_where_there_is_no_terminal(void **state)
{
    struct capture c = capture_start(2);
    (void)state;

    message_progress("42%");
    message_progress(NULL);
    message_error("end");
    char *text = capture_stop(&c);
    assert_string_equal(text, "shmload: end\n");
    free(text);
}

/* On a terminal the line is drawn over, cut to the width, and wiped before a message. */
static void progress_on_a_terminal(void **state)
{
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    char seen[512] = "";
    size_t n = 0;
    (void)state;

    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        skip();
    const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY), before = dup(2);
    assert_true(terminal >= 0);
    dup2(terminal, 2);
    message_progress("42%");
    message_progress("43%");
    message_error("bad");
    message_progress("44%");
    message_progress(NULL);
    message_progress(NULL);
    message_error("end");
    dup2(before, 2);
    close(before);
    while (n < sizeof seen - 1 && strstr(seen, "end\r\n") == NULL) {
        const ssize_t got = read(master, seen + n, sizeof seen - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
        seen[n] = '\0';
    }
    close(terminal);
    close(master);
    assert_string_equal(seen, "\r\033[K42%\r\033[K43%\r\033[Kshmload: bad\r\n\r\033[K44%\r\033[Kshmload: end\r\n");
}

static void nobody_listens(void **state)
{
    int pipes[2];
    sigset_t pending;
    struct sigaction action = {.sa_handler = SIG_DFL}, action_before;
    const int before = dup(2);
    (void)state;

    sigaction(SIGPIPE, &action, &action_before);
    assert_int_equal(pipe(pipes), 0);
    close(pipes[0]);
    dup2(pipes[1], 2);
    close(pipes[1]);
    errno = 1234;
    message_error("is anyone there");
    const int errno_after = errno;
    sigpending(&pending);
    close(2);
    message_error("not even a descriptor");
    dup2(before, 2);
    close(before);
    sigaction(SIGPIPE, &action_before, NULL);
    assert_int_equal(errno_after, 1234);
    assert_false(sigismember(&pending, SIGPIPE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable_keeps_text_and_escapes_the_rest),
        cmocka_unit_test(printable_fits_every_buffer),
        cmocka_unit_test(levels),
        cmocka_unit_test(one_line_whatever_is_in_it),
        cmocka_unit_test(a_very_long_line_is_cut),
        cmocka_unit_test(no_progress_where_there_is_no_terminal),
        cmocka_unit_test(progress_on_a_terminal),
        cmocka_unit_test(nobody_listens),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
