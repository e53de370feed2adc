/*
 * placing.h - where the rows of a file go that several processes fill: a second store, for rows only.
 *
 * The file has been laid out before, by one process and with the store: every dataset with its attributes, its types
 * and room for all its rows. What is left is to put the rows there, and each process knows at which row its own begin.
 * An interface, so that the programs for one machine need not know what stands behind it.
 */
#ifndef SHMLOAD_PLACING_H
#define SHMLOAD_PLACING_H

#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "pack.h"
#include "store.h"

struct placing;

struct placing_class {
    /* Go to a row of a dataset. Of 'dataset' only path and schema are used after the call, and must live to end(). */
    int (*begin)(struct placing *p, const struct store_dataset *dataset, uint64_t first_row, char error[STORE_ERROR]);
    /* The next rows; a chunk that is packed begins where one of the dataset's does. */
    int (*rows)(struct placing *p, const void *rows, size_t n_rows, char error[STORE_ERROR]);
    int (*packed)(struct placing *p, const void *packed, const struct packed_chunk *chunks, char error[STORE_ERROR]);
    int (*end)(struct placing *p, char error[STORE_ERROR]);
};

struct placing {
    const struct placing_class *class;
};

#endif
