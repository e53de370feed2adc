/*
 * mpi_table.h - a table in a file that is laid out: its dataset, or one for each column.
 *
 * 1. mpi_table_open()
 * 2. its parts, as HDF5 has them
 * 3. mpi_table_close()
 */
#ifndef SHMLOAD_MPI_TABLE_H
#define SHMLOAD_MPI_TABLE_H

#include "hdf5_library.h"
#include "schema.h"
#include "store.h"

struct mpi_part {
    hid_t dataset, type;
    int rank;
    hsize_t dims[1 + SCHEMA_DIMS]; /* the first is for the rows */
    size_t offset, bytes;          /* in the row */
};

struct mpi_table {
    const struct schema *schema;
    size_t n_parts;
    struct mpi_part *parts;        /* NULL: closed */
};

/* Errors  0, or -1 with a sentence and nothing to close */
int mpi_table_open(struct mpi_table *t, hid_t h5, const char *path, const struct schema *schema,
                   char error[STORE_ERROR]) MUST_USE;

/* Errors  0, or -1: HDF5 could not write what it still had to */
int mpi_table_close(struct mpi_table *t);

/* A failed HDF5 call in words. Returns -1 */
int mpi_table_failed(const char *doing, const char *path, char error[STORE_ERROR]);

#endif
