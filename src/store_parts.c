/*
 * store_parts.c - a table's datasets: one or, as columns, one for each field; their paths, shapes and format.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "store_inside.h"

enum { MAX_COMPACT_ATTRIBUTES = 65535 }; /* the most HDF5 accepts: attributes stay in the object header */

void store_close_id(hid_t *id)
{
    if (*id >= 0)
        (void)H5Idec_ref(*id);
    *id = -1;
}

void store_close_parts(struct store *s)
{
    for (size_t i = 0; i < s->n_parts; i++) {
        store_close_id(&s->parts[i].dataset);
        free(s->parts[i].path);
    }
    free(s->parts);
    s->parts = NULL;
    s->n_parts = 0;
}

/* Path and shape of one part. Errors 0, or -1 on no memory */
static int init_part(const struct store *s, struct store_part *p, size_t i)
{
    const struct schema *schema = &s->type->schema;
    const struct field *f = &schema->fields[i];

    *p = (struct store_part){.type = s->type->ids[i], .rank = 1, .bytes = schema->row_bytes, .dataset = -1};
    if (schema->shape != SHAPE_COLUMNS) {
        p->path = strdup(s->path);
    } else {
        p->offset = f->offset;
        p->bytes = gather_field_bytes(f);
        if (asprintf(&p->path, "%s/%s", s->path, f->name) < 0)
            p->path = NULL;
    }
    for (uint32_t k = 0; k < f->n_dims && schema->shape != SHAPE_RECORDS; k++)
        p->dims[p->rank++] = f->dims[k];
    return p->path != NULL ? 0 : -1;
}

static int make_parts(struct store *s)
{
    s->parts = calloc(s->type->n_ids, sizeof *s->parts);
    if (s->parts == NULL)
        return -1;
    for (s->n_parts = 0; s->n_parts < s->type->n_ids; s->n_parts++)
        if (init_part(s, &s->parts[s->n_parts], s->n_parts) != 0)
            return -1;
    return 0;
}

int store_begin_table(struct store *s, const struct store_dataset *d, char error[STORE_ERROR])
{
    assert(s->way == NULL && "store_end() comes first");
    s->type = store_find_type(s, d->schema, error);
    if (s->type == NULL)
        return -1;
    s->path = d->path;
    s->row_bytes = d->schema->row_bytes;
    s->n_rows = 0;
    s->reserved = d->reserved;
    return make_parts(s) == 0 ? 0 : store_write_failed(s, error);
}

hid_t store_creation_list(void)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    if (list >= 0 && H5Pset_obj_track_times(list, false) >= 0 &&
        H5Pset_attr_phase_change(list, MAX_COMPACT_ATTRIBUTES, 0) >= 0)
        return list;
    store_close_id(&list);
    return -1;
}

int store_set_format(struct store *s, H5F_libver_t low)
{
    if (s->low == low)
        return 0;
    s->low = low;
    return H5Fset_libver_bounds(s->h5, low, H5F_LIBVER_LATEST) < 0 ? -1 : 0;
}

/* Errors -1 from HDF5 */
static hid_t create_in_format(struct store *s, const struct store_part *p, hid_t space, hid_t creation, hid_t access)
{
    hid_t links = H5P_DEFAULT;

    if (strchr(p->path, '/') != NULL)
        links = s->with_groups;
    if (store_set_format(s, s->type->v18 ? H5F_LIBVER_V18 : H5F_LIBVER_EARLIEST) != 0)
        return -1;
    return H5Dcreate2(s->h5, p->path, p->type, space, links, creation, access);
}

hid_t store_create_dataset(struct store *s, struct store_part *p, hsize_t n_rows, hsize_t max_rows, hid_t creation,
                           hid_t access, char error[STORE_ERROR])
{
    hsize_t most[1 + SCHEMA_DIMS];
    hid_t space, dataset;

    assert(p->path != NULL); /* set when the table was begun */
    p->dims[0] = n_rows;
    memcpy(most, p->dims, sizeof most);
    most[0] = max_rows;
    space = H5Screate_simple(p->rank, p->dims, most);
    dataset = space < 0 ? -1 : create_in_format(s, p, space, creation, access);
    if (dataset < 0)
        (void)store_hdf5_failed(s, "create dataset", p->path, error);
    if (space >= 0)
        (void)H5Sclose(space);
    return dataset;
}

int store_close_datasets(struct store *s, char error[STORE_ERROR])
{
    for (size_t i = 0; i < s->n_parts; i++) {
        hid_t dataset = s->parts[i].dataset;

        s->parts[i].dataset = -1;
        if (H5Dclose(dataset) < 0)
            return store_hdf5_failed(s, "close dataset", s->parts[i].path, error);
    }
    store_close_parts(s);
    return 0;
}
