/*
 * misspelt.h - text that people read as a number and no type takes: what is odd about it, and what helps.
 */
#ifndef SHMLOAD_MISSPELT_H
#define SHMLOAD_MISSPELT_H

#include <stdbool.h>
#include <stddef.h>

/* Bits, so that those of a column add up. */
enum misspelt {
    MISSPELT_LIMIT = 1,    /* '<0.01', '>=5': beyond what was measured */
    MISSPELT_MINUS = 2,    /* its minus is U+2212 */
    MISSPELT_SPACE = 4,    /* U+00A0 is around it, or within */
    MISSPELT_GROUPS = 8,   /* '1,234.5': commas part its thousands; '1,234' may be meant otherwise */
    MISSPELT_THIN = 16,    /* U+2009 or U+202F is within */
    MISSPELT_FLAG = 32,    /* '10.5*': a mark behind it says something of it */
    MISSPELT_NOT = 64,     /* no number, as far as is known here */
};

/* text without blanks around it; of a number that types take MISSPELT_NOT as well. */
enum misspelt misspelt_find(const char *text, size_t text_bytes);

/*
 * What helps, in words that go on from 'the text is no number; '. Not for MISSPELT_NOT.
 * commas_part   commas part the fields too
 */
const char *misspelt_cure(enum misspelt how, bool commas_part);

#endif
