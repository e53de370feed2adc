/*
 * load.h - drives the slices of a plan through the pool and into the store: the middle of the program.
 *
 * 1. load_run() once with the schemas as they were given or guessed
 * 2. LOAD_MISFIT: a guess did not hold; the findings' surveys have been widened: make the schemas anew and run again
 * 3. the accounts say what became of each input
 */
#ifndef SHMLOAD_LOAD_H
#define SHMLOAD_LOAD_H

#include "infer.h"
#include "inputs.h"
#include "kernel.h"
#include "options.h"
#include "plan.h"
#include "rejects.h"
#include "report.h"
#include "seal.h"
#include "standing.h"
#include "store.h"

enum load_result {
    LOAD_DONE,     /* all read; *store holds every dataset and waits for store_commit() */
    LOAD_MISFIT,   /* a guessed type did not hold */
    LOAD_FAILED,   /* said already */
    LOAD_SIGNAL,   /* asked to end */
};

/* What became of a slice, where another process will look at it: see load_count(). */
struct results {
    unsigned char *data;   /* owned */
    size_t bytes, room;
};

/* Where the rows of a slice are, and its lines: known once all slices have been counted. */
struct slice_place {
    uint64_t from;         /* byte of text where its first record begins */
    uint64_t first_row;    /* of its dataset */
    uint64_t n_rows;
    uint64_t lines_before; /* physical lines of its input */
};

/* A place in the text that is not known, because the slice before it failed, or another process has it. */
#define LOAD_PLACE_UNKNOWN UINT64_MAX

struct load {
    const struct options *options;
    const struct inputs *inputs;
    struct finding *findings;         /* surveys are widened here */
    const struct schemas *schemas;
    const struct plan *plan;
    const struct standing *standing;  /* in the output */
    const struct kernel_class *kernel_class;
    bool final;                       /* the guesses are settled: the second pass */
    struct account *accounts;         /* one per input, filled */
    struct rounded_columns *rounded;  /* integers that guessed floats do not hold, filled */
    struct seals *seals;              /* of all rows that were stored, dataset by dataset, filled; NULL: not wanted */

    /* Several processes with the same plan: each does a part of it. All zeros: this one does everything. */
    size_t from, n;                   /* the first of our slices, and how many; n 0: all */
    struct results *results;          /* of our slices; rows are void */
    struct slice_place *places;       /* per slice of the plan */
    struct placing *placing;          /* where rows go */
};

/*
 * store   the new file, when the result is LOAD_DONE and there is no dry run; otherwise NULL
 * rejects the same of the lines that were set aside, finished; NULL also where nobody asked for them
 * Errors  as the result says; what is to be told has been told; no worker is left in any case
 */
enum load_result load_run(const struct load *load, struct store **store, struct rejects **rejects);

/*
 * The same in parts, for several processes and one file. Options, inputs, findings, schemas and plan are the same in
 * all.
 *
 * 1. each counts its slices: load_count() fills load->results, and says nothing of what is wrong with the text
 * 2. load_edges(): where a process's first slice did not begin where the slice before it ended, as told by another
 *    process, it sets 'start' and 'exact' of that slice and counts anew
 * 3. one of them takes the results of all, in the order of the slices, and says what load_run() would have said: it
 *    fills surveys, accounts and load->places
 * 4. each does its slices again, to store: load_place() with load->places and load->placing
 */
enum load_result load_count(const struct load *load);
enum load_result load_digest(const struct load *load, const struct results *results, size_t n_results);
enum load_result load_place(const struct load *load);

/* Where the text of the results begins and ends; LOAD_PLACE_UNKNOWN where a slice failed. False: there are none. */
bool load_edges(const struct results *results, uint64_t *text_from, uint64_t *text_to);

#endif
