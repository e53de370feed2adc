/*
 * load_start.c - puts slices to work: the regions, the kernels, and what a worker is handed after the fork.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load_driver.h"
#include "message.h"
#include "worker.h"

enum {
    HUGE_FROM_BYTES = 1 << 20, /* slices of less text are not worth huge pages */
    LONE_BYTES = 128 << 20,    /* what the only slice of a run fills of its region, */
    LONE_ROWS = 16,            /* or so many rows, when that is more */
};

/* What a worker needs after the fork. */
struct work {
    struct driver *driver;
    struct slot *slot;
    struct kernel *kernel;
    bool exact;
    uint64_t from;
};

/* ---- the worker's side ----------------------------------------------------------------------------------------- */

struct peer {
    int channel;
    struct region *region;
    size_t rows_offset;
    bool huge;
};

static void peer_publish(void *peer)
{
    struct peer *p = peer;

    if (channel_say(p->channel, 'r') != 0)
        _exit(1);
}

static int peer_place(void *peer)
{
    struct peer *p = peer;

    return channel_say(p->channel, 'p') == 0 ? channel_await(p->channel) : -1;
}

static int peer_drain(void *peer)
{
    struct peer *p = peer;

    return channel_say(p->channel, 'f') == 0 ? channel_await(p->channel) : -1;
}

static void peer_warm(void *peer, size_t rows_bytes)
{
    struct peer *p = peer;

    if (p->huge)
        region_warm(p->region, p->rows_offset + rows_bytes);
}

/* Of the last slice of a compressed file: the bytes that its text is packed in. */
static uint64_t slice_text(const struct slice *slice, const struct input *input)
{
    if (slice->to != UINT64_MAX)
        return slice->to - slice->from;
    return input->file_bytes > slice->file_from ? input->file_bytes - slice->file_from : 0;
}

/* The bgzip block that a slice begins with; all zeros where there is none, or it is the file's first. */
static struct stream_place place_of(const struct driver *d, size_t slice)
{
    const struct slice *s = slice_of(d, slice);

    if (s->first || d->load->findings[s->input].codec == CODEC_PLAIN)
        return (struct stream_place){0};
    return (struct stream_place){.file = s->file_from, .text = s->from - 1};
}

/* Where the slice behind it begins; nowhere behind the last one. */
static struct stream_place next_place_of(const struct driver *d, size_t slice)
{
    const struct stream_place nowhere = {0};

    return slice_of(d, slice)->last ? nowhere : place_of(d, slice + 1);
}

/*
 * Where there are many small inputs their text goes to the region's end: its pages are there from the slice before, as
 * they would not be in memory of the worker's own. NULL: the worker is to see to it.
 */
static char *text_place(const struct driver *d, const struct slot *s)
{
    size_t place = s->region.bytes - WORKER_TEXT_BYTES;

    return d->load->plan->small && s->region.bytes >= PLAN_REGION_MIN ? (char *)s->region.base + place : NULL;
}

/* The child's whole life. */
static void do_slice(void *user, int channel)
{
    const struct work *work = user;
    const struct driver *d = work->driver;
    const struct load *load = d->load;
    const struct options *o = load->options;
    struct slot *slot = work->slot;
    const struct slice *slice = slice_of(d, slot->slice);
    const struct input *input = &load->inputs->input[slice->input];
    const struct finding *f = &load->findings[slice->input];
    const struct schema *schema = schema_of(d, slice->input);
    bool inferred = load->schemas->inferred[f->schema];
    struct peer peer = {.channel = channel, .region = &slot->region, .rows_offset = slot->at.rows,
                        .huge = !input->regular || slice_text(slice, input) >= HUGE_FROM_BYTES};
    char reopened[64];
    struct packing packing;
    bool packs = datasets_packing(&packing, o, load->standing, schema);
    struct worker_job job = {
        .path = input->path,
        .stream = f->stream,
        .head = f->head,
        .head_bytes = f->head_bytes,
        .from = work->from,
        .to = slice->to,
        .exact = work->exact,
        .begin = place_of(d, slot->slice),
        .next = next_place_of(d, slot->slice),
        .file_bytes = f->sliceable ? input->file_bytes : 0,
        .stamp = input->regular && input->file_bytes > 0 ? &input->stamp : NULL, /* files of /proc have no size */
        .skip_footer = o->skip_footer,
        .schema = schema,
        .dialect = &f->dialect,
        .kernel_class = load->kernel_class,
        .kernel = work->kernel,
        .inferred = inferred ? load->schemas->field_inferred[f->schema] : NULL,
        .final = load->final,
        .guessed_from = inferred ? load->schemas->surveys[f->schema] : NULL,
        .max_bad = o->max_errors_given ? (o->max_errors_percent >= 0 ? UINT64_MAX : o->max_errors) : 0,
        .keep_rejects = o->max_errors_given,
        .discard = !rows_wanted(d),
        .record_limit = load->plan->record_limit,
        .source = (uint32_t)(load->standing->n_inputs + slice->input),
        .seal = load->seals != NULL,
        .ahead = load->plan->n < load->plan->jobs,
        .packing = packs ? &packing : NULL,
        .outcome = outcome_of(slot),
        .surveys = (struct survey *)(void *)(slot->region.base + slot->at.surveys),
        .longest = (uint32_t *)(void *)(slot->region.base + slot->at.longest),
        .chunks = (struct packed_chunk *)(void *)(slot->region.base + slot->at.chunks),
        .buffer = text_place(d, slot),
        .rows = slot->region.base + slot->at.rows,
        .rows_bytes = slot->at.rows_bytes,
        .peer = &peer,
        .publish = peer_publish,
        .place = peer_place,
        .drain = peer_drain,
        .warm = peer_warm,
    };

    if (f->fd >= 0) { /* a spooled pipe: an open file of our own on the same bytes */
        snprintf(reopened, sizeof reopened, "/proc/self/fd/%d", f->fd);
        job.path = reopened;
    }
    region_enter(slot->region.base);
    if (job.buffer != NULL)
        region_enter(job.buffer + WORKER_TEXT_AT);
    worker_run(&job);
}

/* ---- starting -------------------------------------------------------------------------------------------------- */

static struct kernel *kernel_for(struct driver *d, size_t schema, const struct dialect *dialect)
{
    struct open_kernel *k;

    for (size_t i = 0; i < d->n_kernels; i++)
        if (d->kernels[i].schema == schema && d->kernels[i].dialect.delimiter == dialect->delimiter)
            return d->kernels[i].kernel;
    if (d->n_kernels == KERNELS_KEPT) {
        d->load->kernel_class->close(d->kernels[0].kernel);
        memmove(d->kernels, d->kernels + 1, (KERNELS_KEPT - 1) * sizeof *d->kernels);
        d->n_kernels--;
    }
    k = &d->kernels[d->n_kernels];
    *k = (struct open_kernel){.schema = schema, .dialect = *dialect};
    k->kernel = d->load->kernel_class->open(&d->load->schemas->schema[schema], dialect);
    if (k->kernel != NULL)
        d->n_kernels++;
    return k->kernel;
}

struct slot *driver_free_slot(struct driver *d)
{
    for (unsigned i = 0; i < d->n_slots; i++)
        if (d->slots[i].state == SLOT_FREE)
            return &d->slots[i];
    return NULL;
}

struct slot *driver_slot_of(struct driver *d, size_t slice)
{
    for (unsigned i = 0; i < d->n_slots; i++)
        if (d->slots[i].state != SLOT_FREE && d->slots[i].slice == slice)
            return &d->slots[i];
    return NULL;
}

int driver_map_regions(struct driver *d)
{
    size_t bytes = d->load->plan->region_bytes;

    while (regions_map(d->regions, d->n_slots, bytes) != 0) {
        if (bytes / 2 >= PLAN_REGION_MIN)
            bytes /= 2;
        else if (d->n_slots > 1)
            d->n_slots /= 2;
        else
            return -1;
    }
    for (unsigned i = 0; i < d->n_slots; i++)
        d->slots[i].region = d->regions[i];
    return 0;
}

/*
 * How much of its region a slice may fill. Of a stream that is alone and packed more than this only waits longer for
 * the parent, in memory that is out of the cache. Among others it needs all there is to work ahead in.
 */
static size_t room_for(const struct driver *d, const struct slot *s, const struct schema *schema)
{
    size_t enough = LONE_ROWS * schema->row_bytes > LONE_BYTES ? LONE_ROWS * schema->row_bytes : LONE_BYTES;

    if (text_place(d, s) != NULL)
        return s->region.bytes - WORKER_TEXT_BYTES;
    return d->load->plan->n > 1 || s->region.bytes < enough ? s->region.bytes : enough;
}

int driver_start_slice(struct driver *d, struct slot *s, size_t slice, bool exact, uint64_t from)
{
    const struct finding *f = &d->load->findings[slice_of(d, slice)->input];
    const struct schema *schema = &d->load->schemas->schema[f->schema];
    struct packing packing;
    bool packs = datasets_packing(&packing, d->load->options, d->load->standing, schema);
    struct work work = {.driver = d, .slot = s, .exact = exact, .from = from};

    work.kernel = kernel_for(d, f->schema, &f->dialect);
    if (work.kernel == NULL)
        return -1;
    s->slice = slice;
    s->rows_taken = 0;
    s->placed = false;
    s->at = outcome_layout(schema, room_for(d, s, schema), packs ? &packing : NULL);
    if (s->at.rows_bytes < OUTCOME_ROWS * schema->row_bytes) {
        errno = EMSGSIZE;
        return -1;
    }
    *outcome_of(s) = (struct outcome){.state = OUTCOME_STARTED}; /* not what the region's last worker left */
    if (pool_start(&d->pool, (unsigned)(s - d->slots), do_slice, &work) != 0)
        return -1;
    s->state = SLOT_RUNNING;
    d->n_busy++;
    return 0;
}

void driver_say_not_started(const struct driver *d, size_t slice)
{
    if (errno == EMSGSIZE)
        message_error("%s: a worker has no memory for its rows of %zu bytes: give a larger --memory, or fewer --jobs",
                      d->load->inputs->input[slice_of(d, slice)->input].path,
                      schema_of(d, slice_of(d, slice)->input)->row_bytes);
    else
        message_error("cannot start a worker: %s", strerror(errno));
}

int driver_start_slices(struct driver *d)
{
    const struct plan *plan = d->load->plan;

    while (!d->stop && d->next_start < end_of_slices(d->load) && d->pool.n_running < plan->jobs) {
        const struct slice *slice = slice_of(d, d->next_start);
        struct slot *s = driver_free_slot(d);

        if (s == NULL)
            return 0;
        if (driver_start_slice(d, s, d->next_start, slice->first || slice->exact,
                               slice->exact ? slice->start : slice->from) != 0) {
            if (d->n_busy > 0 && (errno == EAGAIN || errno == ENOMEM || errno == EMFILE || errno == ENFILE))
                return 0; /* not now: when another one has ended */
            driver_say_not_started(d, d->next_start);
            return -1;
        }
        d->next_start++;
    }
    return 0;
}
