/*
 * convert.c - the text of one field to one value, exactly; the only place that decides what is an error.
 */
#include "convert.h"

#include <assert.h>
#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "decimal.h"
#include "dialect.h"
#include "digits.h"
#include "float_parse.h"

struct span {
    const char *text;
    size_t bytes;
};

static inline struct span trimmed(const char *text, size_t text_bytes)
{
    const char *end = text + text_bytes;
    while (text < end && is_blank(*text))
        text++;
    while (end > text && is_blank(end[-1]))
        end--;
    return (struct span){text, (size_t)(end - text)};
}

int convert_integer(const char *text, size_t text_bytes, bool *negative, uint64_t *magnitude)
{
    const char *p = text, *end = text + text_bytes;
    *negative = sign_pass(&p, end);
    if (p == end)
        return FAILURE_NOT_INTEGER;

    const char *first = p;
    *magnitude = 0;
    if (digits_pass(text, p, end, magnitude) != end)
        return FAILURE_NOT_INTEGER;
    if (end - first <= DECIMAL_DIGITS)
        return FAILURE_NONE;

    while (first < end && *first == '0')
        first++;
    if (end - first <= DECIMAL_DIGITS)
        return FAILURE_NONE;
    /* Twenty digits end below 2 * 10^19, and wrap to less than 10^19 when they pass 2^64. */
    if (end - first > DECIMAL_DIGITS + 1 || *first > '1' || *magnitude < UINT64_C(10000000000000000000))
        return FAILURE_OUT_OF_RANGE;
    return FAILURE_NONE;
}

/* Case ignored in ASCII only; word is in lower case. */
static bool is_word(const char *text, const char *end, const char *word)
{
    while (text < end && *word != '\0' && (*text | 0x20) == *word) {
        text++;
        word++;
    }
    return text == end && *word == '\0';
}

/* [+-]? inf, infinity or nan. */
static int convert_special(const char *text, size_t text_bytes, double *value)
{
    const char *end = text + text_bytes;
    bool negative = sign_pass(&text, end);
    if (is_word(text, end, "nan"))
        *value = (double)NAN;
    else if (is_word(text, end, "inf") || is_word(text, end, "infinity"))
        *value = (double)INFINITY;
    else
        return FAILURE_NOT_NUMBER;
    *value = copysign(*value, negative ? -1 : 1);
    return FAILURE_NONE;
}

int convert_double(const char *text, size_t text_bytes, double *value, bool *overflow)
{
    struct decimal d;
    *overflow = false;
    if (!decimal_scan(&d, text, text_bytes))
        return convert_special(text, text_bytes, value);
    *value = decimal_double(&d);
    *overflow = isinf(*value);
    return FAILURE_NONE;
}

int convert_float(const char *text, size_t text_bytes, float *value, bool *overflow)
{
    struct decimal d;
    *overflow = false;
    if (!decimal_scan(&d, text, text_bytes)) {
        double special;
        int code = convert_special(text, text_bytes, &special);
        if (code == FAILURE_NONE)
            *value = (float)special; /* inf and nan stay, with their sign */
        return code;
    }
    *value = decimal_float(&d);
    *overflow = isinf(*value);
    return FAILURE_NONE;
}

static bool is_missing_text(const struct missing *m, struct span s)
{
    if (s.bytes == 0 && m->empty)
        return true;
    for (size_t i = 0; i < m->n_tokens; i++) {
        struct span token = trimmed(m->tokens[i].text, m->tokens[i].bytes);
        if (token.bytes == s.bytes && memcmp(token.text, s.text, s.bytes) == 0)
            return true;
    }
    return false;
}

/* NaN equals nothing, so a nan token matches by its text only. */
static bool is_missing_double(const struct missing *m, double value)
{
    for (size_t i = 0; i < m->n_tokens; i++)
        if (m->tokens[i].is_number && m->tokens[i].value == value)
            return true;
    return false;
}

/* A double cannot tell all 64-bit integers apart, so tokens that are integers are compared as such. */
static bool is_missing_integer(const struct missing *m, bool negative, uint64_t magnitude)
{
    for (size_t i = 0; i < m->n_tokens; i++) {
        const struct missing_token *token = &m->tokens[i];
        if (!token->is_number)
            continue;
        struct span s = trimmed(token->text, token->bytes);
        bool token_negative = signbit(token->value);
        uint64_t token_magnitude;
        if (convert_integer(s.text, s.bytes, &token_negative, &token_magnitude) != FAILURE_NONE) {
            double size = fabs(token->value);
            if (!(size < 0x1p64) || size != floor(size))
                continue;
            token_negative = signbit(token->value);
            token_magnitude = (uint64_t)size;
        }
        if (magnitude == token_magnitude && (negative == token_negative || magnitude == 0))
            return true;
    }
    return false;
}

/* A finite decimal beyond range is no missing value just because some token is inf. */
static bool is_missing_number(const struct missing *m, struct span s)
{
    double value;
    bool overflow;
    return convert_double(s.text, s.bytes, &value, &overflow) == FAILURE_NONE && !overflow
           && is_missing_double(m, value);
}

bool convert_is_missing(const struct missing *m, enum kind kind, const char *text, size_t text_bytes)
{
    struct span s = trimmed(text, text_bytes);
    if (is_missing_text(m, s))
        return true;
    if (!m->has_numbers || (kind != KIND_INT && kind != KIND_UINT && kind != KIND_FLOAT))
        return false;
    bool negative;
    uint64_t magnitude;
    if (kind != KIND_FLOAT && convert_integer(s.text, s.bytes, &negative, &magnitude) == FAILURE_NONE)
        return is_missing_integer(m, negative, magnitude);
    return is_missing_number(m, s);
}

/* The lowest 'bytes' bytes of bits, in the file's byte order. */
static void store_bits(unsigned char *place, uint64_t bits, uint32_t bytes, bool big_endian)
{
    bits = big_endian ? htobe64(bits << (64 - 8 * bytes)) : htole64(bits);
    switch (bytes) {
    case 1: memcpy(place, &bits, 1); break;
    case 2: memcpy(place, &bits, 2); break;
    case 4: memcpy(place, &bits, 4); break;
    case 8: memcpy(place, &bits, 8); break;
    default: assert(false); /* the schema has no other widths */
    }
}

static int store_string(unsigned char *place, uint32_t bytes, const char *text, size_t text_bytes)
{
    if (text_bytes > 0 && memchr(text, '\0', text_bytes) != NULL)
        return FAILURE_NUL;
    if (text_bytes > bytes)
        return FAILURE_TOO_LONG;
    if (text_bytes > 0)
        memcpy(place, text, text_bytes);
    memset(place + text_bytes, 0, bytes - text_bytes);
    return FAILURE_NONE;
}

static bool integer_fits(const struct cell *cell, bool negative, uint64_t magnitude)
{
    uint64_t largest = UINT64_MAX >> (64 - 8 * cell->bytes);
    if (cell->kind == KIND_UINT)
        return magnitude <= largest && (!negative || magnitude == 0);
    return magnitude <= (largest >> 1) + negative;
}

static int store_integer(const struct cell *cell, struct span s, unsigned char *place, struct convert_tally *tally)
{
    const struct missing *m = cell->missing;
    bool is_missing = m != NULL && convert_is_missing(m, cell->kind, s.text, s.bytes);
    if (is_missing && m->has_fill) {
        memcpy(place, m->fill, cell->bytes);
        tally->n_missing++;
        return FAILURE_NONE;
    }
    bool negative;
    uint64_t magnitude;
    int code = convert_integer(s.text, s.bytes, &negative, &magnitude);
    if (code == FAILURE_NOT_INTEGER && is_missing)
        return FAILURE_MISSING_VALUE;
    if (code != FAILURE_NONE)
        return code;
    if (!integer_fits(cell, negative, magnitude))
        return FAILURE_OUT_OF_RANGE;
    store_bits(place, negative ? -magnitude : magnitude, cell->bytes, cell->swap);
    tally->n_missing += is_missing;
    return FAILURE_NONE;
}

enum { FORTRAN_DIGITS = 3 }; /* of a letterless exponent: Fortran drops the letter when it needs the room */

bool convert_is_likely(const char *text, size_t text_bytes)
{
    for (size_t i = 1; i < text_bytes; i++)
        if ((text[i] == '-' || text[i] == '+') && (is_digit(text[i - 1]) || text[i - 1] == '.'))
            return text_bytes - i - 1 == FORTRAN_DIGITS;
    return true;
}

/*
 * True when the text is an integer, and the double with these bits, to which it rounds, another one.
 * Source  printf(3): %.0f gives all digits of a double, and no decimal point that a locale could change
 */
static bool is_rounded_integer(struct span s, uint64_t bits)
{
    char exact[DBL_MAX_10_EXP + 3];
    const char *end = s.text + s.bytes;
    uint64_t magnitude;
    bool negative;
    double size;

    memcpy(&size, &bits, sizeof size);
    size = fabs(size);
    if (size < 0x1p53)
        return false;
    switch (convert_integer(s.text, s.bytes, &negative, &magnitude)) {
    case FAILURE_NONE: return size >= 0x1p64 || (uint64_t)size != magnitude;
    case FAILURE_OUT_OF_RANGE: break;
    default: return false;
    }
    (void)sign_pass(&s.text, end);
    while (*s.text == '0')
        s.text++;
    (void)snprintf(exact, sizeof exact, "%.0f", size);
    return strlen(exact) != (size_t)(end - s.text) || memcmp(exact, s.text, (size_t)(end - s.text)) != 0;
}

/* The text as the bits of the column's own float. */
static int convert_float_bits(const struct cell *cell, struct span s, uint64_t *bits, bool *overflow)
{
    if (cell->bytes == sizeof(double)) {
        double value;
        int code = convert_double(s.text, s.bytes, &value, overflow);
        if (code == FAILURE_NONE)
            memcpy(bits, &value, sizeof value);
        return code;
    }
    assert(cell->bytes == sizeof(float));
    float value;
    int code = convert_float(s.text, s.bytes, &value, overflow);
    if (code == FAILURE_NONE) {
        uint32_t word;
        memcpy(&word, &value, sizeof word);
        *bits = word;
    }
    return code;
}

static int store_float(const struct cell *cell, struct span s, unsigned char *place, struct convert_tally *tally)
{
    const struct missing *m = cell->missing;
    if (m != NULL && convert_is_missing(m, KIND_FLOAT, s.text, s.bytes)) {
        uint64_t quiet_nan = cell->bytes == sizeof(double) ? UINT64_C(0x7ff8) << 48 : UINT64_C(0x7fc0) << 16;
        if (m->has_fill)
            memcpy(place, m->fill, cell->bytes);
        else
            store_bits(place, quiet_nan, cell->bytes, cell->swap);
        tally->n_missing++;
        return FAILURE_NONE;
    }
    uint64_t bits;
    bool overflow;
    int code = convert_float_bits(cell, s, &bits, &overflow);
    if (code == FAILURE_NONE && cell->guessed && !convert_is_likely(s.text, s.bytes))
        code = FAILURE_NOT_NUMBER;
    if (code != FAILURE_NONE)
        return code;
    store_bits(place, bits, cell->bytes, cell->swap);
    tally->n_overflow += overflow;
    if (cell->guessed && cell->bytes == sizeof(double) && !overflow && is_rounded_integer(s, bits))
        return FAILURE_ROUNDED;
    return FAILURE_NONE;
}

int convert_cell(const struct cell *cell, const char *text, size_t text_bytes, unsigned char *row,
                 struct convert_tally *tally)
{
    unsigned char *place = row + cell->offset;
    switch (cell->kind) {
    case KIND_INT:
    case KIND_UINT: return store_integer(cell, trimmed(text, text_bytes), place, tally);
    case KIND_FLOAT: return store_float(cell, trimmed(text, text_bytes), place, tally);
    case KIND_STRING: return store_string(place, cell->bytes, text, text_bytes);
    }
    assert(false); /* cells are made of settled kinds */
    return FAILURE_INTERNAL;
}
