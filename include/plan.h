/*
 * plan.h - slices: which bytes of which input, and how large the regions are that take their rows.
 */
#ifndef SHMLOAD_PLAN_H
#define SHMLOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer.h"
#include "inputs.h"
#include "resources.h"
#include "options.h"

enum {
    PLAN_SLICE_MIN = 1 << 20,  /* inputs smaller than this are never cut */
    PLAN_REGION_MIN = 4 << 20, /* a worker's region has at least so much */
    PLAN_SLICE_LEAST = 4 << 20, /* what a worker does at least of an input that is cut, */
    PLAN_SLICE_MAX = 32 << 20, /* and at most; all larger inputs are cut, unless --slice says otherwise */
};

struct slice {
    size_t input;
    uint64_t from, to;         /* as in struct worker_job */
    uint64_t file_from;        /* byte of the file where its text is to be found: 'from', or the bgzip block that begins
                                * with the byte of text before */
    bool first, last;          /* of its input */
    bool exact;                /* a record is known to begin at 'start', whatever 'from' says */
    uint64_t start;
};

struct plan {
    size_t n;
    struct slice *slices;      /* in the order of the inputs, and of the text within them */
    unsigned jobs;
    unsigned n_regions;        /* workers at work, and as many slices again that wait to be written */
    size_t region_bytes;
    bool small;                /* many small inputs: they are stored by the dozen */
    size_t record_limit;       /* the longest record, in bytes of text */
};

/* Errors 0, or -1 with a sentence: the memory is too small for even one worker, or there is none. */
int plan_make(struct plan *plan, const struct inputs *inputs, const struct finding *findings,
              const struct options *options, const struct resources *resources, char error[SCHEMA_ERROR]) MUST_USE;
void plan_release(struct plan *plan);

#endif
