/*
 * fuzz_number.c - any text as a number of every type: the grammar by hand, the values by strtod(3), strtof(3) and 128
 * bits.
 */
#include "fuzz.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "convert.h"
#include "dialect.h"

/* what the text is by the manual's table of values, found in the plainest way. */
struct expected {
    bool integer, number;
    bool finite;           /* digits, no word */
    bool too_large;        /* the integer does not fit 100 bits */
    __int128 value;
    double f8;
    float f4;
};

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static const char *pass_digits(const char *p)
{
    while (isdigit((unsigned char)*p))
        p++;
    return p;
}

/* [+-]?digits and nothing else. */
static bool is_signed_digits(const char *text)
{
    const char *digits = text + is_one_of(*text, "+-"), *end = pass_digits(digits);

    return end > digits && *end == '\0';
}

/* A decimal number in the spelling that strtod(3) reads. False: it is none. */
static bool respell(const char *text, char *out)
{
    const char *p = text + is_one_of(*text, "+-"), *digits = p;
    bool point;

    p = pass_digits(p);
    point = *p == '.';
    if (point)
        p = pass_digits(p + 1);
    if (p - digits == point)
        return false;
    memcpy(out, text, (size_t)(p - text));
    out += p - text;
    if (*p != '\0') {
        if (is_one_of(*p, "eEdDqQ"))
            p++;
        else if (!point || !is_one_of(*p, "+-"))
            return false;
        if (!is_signed_digits(p))
            return false;
        *out++ = 'e';
    }
    strcpy(out, p);
    return true;
}

static bool is_special(const char *text)
{
    text += is_one_of(*text, "+-");
    return strcasecmp(text, "nan") == 0 || strcasecmp(text, "inf") == 0 || strcasecmp(text, "infinity") == 0;
}

/* text: terminated, without blanks around it, no NUL inside. */
static void expect_value(struct expected *e, const char *text)
{
    char *spelling = exactly(strlen(text) + 2);

    memset(e, 0, sizeof *e);
    e->integer = is_signed_digits(text);
    for (const char *p = text + is_one_of(*text, "+-"); e->integer && *p != '\0' && !e->too_large; p++) {
        e->value = e->value * 10 + (*p - '0');
        e->too_large = e->value >> 100 != 0;
    }
    if (*text == '-')
        e->value = -e->value;
    e->finite = respell(text, spelling);
    if (e->finite || is_special(text)) {
        e->number = true;
        e->f8 = strtod(e->finite ? spelling : text, NULL);
        e->f4 = strtof(e->finite ? spelling : text, NULL);
    }
    free(spelling);
}

static void check_float(const struct expected *e, const char *text, size_t bytes)
{
    double f8 = 0;
    float f4 = 0;
    bool overflow_f8 = false, overflow_f4 = false;

    EXPECT((convert_double(text, bytes, &f8, &overflow_f8) == FAILURE_NONE) == e->number);
    EXPECT((convert_float(text, bytes, &f4, &overflow_f4) == FAILURE_NONE) == e->number);
    if (!e->number)
        return;
    EXPECT(memcmp(&f8, &e->f8, sizeof f8) == 0);
    EXPECT(memcmp(&f4, &e->f4, sizeof f4) == 0);
    EXPECT(overflow_f8 == (e->finite && isinf(e->f8)));
    EXPECT(overflow_f4 == (e->finite && isinf(e->f4)));
}

static void check_integer(const struct expected *e, const char *text, size_t bytes)
{
    bool negative = false;
    uint64_t magnitude = 0;
    int code = convert_integer(text, bytes, &negative, &magnitude);
    __int128 size = e->value < 0 ? -e->value : e->value;

    if (!e->integer)
        EXPECT(code == FAILURE_NOT_INTEGER);
    else if (e->too_large || size > UINT64_MAX)
        EXPECT(code == FAILURE_OUT_OF_RANGE);
    else
        EXPECT(code == FAILURE_NONE && magnitude == (uint64_t)size && negative == (*text == '-'));
}

/* The number in a row of each integer type, in both byte orders. */
static void check_cells(const struct expected *e, const char *text, size_t bytes)
{
    for (uint32_t width = 1; width <= 8; width *= 2)
        for (int choice = 0; choice < 4; choice++) {
            bool is_signed = choice & 1, swap = choice & 2;
            struct cell cell = {.bytes = width, .kind = is_signed ? KIND_INT : KIND_UINT, .swap = swap};
            __int128 span = (__int128)1 << 8 * width, least = is_signed ? -span / 2 : 0, got = 0;
            bool fits = !e->too_large && e->value >= least && e->value < least + span;
            unsigned char *row = exactly(width);
            struct convert_tally tally = {0};
            int code = convert_cell(&cell, text, bytes, row, &tally);

            EXPECT(code == (!e->integer ? FAILURE_NOT_INTEGER : fits ? FAILURE_NONE : FAILURE_OUT_OF_RANGE));
            for (uint32_t i = 0; code == FAILURE_NONE && i < width; i++)
                got |= (__int128)row[i] << 8 * (swap ? width - 1 - i : i);
            if (code == FAILURE_NONE)
                EXPECT(got == (e->value & (span - 1)));
            free(row);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = exactly(size), *terminated = exactly(size + 1);
    struct expected e = {0};

    if (size > 0)
        memcpy(text, data, size);
    memcpy(terminated, text, size);
    terminated[size] = '\0';
    if (memchr(text, '\0', size) == NULL)
        expect_value(&e, terminated); /* with a NUL inside it is no number */
    check_float(&e, text, size);
    check_integer(&e, text, size);
    if (size == 0 || (!is_blank(text[0]) && !is_blank(text[size - 1])))
        check_cells(&e, text, size);
    free(terminated);
    free(text);
    return 0;
}
