/*
 * dialect.h - how lines and fields are told apart in an input's text.
 *
 * 1. options fill it, with DELIMITER_AUTO where the text is to decide
 * 2. infer settles the delimiter of each input
 * 3. record and the kernels read it; nobody changes it after the workers start
 */
#ifndef SHMLOAD_DIALECT_H
#define SHMLOAD_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DELIMITER_BLANKS = -1, /* runs of space, tab, VT, FF */
    DELIMITER_AUTO = -2,
    DELIMITER_WIDTHS = -3, /* fixed-width columns */
    MAX_COMMENT_MARKS = 8,
};

struct comment_mark {
    const char *text; /* not empty, terminated */
    size_t bytes;
};

struct dialect {
    int delimiter;     /* one of the above, or a byte 1..255 other than LF, CR and the quote */
    bool hash_comment; /* the default rule: '#' comments at the start of a line or after the last field */
    size_t n_comments; /* marks that end the line wherever they stand outside quotes */
    struct comment_mark comments[MAX_COMMENT_MARKS];
    size_t n_widths;   /* for DELIMITER_WIDTHS */
    const uint32_t *widths; /* bytes per column, each > 0; owner: whoever made the dialect */
};

/* ASCII blank inside a line: space, tab, vertical tab, form feed. */
static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

#endif
