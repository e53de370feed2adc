/*
 * plan.c - slices and the division of the memory.
 *
 * The memory is shared out before anything starts: a fixed sum for the parent, a fixed sum for each worker (its text
 * buffer and the kernel's scratch), the rest in equal regions. Rows of text take about as much room as the text, so a
 * slice is not larger than a region; where they take more, the worker hands its region over more than once.
 */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MIB = 1 << 20;
static const uint64_t PARENT_BYTES = 16 << 20, WORKER_BYTES = 4 << 20;

enum { SMALL_INPUT = 256 << 10, SMALL_REGIONS = 64 };

/* Fewer jobs and fewer regions until each region has its least. */
static int share_memory(struct plan *p, size_t n_slices, const struct resources *l, char error[SCHEMA_ERROR])
{
    uint64_t share;

    p->jobs = l->jobs;
    for (;;) {
        uint64_t fixed = PARENT_BYTES + p->jobs * WORKER_BYTES;

        p->n_regions = 2 * p->jobs > 4 ? 2 * p->jobs : 4;
        if (p->small && p->n_regions < SMALL_REGIONS)
            p->n_regions = SMALL_REGIONS;
        if (p->n_regions > n_slices)
            p->n_regions = n_slices > 0 ? (unsigned)n_slices : 1;
        while (p->n_regions > 1 && p->n_regions > p->jobs &&
               (l->memory_bytes <= fixed || (l->memory_bytes - fixed) / p->n_regions < PLAN_REGION_MIN))
            p->n_regions--;
        share = l->memory_bytes > fixed ? (l->memory_bytes - fixed) / p->n_regions : 0;
        if (share >= PLAN_REGION_MIN)
            break;
        if (p->jobs == 1) {
            snprintf(error, SCHEMA_ERROR, "%llu MiB of memory (%s) are too few for even one worker: --memory 24M or more",
                     (unsigned long long)(l->memory_bytes / MIB), l->memory_rule);
            return -1;
        }
        p->jobs--;
    }
    p->region_bytes = (size_t)(share / (2 * MIB) * (2 * MIB));
    p->record_limit = p->region_bytes / 2;
    return 0;
}

static uint64_t slice_size(const struct plan *p, const struct inputs *inputs, const struct options *o)
{
    uint64_t size = PLAN_SLICE_MAX;

    if (o->slice_bytes > 0)
        return o->slice_bytes < PLAN_SLICE_MIN ? PLAN_SLICE_MIN : o->slice_bytes;
    if (inputs->n < p->jobs && inputs->file_bytes / (2 * p->jobs) < size)
        size = inputs->file_bytes / (2 * p->jobs); /* few inputs: every CPU gets its share */
    if (size > p->region_bytes)
        size = p->region_bytes;
    return size < 4 * MIB ? 4 * MIB : size;
}

static bool may_be_cut(const struct finding *f, const struct options *o)
{
    return f->sliceable && o->skip_footer == 0;
}

static size_t count_slices(const struct input *in, const struct finding *f, const struct options *o, uint64_t size)
{
    uint64_t text_bytes = in->file_bytes > f->text_start ? in->file_bytes - f->text_start : 0;

    if (!may_be_cut(f, o) || text_bytes <= size)
        return 1;
    return (size_t)((text_bytes + size - 1) / size);
}

static void cut(struct slice *slices, size_t n, size_t input, uint64_t start, uint64_t text_bytes)
{
    for (size_t k = 0; k < n; k++)
        slices[k] = (struct slice){
            .input = input,
            .from = start + text_bytes / n * k,
            .to = k + 1 < n ? start + text_bytes / n * (k + 1) : UINT64_MAX,
            .first = k == 0,
            .last = k + 1 == n,
        };
}

int plan_make(struct plan *plan, const struct inputs *inputs, const struct finding *findings,
              const struct options *options, const struct resources *resources, char error[SCHEMA_ERROR])
{
    uint64_t size;

    memset(plan, 0, sizeof *plan);
    plan->small = inputs->file_bytes / (inputs->n > 0 ? inputs->n : 1) < SMALL_INPUT;
    if (share_memory(plan, SIZE_MAX, resources, error) != 0)
        return -1;
    size = slice_size(plan, inputs, options);
    for (size_t i = 0; i < inputs->n; i++)
        plan->n += count_slices(&inputs->input[i], &findings[i], options, size);
    if (share_memory(plan, plan->n, resources, error) != 0)
        return -1;
    plan->slices = calloc(plan->n, sizeof *plan->slices);
    if (plan->slices == NULL) {
        snprintf(error, SCHEMA_ERROR, "no memory for a plan of %zu slices", plan->n);
        return -1;
    }
    for (size_t i = 0, k = 0; i < inputs->n; i++) {
        size_t n = count_slices(&inputs->input[i], &findings[i], options, size);

        cut(plan->slices + k, n, i, findings[i].text_start, inputs->input[i].file_bytes - findings[i].text_start);
        k += n;
    }
    return 0;
}

void plan_release(struct plan *plan)
{
    free(plan->slices);
    memset(plan, 0, sizeof *plan);
}
