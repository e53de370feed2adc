/*
 * presets.h - formats that people meet daily, by name: columns with names, types and missing codes, and how they stand.
 *
 * A preset says what the options of a run would say. options.c fills from it what was not given: every option that is
 * given stands instead of its part. Only the types are looked up here later, by the number of the column, so that
 * --names and --usecols do not disturb them.
 */
#ifndef SHMLOAD_PRESETS_H
#define SHMLOAD_PRESETS_H

#include <stddef.h>
#include <stdint.h>

struct preset_column {
    const char *name;
    const char *type;       /* as in --dtype name=type: all that the format allows fits */
    const char *missing;    /* codes between commas, as in --na name=...; NULL: none but the defaults */
};

struct preset {
    const char *name;       /* as typed behind --preset */
    const char *title;      /* one line: what it is */
    int delimiter;          /* as in struct dialect; DELIMITER_AUTO: tabs or blanks, as each file has it */
    size_t n_columns;
    const struct preset_column *columns;
    const uint32_t *widths; /* n_columns of them for DELIMITER_WIDTHS, else NULL */
    const char *heading;    /* words between commas: lines that begin with one, above the records, are left out; NULL */
};

/* NULL: there is none of that name. */
const struct preset *preset_find(const char *name);

/* The one at that place, in the order for a list; NULL behind the last. */
const struct preset *preset_at(size_t place);

#endif
