/*
 * store.h - the HDF5 file: compound types from schemas, datasets, the placing of rows, attributes.
 *
 * Rows arrive in order, dataset after dataset; none is copied on its way to the file but where a chunk spans two calls,
 * or into columns, and the bytes of the file depend on what is stored only: never on how the rows were cut into calls.
 *
 * The signal SIGXFSZ must be ignored, or a file size limit kills the program where it should get a sentence.
 *
 * 1. store_create() a temporary beside the output
 * 2. for each dataset: store_begin(), store_rows() as often as it takes, store_end()
 * 3. store_settle() for who wants to read the file back before it gets its name
 * 4. store_commit(): check, sync, rename over the output name, sync the directory; or store_discard()
 */
#ifndef SHMLOAD_STORE_H
#define SHMLOAD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "output_file.h"
#include "pack.h"
#include "schema.h"

enum store_layout { STORE_CONTIGUOUS, STORE_CHUNKED };

enum {
    STORE_ERROR = 512,
    STORE_OPEN_BYTES = 24 << 10, /* of memory for a dataset while it is written: 15 to 23 KiB with HDF5 1.10 */
};

struct store;

enum attribute_type { ATTRIBUTE_TEXT, ATTRIBUTE_COUNT, ATTRIBUTE_INTEGER, ATTRIBUTE_NUMBER };

struct store_attribute {
    const char *name;
    enum attribute_type type;
    const char *text;    /* ATTRIBUTE_TEXT; any bytes up to NUL, at most 64 KiB; UTF-8 or not as it came */
    uint64_t count;      /* ATTRIBUTE_COUNT: an unsigned 64-bit scalar */
    int64_t integer;     /* ATTRIBUTE_INTEGER: a signed 64-bit scalar */
    double number;       /* ATTRIBUTE_NUMBER: a 64-bit float scalar */
};

struct store_dataset {
    const char *path;              /* "group/name"; groups are made on the way. As columns: of their group */
    const struct schema *schema;
    enum store_layout layout;
    size_t chunk_rows;             /* STORE_CHUNKED: rows per chunk, > 0 */
    const struct packing *packing; /* STORE_CHUNKED: the filters; NULL: none */
    bool grows;                    /* STORE_CHUNKED: it is there, and what it has of rows stays; packing as it is */
    bool pieces;                   /* rows may come in several calls, their number known only at the end */
    bool reserved;                 /* rows will be written by others: store_reserve() takes the place of store_rows() */
    size_t n_attributes;           /* those known beforehand: at store_end() the same names and text lengths again */
    const struct store_attribute *attributes;
};

/*
 * Name and make the temporary: "<dir>/.<base>.shmload-<pid>.tmp" beside 'output', exclusive; temporaries of dead
 * runs for the same output are removed first.
 * force     false: an existing output is an error
 * together  datasets that are open at a time, as a hint: the fields of a table whose columns are stored apart, else 1
 * Errors    0, or -1 with one sentence in error
 */
int store_create(struct store **store, const char *output, bool force, size_t together,
                 char error[STORE_ERROR]) MUST_USE;

/*
 * Open a copy of an existing file as the temporary, to add to it; see output_file_open_copy(). Attributes that are
 * there already are replaced. Errors as store_create()
 */
int store_append(struct store **store, const char *output, const struct output_stamp *stamp, size_t together,
                 char error[STORE_ERROR]) MUST_USE;

/* Take a dataset away, to make it anew. Errors 0, or -1 with a sentence */
int store_remove(struct store *s, const char *path, char error[STORE_ERROR]) MUST_USE;

/* What can be told of the output before any work: see output_file_check(). Errors 0, or -1 with a sentence. */
int store_check_output(const char *output, bool force, char error[STORE_ERROR]) MUST_USE;

/*
 * Check, before any work, that the schema can be a compound type in this file.
 * Errors    0, or -1 with a sentence that names the cures (--matrix, --usecols, array members)
 */
int store_check_schema(const struct schema *schema, char error[STORE_ERROR]) MUST_USE;

/*
 * Start a dataset. Of 'dataset' only the path is used after the call, and must live to store_end().
 * A dataset in pieces costs about 0.4 ms more than a whole one, and its rows end up where a page of the file starts.
 * Errors  0, or -1 with a sentence; the store must then be discarded
 */
int store_begin(struct store *s, const struct store_dataset *dataset, char error[STORE_ERROR]) MUST_USE;

/*
 * Append rows. A contiguous dataset that is not in pieces takes one call at most; without any it is empty.
 * Shape   n_rows x schema->row_bytes, packed
 * Errors  0, or -1 with a sentence (disk full, file too large); the store must then be discarded
 */
int store_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR]) MUST_USE;

/*
 * Make room for all rows of a dataset that was begun as 'reserved', once, in the place that they would have had.
 * Chunks without filters get their places too; packed ones are put where they fit as they come.
 */
int store_reserve(struct store *s, uint64_t n_rows, char error[STORE_ERROR]) MUST_USE;

/*
 * Append one chunk that a packer has packed, by the dataset's packing; the rows so far must be a whole number of
 * chunks.
 * n_rows  of the chunk: all that it has room for, but for the dataset's last chunk
 * Shape   chunks: packer_parts() of them; packed: their bytes, one behind another
 * Errors  as store_rows()
 */
int store_packed(struct store *s, const void *packed, const struct packed_chunk *chunks, size_t n_rows,
                 char error[STORE_ERROR]) MUST_USE;

/* The dataset with all rows so far appears under its path. attributes: as in store_begin, with their final values. */
int store_end(struct store *s, const struct store_attribute *attributes, size_t n_attributes,
              char error[STORE_ERROR]) MUST_USE;

/*
 * What stands under the path in another HDF5 file appears under the same path in this one: an external link.
 * file    its path, best relative to the folder of the output, so that both can be moved together
 * Errors  0, or -1 with a sentence
 */
int store_link(struct store *s, const char *path, const char *file, char error[STORE_ERROR]) MUST_USE;

/* Rows that the dataset of the same path in another file has; 'file' as in store_link(). */
struct store_source {
    const char *file;
    uint64_t n_rows;
};

/*
 * A virtual dataset (or one for each column): the rows of the sources, one source behind another. HDF5 reads it from
 * 1.10 on; where a source is missing, it reads zeros. Of 'd' path, schema and attributes count.
 * Errors  0, or -1 with a sentence; the store must then be discarded
 */
int store_virtual(struct store *s, const struct store_dataset *d, const struct store_source *sources, size_t n,
                  char error[STORE_ERROR]) MUST_USE;

/* An attribute of the root group: of the file. Errors 0, or -1 with a sentence */
int store_root_attribute(struct store *s, const struct store_attribute *attribute, char error[STORE_ERROR]) MUST_USE;

/*
 * Write all there is to the temporary and close it for HDF5, and have the system forget its pages as far as it can: see
 * output_file_settle(). Only store_temporary(), and store_commit() or store_discard(), may follow.
 * Errors  0, or -1 with a sentence; the store must then be discarded
 */
int store_settle(struct store *s, char error[STORE_ERROR]) MUST_USE;

/*
 * Close with every return value checked, sync, rename, sync the directory. Frees the store either way.
 * *file_bytes  size of the finished file
 */
int store_commit(struct store *s, uint64_t *file_bytes, char error[STORE_ERROR]) MUST_USE;

/*
 * Close the file, so that others can open store_temporary(); store_commit() or store_discard() follow.
 * Errors  0, or -1 with a sentence; the store must then be discarded
 */
int store_hand_over(struct store *s, char error[STORE_ERROR]) MUST_USE;

/* Forget all and remove the temporary. NULL is fine. */
void store_discard(struct store *s);

/* Path of the temporary, for a signal handler's unlink(2); NULL before store_create(). */
const char *store_temporary(const struct store *s);

/* Bytes of rows stored so far. */
uint64_t store_bytes(const struct store *s);

/* "1.10.8" */
void store_library_version(char *text, size_t text_bytes);

#endif
