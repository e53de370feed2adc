/*
 * excerpt.h - the records of a stretch of text, one after the other, as fields.
 *
 * 1. excerpt_record() for the dialect
 * 2. walk_begin(), then walk_next() until it gives RECORD_MORE
 * 3. excerpt_forget() at the very end
 */
#ifndef SHMLOAD_EXCERPT_H
#define SHMLOAD_EXCERPT_H

#include "record.h"

/* Begins where a line begins. */
struct excerpt {
    const char *text;
    size_t bytes;
    bool last;             /* the text ends where the input ends */
};

struct walk {
    struct record *record;
    const struct dialect *dialect;
    const char *at, *end;  /* what is left to read */
    const char *ordinary_end; /* behind the last line feed, where ordinary lines may be split quickly; else NULL */
    bool last;
    uint32_t expect;       /* as in record_split() */

    /* what the last step found */
    const char *start;
    struct record_extent extent;
    struct record_field *fields;
    size_t n_fields;
    uint64_t lines;        /* physical lines from the excerpt's start to 'at' */
    struct failure failure; /* of RECORD_BAD; line_no counted from the excerpt's first line as 1 */
};

/*
 * A splitter for that dialect, without a schema. A few are kept, so that many inputs of one kind share one.
 * Owner   this module; good until eight other dialects were asked for behind it, or excerpt_forget()
 * Errors  NULL on no memory
 */
struct record *excerpt_record(const struct dialect *dialect);

/* record: from excerpt_record(). What a step finds is good until the next step of any walk. */
void walk_begin(struct walk *w, struct record *record, const struct excerpt *e, uint32_t expect);

/* The next record, blank line or comment; RECORD_MORE: that was all. */
enum record_status walk_next(struct walk *w);

/* The excerpt without its last n_lines physical lines. */
void excerpt_cut_footer(struct excerpt *e, uint64_t n_lines);

/* The fields as terminated words without blanks around them, in one block that free() frees. NULL on no memory. */
char **excerpt_words(const struct record_field *fields, size_t n_fields);

void excerpt_forget(void);

#endif
