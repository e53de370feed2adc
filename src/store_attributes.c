/*
 * store_attributes.c - what is said of tables and of the file: attributes, those of the HDF5 table specification too.
 */
#include <stdio.h>
#include <string.h>

#include "store_inside.h"

enum { MAX_NAMED_FIELDS = 128 }; /* wider tables go without FIELD_n_NAME: the cost is quadratic, 0.4 ms for 100 */

/* Errors 0, or -1 from HDF5 */
static int write_attribute(const struct store *s, hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t attribute;
    herr_t written;

    if (s->appends && H5Aexists(object, name) > 0 && H5Adelete(object, name) < 0)
        return -1;
    attribute = H5Acreate2(object, name, type, s->scalar, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0)
        return -1;
    written = H5Awrite(attribute, type, value);
    return H5Aclose(attribute) < 0 || written < 0 ? -1 : 0;
}

/* Well-formed UTF-8 as far as its first two bytes tell: no overlong forms, no surrogates, nothing past U+10FFFF. */
static bool is_utf8(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        unsigned char lead = *c;
        int n_more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;

        if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4)
            return false;
        if ((lead == 0xe0 && c[1] < 0xa0) || (lead == 0xed && c[1] > 0x9f) || (lead == 0xf0 && c[1] < 0x90) ||
            (lead == 0xf4 && c[1] > 0x8f))
            return false;
        for (; n_more > 0; n_more--)
            if ((*++c & 0xc0) != 0x80)
                return false;
    }
    return true;
}

/* The terminator is stored too: so the empty text is a text as any other, and every reader finds the end. */
static int write_text(struct store *s, hid_t object, const char *name, const char *text)
{
    bool utf8 = is_utf8(text);
    size_t bytes = strlen(text) + 1;
    hid_t unkept = -1;
    hid_t *type = bytes < TEXT_TYPES_KEPT ? &s->text_types[utf8][bytes] : &unkept;
    int result = -1;

    if (*type < 0)
        *type = store_text_type(bytes, H5T_STR_NULLTERM, utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII);
    if (*type >= 0)
        result = write_attribute(s, object, name, *type, text);
    if (unkept >= 0)
        (void)H5Tclose(unkept);
    return result;
}

static int write_given(struct store *s, hid_t object, const struct store_attribute *a)
{
    switch (a->type) {
    case ATTRIBUTE_TEXT:
        return write_text(s, object, a->name, a->text);
    case ATTRIBUTE_COUNT:
        return write_attribute(s, object, a->name, H5T_NATIVE_UINT64, &a->count);
    case ATTRIBUTE_INTEGER:
        return write_attribute(s, object, a->name, H5T_NATIVE_INT64, &a->integer);
    case ATTRIBUTE_NUMBER:
        return write_attribute(s, object, a->name, H5T_NATIVE_DOUBLE, &a->number);
    }
    return -1;
}

/*
 * What makes a dataset of records a table to PyTables, pandas and the HDF5 table interface; of a matrix, its columns.
 * Source  HDF5 Table Specification, version 3.0
 */
static int write_table_attributes(struct store *s, hid_t object)
{
    const struct schema *schema = &s->type->schema;
    int64_t n_rows = (int64_t)s->n_rows;
    char name[32];

    if (schema->shape != SHAPE_RECORDS)
        return schema->column_names != NULL ? write_text(s, object, "columns", schema->column_names) : 0;
    if (write_text(s, object, "CLASS", "TABLE") != 0 || write_text(s, object, "VERSION", "3.0") != 0 ||
        write_text(s, object, "TITLE", "") != 0)
        return -1;
    for (size_t i = 0; i < schema->n_fields && schema->n_fields <= MAX_NAMED_FIELDS; i++) {
        (void)snprintf(name, sizeof name, "FIELD_%zu_NAME", i);
        if (write_text(s, object, name, schema->fields[i].name) != 0)
            return -1;
    }
    return write_attribute(s, object, "NROWS", H5T_NATIVE_INT64, &n_rows);
}

/* FIELD_n_UNITS beside FIELD_n_NAME, for the fields that have them; 'units' where a column is a dataset. */
static int write_units(struct store *s, hid_t object)
{
    const struct schema *schema = &s->type->schema;
    bool apart = schema->shape == SHAPE_COLUMNS;
    char name[48];

    for (size_t i = 0; i < schema->n_fields; i++) {
        if (schema->fields[i].units == NULL)
            continue;
        (void)snprintf(name, sizeof name, "FIELD_%zu_UNITS", i);
        if (write_text(s, apart ? s->parts[i].dataset : object, apart ? "units" : name, schema->fields[i].units) != 0)
            return -1;
    }
    return 0;
}

int store_write_attributes(struct store *s, hid_t object, const struct store_attribute *attributes, size_t n,
                           char error[STORE_ERROR])
{
    if (write_table_attributes(s, object) != 0 || write_units(s, object) != 0)
        return store_hdf5_failed(s, "write the attributes of", s->path, error);
    for (size_t i = 0; i < n; i++)
        if (write_given(s, object, &attributes[i]) != 0)
            return store_hdf5_failed(s, "write the attributes of", s->path, error);
    return 0;
}

int store_describe(struct store *s, const struct store_attribute *attributes, size_t n, char error[STORE_ERROR])
{
    hid_t group;
    int result;

    if (s->type->schema.shape != SHAPE_COLUMNS)
        return store_write_attributes(s, s->parts[0].dataset, attributes, n, error);
    group = H5Gopen2(s->h5, s->path, H5P_DEFAULT);
    if (group < 0)
        return store_hdf5_failed(s, "open group", s->path, error);
    result = store_write_attributes(s, group, attributes, n, error);
    (void)H5Gclose(group);
    return result;
}

int store_root_attribute(struct store *s, const struct store_attribute *attribute, char error[STORE_ERROR])
{
    if (write_given(s, s->h5, attribute) != 0)
        return store_hdf5_failed(s, "write the attribute", attribute->name, error);
    return 0;
}
