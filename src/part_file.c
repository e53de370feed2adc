/*
 * part_file.c - reads a file that a run with --part has made.
 */
#include "part_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "hdf5_library.h"
#include "store_types.h"

enum { PATH_BYTES = 8192 };

struct part_handle {
    hid_t h5;
};

struct part_column {
    hid_t dataset, type;         /* the type as whose values it is read; not owned */
    size_t bytes;                /* of a row's share */
};

static int refuse(const struct part_file *f, const char *what, char error[STORE_ERROR])
{
    (void)snprintf(error, STORE_ERROR, "%.300s: %s", f->path, what);
    return -1;
}

static int unreadable(const struct part_file *f, const char *path, char error[STORE_ERROR])
{
    (void)snprintf(error, STORE_ERROR, "%.200s: '%.200s' cannot be read: make this part anew", f->path, path);
    return -1;
}

/* ---- attributes ------------------------------------------------------------------------------------------------ */

/* A text of fixed size. Owner the caller. Errors NULL */
static char *read_text(hid_t attribute, hid_t type)
{
    char *text = H5Tis_variable_str(type) == 0 ? calloc(1, H5Tget_size(type) + 1) : NULL;

    if (text != NULL && H5Aread(attribute, type, text) >= 0)
        return text;
    free(text);
    return NULL;
}

/* The value of an attribute that the store has written. Owner a->text the caller. Errors -1 */
static int read_value(hid_t attribute, struct store_attribute *a)
{
    hid_t type = H5Aget_type(attribute);
    herr_t status = -1;

    switch (H5Tget_class(type)) {
    case H5T_STRING:
        a->type = ATTRIBUTE_TEXT;
        a->text = read_text(attribute, type);
        status = a->text != NULL ? 0 : -1;
        break;
    case H5T_INTEGER:
        a->type = H5Tget_sign(type) == H5T_SGN_NONE ? ATTRIBUTE_COUNT : ATTRIBUTE_INTEGER;
        status = a->type == ATTRIBUTE_COUNT ? H5Aread(attribute, H5T_NATIVE_UINT64, &a->count)
                                            : H5Aread(attribute, H5T_NATIVE_INT64, &a->integer);
        break;
    case H5T_FLOAT:
        a->type = ATTRIBUTE_NUMBER;
        status = H5Aread(attribute, H5T_NATIVE_DOUBLE, &a->number);
        break;
    default:
        break;
    }
    if (type >= 0)
        (void)H5Tclose(type);
    return status < 0 ? -1 : 0;
}

/* Append the attribute of that name. Errors 0, or -1 */
static int take_attribute(hid_t object, const char *name, struct part_attributes *a)
{
    struct store_attribute *longer = realloc(a->list, (a->n + 1) * sizeof *longer);
    hid_t attribute;
    int status;

    if (longer == NULL)
        return -1;
    a->list = longer;
    a->list[a->n] = (struct store_attribute){.name = strdup(name)};
    if (a->list[a->n++].name == NULL)
        return -1;
    attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return -1;
    status = read_value(attribute, &a->list[a->n - 1]);
    (void)H5Aclose(attribute);
    return status;
}

void part_attributes_release(struct part_attributes *a)
{
    for (size_t i = 0; i < a->n; i++) {
        free((void *)(uintptr_t)a->list[i].name);
        free((void *)(uintptr_t)a->list[i].text);
    }
    free(a->list);
    *a = (struct part_attributes){0};
}

/* H5Aiterate2 callback. */
static herr_t take_next(hid_t object, const char *name, const H5A_info_t *unused, void *attributes)
{
    (void)unused;
    return take_attribute(object, name, attributes);
}

int part_file_attributes(const struct part_file *f, struct part_attributes *a, char error[STORE_ERROR])
{
    *a = (struct part_attributes){0};
    if (H5Aiterate2(f->handle->h5, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, take_next, a) >= 0)
        return 0;
    part_attributes_release(a);
    return unreadable(f, "/", error);
}

/* A count that may be left out. */
static uint64_t read_count(hid_t object, const char *name)
{
    struct part_attributes a = {0};
    uint64_t count = 0;

    if (H5Aexists(object, name) > 0 && take_attribute(object, name, &a) == 0 && a.list[0].type == ATTRIBUTE_COUNT)
        count = a.list[0].count;
    part_attributes_release(&a);
    return count;
}

static void copy_text(hid_t object, const char *name, char *text, size_t text_bytes)
{
    struct part_attributes a = {0};

    *text = '\0';
    if (H5Aexists(object, name) > 0 && take_attribute(object, name, &a) == 0 && a.list[0].type == ATTRIBUTE_TEXT)
        (void)snprintf(text, text_bytes, "%s", a.list[0].text);
    part_attributes_release(&a);
}

/* ---- the group of the part ------------------------------------------------------------------------------------- */

static void read_max_errors(hid_t object, struct options *o)
{
    struct part_attributes a = {0};

    o->max_errors_percent = -1;
    o->max_errors = read_count(object, "max_errors");
    o->max_errors_given = H5Aexists(object, "max_errors") > 0;
    if (H5Aexists(object, "max_errors_percent") > 0 && take_attribute(object, "max_errors_percent", &a) == 0) {
        o->max_errors_percent = a.list[0].number;
        o->max_errors_given = true;
    }
    part_attributes_release(&a);
}

/* False: no head of a part. */
static bool read_head(struct part_file *f, hid_t table)
{
    struct options *o = &f->options;
    uint64_t shape = read_count(table, "shape");

    o->part = read_count(table, "part");
    o->n_parts = read_count(table, "parts");
    o->codec = (enum pack_codec)read_count(table, "codec");
    o->level = (int)read_count(table, "level");
    o->shuffle = (enum shuffle_mode)read_count(table, "shuffle");
    o->checksum = read_count(table, "checksum") != 0;
    o->chunk_rows = read_count(table, "chunk_rows");
    o->chunk_bytes = read_count(table, "chunk_bytes");
    f->n_rows = read_count(table, "rows");
    f->n_rejected = read_count(table, "rejected");
    read_max_errors(table, o);
    f->shape = (enum table_shape)shape;
    f->concat = read_count(table, "concat") != 0;
    f->source_bytes = read_count(table, "source_bytes");
    copy_text(table, "all_inputs", f->all_inputs, sizeof f->all_inputs);
    copy_text(table, "all_options", f->all_options, sizeof f->all_options);
    copy_text(f->handle->h5, "version", f->version, sizeof f->version);
    return o->part > 0 && o->part <= o->n_parts && o->n_parts <= OPTIONS_PARTS_MOST && shape <= SHAPE_MATRIX &&
           o->codec <= PACK_ZSTD && f->source_bytes <= PATH_BYTES;
}

/* All rows of a table, byte by byte as they are in the file. Owner *rows. Errors -1 */
static int read_table(hid_t table, unsigned char **rows, size_t *n, size_t *row_bytes)
{
    hid_t type = H5Dget_type(table), space = H5Dget_space(table);
    hssize_t points = H5Sget_simple_extent_npoints(space);
    herr_t status = -1;

    *rows = NULL;
    *row_bytes = H5Tget_size(type);
    *n = points < 0 ? 0 : (size_t)points;
    if (points >= 0 && *row_bytes > 0 && (*rows = malloc(*n * *row_bytes + 1)) != NULL)
        status = *n > 0 ? H5Dread(table, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *rows) : 0;
    if (space >= 0)
        (void)H5Sclose(space);
    if (type >= 0)
        (void)H5Tclose(type);
    return status < 0 ? -1 : 0;
}

static int take_inputs(struct part_file *f, const unsigned char *row, size_t n, size_t row_bytes)
{
    if (row_bytes <= 2 * sizeof(uint64_t))
        return -1;
    f->inputs = calloc(n + 1, sizeof *f->inputs);
    if (f->inputs == NULL)
        return -1;
    for (; f->n_inputs < n; f->n_inputs++, row += row_bytes) {
        struct part_input *input = &f->inputs[f->n_inputs];
        size_t name_bytes = row_bytes - 2 * sizeof(uint64_t);

        input->dataset = strndup((const char *)row, name_bytes);
        memcpy(&input->schema, row + name_bytes, sizeof input->schema);
        memcpy(&input->most_rows, row + name_bytes + sizeof input->schema, sizeof input->most_rows);
        if (input->dataset == NULL || input->schema >= f->n_schemas) {
            free(input->dataset);
            return -1;
        }
    }
    return 0;
}

static int take_schemas(struct part_file *f, const unsigned char *row, size_t n, size_t row_bytes)
{
    f->dtypes = calloc(n + 1, sizeof *f->dtypes);
    for (; f->dtypes != NULL && f->n_schemas < n; f->n_schemas++, row += row_bytes)
        if ((f->dtypes[f->n_schemas] = strndup((const char *)row, row_bytes)) == NULL)
            return -1;
    return f->dtypes != NULL ? 0 : -1;
}

static int read_tables(struct part_file *f, hid_t inputs, hid_t schemas)
{
    unsigned char *rows = NULL;
    size_t n, row_bytes;
    int status = read_table(schemas, &rows, &n, &row_bytes);

    if (status == 0)
        status = take_schemas(f, rows, n, row_bytes);
    free(rows);
    if (status != 0)
        return -1;
    status = read_table(inputs, &rows, &n, &row_bytes);
    if (status == 0)
        status = take_inputs(f, rows, n, row_bytes);
    free(rows);
    return status;
}

static bool is_part(hid_t h5)
{
    return H5Lexists(h5, PART_GROUP, H5P_DEFAULT) > 0 && H5Lexists(h5, PART_INPUTS, H5P_DEFAULT) > 0 &&
           H5Lexists(h5, PART_SCHEMAS, H5P_DEFAULT) > 0;
}

static int read_part(struct part_file *f, char error[STORE_ERROR])
{
    char program[16];
    hid_t inputs, schemas;
    int status = -1;

    if (f->handle->h5 < 0)
        return refuse(f, "this is no HDF5 file that can be read", error);
    copy_text(f->handle->h5, "program", program, sizeof program);
    if (strcmp(program, "shmload") != 0)
        return refuse(f, "this file was not made by shmload", error);
    if (!is_part(f->handle->h5))
        return refuse(f, "this is no part of a run: make it by shmload --part K/N, or leave it out", error);
    inputs = H5Dopen2(f->handle->h5, PART_INPUTS, H5P_DEFAULT);
    schemas = H5Dopen2(f->handle->h5, PART_SCHEMAS, H5P_DEFAULT);
    if (inputs >= 0 && schemas >= 0 && read_head(f, inputs))
        status = read_tables(f, inputs, schemas);
    if (inputs >= 0)
        (void)H5Dclose(inputs);
    if (schemas >= 0)
        (void)H5Dclose(schemas);
    return status == 0 ? 0 : unreadable(f, PART_GROUP, error);
}

int part_file_open(struct part_file *f, const char *path, char error[STORE_ERROR])
{
    *f = (struct part_file){.path = path, .handle = calloc(1, sizeof *f->handle)};
    if (f->handle == NULL)
        return refuse(f, "no memory", error);
    hdf5_prepare();
    f->handle->h5 = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (read_part(f, error) == 0)
        return 0;
    part_file_close(f);
    return -1;
}

void part_file_close(struct part_file *f)
{
    for (size_t i = 0; i < f->n_inputs; i++)
        free(f->inputs[i].dataset);
    for (size_t g = 0; g < f->n_schemas; g++)
        free(f->dtypes[g]);
    free(f->inputs);
    free(f->dtypes);
    if (f->handle != NULL && f->handle->h5 >= 0)
        (void)H5Fclose(f->handle->h5);
    free(f->handle);
    *f = (struct part_file){.path = NULL};
}

/* ---- names and units ------------------------------------------------------------------------------------------- */

/* A text attribute of the object at the path, or NULL where there is none. Errors -1 */
static int take_text(const struct part_file *f, const char *path, const char *name, char **text)
{
    hid_t object = H5Oopen(f->handle->h5, path, H5P_DEFAULT);
    struct part_attributes a = {0};
    int status = object < 0 ? -1 : 0;

    if (status == 0 && H5Aexists(object, name) > 0)
        status = take_attribute(object, name, &a);
    if (status == 0 && a.n > 0 && a.list[0].type == ATTRIBUTE_TEXT) {
        *text = (char *)(uintptr_t)a.list[0].text;
        a.list[0].text = NULL;
    }
    part_attributes_release(&a);
    if (object >= 0)
        (void)H5Oclose(object);
    return status;
}

int part_file_names(const struct part_file *f, const char *path, struct schema *schema, char **units,
                    char error[STORE_ERROR])
{
    char name[PATH_BYTES];
    int status = 0;

    if (schema->shape == SHAPE_MATRIX)
        return take_text(f, path, "columns", &schema->column_names) == 0 ? 0 : unreadable(f, path, error);
    for (size_t i = 0; status == 0 && i < schema->n_fields; i++) {
        if (schema->shape == SHAPE_COLUMNS) {
            (void)snprintf(name, sizeof name, "%s/%s", path, schema->fields[i].name);
            status = take_text(f, name, "units", &units[i]);
        } else {
            (void)snprintf(name, sizeof name, "FIELD_%zu_UNITS", i);
            status = take_text(f, path, name, &units[i]);
        }
        schema->fields[i].units = units[i];
    }
    return status == 0 ? 0 : unreadable(f, path, error);
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* What is said of the whole table, in the order in which the store is given it. */
static int take_table_attributes(struct part_rows *r)
{
    static const char *const names[] = {"source", "source_bytes", "rows", "rejected", "missing_value", "fill_value"};
    hid_t object = H5Oopen(r->file->handle->h5, r->path, H5P_DEFAULT);
    int status = object < 0 ? -1 : 0;

    for (size_t i = 0; status == 0 && i < sizeof names / sizeof *names; i++)
        if (H5Aexists(object, names[i]) > 0)
            status = take_attribute(object, names[i], &r->attributes);
    if (object >= 0)
        (void)H5Oclose(object);
    return status;
}

/* Its number of rows, and of those in a chunk. Errors -1 from HDF5, or when the store makes no such datasets */
static int take_shape(struct part_rows *r, hid_t dataset, hsize_t *n_rows)
{
    hid_t space = H5Dget_space(dataset), creation = H5Dget_create_plist(dataset);
    hsize_t dims[H5S_MAX_RANK] = {0}, chunk[H5S_MAX_RANK] = {0};
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);

    *n_rows = dims[0];
    if (creation >= 0 && H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, H5S_MAX_RANK, chunk) > 0)
        r->chunk_rows = (size_t)chunk[0];
    if (creation >= 0)
        (void)H5Pclose(creation);
    if (space >= 0)
        (void)H5Sclose(space);
    return rank >= 1 && rank <= 1 + SCHEMA_DIMS && creation >= 0 ? 0 : -1;
}

static int open_column(struct part_rows *r, size_t i, hid_t type)
{
    const struct schema *s = r->schema;
    struct part_column *c = &r->columns[i];
    char path[PATH_BYTES];
    hsize_t n_rows;

    (void)snprintf(path, sizeof path, s->shape == SHAPE_COLUMNS ? "%s/%s" : "%s", r->path, s->fields[i].name);
    *c = (struct part_column){.type = type, .bytes = s->row_bytes};
    if (s->shape == SHAPE_COLUMNS)
        c->bytes = gather_field_bytes(&s->fields[i]);
    c->dataset = H5Dopen2(r->file->handle->h5, path, H5P_DEFAULT);
    r->n++;
    if (c->dataset < 0 || take_shape(r, c->dataset, &n_rows) != 0 || (i > 0 && n_rows != r->n_rows))
        return -1;
    r->n_rows = n_rows;
    return 0;
}

int part_rows_open(struct part_rows *r, const struct part_file *f, const char *path, const struct schema *schema,
                   char error[STORE_ERROR])
{
    hid_t *types = NULL;
    size_t n = 0, at;
    int status;

    *r = (struct part_rows){.file = f, .path = path, .schema = schema};
    status = store_types_make(schema, &types, &n, &at);
    if (status == 0)
        r->columns = calloc(n, sizeof *r->columns);
    if (r->columns == NULL) {
        store_types_close(types, n);
        return unreadable(f, path, error);
    }
    for (size_t i = 0; i < n; i++) {
        if (status == 0)
            status = open_column(r, i, types[i]);
        else
            (void)H5Tclose(types[i]);
    }
    free(types);
    if (status == 0)
        status = take_table_attributes(r);
    return status == 0 ? 0 : unreadable(f, path, error);
}

static int reserve_column(struct part_rows *r, size_t bytes)
{
    if (bytes <= r->column_bytes)
        return 0;
    free(r->column);
    r->column = malloc(bytes);
    r->column_bytes = r->column != NULL ? bytes : 0;
    return r->column != NULL ? 0 : -1;
}

static int no_rows(const struct part_rows *r, char error[STORE_ERROR])
{
    if (r->file->options.codec == PACK_ZSTD && H5Zfilter_avail(PACK_ZSTD_FILTER) <= 0)
        return refuse(r->file, "its rows cannot be read without HDF5's plugin for zstd: set HDF5_PLUGIN_PATH", error);
    return unreadable(r->file, r->path, error);
}

int part_rows_read(struct part_rows *r, uint64_t first_row, size_t n_rows, void *rows, char error[STORE_ERROR])
{
    bool apart = r->schema->shape == SHAPE_COLUMNS;

    for (size_t i = 0; n_rows > 0 && i < r->n; i++) {
        const struct part_column *c = &r->columns[i];

        if ((apart && reserve_column(r, n_rows * c->bytes) != 0) ||
            hdf5_read_rows(c->dataset, c->type, first_row, n_rows, apart ? r->column : rows) != 0)
            return no_rows(r, error);
        if (apart)
            scatter_column(r->schema, i, r->column, n_rows, rows);
    }
    return 0;
}

static int read_chunk(const struct part_column *c, uint64_t first_row, unsigned char *to, size_t room,
                      struct packed_chunk *chunk)
{
    const hsize_t offset[H5S_MAX_RANK] = {first_row};
    hsize_t bytes = 0;

    if (H5Dget_chunk_storage_size(c->dataset, offset, &bytes) < 0 || bytes == 0 || bytes > room)
        return -1;
    chunk->packed_bytes = (uint32_t)bytes;
#if H5_VERSION_GE(2, 0, 0)
    return H5Dread_chunk(c->dataset, H5P_DEFAULT, offset, &chunk->filter_mask, to, &room) < 0 ? -1 : 0;
#else
    return H5Dread_chunk(c->dataset, H5P_DEFAULT, offset, &chunk->filter_mask, to) < 0 ? -1 : 0;
#endif
}

int part_rows_chunk(struct part_rows *r, uint64_t first_row, void *packed, size_t room, struct packed_chunk *chunks,
                    char error[STORE_ERROR])
{
    unsigned char *to = packed;

    for (size_t i = 0; i < r->n; i++) {
        if (read_chunk(&r->columns[i], first_row, to, room, &chunks[i]) != 0)
            return unreadable(r->file, r->path, error);
        to += chunks[i].packed_bytes;
        room -= chunks[i].packed_bytes;
    }
    return 0;
}

void part_rows_close(struct part_rows *r)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->columns[i].dataset >= 0)
            (void)H5Dclose(r->columns[i].dataset);
        (void)H5Tclose(r->columns[i].type);
    }
    free(r->columns);
    free(r->column);
    part_attributes_release(&r->attributes);
    *r = (struct part_rows){.n = 0};
}
