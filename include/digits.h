/*
 * digits.h - signs, and ASCII digits eight at a time in one 64-bit word.
 *
 * Words are little-endian: the first character of the text is the lowest byte, whatever the machine.
 */
#ifndef SHMLOAD_DIGITS_H
#define SHMLOAD_DIGITS_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* Pass over one '+' or '-', if there is one. Returns true for '-'. Without jumps, since signs come at random. */
static inline bool sign_pass(const char **text, const char *end)
{
    if (*text == end)
        return false;
    char c = **text;
    *text += (c == '-') | (c == '+');
    return c == '-';
}

/* Eight bytes of text at any address. */
static inline uint64_t digits_load(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return le64toh(word);
}

/*
 * Not 0 in the bytes of a word that are no digits, in their high nibbles: '0'..'9' are the bytes whose high nibble is 3
 * and stays so when 6 is added. Only bytes from 0xfa on carry into the next, so up to and with the first of those all
 * is certain.
 */
static inline uint64_t digits_foreign(uint64_t word)
{
    uint64_t foreign = (word ^ 0x3030303030303030u) | ((word + 0x0606060606060606u) ^ 0x3030303030303030u);
    return foreign & 0xf0f0f0f0f0f0f0f0u;
}

/* How many of the eight bytes are digits before the first that is not. */
static inline int digits_count(uint64_t word)
{
    uint64_t foreign = digits_foreign(word);
    return foreign == 0 ? 8 : __builtin_ctzll(foreign) / 8;
}

/*
 * The number that eight digits spell, less '0' each: pairs are joined, then fours, then all eight. Each
 * multiplication adds a lane to its scaled neighbour, and the sum appears in the neighbour's lane.
 */
static inline uint32_t digits_join(uint64_t word)
{
    word = word * 10 + (word >> 8);
    uint64_t outer = (word & 0x000000ff000000ffu) * (100 + (UINT64_C(1000000) << 32));
    uint64_t inner = ((word >> 16) & 0x000000ff000000ffu) * (1 + (UINT64_C(10000) << 32));
    return (uint32_t)((outer + inner) >> 32);
}

/* Append the n digits that a word starts with to a value. Range n 0..7. They move up, below zeros as it were. */
static inline uint64_t digits_append(uint64_t value, uint64_t word, int n)
{
    static const uint32_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    return value * tens[n] + digits_join((word - 0x3030303030303030u) << 8 << (56 - 8 * n));
}

/*
 * Pass over digits at 'text' and append them to *value, which wraps modulo 2^64 after 19 or 20 digits.
 * begin    [begin, end) may be read and holds text; a last word of fewer bytes is read from before 'text' if it can
 * Returns  the first byte that is no digit, or end
 */
static inline const char *digits_pass(const char *begin, const char *text, const char *end, uint64_t *value)
{
    uint64_t sum = *value;
    for (; end - text >= 8; text += 8) {
        uint64_t word = digits_load(text);
        int n = digits_count(word);
        if (n < 8) {
            *value = digits_append(sum, word, n & 7);
            return text + n;
        }
        sum = sum * 100000000 + digits_join(word - 0x3030303030303030u);
    }
    if (end - begin >= 8 && text < end) {
        uint64_t word = digits_load(end - 8) >> 8 * (8 - (end - text));
        int n = digits_count(word) & 7; /* never 8: the word's last byte is no digit */
        sum = digits_append(sum, word, n);
        text += n;
    } else {
        while (text < end && is_digit(*text))
            sum = sum * 10 + (uint64_t)(*text++ - '0');
    }
    *value = sum;
    return text;
}

#endif
