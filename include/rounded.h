/*
 * rounded.h - integers that an f8 does not hold exactly, where nobody asked for f8: noted by workers, told at the end.
 *
 * 1. record.c notes the first such value of each cell in a list of its slice
 * 2. rounded_take() joins the lists, in the order of the slices
 * 3. rounded_refuse() where nothing but missing values made the column f8: as inference does that sees it beforehand
 * 4. rounded_tell() says it, once for each column
 */
#ifndef SHMLOAD_ROUNDED_H
#define SHMLOAD_ROUNDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct finding;
struct inputs;
struct options;
struct schemas;

enum {
    ROUNDED_KEPT = 16, /* cells of a slice */
    ROUNDED_TOLD = 5,  /* columns of a run */
    ROUNDED_TEXT = 32,
};

/* The first such value of a cell. */
struct rounded {
    uint64_t line_no;
    uint32_t cell;
    uint32_t text_bytes;     /* of the value, also where 'text' has not all of it */
    char text[ROUNDED_TEXT]; /* not terminated */
};

/* The first cells that have any. */
struct rounded_list {
    uint32_t n;
    struct rounded first[ROUNDED_KEPT];
};

/* True when there is nothing to note of the cell, or no room for it. */
bool rounded_is_noted(const struct rounded_list *list, uint32_t cell);

/* Note a value, if it is the first of its cell and there is room. */
void rounded_note(struct rounded_list *list, uint32_t cell, uint64_t line_no, const char *text, size_t text_bytes);

/* A column of a run, and where it was seen first. */
struct rounded_column {
    size_t schema;
    size_t input, last_input; /* the first and the last one that has any */
    size_t n_inputs;
    struct rounded value;
};

/* All zeros at first. */
struct rounded_columns {
    size_t n;
    bool more;                /* than are told */
    struct rounded_column column[ROUNDED_TOLD];
};

/* Join what a slice of that input has. lines_before: physical lines of the input before the slice. */
void rounded_take(struct rounded_columns *c, size_t schema, size_t input, uint64_t lines_before,
                  const struct rounded_list *list);

/* A notice for each column: where, which value, why the column is f8 as far as that is known, and the cure. */
void rounded_tell(const struct rounded_columns *c, const struct schemas *schemas, const struct finding *findings,
                  const struct inputs *inputs, const struct options *options);

/* True, and said, where some column is f8 for missing values only. */
bool rounded_refuse(const struct rounded_columns *c, const struct schemas *schemas, const struct finding *findings,
                    const struct inputs *inputs, const struct options *options);

#endif
