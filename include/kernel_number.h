/*
 * kernel_number.h - the quick way from text to a number and from a number to its place in the row.
 *
 * Internal to the kernel*.c files, and all inline. What these functions do not settle is convert_cell()'s, so each
 * gives either the exact value or nothing. Text may be read up to KERNEL_PAD bytes past what it holds.
 */
#ifndef SHMLOAD_KERNEL_NUMBER_H
#define SHMLOAD_KERNEL_NUMBER_H

#include <endian.h>

#include "digits.h"
#include "float_parse.h"
#include "kernel.h"

/*
 * Digits from 'text' on, appended to *value, which wraps. Returns the first byte that is none.
 * One by one a processor guesses where they end and goes on; to count those in a word it would have to wait for the
 * word. So words are taken only while all their bytes are digits, which is guessed too.
 */
static inline const char *number_few_digits(const char *text, uint64_t *value)
{
    uint64_t sum = *value;

    for (unsigned digit; (digit = (unsigned char)*text - (unsigned)'0') <= 9; text++)
        sum = sum * 10 + digit;
    *value = sum;
    return text;
}

static inline const char *number_digits(const char *text, uint64_t *value)
{
    uint64_t word = digits_load(text);

    for (; digits_count(word) == 8; word = digits_load(text)) {
        *value = *value * 100000000 + digits_join(word - 0x3030303030303030u);
        text += 8;
    }
    return number_few_digits(text, value);
}

/* Past e or E: sign and up to four digits added to *exponent. NULL: no exponent, or a longer one. */
static inline const char *number_exponent(const char *text, int32_t *exponent)
{
    bool negative = *text == '-';
    uint64_t value = 0;
    const char *first, *end;

    text += *text == '-' || *text == '+';
    first = text;
    while (is_digit(*text) && text < first + 5)
        value = value * 10 + (uint64_t)(*text++ - '0');
    end = text;
    if (end == first || end == first + 5)
        return NULL;
    *exponent += negative ? -(int32_t)value : (int32_t)value;
    return end;
}

/*
 * digits [. digits] [e digits], without sign, as mantissa * 10^exponent.
 * Returns the byte behind, or NULL: no digit, or more than 64 bits hold for sure, or an unusual exponent
 */
static inline __attribute__((always_inline)) const char *number_decimal(const char *text, uint64_t *mantissa,
                                                                        int32_t *exponent)
{
    const char *end, *fraction;
    ptrdiff_t n_digits;

    *mantissa = 0;
    *exponent = 0;
    end = number_few_digits(text, mantissa);
    n_digits = end - text;
    if (*end == '.') {
        fraction = end + 1;
        end = number_digits(fraction, mantissa);
        *exponent = (int32_t)(fraction - end);
        n_digits += end - fraction;
    }
    if (n_digits == 0 || n_digits > DECIMAL_DIGITS)
        return NULL;
    return (*end | 0x20) == 'e' ? number_exponent(end + 1, exponent) : end;
}

/*
 * The bits of the cell's float nearest to mantissa * 10^exponent, with its sign. False: beyond range, or perhaps an
 * integer that a double rounds, of which convert_cell() knows whether that is to be noted.
 * A float may be rounded from the double of method 1, which is far from the ends of the floats' range: only where that
 * lies exactly between two floats it may have been rounded to there.
 */
static inline __attribute__((always_inline)) bool number_float_bits(const struct cell *cell, uint64_t mantissa,
                                                                    int32_t exponent, bool negative, uint64_t *bits)
{
    double wide;
    float narrow;
    uint32_t narrow_bits;

    if (cell->bytes == sizeof wide) {
        if (!decimal_in_double(mantissa, exponent, &wide) &&
            (!decimal_to_double(mantissa, exponent, &wide) || (exponent == 0 && (uint64_t)wide != mantissa)))
            return false;
        memcpy(bits, &wide, sizeof wide);
        *bits |= (uint64_t)negative << 63;
        return true;
    }
    if (decimal_in_double(mantissa, exponent, &wide) && !float_is_midway(wide))
        narrow = (float)wide;
    else if (!decimal_to_float(mantissa, exponent, &narrow))
        return false;
    memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
    *bits = narrow_bits | (uint32_t)negative << 31;
    return true;
}

/* Largest magnitude of an integer cell for either sign. */
static inline uint64_t number_integer_limit(const struct cell *cell, bool negative)
{
    uint64_t largest = UINT64_MAX >> (64 - 8 * cell->bytes);

    if (cell->kind == KIND_UINT)
        return negative ? 0 : largest;
    return (largest >> 1) + negative;
}

/* The low bytes of a value to its cell, in the cell's byte order. */
static inline void number_store(const struct cell *cell, unsigned char *row, uint64_t value)
{
    unsigned char *place = row + cell->offset;

    value = cell->swap ? htobe64(value << (64 - 8 * cell->bytes)) : htole64(value);
    switch (cell->bytes) {
    case 4: memcpy(place, &value, 4); break;
    case 8: memcpy(place, &value, 8); break;
    case 2: memcpy(place, &value, 2); break;
    default: memcpy(place, &value, 1); break;
    }
}

/* ---- numbers in padded tables: one word, from its end ---------------------------------------------------------- */

enum { NUMBER_PADDED = 16 }; /* widest cell, in bytes */

/* The last eight of 'width' bytes, or all of them behind spaces. False: something else than spaces before the eight. */
static inline bool padded_load(const char *text, unsigned width, uint64_t *word)
{
    const uint64_t spaces = 0x2020202020202020u;

    *word = digits_load(text + width - 8);
    if (width < 8)
        *word = (*word & UINT64_MAX << (64 - 8 * width)) | spaces >> 8 * width;
    return width <= 8 || (digits_load(text) ^ spaces) << 8 * (16 - width) == 0;
}

/*
 * Spaces and '-' at the start of the word to zeros. Returns how many bytes were spaces.
 * Range  the last byte is a digit
 */
static inline unsigned padded_fill(uint64_t *word, bool *negative)
{
    unsigned n_spaces = (unsigned)__builtin_ctzll(*word ^ 0x2020202020202020u) / 8;
    uint64_t digits;

    *negative = (char)(*word >> 8 * n_spaces) == '-';
    digits = UINT64_MAX << 8 * (n_spaces + *negative);
    *word = (*word & digits) | (0x3030303030303030u & ~digits);
    return n_spaces;
}

/*
 * Digits, of which one but not the last may be a point, to their value. False: something else among them. Bytes like
 * the point, 0x20..0x2f, are foreign by one bit and others by more, so one bit is one byte.
 */
static inline bool padded_value(uint64_t word, uint32_t *value, unsigned *n_decimals)
{
    uint64_t foreign = digits_foreign(word);

    word ^= 0x3030303030303030u;
    *n_decimals = 0;
    if (foreign != 0) {
        unsigned point = (unsigned)__builtin_ctzll(foreign) / 8;
        uint64_t whole = (UINT64_C(1) << 8 * point) - 1;

        if ((char)(word >> 8 * point) != ('.' ^ '0') || (foreign & (foreign - 1)) != 0)
            return false;
        word = (word & ~whole << 8) | (word & whole) << 8;
        *n_decimals = 7 - point;
    }
    *value = digits_join(word);
    return true;
}

/*
 * The bits of the cell's float nearest to mantissa / 10^n_decimals: both are exact in a float, or n_decimals is 0 and
 * only the mantissa's own conversion rounds.
 * Range  n_decimals 0, or 1..7 with a mantissa of at most seven digits
 */
static inline uint64_t padded_float_bits(const struct cell *cell, uint32_t mantissa, unsigned n_decimals, bool negative)
{
    uint32_t narrow_bits;
    uint64_t bits;

    if (cell->bytes == sizeof(double)) {
        double wide = (double)mantissa / exact_ten_double[n_decimals];

        memcpy(&bits, &wide, sizeof bits);
        return bits | (uint64_t)negative << 63;
    }
    float narrow = (float)mantissa / exact_ten_float[n_decimals];

    memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
    return narrow_bits | (uint32_t)negative << 31;
}

/*
 * A number of at most eight bytes, [-] digits [. digits], that ends 'width' bytes from 'text' behind spaces alone.
 * Range    width 1..NUMBER_PADDED
 * Returns  false: not settled; else *n_bytes is the number's length
 */
static inline bool number_padded(const struct cell *cell, const char *text, unsigned width, uint64_t *value,
                                 uint32_t *n_bytes)
{
    uint64_t word;
    uint32_t magnitude;
    unsigned n_decimals;
    bool negative;

    if (!is_digit(text[width - 1]) || !padded_load(text, width, &word))
        return false;
    *n_bytes = 8 - padded_fill(&word, &negative);
    if (!padded_value(word, &magnitude, &n_decimals))
        return false;
    if (cell->kind == KIND_FLOAT) {
        *value = padded_float_bits(cell, magnitude, n_decimals, negative);
        return true;
    }
    *value = negative ? -(uint64_t)magnitude : magnitude;
    return n_decimals == 0 && magnitude <= number_integer_limit(cell, negative);
}

/*
 * A number from [text, end), which has neither blanks nor quotes around it, to its cell.
 * Returns false: not settled, nothing stored
 */
static inline bool number_parse(const struct cell *cell, const char *text, const char *end, uint64_t *value)
{
    bool negative = *text == '-';
    uint64_t magnitude = 0;
    int32_t exponent;

    text += text < end && (*text == '-' || *text == '+');
    if (cell->kind == KIND_FLOAT)
        return number_decimal(text, &magnitude, &exponent) == end &&
               number_float_bits(cell, magnitude, exponent, negative, value);
    if (end == text || end - text > DECIMAL_DIGITS || number_digits(text, &magnitude) != end ||
        magnitude > number_integer_limit(cell, negative))
        return false;
    *value = negative ? -magnitude : magnitude;
    return true;
}

#endif
