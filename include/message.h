/*
 * message.h - the program's one voice on standard error.
 *
 * Lines begin with "shmload: "; the progress line is wiped before anything else is said. Every line goes out by
 * one write(2), with control characters as escapes, so that a hostile path or field cannot speak to the terminal
 * and callers may pass both as they are. A closed or full standard error is nobody's failure: no line is ever
 * the reason to stop, not even by SIGPIPE.
 */
#ifndef SHMLOAD_MESSAGE_H
#define SHMLOAD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Quiet keeps notices back, never errors. Verbose lets details through. */
void message_level(bool quiet, bool verbose);

void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void message_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void message_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line without the "shmload: " in front, such as path:line:column: ...; an error as far as levels go. */
void message_place(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Make any bytes printable in one line: control characters (those of ASCII, and U+0080 to U+009F) and bytes that
 * are not UTF-8 as \xNN, the rest as it is.
 * Range   at most 'buffer_bytes' with the terminator, > 0; "..." where cut, never inside a character or an escape
 * Returns buffer; what is printable already comes out unchanged
 * Source  RFC 3629 for what is UTF-8
 */
const char *message_printable(char *buffer, size_t buffer_bytes, const char *text, size_t text_bytes);

/* Hand every line to 'take' instead, whole and with its line feed; NULL: standard error again. */
void message_divert(void (*take)(const char *line, size_t bytes));

/* Say lines that came from another process, as they are. */
void message_relay(const char *lines, size_t bytes);

/* The progress line: shown on a terminal only, cut to its width; NULL wipes it. */
void message_progress(const char *line);

#endif
