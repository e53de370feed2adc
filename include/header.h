/*
 * header.h - the line that names the columns: where it may stand, and whether it does.
 *
 * 1. header_scan() looks at what stands above the data: comment lines, and the first record
 * 2. header_judge() decides, once it is known which columns are numbers below
 * 3. headlines_release()
 *
 * The rules, of --header auto: the first record, when none of its fields is a number and some column is numeric below
 * whose field in it is no missing token; else a comment line right above the first record that has as many words as
 * records have fields, not all of them numbers. Of --header yes: the same; else the first line that is not blank; a
 * comment line that does not fit there makes way for a first record without numbers.
 */
#ifndef SHMLOAD_HEADER_H
#define SHMLOAD_HEADER_H

#include "excerpt.h"
#include "options.h"

/* Words of one line. */
struct headline {
    size_t n;
    char **words;          /* NULL: no such line; one block */
    bool all_numbers;
    bool some_number;
};

/* What stands above the data. */
struct headlines {
    struct headline record;  /* the first record */
    struct headline comment; /* a comment line right above it, without its mark */
    bool commented;          /* the first line that is not blank is a comment */
};

enum header_place { HEADER_NONE, HEADER_RECORD, HEADER_COMMENT, HEADER_WRONG };

/*
 * Walk to the first record, which is the walk's current one afterwards, and take the words above it.
 * keep_record   false: the record's words are only wanted where none of them is a number
 * Owner         the caller, until headlines_release(), or by taking one of the words (and setting them NULL)
 * Errors        0, or -1 on no memory
 */
int header_scan(struct headlines *h, struct walk *w, const struct dialect *dialect, bool keep_record) MUST_USE;

/*
 * numeric   for each of n_columns: the column is numeric below; NULL: none is
 * missing   tokens that are no names
 * Errors    HEADER_WRONG with a sentence: --header yes, and no line fits
 */
enum header_place header_judge(const struct headlines *h, enum header_mode mode, uint32_t n_columns,
                               const bool *numeric, const struct missing *missing, char error[SCHEMA_ERROR]);

void headlines_release(struct headlines *h);

/* True when the next record of the walk has a number in one of those columns (w->expect of them). */
bool header_numbers_below(struct walk w, const bool *numeric);

#endif
