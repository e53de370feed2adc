/*
 * float_parse.c - decimal to the nearest binary floating point number: the tables, and numbers of many digits.
 *
 * Such a number lies between two mantissas of 19 digits. Mostly both round to the same float and that is the answer.
 * If not, they round to two neighbours, and the number goes to the upper one when it is above the middle of
 * them; number and middle, scaled to integers, are compared in all their digits.
 */
#include "float_parse.h"

#include <assert.h>
#include <math.h>

const uint64_t power_of_five[][2] = {
#include "power_of_five.inc"
};

const double exact_ten_double[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
const float exact_ten_float[] = {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F, 1e8F, 1e9F, 1e10F};

/*
 * The middle of two doubles has at most 768 digits, so a digit past those only matters by not being zero.
 * What is compared is then a number of 769 digits (2555 bits) with a middle of 54 bits times at most 5^1092
 * (2536 bits), and the smaller of the two shifted until they are about equal.
 */
enum { EXACT_DIGITS = 768, BIG_LIMBS = 42 /* 2688 bits */ };

struct big {
    size_t n_limbs;            /* the highest is not zero */
    uint64_t limbs[BIG_LIMBS]; /* lowest first */
};

static void big_multiply_add(struct big *b, uint64_t factor, uint64_t carry)
{
    for (size_t i = 0; i < b->n_limbs; i++) {
        unsigned __int128 product = (unsigned __int128)b->limbs[i] * factor + carry;
        b->limbs[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    if (carry > 0) {
        assert(b->n_limbs < BIG_LIMBS);
        b->limbs[b->n_limbs++] = carry;
    }
}

static void big_multiply_five(struct big *b, int power)
{
    enum { LARGEST_POWER = 27 }; /* in 64 bits */
    for (; power >= LARGEST_POWER; power -= LARGEST_POWER)
        big_multiply_add(b, UINT64_C(7450580596923828125), 0);
    for (; power > 0; power--)
        big_multiply_add(b, 5, 0);
}

static void big_shift_left(struct big *b, int n_bits)
{
    if (n_bits % 64 > 0)
        big_multiply_add(b, UINT64_C(1) << n_bits % 64, 0);
    size_t n_whole = (size_t)n_bits / 64;
    assert(b->n_limbs + n_whole <= BIG_LIMBS);
    memmove(b->limbs + n_whole, b->limbs, b->n_limbs * sizeof b->limbs[0]);
    memset(b->limbs, 0, n_whole * sizeof b->limbs[0]);
    b->n_limbs += n_whole;
}

/* Less than, equal to or greater than 0 as a is to b. */
static int big_compare(const struct big *a, const struct big *b)
{
    if (a->n_limbs != b->n_limbs)
        return a->n_limbs < b->n_limbs ? -1 : 1;
    for (size_t i = a->n_limbs; i-- > 0;)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

/* All digits of a truncated decimal, the far ones as one 1 if they are not all zero. Returns its power of ten. */
static int big_from_digits(struct big *b, const struct decimal *d)
{
    const char *p = d->first;
    int n_digits = 0;
    b->n_limbs = 0;
    for (; p < d->end && n_digits < EXACT_DIGITS; p++) {
        if (*p == '.')
            continue;
        big_multiply_add(b, 10, (uint64_t)(*p - '0'));
        n_digits++;
    }
    while (p < d->end && (*p == '0' || *p == '.'))
        p++;
    if (p < d->end) {
        big_multiply_add(b, 10, 1);
        n_digits++;
    }
    return d->exponent - (n_digits - DECIMAL_DIGITS);
}

/* How d compares to the middle between the finite float with these bits and the next one up. */
static int compare_to_middle(const struct decimal *d, const struct float_format *f, uint64_t bits)
{
    uint64_t hidden = UINT64_C(1) << f->fraction_bits;
    uint64_t fraction = bits & (hidden - 1);
    int power_of_two = (int)(bits >> f->fraction_bits);
    if (power_of_two > 0)
        fraction |= hidden;
    else
        power_of_two = 1; /* subnormals share the exponent of the least normal numbers */
    power_of_two -= f->bias + f->fraction_bits + 1;

    struct big middle = {.n_limbs = 1, .limbs = {2 * fraction + 1}}, value;
    int power_of_ten = big_from_digits(&value, d);
    if (power_of_ten >= 0)
        big_multiply_five(&value, power_of_ten);
    else
        big_multiply_five(&middle, -power_of_ten);
    int n_bits = power_of_ten - power_of_two;
    big_shift_left(n_bits >= 0 ? &value : &middle, n_bits >= 0 ? n_bits : -n_bits);
    return big_compare(&value, &middle);
}

uint64_t double_nearest(uint64_t mantissa, int32_t exponent)
{
    return float_nearest(&format_double, mantissa, exponent);
}

uint32_t single_nearest(uint64_t mantissa, int32_t exponent)
{
    return (uint32_t)float_nearest(&format_float, mantissa, exponent);
}

/* float_nearest() for any decimal. */
static inline uint64_t nearest(const struct decimal *d, const struct float_format *f)
{
    uint64_t bits = float_nearest(f, d->mantissa, d->exponent);
    if (!d->truncated)
        return bits;
    uint64_t above = float_nearest(f, d->mantissa + 1, d->exponent);
    if (bits == above)
        return bits;
    assert(above == bits + 1); /* a step of 1e-18 at most is smaller than the float's own */
    int order = compare_to_middle(d, f, bits);
    return order > 0 || (order == 0 && (bits & 1) == 1) ? above : bits;
}

/* Signs come at random: a look-up, no jump. */
static const float sign_of[] = {1, -1};

double decimal_double(const struct decimal *d)
{
    double value;
    if (d->truncated || !decimal_to_double(d->mantissa, d->exponent, &value)) {
        uint64_t bits = nearest(d, &format_double);
        memcpy(&value, &bits, sizeof value);
    }
    return copysign(value, sign_of[d->negative]);
}

float decimal_float(const struct decimal *d)
{
    float value;
    if (d->truncated || !decimal_to_float(d->mantissa, d->exponent, &value)) {
        uint32_t bits = (uint32_t)nearest(d, &format_float);
        memcpy(&value, &bits, sizeof value);
    }
    return copysignf(value, sign_of[d->negative]);
}
