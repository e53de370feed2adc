/*
 * join_concat.c - the second pass of a join where all inputs are one dataset: its rows part by part, and its index.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "join_inside.h"

enum { INDEX_PATH_BYTES = 4096 };

static void name_index(char path[INDEX_PATH_BYTES], const char *dataset)
{
    snprintf(path, INDEX_PATH_BYTES, "%s_index", dataset);
}

static int make_index_schema(struct join *j, struct schema *s)
{
    char dtype[128], error[SCHEMA_ERROR];

    snprintf(dtype, sizeof dtype, "input:S%" PRIu64 ",first_row:u8,rows:u8", j->first.source_bytes);
    if (schema_parse(s, dtype, error) == 0 && schema_bind(s, NULL, 0, 0, error) == 0)
        return 0;
    return join_refuse(j, "%s", error);
}

/* The part's rows of the index, whose rows come behind those of the parts before. */
static int read_index(struct join *j, const struct part_file *f, const struct schema *s, const char *path,
                      uint64_t first_row)
{
    struct concat *c = &j->concat;
    unsigned char *longer, *row;
    struct part_rows r;
    int status = part_rows_open(&r, f, path, s, j->error);

    longer = status == 0 ? realloc(c->index, (c->n_index + r.n_rows) * s->row_bytes + 1) : NULL;
    if (longer != NULL) {
        c->index = longer;
        row = c->index + c->n_index * s->row_bytes;
        status = part_rows_read(&r, 0, (size_t)r.n_rows, row, j->error);
        for (uint64_t i = 0; status == 0 && i < r.n_rows; i++, row += s->row_bytes) {
            uint64_t first;

            memcpy(&first, row + s->fields[1].offset, sizeof first);
            first += first_row;
            memcpy(row + s->fields[1].offset, &first, sizeof first);
        }
        c->n_index += r.n_rows;
    } else if (status == 0) {
        status = join_no_memory(j);
    }
    part_rows_close(&r);
    return status;
}

/* Add the counts of a part to those of the parts before, or begin with them. */
static void add_attributes(struct concat *c, struct part_rows *r)
{
    if (c->attributes.n == 0) {
        c->attributes = r->attributes;
        r->attributes = (struct part_attributes){0};
        return;
    }
    for (size_t i = 0; i < c->attributes.n && i < r->attributes.n; i++)
        if (c->attributes.list[i].type == ATTRIBUTE_COUNT)
            c->attributes.list[i].count += r->attributes.list[i].count;
}

static int add_source(struct join *j, const struct part_rows *r)
{
    struct concat *c = &j->concat;
    struct store_source *longer = realloc(c->sources, (c->n_sources + 1) * sizeof *longer);
    char *file = join_path_from_output(j, r->file->path);

    if (longer != NULL)
        c->sources = longer;
    if (longer == NULL || file == NULL) {
        free(file);
        return join_no_memory(j);
    }
    c->sources[c->n_sources++] = (struct store_source){file, r->n_rows};
    return 0;
}

int join_take_concat(struct join *j, const struct part_file *f)
{
    const struct part_input *input = &f->inputs[0];
    struct concat *c = &j->concat;
    char index[INDEX_PATH_BYTES];
    struct part_rows r = {0};
    struct schema s = {0};
    uint64_t first_row = j->out_rows;
    int status = -1;

    if (c->path == NULL) {
        c->group = &j->groups[input->schema];
        c->path = strdup(input->dataset);
        if (c->path == NULL)
            return join_no_memory(j);
    }
    name_index(index, c->path);
    if (join_name_group(j, c->group, f, input->dataset) != 0 || make_index_schema(j, &s) != 0 ||
        part_rows_open(&r, f, c->path, &c->group->schema, j->error) != 0)
        goto out;
    if (j->options->copy) {
        if (join_copy_dataset(j, &r, input) != 0)
            goto out;
    } else {
        if (add_source(j, &r) != 0)
            goto out;
        j->out_rows += r.n_rows;
    }
    add_attributes(c, &r);
    status = read_index(j, f, &s, index, first_row);
out:
    part_rows_close(&r);
    schema_release(&s);
    return status;
}

static int write_index(struct join *j, const char *path)
{
    struct schema s = {0};
    const struct store_dataset dataset = {.path = path, .schema = &s, .layout = STORE_CONTIGUOUS};
    int status = make_index_schema(j, &s);

    if (status == 0 && (store_begin(j->store, &dataset, j->error) != 0 ||
                        store_rows(j->store, j->concat.index, j->concat.n_index, j->error) != 0 ||
                        store_end(j->store, NULL, 0, j->error) != 0))
        status = -1;
    schema_release(&s);
    return status;
}

int join_end_concat(struct join *j, const char *path)
{
    struct concat *c = &j->concat;
    const struct store_dataset dataset = {.path = path, .schema = &c->group->schema, .n_attributes = c->attributes.n,
                                          .attributes = c->attributes.list};
    char index[INDEX_PATH_BYTES];
    int status;

    name_index(index, path);
    if (j->options->copy)
        status = store_end(j->store, c->attributes.list, c->attributes.n, j->error);
    else
        status = store_virtual(j->store, &dataset, c->sources, c->n_sources, j->error);
    return status == 0 ? write_index(j, index) : -1;
}

void join_release_concat(struct concat *c)
{
    for (size_t i = 0; i < c->n_sources; i++)
        free((void *)(uintptr_t)c->sources[i].file);
    free(c->sources);
    free(c->index);
    free(c->path);
    part_attributes_release(&c->attributes);
}
