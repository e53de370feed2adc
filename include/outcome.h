/*
 * outcome.h - what one worker tells its parent: one struct of fixed size at the head of its region, no pointers.
 *
 * The worker writes it, the parent reads it; a byte over their channel says when. Behind it stand, in this order, one
 * survey for each text column, one length for each cell, one entry for each part of each packed chunk, the rows, and at
 * the far end, growing downwards, the lines that were set aside.
 *
 * Where rows are to be packed, the whole chunks among them stand packed in the places of their rows; the rows before
 * the first and behind the last whole chunk are rows still.
 */
#ifndef SHMLOAD_OUTCOME_H
#define SHMLOAD_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convert.h"
#include "failure.h"
#include "pack.h"
#include "rounded.h"
#include "schema.h"
#include "seal.h"
#include "survey.h"

enum { OUTCOME_FAILURES = 10, OUTCOME_SEALS = 32 };

enum outcome_state {
    OUTCOME_STARTED = 1, /* still so after the worker's end: it was lost */
    OUTCOME_DONE,        /* the slice was read to its end; see also 'fatal' */
};

struct outcome {
    uint32_t state;             /* enum outcome_state */
    uint32_t n_failures;        /* of 'failures' */
    struct failure fatal;       /* what ended the slice early: a read error, no memory */

    uint64_t n_bad;             /* bad records seen */
    uint64_t bad_lines;         /* physical lines of these */
    uint64_t n_rejected;        /* of these, set aside in the region */
    uint64_t n_rows;            /* rows made in all */
    uint64_t n_lines;           /* physical lines from text_from to text_to */
    uint64_t text_from;         /* byte of text where the first record could begin */
    uint64_t text_to;           /* byte behind the last record */
    uint64_t file_bytes;        /* where the next byte of the file will be taken */
    struct convert_tally tally;
    bool misfit;                /* a guessed type did not hold: the rows are void, the surveys count */
    struct failure misfit_at;   /* the first one; line_no as in 'failures' */
    bool unterminated;          /* the last line had no line end */

    bool is_head;               /* told by the parent: rows are taken out as they come */
    bool counted;               /* the slice is read: n_rows, text_from and text_to are what they will be */
    uint64_t first_row;         /* told by the parent: the dataset's row that the region's first row will be */

    size_t rows_ready;          /* rows that stand in the region now, from its start */
    size_t rows_lead;           /* of these, before the first whole chunk */
    size_t n_chunks;            /* whole chunks among them */
    size_t rejects_bytes;       /* at the region's end */

    struct rounded_list rounded; /* line_no as in 'failures' */

    struct failure failures[OUTCOME_FAILURES]; /* the first bad records; the slice's first line is line_no 1 */

    size_t n_seals;             /* where they are wanted: of all rows in the region, as they were before any packing. */
    struct seal seals[OUTCOME_SEALS]; /* To be read while none are added: at the worker's end, or while it waits */
};

/* A line that was set aside, as it stands in the region; its text follows. */
struct reject {
    uint64_t line_no;           /* from the slice's first line as 1 */
    uint64_t byte_offset;
    struct failure failure;
    uint32_t text_bytes;
    uint32_t entry_bytes;       /* with this header and padding: where the next one begins */
};

/* Where things stand in a region of region_bytes for that schema. */
struct outcome_layout {
    size_t surveys, longest, chunks, rows; /* byte offsets */
    size_t rows_bytes;                     /* room for rows and rejects */
};

enum { OUTCOME_ROWS = 2 }; /* that a region has room for, at least */

/* How large a region is to be at least, packed or not. */
uint64_t outcome_least_bytes(const struct schema *schema);

/* packing: NULL where nothing is packed. */
struct outcome_layout outcome_layout(const struct schema *schema, size_t region_bytes, const struct packing *packing);

#endif
