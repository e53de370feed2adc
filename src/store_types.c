/*
 * store_types.c - the HDF5 types of schemas: compounds and their members, how wide they may be, and the last few made.
 */
#include "store_types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

static hid_t integer_type(const struct field *f)
{
    bool is_signed = f->kind == KIND_INT;

    switch (f->elem_bytes) {
    case 1:
        return is_signed ? H5T_STD_I8LE : H5T_STD_U8LE;
    case 2:
        if (f->big_endian)
            return is_signed ? H5T_STD_I16BE : H5T_STD_U16BE;
        return is_signed ? H5T_STD_I16LE : H5T_STD_U16LE;
    case 4:
        if (f->big_endian)
            return is_signed ? H5T_STD_I32BE : H5T_STD_U32BE;
        return is_signed ? H5T_STD_I32LE : H5T_STD_U32LE;
    case 8:
        if (f->big_endian)
            return is_signed ? H5T_STD_I64BE : H5T_STD_U64BE;
        return is_signed ? H5T_STD_I64LE : H5T_STD_U64LE;
    default:
        return -1;
    }
}

static hid_t float_type(const struct field *f)
{
    switch (f->elem_bytes) {
    case 4:
        return f->big_endian ? H5T_IEEE_F32BE : H5T_IEEE_F32LE;
    case 8:
        return f->big_endian ? H5T_IEEE_F64BE : H5T_IEEE_F64LE;
    default:
        return -1;
    }
}

hid_t store_text_type(size_t bytes, H5T_str_t padding, H5T_cset_t charset)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    if (H5Tset_size(type, bytes) < 0 || H5Tset_strpad(type, padding) < 0 || H5Tset_cset(type, charset) < 0) {
        (void)H5Tclose(type);
        return -1;
    }
    return type;
}

/* One element of a field. Owner the caller. Errors -1 */
static hid_t element_type(const struct field *f)
{
    switch (f->kind) {
    case KIND_INT:
    case KIND_UINT:
        return H5Tcopy(integer_type(f));
    case KIND_FLOAT:
        return H5Tcopy(float_type(f));
    case KIND_STRING:
        return store_text_type(f->elem_bytes, H5T_STR_NULLPAD, H5T_CSET_ASCII);
    case KIND_UNKNOWN:
        break;
    }
    return -1;
}

/* Owner the caller. Errors -1 */
static hid_t field_type(const struct field *f)
{
    hsize_t dims[SCHEMA_DIMS];
    hid_t element = element_type(f);
    hid_t array;

    if (element < 0 || f->n_dims == 0)
        return element;
    for (uint32_t i = 0; i < f->n_dims; i++)
        dims[i] = f->dims[i];
    array = H5Tarray_create2(element, f->n_dims, dims);
    (void)H5Tclose(element);
    return array;
}

/* The packed compound. Owner the caller. Errors -1 with *at the field that HDF5 would not take */
static hid_t compound_type(const struct schema *schema, size_t *at)
{
    hid_t compound = H5Tcreate(H5T_COMPOUND, schema->row_bytes);

    for (*at = 0; compound >= 0 && *at < schema->n_fields; (*at)++) {
        const struct field *f = &schema->fields[*at];
        hid_t type = field_type(f);
        herr_t inserted = type < 0 ? -1 : H5Tinsert(compound, f->name, f->offset, type);

        if (type >= 0)
            (void)H5Tclose(type);
        if (inserted < 0) {
            (void)H5Tclose(compound);
            return -1;
        }
    }
    return compound;
}

void store_types_close(hid_t *ids, size_t n)
{
    for (size_t i = 0; ids != NULL && i < n; i++)
        if (ids[i] >= 0)
            (void)H5Tclose(ids[i]);
    free(ids);
}

int store_types_make(const struct schema *schema, hid_t **ids, size_t *n, size_t *at)
{
    *at = 0;
    *n = schema->shape == SHAPE_COLUMNS ? schema->n_fields : 1;
    *ids = calloc(*n, sizeof **ids);
    if (*ids == NULL) {
        hdf5_no_memory();
        return -1;
    }
    for (size_t i = 0; i < *n; i++) {
        (*ids)[i] = schema->shape == SHAPE_RECORDS ? compound_type(schema, at) : element_type(&schema->fields[i]);
        if ((*ids)[i] < 0) {
            *at = schema->shape == SHAPE_RECORDS ? *at : i;
            store_types_close(*ids, i);
            return -1;
        }
    }
    return 0;
}

/* --- the width of a compound --- */

/*
 * True when the type is certain to fit the oldest format, whose messages end at 64 KiB. A field takes 40 bytes
 * besides its name and its type there, and the type of an array of strings or numbers at most 64.
 * Source  HDF5 File Format Specification, IV.A.2.d: The Datatype Message
 */
static bool is_narrow(const struct schema *schema)
{
    size_t message_bytes = 0;

    for (size_t i = 0; i < schema->n_fields; i++)
        message_bytes += strlen(schema->fields[i].name) + 8 + 40 + 64;
    return message_bytes < 60000;
}

/* Whether a dataset of this type can be made in 'h5' with these format bounds. */
static bool can_be_stored(hid_t h5, hid_t type, const char *name, H5F_libver_t low)
{
    hid_t space = H5Screate(H5S_NULL);
    hid_t dataset = -1;

    if (H5Fset_libver_bounds(h5, low, H5F_LIBVER_LATEST) >= 0)
        dataset = H5Dcreate2(h5, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    (void)H5Sclose(space);
    return dataset >= 0 && H5Dclose(dataset) >= 0;
}

/* Try it, in a file that exists in memory only. Errors 0 with *v18, or -1 when no format takes it */
static int probe_width(hid_t type, bool *v18)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t h5 = -1;
    int result = -1;

    if (H5Pset_fapl_core(access, 1 << 20, false) >= 0)
        h5 = H5Fcreate("width", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (h5 >= 0) {
        *v18 = !can_be_stored(h5, type, "old", H5F_LIBVER_EARLIEST);
        if (!*v18 || can_be_stored(h5, type, "new", H5F_LIBVER_V18))
            result = 0;
        (void)H5Fclose(h5);
    }
    (void)H5Pclose(access);
    return result;
}

/* As many fields as no record can have: one takes 11 bytes of a message at least, and adding many takes very long. */
enum { FIELDS_MOST = 65536 / 11 };

static int refuse_width(const struct schema *schema, char error[STORE_ERROR])
{
    (void)snprintf(error, STORE_ERROR,
                   "a record of %zu fields is too wide for HDF5 (about 1000 to 2300 fit, fewer with long names): store "
                   "numbers as one array with --matrix, each column apart with --columns, choose columns with "
                   "--usecols, or join columns of one type as an array member such as 'x:(%zu)f4'",
                   schema->n_fields, schema->n_fields);
    return -1;
}

/* Make the types, and find out which format they need. Owner the caller. Errors -1 with a sentence */
static int make_type(const struct schema *schema, struct record_type *t, char error[STORE_ERROR])
{
    size_t at;

    *t = (struct record_type){.v18 = false};
    if (schema->shape == SHAPE_RECORDS && schema->n_fields > FIELDS_MOST)
        return refuse_width(schema, error);
    if (store_types_make(schema, &t->ids, &t->n_ids, &at) != 0) {
        bool is_field = at < schema->n_fields;

        (void)snprintf(error, STORE_ERROR, "field %zu ('%.120s') cannot be stored: %s", at + 1,
                       is_field ? schema->fields[at].name : "", hdf5_reason());
        return -1;
    }
    if (schema->shape == SHAPE_RECORDS && !is_narrow(schema) && probe_width(t->ids[0], &t->v18) != 0) {
        store_types_close(t->ids, t->n_ids);
        return refuse_width(schema, error);
    }
    return 0;
}

int store_check_schema(const struct schema *schema, char error[STORE_ERROR])
{
    struct record_type type;

    hdf5_prepare();
    if (make_type(schema, &type, error) != 0)
        return -1;
    store_types_close(type.ids, type.n_ids);
    return 0;
}

static void forget_type(struct record_type *t)
{
    store_types_close(t->ids, t->n_ids);
    schema_release(&t->schema);
}

static size_t types_kept(const struct store *s)
{
    return s->n_types < TYPES_KEPT ? s->n_types : TYPES_KEPT;
}

void store_forget_types(struct store *s)
{
    for (size_t i = 0; i < types_kept(s); i++)
        forget_type(&s->types[i]);
    s->n_types = 0;
}

const struct record_type *store_find_type(struct store *s, const struct schema *schema, char error[STORE_ERROR])
{
    struct record_type made, *slot;

    for (size_t i = 1; i <= types_kept(s); i++) {
        slot = &s->types[(s->n_types - i) % TYPES_KEPT];
        if (schema_equal(&slot->schema, schema))
            return slot;
    }
    if (make_type(schema, &made, error) != 0)
        return NULL;
    if (schema_copy(&made.schema, schema) != 0) {
        store_types_close(made.ids, made.n_ids);
        (void)snprintf(error, STORE_ERROR, "%s", strerror(ENOMEM));
        return NULL;
    }
    slot = &s->types[s->n_types % TYPES_KEPT];
    if (s->n_types >= TYPES_KEPT)
        forget_type(slot);
    s->n_types++;
    *slot = made;
    return slot;
}
