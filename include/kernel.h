/*
 * kernel.h - a block of text to packed records: one interface, several implementations, chosen once.
 *
 * All implementations give the same rows, the same counts and the same failures on every input; they differ in
 * speed only. Each does ordinary lines its own way and hands every other line to record.h.
 *
 * 1. kernel_pick() at start: the best this processor has, or the one that SHMLOAD_KERNEL names
 * 2. class->open() for a schema and a dialect
 * 3. class->parse() block after block, at most one record unfinished between them
 * 4. class->close()
 */
#ifndef SHMLOAD_KERNEL_H
#define SHMLOAD_KERNEL_H

#include "record.h"

enum {
    KERNEL_PAD = 64,  /* bytes before and after the text that may be read (their values do not matter) */
    KERNEL_SLACK = 64 /* bytes after the last row that may be written */
};

/*
 * One call's work.
 * text     'last' false: any bytes; what follows the last complete record is left for the next call
 *          'last' true: the end of the input; a last line without LF is a line
 *          [text - KERNEL_PAD, text + text_bytes + KERNEL_PAD) must be readable
 * rows     capacity rows of schema->row_bytes, and KERNEL_SLACK bytes more that may be overwritten
 * Ends     with failure.code == FAILURE_NONE: all complete records done, or n_rows == capacity
 *          (capacity reached: text_used stops right after the last stored record, so blank and comment lines that
 *          follow it are left for the next call)
 *          otherwise: text_used stops at the bad record; bad tells its extent. failure.line_no and byte_offset
 *          are relative: line_no is lines_used + 1 plus the line within the record where the trouble is,
 *          byte_offset equals text_used
 */
struct kernel_job {
    const char *text;
    size_t text_bytes;
    bool last;
    unsigned char *rows;
    size_t capacity;         /* in rows */
    uint32_t *longest;       /* NULL, or per cell as in record_parse */
    struct rounded_list *rounded; /* NULL, or where guessed floats' integers are noted; line_no as in the failure */

    size_t n_rows;           /* out */
    size_t text_used;        /* out, bytes */
    uint64_t lines_used;     /* out, physical lines (LF) in text_used */
    struct convert_tally tally; /* added to */
    struct record_extent bad;
    struct failure failure;
};

struct kernel;               /* the state of one open kernel; starts with struct kernel_state */

struct kernel_state {
    const struct schema *schema;
    const struct dialect *dialect;
    struct record *record;
    const struct rounded_list *rounded; /* the job's */
};

struct kernel_class {
    const char *name;        /* "scalar", "avx2", "avx512" */
    bool (*supported)(void); /* by this processor */
    /* Both must outlive the kernel. Errors NULL on no memory */
    struct kernel *(*open)(const struct schema *schema, const struct dialect *dialect);
    void (*parse)(struct kernel *k, struct kernel_job *job);
    void (*close)(struct kernel *k);
};

/* Best first, NULL at the end; those that this build has. */
extern const struct kernel_class *const kernel_classes[];

extern const struct kernel_class kernel_scalar, kernel_avx2, kernel_avx512;

/*
 * wanted  NULL or "": the best supported; else a name
 * Errors  NULL when the name is unknown or the processor lacks it
 */
const struct kernel_class *kernel_pick(const char *wanted);

#endif
