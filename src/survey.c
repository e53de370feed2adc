/*
 * survey.c - what the values of a text column have been so far, and the narrowest type that holds them all.
 *
 * Each field is put into a class; a column's class is the widest one seen, so order does not matter. 'nan' and 'inf'
 * are floats: a column of text that has them among its words has other words too, and these make it text.
 */
#include "survey.h"

#include <string.h>

#include "convert.h"
#include "dialect.h"
#include "misspelt.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Quick: true when the first byte rules out every number and every spelling of inf and nan. */
static bool cannot_be_number(char first)
{
    switch (first) {
    case '+': case '-': case '.': case 'i': case 'I': case 'n': case 'N':
        return false;
    default:
        return !is_digit(first);
    }
}

static enum survey_class class_of(struct survey *s, const char *text, size_t text_bytes)
{
    bool negative, overflow;
    uint64_t magnitude;
    double value;

    if (text_bytes == 0 || cannot_be_number(*text))
        return SURVEY_TEXT;
    switch (convert_integer(text, text_bytes, &negative, &magnitude)) {
    case FAILURE_NONE:
        if (negative && magnitude > s->most_negative)
            s->most_negative = magnitude;
        if (!negative && magnitude > s->most_positive)
            s->most_positive = magnitude;
        return SURVEY_INTEGER;
    case FAILURE_OUT_OF_RANGE:
        s->too_large = true;
        return SURVEY_INTEGER;
    default:
        break;
    }
    if (convert_double(text, text_bytes, &value, &overflow) == FAILURE_NONE && convert_is_likely(text, text_bytes))
        return SURVEY_FLOAT;
    return SURVEY_TEXT;
}

/* A token such as '-9999' is a number first; a finite one never counts as missing here, whatever the column becomes. */
static bool is_word(const char *text, size_t text_bytes)
{
    for (size_t i = 0; i < text_bytes; i++)
        if (is_digit(text[i]))
            return false;
    return true;
}

/* '1,5', '-0,25': decimals in half of the world. */
static bool is_comma_number(const char *text, size_t text_bytes)
{
    const char *end = text + text_bytes, *comma;

    if (text < end && (*text == '-' || *text == '+'))
        text++;
    comma = memchr(text, ',', (size_t)(end - text));
    if (comma == NULL || comma == text || comma + 1 == end)
        return false;
    for (; text < end; text++)
        if (!is_digit(*text) && text != comma)
            return false;
    return true;
}

/* A number too wide for its field is so many stars in Fortran. */
static bool repeats_first(const char *text, size_t text_bytes)
{
    for (size_t i = 1; i < text_bytes; i++)
        if (text[i] != text[0])
            return false;
    return true;
}

static void take_text(struct survey *s, const char *text, size_t text_bytes)
{
    size_t kept = text_bytes < SURVEY_CODE ? text_bytes : SURVEY_CODE;

    if (s->code_bytes == SURVEY_CODES)
        return;
    if (s->code_bytes == 0 && text_bytes <= SURVEY_FIRST) {
        s->first_bytes = (uint8_t)text_bytes;
        memcpy(s->first, text, text_bytes);
    }
    if (text_bytes >= SURVEY_CODES || (text_bytes > SURVEY_CODE && !repeats_first(text, text_bytes))) {
        s->code_bytes = SURVEY_CODES;
    } else if (s->code_bytes == 0) {
        s->code_bytes = (uint8_t)text_bytes;
        memcpy(s->code, text, kept);
    } else if (text_bytes != s->code_bytes || memcmp(s->code, text, kept) != 0) {
        s->code_bytes = SURVEY_CODES;
    }
}

size_t survey_code(const struct survey *s, char code[SURVEY_CODES])
{
    size_t bytes = s->code_bytes < SURVEY_CODES ? s->code_bytes : 0;

    if (bytes > 0)
        memset(code, *s->code, bytes);
    memcpy(code, s->code, bytes < SURVEY_CODE ? bytes : SURVEY_CODE);
    return bytes;
}

void survey_field(struct survey *s, const struct missing *missing, const char *text, size_t text_bytes, bool quoted)
{
    enum survey_class class;

    (void)quoted; /* "12" is the number 12, as everywhere */
    if (text_bytes > s->longest)
        s->longest = text_bytes < UINT32_MAX ? (uint32_t)text_bytes : UINT32_MAX;
    while (text_bytes > 0 && is_blank(text[text_bytes - 1]))
        text_bytes--;
    while (text_bytes > 0 && is_blank(*text)) {
        text++;
        text_bytes--;
    }
    class = class_of(s, text, text_bytes);
    if (missing != NULL && (class == SURVEY_TEXT || (class == SURVEY_FLOAT && is_word(text, text_bytes))) &&
        convert_is_missing(missing, KIND_STRING, text, text_bytes)) {
        s->missing = true;
        return;
    }
    if (class == SURVEY_TEXT) {
        take_text(s, text, text_bytes);
        s->commas |= is_comma_number(text, text_bytes) ? SURVEY_COMMA : SURVEY_NO_COMMA;
        if ((s->misspelt & MISSPELT_NOT) == 0)
            s->misspelt |= (uint8_t)misspelt_find(text, text_bytes);
    }
    if (class == SURVEY_FLOAT && !s->fraction)
        s->fraction = missing == NULL || !convert_is_missing(missing, KIND_FLOAT, text, text_bytes);
    s->number = s->number || class != SURVEY_TEXT;
    s->class = class > s->class ? (uint8_t)class : s->class;
}

void survey_place(struct survey *s, uint64_t line_no)
{
    if (s->code_bytes > 0 && s->line_no == 0)
        s->line_no = line_no;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void survey_join(struct survey *into, const struct survey *other)
{
    char code[SURVEY_CODES];

    into->class = (uint8_t)larger(into->class, other->class);
    into->missing = into->missing || other->missing;
    into->too_large = into->too_large || other->too_large;
    into->fraction = into->fraction || other->fraction;
    into->number = into->number || other->number;
    if (other->code_bytes > 0 && (into->code_bytes == 0 || (into->line_no == 0 && other->line_no > 0))) {
        into->line_no = other->line_no;
        into->first_bytes = other->first_bytes;
        memcpy(into->first, other->first, sizeof into->first);
    }
    if (other->code_bytes == SURVEY_CODES)
        into->code_bytes = SURVEY_CODES;
    else if (other->code_bytes > 0)
        take_text(into, code, survey_code(other, code));
    into->commas |= other->commas;
    into->misspelt |= other->misspelt;
    into->longest = (uint32_t)larger(into->longest, other->longest);
    into->most_negative = larger(into->most_negative, other->most_negative);
    into->most_positive = larger(into->most_positive, other->most_positive);
}

static void set_type(struct field *f, enum kind kind, uint32_t bytes)
{
    f->kind = kind;
    f->elem_bytes = bytes;
    f->big_endian = false;
    f->n_dims = 0;
    f->n_elems = 1;
}

static int set_integer(const struct survey *s, struct field *f)
{
    const uint64_t largest_i4 = INT32_MAX, largest_i8 = INT64_MAX;

    if (s->too_large || s->most_negative > largest_i8 + 1 || (s->most_negative > 0 && s->most_positive > largest_i8))
        return FAILURE_NO_TYPE;
    if (s->most_positive > largest_i8)
        set_type(f, KIND_UINT, 8);
    else if (s->most_positive > largest_i4 || s->most_negative > largest_i4 + 1)
        set_type(f, KIND_INT, 8);
    else
        set_type(f, KIND_INT, 4);
    return FAILURE_NONE;
}

/* Up to here f8 holds every integer. */
static const uint64_t LARGEST_EXACT = UINT64_C(1) << 53;

int survey_type(const struct survey *s, const struct missing *missing, struct field *field)
{
    bool needs_nan = s->missing && (missing == NULL || !missing->has_fill);

    if (s->class == SURVEY_TEXT || field->least_bytes > 0) {
        uint32_t least = field->least_bytes > 0 ? field->least_bytes : 1;

        set_type(field, KIND_STRING, s->longest > least ? s->longest : least);
        return FAILURE_NONE;
    }
    if (s->class == SURVEY_INTEGER && (!needs_nan || s->too_large))
        return set_integer(s, field);
    if (s->class == SURVEY_INTEGER && (s->most_positive > LARGEST_EXACT || s->most_negative > LARGEST_EXACT))
        return FAILURE_NO_TYPE; /* f8 has a NaN, but would round them */
    set_type(field, KIND_FLOAT, 8);
    return FAILURE_NONE;
}
