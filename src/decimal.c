/*
 * decimal.c - the text of a number to sign, 64-bit mantissa and power of ten: grammar, no rounding.
 */
#include "decimal.h"

#include "digits.h"

/* Larger than any count of digits can make up for, and small enough that adding such a count cannot wrap. */
#define EXPONENT_CEILING INT64_C(100000000000000000)

/* [+-]?digits up to the end of the text; as many digits as there are. Returns false for anything else. */
static bool scan_exponent(const char *p, const char *end, int64_t *exponent)
{
    bool negative = sign_pass(&p, end);
    if (p == end)
        return false;
    int64_t sum = 0;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return false;
        if (sum < EXPONENT_CEILING)
            sum = sum * 10 + (*p - '0');
    }
    *exponent = negative ? -sum : sum;
    return true;
}

static bool is_exponent_letter(char c)
{
    char lower = (char)(c | 0x20);
    return lower == 'e' || lower == 'd' || lower == 'q';
}

/*
 * More than 19 digits were read, and mantissa may have wrapped. Leading zeros do not count; if that leaves
 * 19 digits or fewer, nothing was lost, else the first 19 are read again.
 * Returns  the digits left out of the mantissa, each a power of ten
 */
static int64_t keep_leading_digits(struct decimal *d, const char *first, const char *end, int64_t n_digits)
{
    for (; first < end && (*first == '0' || *first == '.'); first++)
        n_digits -= *first == '0';
    if (n_digits <= DECIMAL_DIGITS)
        return 0;

    d->truncated = true;
    d->first = first;
    d->end = end;
    d->mantissa = 0;
    int n_kept = 0;
    for (const char *p = first; n_kept < DECIMAL_DIGITS; p++) {
        if (*p == '.')
            continue;
        d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
        n_kept++;
    }
    return n_digits - DECIMAL_DIGITS;
}

static int32_t limited(int64_t exponent)
{
    if (exponent > DECIMAL_EXPONENT_MAX)
        return DECIMAL_EXPONENT_MAX;
    if (exponent < -DECIMAL_EXPONENT_MAX)
        return -DECIMAL_EXPONENT_MAX;
    return (int32_t)exponent;
}

bool decimal_scan(struct decimal *d, const char *text, size_t text_bytes)
{
    const char *p = text, *end = text + text_bytes;
    bool negative = sign_pass(&p, end);
    const char *first = p;
    uint64_t mantissa = 0;
    while (p < end && is_digit(*p)) /* few, as a rule: not worth a word */
        mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
    int64_t n_digits = p - first, n_fraction = 0;
    bool point = p < end && *p == '.';
    if (point) {
        const char *fraction = ++p;
        p = digits_pass(text, p, end, &mantissa);
        n_fraction = p - fraction;
        n_digits += n_fraction;
    }
    if (n_digits == 0)
        return false;

    const char *digits_end = p;
    int64_t exponent = 0;
    if (p < end) {
        if (is_exponent_letter(*p))
            p++;
        else if (!point || (*p != '+' && *p != '-'))
            return false;
        if (!scan_exponent(p, end, &exponent))
            return false;
    }
    d->negative = negative;
    d->truncated = false;
    d->mantissa = mantissa;
    exponent -= n_fraction;
    if (n_digits > DECIMAL_DIGITS)
        exponent += keep_leading_digits(d, first, digits_end, n_digits);
    d->exponent = limited(exponent);
    return true;
}
