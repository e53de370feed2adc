/*
 * part.c - a run in parts, each a file of its own.
 */
#include "part.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "message.h"

enum { INPUT_COST = 256 << 10, TROUBLES_TOLD = 10 };

/* ---- choosing -------------------------------------------------------------------------------------------------- */

/* An input's share of the work: its bytes, and what opening it and forking a worker for it costs in bytes. */
static uint64_t weight(const struct input *input)
{
    return input->file_bytes + INPUT_COST;
}

/*
 * The end of the part that begins with input 'first': it takes what it may hold, and leaves an input at least for each
 * part behind it while there are so many.
 */
static size_t end_of_part(const struct inputs *inputs, size_t first, uint64_t most, uint64_t parts_behind)
{
    uint64_t held = 0;
    size_t i = first;

    while (i < inputs->n && weight(&inputs->input[i]) <= most - held && (i == first || inputs->n - i > parts_behind))
        held += weight(&inputs->input[i++]);
    return i;
}

/* True when parts that hold no more than 'most' are enough for all inputs. */
static bool suffices(const struct inputs *inputs, uint64_t n_parts, uint64_t most)
{
    size_t at = 0;

    for (uint64_t part = 0; part < n_parts && at < inputs->n; part++) {
        size_t end = end_of_part(inputs, at, most, n_parts - part - 1);

        if (end == at)
            return false; /* an input alone is too large */
        at = end;
    }
    return at == inputs->n;
}

/* What the largest part must hold at least, by halving. */
static uint64_t least_most(const struct inputs *inputs, uint64_t n_parts)
{
    uint64_t low = 0, high = 0;

    for (size_t i = 0; i < inputs->n; i++)
        high += weight(&inputs->input[i]);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (suffices(inputs, n_parts, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return high;
}

static bool is_ours(const char *dataset)
{
    size_t bytes = strlen(PART_GROUP);

    return strncmp(dataset, PART_GROUP, bytes) == 0 && (dataset[bytes] == '\0' || dataset[bytes] == '/');
}

static int check(const struct inputs *inputs)
{
    size_t n_troubles = 0;

    for (size_t i = 0; i < inputs->n && n_troubles < TROUBLES_TOLD; i++) {
        const struct input *input = &inputs->input[i];

        if (!input->regular)
            message_error("%s: --part wants files: every part looks at all inputs", input->path);
        else if (is_ours(input->dataset))
            message_error("%s would be dataset '%s', where --part keeps its own: name it as NAME=PATH", input->path,
                          input->dataset);
        else
            continue;
        n_troubles++;
    }
    return n_troubles == 0 ? 0 : -1;
}

int part_choose(struct inputs *inputs, const struct options *o)
{
    uint64_t most;
    size_t end = 0;

    if (check(inputs) != 0)
        return -1;
    most = least_most(inputs, o->n_parts);
    for (uint64_t part = 1; part <= o->part; part++) {
        inputs->first = end;
        end = end_of_part(inputs, end, most, o->n_parts - part);
    }
    inputs->end = end;
    inputs->file_bytes = 0;
    for (size_t i = inputs->first; i < inputs->end; i++)
        inputs->file_bytes += inputs->input[i].file_bytes;
    message_detail("part %" PRIu64 " of %" PRIu64 ": %zu of %zu inputs", o->part, o->n_parts,
                   inputs->end - inputs->first, inputs->n);
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void print_digest(char text[PART_DIGEST_BYTES], uint64_t digest)
{
    snprintf(text, PART_DIGEST_BYTES, "%016" PRIx64, digest);
}

/* The whole list, with the sizes: equal in all parts of a run. */
static uint64_t digest_inputs(const struct inputs *inputs)
{
    uint64_t digest = DIGEST_START;
    char size[32];

    for (size_t i = 0; i < inputs->n; i++) {
        snprintf(size, sizeof size, "%" PRIu64, inputs->input[i].file_bytes);
        digest = digest_text(digest, inputs->input[i].path);
        digest = digest_text(digest, inputs->input[i].dataset);
        digest = digest_text(digest, size);
    }
    return digest;
}

struct head {
    size_t n;
    struct store_attribute list[20];
    char inputs[PART_DIGEST_BYTES], options[PART_DIGEST_BYTES];
};

static void add_count(struct head *h, const char *name, uint64_t count)
{
    h->list[h->n++] = (struct store_attribute){.name = name, .type = ATTRIBUTE_COUNT, .count = count};
}

/* Which part of which run, and the options that the join goes by. */
static void make_head(struct head *h, const struct options *o, const struct inputs *inputs, size_t source_bytes)
{
    h->n = 0;
    print_digest(h->inputs, digest_inputs(inputs));
    print_digest(h->options, o->digest);
    add_count(h, "part", o->part);
    add_count(h, "parts", o->n_parts);
    h->list[h->n++] = (struct store_attribute){.name = "all_inputs", .type = ATTRIBUTE_TEXT, .text = h->inputs};
    h->list[h->n++] = (struct store_attribute){.name = "all_options", .type = ATTRIBUTE_TEXT, .text = h->options};
    add_count(h, "shape", o->columns ? SHAPE_COLUMNS : o->matrix ? SHAPE_MATRIX : SHAPE_RECORDS);
    add_count(h, "concat", o->concat != NULL);
    add_count(h, "source_bytes", source_bytes);
    add_count(h, "codec", o->codec);
    add_count(h, "level", (uint64_t)o->level);
    add_count(h, "shuffle", o->shuffle);
    add_count(h, "checksum", o->checksum);
    add_count(h, "chunk_rows", o->chunk_rows);
    add_count(h, "chunk_bytes", o->chunk_bytes);
    if (o->max_errors_given && o->max_errors_percent < 0)
        add_count(h, "max_errors", o->max_errors);
    if (o->max_errors_given && o->max_errors_percent >= 0)
        h->list[h->n++] = (struct store_attribute){.name = "max_errors_percent", .type = ATTRIBUTE_NUMBER,
                                                   .number = o->max_errors_percent};
}

static int no_memory(char error[STORE_ERROR])
{
    snprintf(error, STORE_ERROR, "no memory for the parts");
    return -1;
}

/* A table of that dtype, made and filled: rows are zeros before. */
struct table {
    struct schema schema;
    size_t n;
    unsigned char *rows;
};

static int make_table(struct table *t, const char *dtype, size_t n, char error[STORE_ERROR])
{
    *t = (struct table){.n = n};
    if (schema_parse(&t->schema, dtype, error) != 0 || schema_bind(&t->schema, NULL, 0, 0, error) != 0)
        return -1;
    t->rows = calloc(n + 1, t->schema.row_bytes);
    return t->rows != NULL ? 0 : no_memory(error);
}

static void *cell(const struct table *t, size_t row, size_t field)
{
    return t->rows + row * t->schema.row_bytes + t->schema.fields[field].offset;
}

static int write_table(struct store *store, const char *path, const struct table *t, const struct head *h,
                       char error[STORE_ERROR])
{
    const struct store_dataset dataset = {.path = path, .schema = &t->schema, .layout = STORE_CONTIGUOUS};

    if (store_begin(store, &dataset, error) != 0 ||
        (t->n > 0 && store_rows(store, t->rows, t->n, error) != 0))
        return -1;
    return store_end(store, h != NULL ? h->list : NULL, h != NULL ? h->n : 0, error);
}

static int write_inputs(struct store *store, const struct inputs *inputs, const struct finding *findings,
                        const uint64_t *most_rows, const struct head *h, char error[STORE_ERROR])
{
    size_t longest = 1;
    char dtype[128];
    struct table t;
    int status;

    for (size_t i = inputs->first; i < inputs->end; i++)
        if (strlen(inputs->input[i].dataset) > longest)
            longest = strlen(inputs->input[i].dataset);
    snprintf(dtype, sizeof dtype, "dataset:S%zu,schema:u8,most_rows:u8", longest);
    status = make_table(&t, dtype, inputs->end - inputs->first, error);
    for (size_t i = 0; status == 0 && i < t.n; i++) {
        size_t input = inputs->first + i;
        uint64_t schema = findings[input].schema;

        memcpy(cell(&t, i, 0), inputs->input[input].dataset, strlen(inputs->input[input].dataset));
        memcpy(cell(&t, i, 1), &schema, sizeof schema);
        memcpy(cell(&t, i, 2), &most_rows[input], sizeof most_rows[input]);
    }
    if (status == 0)
        status = write_table(store, PART_INPUTS, &t, h, error);
    free(t.rows);
    schema_release(&t.schema);
    return status;
}

/* The types of each schema as one dtype; its other names and units stand with the datasets. */
static int write_schemas(struct store *store, const struct schemas *schemas, char error[STORE_ERROR])
{
    char **dtypes = calloc(schemas->n + 1, sizeof *dtypes), dtype[64];
    size_t longest = 1;
    struct table t = {.n = 0};
    int status = dtypes != NULL ? 0 : no_memory(error);

    for (size_t g = 0; status == 0 && g < schemas->n; g++) {
        dtypes[g] = schema_full_dtype(&schemas->schema[g]);
        if (dtypes[g] == NULL)
            status = no_memory(error);
        else if (strlen(dtypes[g]) > longest)
            longest = strlen(dtypes[g]);
    }
    snprintf(dtype, sizeof dtype, "dtype:S%zu", longest);
    if (status == 0)
        status = make_table(&t, dtype, schemas->n, error);
    for (size_t g = 0; status == 0 && g < schemas->n; g++)
        memcpy(cell(&t, g, 0), dtypes[g], strlen(dtypes[g]));
    if (status == 0)
        status = write_table(store, PART_SCHEMAS, &t, NULL, error);
    for (size_t g = 0; dtypes != NULL && g < schemas->n; g++)
        free(dtypes[g]);
    free(dtypes);
    free(t.rows);
    schema_release(&t.schema);
    return status;
}

int part_write(struct store *store, const struct options *options, const struct inputs *inputs,
               const struct finding *findings, const struct schemas *schemas, uint64_t n_rows, uint64_t n_rejected,
               const uint64_t *most_rows, size_t source_bytes, char error[STORE_ERROR])
{
    struct head h;

    make_head(&h, options, inputs, source_bytes);
    add_count(&h, "rows", n_rows);
    add_count(&h, "rejected", n_rejected);
    return write_inputs(store, inputs, findings, most_rows, &h, error) == 0 ? write_schemas(store, schemas, error) : -1;
}
