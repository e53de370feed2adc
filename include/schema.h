/*
 * schema.h - the record: ordered fields, their types and places, and the text columns that fill them.
 *
 * 1. schema_parse() from a dtype string in numpy's notation, or built field by field by infer
 * 2. schema_bind() ties fields to text columns and computes offsets and cells
 * 3. read by the kernels (cells), the store (fields) and the report; never changed after the fork
 * 4. schema_release()
 *
 * One schema serves row layout, conversion and HDF5 type, so the three cannot disagree.
 */
#ifndef SHMLOAD_SCHEMA_H
#define SHMLOAD_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

enum kind { KIND_INT = 'i', KIND_UINT = 'u', KIND_FLOAT = 'f', KIND_STRING = 'S', KIND_UNKNOWN = 0 };

enum { SCHEMA_DIMS = 4, SCHEMA_ERROR = 512 };

/* What becomes of the rows in the file. The rows themselves are the same packed bytes. */
enum table_shape {
    SHAPE_RECORDS, /* one dataset of a compound type */
    SHAPE_COLUMNS, /* one dataset for each field, in a group */
    SHAPE_MATRIX,  /* one dataset of rows x columns: the schema has one field with an element for each text column */
};

/*
 * What counts as missing in one field, and what is stored for it.
 * A token that reads as a number also matches by value in number columns.
 */
struct missing_token {
    const char *text;
    uint32_t bytes;
    bool is_number;
    double value;         /* when is_number */
};

struct missing {
    size_t n_tokens;
    const struct missing_token *tokens;
    bool empty;           /* an empty field is missing (the default of delimited files) */
    bool has_numbers;     /* some token is_number */
    bool has_fill;
    const char *fill_text; /* as typed, for the account and the attributes */
    unsigned char fill[8]; /* the value as it stands in the row, elem_bytes of it, when has_fill */
};

struct field {
    char *name;            /* as stored in HDF5; owned */
    char *source_name;     /* as the header had it when it had to be cleaned, else NULL; owned */
    enum kind kind;        /* KIND_UNKNOWN: to be inferred */
    bool big_endian;
    bool named;            /* name came from the dtype, --names or a header */
    bool constant;         /* one value for the whole input, in no text column: it has no cells */
    uint32_t least_bytes;  /* 'name=S8+' or 'name=S': a string of so many bytes or as long as its longest value,
                            * whatever the values are; 0: no such */
    uint32_t elem_bytes;   /* width of one element: 1 2 4 8, or n of Sn */
    uint32_t n_dims;       /* 0: a scalar field */
    uint32_t dims[SCHEMA_DIMS];
    uint32_t n_elems;      /* product of dims, 1 for a scalar */
    size_t offset;         /* in the row, bytes; set by schema_bind */
    const char *units;     /* what its numbers count, for the file; NULL: not told. Not owned */
    struct missing missing;
};

/*
 * One text column's way into the row. Sorted by column; several cells may share one column.
 */
struct cell {
    uint32_t column;       /* text column from 0, in a record of n_columns */
    int32_t from_end;      /* 0, or -k: the k-th from the end of each record, however many it has */
    uint32_t field;        /* index into fields */
    uint32_t offset;       /* in the row, bytes */
    uint32_t bytes;        /* width in the row: 1 2 4 8, or n of Sn */
    uint8_t kind;          /* enum kind */
    bool swap;             /* stored big-endian */
    bool guessed;          /* its type was inferred: only what is a number beyond doubt may be one */
    const struct missing *missing;
};

struct schema {
    size_t n_fields;
    struct field *fields;
    size_t row_bytes;
    size_t n_cells;
    struct cell *cells;
    uint32_t n_columns;    /* text columns a record is expected to have */
    bool exact;            /* a record with another number of columns is an error (false with --usecols) */
    enum table_shape shape;
    char *column_names;    /* SHAPE_MATRIX: a name for each column, line feeds between them, or NULL; owned */
};

/*
 * Fill 's' from numpy's notation: 'chr:S10,pos:i4,pct:f4' or without names 'S10,i4,f4'; '<' '>' '=' '|';
 * long names ('float64', 'int32'); '(k)f4' and '(j,k)f4' array members; also the Python list form
 * [('chr','S10'),('pos','<i4'),('v','f4',(3,))] that numpy prints.
 * Partial form 'pos=i8,pct=f4' is told by schema_is_override() and not taken here.
 * Owner   the caller, until schema_release()
 * Errors  0, or -1 with one sentence in error that names the offending word
 */
int schema_parse(struct schema *s, const char *text, char error[SCHEMA_ERROR]) MUST_USE;

/* True for 'name=type,...': types for some columns, the rest inferred. */
bool schema_is_override(const char *text);

/*
 * The fields of 'name=type,...', which are the types for the columns so named; types as in schema_parse(), and 'Sn+'
 * for strings of n bytes or more, or 'S' for 1 or more (least_bytes, with elem_bytes 0). Of two types for one name the
 * last one counts.
 * Owner and errors as schema_parse()
 */
int schema_parse_override(struct schema *s, const char *text, char error[SCHEMA_ERROR]) MUST_USE;

/* Parse one type word such as '<f4', '(3)i2', 'S10' into f (name untouched). Errors as schema_parse. */
int schema_parse_type(struct field *f, const char *word, size_t word_bytes, char error[SCHEMA_ERROR]) MUST_USE;

/* True when the word is 'S' or such as 'S8+': then kind and least_bytes are set, and the width is to be found. */
bool schema_parse_open_string(struct field *f, const char *word, size_t word_bytes);

/* Append a field of unknown type with that name (copied, not NULL). Errors 0 or -1 on no memory. */
int schema_add(struct schema *s, const char *name, size_t name_bytes) MUST_USE;

/* Append a constant field of unsigned integers of elem_bytes. Errors 0 or -1 on no memory. */
int schema_add_constant(struct schema *s, const char *name, uint32_t elem_bytes) MUST_USE;

/* The constant field, or NULL. */
const struct field *schema_constant(const struct schema *s);

/* Replace a field's name (copied). Errors 0 or -1 on no memory, the old name stands then. */
int schema_rename(struct field *f, const char *name, size_t name_bytes) MUST_USE;

/* The second of two fields with one name, or NULL when all differ. Errors -1 on no memory. */
int schema_repeated(const struct schema *s, const struct field **repeated) MUST_USE;

/*
 * Compute offsets, row_bytes and cells.
 * usecols    NULL: fields take text columns 0, 1, 2 ... in order, and 's->exact' becomes true;
 *            else one text column for each element (a field of k elements takes k of them), negative from the end:
 *            the cell has both, the column counted in a record of n_columns (0 when not known) and from_end
 * n_columns  text columns of the input when known from its text, 0 otherwise
 * Again      binding twice is fine: cells are made anew, types may have changed; fields may not be added between
 * Errors     0, or -1 with a sentence (count mismatch, column past the end, row too large for 32 bits)
 */
int schema_bind(struct schema *s, const int32_t *usecols, size_t n_usecols, uint32_t n_columns,
                char error[SCHEMA_ERROR]) MUST_USE;

/* Deep copy; fields' missing are shared pointers. Errors 0 or -1 on no memory. */
int schema_copy(struct schema *to, const struct schema *from) MUST_USE;

/*
 * The dtype as numpy's text, pastable into --dtype: 'chr:S10,pos:i4,pct:f4', without constant fields; of a matrix
 * its element's. Returned string:
 * the caller's, to free(); NULL on no memory. Names with ',' ':' quotes or blanks come out in the Python list form.
 */
char *schema_dtype(const struct schema *s);

/* The same with everything in it: also constant fields, and of a matrix all columns. */
char *schema_full_dtype(const struct schema *s);

/* True when both make the same row and the same of it: names, types, dims, order, shape. */
bool schema_equal(const struct schema *a, const struct schema *b);

/* Number of elements over all fields but constant ones: the text columns that schema_bind asks for. */
size_t schema_elements(const struct schema *s);

void schema_release(struct schema *s);

#endif
