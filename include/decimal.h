/*
 * decimal.h - the text of a number to sign, 64-bit mantissa and power of ten: grammar, no rounding.
 *
 * 1. decimal_scan() text into a struct decimal
 * 2. float_parse.h rounds it; the text must still be there, for the few numbers that 19 digits do not settle
 */
#ifndef SHMLOAD_DECIMAL_H
#define SHMLOAD_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

enum {
    DECIMAL_DIGITS = 19,          /* always fit 64 bits */
    DECIMAL_EXPONENT_MAX = 100000 /* exponents are brought to -this..this: far beyond zero and infinity */
};

/*
 * Without 'truncated' the magnitude is mantissa * 10^exponent.
 * With it, mantissa has exactly 19 digits, more follow in the text, and the magnitude lies in
 * [mantissa, mantissa + 1) * 10^exponent.
 */
struct decimal {
    uint64_t mantissa;
    int32_t exponent;
    bool negative;
    bool truncated;
    const char *first; /* when truncated: the first digit that is not zero, into the caller's text */
    const char *end;   /* and the byte after the last digit; one point may be between */
};

/*
 * [+-]? (digits [. digits*] | . digits), then nothing, or one of e E d D q Q and [+-]?digits, or, after a mantissa
 * with a point, just [+-]digits as Fortran writes exponents of three digits.
 * Range   any text of any length; so many digits that a counter wraps do not fit an address space
 * Errors  false: the text is no decimal number, d is undefined
 */
bool decimal_scan(struct decimal *d, const char *text, size_t text_bytes) MUST_USE;

#endif
