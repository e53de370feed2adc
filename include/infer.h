/*
 * infer.h - what can be known of an input before its parse: codec, delimiter, header, names, a guess of the types.
 *
 * 1. infer_input() for each input: reads samples (start, middle, end and between; of a stream its start) and fills
 *    a struct finding
 * 2. infer_schemas(): inputs that agree in column names and count share one schema
 * 3. after a parse in which a value did not fit, infer_schemas() again with the surveys joined in
 * 4. finding_release()
 */
#ifndef SHMLOAD_INFER_H
#define SHMLOAD_INFER_H

#include "dialect.h"
#include "inputs.h"
#include "missing.h"
#include "options.h"
#include "schema.h"
#include "stream.h"
#include "survey.h"

struct finding {
    enum codec codec;
    bool sliceable;          /* a plain regular file: may be cut into slices */
    struct dialect dialect;  /* delimiter settled */
    uint64_t text_start;     /* byte of text where the first record may begin: after BOM, skipped lines, header */
    uint64_t lines_before;   /* physical lines before text_start */
    uint32_t n_columns;      /* fields of its records, 0 when it has none in the samples */
    bool header;             /* names came from the text */
    size_t n_names;
    char **names;            /* n_columns of them, or none; raw, as in the text; kept (keep.h) */
    struct survey *surveys;  /* n_columns of them; kept */
    size_t schema;           /* index into struct schemas, set by infer_schemas() */

    /* An input that cannot be read twice (a pipe, types given): opened once, here, and carried on by its worker. */
    struct stream *stream;   /* NULL for regular files; owned */
    char *head;              /* text already taken from it, all of it from its first byte; owned */
    size_t head_bytes;

    /* An input without a path that can be read twice: standard input from a file, or a pipe that was spooled. */
    int fd;                  /* -1: open the path; else read here from offset 0 by pread(2), or dup(2) it for
                              * stream_open_fd(); owned */
    uint64_t fd_bytes;       /* size of that file */

    /*
     * The only line, or the first one above nothing but missing values: the header if other inputs have just these
     * names, and else data or a comment.
     */
    size_t n_maybe;
    char **maybe;            /* its words, NULL: there is no such line; kept */
    uint64_t maybe_start;    /* text_start and lines_before in that case */
    uint64_t maybe_lines;
};

/* The schemas of a run: one for each combination of column names and count, or the one of --dtype. */
struct schemas {
    size_t n;
    struct schema *schema;   /* bound to text columns */
    bool *inferred;          /* some field's type was guessed */
    bool **field_inferred;   /* per schema, per field */
    struct survey **surveys; /* per schema, per text column: of all its inputs together; NULL when types were given */
    struct missing_rules missing; /* what the fields' missing tokens point to */
};

/*
 * Look at one input.
 * typed             the dtype is given in full, so that only dialect and header matter (a short look)
 * expected_columns  elements of the dtype, 0 when not known
 * Owner             *f is the caller's, until finding_release(); after an error there is nothing to release
 * Errors            0, or -1 with *failure (open, read, corrupt, ...), or with failure->code FAILURE_NONE and a
 *                   sentence in error, without the path
 */
int infer_input(struct finding *f, const struct input *input, const struct options *options,
                bool typed, uint32_t expected_columns, struct failure *failure, char error[SCHEMA_ERROR]) MUST_USE;

/*
 * Schemas for all inputs (*schemas all zeros the first time), from options (dtype, overrides, names, usecols, na,
 * fill) and findings; sets findings[i].schema. Called again after a parse that widened findings[i].surveys, it gives
 * the widened types; the order of schemas stays the same. Notices (cleaned names) are said once through message.h.
 * Errors  0, or -1 with a sentence (that names the input where one is at fault); *schemas is then empty
 */
int infer_schemas(struct schemas *schemas, struct finding *findings, const struct inputs *inputs,
                  const struct options *options, char error[SCHEMA_ERROR]) MUST_USE;

void schemas_release(struct schemas *s);

/* Also right for a finding that was never filled, all zeros. */
void finding_release(struct finding *f);

/* What was advised for some inputs counts for all of them: say so, where there are others. After the last input. */
void infer_tell_others(size_t n_inputs);

/* Free the scratch that infer_input() keeps from input to input; it is made again when needed. */
void infer_close(void);

/* A delimiter in words: "blanks", "tab", "comma", "semicolon", "'|'", "fixed widths". buffer for the odd byte. */
const char *infer_delimiter_name(int delimiter, char buffer[8]);

#endif
