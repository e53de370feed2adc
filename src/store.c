/*
 * store.c - the HDF5 file: compound types from schemas, datasets, the placing of rows, attributes.
 *
 * HDF5 does the book-keeping and we do the writing: a contiguous dataset is created over a stretch of the file
 * that pwrite(2) fills through our own descriptor. Three ways lead there:
 *
 *   whole    the rows come in one call: create the dataset with its space allocated, ask where it lies, write there
 *   pieces   their number is known only at the end, when a contiguous dataset cannot grow any more. So the rows
 *            go right behind the end of the file, where HDF5 would put them next, and the dataset is created
 *            over them afterwards. Rehearsals tell where that will be: the dataset is created without rows, with
 *            its link and attributes, and deleted again, which also leaves holes of just the right sizes for
 *            them. Should HDF5 choose another place after all, as it does with few rows that fit a hole, the
 *            rows are moved there
 *   chunks   HDF5 writes them, whole chunks straight from the caller's memory, packed by us where they have filters:
 *            HDF5 is only told which, for its readers
 *
 * A table becomes one dataset or, as columns, one for each field: its parts. In chunks a part is one of the arrays that
 * are gathered from a chunk of rows. Contiguous columns cannot be placed before their number of rows is known, so rows
 * that come in pieces wait in a scratch file without a name (memory is bounded), and the columns are taken from it.
 *
 * While pieces are being written nothing may make HDF5 write to the file, which to its mind ends before them: no
 * flush, which would cut them off, and no eviction from its cache of metadata, which might hit them.
 */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gather.h"
#include "hdf5_library.h"
#include "output_file.h"
#include "signals.h"
#include "store_types.h"

_Static_assert((int)STORE_ERROR == (int)OUTPUT_FILE_ERROR, "sentences are passed through");

enum {
    PAGE_BYTES = 4096,
    LINE_BYTES = 64,
    ALIGN_FROM_BYTES = PAGE_BYTES,   /* smaller datasets would take more padding than rows */
    METADATA_BLOCK_BYTES = 16 << 10, /* HDF5 takes metadata from the file in blocks of this size */
    CACHE_BYTES = 4 << 20,           /* of metadata */
    FLUSHED_TOGETHER = 256,          /* tables */
    EVICTED_TOGETHER = 256,          /* datasets of a table */
    TYPES_KEPT = 16,                 /* thousands of datasets share few schemas */
    TEXT_TYPES_KEPT = 64,            /* types of attribute texts up to this size are kept */
    MAX_NAMED_FIELDS = 128,          /* wider tables go without FIELD_n_NAME: the cost is quadratic, 0.4 ms for 100 */
    SCRATCH_BLOCK_BYTES = 4 << 20,   /* of rows that become columns at a time */
    MAX_COMPACT_ATTRIBUTES = 65535,  /* the most HDF5 accepts: attributes stay in the object header */
};

/* A schema and its types: the compound, the matrix's element, or one for each column. */
struct record_type {
    struct schema schema; /* a copy: a pointer may come back with other contents */
    size_t n_ids;
    hid_t *ids;
    bool v18;             /* too wide for the oldest format */
};

/* One dataset among those that a table becomes, and its share of the row. */
struct part {
    char *path;           /* owned */
    hid_t type;           /* the record_type's */
    int rank;
    hsize_t dims[1 + SCHEMA_DIMS]; /* the first is for the rows */
    size_t offset, bytes; /* in the row */
    hid_t dataset;        /* -1 until it exists */
    off_t place;          /* contiguous: of the first row */
};

enum way { WAY_NONE, WAY_WHOLE, WAY_PIECES, WAY_SCRATCH, WAY_CHUNKS };

struct store {
    struct output_file file;
    hid_t h5;
    hid_t scalar;           /* dataspace of all attributes */
    hid_t contiguous;       /* dataset creation: space allocated at once */
    hid_t rehearsal;        /* dataset creation: no space allocated */
    hid_t chunked;          /* dataset creation: the chunk shape is set for each dataset */
    hid_t chunk_access;     /* dataset access: no chunk cache */
    hid_t with_groups;      /* link creation: missing groups are made */
    hid_t text_types[2][TEXT_TYPES_KEPT]; /* [is UTF-8][bytes] or -1 */
    struct record_type types[TYPES_KEPT]; /* the oldest makes room */
    size_t n_types;         /* ever made; the newest is at (n_types - 1) % TYPES_KEPT */
    H5AC_cache_config_t evictions; /* the metadata cache as it is when it may evict */
    bool appends;           /* the file had a life before us */
    H5F_libver_t low;       /* the oldest format in use */
    size_t together;        /* datasets that are open at a time, as a hint */
    uint64_t n_bytes;       /* of rows, all datasets; not those that were there */
    unsigned n_unflushed;   /* tables since the last flush */

    /* the dataset that is being written */
    enum way way;
    const char *path;
    size_t row_bytes;
    const struct record_type *type;
    size_t n_parts;
    struct part *parts;
    uint64_t n_rows;        /* so far */
    bool reserved;          /* others write the rows */
    off_t place;            /* of the first row; WAY_PIECES */
    struct output_file scratch; /* rows that will be columns; WAY_SCRATCH */
    size_t chunk_rows;      /* WAY_CHUNKS, as what follows */
    unsigned char *carry;   /* a chunk at a seam between calls; kept from dataset to dataset */
    size_t carry_bytes;     /* allocated */
    size_t carry_rows;      /* waiting in it */
    struct packer *packer;  /* NULL: chunks are stored as they are */
    unsigned char *packed;  /* room for one packed chunk of rows, or gathered */
    struct packed_chunk *packed_parts;
};

/* --- errors --- */

/* Why the last HDF5 call that failed did so. HDF5 itself forgets at the next call, which may only tidy up. */
static struct {
    char text[200];
    int sys_errno;
} reason;

/* H5Ewalk2 callback: the innermost entry comes first. HDF5 quotes errno in the midst of a description. */
static herr_t note_entry(unsigned n, const H5E_error2_t *entry, void *unused)
{
    const char *quoted = entry->desc == NULL ? NULL : strstr(entry->desc, "errno = ");

    (void)unused;
    if (n == 0 && entry->desc != NULL)
        (void)snprintf(reason.text, sizeof reason.text, "%s", entry->desc);
    if (quoted != NULL && reason.sys_errno == 0)
        reason.sys_errno = atoi(quoted + strlen("errno = "));
    return 0;
}

/* H5Eset_auto2 callback, where HDF5 would print. */
static herr_t note_reason(hid_t stack, void *unused)
{
    reason.text[0] = '\0';
    reason.sys_errno = 0;
    return H5Ewalk2(stack, H5E_WALK_UPWARD, note_entry, unused);
}

/* A failed system call on the output. */
static int write_failed(const struct store *s, char error[STORE_ERROR])
{
    (void)snprintf(error, STORE_ERROR, "%.250s: cannot write: %s", s->file.name, strerror(errno));
    return -1;
}

/* A failed HDF5 call; disk full and the like read the same whoever met them. */
static int hdf5_failed(const struct store *s, const char *doing, const char *subject, char error[STORE_ERROR])
{
    if (reason.sys_errno != 0)
        (void)snprintf(error, STORE_ERROR, "%.250s: cannot write: %s", s->file.name, strerror(reason.sys_errno));
    else
        (void)snprintf(error, STORE_ERROR, "%.120s: cannot %s '%.120s': %s", s->file.name, doing, subject,
                       reason.text);
    return -1;
}

/* --- the library --- */

/*
 * The temporary is ours alone, and locks fail on many a network file system: so no locking, unless the user
 * wants it. Nothing is left to do at exit either; a child that leaves by exit(3) must not write to our file.
 */
void store_prepare_library(void)
{
    (void)setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
    (void)H5dont_atexit();
    (void)H5open();
    (void)H5Eset_auto2(H5E_DEFAULT, note_reason, NULL);
}

const char *store_library_reason(void)
{
    return reason.sys_errno != 0 ? strerror(reason.sys_errno) : reason.text;
}

void store_library_version(char *text, size_t text_bytes)
{
    unsigned major = 0, minor = 0, release = 0;

    (void)H5get_libversion(&major, &minor, &release);
    (void)snprintf(text, text_bytes, "%u.%u.%u", major, minor, release);
}

/* --- types --- */

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

/* Owner the caller. Errors -1, also for 0 bytes */
static hid_t string_type(size_t bytes, H5T_str_t padding, H5T_cset_t charset)
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
        return string_type(f->elem_bytes, H5T_STR_NULLPAD, H5T_CSET_ASCII);
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
        (void)snprintf(reason.text, sizeof reason.text, "%s", strerror(ENOMEM));
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
                       is_field ? schema->fields[at].name : "", reason.text);
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

    store_prepare_library();
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

/* The type of a schema, from the last few or made. Owner the store. Errors NULL with a sentence */
static const struct record_type *find_type(struct store *s, const struct schema *schema, char error[STORE_ERROR])
{
    size_t n_kept = s->n_types < TYPES_KEPT ? s->n_types : TYPES_KEPT;
    struct record_type made;
    struct record_type *slot;

    for (size_t i = 1; i <= n_kept; i++) {
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

/* --- attributes --- */

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
        *type = string_type(bytes, H5T_STR_NULLTERM, utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII);
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
 * What makes a dataset of records a table to PyTables, pandas and the HDF5 table interface.
 * Source  HDF5 Table Specification, version 3.0
 */
static int write_table_attributes(struct store *s, hid_t dataset)
{
    const struct schema *schema = &s->type->schema;
    int64_t n_rows = (int64_t)s->n_rows;
    char name[32];

    if (schema->shape != SHAPE_RECORDS)
        return schema->column_names != NULL ? write_text(s, dataset, "columns", schema->column_names) : 0;
    if (write_text(s, dataset, "CLASS", "TABLE") != 0 || write_text(s, dataset, "VERSION", "3.0") != 0 ||
        write_text(s, dataset, "TITLE", "") != 0)
        return -1;
    for (size_t i = 0; i < schema->n_fields && schema->n_fields <= MAX_NAMED_FIELDS; i++) {
        (void)snprintf(name, sizeof name, "FIELD_%zu_NAME", i);
        if (write_text(s, dataset, name, schema->fields[i].name) != 0)
            return -1;
    }
    return write_attribute(s, dataset, "NROWS", H5T_NATIVE_INT64, &n_rows);
}

/* FIELD_n_UNITS beside FIELD_n_NAME, for the fields that have them; 'units' where a column is a dataset. */
static int write_units(struct store *s, hid_t dataset)
{
    const struct schema *schema = &s->type->schema;
    bool apart = schema->shape == SHAPE_COLUMNS;
    char name[48];

    for (size_t i = 0; i < schema->n_fields; i++) {
        if (schema->fields[i].units == NULL)
            continue;
        (void)snprintf(name, sizeof name, "FIELD_%zu_UNITS", i);
        if (write_text(s, apart ? s->parts[i].dataset : dataset, apart ? "units" : name, schema->fields[i].units) != 0)
            return -1;
    }
    return 0;
}

static int write_attributes(struct store *s, hid_t dataset, const struct store_attribute *attributes, size_t n,
                            char error[STORE_ERROR])
{
    if (write_table_attributes(s, dataset) != 0 || write_units(s, dataset) != 0)
        return hdf5_failed(s, "write the attributes of", s->path, error);
    for (size_t i = 0; i < n; i++)
        if (write_given(s, dataset, &attributes[i]) != 0)
            return hdf5_failed(s, "write the attributes of", s->path, error);
    return 0;
}

int store_root_attribute(struct store *s, const struct store_attribute *attribute, char error[STORE_ERROR])
{
    if (write_given(s, s->h5, attribute) != 0)
        return hdf5_failed(s, "write the attribute", attribute->name, error);
    return 0;
}

/* --- datasets --- */

static void close_if_open(hid_t *id)
{
    if (*id >= 0)
        (void)H5Idec_ref(*id);
    *id = -1;
}

static void close_parts(struct store *s)
{
    for (size_t i = 0; i < s->n_parts; i++) {
        close_if_open(&s->parts[i].dataset);
        free(s->parts[i].path);
    }
    free(s->parts);
    s->parts = NULL;
    s->n_parts = 0;
}

/* Path and shape of one part. Errors 0, or -1 on no memory */
static int init_part(const struct store *s, struct part *p, size_t i)
{
    const struct schema *schema = &s->type->schema;
    const struct field *f = &schema->fields[i];

    *p = (struct part){.type = s->type->ids[i], .rank = 1, .bytes = schema->row_bytes, .dataset = -1};
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

/*
 * The oldest format that HDF5 may use from here on. It writes all metadata when that changes, so not while rows stand at
 * a place of which it does not know yet: a wide record's keeps its format until they have their place.
 */
static int set_format(struct store *s, H5F_libver_t low)
{
    if (s->low == low)
        return 0;
    s->low = low;
    return H5Fset_libver_bounds(s->h5, low, H5F_LIBVER_LATEST) < 0 ? -1 : 0;
}

/* Errors -1 from HDF5 */
static hid_t create_in_format(struct store *s, const struct part *p, hid_t space, hid_t creation, hid_t access)
{
    hid_t links = H5P_DEFAULT;

    assert(p->path != NULL); /* set when the dataset was begun */
    if (strchr(p->path, '/') != NULL)
        links = s->with_groups;
    if (set_format(s, s->type->v18 ? H5F_LIBVER_V18 : H5F_LIBVER_EARLIEST) != 0)
        return -1;
    return H5Dcreate2(s->h5, p->path, p->type, space, links, creation, access);
}

/* Errors -1 with a sentence */
static hid_t create_dataset(struct store *s, struct part *p, hsize_t n_rows, hsize_t max_rows, hid_t creation,
                            hid_t access, char error[STORE_ERROR])
{
    hsize_t most[1 + SCHEMA_DIMS];
    hid_t space, dataset;

    assert(p->path != NULL);
    p->dims[0] = n_rows;
    memcpy(most, p->dims, sizeof most);
    most[0] = max_rows;
    space = H5Screate_simple(p->rank, p->dims, most);
    dataset = space < 0 ? -1 : create_in_format(s, p, space, creation, access);
    if (dataset < 0)
        (void)hdf5_failed(s, "create dataset", p->path, error);
    if (space >= 0)
        (void)H5Sclose(space);
    return dataset;
}

/*
 * HDF5 aligns what is not small (ALIGN_FROM_BYTES), but the rows of a small dataset are to start on a page too: so let the
 * end of the file, where it will put them, be one. Before large ones too, or the gap in front of them would be kept for
 * small ones. Columns are many, and smaller still: for them a cache line will do.
 */
static int align_end(struct store *s)
{
    haddr_t unit = s->type->schema.shape == SHAPE_COLUMNS ? LINE_BYTES : PAGE_BYTES, end;

    if (H5Fget_eoa(s->h5, &end) < 0)
        return -1;
    return end % unit == 0 ? 0 : H5Fincrement_filesize(s->h5, unit - end % unit) < 0 ? -1 : 0;
}

/* The part's dataset over n_rows that are to be, or are already, at its place. 0 rows have no place. */
static int create_contiguous(struct store *s, struct part *p, uint64_t n_rows, char error[STORE_ERROR])
{
    haddr_t offset;
    bool page = s->type->schema.shape != SHAPE_COLUMNS || n_rows * p->bytes < ALIGN_FROM_BYTES;

    if (n_rows > 0 && page && align_end(s) != 0)
        return hdf5_failed(s, "place dataset", p->path, error);
    p->dataset = create_dataset(s, p, n_rows, n_rows, s->contiguous, H5P_DEFAULT, error);
    if (p->dataset < 0)
        return -1;
    if (n_rows == 0)
        return 0;
    offset = H5Dget_offset(p->dataset);
    if (offset == HADDR_UNDEF)
        return hdf5_failed(s, "place dataset", p->path, error);
    p->place = (off_t)offset;
    return 0;
}

/* Thousands of columns take a while. Errors -1 with a sentence */
static int go_on(const struct store *s, char error[STORE_ERROR])
{
    if (signals_caught() == 0)
        return 0;
    (void)snprintf(error, STORE_ERROR, "%.250s: interrupted", s->file.name);
    return -1;
}

static int create_all_contiguous(struct store *s, uint64_t n_rows, char error[STORE_ERROR])
{
    for (size_t i = 0; i < s->n_parts; i++)
        if (go_on(s, error) != 0 || create_contiguous(s, &s->parts[i], n_rows, error) != 0)
            return -1;
    return 0;
}

/* --- whole --- */

/* Rows [first_row, first_row + n_rows) to the places of their columns. gathered: room for them */
static int write_columns(struct store *s, uint64_t first_row, const void *rows, size_t n_rows, unsigned char *gathered,
                         char error[STORE_ERROR])
{
    gather_columns(&s->type->schema, rows, n_rows, gathered);
    for (size_t i = 0; i < s->n_parts; i++) {
        const struct part *p = &s->parts[i];

        if (output_file_write(&s->file, gathered + n_rows * p->offset, n_rows * p->bytes,
                              p->place + (off_t)(first_row * p->bytes)) != 0)
            return write_failed(s, error);
    }
    return 0;
}

static int whole_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    unsigned char *gathered;
    int result;

    assert(s->parts[0].dataset < 0 && "without 'pieces' rows come in one call");
    if (create_all_contiguous(s, n_rows, error) != 0)
        return -1;
    if (s->type->schema.shape != SHAPE_COLUMNS) {
        result = output_file_write(&s->file, rows, n_rows * s->row_bytes, s->parts[0].place);
        return result == 0 ? 0 : write_failed(s, error);
    }
    gathered = malloc(n_rows * s->row_bytes + 1);
    if (gathered == NULL)
        return write_failed(s, error);
    result = write_columns(s, 0, rows, n_rows, gathered, error);
    free(gathered);
    return result;
}

static int whole_end(struct store *s, char error[STORE_ERROR])
{
    return s->parts[0].dataset >= 0 ? 0 : create_all_contiguous(s, 0, error);
}

/* --- scratch: rows that will be contiguous columns --- */

static int scratch_begin(struct store *s, char error[STORE_ERROR])
{
    return output_file_scratch(&s->scratch, &s->file) == 0 ? 0 : write_failed(s, error);
}

static int scratch_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    off_t written = (off_t)(s->n_rows * s->row_bytes);

    return output_file_write(&s->scratch, rows, n_rows * s->row_bytes, written) == 0 ? 0 : write_failed(s, error);
}

/* Block by block out of the scratch file into all columns. */
static int scratch_columns(struct store *s, unsigned char *block, size_t block_rows, char error[STORE_ERROR])
{
    for (uint64_t row = 0; row < s->n_rows; row += block_rows) {
        size_t n = s->n_rows - row < block_rows ? (size_t)(s->n_rows - row) : block_rows;

        if (output_file_read(&s->scratch, block, n * s->row_bytes, (off_t)(row * s->row_bytes)) != 0)
            return write_failed(s, error);
        if (write_columns(s, row, block, n, block + block_rows * s->row_bytes, error) != 0)
            return -1;
    }
    return 0;
}

static int scratch_end(struct store *s, char error[STORE_ERROR])
{
    size_t block_rows = s->row_bytes < SCRATCH_BLOCK_BYTES ? SCRATCH_BLOCK_BYTES / s->row_bytes : 1;
    unsigned char *block = malloc(2 * block_rows * s->row_bytes);
    int result = -1;

    if (block == NULL)
        (void)write_failed(s, error);
    else if (create_all_contiguous(s, s->n_rows, error) == 0)
        result = s->reserved ? 0 : scratch_columns(s, block, block_rows, error);
    free(block);
    output_file_discard(&s->scratch);
    return result;
}

/* --- pieces --- */

/* While 'allowed' is false the metadata cache only grows. */
static int allow_evictions(struct store *s, bool allowed)
{
    H5AC_cache_config_t config = s->evictions;

    if (!allowed) {
        config.evictions_enabled = false;
        config.incr_mode = H5C_incr__off;
        config.flash_incr_mode = H5C_flash_incr__off;
        config.decr_mode = H5C_decr__off;
    }
    config.set_initial_size = false;
    return H5Fset_mdc_config(s->h5, &config) < 0 ? -1 : 0;
}

/*
 * Create the dataset without room for rows, and delete it.
 * *end is the end of the file between header and attributes, which is where HDF5 takes the room for rows
 */
static int rehearse(struct store *s, const struct store_dataset *d, haddr_t *end, char error[STORE_ERROR])
{
    hid_t dataset = create_dataset(s, &s->parts[0], 1, 1, s->rehearsal, H5P_DEFAULT, error);

    if (dataset < 0)
        return -1;
    if (H5Fget_eoa(s->h5, end) < 0) {
        (void)hdf5_failed(s, "prepare dataset", s->path, error);
        goto fail;
    }
    if (write_attributes(s, dataset, d->attributes, d->n_attributes, error) != 0)
        goto fail;
    if (H5Dclose(dataset) < 0 || H5Ldelete(s->h5, s->path, H5P_DEFAULT) < 0)
        return hdf5_failed(s, "prepare dataset", s->path, error);
    return 0;

fail:
    (void)H5Dclose(dataset);
    return -1;
}

/*
 * The first rehearsal makes the holes, or gives unused space at the end of the file back. The second starts from the
 * file as a rehearsal leaves it, as the dataset itself will, and so finds the place that it will have.
 */
static int pieces_begin(struct store *s, const struct store_dataset *d, char error[STORE_ERROR])
{
    haddr_t end;

    if (allow_evictions(s, false) != 0)
        return hdf5_failed(s, "prepare dataset", s->path, error);
    if (rehearse(s, d, &end, error) != 0 || rehearse(s, d, &end, error) != 0)
        return -1;
    s->place = (off_t)((end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
    return 0;
}

static int pieces_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    off_t written = (off_t)(s->n_rows * s->row_bytes);

    if (output_file_write(&s->file, rows, n_rows * s->row_bytes, s->place + written) != 0)
        return write_failed(s, error);
    return 0;
}

/* HDF5 has put the dataset elsewhere. What the rows leave beyond its end of the file is cut off. */
static int move_rows(struct store *s, off_t to, char error[STORE_ERROR])
{
    haddr_t end;

    if (H5Fget_eoa(s->h5, &end) < 0)
        return hdf5_failed(s, "place dataset", s->path, error);
    if (output_file_move(&s->file, s->place, to, (off_t)(s->n_rows * s->row_bytes)) != 0 ||
        output_file_truncate(&s->file, (off_t)end) != 0)
        return write_failed(s, error);
    return 0;
}

static int pieces_end(struct store *s, char error[STORE_ERROR])
{
    struct part *p = &s->parts[0];

    p->place = s->place;
    if (create_contiguous(s, p, s->n_rows, error) != 0)
        return -1;
    if (p->place != s->place && !s->reserved && move_rows(s, p->place, error) != 0)
        return -1;
    return 0;
}

/* --- chunks --- */

/* The dataset's filters, for those who read it, and a packer that does what they would. */
static int set_filters(struct store *s, const struct packing *p, char error[STORE_ERROR])
{
    const unsigned zstd_level = p != NULL ? (unsigned)p->level : 0;

    packer_close(s->packer);
    s->packer = NULL;
    if (H5Premove_filter(s->chunked, H5Z_FILTER_ALL) < 0)
        return hdf5_failed(s, "create dataset", s->path, error);
    if (p == NULL)
        return 0;
    if ((p->shuffle && H5Pset_shuffle(s->chunked) < 0) ||
        (p->codec == PACK_DEFLATE && H5Pset_deflate(s->chunked, (unsigned)p->level) < 0) ||
        (p->codec == PACK_ZSTD &&
         H5Pset_filter(s->chunked, PACK_ZSTD_FILTER, H5Z_FLAG_OPTIONAL, 1, &zstd_level) < 0) ||
        (p->checksum && H5Pset_fletcher32(s->chunked) < 0))
        return hdf5_failed(s, "set the filters of", s->path, error);
    s->packer = packer_open(p);
    return s->packer == NULL ? write_failed(s, error) : 0;
}

/* Room for one chunk of rows that is filled, and for one on its way to the file. */
static int reserve_chunks(struct store *s, const struct packing *p, size_t chunk_bytes)
{
    size_t packed_bytes = p != NULL ? packer_most_bytes(p) : chunk_bytes;

    if (s->carry_bytes < chunk_bytes) {
        unsigned char *carry = realloc(s->carry, chunk_bytes);

        if (carry == NULL)
            return -1;
        s->carry = carry;
        s->carry_bytes = chunk_bytes;
    }
    free(s->packed);
    free(s->packed_parts);
    s->packed = malloc(packed_bytes);
    s->packed_parts = calloc(s->n_parts, sizeof *s->packed_parts);
    return s->packed != NULL && s->packed_parts != NULL ? 0 : -1;
}

static int create_chunked(struct store *s, struct part *p, char error[STORE_ERROR])
{
    p->dims[0] = s->chunk_rows;
    if (H5Pset_chunk(s->chunked, p->rank, p->dims) < 0)
        return hdf5_failed(s, "create dataset", p->path, error);
    p->dataset = create_dataset(s, p, 0, H5S_UNLIMITED, s->chunked, s->chunk_access, error);
    return p->dataset < 0 ? -1 : 0;
}

/* Read the part's share of rows [first_row, first_row + n_rows). Errors 0, or -1 from HDF5 */
static int read_part(const struct part *p, uint64_t first_row, uint64_t n_rows, void *to)
{
    hsize_t start[1 + SCHEMA_DIMS] = {first_row}, count[1 + SCHEMA_DIMS];
    hid_t file_space = H5Dget_space(p->dataset), memory_space;
    herr_t result = -1;

    memcpy(count, p->dims, sizeof count);
    count[0] = n_rows;
    memory_space = H5Screate_simple(p->rank, count, NULL);
    if (H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
        result = H5Dread(p->dataset, p->type, memory_space, file_space, H5P_DEFAULT, to);
    (void)H5Sclose(memory_space);
    (void)H5Sclose(file_space);
    return result < 0 ? -1 : 0;
}

/* Open a dataset that is there; p->dims are as of now. */
static int open_part(struct store *s, struct part *p, char error[STORE_ERROR])
{
    hid_t space;

    p->dataset = H5Dopen2(s->h5, p->path, s->chunk_access);
    if (p->dataset < 0)
        return hdf5_failed(s, "open dataset", p->path, error);
    space = H5Dget_space(p->dataset);
    if (H5Sget_simple_extent_dims(space, p->dims, NULL) != p->rank)
        return hdf5_failed(s, "open dataset", p->path, error);
    (void)H5Sclose(space);
    s->n_rows = p->dims[0];
    return 0;
}

/* Take up where the dataset ends: the rows of a chunk that is not full are the first of the carry. */
static int resume_chunks(struct store *s, char error[STORE_ERROR])
{
    for (size_t i = 0; i < s->n_parts; i++)
        if (open_part(s, &s->parts[i], error) != 0)
            return -1;
    s->carry_rows = (size_t)(s->n_rows % s->chunk_rows);
    for (size_t i = 0; i < s->n_parts && s->carry_rows > 0; i++) {
        bool apart = s->type->schema.shape == SHAPE_COLUMNS;

        if (read_part(&s->parts[i], s->n_rows - s->carry_rows, s->carry_rows, apart ? s->packed : s->carry) != 0)
            return hdf5_failed(s, "read dataset", s->parts[i].path, error);
        if (apart)
            scatter_column(&s->type->schema, i, s->packed, s->carry_rows, s->carry);
    }
    return 0;
}

static int chunks_begin(struct store *s, const struct store_dataset *d, char error[STORE_ERROR])
{
    s->chunk_rows = d->chunk_rows;
    s->carry_rows = 0;
    if (reserve_chunks(s, d->packing, d->chunk_rows * s->row_bytes) != 0)
        return write_failed(s, error);
    if (set_filters(s, d->packing, error) != 0)
        return -1;
    if (H5Pset_alloc_time(s->chunked, d->reserved && d->packing == NULL ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_INCR) < 0)
        return hdf5_failed(s, "create dataset", s->path, error);
    if (d->grows)
        return resume_chunks(s, error);
    for (size_t i = 0; i < s->n_parts; i++)
        if (go_on(s, error) != 0 || create_chunked(s, &s->parts[i], error) != 0)
            return -1;
    return 0;
}

static int extend_parts(struct store *s, uint64_t n_rows, char error[STORE_ERROR])
{
    for (size_t i = 0; i < s->n_parts; i++) {
        struct part *p = &s->parts[i];

        p->dims[0] = n_rows;
        if (H5Dset_extent(p->dataset, p->dims) < 0)
            return hdf5_failed(s, "extend dataset", p->path, error);
    }
    return 0;
}

/* One chunk of rows as the chunks of its parts, which stand one behind another. */
static int write_packed(struct store *s, uint64_t first_row, const unsigned char *packed,
                        const struct packed_chunk *chunks, char error[STORE_ERROR])
{
    const hsize_t offset[1 + SCHEMA_DIMS] = {first_row};

    for (size_t i = 0; i < s->n_parts; packed += chunks[i].packed_bytes, i++)
        if (H5Dwrite_chunk(s->parts[i].dataset, H5P_DEFAULT, chunks[i].filter_mask, offset, chunks[i].packed_bytes,
                           packed) < 0)
            return hdf5_failed(s, "write dataset", s->parts[i].path, error);
    return 0;
}

static int write_chunk(struct store *s, uint64_t first_row, const void *rows, char error[STORE_ERROR])
{
    size_t packed_bytes;

    if (s->packer != NULL) {
        if (packer_pack_parts(s->packer, rows, s->packed, s->packed_parts, &packed_bytes) != 0)
            return write_failed(s, error);
        return write_packed(s, first_row, s->packed, s->packed_parts, error);
    }
    for (size_t i = 0; i < s->n_parts; i++)
        s->packed_parts[i] = (struct packed_chunk){(uint32_t)(s->chunk_rows * s->parts[i].bytes), 0};
    if (s->type->schema.shape != SHAPE_COLUMNS)
        return write_packed(s, first_row, rows, s->packed_parts, error);
    gather_columns(&s->type->schema, rows, s->chunk_rows, s->packed);
    return write_packed(s, first_row, s->packed, s->packed_parts, error);
}

/* Copy into the seam's chunk as many rows as it still takes. Returns their number. */
static size_t fill_carry(struct store *s, const unsigned char *rows, size_t n_rows)
{
    size_t room = s->chunk_rows - s->carry_rows;
    size_t n = n_rows < room ? n_rows : room;

    if (n > 0)
        memcpy(s->carry + s->carry_rows * s->row_bytes, rows, n * s->row_bytes);
    s->carry_rows += n;
    return n;
}

/*
 * Chunk after chunk: the carry when a call before ended within one, then straight from the caller's rows. What is
 * left waits in the carry, so that the cuts between calls leave no trace.
 */
static int write_full_chunks(struct store *s, const unsigned char *rows, size_t n_rows, char error[STORE_ERROR])
{
    uint64_t next_row = s->n_rows - s->carry_rows; /* the next chunk begins there */
    size_t n = s->carry_rows > 0 ? fill_carry(s, rows, n_rows) : 0;

    if (s->carry_rows == s->chunk_rows) {
        if (write_chunk(s, next_row, s->carry, error) != 0)
            return -1;
        s->carry_rows = 0;
        next_row += s->chunk_rows;
    }
    for (; n_rows - n >= s->chunk_rows; n += s->chunk_rows, next_row += s->chunk_rows)
        if (write_chunk(s, next_row, rows + n * s->row_bytes, error) != 0)
            return -1;
    (void)fill_carry(s, rows + n * s->row_bytes, n_rows - n);
    return 0;
}

static int chunks_rows(struct store *s, const unsigned char *rows, size_t n_rows, char error[STORE_ERROR])
{
    haddr_t end;

    if (extend_parts(s, s->n_rows + n_rows, error) != 0)
        return -1;
    if (write_full_chunks(s, rows, n_rows, error) != 0)
        return -1;
    if (H5Fget_eoa(s->h5, &end) < 0)
        return hdf5_failed(s, "extend dataset", s->path, error);
    output_file_write_back(&s->file, (off_t)end);
    return 0;
}

int store_packed(struct store *s, const void *packed, const struct packed_chunk *chunks, size_t n_rows,
                 char error[STORE_ERROR])
{
    haddr_t end;

    assert(s->way == WAY_CHUNKS && s->carry_rows == 0 && "a packed chunk follows whole chunks");
    if (extend_parts(s, s->n_rows + n_rows, error) != 0 || write_packed(s, s->n_rows, packed, chunks, error) != 0)
        return -1;
    s->n_rows += n_rows;
    s->n_bytes += n_rows * s->row_bytes;
    if (H5Fget_eoa(s->h5, &end) < 0)
        return hdf5_failed(s, "extend dataset", s->path, error);
    output_file_write_back(&s->file, (off_t)end);
    return 0;
}

static int chunks_end(struct store *s, char error[STORE_ERROR])
{
    size_t carried_bytes = s->carry_rows * s->row_bytes;

    if (s->carry_rows == 0)
        return 0;
    memset(s->carry + carried_bytes, 0, s->chunk_rows * s->row_bytes - carried_bytes);
    return write_chunk(s, s->n_rows - s->carry_rows, s->carry, error);
}

/* --- one dataset --- */

int store_begin(struct store *s, const struct store_dataset *d, char error[STORE_ERROR])
{
    assert(s->way == WAY_NONE && "store_end() comes first");
    s->type = find_type(s, d->schema, error);
    if (s->type == NULL)
        return -1;
    s->path = d->path;
    s->row_bytes = d->schema->row_bytes;
    s->n_rows = 0;
    s->reserved = d->reserved;
    if (make_parts(s) != 0)
        return write_failed(s, error);
    if (d->layout == STORE_CHUNKED) {
        s->way = WAY_CHUNKS;
        return chunks_begin(s, d, error);
    }
    if (d->pieces && d->schema->shape == SHAPE_COLUMNS) {
        s->way = WAY_SCRATCH;
        return scratch_begin(s, error);
    }
    if (d->pieces) {
        s->way = WAY_PIECES;
        return pieces_begin(s, d, error);
    }
    s->way = WAY_WHOLE;
    return 0;
}

int store_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    int result = -1;

    assert(s->way != WAY_NONE && "store_begin() comes first");
    switch (s->way) {
    case WAY_NONE:
        break;
    case WAY_WHOLE:
        result = whole_rows(s, rows, n_rows, error);
        break;
    case WAY_PIECES:
        result = pieces_rows(s, rows, n_rows, error);
        break;
    case WAY_SCRATCH:
        result = scratch_rows(s, rows, n_rows, error);
        break;
    case WAY_CHUNKS:
        result = chunks_rows(s, rows, n_rows, error);
        break;
    }
    s->n_rows += n_rows;
    s->n_bytes += n_rows * s->row_bytes;
    return result;
}

int store_reserve(struct store *s, uint64_t n_rows, char error[STORE_ERROR])
{
    int result = 0;

    assert(s->reserved && s->n_rows == 0 && "a dataset begun for it, once");
    if (s->way == WAY_WHOLE)
        result = create_all_contiguous(s, n_rows, error);
    else if (s->way == WAY_CHUNKS)
        result = extend_parts(s, n_rows, error);
    s->n_rows = n_rows;
    s->n_bytes += n_rows * s->row_bytes;
    return result;
}

static int place_rows(struct store *s, char error[STORE_ERROR])
{
    switch (s->way) {
    case WAY_NONE:
        break;
    case WAY_WHOLE:
        return whole_end(s, error);
    case WAY_PIECES:
        return pieces_end(s, error);
    case WAY_SCRATCH:
        return scratch_end(s, error);
    case WAY_CHUNKS:
        return chunks_end(s, error);
    }
    return -1;
}

/* What is said of the whole table stands at its dataset, or at the group of its columns. */
static int describe(struct store *s, const struct store_attribute *attributes, size_t n, char error[STORE_ERROR])
{
    hid_t group;
    int result;

    if (s->type->schema.shape != SHAPE_COLUMNS)
        return write_attributes(s, s->parts[0].dataset, attributes, n, error);
    group = H5Gopen2(s->h5, s->path, H5P_DEFAULT);
    if (group < 0)
        return hdf5_failed(s, "open group", s->path, error);
    result = write_attributes(s, group, attributes, n, error);
    (void)H5Gclose(group);
    return result;
}

static int close_datasets(struct store *s, char error[STORE_ERROR])
{
    for (size_t i = 0; i < s->n_parts; i++) {
        hid_t dataset = s->parts[i].dataset;

        s->parts[i].dataset = -1;
        if (H5Dclose(dataset) < 0)
            return hdf5_failed(s, "close dataset", s->parts[i].path, error);
    }
    close_parts(s);
    return 0;
}

/* Whenever HDF5 closes a dataset it goes through all metadata that is not yet written. */
static int flush_sometimes(struct store *s, char error[STORE_ERROR])
{
    s->n_unflushed++;
    if (s->n_unflushed < FLUSHED_TOGETHER)
        return 0;
    s->n_unflushed = 0;
    return H5Fflush(s->h5, H5F_SCOPE_LOCAL) < 0 ? hdf5_failed(s, "write", "/", error) : 0;
}

int store_end(struct store *s, const struct store_attribute *attributes, size_t n_attributes,
              char error[STORE_ERROR])
{
    assert(s->way != WAY_NONE && "store_begin() comes first");
    if (place_rows(s, error) != 0)
        return -1;
    if (set_format(s, H5F_LIBVER_EARLIEST) != 0)
        return hdf5_failed(s, "write", s->path, error);
    if (describe(s, attributes, n_attributes, error) != 0 || close_datasets(s, error) != 0)
        return -1;
    if (s->way == WAY_PIECES && allow_evictions(s, true) != 0)
        return hdf5_failed(s, "close dataset", s->path, error);
    s->way = WAY_NONE;
    return flush_sometimes(s, error);
}

/* --- what other files hold --- */

int store_link(struct store *s, const char *path, const char *file, char error[STORE_ERROR])
{
    char *there = NULL;
    herr_t made = -1;

    if (asprintf(&there, "/%s", path) >= 0)
        made = H5Lcreate_external(file, there, s->h5, path, s->with_groups, H5P_DEFAULT);
    free(there);
    return made < 0 ? hdf5_failed(s, "link", path, error) : 0;
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
static int map_source(hid_t list, hid_t all, const struct part *p, uint64_t first_row, const struct store_source *source)
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
static hid_t virtual_list(const struct part *p, const struct store_source *sources, size_t n)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), all = H5Screate_simple(p->rank, p->dims, NULL);
    uint64_t row = 0;
    int status = list < 0 || all < 0 || H5Pset_obj_track_times(list, false) < 0 ||
                 H5Pset_attr_phase_change(list, MAX_COMPACT_ATTRIBUTES, 0) < 0 ? -1 : 0;

    for (size_t i = 0; status == 0 && i < n; row += sources[i++].n_rows)
        if (sources[i].n_rows > 0)
            status = map_source(list, all, p, row, &sources[i]);
    if (all >= 0)
        (void)H5Sclose(all);
    if (status == 0)
        return list;
    if (list >= 0)
        (void)H5Pclose(list);
    return -1;
}

static int create_virtual(struct store *s, struct part *p, const struct store_source *sources, size_t n,
                          char error[STORE_ERROR])
{
    hid_t list;

    p->dims[0] = s->n_rows;
    list = virtual_list(p, sources, n);
    if (list < 0)
        return hdf5_failed(s, "create dataset", p->path, error);
    p->dataset = create_dataset(s, p, s->n_rows, s->n_rows, list, H5P_DEFAULT, error);
    (void)H5Pclose(list);
    return p->dataset < 0 ? -1 : 0;
}

int store_virtual(struct store *s, const struct store_dataset *d, const struct store_source *sources, size_t n,
                  char error[STORE_ERROR])
{
    assert(s->way == WAY_NONE && "store_end() comes first");
    s->type = find_type(s, d->schema, error);
    if (s->type == NULL)
        return -1;
    s->path = d->path;
    s->row_bytes = d->schema->row_bytes;
    s->n_rows = 0;
    for (size_t i = 0; i < n; i++)
        s->n_rows += sources[i].n_rows;
    if (make_parts(s) != 0)
        return write_failed(s, error);
    for (size_t i = 0; i < s->n_parts; i++)
        if (create_virtual(s, &s->parts[i], sources, n, error) != 0)
            return -1;
    return describe(s, d->attributes, d->n_attributes, error) != 0 ? -1 : close_datasets(s, error);
}

/* --- the file --- */

/* Errors -1 from HDF5 */
static hid_t creation_list(H5D_layout_t layout, H5D_alloc_time_t when)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    if (list < 0 || H5Pset_layout(list, layout) < 0 || H5Pset_alloc_time(list, when) < 0 ||
        H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) < 0 || H5Pset_obj_track_times(list, false) < 0 ||
        H5Pset_attr_phase_change(list, MAX_COMPACT_ATTRIBUTES, 0) < 0)
        return -1;
    return list;
}

static int make_lists(struct store *s)
{
    s->scalar = H5Screate(H5S_SCALAR);
    s->contiguous = creation_list(H5D_CONTIGUOUS, H5D_ALLOC_TIME_EARLY);
    s->rehearsal = creation_list(H5D_CONTIGUOUS, H5D_ALLOC_TIME_LATE);
    s->chunked = creation_list(H5D_CHUNKED, H5D_ALLOC_TIME_INCR);
    s->chunk_access = H5Pcreate(H5P_DATASET_ACCESS);
    s->with_groups = H5Pcreate(H5P_LINK_CREATE);
    if (s->scalar < 0 || s->contiguous < 0 || s->rehearsal < 0 || s->chunked < 0 || s->chunk_access < 0 ||
        s->with_groups < 0)
        return -1;
    if (H5Pset_chunk_cache(s->chunk_access, 0, 0, H5D_CHUNK_CACHE_W0_DEFAULT) < 0 ||
        H5Pset_create_intermediate_group(s->with_groups, 1) < 0)
        return -1;
    return 0;
}

/*
 * The cache of metadata is kept small, as each page of the heap is shared anew with every worker that is forked. But the
 * names in a group are one piece, which is read and written for each new one where the cache cannot hold it.
 */
static int set_cache(hid_t access)
{
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};

    if (H5Pget_mdc_config(access, &config) < 0)
        return -1;
    config.set_initial_size = true;
    config.initial_size = config.max_size = CACHE_BYTES;
    config.min_size = CACHE_BYTES;
    config.incr_mode = H5C_incr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    config.decr_mode = H5C_decr__off;
    return H5Pset_mdc_config(access, &config) < 0 ? -1 : 0;
}

/*
 * The cache's size counts bytes of the file, and in memory the attributes of a table are ten times that, so they go when
 * it is closed. But HDF5 goes through the whole cache for each, which is not for thousands that are closed together.
 * A library that can write in parallel has no eviction on close, not even for those who write alone.
 */
static int set_eviction(hid_t access, size_t together)
{
#ifdef H5_HAVE_PARALLEL
    (void)access;
    (void)together;
    return 0;
#else
    return H5Pset_evict_on_close(access, together <= EVICTED_TOGETHER) < 0 ? -1 : 0;
#endif
}

/*
 * Rows start on a page. The library's own small pieces of rows would not be where the end of the file says, so it
 * makes none; its blocks of metadata are larger than it likes by default, as every dataset costs a few kilobytes.
 * Errors -1 from HDF5
 */
static hid_t access_list(size_t together)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);

    if (H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) < 0 ||
        H5Pset_alignment(access, ALIGN_FROM_BYTES, PAGE_BYTES) < 0 ||
        set_cache(access) != 0 || set_eviction(access, together) != 0 ||
        H5Pset_meta_block_size(access, METADATA_BLOCK_BYTES) < 0 || H5Pset_small_data_block_size(access, 0) < 0) {
        (void)H5Pclose(access);
        return -1;
    }
    return access;
}

/* The root group, as the datasets, keeps no times. Errors -1 from HDF5 */
static hid_t create_file(const char *path, size_t together)
{
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    hid_t access = access_list(together);
    hid_t h5 = -1;

    if (access >= 0 && H5Pset_obj_track_times(creation, false) >= 0)
        h5 = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    (void)H5Pclose(creation);
    (void)H5Pclose(access);
    return h5;
}

static hid_t open_file(const char *path, size_t together)
{
    hid_t access = access_list(together);
    hid_t h5 = access >= 0 ? H5Fopen(path, H5F_ACC_RDWR, access) : -1;

    if (access >= 0)
        (void)H5Pclose(access);
    return h5;
}

int store_check_output(const char *output, bool force, char error[STORE_ERROR])
{
    return output_file_check(output, force, error);
}

/* Errors NULL with a sentence */
static struct store *allocate(size_t together, char error[STORE_ERROR])
{
    struct store *s = malloc(sizeof *s);

    if (s == NULL) {
        (void)snprintf(error, STORE_ERROR, "%s", strerror(ENOMEM));
        return NULL;
    }
    *s = (struct store){.together = together, .low = H5F_LIBVER_EARLIEST, .file = {.fd = -1}, .h5 = -1, .scalar = -1, .contiguous = -1, .rehearsal = -1, .chunked = -1,
                        .chunk_access = -1, .with_groups = -1, .scratch = {.fd = -1}};
    for (size_t i = 0; i < TEXT_TYPES_KEPT; i++)
        s->text_types[false][i] = s->text_types[true][i] = -1;
    return s;
}

/* The temporary is there: make it an HDF5 file, or open the one that it is. */
static int open_temporary(struct store *s, char error[STORE_ERROR])
{
    store_prepare_library();
    s->evictions.version = H5AC__CURR_CACHE_CONFIG_VERSION;
    s->h5 = s->appends ? open_file(s->file.temporary, s->together) : create_file(s->file.temporary, s->together);
    if (s->h5 < 0 || make_lists(s) != 0 || H5Fget_mdc_config(s->h5, &s->evictions) < 0)
        return hdf5_failed(s, s->appends ? "open" : "create", "/", error);
    return 0;
}

int store_create(struct store **store, const char *output, bool force, size_t together,
                 char error[STORE_ERROR])
{
    struct store *s = allocate(together, error);

    *store = NULL;
    if (s == NULL)
        return -1;
    if (output_file_open(&s->file, output, force, error) != 0 || open_temporary(s, error) != 0) {
        store_discard(s);
        return -1;
    }
    *store = s;
    return 0;
}

int store_append(struct store **store, const char *output, const struct output_stamp *stamp, size_t together,
                 char error[STORE_ERROR])
{
    struct store *s = allocate(together, error);

    *store = NULL;
    if (s == NULL)
        return -1;
    s->appends = true;
    if (output_file_open_copy(&s->file, output, stamp, error) != 0 || open_temporary(s, error) != 0) {
        store_discard(s);
        return -1;
    }
    *store = s;
    return 0;
}

int store_remove(struct store *s, const char *path, char error[STORE_ERROR])
{
    return H5Ldelete(s->h5, path, H5P_DEFAULT) < 0 ? hdf5_failed(s, "replace dataset", path, error) : 0;
}

/* All ids but the file's: an open dataset would keep the file open. */
static void close_ids(struct store *s)
{
    hid_t *lists[] = {&s->scalar,  &s->contiguous,   &s->rehearsal,
                      &s->chunked, &s->chunk_access, &s->with_groups};
    size_t n_kept = s->n_types < TYPES_KEPT ? s->n_types : TYPES_KEPT;

    close_parts(s);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        close_if_open(lists[i]);
    for (size_t i = 0; i < TEXT_TYPES_KEPT; i++) {
        close_if_open(&s->text_types[false][i]);
        close_if_open(&s->text_types[true][i]);
    }
    for (size_t i = 0; i < n_kept; i++)
        forget_type(&s->types[i]);
    s->n_types = 0;
}

/* Whatever went unnoticed before: HDF5 refuses to open a file that is shorter than it says. */
static bool opens_again(const char *path)
{
    hid_t h5 = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);

    return h5 >= 0 && H5Fclose(h5) >= 0;
}

/* The flush is apart because it says more about what failed than the close would. */
static int close_file(struct store *s, char error[STORE_ERROR])
{
    hid_t h5 = s->h5;

    close_ids(s);
    assert(H5Fget_obj_count(h5, H5F_OBJ_ALL) == 1 && "nothing in the file is open");
    if (H5Fflush(h5, H5F_SCOPE_LOCAL) < 0)
        return hdf5_failed(s, "write", "/", error);
    s->h5 = -1;
    if (H5Fclose(h5) < 0 || !opens_again(s->file.temporary))
        return hdf5_failed(s, "write", "/", error);
    return 0;
}

int store_settle(struct store *s, char error[STORE_ERROR])
{
    assert(s->way == WAY_NONE && "store_end() comes first");
    if (close_file(s, error) != 0)
        return -1;
    return output_file_settle(&s->file) == 0 ? 0 : write_failed(s, error);
}

int store_hand_over(struct store *s, char error[STORE_ERROR])
{
    if (s->h5 >= 0)
        return close_file(s, error);
    return opens_again(s->file.temporary) ? 0 : hdf5_failed(s, "read", "/", error);
}

int store_commit(struct store *s, uint64_t *file_bytes, char error[STORE_ERROR])
{
    struct stat status;
    int result = 0;

    assert(s->way == WAY_NONE && "store_end() comes first");
    result = store_hand_over(s, error);
    *file_bytes = fstat(s->file.fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    if (result == 0)
        result = output_file_commit(&s->file, error);
    store_discard(s);
    return result;
}

/* The temporary goes first: what HDF5 still writes as it closes then has no name. */
void store_discard(struct store *s)
{
    if (s == NULL)
        return;
    output_file_discard(&s->file);
    output_file_discard(&s->scratch);
    close_ids(s);
    if (s->h5 >= 0)
        (void)H5Fclose(s->h5);
    free(s->carry);
    free(s->packed);
    free(s->packed_parts);
    packer_close(s->packer);
    free(s);
}

const char *store_temporary(const struct store *s)
{
    return s == NULL ? NULL : s->file.temporary;
}

uint64_t store_bytes(const struct store *s)
{
    return s->n_bytes;
}
