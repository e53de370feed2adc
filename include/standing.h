/*
 * standing.h - what stands in an HDF5 file already, for those who add to it (--append).
 *
 * 1. standing_open() reads, and changes nothing
 * 2. standing_find() for names, standing_rows() and standing_index() for the dataset that is to grow
 * 3. standing_close() before the first fork; struct standing keeps what was found, until standing_release()
 */
#ifndef SHMLOAD_STANDING_H
#define SHMLOAD_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "output_file.h"
#include "pack.h"
#include "schema.h"

enum { STANDING_ERROR = 512 };

/* One input of a concatenation, as its index has it. */
struct standing_input {
    char *source;          /* owned */
    uint64_t first_row, n_rows;
};

/* All zeros: the output is a new file. */
struct standing {
    bool file;             /* the output exists: what is new goes into a copy of it */
    struct output_stamp stamp; /* as it was when it was looked at */

    bool rows;             /* so does the dataset of --concat: rows are added to it */
    uint64_t n_rows;       /* that it has */
    uint64_t text_bytes, n_rejected; /* as its attributes say */
    bool packs;            /* its chunks have filters: */
    struct packing packing;/* of its chunks, without 'columns' */
    size_t n_inputs;       /* of its index */
    struct standing_input *inputs;
};

void standing_release(struct standing *s);

struct standing_file;

/*
 * Owner   *f is the caller's, until standing_close()
 * Errors  0, or -1 with a sentence: no HDF5 file, or none that shmload made
 */
int standing_open(struct standing_file **f, const char *path, char error[STANDING_ERROR]) MUST_USE;

/*
 * NULL is fine.
 * Errors  0, or -1: a part of the file stays open in HDF5, which is not to be trusted with another file then
 */
int standing_close(struct standing_file *f);

enum standing_kind {
    STANDING_NOTHING,
    STANDING_DATASET,
    STANDING_GROUP,
    STANDING_BLOCKED, /* nothing, and nothing can be: a part of the path is a dataset */
};

enum standing_kind standing_find(const struct standing_file *f, const char *path);

/*
 * The dataset, or the group of columns, that is to take rows of that schema: fills rows, n_rows, text_bytes,
 * n_rejected and packing.
 * Errors  0, or -1 with a sentence: other types (both are shown), or it cannot grow
 */
int standing_rows(struct standing *s, const struct standing_file *f, const char *path, const struct schema *schema,
                  char error[STANDING_ERROR]) MUST_USE;

/* What makes rows of one schema like others: their types, a choice of columns, or names. Range  cure_bytes > 64 */
void standing_cure(char *cure, size_t cure_bytes, const struct schema *there, const struct schema *here);

/* The index of that dataset, which must account for all its rows. Errors 0, or -1 with a sentence */
int standing_index(struct standing *s, const struct standing_file *f, const char *path,
                   char error[STANDING_ERROR]) MUST_USE;

#endif
