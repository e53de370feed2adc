/*
 * convert.h - the text of one field to one value, exactly; the only place that decides what is an error.
 *
 * Every kernel that meets a field it cannot do in its fast way comes here, so all give the same values and
 * the same errors. Nothing here depends on the locale. Text is given as pointer and length and need not be
 * terminated. convert_integer, convert_double and convert_float want no blanks around it; convert_cell and
 * convert_is_missing trim them. Kernels that have digits and exponent already call float_parse.h instead.
 */
#ifndef SHMLOAD_CONVERT_H
#define SHMLOAD_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema.h"

/*
 * [+-]?digits to a sign and a magnitude.
 * Errors  FAILURE_NONE, FAILURE_NOT_INTEGER, or FAILURE_OUT_OF_RANGE past 64 bits
 */
int convert_integer(const char *text, size_t text_bytes, bool *negative, uint64_t *magnitude) MUST_USE;

/*
 * Decimal text to the nearest double, ties to even. Accepts an optional sign; digits with at most one point and
 * at least one digit; an exponent after e E d D q Q; Fortran's letterless exponent (5.68-304), which needs a point;
 * inf, infinity, nan in any case. Beyond range gives inf and sets *overflow; underflow is exact.
 * Errors  FAILURE_NONE or FAILURE_NOT_NUMBER
 * Source  decimal.h for the grammar, float_parse.h for the rounding
 */
int convert_double(const char *text, size_t text_bytes, double *value, bool *overflow) MUST_USE;

/* The same to the nearest float, rounded once from the decimal. */
int convert_float(const char *text, size_t text_bytes, float *value, bool *overflow) MUST_USE;

/* What happened to the fields that were stored; a field that failed is not counted. */
struct convert_tally {
    uint64_t n_missing;
    uint64_t n_overflow; /* decimal numbers that became inf */
};

/*
 * One field into its place in the row: type, range, byte order, missing values and fill.
 * text      the field's bytes, quotes already taken off; blanks still there (numbers are trimmed here,
 *           missing tokens too, strings are stored as given)
 * row       the record's first byte; exactly cell->bytes at cell->offset are written, strings NUL padded
 * tally     counts of missing values and overflowed floats are added here
 * Missing   the fill value where the column has one; else NaN in a float column, and in an integer column the
 *           integer that the field spells, or FAILURE_MISSING_VALUE. Strings are never missing
 * Errors    FAILURE_NONE; FAILURE_ROUNDED, which is none, where a guessed f8 holds an integer not exactly; or the
 *           code, and the cell's bytes are then undefined
 */
int convert_cell(const struct cell *cell, const char *text, size_t text_bytes, unsigned char *row,
                 struct convert_tally *tally) MUST_USE;

/*
 * True when the trimmed text is one of the column's missing tokens, or empty where that counts as missing. In
 * number columns also by value: integers exactly, all else as doubles; NaN and decimals beyond range equal nothing.
 */
bool convert_is_missing(const struct missing *m, enum kind kind, const char *text, size_t text_bytes);

/*
 * '5.68-304' is a number as Fortran writes it; '1.5-2' is more likely a range. So a letterless exponent of other than
 * three digits is taken where the type is given, and is text where it is to be found. The text is known to be a number.
 */
bool convert_is_likely(const char *text, size_t text_bytes);

#endif
