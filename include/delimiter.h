/*
 * delimiter.h - which byte parts the fields, where the text is to decide, and how many fields a record has.
 */
#ifndef SHMLOAD_DELIMITER_H
#define SHMLOAD_DELIMITER_H

#include "excerpt.h"

/* What is known of the number of fields beforehand. */
struct delimiter_rule {
    uint32_t exactly;      /* fields of each record, 0: not known */
    uint32_t at_least;     /* with chosen columns: fields that a record needs, however many it has; else 0 */
    size_t max_records;    /* to look at, 0: all */
};

/* What the records say. */
struct delimiter_found {
    uint32_t n_columns;    /* fields of a record: the number they agree on, or the most frequent; 0: no records */
    bool agreed;           /* all have that number, but for one that may open a quote and never close it */
    int disputed;          /* where it is blanks: another delimiter by which all agree too, or nine of ten, and which
                            * parts them otherwise; where none holds for all: by which half agree or more, and fewer
                            * by blanks; where it is comma: semicolon, if commas may be decimal ones; else
                            * DELIMITER_BLANKS */
    uint32_t n_disputed;   /* fields by it, of all, or of most or half */
    size_t n_odd;          /* records that have another number by it */
    uint64_t odd_line;     /* where the first of these begins, from 1 */
    uint32_t odd_fields;   /* and its number; 0: it cannot be read */
    bool empty_quotes;     /* where it is blanks: some field is "", which by the disputed one is missing */
    bool decimal_commas;   /* where it is semicolon: all commas are between digits, and there are some */
    bool kept_commas;      /* for want of a better one it is blanks, on which all agree but for commas behind fields */
};

/* True when all commas are between digits, as in '1,5', and there are some; but '10:00,5' may be two fields. */
bool delimiter_commas_are_decimal(const struct excerpt *e);

/*
 * Settle dialect->delimiter if it is DELIMITER_AUTO: blanks, when all records of the excerpt have one number of
 * fields that way (two at least, or the number of the rule) and no field ends in a comma; else the first of tab,
 * comma, semicolon, '|' by which they have one number; else blanks.
 * A header line is a record here; comment lines are none. Behind the last field a default '#' comment may stand.
 * Errors  0, or -1 on no memory
 */
int delimiter_settle(struct dialect *dialect, const struct excerpt *e, const struct delimiter_rule *rule,
                     struct delimiter_found *found) MUST_USE;

#endif
