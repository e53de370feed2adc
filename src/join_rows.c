/*
 * join_rows.c - the second pass of a join: the rows of one dataset of a part to the output.
 */
#include <stdlib.h>

#include "datasets.h"
#include "join_inside.h"
#include "signals.h"

enum { BLOCK_BYTES = 4 << 20 };

int join_name_group(struct join *j, struct group *g, const struct part_file *f, const char *path)
{
    if (g->units != NULL)
        return 0;
    g->units = calloc(g->schema.n_fields + 1, sizeof *g->units);
    return g->units == NULL ? join_no_memory(j) : part_file_names(f, path, &g->schema, g->units, j->error);
}

static int reserve(struct join *j, size_t bytes, size_t n_chunks)
{
    if (bytes > j->block_bytes) {
        free(j->block);
        j->block = malloc(bytes);
        j->block_bytes = j->block != NULL ? bytes : 0;
    }
    free(j->chunks);
    j->chunks = calloc(n_chunks, sizeof *j->chunks);
    return j->block != NULL && j->chunks != NULL ? 0 : join_no_memory(j);
}

/* True when the part's chunks can stand in the output as they are. */
static bool same_chunks(struct join *j, const struct part_rows *r, size_t group, const struct packing *p)
{
    struct schema s;
    bool same;

    if (p->chunk_rows == 0 || r->chunk_rows != p->chunk_rows || j->out_rows % p->chunk_rows != 0 ||
        join_parse_group(j, &s, r->file, group) != 0)
        return false;
    same = schema_equal(&s, r->schema);
    schema_release(&s);
    return same;
}

/* Whole chunks, and the last one of a dataset that ends with it. Sets *row behind them. */
static int copy_chunks(struct join *j, struct part_rows *r, const struct packing *p, uint64_t *row)
{
    while (*row < r->n_rows && (r->n_rows - *row >= p->chunk_rows || !j->first.concat)) {
        size_t n = r->n_rows - *row < p->chunk_rows ? (size_t)(r->n_rows - *row) : p->chunk_rows;

        if (signals_caught() != 0 || part_rows_chunk(r, *row, j->block, j->block_bytes, j->chunks, j->error) != 0 ||
            store_packed(j->store, j->block, j->chunks, n, j->error) != 0)
            return -1;
        *row += n;
    }
    return 0;
}

/* Block by block; a block has whole chunks, so that none is unpacked twice. */
static int copy_blocks(struct join *j, struct part_rows *r, size_t block_rows, uint64_t row)
{
    for (; row < r->n_rows; row += block_rows) {
        size_t n = r->n_rows - row < block_rows ? (size_t)(r->n_rows - row) : block_rows;

        if (signals_caught() != 0 || part_rows_read(r, row, n, j->block, j->error) != 0 ||
            store_rows(j->store, j->block, n, j->error) != 0)
            return -1;
    }
    return 0;
}

/* All rows of one dataset of a part, behind those that the output's dataset has. */
static int copy_rows(struct join *j, struct part_rows *r, size_t group, const struct packing *packing)
{
    size_t row_bytes = r->schema->row_bytes, block_rows = BLOCK_BYTES / row_bytes, room;
    uint64_t row = 0;

    if (r->chunk_rows > 0)
        block_rows = (block_rows / r->chunk_rows + (block_rows < r->chunk_rows)) * r->chunk_rows;
    block_rows = block_rows > 0 ? block_rows : 1;
    room = block_rows * row_bytes;
    if (packing != NULL && packer_most_bytes(packing) > room)
        room = packer_most_bytes(packing);
    if (reserve(j, room, r->n) != 0)
        return -1;
    if (packing != NULL && same_chunks(j, r, group, packing) && copy_chunks(j, r, packing, &row) != 0)
        return -1;
    if (copy_blocks(j, r, block_rows, row) != 0)
        return -1;
    j->out_rows += r->n_rows;
    return 0;
}

static int begin_dataset(struct join *j, const struct part_rows *r, const struct part_input *input, bool packs,
                         const struct packing *packing)
{
    const struct store_dataset dataset = {
        .path = r->path,
        .schema = r->schema,
        .layout = r->chunk_rows > 0 ? STORE_CHUNKED : STORE_CONTIGUOUS,
        .chunk_rows = packing->chunk_rows,
        .packing = packs ? packing : NULL,
        .pieces = j->first.concat || !datasets_are_small(input->most_rows, r->schema->row_bytes),
        .n_attributes = r->attributes.n,
        .attributes = r->attributes.list,
    };

    j->out_rows = 0;
    return store_begin(j->store, &dataset, j->error);
}

int join_copy_dataset(struct join *j, struct part_rows *r, const struct part_input *input)
{
    const struct standing nothing = {.file = false};
    struct packing packing;
    bool packs = datasets_packing(&packing, &j->first.options, &nothing, r->schema);

    if (!j->concat.begun && begin_dataset(j, r, input, packs, &packing) != 0)
        return -1;
    j->concat.begun = j->first.concat;
    if (copy_rows(j, r, (size_t)input->schema, packs ? &packing : NULL) != 0)
        return -1;
    return j->first.concat ? 0 : store_end(j->store, r->attributes.list, r->attributes.n, j->error);
}
