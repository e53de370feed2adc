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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "datasets.h"
#include "message.h"
#include "outcome.h"
#include "pool.h"
#include "progress.h"
#include "ranks.h"
#include "region.h"
#include "signals.h"
#include "worker.h"

enum {
    TICK_MS = 100,
    KERNELS_KEPT = 8,
    FAILED_INPUTS = 10,        /* with so many bad inputs no further one is begun */
    HUGE_FROM_BYTES = 1 << 20, /* slices of less text are not worth huge pages */
    LONE_BYTES = 128 << 20,    /* what the only slice of a run fills of its region, */
    LONE_ROWS = 16,            /* or so many rows, when that is more */
};

/* A place in the text that is not known, because the slice before it failed. */
static const uint64_t PLACE_UNKNOWN = UINT64_MAX;

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
    unsigned n_slots, n_busy;  /* busy: not free */
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

/* What a worker needs after the fork. */
struct work {
    struct driver *driver;
    struct slot *slot;
    struct kernel *kernel;
    bool exact;
    uint64_t from;
};

static const struct slice *slice_of(const struct driver *d, size_t slice)
{
    return &d->load->plan->slices[slice];
}

static const struct schema *schema_of(const struct driver *d, size_t input)
{
    return &d->load->schemas->schema[d->load->findings[input].schema];
}

/* Physical lines of the head's input before the head: the first slice has what is skipped in front of it. */
static uint64_t lines_before(const struct driver *d, size_t slice)
{
    const struct slice *s = slice_of(d, slice);

    if (d->load->placing != NULL)
        return d->load->places[slice].lines_before;
    return s->first ? d->load->findings[s->input].lines_before : d->lines_done;
}

static struct outcome *outcome_of(const struct slot *s)
{
    return (struct outcome *)(void *)s->region.base;
}

/* Of the input, by this slice so far. */
static uint64_t bytes_taken(const struct driver *d, const struct slot *s)
{
    uint64_t from = slice_of(d, s->slice)->file_from, to = outcome_of(s)->file_bytes;

    return to > from ? to - from : 0;
}

static bool rows_wanted(const struct driver *d)
{
    return !d->misfit && !d->failed && !d->load->options->dry_run && d->load->results == NULL;
}

/* Behind the last slice that is ours. */
static size_t end_of_slices(const struct load *load)
{
    return load->n > 0 ? load->from + load->n : load->plan->n;
}

/* The worker has ended without having done its slice: it was lost, or could not go on. */
static bool has_failed(const struct slot *s)
{
    const struct outcome *o = outcome_of(s);

    return s->state == SLOT_ENDED &&
           (s->wait_status != 0 || o->state != OUTCOME_DONE || o->fatal.code != FAILURE_NONE);
}

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

static struct slot *free_slot(struct driver *d)
{
    for (unsigned i = 0; i < d->n_slots; i++)
        if (d->slots[i].state == SLOT_FREE)
            return &d->slots[i];
    return NULL;
}

static struct slot *slot_of(struct driver *d, size_t slice)
{
    for (unsigned i = 0; i < d->n_slots; i++)
        if (d->slots[i].state != SLOT_FREE && d->slots[i].slice == slice)
            return &d->slots[i];
    return NULL;
}

/*
 * A region for each slot, before the first fork; smaller ones, or fewer, where the machine gives no room for those of
 * the plan (ulimit -v, strict overcommit). Errors 0, or -1 with errno.
 */
static int map_regions(struct driver *d)
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
 * How much of its region a slice may fill. A stream that is alone is taken out all the time: more than this only waits
 * longer for the parent, in memory that is out of the cache. Among others it needs all there is to work ahead in.
 */
static size_t room_for(const struct driver *d, const struct slot *s, const struct schema *schema)
{
    size_t enough = LONE_ROWS * schema->row_bytes > LONE_BYTES ? LONE_ROWS * schema->row_bytes : LONE_BYTES;

    return d->load->plan->n > 1 || s->region.bytes < enough ? s->region.bytes : enough;
}

/* Put a slice to work in a slot. Errors 0, or -1 with errno. */
static int start_slice(struct driver *d, struct slot *s, size_t slice, bool exact, uint64_t from)
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
    if (s->at.rows_bytes < 2 * schema->row_bytes) {
        errno = ENOMEM;
        return -1;
    }
    *outcome_of(s) = (struct outcome){.state = OUTCOME_STARTED}; /* not what the region's last worker left */
    if (pool_start(&d->pool, (unsigned)(s - d->slots), do_slice, &work) != 0)
        return -1;
    s->state = SLOT_RUNNING;
    d->n_busy++;
    return 0;
}

/* Start what may start now. Errors 0, or -1, said. */
static int start_slices(struct driver *d)
{
    const struct plan *plan = d->load->plan;

    while (!d->stop && d->next_start < end_of_slices(d->load) && d->pool.n_running < plan->jobs) {
        const struct slice *slice = slice_of(d, d->next_start);
        struct slot *s = free_slot(d);

        if (s == NULL)
            return 0;
        if (start_slice(d, s, d->next_start, slice->first || slice->exact, slice->exact ? slice->start : slice->from) != 0) {
            if (d->n_busy > 0 && (errno == EAGAIN || errno == ENOMEM || errno == EMFILE || errno == ENFILE))
                return 0; /* not now: when another one has ended */
            message_error("cannot start a worker: %s", strerror(errno));
            return -1;
        }
        d->next_start++;
    }
    return 0;
}

/* ---- storing --------------------------------------------------------------------------------------------------- */

/* The run has failed: no output. What is still at work goes on for its messages. */
static void fail(struct driver *d)
{
    d->failed = true;
    datasets_discard(d->datasets);
    d->datasets = NULL;
}

/* A signal also ends what the store is at, and needs no words. */
static void say_store_error(const char *error)
{
    if (signals_caught() == 0)
        message_error("%s", error);
}

static void fail_store(struct driver *d, const char *error)
{
    say_store_error(error);
    fail(d);
    d->stop = true; /* not the inputs' fault: nothing more to learn from them */
}

/* Seals are as long as chunks at least, so that few chunks have to be read twice to compare them. */
static void begin_seals(struct driver *d, size_t input)
{
    const struct load *load = d->load;
    const struct schema *schema = schema_of(d, input);
    struct seal none = {.dataset = load->options->concat != NULL ? 0 : (uint32_t)input};
    struct packing packing;

    if (load->seals == NULL || (load->options->concat != NULL && input > load->inputs->first))
        return;
    (void)datasets_packing(&packing, load->options, load->standing, schema);
    if (load->seals->unit_bytes < packing.chunk_rows * schema->row_bytes)
        load->seals->unit_bytes = packing.chunk_rows * schema->row_bytes;
    d->rows_sealed = none.first_row = load->standing->n_rows;
    seals_add(load->seals, &none); /* a dataset without rows has a seal too */
}

/* What the region's rows were when the worker had made them. All of them have been taken. */
static void take_seals(struct driver *d, const struct slot *s)
{
    const struct outcome *o = outcome_of(s);

    if (d->load->seals == NULL || !rows_wanted(d))
        return;
    for (size_t i = 0; i < o->n_seals; i++) {
        struct seal seal = o->seals[i];

        seal.dataset = d->load->options->concat != NULL ? 0 : (uint32_t)slice_of(d, s->slice)->input;
        seal.first_row = d->rows_sealed;
        d->rows_sealed += seal.n_rows;
        seals_add(d->load->seals, &seal);
    }
}

static int open_datasets(struct driver *d, char error[STORE_ERROR])
{
    const struct load *load = d->load;

    return datasets_open(&d->datasets, load->options, load->inputs, load->findings, load->schemas, load->standing,
                         error);
}

/* Before the first rows of an input. */
static void begin_input(struct driver *d, size_t input)
{
    char error[STORE_ERROR];

    if (d->datasets != NULL && d->load->placing != NULL)
        datasets_go_to(d->datasets, d->load->places[d->head].first_row);
    if (d->datasets == NULL && open_datasets(d, error) != 0)
        fail_store(d, error);
    else if (datasets_begin(d->datasets, input, &d->load->accounts[input], error) != 0)
        fail_store(d, error);
    begin_seals(d, input);
    d->head_begun = true;
}

/* Rows before the first whole chunk, the chunks, and the rows behind them. Errors 0, or -1 with a sentence. */
static int store_chunks(struct driver *d, struct slot *s, const struct packing *p, size_t n_rows, char error[STORE_ERROR])
{
    const struct outcome *o = outcome_of(s);
    const struct packed_chunk *chunks = (const struct packed_chunk *)(const void *)(s->region.base + s->at.chunks);
    const unsigned char *at = s->region.base + s->at.rows;
    size_t n_tail = n_rows - o->rows_lead - o->n_chunks * p->chunk_rows;

    if (datasets_rows(d->datasets, at, o->rows_lead, error) != 0)
        return -1;
    at += o->rows_lead * p->row_bytes;
    for (size_t i = 0; i < o->n_chunks; i++, chunks += packer_parts(p), at += p->chunk_rows * p->row_bytes)
        if ((chunks->packed_bytes > 0 ? datasets_packed(d->datasets, at, chunks, error)
                                      : datasets_rows(d->datasets, at, p->chunk_rows, error)) != 0)
            return -1;
    return datasets_rows(d->datasets, at, n_tail, error);
}

static int store_region_rows(struct driver *d, struct slot *s, size_t offset, size_t n_rows, char error[STORE_ERROR])
{
    const struct schema *schema = schema_of(d, slice_of(d, s->slice)->input);
    struct packing packing;

    region_expose(&s->region, offset, n_rows * schema->row_bytes);
    if (datasets_packing(&packing, d->load->options, d->load->standing, schema))
        return store_chunks(d, s, &packing, n_rows, error);
    return datasets_rows(d->datasets, s->region.base + offset, n_rows, error);
}

/* Take the rows that the head has ready. */
static void take_rows(struct driver *d, struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    size_t row_bytes = schema_of(d, slice->input)->row_bytes;
    size_t ready = __atomic_load_n(&outcome_of(s)->rows_ready, __ATOMIC_ACQUIRE);
    size_t offset = s->at.rows + s->rows_taken * row_bytes;
    char error[STORE_ERROR];

    if (!rows_wanted(d) || outcome_of(s)->misfit)
        return;
    if (!d->head_begun)
        begin_input(d, slice->input);
    if (d->failed || ready <= s->rows_taken)
        return;
    if (store_region_rows(d, s, offset, ready - s->rows_taken, error) != 0)
        fail_store(d, error);
    s->rows_taken = ready;
}

/* Take the lines that were set aside; they stand at the region's end, the first one last. */
static void take_rejects(struct driver *d, struct slot *s)
{
    const struct outcome *o = outcome_of(s);
    const struct slice *slice = slice_of(d, s->slice);
    const unsigned char *end = s->region.base + s->at.rows + s->at.rows_bytes / 8 * 8;
    const unsigned char *at = end - o->rejects_bytes;
    const struct reject **list;
    size_t n = 0;

    if (d->rejects == NULL || o->rejects_bytes == 0)
        return;
    for (const unsigned char *p = at; p < end; p += ((const struct reject *)(const void *)p)->entry_bytes)
        n++;
    list = calloc(n, sizeof *list);
    if (list == NULL) {
        message_error("no memory for the lines that were set aside");
        fail(d);
        return;
    }
    for (size_t i = n; i-- > 0; at += list[i]->entry_bytes)
        list[i] = (const struct reject *)(const void *)at;
    for (size_t i = 0; i < n; i++) {
        struct failure f = list[i]->failure;

        f.line_no += lines_before(d, s->slice);
        rejects_add(d->rejects, d->load->inputs->input[slice->input].path, schema_of(d, slice->input), &f,
                    (const char *)(list[i] + 1), list[i]->text_bytes);
    }
    free(list);
}

/* ---- what a slice came to -------------------------------------------------------------------------------------- */

/* One line for each of the first bad records of the input. They are errors when they are too many to set aside. */
static void tell_failures(struct driver *d, const struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);

    for (uint32_t i = 0; !d->input_lost && i < o->n_failures && d->n_told < OUTCOME_FAILURES; i++, d->n_told++) {
        struct failure f = o->failures[i];

        f.line_no += lines_before(d, s->slice);
        report_failure(d->load->inputs->input[slice->input].path, schema_of(d, slice->input), &f);
    }
}

static bool too_many_bad(const struct driver *d, bool at_end)
{
    const struct options *o = d->load->options;

    if (!o->max_errors_given)
        return d->n_bad > 0;
    if (o->max_errors_percent >= 0)
        return at_end && (double)d->n_bad > o->max_errors_percent / 100 * (double)d->n_read;
    return d->n_bad > o->max_errors;
}

static void fail_input(struct driver *d)
{
    fail(d);
    if (++d->n_failed_inputs == FAILED_INPUTS)
        d->stop = true;
}

/* Join what the worker saw into what is known of its input: only misfits widen anything. */
static void take_surveys(struct driver *d, const struct slot *s)
{
    size_t input = slice_of(d, s->slice)->input;
    struct finding *f = &d->load->findings[input];
    const struct schema *schema = schema_of(d, input);
    const struct survey *surveys = (const struct survey *)(const void *)(s->region.base + s->at.surveys);
    const uint32_t *longest = (const uint32_t *)(const void *)(s->region.base + s->at.longest);

    if (!d->load->schemas->inferred[f->schema] || d->load->final || f->surveys == NULL)
        return;
    for (size_t i = 0; i < schema->n_columns && i < f->n_columns; i++)
        survey_join(&f->surveys[i], &surveys[i]);
    for (size_t i = 0; i < schema->n_cells; i++) {
        struct survey *column = &f->surveys[schema->cells[i].column];

        column->longest = longest[i] > column->longest ? longest[i] : column->longest;
    }
}

static void add_to_account(struct driver *d, const struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);
    struct account *a = &d->load->accounts[slice->input];

    a->text_bytes = o->text_to;
    a->file_bytes = o->file_bytes > a->file_bytes ? o->file_bytes : a->file_bytes;
    a->n_lines += o->n_lines;
    a->n_rows += o->n_rows;
    a->n_rejected += d->load->options->max_errors_given ? o->n_bad : 0;
    a->n_missing += o->tally.n_missing;
    a->n_overflow += o->tally.n_overflow;
    d->lines_done = lines_before(d, s->slice) + o->n_lines;
    d->n_bad_input += o->n_bad;
    d->n_read += o->n_rows + o->n_bad;
}

static void end_input(struct driver *d, size_t input)
{
    char error[STORE_ERROR];

    if (d->n_told > 0 && d->n_bad_input > d->n_told && !d->input_lost)
        report_more_failures(d->load->inputs->input[input].path, d->n_bad_input - d->n_told);
    if (d->n_bad_input > 0 && too_many_bad(d, false))
        fail_input(d);
    if (rows_wanted(d) && datasets_end(d->datasets, input, &d->load->accounts[input], error) != 0)
        fail_store(d, error);
    d->head_begun = d->input_lost = false;
    d->n_bad_input = d->n_told = 0;
}

/* A worker was lost, or could not read its input: one line for each input tells enough. */
static void fail_slice(struct driver *d, const struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);
    struct failure f = o->fatal;

    if (d->input_lost)
        return;
    d->input_lost = true;
    if (s->wait_status != 0 || o->state != OUTCOME_DONE)
        f = (struct failure){.code = FAILURE_LOST, .sys_errno = s->wait_status, .field = -1};
    if (f.line_no > 0)
        f.line_no += lines_before(d, s->slice);
    if (f.code == FAILURE_TRUNCATED || f.code == FAILURE_CORRUPT)
        failure_quote(&f, stream_codec_name(d->load->findings[slice->input].codec),
                      strlen(stream_codec_name(d->load->findings[slice->input].codec)));
    report_failure(d->load->inputs->input[slice->input].path, schema_of(d, slice->input), &f);
    fail_input(d);
}

/* A guess did not hold: whatever has been stored is void. */
static void note_misfit(struct driver *d, const struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    struct account *a = &d->load->accounts[slice->input];
    struct failure f = outcome_of(s)->misfit_at;

    if (!a->parsed_twice && !d->input_lost) {
        f.line_no += lines_before(d, s->slice);
        report_misfit(a->path, schema_of(d, slice->input), &f);
    }
    a->parsed_twice = true;
    d->misfit = true;
    datasets_discard(d->datasets);
    d->datasets = NULL;
}

/* Where the slice stands among all, for load_place(). */
static void note_place(const struct driver *d, const struct slot *s)
{
    const struct outcome *o = outcome_of(s);
    const struct slice *slice = slice_of(d, s->slice);
    uint64_t before = 0;

    if (d->load->places == NULL)
        return;
    if (s->slice > 0 && (!slice->first || d->load->options->concat != NULL))
        before = d->load->places[s->slice - 1].first_row + d->load->places[s->slice - 1].n_rows;
    d->load->places[s->slice] = (struct slice_place){o->text_from, before, o->n_rows, lines_before(d, s->slice)};
}

static void step_on(struct driver *d, struct slot *s)
{
    s->state = SLOT_FREE;
    d->n_busy--;
    d->head++;
}

/* Everything of the head has been read: close its account and step on. */
static void end_slice(struct driver *d, struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);
    const struct options *options = d->load->options;

    note_place(d, s);
    if (has_failed(s)) {
        fail_slice(d, s);
    } else {
        if (o->misfit)
            note_misfit(d, s);
        take_surveys(d, s);
        take_rejects(d, s);
        take_seals(d, s);
        d->n_bad += o->n_bad;
        if (!options->max_errors_given || options->rejects == NULL || too_many_bad(d, false))
            tell_failures(d, s);
        add_to_account(d, s);
    }
    d->bytes_done += bytes_taken(d, s);
    d->text_done = has_failed(s) ? PLACE_UNKNOWN : o->text_to;
    if (slice->last)
        end_input(d, slice->input);
    step_on(d, s);
}

/* ---- in parts -------------------------------------------------------------------------------------------------- */

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
        fail(d);
        d->stop = true;
    } else {
        memcpy(r + 1, o, entry.outcome_bytes);
        memcpy((unsigned char *)(r + 1) + entry.outcome_bytes, s->region.base + s->at.surveys, entry.survey_bytes);
    }
    d->bytes_done += o->file_bytes;
    d->text_done = has_failed(s) ? PLACE_UNKNOWN : o->text_to;
    step_on(d, s);
}

/* A slice of ours has been stored. What is to be told of its lines has been told when it was counted. */
static void check_placed(struct driver *d, struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);
    bool ends = slice->last || s->slice + 1 == end_of_slices(d->load);
    char error[STORE_ERROR];

    if (has_failed(s)) {
        fail_slice(d, s);
    } else if (!d->failed && (o->misfit || o->n_rows != d->load->places[s->slice].n_rows)) {
        report_failure(d->load->inputs->input[slice->input].path, NULL,
                       &(struct failure){.code = FAILURE_CHANGED, .field = -1});
        fail_input(d);
    } else if (ends && rows_wanted(d) && datasets_end(d->datasets, slice->input, NULL, error) != 0) {
        fail_store(d, error);
    }
    d->stop = d->stop || d->failed;
    d->head_begun = d->head_begun && !ends;
    d->bytes_done += o->file_bytes;
    d->text_done = has_failed(s) ? PLACE_UNKNOWN : o->text_to;
    step_on(d, s);
}

/* ---- the head -------------------------------------------------------------------------------------------------- */

/* Begin a slice again at the right place, where the slice before it ended. */
static void begin_again(struct driver *d, struct slot *s, uint64_t place)
{
    size_t slice = s->slice;

    pool_kill(&d->pool, (unsigned)(s - d->slots));
    s->state = SLOT_FREE;
    d->n_busy--;
    if (start_slice(d, s, slice, true, place) != 0) {
        message_error("cannot start a worker: %s", strerror(errno));
        fail(d);
        d->stop = true;
    }
}

/*
 * True when a slice is known to have begun at the right place; where it did not, it is begun again. Behind a slice that
 * failed there is no telling, and no need.
 */
static bool in_place(struct driver *d, struct slot *s, uint64_t place)
{
    const struct outcome *o = outcome_of(s);

    if (slice_of(d, s->slice)->first || place == PLACE_UNKNOWN || has_failed(s))
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

    while ((s = slot_of(d, d->counted)) != NULL) {
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
        d->text_counted = has_failed(s) ? PLACE_UNKNOWN : o->text_to;
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

/* Store what can be stored now. */
static void advance(struct driver *d)
{
    struct slot *s;

    while ((s = slot_of(d, d->head)) != NULL && in_place(d, s, d->text_done)) {
        if (s->state != SLOT_ENDED || s->wait_status == 0)
            take_rows(d, s);
        if (s->state == SLOT_WAITING) {
            take_rejects(d, s);
            take_seals(d, s);
            s->rows_taken = 0;
            __atomic_store_n(&outcome_of(s)->rows_ready, 0, __ATOMIC_RELEASE); /* nothing here until it says so anew */
            s->state = SLOT_RUNNING;
            pool_answer(&d->pool, (unsigned)(s - d->slots));
        }
        if (s->state != SLOT_ENDED)
            return;
        d->end_slice(d, s);
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
        fail(d);
        d->stop = true;
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
 * What the parent has written to since the last fork costs it a page fault to write to again. So small inputs are stored
 * by the dozen: not before all slots are taken, or nothing is left to start, or a worker can only wait.
 */
static bool stores_later(struct driver *d)
{
    return d->load->plan->small && !d->stop && d->next_start < end_of_slices(d->load) && free_slot(d) != NULL &&
           d->pool.n_running > 0 && !some_wait(d);
}

static void start_or_fail(struct driver *d)
{
    if (start_slices(d) == 0)
        return;
    fail(d);
    d->stop = true;
}

/* From the first slice to the last, or to the end of hope. */
static void drive(struct driver *d)
{
    struct pool_news news;

    while (d->head < end_of_slices(d->load) && d->signal == 0) {
        if (ranks_stopped()) {
            fail(d);
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
            start_or_fail(d); /* a CPU should not be idle while rows are written */
            advance(d);
        }
        show_progress(d);
    }
}

static enum load_result conclude(struct driver *d, struct store **store)
{
    char error[STORE_ERROR];

    if (d->signal != 0)
        return LOAD_SIGNAL;
    if (!d->failed && !d->misfit && too_many_bad(d, true))
        fail(d);
    if (d->failed && d->load->options->max_errors_given && too_many_bad(d, true))
        message_error("%llu bad lines, more than --max-errors allows", (unsigned long long)d->n_bad);
    if (d->failed || d->misfit)
        return d->failed ? LOAD_FAILED : LOAD_MISFIT;
    if (d->load->options->dry_run || d->load->results != NULL)
        return LOAD_DONE;
    if (d->datasets == NULL && open_datasets(d, error) != 0) { /* a part without inputs */
        say_store_error(error);
        return LOAD_FAILED;
    }
    if (datasets_close(d->datasets, store, error) != 0) {
        say_store_error(error);
        d->datasets = NULL;
        return LOAD_FAILED;
    }
    d->datasets = NULL;
    return LOAD_DONE;
}

static void release(struct driver *d)
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

static void init_accounts(const struct load *load)
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

/* Errors 0, or -1, said, and nothing to release */
static int prepare(struct driver *d, const struct load *load, void (*end)(struct driver *d, struct slot *s))
{
    *d = (struct driver){.load = load, .n_slots = load->plan->n_regions, .end_slice = end,
                         .next_start = load->from, .head = load->from, .counted = load->from};
    progress_init(&d->progress, load->inputs->file_bytes, load->inputs->end - load->inputs->first, load->options->quiet);
    d->slots = calloc(d->n_slots, sizeof *d->slots);
    d->regions = calloc(d->n_slots, sizeof *d->regions);
    if (d->slots == NULL || d->regions == NULL || pool_init(&d->pool, d->n_slots) != 0) {
        message_error("no memory");
        free(d->regions);
        free(d->slots);
        return -1;
    }
    if (map_regions(d) == 0)
        return 0;
    message_error("no memory for the workers: %s", strerror(errno));
    release(d);
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
    init_accounts(load);
    if (prepare(&d, load, end_slice) != 0)
        return LOAD_FAILED;
    d.rows_counted = load->standing->n_rows;
    if (rejects_open(&d.rejects, load->options->dry_run ? NULL : load->options->rejects,
                     load->options->force) == 0) {
        drive(&d);
        result = conclude(&d, store);
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
    release(&d);
    return result;
}

/* ---- the run in parts ------------------------------------------------------------------------------------------ */

enum load_result load_count(const struct load *load)
{
    struct driver d;
    enum load_result result;

    load->results->bytes = 0;
    if (load->n == 0)
        return LOAD_DONE;
    if (prepare(&d, load, keep_result) != 0)
        return LOAD_FAILED;
    d.text_done = d.text_counted = PLACE_UNKNOWN; /* by another process */
    drive(&d);
    result = d.signal != 0 ? LOAD_SIGNAL : d.failed ? LOAD_FAILED : LOAD_DONE;
    release(&d);
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
    if (prepare(&d, load, check_placed) != 0)
        return LOAD_FAILED;
    d.rows_counted = first->first_row;
    d.text_done = d.text_counted = PLACE_UNKNOWN;
    if (datasets_open_placing(&d.datasets, load->options, load->inputs, load->findings, load->schemas, load->standing,
                              load->placing, error) != 0)
        fail_store(&d, error);
    else
        drive(&d);
    if (!d.failed && d.signal == 0) {
        if (datasets_close(d.datasets, &none, error) != 0)
            fail_store(&d, error);
        d.datasets = NULL;
    }
    result = d.signal != 0 ? LOAD_SIGNAL : d.failed ? LOAD_FAILED : LOAD_DONE;
    release(&d);
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

    init_accounts(load);
    for (size_t i = 0; i < n_results; i++)
        for (size_t at = 0; at < results[i].bytes && !d.stop;) {
            const struct result *r = (const struct result *)(const void *)(results[i].data + at);

            if (revive(&s, r) != 0) {
                message_error("no memory");
                fail(&d);
                break;
            }
            d.n_busy = 1;
            end_slice(&d, &s);
            at += result_bytes(r);
        }
    free(s.region.base);
    return conclude(&d, NULL);
}

bool load_edges(const struct results *results, uint64_t *text_from, uint64_t *text_to)
{
    const struct result *first = (const struct result *)(const void *)results->data, *last = first;
    const struct outcome *of;

    if (results->bytes == 0)
        return false;
    for (size_t at = 0; at < results->bytes; at += result_bytes(last))
        last = (const struct result *)(const void *)(results->data + at);
    of = (const struct outcome *)(const void *)(first + 1);
    *text_from = first->wait_status == 0 && of->state == OUTCOME_DONE ? of->text_from : PLACE_UNKNOWN;
    of = (const struct outcome *)(const void *)(last + 1);
    *text_to = last->wait_status == 0 && of->state == OUTCOME_DONE && of->fatal.code == FAILURE_NONE ? of->text_to
                                                                                                     : PLACE_UNKNOWN;
    return true;
}
