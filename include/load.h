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
    struct seals *seals;              /* of all rows that were stored, dataset by dataset, filled; NULL: not wanted */
};

/*
 * store   the new file, when the result is LOAD_DONE and there is no dry run; otherwise NULL
 * rejects the same of the lines that were set aside, finished; NULL also where nobody asked for them
 * Errors  as the result says; what is to be told has been told; no worker is left in any case
 */
enum load_result load_run(const struct load *load, struct store **store, struct rejects **rejects);

#endif
