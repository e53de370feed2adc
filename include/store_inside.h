/*
 * store_inside.h - struct store, and what the files of the store share.
 *
 * Each knows only those below it:
 *
 *   store.c                              the file, and one dataset after another
 *   store_contiguous.c, store_chunks.c   the ways of rows into the file
 *   store_links.c                        what other files hold
 *   store_attributes.c, store_parts.c    attributes; the datasets of a table
 *   store_types.c                        types
 *   store_errors.c                       sentences
 */
#ifndef SHMLOAD_STORE_INSIDE_H
#define SHMLOAD_STORE_INSIDE_H

#include "hdf5_library.h"
#include "store.h"
#include "store_types.h"

enum {
    STORE_PAGE_BYTES = 4096,
    STORE_ALIGN_FROM_BYTES = STORE_PAGE_BYTES, /* smaller datasets would take more padding than rows */
    TYPES_KEPT = 16,                           /* thousands of datasets share few schemas */
    TEXT_TYPES_KEPT = 64,                      /* types of attribute texts up to this size are kept */
};

/* A schema and its types: the compound, the matrix's element, or one for each column. */
struct record_type {
    struct schema schema; /* a copy: a pointer may come back with other contents */
    size_t n_ids;
    hid_t *ids;
    bool v18;             /* too wide for the oldest format */
};

/* One dataset among those that a table becomes, and its share of the row. */
struct store_part {
    char *path;           /* owned */
    hid_t type;           /* the record_type's */
    int rank;
    hsize_t dims[1 + SCHEMA_DIMS]; /* the first is for the rows */
    size_t offset, bytes; /* in the row */
    hid_t dataset;        /* -1 until it exists */
    off_t place;          /* contiguous: of the first row */
};

/* How the rows of a table reach the file. */
struct store_way {
    int (*begin)(struct store *s, const struct store_dataset *d, char error[STORE_ERROR]); /* NULL: nothing to do */
    int (*rows)(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR]);
    int (*reserve)(struct store *s, uint64_t n_rows, char error[STORE_ERROR]); /* NULL: places come at the end */
    int (*end)(struct store *s, char error[STORE_ERROR]);                      /* every row has its place then */
    int (*closed)(struct store *s, char error[STORE_ERROR]);                   /* the datasets were; NULL: nothing */
};

extern const struct store_way store_way_whole, store_way_pieces, store_way_scratch, store_way_chunks;

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
    const struct store_way *way; /* NULL: none is */
    const char *path;
    size_t row_bytes;
    const struct record_type *type;
    size_t n_parts;
    struct store_part *parts;
    uint64_t n_rows;        /* so far */
    bool reserved;          /* others write the rows */
    off_t place;            /* pieces: of the first row */
    struct output_file scratch; /* of rows that will be columns */
    size_t chunk_rows;      /* chunks, as what follows */
    unsigned char *carry;   /* a chunk at a seam between calls; kept from dataset to dataset */
    size_t carry_bytes;     /* allocated */
    size_t carry_rows;      /* waiting in it */
    struct packer *packer;  /* NULL: chunks are stored as they are */
    unsigned char *packed;  /* room for one packed chunk of rows, or gathered */
    struct packed_chunk *packed_parts;
};

/* ---- store_errors.c -------------------------------------------------------------------------------------------- */

/* A failed system call on the output. Returns -1 */
int store_write_failed(const struct store *s, char error[STORE_ERROR]);

/* A failed HDF5 call. Returns -1 */
int store_hdf5_failed(const struct store *s, const char *doing, const char *subject, char error[STORE_ERROR]);

/* For what takes a while, as thousands of columns do. Errors 0, or -1 with a sentence after a signal */
int store_go_on(const struct store *s, char error[STORE_ERROR]) MUST_USE;

/* ---- store_types.c --------------------------------------------------------------------------------------------- */

/* The type of a schema, from the last few or made. Owner the store. Errors NULL with a sentence */
const struct record_type *store_find_type(struct store *s, const struct schema *schema, char error[STORE_ERROR]);
void store_forget_types(struct store *s);

/* A string of fixed size. Owner the caller. Errors -1, also for 0 bytes */
hid_t store_text_type(size_t bytes, H5T_str_t padding, H5T_cset_t charset);

/* ---- store_attributes.c ---------------------------------------------------------------------------------------- */

/* To a dataset, or the group of columns: what makes it a table, and those given. Errors 0, or -1 with a sentence */
int store_write_attributes(struct store *s, hid_t object, const struct store_attribute *attributes, size_t n,
                           char error[STORE_ERROR]) MUST_USE;

/* The same where it belongs in the table that is being written. */
int store_describe(struct store *s, const struct store_attribute *attributes, size_t n,
                   char error[STORE_ERROR]) MUST_USE;

/* ---- store_parts.c --------------------------------------------------------------------------------------------- */

/* The next table: its type, and its parts, of which none is in the file yet. Errors 0, or -1 with a sentence */
int store_begin_table(struct store *s, const struct store_dataset *d, char error[STORE_ERROR]) MUST_USE;

/* How datasets are to be made: without times, attributes in their header. Owner the caller. Errors -1 from HDF5 */
hid_t store_creation_list(void);

/*
 * The oldest format that HDF5 may use from here on. It writes all metadata when that changes, so not while rows stand
 * at a place of which it does not know yet: a wide record's keeps its format until they have their place.
 */
int store_set_format(struct store *s, H5F_libver_t low) MUST_USE;

/* Owner the caller, until it is the part's. Errors -1 with a sentence */
hid_t store_create_dataset(struct store *s, struct store_part *p, hsize_t n_rows, hsize_t max_rows, hid_t creation,
                           hid_t access, char error[STORE_ERROR]);

/* After the last row. Errors 0, or -1 with a sentence */
int store_close_datasets(struct store *s, char error[STORE_ERROR]) MUST_USE;

/* Whatever is open of them, without a look at what comes of it. */
void store_close_parts(struct store *s);
void store_close_id(hid_t *id);

#endif
