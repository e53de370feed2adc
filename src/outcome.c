/*
 * outcome.c - where a worker's words stand in its region.
 */
#include "outcome.h"

#include "kernel.h"
#include "worker.h"

static size_t align_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

struct outcome_layout outcome_layout(const struct schema *schema, size_t region_bytes, const struct packing *p)
{
    size_t most_chunks = p != NULL ? region_bytes / (p->chunk_rows * p->row_bytes) + 1 : 0;
    struct outcome_layout at;

    at.surveys = align_up(sizeof(struct outcome), sizeof(uint64_t));
    at.longest = at.surveys + schema->n_columns * sizeof(struct survey);
    at.chunks = at.longest + schema->n_cells * sizeof(uint32_t);
    at.rows = align_up(at.chunks + most_chunks * (p != NULL ? packer_parts(p) : 0) * sizeof(struct packed_chunk), 4096);
    at.rows_bytes = region_bytes > at.rows + KERNEL_SLACK ? region_bytes - at.rows - KERNEL_SLACK : 0;
    return at;
}

/* A worker may keep its text in the region, too; and of packed chunks there is one at most where so few rows fit. */
uint64_t outcome_least_bytes(const struct schema *schema)
{
    struct outcome_layout at = outcome_layout(schema, 0, NULL);
    size_t parts = schema->shape == SHAPE_COLUMNS ? schema->n_fields : 1;

    return at.rows + 4096 + 2 * parts * sizeof(struct packed_chunk) + KERNEL_SLACK + WORKER_TEXT_BYTES +
           OUTCOME_ROWS * (uint64_t)schema->row_bytes;
}
