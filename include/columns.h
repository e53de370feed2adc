/*
 * columns.h - which text columns are wanted, what they are called, and names cleaned for those who read the file.
 */
#ifndef SHMLOAD_COLUMNS_H
#define SHMLOAD_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "schema.h"

/* The text columns of one input, as far as known. */
struct columns {
    uint32_t n;            /* 0: not known */
    size_t n_names;        /* n, or 0: no header */
    char *const *names;    /* the header's */
};

/*
 * --usecols to numbers, in the order given: from 0, or negative as typed. A word that is no number is a name, looked
 * up among --names when these name all columns, else in the header.
 * Shape   *chosen: *n_chosen numbers; NULL and 0 without --usecols
 * Owner   *chosen is the caller's, to free()
 * Errors  0, or -1 with a sentence that lists the names
 */
int columns_choose(const struct columns *c, const struct options *options, int32_t **chosen, size_t *n_chosen,
                   char error[SCHEMA_ERROR]) MUST_USE;

/*
 * The name of each of n elements, from --names (one for each column, or one for each element), else from the header,
 * else NULL. chosen as columns_choose() gave it; n elements there, or n columns in order.
 * Owner   *block holds the words of --names: the caller's, to free()
 * Errors  0, or -1 with a sentence: --names does not fit, or has a name that cannot be
 */
int columns_name(const struct columns *c, const struct options *options, const int32_t *chosen, size_t n,
                 const char **names, char **block, char error[SCHEMA_ERROR]) MUST_USE;

/* A field of no type yet for each element, named (f0, f1 ... without names) and cleaned. Errors 0, or a sentence. */
int columns_add_fields(struct schema *s, const char *const *names, size_t n, char error[SCHEMA_ERROR]) MUST_USE;

/*
 * Rename what HDF5, PyTables or R choke on: no name or '.' -> f<number>; '/' -> '_'; a leading _f_ _g_ _c_ _v_ loses
 * its first '_'; of several with one name the later ones get _2, _3 ... What it was stays as source_name.
 * Errors  0 or -1 on no memory
 */
int columns_clean(struct schema *s) MUST_USE;

/* "a, b, c ..." of n names, for sentences; returns buffer. */
const char *columns_list(char *buffer, size_t buffer_bytes, const char *const *names, size_t n);

#endif
