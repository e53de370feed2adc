/*
 * report.h - failures in words, and the closing account, for people and for scripts.
 *
 * MB and GB are 10^6 and 10^9 bytes. Paths come out as message_printable() makes them.
 */
#ifndef SHMLOAD_REPORT_H
#define SHMLOAD_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "schema.h"

/* What became of one input. Strings and schema are the caller's; inputs may share them. */
struct account {
    const char *path;
    const char *dataset;
    uint64_t text_bytes;     /* of text read, after decompression */
    uint64_t file_bytes;     /* read from the file */
    uint64_t n_lines;        /* without the footer's */
    uint64_t lines_before;   /* of these, skipped ones and the header's */
    uint64_t n_rows;         /* stored */
    uint64_t n_rejected;     /* records; of so many lines: */
    uint64_t rejected_lines;
    uint64_t n_missing;
    uint64_t n_overflow;     /* floats beyond range, stored as inf */
    uint64_t row_bytes;
    const struct schema *schema;
    const char *delimiter;   /* in words: "blanks", "comma", "tab", ... */
    const char *codec;       /* "plain", "gzip", ... */
    bool header;             /* names came from the text */
    bool parsed_twice;       /* the first guess of types did not hold */
};

struct run_account {
    size_t n_inputs;
    const struct account *inputs;
    const char *output;      /* NULL for --dry-run */
    uint64_t output_bytes;   /* of the finished file */
    double seconds;
    bool stored;             /* false: dry run */
    const char *kernel;
    unsigned jobs;
    bool verified;           /* all rows were read back */
};

/*
 * What went wrong, with the cure where there is one: "field 'pos' (i4): 'abc' is not an integer". One printable line.
 * schema   may be NULL; failure->field then has no name and type
 * Range    at most text_bytes with the terminator, > 0; "..." where cut
 * Counts   for FAILURE_TOO_FEW and FAILURE_TOO_MANY failure->text_total is the number of fields found (0: not told)
 * Cure     for FAILURE_LINE_LONG failure->text may hold what helps beside --memory, as ", or --jobs 1"
 * Codec    for FAILURE_TRUNCATED, FAILURE_CORRUPT and FAILURE_BEHIND failure->text may hold the codec's name
 */
void report_sentence(char *text, size_t text_bytes, const struct schema *schema, const struct failure *failure);

/*
 * The same behind its place, through message_place: "path:line:column: field 'pos' (i4): 'abc' is not an integer".
 * Without a line number the place is the path alone.
 */
void report_failure(const char *path, const struct schema *schema, const struct failure *failure);

/* With -v, the same of a value that did not fit its guessed type, and what becomes of it. */
void report_misfit(const char *path, const struct schema *schema, const struct failure *failure);

/* "path: 13 more bad lines"; nothing when n_more is 0. */
void report_more_failures(const char *path, uint64_t n_more);

/*
 * The closing account on standard error: a line per input with -v, otherwise for the first ten inputs with something
 * to tell (empty, rejected, overflow, parsed twice), then the totals with MB/s.
 */
void report_account(const struct run_account *run, bool verbose);

/*
 * The same as one JSON object on standard output: version, output (null for a dry run), output_bytes, seconds, kernel,
 * jobs, verified, inputs (one on each line), totals. Names are UTF-8 as they are, otherwise as message_printable()
 * makes them.
 * Errors  0 or -1 with errno (no memory, output closed)
 */
int report_json(const struct run_account *run) MUST_USE;

/*
 * --dry-run on standard output: for each schema a line with nothing but the dtype, then a line per input with rows,
 * bytes of records and delimiter; at the end the totals; all of them comments. So with one schema it is what --dtype
 * takes, the first line or, as a file, all of it.
 * Errors  0 or -1 with errno (no memory, output full); a reader who has seen enough, as head(1), is no error
 */
int report_dry_run(const struct run_account *run) MUST_USE;

#endif
