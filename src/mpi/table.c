/*
 * table.c - a table in a file that is laid out: its dataset, or one for each column.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gather.h"
#include "mpi_table.h"

enum { PATH_BYTES = 8192 };

int mpi_table_failed(const char *doing, const char *path, char error[STORE_ERROR])
{
    (void)snprintf(error, STORE_ERROR, "cannot %s '%.200s': %.200s", doing, path, hdf5_reason());
    return -1;
}

/* Errors 0, or -1 from HDF5 */
static int open_part(struct mpi_part *p, hid_t h5, const char *path)
{
    hid_t space;

    p->dataset = H5Dopen2(h5, path, H5P_DEFAULT);
    if (p->dataset < 0)
        return -1;
    p->type = H5Dget_type(p->dataset);
    space = H5Dget_space(p->dataset);
    p->rank = H5Sget_simple_extent_dims(space, p->dims, NULL);
    (void)H5Sclose(space);
    return p->type < 0 || p->rank < 1 ? -1 : 0;
}

int mpi_table_open(struct mpi_table *t, hid_t h5, const char *path, const struct schema *schema,
                   char error[STORE_ERROR])
{
    bool apart = schema->shape == SHAPE_COLUMNS;
    size_t n = apart ? schema->n_fields : 1;
    char column[PATH_BYTES];

    *t = (struct mpi_table){.schema = schema, .parts = calloc(n, sizeof *t->parts)};
    if (t->parts == NULL) {
        (void)snprintf(error, STORE_ERROR, "no memory");
        return -1;
    }
    for (; t->n_parts < n; t->n_parts++) {
        const struct field *f = &schema->fields[t->n_parts];
        struct mpi_part *p = &t->parts[t->n_parts];

        *p = (struct mpi_part){.dataset = -1, .type = -1, .bytes = schema->row_bytes};
        if (apart) {
            p->offset = f->offset;
            p->bytes = gather_field_bytes(f);
            (void)snprintf(column, sizeof column, "%s/%s", path, f->name);
        }
        if (open_part(p, h5, apart ? column : path) != 0) {
            (void)mpi_table_failed("open", path, error);
            t->n_parts++;
            (void)mpi_table_close(t);
            return -1;
        }
    }
    return 0;
}

int mpi_table_close(struct mpi_table *t)
{
    int result = 0;

    for (size_t i = 0; i < t->n_parts; i++) {
        if (t->parts[i].type >= 0)
            (void)H5Tclose(t->parts[i].type);
        if (t->parts[i].dataset >= 0 && H5Dclose(t->parts[i].dataset) < 0)
            result = -1;
    }
    free(t->parts);
    *t = (struct mpi_table){.parts = NULL};
    return result;
}
