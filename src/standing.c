/*
 * standing.c - what stands in an HDF5 file already, for those who add to it.
 *
 * Rows are added chunk by chunk behind HDF5's back, so everything that HDF5 would do to a row must be known and be one
 * of the things that we do: the type, the shape of a chunk, its filters. What is otherwise is refused.
 */
#include "standing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "hdf5_library.h"
#include "store.h"

enum { PATH_BYTES = 4096, VALUES = 8 };

struct standing_file {
    hid_t h5;
    char *path;
};

static int refuse(const struct standing_file *f, const char *dataset, const char *what, char error[STANDING_ERROR])
{
    (void)snprintf(error, STANDING_ERROR, "%.120s: '%.120s' %s", f->path, dataset, what);
    return -1;
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

/* True when the root has our signature: the attribute 'program', of a text of known size. */
static bool is_ours(hid_t h5)
{
    char text[64] = "";
    bool ours = false;
    hid_t attribute, type;

    if (H5Aexists(h5, "program") <= 0)
        return false;
    attribute = H5Aopen(h5, "program", H5P_DEFAULT);
    type = H5Aget_type(attribute);
    if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && H5Tget_size(type) < sizeof text)
        ours = H5Aread(attribute, type, text) >= 0 && strcmp(text, "shmload") == 0;
    (void)H5Tclose(type);
    (void)H5Aclose(attribute);
    return ours;
}

int standing_open(struct standing_file **file, const char *path, char error[STANDING_ERROR])
{
    struct standing_file *f = calloc(1, sizeof *f);

    *file = f;
    if (f == NULL || (f->path = strdup(path)) == NULL) {
        (void)snprintf(error, STANDING_ERROR, "no memory");
        free(f);
        return -1;
    }
    hdf5_prepare();
    f->h5 = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (f->h5 >= 0 && is_ours(f->h5))
        return 0;
    (void)snprintf(error, STANDING_ERROR, f->h5 < 0 ? "%.300s: --append: this is no HDF5 file that can be read" :
                   "%.300s: --append: this file was not made by shmload", path);
    standing_close(f);
    *file = NULL;
    return -1;
}

int standing_close(struct standing_file *f)
{
    int result;

    if (f == NULL)
        return 0;
    result = f->h5 >= 0 && H5Fclose(f->h5) < 0 ? -1 : 0;
    free(f->path);
    free(f);
    return result;
}

void standing_release(struct standing *s)
{
    for (size_t i = 0; s->inputs != NULL && i < s->n_inputs; i++)
        free(s->inputs[i].source);
    free(s->inputs);
    *s = (struct standing){.file = false};
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

static enum standing_kind kind_of(hid_t h5, const char *path)
{
    hid_t object = H5Oopen(h5, path, H5P_DEFAULT);
    H5I_type_t type = object >= 0 ? H5Iget_type(object) : H5I_BADID;

    if (object >= 0)
        (void)H5Oclose(object);
    return type == H5I_GROUP ? STANDING_GROUP : STANDING_DATASET; /* whatever it is, the name is taken */
}

/* Part by part: H5Lexists(3) wants all groups before the last part to be there. */
enum standing_kind standing_find(const struct standing_file *f, const char *path)
{
    char part[PATH_BYTES];

    for (const char *end = path;; end++) {
        enum standing_kind kind;

        end += strcspn(end, "/");
        (void)snprintf(part, sizeof part, "%.*s", (int)(end - path), path);
        if (H5Lexists(f->h5, part, H5P_DEFAULT) <= 0)
            return STANDING_NOTHING;
        kind = kind_of(f->h5, part);
        if (*end == '\0')
            return kind;
        if (kind != STANDING_GROUP)
            return STANDING_BLOCKED;
    }
}

/* ---- types ----------------------------------------------------------------------------------------------------- */

/* A scalar type of HDF5 to our words. Errors -1: we have none for it */
static int element_of(struct field *f, hid_t type)
{
    size_t bytes = H5Tget_size(type);
    H5T_class_t class = H5Tget_class(type);

    f->elem_bytes = (uint32_t)bytes;
    if (class == H5T_STRING)
        f->kind = KIND_STRING;
    else if (class == H5T_FLOAT)
        f->kind = KIND_FLOAT;
    else if (class == H5T_INTEGER)
        f->kind = H5Tget_sign(type) == H5T_SGN_NONE ? KIND_UINT : KIND_INT;
    else
        return -1;
    f->big_endian = class != H5T_STRING && bytes > 1 && H5Tget_order(type) == H5T_ORDER_BE;
    return class == H5T_STRING && H5Tis_variable_str(type) != 0 ? -1 : 0;
}

static void set_dims(struct field *f, const hsize_t *dims, int n)
{
    f->n_dims = (uint32_t)n;
    f->n_elems = 1;
    for (int i = 0; i < n; i++)
        f->n_elems *= f->dims[i] = (uint32_t)dims[i];
}

/* A member's type, an array perhaps. */
static int field_of(struct field *f, hid_t type)
{
    hsize_t dims[H5S_MAX_RANK];
    int n, status;
    hid_t base;

    if (H5Tget_class(type) != H5T_ARRAY)
        return element_of(f, type);
    n = H5Tget_array_dims2(type, dims);
    if (n < 1 || n > SCHEMA_DIMS)
        return -1;
    base = H5Tget_super(type);
    status = element_of(f, base);
    (void)H5Tclose(base);
    set_dims(f, dims, n);
    return status;
}

static int record_of(struct schema *s, hid_t type)
{
    int n = H5Tget_class(type) == H5T_COMPOUND ? H5Tget_nmembers(type) : -1;

    for (int i = 0; i < n; i++) {
        char *name = H5Tget_member_name(type, (unsigned)i);
        hid_t member = H5Tget_member_type(type, (unsigned)i);
        int status = name == NULL ? -1 : schema_add(s, name, strlen(name));

        if (status == 0)
            status = field_of(&s->fields[s->n_fields - 1], member);
        (void)H5free_memory(name);
        (void)H5Tclose(member);
        if (status != 0)
            return -1;
    }
    return n > 0 ? 0 : -1;
}

/* A column or a matrix: what each row has of elements. */
static int array_of(struct schema *s, const char *name, hid_t type, const hsize_t *dims, int rank)
{
    if (schema_add(s, name, strlen(name)) != 0 || rank < 1 || rank > 1 + SCHEMA_DIMS)
        return -1;
    set_dims(&s->fields[s->n_fields - 1], dims + 1, rank - 1);
    return element_of(&s->fields[s->n_fields - 1], type);
}

static const struct field *find_field(const struct schema *s, const char *name)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (!s->fields[i].constant && strcmp(s->fields[i].name, name) == 0)
            return &s->fields[i];
    return NULL;
}

/* All names of one are among those of the other. */
static bool has_names_of(const struct schema *s, const struct schema *of)
{
    for (size_t i = 0; i < of->n_fields; i++)
        if (find_field(s, of->fields[i].name) == NULL)
            return false;
    return true;
}

static bool in_same_order(const struct schema *a, const struct schema *b)
{
    for (size_t i = 0; i < a->n_fields; i++)
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0)
            return false;
    return true;
}

void standing_cure(char *cure, size_t cure_bytes, const struct schema *there, const struct schema *here)
{
    bool choose = has_names_of(here, there) && schema_constant(here) == NULL;
    size_t used;

    if (there->shape == SHAPE_MATRIX || schema_constant(here) != NULL ||
        (there->n_fields == here->n_fields && in_same_order(there, here))) {
        (void)snprintf(cure, cure_bytes, "give their types by --dtype");
        return;
    }
    if (!choose && there->n_fields != here->n_fields) {
        (void)snprintf(cure, cure_bytes, "give these another dataset by --concat NAME");
        return;
    }
    used = (size_t)snprintf(cure, cure_bytes, "%s '", choose ? "give --usecols" :
                            "if they are the same columns, give --names");
    for (size_t i = 0; i < there->n_fields; i++) {
        const char *name = there->fields[i].name;

        if (used + strlen(name) + sizeof ",..., or so in --dtype" > cure_bytes) {
            used += (size_t)snprintf(cure + used, cure_bytes - used, ",...");
            break;
        }
        used += (size_t)snprintf(cure + used, cure_bytes - used, i > 0 ? ",%s" : "%s", name);
    }
    (void)snprintf(cure + used, cure_bytes - used, choose ? "'" : "', or so in --dtype");
}

static int tell_difference(const struct standing_file *f, const char *path, const struct schema *there,
                           const struct schema *here, char error[STANDING_ERROR])
{
    char *old = schema_full_dtype(there), *new = schema_full_dtype(here), cure[128];

    standing_cure(cure, sizeof cure, there, here);
    (void)snprintf(error, STANDING_ERROR, "%.80s: '%.40s' has rows of %.110s, the new ones are %.110s: %s", f->path,
                   path, old != NULL ? old : "?", new != NULL ? new : "?", cure);
    free(old);
    free(new);
    return -1;
}

/* ---- chunks and filters ---------------------------------------------------------------------------------------- */

/* One filter of a pipeline into the packing; they come in our order or are not ours. */
static bool take_filter(struct packing *p, H5Z_filter_t filter, const unsigned *values, size_t n_values)
{
    if (p->checksum)
        return false;
    if (filter == H5Z_FILTER_SHUFFLE && p->codec == PACK_NONE && !p->shuffle)
        return p->shuffle = true;
    if (filter == H5Z_FILTER_FLETCHER32)
        return p->checksum = true;
    if ((filter != H5Z_FILTER_DEFLATE && filter != PACK_ZSTD_FILTER) || p->codec != PACK_NONE || n_values < 1)
        return false;
    p->codec = filter == H5Z_FILTER_DEFLATE ? PACK_DEFLATE : PACK_ZSTD;
    p->level = (int)values[0];
    return p->level >= 1 && p->level <= (p->codec == PACK_ZSTD ? 22 : 9);
}

static bool take_filters(struct packing *p, hid_t creation)
{
    int n = H5Pget_nfilters(creation);

    for (int i = 0; i < n; i++) {
        unsigned flags, config, values[VALUES];
        size_t n_values = VALUES;
        H5Z_filter_t filter = H5Pget_filter2(creation, (unsigned)i, &flags, &n_values, values, 0, NULL, &config);

        if (filter < 0 || !take_filter(p, filter, values, n_values))
            return false;
    }
    return n >= 0;
}

/* What is wrong with the chunks of a dataset, or NULL. dims: what it has of them, all but the first in each chunk */
static const char *take_chunks(struct packing *p, hid_t creation, const hsize_t *dims, const hsize_t *most, int rank)
{
    hsize_t chunk[H5S_MAX_RANK];

    if (H5Pget_layout(creation) != H5D_CHUNKED || most[0] != H5S_UNLIMITED)
        return "cannot grow: it had to be made with --layout chunked";
    if (H5Pget_chunk(creation, rank, chunk) != rank)
        return "cannot be read";
    for (int i = 1; i < rank; i++)
        if (chunk[i] != dims[i])
            return "has chunks that shmload does not make";
    p->chunk_rows = chunk[0];
    if (!take_filters(p, creation))
        return "has filters that shmload does not know";
    if (p->codec == PACK_ZSTD && dims[0] % chunk[0] != 0 && H5Zfilter_avail(PACK_ZSTD_FILTER) <= 0)
        return "has a last chunk that HDF5 cannot read without a plugin for zstd: set HDF5_PLUGIN_PATH";
    return NULL;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* What one dataset has: its type as fields of 'there', rows, packing. Errors 0, or -1 with a sentence */
static int look_at(const struct standing_file *f, const char *path, const char *name, struct schema *there,
                   uint64_t *n_rows, struct packing *p, char error[STANDING_ERROR])
{
    hid_t dataset = H5Dopen2(f->h5, path, H5P_DEFAULT);
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset), creation = H5Dget_create_plist(dataset);
    hsize_t dims[H5S_MAX_RANK] = {0}, most[H5S_MAX_RANK] = {0};
    int rank = H5Sget_simple_extent_dims(space, dims, most);
    const char *wrong = "cannot be read";

    if (rank >= 1 && creation >= 0) {
        int status = there->shape == SHAPE_RECORDS && rank == 1 ? record_of(there, type)
                                                               : array_of(there, name, type, dims, rank);

        *n_rows = dims[0];
        wrong = status != 0 ? "has a type that shmload does not make" : take_chunks(p, creation, dims, most, rank);
    }
    if (creation >= 0)
        (void)H5Pclose(creation);
    if (space >= 0)
        (void)H5Sclose(space);
    if (type >= 0)
        (void)H5Tclose(type);
    if (dataset >= 0)
        (void)H5Dclose(dataset);
    return wrong == NULL ? 0 : refuse(f, path, wrong, error);
}

static bool same_packing(const struct packing *a, const struct packing *b)
{
    return a->codec == b->codec && a->level == b->level && a->shuffle == b->shuffle && a->checksum == b->checksum &&
           a->chunk_rows == b->chunk_rows;
}

/* All columns of a group, in the schema's order. */
static int look_at_columns(const struct standing_file *f, const char *path, const struct schema *schema,
                           struct schema *there, uint64_t *n_rows, struct packing *p, char error[STANDING_ERROR])
{
    char column[PATH_BYTES];
    H5G_info_t info;

    if (H5Gget_info_by_name(f->h5, path, &info, H5P_DEFAULT) < 0 || info.nlinks != schema->n_fields)
        return refuse(f, path, "has other columns", error);
    for (size_t i = 0; i < schema->n_fields; i++) {
        struct packing packing = {.codec = PACK_NONE};
        uint64_t rows = 0;

        (void)snprintf(column, sizeof column, "%s/%s", path, schema->fields[i].name);
        if (standing_find(f, column) != STANDING_DATASET)
            return refuse(f, column, "is not there: the columns are others", error);
        if (look_at(f, column, schema->fields[i].name, there, &rows, &packing, error) != 0)
            return -1;
        if (i > 0 && (rows != *n_rows || !same_packing(&packing, p)))
            return refuse(f, column, "does not go with the other columns", error);
        *n_rows = rows;
        *p = packing;
    }
    return 0;
}

/* True when a matrix has other names for its columns than are wanted; without names on one side there is no telling. */
static bool has_other_names(const struct standing_file *f, const char *path, const char *wanted)
{
    hid_t attribute, type;
    bool other = false;
    char *names;

    if (wanted == NULL || H5Aexists_by_name(f->h5, path, "columns", H5P_DEFAULT) <= 0)
        return false;
    attribute = H5Aopen_by_name(f->h5, path, "columns", H5P_DEFAULT, H5P_DEFAULT);
    type = H5Aget_type(attribute);
    names = H5Tis_variable_str(type) == 0 ? calloc(1, H5Tget_size(type) + 1) : NULL;
    if (names != NULL)
        other = H5Aread(attribute, type, names) < 0 || strcmp(names, wanted) != 0;
    free(names);
    (void)H5Tclose(type);
    (void)H5Aclose(attribute);
    return other;
}

static uint64_t read_count(hid_t object, const char *name)
{
    uint64_t count = 0;
    hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;

    if (attribute >= 0) {
        (void)H5Aread(attribute, H5T_NATIVE_UINT64, &count);
        (void)H5Aclose(attribute);
    }
    return count;
}

static void read_counts(struct standing *s, const struct standing_file *f, const char *path)
{
    hid_t object = H5Oopen(f->h5, path, H5P_DEFAULT);

    if (object < 0)
        return;
    s->text_bytes = read_count(object, "source_bytes");
    s->n_rejected = read_count(object, "rejected");
    (void)H5Oclose(object);
}

int standing_rows(struct standing *s, const struct standing_file *f, const char *path, const struct schema *schema,
                  char error[STANDING_ERROR])
{
    enum standing_kind wanted = schema->shape == SHAPE_COLUMNS ? STANDING_GROUP : STANDING_DATASET;
    struct schema there = {.shape = schema->shape};
    int status;

    s->packing = (struct packing){.codec = PACK_NONE};
    if (standing_find(f, path) != wanted)
        return refuse(f, path, wanted == STANDING_GROUP ? "is no group of columns" : "is a group", error);
    if (schema->shape == SHAPE_COLUMNS)
        status = look_at_columns(f, path, schema, &there, &s->n_rows, &s->packing, error);
    else
        status = look_at(f, path, schema->fields[0].name, &there, &s->n_rows, &s->packing, error);
    if (status == 0 && !schema_equal(&there, schema))
        status = tell_difference(f, path, &there, schema, error);
    schema_release(&there);
    if (status != 0)
        return -1;
    if (has_other_names(f, path, schema->column_names))
        return refuse(f, path, "has other names of columns", error);
    s->rows = true;
    s->packs = s->packing.codec != PACK_NONE || s->packing.shuffle || s->packing.checksum;
    s->packing.row_bytes = schema->row_bytes;
    s->packing.elem_bytes = schema->shape == SHAPE_MATRIX ? schema->fields[0].elem_bytes : schema->row_bytes;
    read_counts(s, f, path);
    return 0;
}

/* ---- the index ------------------------------------------------------------------------------------------------- */

/* One row of the index, as it was stored: the source, first row, rows. */
static int take_input(struct standing_input *input, const unsigned char *row, size_t source_bytes)
{
    memcpy(&input->first_row, row + source_bytes, sizeof input->first_row);
    memcpy(&input->n_rows, row + source_bytes + sizeof input->first_row, sizeof input->n_rows);
    input->source = strndup((const char *)row, source_bytes);
    return input->source != NULL ? 0 : -1;
}

/* All rows of a dataset of that type. Owner the caller. Errors NULL */
static unsigned char *read_rows(hid_t dataset, hid_t type, size_t *n)
{
    hid_t space = H5Dget_space(dataset);
    hssize_t points = H5Sget_simple_extent_npoints(space);
    unsigned char *rows = points < 0 ? NULL : malloc((size_t)points * H5Tget_size(type) + 1);

    *n = points < 0 ? 0 : (size_t)points;
    (void)H5Sclose(space);
    if (rows != NULL && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) < 0) {
        free(rows);
        return NULL;
    }
    return rows;
}

static bool is_index(const struct schema *s)
{
    return s->n_fields == 3 && s->fields[0].kind == KIND_STRING && strcmp(s->fields[0].name, "input") == 0 &&
           strcmp(s->fields[1].name, "first_row") == 0 && s->fields[1].elem_bytes == sizeof(uint64_t) &&
           strcmp(s->fields[2].name, "rows") == 0 && s->fields[2].elem_bytes == sizeof(uint64_t);
}

static int take_inputs(struct standing *s, const unsigned char *rows, size_t n, size_t source_bytes)
{
    uint64_t n_rows = 0;

    s->inputs = calloc(n + 1, sizeof *s->inputs);
    if (s->inputs == NULL)
        return -1;
    for (; s->n_inputs < n; s->n_inputs++) {
        struct standing_input *input = &s->inputs[s->n_inputs];

        if (take_input(input, rows + s->n_inputs * (source_bytes + 2 * sizeof(uint64_t)), source_bytes) != 0 ||
            input->first_row != n_rows)
            return -1;
        n_rows += input->n_rows;
    }
    return n_rows == s->n_rows ? 0 : -1;
}

int standing_index(struct standing *s, const struct standing_file *f, const char *path, char error[STANDING_ERROR])
{
    struct schema there = {.shape = SHAPE_RECORDS};
    unsigned char *rows = NULL;
    hid_t dataset, type;
    size_t n = 0;
    int status = -1;

    if (standing_find(f, path) != STANDING_DATASET)
        return refuse(f, path, "is missing: the dataset was not made by --concat", error);
    dataset = H5Dopen2(f->h5, path, H5P_DEFAULT);
    type = H5Dget_type(dataset);
    if (record_of(&there, type) == 0 && is_index(&there))
        rows = read_rows(dataset, type, &n);
    if (rows != NULL)
        status = take_inputs(s, rows, n, there.fields[0].elem_bytes);
    free(rows);
    schema_release(&there);
    (void)H5Tclose(type);
    (void)H5Dclose(dataset);
    return status == 0 ? 0 : refuse(f, path, "does not account for the rows: another program has changed them", error);
}
