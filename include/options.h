/*
 * options.h - the command line as words and numbers; checks options against each other, opens no input.
 *
 * One table in options.c names every option once: parsing, --help and the test against the man page read it.
 *
 * 1. options_parse() from main's argc and argv
 * 2. read by everyone, changed by no one
 * 3. options_release()
 */
#ifndef SHMLOAD_OPTIONS_H
#define SHMLOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialect.h"
#include "pack.h"
#include "presets.h"

#define SHMLOAD_VERSION "0.1.0"

/* The missing token where no --na is given; shown by --help. */
#define OPTIONS_NA_DEFAULT "NA"

enum {
    OPTIONS_JOBS_MOST = 4096,
    OPTIONS_SIZE_LEAST = 1 << 20, /* of --slice, in bytes */
    OPTIONS_MEMORY_LEAST = 24 << 20, /* of --memory */
    OPTIONS_PARTS_MOST = 1000000,
    OPTIONS_ATTRIBUTE_MOST = 60000, /* bytes of key and value: HDF5 keeps 64 KiB */
};

enum header_mode { HEADER_AUTO, HEADER_YES, HEADER_NO };
enum layout_mode { LAYOUT_AUTO, LAYOUT_CONTIGUOUS, LAYOUT_CHUNKED };
enum shuffle_mode { SHUFFLE_AUTO, SHUFFLE_YES, SHUFFLE_NO };
enum name_mode { NAME_FROM_BASE, NAME_FROM_PATH };

/* 'text' applied to one column ('column' is its name) or to all (column NULL). */
struct column_setting {
    const char *column;
    const char *text;
    bool optional;               /* a preset's: there need not be such a column */
};

struct options {
    /* inputs */
    size_t n_arguments;
    const char **arguments;      /* FILE or NAME=PATH */
    const char *files_from;      /* NULL, a path, or "-" */
    bool null_separated;

    /* records */
    const struct preset *preset; /* or NULL; what it says of names, missing codes, delimiter and widths stands below,
                                  * its types count without a full dtype */
    const char *dtype;           /* full dtype text (of @FILE: its contents), or NULL */
    const char *dtype_override;  /* name=type between commas or line ends, or NULL: changes the full one, or what is
                                  * found */
    int delimiter;               /* as in struct dialect: DELIMITER_AUTO by default, DELIMITER_WIDTHS with widths */
    bool comments_given;         /* the marks below, even none, replace the default rule for '#' */
    size_t n_comments;
    struct comment_mark comments[MAX_COMMENT_MARKS];
    enum header_mode header;
    uint64_t skip_lines;
    uint64_t skip_footer;
    const char *names;           /* comma separated, no element empty, or NULL */
    const char *usecols;         /* comma separated numbers and names, no element empty, or NULL */
    size_t n_widths;
    uint32_t *widths;            /* bytes, each > 0 */
    size_t n_na, n_fill;
    struct column_setting *na;   /* each a comma separated list of tokens, in the order given */
    struct column_setting *fill; /* each one value */

    /* bad lines: neither limit but max_errors_given false, or the one that was given */
    uint64_t max_errors;         /* lines of the whole run that may be set aside */
    double max_errors_percent;   /* or a share of the lines read, in percent 0..100; < 0 when not given */
    const char *rejects;         /* path or NULL; only with max_errors_given */
    bool max_errors_given;

    /* output */
    bool force;
    bool append;                 /* to 'output', if it exists */
    bool verify;                 /* read everything back before the output gets its name */
    const char *output;          /* NULL only for a dry run */
    const char *group;           /* 'a' or 'a/b', without slashes at its ends, or NULL */
    bool columns;                /* a dataset for each column */
    bool matrix;                 /* a dataset of rows x columns of one type, which 'dtype' is where it is given */
    enum layout_mode layout;
    enum pack_codec codec;       /* --compress */
    int level;
    enum shuffle_mode shuffle;
    bool checksum;
    uint64_t chunk_rows;         /* rows in a chunk, or */
    uint64_t chunk_bytes;        /* bytes of rows in a chunk; both 0: about 1 MiB, as columns 4 MiB */
    enum name_mode name_from;
    const char *concat;          /* dataset name, groups allowed, as 'group'; or NULL */
    const char *source_column;   /* with concat: name of the field that has the input's number; or NULL */
    size_t n_attributes, n_units;
    struct column_setting *attributes; /* of the root: 'column' is the key, no two the same; values as typed */
    struct column_setting *units;      /* 'column' is never NULL */

    /* a run in parts */
    uint64_t part, n_parts;      /* --part: the part from 1, of so many; both 0: all inputs */
    uint64_t digest;             /* of the options that say what to store: equal in all parts of a run */
    bool join;                   /* the arguments are parts, to be made one file */
    bool copy;                   /* with join: of their rows, not of links to them */

    /* machine */
    uint64_t memory_bytes;       /* 0: what the machine leaves */
    uint64_t slice_bytes;        /* 0: default */
    unsigned jobs;               /* 0: what the machine allows */

    /* talk */
    bool dry_run, quiet, verbose, json;

    /* strings made here, for options_release() only */
    size_t n_owned;
    char **owned;
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/*
 * Parse argv (getopt_long, which may put its elements in another order). --help and --version are printed here
 * (OPTIONS_DONE); what is wrong is said in one line on standard error with the cure and a pointer to --help
 * (OPTIONS_WRONG: exit status 2). Of an option given twice the last counts, but --comment, --na, --fill and
 * --dtype name=type add up.
 * Owner   strings point into argv or are the options' own; options_release(), whatever the result
 */
enum options_result options_parse(struct options *o, int argc, char **argv);
void options_release(struct options *o);

/*
 * True for a path below the root of an HDF5 file: parts between single slashes, none empty, '.' or '..'.
 * Range   text_bytes any; the empty text is none
 */
bool options_is_dataset_path(const char *text, size_t text_bytes);

#endif
