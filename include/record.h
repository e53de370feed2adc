/*
 * record.h - one line of text to one record, in any dialect: the plain and exact way.
 *
 * The kernels are fast on ordinary lines; every line that is not ordinary (comments, quotes, odd counts, hard
 * numbers, errors) is done here, so this file defines what a record is.
 *
 * 1. record_open() with schema and dialect
 * 2. record_split() for the fields only (inference, surveys), or record_parse() for a row
 * 3. record_close()
 */
#ifndef SHMLOAD_RECORD_H
#define SHMLOAD_RECORD_H

#include "convert.h"
#include "dialect.h"
#include "failure.h"
#include "rounded.h"
#include "schema.h"

struct record_field {
    const char *text;      /* into the line, or into the splitter's own buffer where quotes were undone */
    size_t bytes;
    size_t full_bytes;     /* the same, with a comment that was cut off behind a number (delimited text) */
    size_t at;             /* where the field begins, from the start of the record */
    bool quoted;
};

struct record; /* scratch for one schema and dialect */

enum record_status {
    RECORD_ROW,      /* one record */
    RECORD_NOTHING,  /* a blank or comment line */
    RECORD_BAD,      /* an error, described in the failure; skip the extent and go on if that is wished */
    RECORD_MORE,     /* the text ends inside the record and is not the last of the input */
};

/* How far one call got, from the start of the record. */
struct record_extent {
    size_t bytes;    /* of text, with its line end */
    uint32_t n_lines; /* physical lines passed */
};

/* schema may be NULL when only record_split() is used; both must outlive it. Errors NULL on no memory. */
struct record *record_open(const struct schema *schema, const struct dialect *dialect);
void record_close(struct record *r);

/*
 * Split the record at 'text'.
 * Shape   *fields: n_fields fields, valid until the next call
 * last    the text ends where the input ends; an unfinished last line counts as a line
 * expect  columns after which a default '#' comment may follow; UINT32_MAX when not known
 */
enum record_status record_split(struct record *r, const char *text, size_t text_bytes, bool last, uint32_t expect,
                                struct record_field **fields, size_t *n_fields, struct record_extent *extent,
                                struct failure *failure);

/*
 * Split and convert. row gets schema->row_bytes bytes when the result is RECORD_ROW; undefined otherwise.
 * longest   NULL, or one length per cell, raised to the longest text seen in it (bytes, quotes taken off)
 * failure   on RECORD_BAD: filled, with line_no counted from the record's first line as 0; byte_offset is the caller's
 *           FAILURE_TOO_FEW, FAILURE_TOO_MANY: column_no is the first field missing or too many, text_total how many
 *           there are
 */
enum record_status record_parse(struct record *r, const char *text, size_t text_bytes, bool last, unsigned char *row,
                                uint32_t *longest, struct convert_tally *tally, struct record_extent *extent,
                                struct failure *failure);

/*
 * Into the list, what guessed floats do not hold of the row that record_parse() has just made of this text.
 * line_no  of the record's first line
 */
void record_note_rounded(const struct record *r, const char *text, uint64_t line_no, struct rounded_list *list);

#endif
