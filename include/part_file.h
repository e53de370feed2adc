/*
 * part_file.h - reads a file that a run with --part has made: which part it is, its inputs, and their rows.
 *
 * 1. part_file_open() reads what stands in PART_GROUP; one file at a time is enough, whatever the number of parts
 * 2. part_rows_open() for a dataset, or a group of columns; part_rows_read() or part_rows_chunk(); part_rows_close()
 * 3. part_file_close()
 *
 * Every function that fails leaves a sentence that begins with the file's path.
 */
#ifndef SHMLOAD_PART_FILE_H
#define SHMLOAD_PART_FILE_H

#include "options.h"
#include "part.h"
#include "schema.h"
#include "store.h"

struct part_input {
    char *dataset;
    uint64_t schema;
    uint64_t most_rows;      /* for datasets_are_small() */
};

struct part_file {
    const char *path;        /* not owned */
    struct options options;  /* of the run, as far as the join wants them: part, n_parts, max_errors, and the packing */
    char version[32];
    char all_inputs[PART_DIGEST_BYTES], all_options[PART_DIGEST_BYTES];
    enum table_shape shape;
    bool concat;
    uint64_t source_bytes;   /* with concat: of the sources in the index */
    uint64_t n_rows, n_rejected;
    size_t n_inputs, n_schemas;
    struct part_input *inputs;
    char **dtypes;           /* one for each schema */
    struct part_handle *handle;
};

/* Errors 0, or -1 with a sentence and nothing to release: no HDF5 file, or none that --part made */
int part_file_open(struct part_file *f, const char *path, char error[STORE_ERROR]) MUST_USE;

/* All zeros is fine. */
void part_file_close(struct part_file *f);

/* Attributes as the store takes them. Names and texts are owned. */
struct part_attributes {
    size_t n;
    struct store_attribute *list;
};

/* Those of the root, in the order in which they were made. */
int part_file_attributes(const struct part_file *f, struct part_attributes *a, char error[STORE_ERROR]) MUST_USE;
void part_attributes_release(struct part_attributes *a);

/*
 * What the store writes beside its types, from a dataset of that schema: names of a matrix's columns into the schema,
 * and units.
 * Shape   units: one for each field or NULL; owned by the caller
 */
int part_file_names(const struct part_file *f, const char *path, struct schema *schema, char **units,
                    char error[STORE_ERROR]) MUST_USE;

struct part_rows {
    const struct part_file *file;
    const char *path;
    const struct schema *schema; /* as whose rows they are read */
    uint64_t n_rows;
    size_t chunk_rows;       /* 0: contiguous */
    struct part_attributes attributes; /* of the table, in the order of the store */
    size_t n;
    struct part_column *columns; /* the datasets; one, but with columns */
    unsigned char *column;   /* scratch for part_rows_read() */
    size_t column_bytes;
};

/*
 * Open the table of that path. Its types may be narrower than those of 'schema', with the same names.
 * Owner   r is the caller's, until part_rows_close(), also after an error; path and schema outlive it
 */
int part_rows_open(struct part_rows *r, const struct part_file *f, const char *path, const struct schema *schema,
                   char error[STORE_ERROR]) MUST_USE;

/* Shape   rows: n_rows x schema->row_bytes; all of them are there */
int part_rows_read(struct part_rows *r, uint64_t first_row, size_t n_rows, void *rows,
                   char error[STORE_ERROR]) MUST_USE;

/*
 * The chunk with that first row as it stands in the file, for store_packed().
 * Shape   packed: 'room' bytes for all columns' chunks, one behind another; chunks: one for each
 */
int part_rows_chunk(struct part_rows *r, uint64_t first_row, void *packed, size_t room, struct packed_chunk *chunks,
                    char error[STORE_ERROR]) MUST_USE;

/* All zeros is fine. */
void part_rows_close(struct part_rows *r);

#endif
