/*
 * float_parse.h - decimal to the nearest binary floating point number, ties to even.
 *
 * decimal_to_double() and decimal_to_float() are the short way for numbers of up to 19 digits, small enough to be
 * compiled into a kernel's loop. decimal_double() and decimal_float() take any struct decimal.
 *
 * Three methods, each for what the one before leaves open:
 * 1. mantissa and power of ten both exact in the format: one multiplication or division, rounded once by the
 *    processor (Clinger, "How to Read Floating Point Numbers Accurately", 1990)
 * 2. 64-bit mantissa times the leading 128 bits of a power of five. That these bits always suffice is proved in
 *    Mushtak and Lemire, "Fast Number Parsing Without Fallback" (2023); the method is Lemire, "Number
 *    Parsing at a Gigabyte per Second" (2021), after an idea of Eisel
 * 3. more than 19 digits, and the 19-digit neighbours round apart: big integers
 *
 * Needs the processor's default rounding to nearest, which nothing in this program changes.
 */
#ifndef SHMLOAD_FLOAT_PARSE_H
#define SHMLOAD_FLOAT_PARSE_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "decimal.h"

#if FLT_EVAL_METHOD != 0
#error "method 1 needs float and double arithmetic in their own precision (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif

enum { POWER_OF_FIVE_MIN = -342, POWER_OF_FIVE_MAX = 308 };

/* The leading 128 bits of 5^q, high word first, at [q - POWER_OF_FIVE_MIN]; the highest bit is always set. */
extern const uint64_t power_of_five[POWER_OF_FIVE_MAX - POWER_OF_FIVE_MIN + 1][2];

/* Powers of ten that a double and a float hold exactly: 5^22 < 2^53 and 5^10 < 2^24. */
enum { EXACT_TEN_DOUBLE = 22, EXACT_TEN_FLOAT = 10 };
extern const double exact_ten_double[EXACT_TEN_DOUBLE + 1];
extern const float exact_ten_float[EXACT_TEN_FLOAT + 1];

/*
 * A binary interchange format of IEEE 754, as far as rounding into it needs to know.
 * A 64-bit mantissa times 10^q is 0 below ten_min and infinite above ten_max. A tie, an odd number of
 * fraction_bits + 2 bits, needs a 5^q of no more bits where q > 0, and where q < 0 a 64-bit mantissa that is
 * such a number times 5^-q: hence tie_min and tie_max.
 */
struct float_format {
    int fraction_bits;
    int bias;
    int infinity; /* the exponent field of infinity */
    int ten_min, ten_max;
    int tie_min, tie_max;
};

static const struct float_format format_double = {52, 1023, 2047, -342, 308, -4, 23};
static const struct float_format format_float = {23, 127, 255, -64, 38, -17, 10};

/*
 * The bits of the number of format f nearest to mantissa * 10^exponent, sign 0; infinity beyond range.
 * Range  any mantissa, any exponent
 */
static inline uint64_t float_nearest(const struct float_format *f, uint64_t mantissa, int32_t exponent)
{
    if (mantissa == 0 || exponent < f->ten_min)
        return 0;
    if (exponent > f->ten_max)
        return (uint64_t)f->infinity << f->fraction_bits;

    /* The product's upper bits are those of the true product, but for a carry that could come up from below. */
    int kept_bits = f->fraction_bits + 3; /* one for rounding, and up to one that the product may lack at the top */
    int n_zeros = __builtin_clzll(mantissa);
    const uint64_t *five = power_of_five[exponent - POWER_OF_FIVE_MIN];
    unsigned __int128 product = (unsigned __int128)(mantissa << n_zeros) * five[0];
    uint64_t carry_mask = UINT64_MAX >> kept_bits;
    if (((uint64_t)(product >> 64) & carry_mask) == carry_mask)
        product += ((unsigned __int128)(mantissa << n_zeros) * five[1]) >> 64;
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;

    /* Fraction with the hidden bit above and one bit for rounding below; 217706 / 2^16 is log2(10). */
    int top_bit = (int)(high >> 63);
    int shift = top_bit + 64 - kept_bits;
    uint64_t fraction = high >> shift;
    int power = ((217706 * exponent) >> 16) + 63 + top_bit - n_zeros + f->bias;

    if (power <= 0) { /* subnormal, where ties cannot be: they would need an exponent out of tie_min..tie_max */
        if (power <= -63)
            return 0;
        fraction >>= 1 - power;
        return (fraction >> 1) + (fraction & 1); /* when this carries into the hidden bit it is the least normal */
    }
    /* Round half up, but on an exact tie to even; there the cut product is exact, or one above when q < 0. */
    bool tie_possible = exponent >= f->tie_min && exponent <= f->tie_max;
    if ((fraction & 3) == 1 && low <= 1 && tie_possible && fraction << shift == high)
        fraction--;
    fraction = (fraction >> 1) + (fraction & 1);
    /* The hidden bit adds one to the exponent field; a carry out of the fraction adds another. */
    uint64_t bits = ((uint64_t)(power - 1) << f->fraction_bits) + fraction;
    uint64_t infinity = (uint64_t)f->infinity << f->fraction_bits;
    return bits < infinity ? bits : infinity;
}

/* float_nearest() for either format: functions to call, too long to be compiled into every loop. */
uint64_t double_nearest(uint64_t mantissa, int32_t exponent);
uint32_t single_nearest(uint64_t mantissa, int32_t exponent);

/* Method 1 for a double. False: mantissa or power of ten is not exact, *value untouched. */
static inline bool decimal_in_double(uint64_t mantissa, int32_t exponent, double *value)
{
    if (mantissa > UINT64_C(1) << 53 || exponent < -EXACT_TEN_DOUBLE || exponent > EXACT_TEN_DOUBLE)
        return false;
    *value = exponent < 0 ? (double)mantissa / exact_ten_double[-exponent]
                          : (double)mantissa * exact_ten_double[exponent];
    return true;
}

/* Exactly between two floats, where both are normal. */
static inline bool float_is_midway(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x1fffffff) == 0x10000000;
}

/*
 * mantissa * 10^exponent to the nearest double.
 * Range   any mantissa (not truncated), any exponent
 * Errors  false: beyond the largest double, *value untouched; convert_double() then gives inf and says overflow
 */
static inline bool decimal_to_double(uint64_t mantissa, int32_t exponent, double *value)
{
    if (decimal_in_double(mantissa, exponent, value))
        return true;
    uint64_t bits = double_nearest(mantissa, exponent);
    if (bits >> 52 == 2047)
        return false;
    memcpy(value, &bits, sizeof bits);
    return true;
}

/* The same to the nearest float, rounded once. */
static inline bool decimal_to_float(uint64_t mantissa, int32_t exponent, float *value)
{
    if (mantissa <= UINT64_C(1) << 24 && exponent >= -EXACT_TEN_FLOAT && exponent <= EXACT_TEN_FLOAT) {
        *value = exponent < 0 ? (float)mantissa / exact_ten_float[-exponent]
                              : (float)mantissa * exact_ten_float[exponent];
        return true;
    }
    uint32_t bits = single_nearest(mantissa, exponent);
    if (bits >> 23 == 255)
        return false;
    memcpy(value, &bits, sizeof bits);
    return true;
}

/* The nearest double to d with its sign; inf beyond range. */
double decimal_double(const struct decimal *d);

/* The nearest float to d with its sign; inf beyond range. */
float decimal_float(const struct decimal *d);

#endif
