/*
 * worker.h - one slice of one input to rows: a child's whole job, without fork, mmap or HDF5, so a test just calls it.
 *
 * 1. the parent fills a struct worker_job before the fork
 * 2. worker_run() reads the slice, makes rows, and leaves everything it has to say in the outcome
 * 3. meanwhile it tells its peer when rows are ready, and waits for it when there is no room for more
 */
#ifndef SHMLOAD_WORKER_H
#define SHMLOAD_WORKER_H

#include "kernel.h"
#include "outcome.h"
#include "pack.h"
#include "stream.h"

enum {
    WORKER_TEXT_BYTES = 384 << 10, /* what a worker's text takes, of lines that are not very long */
    WORKER_TEXT_AT = 64 << 10,     /* and where in it the input's first byte goes, or near */
};

/*
 * A slice is the records that begin in [from, to) of the text. Unless 'exact', the first of them begins behind the
 * first line feed at or after from - 1; the last one is read to its own end, past 'to' if need be. Two slices that
 * meet agree when the one's text_to is the other's text_from; only a quoted line feed right there can part them.
 */
struct worker_job {
    const char *path;
    struct stream *stream;        /* opened already (a pipe), or NULL: open path */
    const char *head;             /* text taken from 'stream' before */
    size_t head_bytes;

    uint64_t from, to;            /* bytes of text; to == UINT64_MAX: until the end */
    bool exact;                   /* a record begins at 'from' */
    struct stream_place begin;    /* of gzip: a member to begin with, its text not behind from - 1 */
    struct stream_place next;     /* and the one that the next slice begins with; all zeros: there is none */
    uint64_t file_bytes;          /* size the file had when the work was planned; 0: not known */
    const struct stream_stamp *stamp; /* that the file had then, or NULL */
    uint64_t skip_footer;         /* lines at the end of the input that are no records */

    const struct schema *schema;
    const struct dialect *dialect;
    const struct kernel_class *kernel_class;
    struct kernel *kernel;        /* opened by the parent for schema and dialect */
    const bool *inferred;         /* per field: its type is a guess; NULL: none is */
    bool final;                   /* guesses have been settled: one that fails is an error now */
    const struct survey *guessed_from; /* per text column, when inferred */

    uint64_t max_bad;             /* bad records that are allowed; past it no row is wanted */
    bool keep_rejects;            /* put bad records into the region */
    bool discard;                 /* rows are not wanted from the start: read and survey only */
    size_t record_limit;          /* longest record in bytes of text */
    uint32_t source;              /* the input's number, for the schema's constant field */
    bool seal;                    /* take checksums of the rows */
    bool ahead;                   /* a processor is free to inflate while another one parses */
    const struct packing *packing; /* whole chunks are packed in the region; NULL: rows stay rows */

    struct outcome *outcome;
    struct survey *surveys;       /* n_columns, zeroed by the worker */
    uint32_t *longest;            /* n_cells */
    struct packed_chunk *chunks;  /* for the parts of as many as the region can hold whole, where there is a packing */
    char *buffer;                 /* WORKER_TEXT_BYTES of memory for text, from a page's start on; NULL: our own */
    unsigned char *rows;
    size_t rows_bytes;            /* KERNEL_SLACK bytes more may be written */

    void *peer;
    void (*publish)(void *peer);  /* outcome->rows_ready went up */
    int (*drain)(void *peer);     /* no room left: returns when the region may be filled from its start; -1: give up */
    int (*place)(void *peer);     /* fills outcome->first_row, once; -1: give up. Only with a packing */
    void (*warm)(void *peer, size_t rows_bytes); /* this many bytes of rows are about to be in use; may be NULL */
};

void worker_run(struct worker_job *job);

#endif
