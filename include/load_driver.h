/*
 * load_driver.h - what the files of the driver share.
 *
 * load.c drives; load_ranks.c has it do a part of a run; below both, load_start.c puts slices to work and load_slices.c
 * takes what they have made, and neither knows of the loop.
 *
 * 1. driver_prepare() with what is to be done at the end of each slice
 * 2. driver_run() from the first slice to the last
 * 3. driver_conclude(), where rows were stored; driver_release()
 */
#ifndef SHMLOAD_LOAD_DRIVER_H
#define SHMLOAD_LOAD_DRIVER_H

#include "datasets.h"
#include "load.h"
#include "outcome.h"
#include "pool.h"
#include "progress.h"
#include "region.h"

enum { KERNELS_KEPT = 8 };

enum slot_state {
    SLOT_FREE,
    SLOT_RUNNING,
    SLOT_ASKING,  /* where its first row will be */
    SLOT_WAITING, /* its region is full */
    SLOT_ENDED,
};

/* A region and the slice that it serves. */
struct slot {
    struct region region;
    enum slot_state state;
    size_t slice;
    size_t rows_taken;       /* of those that stand in the region */
    bool placed;             /* it is known which row of the dataset the slice begins with: */
    uint64_t first_row;
    struct outcome_layout at;
    int wait_status;         /* SLOT_ENDED */
};

/* A kernel is opened once for each schema and delimiter; workers inherit it. */
struct open_kernel {
    size_t schema;
    struct dialect dialect;
    struct kernel *kernel;
};

struct driver {
    const struct load *load;
    struct pool pool;
    struct slot *slots;
    struct region *regions;  /* of the slots, in their order */
    unsigned n_slots, n_busy; /* busy: not free */
    struct open_kernel kernels[KERNELS_KEPT];
    size_t n_kernels;
    struct datasets *datasets; /* made when the first rows come */
    struct rejects *rejects;
    struct progress progress;

    size_t next_start, head;   /* indices of slices */
    uint64_t lines_done;       /* of the head's input, physical lines to the end of the slice before the head */
    uint64_t text_done;        /* where the slice before the head ended */
    size_t counted;            /* the first slice that is not counted, its dataset's rows before it, and its place */
    uint64_t rows_counted, text_counted;
    bool head_begun;           /* the head's input has a dataset */
    bool input_lost;           /* a slice of the head's input failed: lines are not known any more */
    uint64_t n_bad_input;      /* bad records of the head's input, and how many of them were told */
    uint32_t n_told;
    uint64_t n_bad, n_read;    /* bad records and all records, of the run */
    size_t n_failed_inputs;
    uint64_t bytes_done;       /* file bytes of the slices before the head */
    uint64_t rows_sealed;      /* of the head's dataset, rows before those whose seals are to be taken next */

    void (*end_slice)(struct driver *d, struct slot *s); /* all of it has been read, and its rows taken */
    bool misfit;               /* rows are void: read on for the surveys only */
    bool failed;               /* rows are void: read on for the messages only */
    bool stop;                 /* begin no further slice */
    int signal;
};

static inline const struct slice *slice_of(const struct driver *d, size_t slice)
{
    return &d->load->plan->slices[slice];
}

static inline const struct schema *schema_of(const struct driver *d, size_t input)
{
    return &d->load->schemas->schema[d->load->findings[input].schema];
}

static inline struct outcome *outcome_of(const struct slot *s)
{
    return (struct outcome *)(void *)s->region.base;
}

/* Of the input, by this slice so far. */
static inline uint64_t bytes_taken(const struct driver *d, const struct slot *s)
{
    uint64_t from = slice_of(d, s->slice)->file_from, to = outcome_of(s)->file_bytes;

    return to > from ? to - from : 0;
}

static inline bool rows_wanted(const struct driver *d)
{
    return !d->misfit && !d->failed && !d->load->options->dry_run && d->load->results == NULL;
}

/* Behind the last slice that is ours. */
static inline size_t end_of_slices(const struct load *load)
{
    return load->n > 0 ? load->from + load->n : load->plan->n;
}

/* The worker has ended without having done its slice: it was lost, or could not go on. */
static inline bool has_failed(const struct slot *s)
{
    const struct outcome *o = outcome_of(s);

    return s->state == SLOT_ENDED &&
           (s->wait_status != 0 || o->state != OUTCOME_DONE || o->fatal.code != FAILURE_NONE);
}

/* ---- load_start.c ---------------------------------------------------------------------------------------------- */

/* NULL: none. */
struct slot *driver_free_slot(struct driver *d);
struct slot *driver_slot_of(struct driver *d, size_t slice);

/*
 * A region for each slot, before the first fork; smaller ones, or fewer, where the machine gives no room for those of
 * the plan (ulimit -v, strict overcommit). Errors 0, or -1 with errno.
 */
int driver_map_regions(struct driver *d) MUST_USE;

/*
 * Put a slice to work in a slot.
 * from, exact  the byte of text that its first record is looked for at, and whether it begins just there
 * Errors       0, or -1 with errno; EMSGSIZE: the region has no room for its rows
 */
int driver_start_slice(struct driver *d, struct slot *s, size_t slice, bool exact, uint64_t from) MUST_USE;
void driver_say_not_started(const struct driver *d, size_t slice);

/* Start what may start now. Errors 0, or -1, said. */
int driver_start_slices(struct driver *d) MUST_USE;

/* ---- load_slices.c --------------------------------------------------------------------------------------------- */

/* The run has failed: no output. What is still at work goes on for its messages. */
void driver_fail(struct driver *d);

/* The same by an input; after some of them nothing more is begun. */
void driver_fail_input(struct driver *d);

/* The same by what is not the inputs' fault, so that there is nothing more to learn from them; it has been said. */
void driver_give_up(struct driver *d);
void driver_fail_store(struct driver *d, const char *error); /* which is said */

/* A signal also ends what the store is at, and needs no words. */
void driver_say_store_error(const char *error);

/* Errors 0, or -1 with a sentence */
int driver_open_datasets(struct driver *d, char error[STORE_ERROR]) MUST_USE;

/* Take the rows that the head has ready; and when all of them have been taken, their seals and the lines set aside. */
void driver_take_rows(struct driver *d, struct slot *s);
void driver_take_seals(struct driver *d, const struct slot *s);
void driver_take_rejects(struct driver *d, struct slot *s);

/* More than --max-errors allows; at_end: of all records. */
bool driver_too_many_bad(const struct driver *d, bool at_end);

/* A worker was lost, or could not read its input: one line for each input tells enough. */
void driver_fail_slice(struct driver *d, const struct slot *s);

/* Everything of the head has been read, and its rows taken: close its account and step on. */
void driver_end_slice(struct driver *d, struct slot *s);

/* Leave the head behind: its slot is free. */
void driver_step_on(struct driver *d, struct slot *s);

/* ---- load.c ---------------------------------------------------------------------------------------------------- */

void driver_init_accounts(const struct load *load);

/* end: what becomes of a slice of which all has been read. Errors 0, or -1, said, and nothing to release */
int driver_prepare(struct driver *d, const struct load *load, void (*end)(struct driver *d, struct slot *s)) MUST_USE;

/* From the first slice to the last, or to the end of hope. */
void driver_run(struct driver *d);

/* What it came to, said. *store: as in load_run() */
enum load_result driver_conclude(struct driver *d, struct store **store);
void driver_release(struct driver *d);

#endif
