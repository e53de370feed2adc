/*
 * message.c - the program's one voice on standard error.
 *
 * Lines are made whole in a buffer of fixed size and handed to write(2) at once: the parent and a worker that
 * speak at the same time do not mix their letters, and no stdio buffer is there to be flushed twice after a fork.
 */
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_BYTES = 12288,    /* room for two paths of PATH_MAX and words around them */
    STUCK_MS = 1000,       /* how long to wait for a non-blocking terminal that takes no more */
    WIDTH_UNKNOWN = 80,    /* columns, where the terminal does not tell */
};

static const char program[] = "shmload: ";
static const char wipe[] = "\r\033[K";

static bool is_quiet, is_verbose;
static bool progress_on_screen;
static void (*diverted)(const char *line, size_t bytes);

void message_level(bool quiet, bool verbose)
{
    is_quiet = quiet;
    is_verbose = verbose;
}

static void write_all(const char *text, size_t text_bytes)
{
    while (text_bytes > 0) {
        ssize_t written = write(STDERR_FILENO, text, text_bytes);
        if (written >= 0) {
            text += written;
            text_bytes -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd terminal = {.fd = STDERR_FILENO, .events = POLLOUT};
            if (poll(&terminal, 1, STUCK_MS) <= 0)
                return;
        } else if (errno != EINTR) {
            return;
        }
    }
}

/*
 * Write with SIGPIPE held back and, if ours, taken off again: whoever reads our messages may leave at any time,
 * and the program's own setting of that signal is not changed for it.
 */
static void write_unharmed(const char *text, size_t text_bytes)
{
    const int errno_before = errno;
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    sigprocmask(SIG_BLOCK, &pipe_signal, &before);

    write_all(text, text_bytes);

    if (!sigismember(&pending, SIGPIPE)) {
        const struct timespec at_once = {0};
        while (sigtimedwait(&pipe_signal, NULL, &at_once) < 0 && errno == EINTR)
            ;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = errno_before;
}

static void speak(const char *prefix, const char *format, va_list values)
{
    char raw[LINE_BYTES], line[LINE_BYTES + sizeof wipe + sizeof program + 1];
    int raw_bytes = vsnprintf(raw, sizeof raw, format, values);
    if (raw_bytes < 0)
        return;

    char *to = line;
    if (progress_on_screen)
        to = stpcpy(to, wipe);
    progress_on_screen = false;
    to = stpcpy(to, prefix);
    /* what vsnprintf had to cut is longer than the buffer, so message_printable marks it as cut too */
    size_t text_bytes = (size_t)raw_bytes < sizeof raw ? (size_t)raw_bytes : sizeof raw;
    message_printable(to, LINE_BYTES, raw, text_bytes);
    to += strlen(to);
    *to++ = '\n';
    if (diverted != NULL)
        diverted(line, (size_t)(to - line));
    else
        write_unharmed(line, (size_t)(to - line));
}

void message_divert(void (*take)(const char *line, size_t bytes))
{
    diverted = take;
}

void message_relay(const char *lines, size_t bytes)
{
    if (progress_on_screen)
        write_unharmed(wipe, sizeof wipe - 1);
    progress_on_screen = false;
    write_unharmed(lines, bytes);
}

void message_error(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    speak(program, format, values);
    va_end(values);
}

void message_notice(const char *format, ...)
{
    if (is_quiet)
        return;
    va_list values;
    va_start(values, format);
    speak(program, format, values);
    va_end(values);
}

void message_detail(const char *format, ...)
{
    if (!is_verbose)
        return;
    va_list values;
    va_start(values, format);
    speak(program, format, values);
    va_end(values);
}

void message_place(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    speak("", format, values);
    va_end(values);
}

/*
 * Bytes of the character at 'text' when it is UTF-8 and no control character; 0 when it wants an escape.
 * Source  RFC 3629, section 4: the second byte has a narrower range after E0, ED, F0 and F4
 */
static size_t printable_bytes(const unsigned char *text, size_t text_bytes)
{
    const unsigned char first = text[0];
    if (first < 0x80)
        return first >= ' ' && first != 0x7f ? 1 : 0;

    size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || n > text_bytes)
        return 0;
    unsigned char low = 0x80, high = 0xbf;
    switch (first) {
    case 0xc2: low = 0xa0; break; /* below are the C1 control characters */
    case 0xe0: low = 0xa0; break;
    case 0xed: high = 0x9f; break;
    case 0xf0: low = 0x90; break;
    case 0xf4: high = 0x8f; break;
    default: break;
    }
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    return n;
}

const char *message_printable(char *buffer, size_t buffer_bytes, const char *text, size_t text_bytes)
{
    static const char hex[] = "0123456789abcdef", dots[] = "...";
    const unsigned char *from = (const unsigned char *)text, *end = from + text_bytes;
    const size_t room = buffer_bytes - 1;
    size_t n = 0, n_safe = 0; /* n_safe: where the text can be cut and still leave room for the dots */

    while (from < end) {
        size_t taken = printable_bytes(from, (size_t)(end - from));
        size_t made = taken > 0 ? taken : 4;
        if (made > room - n)
            break;
        if (taken > 0) {
            memcpy(buffer + n, from, taken);
        } else {
            const char escape[4] = {'\\', 'x', hex[*from >> 4], hex[*from & 15]};
            memcpy(buffer + n, escape, sizeof escape);
            taken = 1;
        }
        from += taken;
        n += made;
        if (n + sizeof dots - 1 <= room)
            n_safe = n;
    }
    if (from < end) {
        size_t n_dots = room < sizeof dots - 1 ? room : sizeof dots - 1;
        memcpy(buffer + n_safe, dots, n_dots);
        n = n_safe + n_dots;
    }
    buffer[n] = '\0';
    return buffer;
}

static size_t terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_UNKNOWN;
    return size.ws_col;
}

void message_progress(const char *line)
{
    if (line == NULL && progress_on_screen)
        write_unharmed(wipe, sizeof wipe - 1);
    progress_on_screen = false;
    if (line == NULL || !isatty(STDERR_FILENO))
        return;

    /* One column stays free: a line that fills the last one makes some terminals go to the next. */
    char shown[512];
    size_t columns = terminal_columns();
    size_t shown_bytes = columns < sizeof shown - sizeof wipe ? columns : sizeof shown - sizeof wipe;
    memcpy(shown, wipe, sizeof wipe - 1);
    message_printable(shown + sizeof wipe - 1, shown_bytes, line, strlen(line));
    write_unharmed(shown, strlen(shown));
    progress_on_screen = true;
}
