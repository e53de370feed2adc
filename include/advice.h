/*
 * advice.h - what helps when the lines of a text do not agree: lines above or below the table, and their options.
 *
 * Advice changes nothing: it is a notice that names the option, before the parse says which lines are bad.
 */
#ifndef SHMLOAD_ADVICE_H
#define SHMLOAD_ADVICE_H

#include "excerpt.h"
#include "options.h"

/* What has been seen of an input whose records do not agree. */
struct advice_case {
    const char *path;
    const struct options *options;
    struct excerpt text;       /* from behind the skipped lines on, without footer */
    uint64_t lines_before;     /* physical lines before it */
    struct dialect dialect;    /* as it was settled, or with DELIMITER_AUTO where that is to be asked anew */
    uint32_t exactly;          /* fields of each record, 0: not known */
    bool whole;                /* the text goes on to the input's end */
};

/*
 * Say how many lines to leave out above and below, if the table between them is beyond doubt: most of the text, and all
 * of its records with one number of fields. Few inputs of a run are advised on.
 * Errors  0 or -1 on no memory; *given tells whether there was something to say
 */
int advice_give(const struct advice_case *c, bool *given) MUST_USE;

/* Begin to count anew, as for another run. */
void advice_forget(void);

#endif
