/*
 * store_links.c - what other files hold: links to it, and virtual datasets over it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

int store_link(struct store *s, const char *path, const char *file, char error[STORE_ERROR])
{
    char *there = NULL;
    herr_t made = -1;

    if (asprintf(&there, "/%s", path) >= 0)
        made = H5Lcreate_external(file, there, s->h5, path, s->with_groups, H5P_DEFAULT);
    free(there);
    return made < 0 ? store_hdf5_failed(s, "link", path, error) : 0;
}

/* A '%' in a name of a virtual dataset's source begins a pattern, and two are one. Owner the caller. Errors NULL */
static char *escape_percent(const char *name)
{
    char *escaped = malloc(2 * strlen(name) + 1), *to = escaped;

    for (; escaped != NULL && *name != '\0'; *to++ = *name++)
        if (*name == '%')
            *to++ = '%';
    if (escaped != NULL)
        *to = '\0';
    return escaped;
}

/* Rows of 'all' from first_row on are those of a source. Errors -1 from HDF5 */
static int map_source(hid_t list, hid_t all, const struct store_part *p, uint64_t first_row,
                      const struct store_source *source)
{
    hsize_t start[1 + SCHEMA_DIMS] = {first_row}, count[1 + SCHEMA_DIMS];
    char *file = escape_percent(source->file), *path = escape_percent(p->path);
    hid_t there;
    herr_t made = -1;

    memcpy(count, p->dims, sizeof count);
    count[0] = source->n_rows;
    there = H5Screate_simple(p->rank, count, NULL);
    if (there >= 0 && file != NULL && path != NULL &&
        H5Sselect_hyperslab(all, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
        made = H5Pset_virtual(list, all, file, path, there);
    if (there >= 0)
        (void)H5Sclose(there);
    free(file);
    free(path);
    return made < 0 ? -1 : 0;
}

/* Owner the caller. Errors -1 from HDF5 */
static hid_t virtual_list(const struct store_part *p, const struct store_source *sources, size_t n)
{
    hid_t list = store_creation_list(), all = H5Screate_simple(p->rank, p->dims, NULL);
    uint64_t row = 0;
    int status = list < 0 || all < 0 ? -1 : 0;

    for (size_t i = 0; status == 0 && i < n; row += sources[i++].n_rows)
        if (sources[i].n_rows > 0)
            status = map_source(list, all, p, row, &sources[i]);
    store_close_id(&all);
    if (status != 0)
        store_close_id(&list);
    return list;
}

static int create_virtual(struct store *s, struct store_part *p, const struct store_source *sources, size_t n,
                          char error[STORE_ERROR])
{
    hid_t list;

    p->dims[0] = s->n_rows;
    list = virtual_list(p, sources, n);
    if (list < 0)
        return store_hdf5_failed(s, "create dataset", p->path, error);
    p->dataset = store_create_dataset(s, p, s->n_rows, s->n_rows, list, H5P_DEFAULT, error);
    (void)H5Pclose(list);
    return p->dataset < 0 ? -1 : 0;
}

int store_virtual(struct store *s, const struct store_dataset *d, const struct store_source *sources, size_t n,
                  char error[STORE_ERROR])
{
    if (store_begin_table(s, d, error) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        s->n_rows += sources[i].n_rows;
    for (size_t i = 0; i < s->n_parts; i++)
        if (create_virtual(s, &s->parts[i], sources, n, error) != 0)
            return -1;
    return store_describe(s, d->attributes, d->n_attributes, error) != 0 ? -1 : store_close_datasets(s, error);
}
