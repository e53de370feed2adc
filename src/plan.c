/*
 * plan.c - slices and the division of the memory.
 *
 * The memory is shared out before anything starts: a fixed sum for the parent, a fixed sum for each worker (its text
 * buffer and the kernel's scratch), the rest in equal regions. Rows of text take about as much room as the text, so a
 * slice is not larger than a region; where they take more, the worker hands its region over more than once.
 *
 * Plain files are cut anywhere, bgzip files at their blocks, where a worker for each would leave others idle.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgzf.h"
#include "keep.h"

static const uint64_t MIB = 1 << 20;

enum {
    PARENT_BYTES = 16 << 20,
    WORKER_BYTES = 4 << 20,
    REGION_UNIT = 2 << 20,
    SMALL_INPUT = 256 << 10,
    SMALL_REGIONS = 64,
    PATH_SHOWN = 100,
};

_Static_assert(PARENT_BYTES + WORKER_BYTES + PLAN_REGION_MIN == OPTIONS_MEMORY_LEAST, "what options.h says");

/* What a region has at least. */
static uint64_t least_region(const struct resources *l)
{
    uint64_t wanted = (l->region_bytes + REGION_UNIT - 1) / REGION_UNIT * REGION_UNIT;

    return wanted > PLAN_REGION_MIN ? wanted : PLAN_REGION_MIN;
}

static int refuse_memory(const struct resources *l, char error[SCHEMA_ERROR])
{
    uint64_t needed = PARENT_BYTES + WORKER_BYTES + least_region(l) + l->aside_bytes;
    bool wide = l->widest != NULL && least_region(l) > PLAN_REGION_MIN;
    size_t path_bytes = wide ? strlen(l->widest) : 0, skip = path_bytes > PATH_SHOWN ? path_bytes - PATH_SHOWN : 0;

    snprintf(error, SCHEMA_ERROR, "%s%s%s%llu MiB of memory (%s) are too few for even one worker%s: --memory %lluM or "
             "more", skip > 0 ? "..." : "", wide ? l->widest + skip : "", wide ? ": " : "",
             (unsigned long long)((l->memory_bytes + l->aside_bytes) / MIB), l->memory_rule,
             wide ? " with rows so long" : "", (unsigned long long)((needed + MIB - 1) / MIB));
    return -1;
}

/* Fewer jobs and fewer regions until each region has its least. */
static int share_memory(struct plan *p, size_t n_slices, const struct resources *l, char error[SCHEMA_ERROR])
{
    uint64_t share, least = least_region(l);

    p->jobs = l->jobs;
    for (;;) {
        uint64_t fixed = PARENT_BYTES + (uint64_t)p->jobs * WORKER_BYTES;

        p->n_regions = 2 * p->jobs > 4 ? 2 * p->jobs : 4;
        if (p->small && p->n_regions < SMALL_REGIONS)
            p->n_regions = SMALL_REGIONS;
        if (p->n_regions > n_slices)
            p->n_regions = n_slices > 0 ? (unsigned)n_slices : 1;
        while (p->n_regions > 1 && p->n_regions > p->jobs &&
               (l->memory_bytes <= fixed || (l->memory_bytes - fixed) / p->n_regions < least))
            p->n_regions--;
        share = l->memory_bytes > fixed ? (l->memory_bytes - fixed) / p->n_regions : 0;
        if (share >= least)
            break;
        if (p->jobs == 1)
            return refuse_memory(l, error);
        p->jobs--;
    }
    p->region_bytes = (size_t)(share / REGION_UNIT * REGION_UNIT);
    p->record_limit = p->region_bytes / 2;
    return 0;
}

/* What is made and released by plan_make(). */
struct planning {
    const struct inputs *inputs;
    const struct finding *findings;
    const struct options *options;
    struct bgzf *blocks;  /* for each input; all zeros where it has none, or is not to be cut */
    uint64_t text_bytes;  /* of all inputs, as far as known: those that cannot be cut count as they lie on the disk */
    uint64_t size;        /* of a slice, */
    uint64_t whole;       /* and of the largest input that is not cut */
};

/* A file in blocks that would be a good part of one worker's share is worth to be walked. */
static bool worth_cutting(const struct planning *g, size_t input, unsigned jobs)
{
    const struct input *in = &g->inputs->input[input];

    if (g->findings[input].codec != CODEC_GZIP || !in->regular || g->options->skip_footer > 0)
        return false;
    return g->options->slice_bytes > 0 || (jobs > 1 && in->file_bytes >= g->inputs->file_bytes / (4 * jobs));
}

static void walk_inputs(struct planning *g, unsigned jobs)
{
    g->text_bytes = g->inputs->file_bytes;
    for (size_t i = g->inputs->first; i < g->inputs->end; i++)
        if (worth_cutting(g, i, jobs) && bgzf_walk(&g->blocks[i], g->inputs->input[i].path) == 0)
            g->text_bytes += g->blocks[i].text_bytes - g->inputs->input[i].file_bytes;
}

/*
 * Small slices keep their rows in the caches, and what the regions use of the memory small: fresh pages are what costs
 * most. But the parent has to keep up with many workers, and packs the chunks at the seams itself.
 */
static uint64_t best_slice(const struct plan *p, const struct options *o)
{
    bool packed = o->codec != PACK_NONE || o->shuffle == SHUFFLE_YES || o->checksum;
    uint64_t size = PLAN_SLICE_LEAST / 2 * (uint64_t)p->jobs;

    return packed || size > PLAN_SLICE_MAX ? PLAN_SLICE_MAX : size;
}

/* Sets the size of a slice, and of the inputs that are not cut. */
static void set_sizes(struct planning *g, const struct plan *p, unsigned all_jobs)
{
    const struct options *o = g->options;

    g->size = best_slice(p, o);
    g->whole = 4 * g->size < PLAN_SLICE_MAX ? 4 * g->size : PLAN_SLICE_MAX;
    if (g->inputs->end - g->inputs->first < all_jobs && g->text_bytes / (2 * all_jobs) < g->whole)
        g->whole = g->text_bytes / (2 * all_jobs); /* few inputs: every CPU gets its share */
    if (g->whole > p->region_bytes)
        g->whole = p->region_bytes;
    if (o->slice_bytes > 0)
        g->whole = o->slice_bytes < PLAN_SLICE_MIN ? PLAN_SLICE_MIN : o->slice_bytes;
    else if (g->whole < PLAN_SLICE_LEAST)
        g->whole = PLAN_SLICE_LEAST;
    if (g->size > g->whole || o->slice_bytes > 0)
        g->size = g->whole;
}

/* How many slices an input is to have, of text from text_start on. */
static size_t wanted_slices(const struct planning *g, size_t input, uint64_t *text_bytes)
{
    const struct finding *f = &g->findings[input];
    bool in_blocks = g->blocks[input].n > 0;
    uint64_t end = in_blocks ? g->blocks[input].text_bytes : g->inputs->input[input].file_bytes;

    *text_bytes = end > f->text_start ? end - f->text_start : 0;
    if (g->options->skip_footer > 0 || !(f->sliceable || in_blocks) || *text_bytes <= g->whole)
        return 1;
    return (size_t)((*text_bytes + g->size - 1) / g->size);
}

/*
 * The place of a cut at 'text' or behind it: there in a plain file; in one of blocks behind the first byte of the next
 * block with a mark, so that the byte before, by which a slice tells whether it begins with a line, is in that block.
 * mark   the first one that may be it; moved on to the one behind
 * False  there is none
 */
static bool find_cut(const struct bgzf *blocks, size_t *mark, uint64_t text, struct slice *s)
{
    s->from = s->file_from = text;
    if (blocks->n == 0)
        return true;
    while (*mark < blocks->n && blocks->marks[*mark].text < text)
        (*mark)++;
    if (*mark == blocks->n || blocks->marks[*mark].text + 1 >= blocks->text_bytes)
        return false;
    s->from = blocks->marks[*mark].text + 1;
    s->file_from = blocks->marks[(*mark)++].file;
    return true;
}

/* The slices of one input. Returns how many; slices may be NULL, to count them. */
static size_t cut(const struct planning *g, size_t input, struct slice *slices)
{
    uint64_t start = g->findings[input].text_start, text_bytes;
    size_t wanted = wanted_slices(g, input, &text_bytes), n = 1, mark = 0;
    struct slice s = {.input = input, .from = start, .first = true}, next = {.input = input};

    for (size_t k = 1; k < wanted && find_cut(&g->blocks[input], &mark, start + text_bytes / wanted * k, &next); k++) {
        s.to = next.from;
        if (slices != NULL)
            *slices++ = s;
        s = next;
        n++;
    }
    s.to = UINT64_MAX;
    s.last = true;
    if (slices != NULL)
        *slices = s;
    return n;
}

static int make_slices(struct plan *plan, struct planning *g, const struct resources *resources,
                       char error[SCHEMA_ERROR])
{
    unsigned all_jobs = plan->jobs * (resources->ranks > 1 ? resources->ranks : 1);

    walk_inputs(g, all_jobs);
    set_sizes(g, plan, all_jobs);
    for (size_t i = g->inputs->first; i < g->inputs->end; i++)
        plan->n += cut(g, i, NULL);
    if (share_memory(plan, plan->n, resources, error) != 0)
        return -1;
    plan->slices = keep_room(plan->n + 1, sizeof *plan->slices);
    if (plan->slices == NULL) {
        snprintf(error, SCHEMA_ERROR, "no memory for a plan of %zu slices", plan->n);
        return -1;
    }
    for (size_t i = g->inputs->first, k = 0; i < g->inputs->end; i++)
        k += cut(g, i, plan->slices + k);
    return 0;
}

int plan_make(struct plan *plan, const struct inputs *inputs, const struct finding *findings,
              const struct options *options, const struct resources *resources, char error[SCHEMA_ERROR])
{
    struct planning g = {.inputs = inputs, .findings = findings, .options = options};
    size_t n_inputs = inputs->end - inputs->first;
    int status = -1;

    memset(plan, 0, sizeof *plan);
    plan->small = inputs->file_bytes / (n_inputs > 0 ? n_inputs : 1) < SMALL_INPUT;
    if (share_memory(plan, SIZE_MAX, resources, error) != 0)
        return -1;
    g.blocks = calloc(inputs->n, sizeof *g.blocks);
    if (g.blocks != NULL)
        status = make_slices(plan, &g, resources, error);
    else
        snprintf(error, SCHEMA_ERROR, "no memory for a plan of %zu inputs", inputs->n);
    for (size_t i = 0; g.blocks != NULL && i < inputs->n; i++)
        bgzf_release(&g.blocks[i]);
    free(g.blocks);
    return status;
}

void plan_release(struct plan *plan)
{
    memset(plan, 0, sizeof *plan);
}
