/*
 * arrays.c - rows that need no packing, into one file by all ranks: parallel HDF5, by MPI-IO.
 *
 * The datasets are there, and chunks have their places, so a rank changes nothing but rows that are its own: no call
 * but those of open and close has to be made by all ranks at once. Which is as well, since each of them is somewhere
 * else, in another dataset as a rule.
 */
#include "mpi_arrays.h"

#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gather.h"
#include "mpi_table.h"

enum {
    AT_ONCE_BYTES = 64 << 20,
    COLUMNS_BYTES = 4 << 20,
    WRITE_BACK_BYTES = 1 << 20,
};

struct arrays {
    struct placing placing;
    hid_t h5;
    int fd;                  /* of the same file */
    const char *path;        /* of the dataset */
    struct mpi_table table;
    uint64_t next_row;
    unsigned char *gathered; /* COLUMNS_BYTES, or one row */
    size_t gathered_bytes;
};

static int arrays_begin(struct placing *placing, const struct store_dataset *d, uint64_t first_row,
                        char error[STORE_ERROR])
{
    struct arrays *a = (struct arrays *)placing;
    size_t bytes = d->schema->row_bytes > COLUMNS_BYTES ? d->schema->row_bytes : COLUMNS_BYTES;

    if (d->schema->shape == SHAPE_COLUMNS && a->gathered_bytes < bytes) {
        free(a->gathered);
        a->gathered = malloc(bytes);
        a->gathered_bytes = a->gathered != NULL ? bytes : 0;
        if (a->gathered == NULL) {
            (void)snprintf(error, STORE_ERROR, "no memory");
            return -1;
        }
    }
    a->path = d->path;
    a->next_row = first_row;
    return mpi_table_open(&a->table, a->h5, d->path, d->schema, error);
}

/* Let the disk begin with rows that have their place in one piece, or the sync at the end would find all of them. */
static void write_back(const struct arrays *a, const struct mpi_part *p, uint64_t n_rows)
{
    haddr_t place = H5Dget_offset(p->dataset);

    if (place != HADDR_UNDEF)
        (void)sync_file_range(a->fd, (off_t)(place + a->next_row * p->bytes), (off_t)(n_rows * p->bytes),
                              SYNC_FILE_RANGE_WRITE);
}

/* Errors 0, or -1 from HDF5 */
static int write_rows(struct arrays *a, const unsigned char *rows, size_t n_rows)
{
    const struct schema *s = a->table.schema;
    const unsigned char *from = rows;

    if (s->shape == SHAPE_COLUMNS) {
        gather_columns(s, rows, n_rows, a->gathered);
        from = a->gathered;
    }
    for (size_t i = 0; i < a->table.n_parts; i++) {
        const struct mpi_part *p = &a->table.parts[i];

        if (hdf5_write_rows(p->dataset, p->type, a->next_row, n_rows, from + n_rows * p->offset) != 0)
            return -1;
    }
    return 0;
}

static int arrays_rows(struct placing *placing, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    struct arrays *a = (struct arrays *)placing;
    size_t row_bytes = a->table.schema->row_bytes;
    size_t most = (a->table.schema->shape == SHAPE_COLUMNS ? COLUMNS_BYTES : AT_ONCE_BYTES) / row_bytes;
    const unsigned char *at = rows;

    for (size_t n; n_rows > 0; n_rows -= n, at += n * row_bytes) {
        n = n_rows < most ? n_rows : most > 0 ? most : 1;
        if (write_rows(a, at, n) != 0)
            return mpi_table_failed("write dataset", a->path, error);
        for (size_t i = 0; n * row_bytes >= WRITE_BACK_BYTES && i < a->table.n_parts; i++)
            write_back(a, &a->table.parts[i], n);
        a->next_row += n;
    }
    return 0;
}

static int arrays_packed(struct placing *placing, const void *packed, const struct packed_chunk *chunks,
                         char error[STORE_ERROR])
{
    (void)placing;
    (void)packed;
    (void)chunks;
    (void)snprintf(error, STORE_ERROR, "packed chunks do not go this way");
    return -1;
}

static int arrays_end(struct placing *placing, char error[STORE_ERROR])
{
    struct arrays *a = (struct arrays *)placing;

    return mpi_table_close(&a->table) == 0 ? 0 : mpi_table_failed("close dataset", a->path, error);
}

static const struct placing_class arrays_class = {
    .begin = arrays_begin,
    .rows = arrays_rows,
    .packed = arrays_packed,
    .end = arrays_end,
};

int mpi_arrays_open(struct placing **placing, const char *path, char error[STORE_ERROR])
{
    struct arrays *a = calloc(1, sizeof *a);
    hid_t access;

    *placing = NULL;
    if (a == NULL) {
        (void)snprintf(error, STORE_ERROR, "no memory");
        return -1;
    }
    hdf5_prepare();
    a->placing.class = &arrays_class;
    access = H5Pcreate(H5P_FILE_ACCESS);
    a->h5 = -1;
    if (H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
        a->h5 = H5Fopen(path, H5F_ACC_RDWR, access);
    (void)H5Pclose(access);
    a->fd = open(path, O_RDWR | O_CLOEXEC);
    if (a->h5 >= 0) {
        *placing = &a->placing;
        return 0;
    }
    if (a->fd >= 0)
        (void)close(a->fd);
    free(a);
    return mpi_table_failed("open", path, error);
}

int mpi_arrays_close(struct placing *placing, char error[STORE_ERROR])
{
    struct arrays *a = (struct arrays *)placing;
    int result = 0;

    if (a == NULL)
        return 0;
    (void)mpi_table_close(&a->table);
    if (H5Fclose(a->h5) < 0)
        result = mpi_table_failed("write", "/", error);
    if (a->fd >= 0)
        (void)close(a->fd);
    free(a->gathered);
    free(a);
    return result;
}
