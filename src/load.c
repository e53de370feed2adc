/*
 * load.c - drives the slices of a plan through the pool and into the store.
 *
 * Workers start in the order of the slices and end in any order; rows are stored in the order of the slices. So there
 * is a head: the first slice that is not all stored. Its rows are taken while it is still at work; those behind it wait
 * in their regions. A worker whose region is full waits for its turn, and then goes on from the region's start.
 *
 *     slices    0 1 2 3 4 5 6 7 8
 *               . . H r d r         . stored   H head   r running   d done, waits
 *
 * Where rows are to be packed, a worker that has counted its rows asks which row of the dataset its first one will be,
 * because chunks are to line up across slices. It is told when all slices before it have been counted.
 *
 * A slice's first record is where the slice before it ended. The planner cuts without looking, so a cut may fall
 * on a line feed inside quotes; then the two places differ and the slice is done again from the right place.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load_driver.h"
#include "message.h"
#include "ranks.h"

enum { TICK_MS = 100 };

/* ---- the head -------------------------------------------------------------------------------------------------- */

/* Begin a slice again at the right place, where the slice before it ended. */
static void begin_again(struct driver *d, struct slot *s, uint64_t place)
{
    size_t slice = s->slice;

    pool_kill(&d->pool, (unsigned)(s - d->slots));
    s->state = SLOT_FREE;
    d->n_busy--;
    if (driver_start_slice(d, s, slice, true, place) != 0) {
        driver_say_not_started(d, slice);
        driver_give_up(d);
    }
}

/*
 * True when a slice is known to have begun at the right place; where it did not, it is begun again. Behind a slice that
 * failed there is no telling, and no need.
 */
static bool in_place(struct driver *d, struct slot *s, uint64_t place)
{
    const struct outcome *o = outcome_of(s);

    if (slice_of(d, s->slice)->first || place == LOAD_PLACE_UNKNOWN || has_failed(s))
        return true;
    if (s->state == SLOT_RUNNING && __atomic_load_n(&o->rows_ready, __ATOMIC_ACQUIRE) == 0 &&
        !__atomic_load_n(&o->counted, __ATOMIC_ACQUIRE))
        return false; /* too early to tell */
    if (o->text_from == place)
        return true;
    begin_again(d, s, place);
    return false;
}

/* Count what can be counted now. */
static void count_slices(struct driver *d)
{
    struct slot *s;

    while ((s = driver_slot_of(d, d->counted)) != NULL) {
        const struct outcome *o = outcome_of(s);

        if (slice_of(d, s->slice)->first && d->load->options->concat == NULL)
            d->rows_counted = 0;
        s->first_row = d->rows_counted;
        s->placed = true;
        if (s->state != SLOT_ENDED && !__atomic_load_n(&o->counted, __ATOMIC_ACQUIRE))
            return;
        if (!in_place(d, s, d->text_counted))
            return;
        d->rows_counted += o->n_rows;
        d->text_counted = has_failed(s) ? LOAD_PLACE_UNKNOWN : o->text_to;
        d->counted++;
    }
}

/* Tell those who ask where their rows will be, if it is known. */
static void place_slices(struct driver *d)
{
    for (unsigned i = 0; i < d->n_slots; i++) {
        struct slot *s = &d->slots[i];

        if (s->state == SLOT_ASKING && s->placed) {
            outcome_of(s)->first_row = s->first_row;
            s->state = SLOT_RUNNING;
            pool_answer(&d->pool, i);
        }
    }
}

static void start_or_fail(struct driver *d)
{
    if (driver_start_slices(d) != 0)
        driver_give_up(d);
}

/* Store what can be stored now. A region that comes free is the best for the next slice: its pages are there. */
static void advance(struct driver *d)
{
    struct slot *s;

    while ((s = driver_slot_of(d, d->head)) != NULL && in_place(d, s, d->text_done)) {
        __atomic_store_n(&outcome_of(s)->is_head, true, __ATOMIC_RELAXED);
        if (s->state != SLOT_ENDED || s->wait_status == 0)
            driver_take_rows(d, s);
        if (s->state == SLOT_WAITING) {
            driver_take_rejects(d, s);
            driver_take_seals(d, s);
            s->rows_taken = 0;
            __atomic_store_n(&outcome_of(s)->rows_ready, 0, __ATOMIC_RELEASE); /* nothing here until it says so anew */
            s->state = SLOT_RUNNING;
            pool_answer(&d->pool, (unsigned)(s - d->slots));
        }
        if (s->state != SLOT_ENDED)
            return;
        d->end_slice(d, s);
        if (!d->load->plan->small)
            start_or_fail(d);
    }
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

static void show_progress(struct driver *d)
{
    uint64_t bytes = d->bytes_done;

    for (unsigned i = 0; i < d->n_slots; i++)
        if (d->slots[i].state != SLOT_FREE)
            bytes += bytes_taken(d, &d->slots[i]);
    progress_show(&d->progress, bytes,
                  (d->head < d->load->plan->n ? slice_of(d, d->head)->input : d->load->inputs->end) -
                      d->load->inputs->first);
}

static void take_news(struct driver *d, const struct pool_news *news)
{
    struct slot *s = &d->slots[news->slot];

    switch (news->event) {
    case POOL_SAID:
        if (news->said == 'f')
            s->state = SLOT_WAITING;
        else if (news->said == 'p')
            s->state = SLOT_ASKING;
        break;
    case POOL_ENDED:
        s->state = SLOT_ENDED;
        s->wait_status = news->wait_status;
        break;
    case POOL_SIGNAL:
        d->signal = news->signal;
        break;
    case POOL_ERROR:
        message_error("cannot wait for the workers: %s", strerror(errno));
        driver_give_up(d);
        break;
    case POOL_TICK:
        break;
    }
}

static bool some_wait(const struct driver *d)
{
    for (unsigned i = 0; i < d->n_slots; i++)
        if (d->slots[i].state == SLOT_WAITING)
            return true;
    return false;
}

/*
 * What the parent has written to since the last fork costs it a page fault to write to again. So small inputs are
 * stored by the dozen: not before all slots are taken, or nothing is left to start, or a worker can only wait.
 */
static bool stores_later(struct driver *d)
{
    return d->load->plan->small && !d->stop && d->next_start < end_of_slices(d->load) && driver_free_slot(d) != NULL &&
           d->pool.n_running > 0 && !some_wait(d);
}

/*
 * Whether a worker is to start before rows are written, so that no CPU is idle meanwhile. Not where each of the next
 * inputs fills a region by far: then one that has just been written is better than one whose pages have to be cleared.
 */
static bool starts_first(const struct driver *d)
{
    const struct slice *next = d->next_start < end_of_slices(d->load) ? slice_of(d, d->next_start) : NULL;

    return d->load->plan->small || (next != NULL && !(next->first && next->last));
}

void driver_run(struct driver *d)
{
    struct pool_news news;

    while (d->head < end_of_slices(d->load) && d->signal == 0) {
        if (ranks_stopped()) {
            driver_fail(d);
            return;
        }
        start_or_fail(d);
        if (d->n_busy == 0)
            return;
        pool_wait(&d->pool, TICK_MS, &news);
        take_news(d, &news);
        if (d->signal != 0 || news.event == POOL_ERROR)
            break;
        count_slices(d);
        place_slices(d);
        if (!stores_later(d)) {
            if (starts_first(d))
                start_or_fail(d);
            advance(d);
        }
        show_progress(d);
    }
}

enum load_result driver_conclude(struct driver *d, struct store **store)
{
    char error[STORE_ERROR];

    if (d->signal != 0)
        return LOAD_SIGNAL;
    if (!d->failed && !d->misfit && driver_too_many_bad(d, true))
        driver_fail(d);
    if (d->failed && d->load->options->max_errors_given && driver_too_many_bad(d, true))
        message_error("%s%llu bad lines, more than --max-errors allows%s", d->stop ? "at least " : "",
                      (unsigned long long)d->n_bad,
                      d->load->options->rejects != NULL && d->load->options->max_errors_percent >= 0
                          ? ": without --rejects the first of them are shown" : "");
    if (!d->failed && !d->misfit && rounded_refuse(d->load->rounded, d->load->schemas, d->load->findings,
                                                   d->load->inputs, d->load->options))
        driver_fail(d);
    if (d->failed || d->misfit)
        return d->failed ? LOAD_FAILED : LOAD_MISFIT;
    if (d->load->options->dry_run || d->load->results != NULL)
        return LOAD_DONE;
    if (d->datasets == NULL && driver_open_datasets(d, error) != 0) { /* a part without inputs */
        driver_say_store_error(error);
        return LOAD_FAILED;
    }
    if (datasets_close(d->datasets, store, error) != 0) {
        driver_say_store_error(error);
        d->datasets = NULL;
        return LOAD_FAILED;
    }
    d->datasets = NULL;
    return LOAD_DONE;
}

void driver_release(struct driver *d)
{
    pool_stop(&d->pool);
    pool_release(&d->pool);
    progress_end(&d->progress);
    datasets_discard(d->datasets);
    regions_unmap(d->regions, d->n_slots);
    for (size_t i = 0; i < d->n_kernels; i++)
        d->load->kernel_class->close(d->kernels[i].kernel);
    free(d->regions);
    free(d->slots);
}

void driver_init_accounts(const struct load *load)
{
    for (size_t i = 0; i < load->inputs->n; i++) {
        struct account *a = &load->accounts[i];
        const struct finding *f = &load->findings[i];

        *a = (struct account){
            .path = load->inputs->input[i].path,
            .dataset = load->inputs->input[i].dataset,
            .schema = &load->schemas->schema[f->schema],
            .row_bytes = load->schemas->schema[f->schema].row_bytes,
            .codec = stream_codec_name(f->codec),
            .header = f->header,
            .n_lines = f->lines_before,
            .lines_before = f->lines_before,
            .parsed_twice = a->parsed_twice,
        };
    }
}

int driver_prepare(struct driver *d, const struct load *load, void (*end)(struct driver *d, struct slot *s))
{
    *d = (struct driver){.load = load, .n_slots = load->plan->n_regions, .end_slice = end,
                         .next_start = load->from, .head = load->from, .counted = load->from};
    progress_init(&d->progress, load->inputs->file_bytes, load->inputs->end - load->inputs->first,
                  load->options->quiet);
    d->slots = calloc(d->n_slots, sizeof *d->slots);
    d->regions = calloc(d->n_slots, sizeof *d->regions);
    if (d->slots == NULL || d->regions == NULL || pool_init(&d->pool, d->n_slots) != 0) {
        message_error("no memory");
        free(d->regions);
        free(d->slots);
        return -1;
    }
    if (driver_map_regions(d) == 0)
        return 0;
    message_error("no memory for the workers: %s", strerror(errno));
    driver_release(d);
    return -1;
}

enum load_result load_run(const struct load *load, struct store **store, struct rejects **rejects)
{
    struct driver d;
    enum load_result result = LOAD_FAILED;

    *store = NULL;
    *rejects = NULL;
    if (load->seals != NULL)
        load->seals->n = 0;
    *load->rounded = (struct rounded_columns){0};
    driver_init_accounts(load);
    if (driver_prepare(&d, load, driver_end_slice) != 0)
        return LOAD_FAILED;
    d.rows_counted = load->standing->n_rows;
    if (rejects_open(&d.rejects, load->options->dry_run ? NULL : load->options->rejects,
                     load->options->force) == 0) {
        driver_run(&d);
        result = driver_conclude(&d, store);
        if (result == LOAD_DONE && rejects_finish(d.rejects) != 0) {
            store_discard(*store);
            *store = NULL;
            result = LOAD_FAILED;
        }
        if (result == LOAD_DONE)
            *rejects = d.rejects;
        else
            rejects_discard(d.rejects);
    }
    driver_release(&d);
    return result;
}
