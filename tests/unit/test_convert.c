/*
 * test_convert.c - text to values: grammar, ranges, rounding, missing values, byte order.
 *
 * Rounding is held against numbers whose nearest float is known by construction, and against the C library's
 * strtod() and strtof(), which are exact in glibc. Random numbers come from a fixed seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>

#include "convert.h"
#include "digits.h"
#include "float_parse.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t random_state = UINT64_C(88172645463325252);

/* Marsaglia, "Xorshift RNGs" (2003). */
static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double bits_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float bits_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The conversions, from a buffer of the text's very size, so that a sanitizer sees a byte read too far. */
static char *exact_copy(const char *text, size_t text_bytes)
{
    char *copy = malloc(text_bytes > 0 ? text_bytes : 1);
    assert_non_null(copy);
    memcpy(copy, text, text_bytes);
    return copy;
}

static int to_double(const char *text, double *value, bool *overflow)
{
    char *copy = exact_copy(text, strlen(text));
    int code = convert_double(copy, strlen(text), value, overflow);
    free(copy);
    return code;
}

static int to_float(const char *text, float *value, bool *overflow)
{
    char *copy = exact_copy(text, strlen(text));
    int code = convert_float(copy, strlen(text), value, overflow);
    free(copy);
    return code;
}

static void expect_double(const char *text, double wanted)
{
    double value = -1;
    bool overflow;
    int code = to_double(text, &value, &overflow);
    if (code != FAILURE_NONE || double_bits(value) != double_bits(wanted))
        fail_msg("double '%.60s' (%zu bytes): code %d, %a instead of %a", text, strlen(text), code, value, wanted);
}

static void expect_float(const char *text, float wanted)
{
    float value = -1;
    bool overflow;
    int code = to_float(text, &value, &overflow);
    if (code != FAILURE_NONE || float_bits(value) != float_bits(wanted))
        fail_msg("float '%.60s' (%zu bytes): code %d, %a instead of %a", text, strlen(text), code, (double)value,
                 (double)wanted);
}

static void expect_library_values(const char *text)
{
    expect_double(text, strtod(text, NULL));
    expect_float(text, strtof(text, NULL));
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
        bool negative;
        uint64_t magnitude;
    } cases[] = {
        {"0", FAILURE_NONE, false, 0},
        {"-0", FAILURE_NONE, true, 0},
        {"+5", FAILURE_NONE, false, 5},
        {"007", FAILURE_NONE, false, 7},
        {"-12345678", FAILURE_NONE, true, 12345678},
        {"123456789", FAILURE_NONE, false, 123456789},
        {"9223372036854775808", FAILURE_NONE, false, UINT64_C(1) << 63},
        {"9999999999999999999", FAILURE_NONE, false, UINT64_C(9999999999999999999)},
        {"10000000000000000000", FAILURE_NONE, false, UINT64_C(10000000000000000000)},
        {"18446744073709551615", FAILURE_NONE, false, UINT64_MAX},
        {"-00000000000000000000000000018446744073709551615", FAILURE_NONE, true, UINT64_MAX},
        {"0000000000000000000000000000000", FAILURE_NONE, false, 0},
        {"18446744073709551616", FAILURE_OUT_OF_RANGE, false, 0},
        {"19999999999999999999", FAILURE_OUT_OF_RANGE, false, 0},
        {"20000000000000000000", FAILURE_OUT_OF_RANGE, false, 0},
        {"36893488147419103232", FAILURE_OUT_OF_RANGE, false, 0},
        {"100000000000000000000", FAILURE_OUT_OF_RANGE, false, 0},
        {"-99999999999999999999999999999999999999999999", FAILURE_OUT_OF_RANGE, true, 0},
        {"", FAILURE_NOT_INTEGER, false, 0},
        {"+", FAILURE_NOT_INTEGER, false, 0},
        {"-", FAILURE_NOT_INTEGER, false, 0},
        {"--1", FAILURE_NOT_INTEGER, false, 0},
        {"+-1", FAILURE_NOT_INTEGER, false, 0},
        {"2.0", FAILURE_NOT_INTEGER, false, 0},
        {"2.", FAILURE_NOT_INTEGER, false, 0},
        {"1e3", FAILURE_NOT_INTEGER, false, 0},
        {"0x10", FAILURE_NOT_INTEGER, false, 0},
        {"1_000", FAILURE_NOT_INTEGER, false, 0},
        {"1 0", FAILURE_NOT_INTEGER, false, 0},
        {"12345678x", FAILURE_NOT_INTEGER, false, 0},
        {"1234567/", FAILURE_NOT_INTEGER, false, 0},
        {"1234567:12345678", FAILURE_NOT_INTEGER, false, 0},
        {"99999999999999999999999x", FAILURE_NOT_INTEGER, false, 0},
        {"nan", FAILURE_NOT_INTEGER, false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t bytes = strlen(cases[i].text);
        char *text = exact_copy(cases[i].text, bytes);
        bool negative = false;
        uint64_t magnitude = 0;
        int code = convert_integer(text, bytes, &negative, &magnitude);
        free(text);
        if (code != cases[i].code)
            fail_msg("'%s': code %d instead of %d", cases[i].text, code, cases[i].code);
        if (code != FAILURE_NONE)
            continue;
        assert_int_equal(negative, cases[i].negative);
        assert_true(magnitude == cases[i].magnitude);
    }
}

static void test_number_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"1", 1}, {"+1", 1}, {"-1.", -1}, {".5", .5}, {"-.5", -.5}, {"007.50", 7.5}, {"1e3", 1000},
        {"1E+3", 1000}, {"1.5d-2", 0.015}, {"1D2", 100}, {"1q1", 10}, {"1.Q0", 1}, {"5.68-304", 5.68e-304},
        {"1.0+2", 100}, {".5-1", 0.05}, {"5.+1", 50}, {"0", 0.0}, {"-0", -0.0}, {"-0.000e5", -0.0},
        {"1e00000000000000000000003", 1000}, {"0e999999999", 0}, {"-0e99999999999999999999", -0.0},
        {"1e-999999", 0}, {"-1e-99999999999999999999999", -0.0}, {"inf", INFINITY}, {"-Infinity", -INFINITY},
        {"+INF", INFINITY},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        bool overflow;
        double value;
        expect_double(good[i].text, good[i].value);
        expect_float(good[i].text, (float)good[i].value);
        assert_int_equal(to_double(good[i].text, &value, &overflow), FAILURE_NONE);
        assert_false(overflow);
    }
    static const char *const bad[] = {
        "", ".", "+", "-", "+.", "-.e1", "e5", ".e5", "1e", "1e+", "1.5-", "1-5", "1+5", "--1", "+-1", "1,5", "1 5",
        " 1", "1 ", "0x1p3", "0x10", "1_0", "1e5.0", "1ee5", "1e5e5", "1.2.3", "1..2", "nan(1)", "1.#INF", "1.#QNAN",
        "na", "nann", "in", "infi", "infinit", "infinityy", "- 1", "--inf", "1f", "1.0l", "1.0e-", "1.0+-5", "1.0e 5",
        "1.0\xc2\xa0", "12345678901234567890x", "1e99999999999999999999999x", "\xb1", "1/2", "12345678:",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        double value;
        float single;
        bool overflow;
        if (to_double(bad[i], &value, &overflow) != FAILURE_NOT_NUMBER)
            fail_msg("'%s' was taken for a number", bad[i]);
        assert_int_equal(to_float(bad[i], &single, &overflow), FAILURE_NOT_NUMBER);
    }
}

static void test_nan_and_overflow(void **state)
{
    (void)state;
    static const char *const nans[] = {"nan", "NaN", "+NAN", "-nan"};
    double value;
    float single;
    bool overflow;
    for (size_t i = 0; i < COUNT(nans); i++) {
        assert_int_equal(to_double(nans[i], &value, &overflow), FAILURE_NONE);
        assert_true(isnan(value) && !overflow && !signbit(value) == (*nans[i] != '-'));
        assert_int_equal(to_float(nans[i], &single, &overflow), FAILURE_NONE);
        assert_true(isnan(single) && !overflow && !signbit(single) == (*nans[i] != '-'));
    }
    /* The middle of the largest double and 2^1024, a tie that goes up, and the integer below. */
    static const char limit[] =
        "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070"
        "9633028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447"
        "5730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904"
        "174497792";
    static const char below[] =
        "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070"
        "9633028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447"
        "5730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904"
        "174497791";
    static const char *const beyond[] = {"1e309", "1.7976931348623159e308", "1e99999999999999999999", "1.0+309", limit};
    for (size_t i = 0; i < COUNT(beyond); i++) {
        assert_int_equal(to_double(beyond[i], &value, &overflow), FAILURE_NONE);
        assert_true(isinf(value) && overflow);
    }
    assert_int_equal(to_float("-3.4028236e38", &single, &overflow), FAILURE_NONE);
    assert_true(single == -INFINITY && overflow);
    assert_int_equal(to_float("3.4028235e38", &single, &overflow), FAILURE_NONE);
    assert_true(single == FLT_MAX && !overflow);
    assert_int_equal(to_double("1.7976931348623158e308", &value, &overflow), FAILURE_NONE);
    assert_true(value == DBL_MAX && !overflow);
    assert_int_equal(to_double(below, &value, &overflow), FAILURE_NONE);
    assert_true(value == DBL_MAX && !overflow);
}

/* Numbers on which well-known programs have failed; the values are in every account of them. */
static void test_famous_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bits;
    } doubles[] = {
        {"2.2250738585072011e-308", 0x000fffffffffffff}, /* made PHP loop */
        {"2.2250738585072012e-308", 0x0010000000000000}, /* made Java loop */
        {"2.2250738585072014e-308", 0x0010000000000000},
        {"4.9406564584124654e-324", 0x0000000000000001},
        {"2.4703282292062327e-324", 0x0000000000000000},
        {"2.4703282292062328e-324", 0x0000000000000001},
        {"9007199254740993", 0x4340000000000000}, /* 2^53 + 1, a tie */
        {"9007199254740995", 0x4340000000000002},
        {"9007199254740993.00000000000000000000000000000000000000000001", 0x4340000000000001},
        {"9007199254740992.99999999999999999999999999999999999999999999", 0x4340000000000000},
        {"6929495644600919.5", 0x43389e56ee5e7a58},
        {"1e23", 0x44b52d02c7e14af6},
        {"8.5e23", 0x44e67fd2f45f5fa6},
        {"0.1", 0x3fb999999999999a},
        {"0.30000000000000004", 0x3fd3333333333334},
        {"1.7976931348623157e308", 0x7fefffffffffffff},
        {"3.518437208883201171875e13", 0x42c0000000000002},
        {"62.5364939768271845828", 0x404f44abd5aa7ca4},
        {"8.10109172351e-10", 0x3e0bd5cbaef0fd0c},
        {"1448997445238699", 0x4314976c0803feac},
        {"6.631236846766476e-316", 0x0000000008000000},
        {"5e-324", 1},
        {"1e-400", 0},
    };
    for (size_t i = 0; i < COUNT(doubles); i++)
        expect_library_values(doubles[i].text);
    for (size_t i = 0; i < COUNT(doubles); i++)
        expect_double(doubles[i].text, bits_double(doubles[i].bits));

    static const struct {
        const char *text;
        uint32_t bits;
    } floats[] = {
        {"16777217", 0x4b800000}, /* 2^24 + 1, a tie */
        {"16777219", 0x4b800002},
        {"16777217.0000000000000000001", 0x4b800001}, /* as a double first: 16777217, then even */
        {"1.00000017881393432617187499", 0x3f800001}, /* the same trap just below a tie */
        {"1.00000017881393432617187500", 0x3f800002},
        {"1.00000017881393432617187501", 0x3f800002},
        {"1.4012984643248171e-45", 0x00000001},
        {"7.0064923216240853e-46", 0x00000000},
        {"7.0064923216240854e-46", 0x00000001},
        {"1.1754943508222875e-38", 0x00800000},
        {"1.17549431e-38", 0x007fffff + 1},
        {"1.17549421e-38", 0x007fffff},
        {"3.4028234663852886e38", 0x7f7fffff},
        {"3.4028235677973366e38", 0x7f7fffff},
        {"3.4028235677973367e38", 0x7f800000},
    };
    for (size_t i = 0; i < COUNT(floats); i++)
        expect_float(floats[i].text, bits_float(floats[i].bits));
}

static void test_long_numbers(void **state)
{
    (void)state;
    enum { N_ZEROS = 5000 };
    static char text[2 * N_ZEROS + 100];
    char zeros[N_ZEROS + 1];
    memset(zeros, '0', N_ZEROS);
    zeros[N_ZEROS] = '\0';

    snprintf(text, sizeof text, "0.%s1e5001", zeros);
    expect_library_values(text);
    expect_double(text, 1);
    snprintf(text, sizeof text, "1%se-5000", zeros);
    expect_double(text, 1);
    expect_float(text, 1);
    snprintf(text, sizeof text, "9007199254740993.%s1", zeros); /* a tie, but for the last of 5000 digits */
    expect_double(text, 9007199254740994.0);
    snprintf(text, sizeof text, "%s9007199254740993.%s", zeros, zeros);
    expect_double(text, 9007199254740992.0);
    snprintf(text, sizeof text, "9007199254740993%s1e-5001", zeros);
    expect_double(text, 9007199254740994.0);
    snprintf(text, sizeof text, "%s16777217.%s1", zeros, zeros);
    expect_float(text, 16777218);
    snprintf(text, sizeof text, "-1%s.%s", zeros, zeros);
    expect_double(text, -INFINITY);
    snprintf(text, sizeof text, "-.%s1", zeros);
    expect_double(text, -0.0);
}

/* 'digits' is the exact middle of two neighbours, in %e form: a tie, then a little more, then a little less. */
static void expect_around_middle(char *digits, size_t capacity, double lower, double upper, double even, bool single)
{
    char *letter = strchr(digits, 'e');
    assert_non_null(letter);
    char exponent[16];
    snprintf(exponent, sizeof exponent, "%s", letter);
    const double wanted[] = {even, upper, lower};
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            snprintf(letter, capacity - (size_t)(letter - digits), "0000001%s", exponent);
        if (i == 2) { /* the middle's last digit is 5 or, for whole numbers, not 0 once trailing zeros are off */
            char *last = letter - 1;
            while (*last == '0')
                last--;
            assert_true(*last >= '1' && *last <= '9');
            (*last)--;
            snprintf(last + 1, capacity - (size_t)(last + 1 - digits), "9999%s", exponent);
        }
        if (single)
            expect_float(digits, (float)wanted[i]);
        else
            expect_double(digits, wanted[i]);
    }
}

/* All digits of the middles of random neighbours, subnormals among them. */
static void test_middles(void **state)
{
    (void)state;
    char digits[1400];
    for (int i = 0; i < 3000; i++) {
        uint32_t bits = (uint32_t)random_bits() & 0x7fffffff;
        if (i % 4 == 0)
            bits &= 0x007fffff;
        if (bits >= 0x7f7fffff)
            continue;
        double lower = (double)bits_float(bits), upper = (double)bits_float(bits + 1);
        snprintf(digits, sizeof digits, "%.200e", (lower + upper) / 2); /* exact: a float's middle is a double */
        expect_around_middle(digits, sizeof digits, lower, upper, bits % 2 == 0 ? lower : upper, true);
    }
#if LDBL_MANT_DIG > DBL_MANT_DIG
    for (int i = 0; i < 2000; i++) {
        uint64_t bits = random_bits() >> 1;
        if (i % 4 == 0)
            bits &= UINT64_C(0x000fffffffffffff);
        if (i % 4 == 1)
            bits &= UINT64_C(0xfff);
        if (bits >= UINT64_C(0x7fefffffffffffff))
            continue;
        double lower = bits_double(bits), upper = bits_double(bits + 1);
        snprintf(digits, sizeof digits, "%.1100Le", ((long double)lower + (long double)upper) / 2);
        expect_around_middle(digits, sizeof digits, lower, upper, bits % 2 == 0 ? lower : upper, false);
    }
#endif
}

/* Any bit pattern, printed with any number of digits. */
static void test_random_numbers(void **state)
{
    (void)state;
    char text[400];
    for (int i = 0; i < 150000; i++) {
        double value = bits_double(random_bits());
        float single = bits_float((uint32_t)random_bits());
        if (!isfinite(value) || !isfinite(single))
            continue;
        snprintf(text, sizeof text, "%.17g", value);
        expect_double(text, value);
        snprintf(text, sizeof text, "%.9g", (double)single);
        expect_float(text, single);
        snprintf(text, sizeof text, "%.*e", (int)(random_bits() % 40), i % 2 == 0 ? value : (double)single);
        expect_library_values(text);
        double plain = ldexp((double)(int64_t)random_bits(), -(int)(random_bits() % 90));
        snprintf(text, sizeof text, "%.*f", (int)(random_bits() % 25), plain);
        expect_library_values(text);
    }
}

/* Every count of digits, a point at every place: the ends of words of eight. */
static void test_every_length(void **state)
{
    (void)state;
    static const char digits[] = "9876543210123456789098765432101234567890";
    char text[80];
    for (int n = 1; n <= 40; n++)
        for (int point = 0; point <= n; point++) {
            snprintf(text, sizeof text, "%.*s.%.*s", point, digits, n - point, digits + point);
            expect_library_values(text);
            snprintf(text, sizeof text, "-%.*s.%.*se-9", point, digits, n - point, digits + point);
            expect_library_values(text);
            snprintf(text, sizeof text, "0.%0*d%.*s", point + 1, 0, n, digits);
            expect_library_values(text);
        }
}

/* Every byte at every place of a number: but for points, signs and exponent letters only digits may stand there. */
static void test_every_byte(void **state)
{
    (void)state;
    static const char number[] = "12345678.12345678";
    char text[sizeof number];
    for (size_t at = 0; at < sizeof number - 1; at++)
        for (int byte = 1; byte < 256; byte++) {
            if (strchr(".+-eEdDqQ", byte) != NULL)
                continue;
            memcpy(text, number, sizeof number);
            text[at] = (char)byte;
            double value;
            bool overflow;
            bool good = to_double(text, &value, &overflow) == FAILURE_NONE;
            if (good != (byte >= '0' && byte <= '9') || (good && value != strtod(text, NULL)))
                fail_msg("byte %d at %zu of '%s'", byte, at, number);
        }
}

/* Clinger's way gives up beyond 2^53 and 10^22; both sides of the border, without text. */
static void test_kernels_core(void **state)
{
    (void)state;
    char text[64];
    for (int i = 0; i < 200000; i++) {
        uint64_t mantissa = random_bits() >> random_bits() % 64;
        int32_t exponent = (int32_t)(random_bits() % 720) - 365;
        if (i % 2 == 0)
            exponent = exponent % 50;
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)mantissa, (int)exponent);
        double wanted = strtod(text, NULL), value = -1;
        if (decimal_to_double(mantissa, exponent, &value) != isfinite(wanted) || (isfinite(wanted) && value != wanted))
            fail_msg("%s: %a instead of %a", text, value, wanted);
        float wanted_single = strtof(text, NULL), single = -1;
        if (decimal_to_float(mantissa, exponent, &single) != isfinite(wanted_single)
            || (isfinite(wanted_single) && single != wanted_single))
            fail_msg("%s: %a instead of %a", text, (double)single, (double)wanted_single);
    }
}

/* A big integer in 32-bit limbs, lowest first: enough for 5^342 times 128 bits. */
enum { LIMBS = 32 };

static void limbs_multiply_five(uint32_t limbs[LIMBS])
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)limbs[i] * 5;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert_true(carry == 0);
}

static int limbs_bits(const uint32_t limbs[LIMBS])
{
    for (int i = LIMBS - 1; i >= 0; i--)
        if (limbs[i] != 0)
            return 32 * i + 32 - __builtin_clz(limbs[i]);
    return 0;
}

/* The leading 128 bits, cut off. */
static void limbs_leading(const uint32_t limbs[LIMBS], uint64_t leading[2])
{
    int top = limbs_bits(limbs);
    leading[0] = leading[1] = 0;
    for (int i = 0; i < 128; i++) {
        int at = top - 1 - i;
        uint64_t bit = at >= 0 ? limbs[at / 32] >> at % 32 & 1 : 0;
        leading[i / 64] = leading[i / 64] << 1 | bit;
    }
}

/* factor * leading: the defining inequality of a reciprocal is tested with it. */
static void limbs_product(const uint32_t factor[LIMBS], const uint64_t leading[2], uint32_t product[LIMBS])
{
    const uint32_t words[4] = {(uint32_t)leading[1], (uint32_t)(leading[1] >> 32), (uint32_t)leading[0],
                               (uint32_t)(leading[0] >> 32)};
    memset(product, 0, LIMBS * sizeof product[0]);
    for (int w = 0; w < 4; w++) {
        uint64_t carry = 0;
        for (int i = 0; i + w < LIMBS; i++) {
            carry += (uint64_t)factor[i] * words[w] + product[i + w];
            product[i + w] = (uint32_t)carry;
            carry >>= 32;
        }
    }
}

/* Positive powers are cut off; reciprocals t satisfy t * 5^n < 2^s < (t + 1) * 5^n, or one more from 5^-27 on. */
static void test_power_table(void **state)
{
    (void)state;
    uint32_t power[LIMBS] = {1}, product[LIMBS];
    for (int q = 0; q <= -POWER_OF_FIVE_MIN; q++, limbs_multiply_five(power)) {
        uint64_t leading[2];
        if (q <= POWER_OF_FIVE_MAX) {
            limbs_leading(power, leading);
            assert_true(memcmp(leading, power_of_five[q - POWER_OF_FIVE_MIN], sizeof leading) == 0);
        }
        if (q == 0)
            continue;
        memcpy(leading, power_of_five[-q - POWER_OF_FIVE_MIN], sizeof leading);
        assert_true(leading[0] >> 63 == 1);
        if (q <= 27) { /* undo the rounding up */
            leading[0] -= leading[1] == 0;
            leading[1]--;
        }
        int n_bits = limbs_bits(power) + 127;
        limbs_product(power, leading, product);
        assert_int_equal(limbs_bits(product), n_bits); /* below 2^n_bits */
        leading[1]++;
        leading[0] += leading[1] == 0;
        limbs_product(power, leading, product);
        assert_int_equal(limbs_bits(product), n_bits + 1);
    }
}

static int store(struct cell *cell, const char *text, unsigned char row[16], struct convert_tally *tally)
{
    memset(row, 0xaa, 16);
    char *copy = exact_copy(text, strlen(text));
    int code = convert_cell(cell, copy, strlen(text), row, tally);
    free(copy);
    for (uint32_t i = 0; i < 16; i++) /* nothing else is touched */
        if (i < cell->offset || i >= cell->offset + cell->bytes)
            assert_int_equal(row[i], 0xaa);
    return code;
}

static void test_integer_cells(void **state)
{
    (void)state;
    static const struct {
        char kind;
        uint32_t bytes;
        const char *least, *below, *most, *above;
    } types[] = {
        {'i', 1, "-128", "-129", "127", "128"},
        {'i', 2, "-32768", "-32769", "32767", "32768"},
        {'i', 4, "-2147483648", "-2147483649", "2147483647", "2147483648"},
        {'i', 8, "-9223372036854775808", "-9223372036854775809", "9223372036854775807", "9223372036854775808"},
        {'u', 1, "-0", "-5", "255", "256"},
        {'u', 2, "0", "-1", "65535", "65536"},
        {'u', 4, "0", "-1", "4294967295", "4294967296"},
        {'u', 8, "-0", "-1", "18446744073709551615", "18446744073709551616"},
    };
    struct convert_tally tally = {0};
    unsigned char row[16];
    for (size_t i = 0; i < COUNT(types); i++)
        for (int swap = 0; swap < 2; swap++) {
            struct cell cell = {.offset = 3, .bytes = types[i].bytes, .kind = (uint8_t)types[i].kind, .swap = swap};
            uint32_t top = swap ? 3 : 2 + cell.bytes; /* the byte with the sign */
            assert_int_equal(store(&cell, types[i].least, row, &tally), FAILURE_NONE);
            assert_int_equal(row[top], types[i].kind == 'i' ? 0x80 : 0);
            assert_int_equal(store(&cell, types[i].most, row, &tally), FAILURE_NONE);
            assert_int_equal(row[top], types[i].kind == 'i' ? 0x7f : 0xff);
            assert_int_equal(store(&cell, types[i].below, row, &tally), FAILURE_OUT_OF_RANGE);
            assert_int_equal(store(&cell, types[i].above, row, &tally), FAILURE_OUT_OF_RANGE);
            assert_int_equal(store(&cell, "1.0", row, &tally), FAILURE_NOT_INTEGER);
            assert_int_equal(store(&cell, "", row, &tally), FAILURE_NOT_INTEGER);
            assert_int_equal(store(&cell, " \t\v\f1\f\v\t ", row, &tally), FAILURE_NONE);
            assert_int_equal(row[swap ? 2 + cell.bytes : 3], 1);
        }
    struct cell cell = {.offset = 0, .bytes = 4, .kind = KIND_INT, .swap = true};
    assert_int_equal(store(&cell, "-305419896", row, &tally), FAILURE_NONE);
    assert_memory_equal(row, "\xed\xcb\xa9\x88", 4);
    cell.swap = false;
    assert_int_equal(store(&cell, "-305419896", row, &tally), FAILURE_NONE);
    assert_memory_equal(row, "\x88\xa9\xcb\xed", 4);
    assert_true(tally.n_missing == 0 && tally.n_overflow == 0);
}

static void test_float_cells(void **state)
{
    (void)state;
    struct convert_tally tally = {0};
    unsigned char row[16];
    struct cell cell = {.offset = 5, .bytes = 8, .kind = KIND_FLOAT};
    assert_int_equal(store(&cell, "\t-2.5 ", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 5, "\0\0\0\0\0\0\x04\xc0", 8);
    cell.swap = true;
    assert_int_equal(store(&cell, "-2.5", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 5, "\xc0\x04\0\0\0\0\0\0", 8);
    cell.bytes = 4;
    assert_int_equal(store(&cell, "-2.5", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 5, "\xc0\x20\0\0", 4);
    assert_true(tally.n_overflow == 0);
    assert_int_equal(store(&cell, "1e39", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 5, "\x7f\x80\0\0", 4);
    assert_int_equal(store(&cell, "inf", row, &tally), FAILURE_NONE);
    assert_true(tally.n_overflow == 1);
    assert_int_equal(store(&cell, "abc", row, &tally), FAILURE_NOT_NUMBER);
    assert_int_equal(store(&cell, "", row, &tally), FAILURE_NOT_NUMBER);
    assert_true(tally.n_overflow == 1 && tally.n_missing == 0);
}

/* Only where the type is a guess, and the integer is none that a double holds. */
static void test_rounded_integers(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"9007199254740991", FAILURE_NONE},      {"9007199254740992", FAILURE_NONE},
        {"9007199254740993", FAILURE_ROUNDED},   {"-9007199254740993", FAILURE_ROUNDED},
        {" 9007199254740993 ", FAILURE_ROUNDED}, {"+0009007199254740993", FAILURE_ROUNDED},
        {"9007199254740994", FAILURE_NONE},      {"9007199254740993.0", FAILURE_NONE},
        {"9007199254740993e0", FAILURE_NONE},    {"18446744073709551615", FAILURE_ROUNDED},
        {"18446744073709551616", FAILURE_NONE},  {"18446744073709551617", FAILURE_ROUNDED},
        {"100000000000000000000", FAILURE_NONE}, {"-0001180591620717411303424", FAILURE_NONE},
        {"1180591620717411303425", FAILURE_ROUNDED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cell cell = {.bytes = 8, .kind = KIND_FLOAT, .guessed = true};
        struct convert_tally tally = {0};
        double value, expected = strtod(rows[i].text, NULL);

        assert_int_equal(convert_cell(&cell, rows[i].text, strlen(rows[i].text), (unsigned char *)&value, &tally),
                         rows[i].code);
        assert_true(value == expected);
        cell.guessed = false;
        assert_int_equal(convert_cell(&cell, rows[i].text, strlen(rows[i].text), (unsigned char *)&value, &tally),
                         FAILURE_NONE);
        assert_true(value == expected);
    }
}

static void test_string_cells(void **state)
{
    (void)state;
    struct convert_tally tally = {0};
    unsigned char row[16];
    static const struct missing_token tokens[] = {{"NA", 2, false, 0}};
    const struct missing missing = {.n_tokens = 1, .tokens = tokens, .empty = true};
    struct cell cell = {.offset = 2, .bytes = 4, .kind = KIND_STRING, .missing = &missing};
    assert_int_equal(store(&cell, "NA", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 2, "NA\0\0", 4);
    assert_int_equal(store(&cell, "", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 2, "\0\0\0\0", 4);
    assert_int_equal(store(&cell, " a b", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 2, " a b", 4);
    assert_int_equal(store(&cell, "abcde", row, &tally), FAILURE_TOO_LONG);
    assert_int_equal(convert_cell(&cell, "a\0b", 3, row, &tally), FAILURE_NUL);
    assert_true(tally.n_missing == 0);
}

static const struct missing_token tokens[] = {
    {"NA", 2, false, 0},
    {"-9999", 5, true, -9999},
    {"1e3", 3, true, 1000},
    {"9223372036854775807", 19, true, 0x1p63},
    {"NaN", 3, true, (double)NAN},
    {"inf", 3, true, (double)INFINITY},
};

static void test_missing_match(void **state)
{
    (void)state;
    const struct missing m = {.n_tokens = COUNT(tokens), .tokens = tokens, .has_numbers = true};
    static const struct {
        const char *text;
        bool as_string, as_integer, as_float;
    } cases[] = {
        {"NA", true, true, true},           {" NA\t", true, true, true},     {"na", false, false, false},
        {"N", false, false, false},         {"NAN", false, false, false},    {"NaN", true, true, true},
        {"-nan", false, false, false},      {"", false, false, false},       {"-9999", true, true, true},
        {"-9999.0", false, true, true},     {"-09999", false, true, true},   {"-9.999e3", false, true, true},
        {"9999", false, false, false},      {"1000", false, true, true},     {"+1000", false, true, true},
        {"-1000", false, false, false},     {"1000.5", false, false, false}, {"Infinity", false, true, true},
        {"-inf", false, false, false},      {"1e999", false, false, false},
        {"9223372036854775807", true, true, true},
        {"9223372036854775808", false, false, true}, /* equal as doubles only */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = cases[i].text;
        if (convert_is_missing(&m, KIND_STRING, text, strlen(text)) != cases[i].as_string
            || convert_is_missing(&m, KIND_INT, text, strlen(text)) != cases[i].as_integer
            || convert_is_missing(&m, KIND_FLOAT, text, strlen(text)) != cases[i].as_float)
            fail_msg("missing '%s'", text);
    }
    const struct missing empty = {.empty = true};
    assert_true(convert_is_missing(&empty, KIND_FLOAT, " \t ", 3));
    assert_false(convert_is_missing(&empty, KIND_FLOAT, "0", 1));
}

static void test_missing_cells(void **state)
{
    (void)state;
    struct missing m = {.n_tokens = COUNT(tokens), .tokens = tokens, .has_numbers = true, .empty = true};
    struct convert_tally tally = {0};
    unsigned char row[16];

    struct cell real = {.offset = 1, .bytes = 8, .kind = KIND_FLOAT, .missing = &m};
    assert_int_equal(store(&real, " -9999.00 ", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 1, "\0\0\0\0\0\0\xf8\x7f", 8);
    assert_int_equal(store(&real, "", row, &tally), FAILURE_NONE);
    assert_true(tally.n_missing == 2);
    real.bytes = 4;
    real.swap = true;
    assert_int_equal(store(&real, "NA", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 1, "\x7f\xc0\0\0", 4);
    assert_int_equal(store(&real, "-9998", row, &tally), FAILURE_NONE);
    assert_int_equal(store(&real, "n/a", row, &tally), FAILURE_NOT_NUMBER);
    assert_true(tally.n_missing == 3);

    struct cell whole = {.offset = 1, .bytes = 2, .kind = KIND_INT, .missing = &m};
    assert_int_equal(store(&whole, "-9999", row, &tally), FAILURE_NONE);
    assert_memory_equal(row + 1, "\xf1\xd8", 2); /* stays what it is, and is counted */
    assert_true(tally.n_missing == 4);
    assert_int_equal(store(&whole, "NA", row, &tally), FAILURE_MISSING_VALUE);
    assert_int_equal(store(&whole, "-9999.0", row, &tally), FAILURE_MISSING_VALUE);
    assert_int_equal(store(&whole, "", row, &tally), FAILURE_MISSING_VALUE);
    assert_int_equal(store(&whole, "9223372036854775807", row, &tally), FAILURE_OUT_OF_RANGE);
    assert_int_equal(store(&whole, "x", row, &tally), FAILURE_NOT_INTEGER);
    assert_true(tally.n_missing == 4);

    m.has_fill = true;
    memcpy(m.fill, "\x01\x02\x03\x04", 4);
    static const char *const filled[] = {"-9999", "NA", "-9999.0", "", "9223372036854775807"};
    for (size_t i = 0; i < COUNT(filled); i++) {
        assert_int_equal(store(&whole, filled[i], row, &tally), FAILURE_NONE);
        assert_memory_equal(row + 1, "\x01\x02", 2);
        assert_int_equal(store(&real, filled[i], row, &tally), FAILURE_NONE);
        assert_memory_equal(row + 1, "\x01\x02\x03\x04", 4);
    }
    assert_true(tally.n_missing == 4 + 2 * COUNT(filled));
}

static void test_failures(void **state)
{
    (void)state;
    struct failure f = {0};
    char long_text[FAILURE_TEXT + 10];
    memset(long_text, 'x', sizeof long_text);
    failure_quote(&f, "abc", 3);
    assert_true(f.text_bytes == 3 && f.text_total == 3 && memcmp(f.text, "abc", 3) == 0);
    failure_quote(&f, long_text, sizeof long_text);
    assert_true(f.text_bytes == FAILURE_TEXT && f.text_total == sizeof long_text);
    for (int code = 0; code < FAILURE_CODES; code++)
        assert_non_null(failure_reason(code));
    assert_non_null(failure_reason(-1));
    assert_non_null(failure_reason(FAILURE_CODES));
    assert_true(failure_is_record(FAILURE_NOT_INTEGER) && failure_is_record(FAILURE_LINE_LONG));
    assert_false(failure_is_record(FAILURE_NONE) || failure_is_record(FAILURE_OPEN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_number_grammar),
        cmocka_unit_test(test_nan_and_overflow),
        cmocka_unit_test(test_famous_numbers),
        cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_middles),
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_kernels_core),
        cmocka_unit_test(test_power_table),
        cmocka_unit_test(test_integer_cells),
        cmocka_unit_test(test_float_cells),
        cmocka_unit_test(test_rounded_integers),
        cmocka_unit_test(test_string_cells),
        cmocka_unit_test(test_missing_match),
        cmocka_unit_test(test_missing_cells),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
