/*
 * misspelt.c - text that people read as a number and no type takes: what is odd about it, and what helps.
 */
#include "misspelt.h"

#include <math.h>
#include <string.h>

#include "convert.h"

enum { LONGEST = 48 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_number(const char *text, size_t text_bytes)
{
    double value;
    bool overflow;

    return text_bytes > 0 && convert_double(text, text_bytes, &value, &overflow) == FAILURE_NONE && isfinite(value);
}

static bool is_limit(const char *text, size_t text_bytes)
{
    size_t n = 1;

    if (*text != '<' && *text != '>')
        return false;
    n += n < text_bytes && text[n] == '=';
    while (n < text_bytes && text[n] == ' ')
        n++;
    return is_number(text + n, text_bytes - n);
}

/* '1,234', '-12,345,678.9' */
static bool is_grouped(const char *text, size_t text_bytes)
{
    const char *end = text + text_bytes;
    size_t n = 0, n_groups = 0;

    text += *text == '-' || *text == '+';
    while (text < end && is_digit(*text) && n <= 3) {
        text++;
        n++;
    }
    if (n == 0 || n > 3)
        return false;
    for (; end - text >= 4 && *text == ',' && is_digit(text[1]) && is_digit(text[2]) && is_digit(text[3]); text += 4)
        n_groups++;
    if (text < end && *text == '.')
        for (text++; text < end && is_digit(*text); text++)
            ;
    return n_groups > 0 && text == end;
}

/* '10.5*' */
static bool is_flagged(const char *text, size_t text_bytes)
{
    size_t n = text_bytes;

    while (n > 0 && (text[n - 1] == '*' || text[n - 1] == '?' || text[n - 1] == '!'))
        n--;
    return n < text_bytes && is_number(text, n);
}

static bool is_thin_space(const char *text, size_t text_bytes)
{
    return text_bytes >= 3 && (memcmp(text, "\xe2\x80\x89", 3) == 0 || memcmp(text, "\xe2\x80\xaf", 3) == 0);
}

/* The text with '-' for U+2212 and without the spaces. *how: which of them there were. Returns its bytes */
static size_t mend(char *mended, const char *text, size_t text_bytes, enum misspelt *how)
{
    size_t n = 0;

    *how = MISSPELT_NOT;
    for (size_t i = 0; i < text_bytes;) {
        if (text_bytes - i >= 3 && memcmp(text + i, "\xe2\x88\x92", 3) == 0) {
            *how = MISSPELT_MINUS;
            mended[n++] = '-';
            i += 3;
        } else if (text_bytes - i >= 2 && memcmp(text + i, "\xc2\xa0", 2) == 0) {
            *how = *how == MISSPELT_MINUS ? *how : MISSPELT_SPACE;
            i += 2;
        } else if (is_thin_space(text + i, text_bytes - i)) {
            *how = *how == MISSPELT_NOT ? MISSPELT_THIN : *how;
            i += 3;
        } else {
            mended[n++] = text[i++];
        }
    }
    return n;
}

enum misspelt misspelt_find(const char *text, size_t text_bytes)
{
    char mended[LONGEST];
    enum misspelt how;
    size_t n;

    if (text_bytes == 0 || text_bytes > LONGEST)
        return MISSPELT_NOT;
    if (is_limit(text, text_bytes))
        return MISSPELT_LIMIT;
    if (is_grouped(text, text_bytes))
        return MISSPELT_GROUPS;
    if (is_flagged(text, text_bytes))
        return MISSPELT_FLAG;
    n = mend(mended, text, text_bytes, &how);
    return how != MISSPELT_NOT && is_number(mended, n) ? how : MISSPELT_NOT;
}

const char *misspelt_cure(enum misspelt how, bool commas_part)
{
    switch (how) {
    case MISSPELT_LIMIT:
        return "if such limits are to be missing, list them by --na 'COLUMN=NA,VALUE,...'";
    case MISSPELT_MINUS:
        return "its minus is U+2212: give sed 's/\xe2\x88\x92/-/g' FILE | shmload NAME=-";
    case MISSPELT_SPACE:
        return "it has a no-break space, U+00A0: give sed 's/\\xc2\\xa0//g' FILE | shmload NAME=-";
    case MISSPELT_THIN:
        return "it has a thin space, U+2009 or U+202F: give sed 's/\\xe2\\x80\\x89//g; s/\\xe2\\x80\\xaf//g' FILE | "
               "shmload NAME=-";
    case MISSPELT_FLAG:
        return "it has a flag behind it: if flags may go, give sed -E 's/([0-9.])[*?!]+/\\1/g' FILE | shmload NAME=-";
    case MISSPELT_GROUPS:
        return commas_part ? "if commas part thousands, write it without them" :
                             "if commas part thousands, give tr -d , <FILE | shmload NAME=-";
    case MISSPELT_NOT:
        break;
    }
    return "";
}
