/*
 * survey.h - what the values of a text column have been so far, and the narrowest type that holds them all.
 *
 * Surveys only widen and join in any order to the same result, so samples, slices and files may be surveyed
 * apart and put together. A survey has a fixed size and no pointers: workers hand it over in shared memory.
 */
#ifndef SHMLOAD_SURVEY_H
#define SHMLOAD_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "schema.h"

enum survey_class { SURVEY_NOTHING, SURVEY_INTEGER, SURVEY_FLOAT, SURVEY_TEXT };

enum { SURVEY_CODE = 7, SURVEY_FIRST = 15, SURVEY_CODES = UINT8_MAX };

/* Bits: some text was digits, a comma and digits, as '1,5'; some was other text. */
enum survey_commas { SURVEY_COMMA = 1, SURVEY_NO_COMMA = 2 };

struct survey {
    uint8_t class;           /* the widest value seen: enum survey_class */
    bool missing;            /* a missing token that is no number was seen */
    bool too_large;          /* an integer past 64 bits was seen */
    bool fraction;           /* a number that is neither an integer nor listed as missing was seen */
    bool number;             /* some number was seen, whatever the class */
    uint8_t code_bytes;      /* of 'code'; 0: no text was seen; SURVEY_CODES: several, or a longer one */
    uint8_t commas;          /* enum survey_commas, of all text among the values */
    uint8_t misspelt;        /* enum misspelt, the same */
    char code[SURVEY_CODE];  /* the one text among the values; it may be a code for missing values that nobody listed.
                              * A longer one may only repeat its first byte, as Fortran's stars: see survey_code() */
    uint8_t first_bytes;     /* of the first text among the values; 0: there is none, or it is longer than 'first' */
    char first[SURVEY_FIRST];
    uint32_t longest;        /* bytes of the longest field, missing ones included, blanks as a string would keep them */
    uint64_t line_no;        /* of 'first'; 0: not known */
    uint64_t most_negative;  /* magnitude of the smallest negative integer, 0 when none */
    uint64_t most_positive;  /* the largest integer that is not negative */
};

/*
 * Take one field into the survey: integer, decimal number, missing token or text.
 * Fortran's letterless exponent counts as a number only with three digits (1.5-300), so that ranges and dates
 * stay text. inf and nan alone count as numbers (class float) only beside other numbers or nothing; see survey.c.
 */
void survey_field(struct survey *s, const struct missing *missing, const char *text, size_t text_bytes, bool quoted);

/* The first text, if it is new, stands in that line; from 1, 0: not known. To be called behind survey_field(). */
void survey_place(struct survey *s, uint64_t line_no);

/* The code in full. Returns its bytes, 0: there is none */
size_t survey_code(const struct survey *s, char code[SURVEY_CODES]);

void survey_join(struct survey *into, const struct survey *other);

/*
 * i4 -> i8 -> u8; f8 for any fraction, exponent, inf or nan, and for integers beside missing values without a fill
 * value; else, or where the field has least_bytes, Sn with n the longest (1 or those at least). Nothing but missing
 * values, or no value at all: f8.
 * Errors  FAILURE_NONE, or FAILURE_NO_TYPE: integers that fit no 64-bit type, or that f8 would round beside missing
 *         ones
 */
int survey_type(const struct survey *s, const struct missing *missing, struct field *field) MUST_USE;

#endif
