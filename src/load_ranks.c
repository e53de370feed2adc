/*
 * load_ranks.c - the run in parts, for several processes with one plan and one file.
 *
 * Each drives its own slices twice. At first their rows are void, and what the workers leave is kept, to be sent; one
 * process goes through what all of them have kept as if the slices had been its own. Then rows are stored.
 */
#include <stdlib.h>
#include <string.h>

#include "load_driver.h"
#include "message.h"

/* ---- what is kept of a slice ------------------------------------------------------------------------------------- */

/* One entry of struct results; behind it the outcome without the failures that it has no use for, and the surveys. */
struct result {
    size_t slice;
    int wait_status;
    struct outcome_layout at;
    size_t outcome_bytes, survey_bytes;
};

/* Bytes of an entry, which end where another one may begin. */
static size_t result_bytes(const struct result *r)
{
    return (sizeof *r + r->outcome_bytes + r->survey_bytes + 7) / 8 * 8;
}

/* Its first part: 'failures' and what follows are not all there. */
static const struct outcome *outcome_in(const struct result *r)
{
    return (const struct outcome *)(const void *)(r + 1);
}

/* The worker came to the slice's end, or to what kept it from reading on. */
static bool is_done(const struct result *r)
{
    return r->wait_status == 0 && outcome_in(r)->state == OUTCOME_DONE;
}

/* Room for one more entry. Errors NULL */
static struct result *add_result(struct results *r, const struct result *entry)
{
    size_t bytes = result_bytes(entry);
    struct result *added;

    if (r->bytes + bytes > r->room) {
        size_t room = 2 * r->room + bytes;
        unsigned char *data = realloc(r->data, room);

        if (data == NULL)
            return NULL;
        r->data = data;
        r->room = room;
    }
    added = (struct result *)(void *)(r->data + r->bytes);
    memset(added, 0, bytes);
    *added = *entry;
    r->bytes += bytes;
    return added;
}

/* A slice of ours has been counted: keep what there is to say of it for the one who looks at all. */
static void keep_result(struct driver *d, struct slot *s)
{
    const struct load *load = d->load;
    const struct outcome *o = outcome_of(s);
    bool surveyed = load->schemas->inferred[load->findings[slice_of(d, s->slice)->input].schema] && !load->final;
    struct result entry = {
        .slice = s->slice,
        .wait_status = s->wait_status,
        .at = s->at,
        .outcome_bytes = offsetof(struct outcome, failures) + o->n_failures * sizeof *o->failures,
        .survey_bytes = surveyed ? s->at.chunks - s->at.surveys : 0,
    };
    struct result *r = add_result(load->results, &entry);

    if (r == NULL) {
        message_error("no memory");
        driver_give_up(d);
    } else {
        memcpy(r + 1, o, entry.outcome_bytes);
        memcpy((unsigned char *)(r + 1) + entry.outcome_bytes, s->region.base + s->at.surveys, entry.survey_bytes);
    }
    driver_step_on(d, s);
}

/* A slice of ours has been stored. What is to be told of its lines has been told when it was counted. */
static void check_placed(struct driver *d, struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);
    bool ends = slice->last || s->slice + 1 == end_of_slices(d->load);
    char error[STORE_ERROR];

    if (has_failed(s)) {
        driver_fail_slice(d, s);
    } else if (!d->failed && (o->misfit || o->n_rows != d->load->places[s->slice].n_rows)) {
        report_failure(d->load->inputs->input[slice->input].path, NULL,
                       &(struct failure){.code = FAILURE_CHANGED, .field = -1});
        driver_fail_input(d);
    } else if (ends && rows_wanted(d) && datasets_end(d->datasets, slice->input, NULL, error) != 0) {
        driver_fail_store(d, error);
    }
    d->stop = d->stop || d->failed;
    d->head_begun = d->head_begun && !ends;
    driver_step_on(d, s);
}

/* ---- the run in parts ------------------------------------------------------------------------------------------ */

static enum load_result result_of(const struct driver *d)
{
    return d->signal != 0 ? LOAD_SIGNAL : d->failed ? LOAD_FAILED : LOAD_DONE;
}

enum load_result load_count(const struct load *load)
{
    struct driver d;
    enum load_result result;

    load->results->bytes = 0;
    if (load->n == 0)
        return LOAD_DONE;
    if (driver_prepare(&d, load, keep_result) != 0)
        return LOAD_FAILED;
    d.text_done = d.text_counted = LOAD_PLACE_UNKNOWN; /* by another process */
    driver_run(&d);
    result = result_of(&d);
    driver_release(&d);
    return result;
}

enum load_result load_place(const struct load *load)
{
    const struct slice_place *first = &load->places[load->from];
    struct driver d;
    struct store *none;
    enum load_result result;
    char error[STORE_ERROR];

    if (load->n == 0)
        return LOAD_DONE;
    if (driver_prepare(&d, load, check_placed) != 0)
        return LOAD_FAILED;
    d.rows_counted = first->first_row;
    d.text_done = d.text_counted = LOAD_PLACE_UNKNOWN;
    if (datasets_open_placing(&d.datasets, load->options, load->inputs, load->findings, load->schemas, load->standing,
                              load->placing, error) != 0)
        driver_fail_store(&d, error);
    else
        driver_run(&d);
    if (!d.failed && d.signal == 0) {
        if (datasets_close(d.datasets, &none, error) != 0)
            driver_fail_store(&d, error);
        d.datasets = NULL;
    }
    result = result_of(&d);
    driver_release(&d);
    return result;
}

/* Make of an entry what a worker leaves in its region. Errors -1 on no memory */
static int revive(struct slot *s, const struct result *r)
{
    unsigned char *base = realloc(s->region.base, r->at.rows);

    if (base == NULL)
        return -1;
    memset(base, 0, r->at.rows);
    memcpy(base, r + 1, r->outcome_bytes);
    memcpy(base + r->at.surveys, (const unsigned char *)(r + 1) + r->outcome_bytes, r->survey_bytes);
    *s = (struct slot){.region = {.base = base}, .state = SLOT_ENDED, .slice = r->slice, .at = r->at,
                       .wait_status = r->wait_status};
    return 0;
}

enum load_result load_digest(const struct load *load, const struct results *results, size_t n_results)
{
    struct driver d = {.load = load};
    struct slot s = {.state = SLOT_FREE};

    *load->rounded = (struct rounded_columns){0};
    driver_init_accounts(load);
    for (size_t i = 0; i < n_results; i++)
        for (size_t at = 0; at < results[i].bytes && !d.stop;) {
            const struct result *r = (const struct result *)(const void *)(results[i].data + at);

            if (revive(&s, r) != 0) {
                message_error("no memory");
                driver_give_up(&d);
                break;
            }
            d.n_busy = 1;
            driver_end_slice(&d, &s);
            at += result_bytes(r);
        }
    free(s.region.base);
    return driver_conclude(&d, NULL);
}

bool load_edges(const struct results *results, uint64_t *text_from, uint64_t *text_to)
{
    const struct result *first = (const struct result *)(const void *)results->data, *last = first;
    const struct outcome *o;

    if (results->bytes == 0)
        return false;
    for (size_t at = 0; at < results->bytes; at += result_bytes(last))
        last = (const struct result *)(const void *)(results->data + at);
    o = outcome_in(first);
    *text_from = is_done(first) ? o->text_from : LOAD_PLACE_UNKNOWN;
    o = outcome_in(last);
    *text_to = is_done(last) && o->fatal.code == FAILURE_NONE ? o->text_to : LOAD_PLACE_UNKNOWN;
    return true;
}
