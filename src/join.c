/*
 * join.c - the parts of a run to one file.
 *
 * Two passes. The first opens each part for a moment: is it one, of this run, given once; and how wide are its types.
 * Types were guessed from samples of all inputs, so parts agree but for columns in which a part met a value that no
 * sample had. The second pass goes through the parts in their order, and through the inputs of each in theirs: so the
 * store is asked for the same things in the same order as by one run over all inputs, and a copy has the same bytes.
 */
#include "join.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "datasets.h"
#include "inputs.h"
#include "message.h"
#include "part_file.h"
#include "signals.h"
#include "store.h"

enum { BLOCK_BYTES = 4 << 20, INDEX_PATH_BYTES = 4096, DIFFERENCE_BYTES = 300, CURE_BYTES = 120 };

/* What the parts have of a field: the widest type, and whether all have just this. */
struct column {
    bool differs;
    bool mixed;              /* also numbers and strings, or kinds of numbers */
    enum kind kind;
    uint32_t bytes;
};

/* One schema of the run: that of the inputs with the same columns. */
struct group {
    const char *first;       /* the first part that has inputs of it, NULL: none */
    struct schema schema;    /* as that part has it, and settled as wide as all need it */
    struct column *columns;  /* its fields */
    char difference[DIFFERENCE_BYTES]; /* between parts, "": none */
    char **units;            /* of its fields; NULL: not read yet */
};

/* The one dataset of --concat, part by part. */
struct concat {
    char *path;              /* NULL: no part with rows has come */
    bool begun;              /* with copy: the store has it */
    struct group *group;
    struct part_attributes attributes; /* of its first part, with the sums of all so far */
    size_t n_index;
    unsigned char *index;    /* rows of the index, as they will be stored */
    size_t n_sources;
    struct store_source *sources; /* without copy: one for each part that has rows; files are owned */
};

struct join {
    const struct options *options;
    struct inputs files;
    size_t *order;           /* file of each part, SIZE_MAX: none */
    struct part_file first;  /* what all parts have alike: of the first file; its path is NULL before */
    size_t n_groups;
    struct group *groups;
    uint64_t n_inputs, n_rows, n_rejected;
    struct store *store;
    struct concat concat;
    uint64_t out_rows;       /* of the dataset that is being written */
    char *directory;         /* of the output, without links */
    unsigned char *block;
    size_t block_bytes;
    struct packed_chunk *chunks; /* room for those of one chunk of rows */
    char error[STORE_ERROR];
};

static int __attribute__((format(printf, 2, 3))) refuse(struct join *j, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    (void)vsnprintf(j->error, sizeof j->error, format, values);
    va_end(values);
    return -1;
}

static int no_memory(struct join *j)
{
    return refuse(j, "no memory for the join");
}

/* ---- the first pass: is it all there --------------------------------------------------------------------------- */

/* A second part of the same run? */
static int check_run(struct join *j, const struct part_file *f)
{
    const struct part_file *first = &j->first;

    if (strcmp(f->version, SHMLOAD_VERSION) != 0)
        return refuse(j, "%.200s: made by shmload %s, and this is %s: join by that one, or make the parts anew",
                      f->path, f->version, SHMLOAD_VERSION);
    if (f->options.n_parts != first->options.n_parts)
        return refuse(j, "%.150s is one of %" PRIu64 " parts and %.150s one of %" PRIu64 ": give those of one run",
                      first->path, first->options.n_parts, f->path, f->options.n_parts);
    if (strcmp(f->all_inputs, first->all_inputs) != 0)
        return refuse(j, "%.150s and %.150s are of different runs: the lists of inputs, or their sizes, differ: make "
                      "the parts anew from one list", first->path, f->path);
    if (strcmp(f->all_options, first->all_options) != 0 || f->n_schemas != first->n_schemas)
        return refuse(j, "%.150s and %.150s were made with different options: make the parts anew with the same",
                      first->path, f->path);
    return 0;
}

/* Every number once. */
static int check_number(struct join *j, const struct part_file *f, size_t file)
{
    size_t *slot = &j->order[f->options.part - 1];

    if (*slot != SIZE_MAX)
        return refuse(j, "%.150s and %.150s are both part %" PRIu64 " of %" PRIu64 ": leave one out",
                      j->files.input[*slot].path, f->path, f->options.part, f->options.n_parts);
    *slot = file;
    return 0;
}

static int check_complete(struct join *j)
{
    uint64_t n_missing = 0, first = 0, n_parts = j->first.options.n_parts;
    char more[64] = "";

    for (uint64_t part = n_parts; part > 0; part--)
        if (j->order[part - 1] == SIZE_MAX) {
            first = part;
            n_missing++;
        }
    if (n_missing == 0)
        return 0;
    if (n_missing > 1)
        snprintf(more, sizeof more, ", and %" PRIu64 " more", n_missing - 1);
    return refuse(j, "part %" PRIu64 " of %" PRIu64 " is missing%s: name its file too, or make it by --part %" PRIu64
                  "/%" PRIu64, first, n_parts, more, first, n_parts);
}

/* Limits of bad lines are those of the whole run. */
static int check_rejected(struct join *j)
{
    const struct options *o = &j->first.options;
    bool too_many = j->n_rejected > o->max_errors;

    if (!o->max_errors_given)
        return 0;
    if (o->max_errors_percent >= 0)
        too_many = (double)j->n_rejected > o->max_errors_percent / 100 * (double)(j->n_rows + j->n_rejected);
    if (!too_many)
        return 0;
    return refuse(j, "%" PRIu64 " bad lines in all parts together, more than --max-errors allows", j->n_rejected);
}

/* ---- the first pass: types ------------------------------------------------------------------------------------- */

static int parse_group(struct join *j, struct schema *s, const struct part_file *f, size_t group)
{
    char error[SCHEMA_ERROR];

    if (schema_parse(s, f->dtypes[group], error) != 0)
        return refuse(j, "%.200s: %.250s", f->path, error);
    s->shape = f->shape;
    if (schema_bind(s, NULL, 0, 0, error) == 0)
        return 0;
    schema_release(s);
    return refuse(j, "%.200s: %.250s", f->path, error);
}

/* Of a string and a number the string, of a fraction and an integer the fraction. */
static int rank_of(enum kind kind)
{
    return kind == KIND_STRING ? 3 : kind == KIND_FLOAT ? 2 : kind == KIND_UINT ? 1 : 0;
}

/* Take what one more part has of a column. */
static void widen(struct column *c, const struct field *f)
{
    c->differs = c->differs || f->kind != c->kind || f->elem_bytes != c->bytes;
    c->mixed = c->mixed || f->kind != c->kind;
    if (rank_of(f->kind) > rank_of(c->kind))
        c->bytes = 0;
    if (rank_of(f->kind) >= rank_of(c->kind)) {
        c->kind = f->kind;
        c->bytes = f->elem_bytes > c->bytes ? f->elem_bytes : c->bytes;
    }
}

/* Note where the first difference is. */
static void note_difference(struct group *g, const struct field *a, const struct field *b, const char *path)
{
    if (g->difference[0] == '\0' && (a->kind != b->kind || a->elem_bytes != b->elem_bytes))
        snprintf(g->difference, sizeof g->difference, "'%.60s' is %c%" PRIu32 " in %.90s and %c%" PRIu32 " in %.90s",
                 a->name, (char)a->kind, a->elem_bytes, g->first, (char)b->kind, b->elem_bytes, path);
}

/* The types for --dtype that hold the values of all parts, as far as there is room. */
static void write_cure(const struct group *g, char cure[CURE_BYTES])
{
    size_t used = 0;

    for (size_t i = 0; i < g->schema.n_fields; i++) {
        const struct column *c = &g->columns[i];
        bool string = c->kind == KIND_STRING, matrix = g->schema.shape == SHAPE_MATRIX;
        int n = !c->differs ? 0 : snprintf(cure + used, CURE_BYTES - used, "%s%s%s%c%" PRIu32 "%s", used > 0 ? "," : "",
                                           matrix ? "" : g->schema.fields[i].name, matrix ? "" : "=", (char)c->kind,
                                           string ? c->bytes : 8, string ? "+" : "");

        if (n < 0 || (size_t)n >= CURE_BYTES - used) {
            cure[used] = '\0';
            return;
        }
        used += (size_t)n;
    }
}

/*
 * Where parts differ, a copy can widen strings and integers of one sign without a look at the text. Errors -1: they
 * differ otherwise, or there is to be no copy
 */
static int settle_group(struct join *j, struct group *g)
{
    char cure[CURE_BYTES] = "", error[SCHEMA_ERROR];
    bool mixed = false;

    if (g->difference[0] == '\0')
        return 0;
    for (size_t i = 0; i < g->schema.n_fields; i++) {
        mixed = mixed || g->columns[i].mixed;
        g->schema.fields[i].elem_bytes = g->columns[i].bytes;
    }
    if (j->options->copy && !mixed)
        return schema_bind(&g->schema, NULL, 0, 0, error) == 0 ? 0 : refuse(j, "%s", error);
    write_cure(g, cure);
    return refuse(j, "%s, by values that no sample had: %smake all parts anew with --dtype '%s'", g->difference,
                  mixed ? "" : "join with --copy, or ", cure);
}

/* The group as its first part has it. */
static int begin_group(struct join *j, struct group *g, const struct part_file *f, size_t group)
{
    if (parse_group(j, &g->schema, f, group) != 0)
        return -1;
    g->first = f->path;
    g->columns = calloc(g->schema.n_fields + 1, sizeof *g->columns);
    if (g->columns == NULL)
        return no_memory(j);
    for (size_t i = 0; i < g->schema.n_fields; i++)
        g->columns[i] = (struct column){.kind = g->schema.fields[i].kind, .bytes = g->schema.fields[i].elem_bytes};
    return 0;
}

static int take_group(struct join *j, const struct part_file *f, size_t group)
{
    struct group *g = &j->groups[group];
    struct schema s;
    int status = 0;

    if (g->first == NULL)
        return begin_group(j, g, f, group);
    if (parse_group(j, &s, f, group) != 0)
        return -1;
    if (s.n_fields != g->schema.n_fields)
        status = refuse(j, "%.150s and %.150s have different columns: make the parts anew", g->first, f->path);
    for (size_t i = 0; status == 0 && i < s.n_fields; i++) {
        note_difference(g, &g->schema.fields[i], &s.fields[i], f->path);
        widen(&g->columns[i], &s.fields[i]);
    }
    schema_release(&s);
    return status;
}

/* The types of the inputs that the part has. */
static int take_groups(struct join *j, const struct part_file *f)
{
    bool *seen = calloc(f->n_schemas + 1, sizeof *seen);
    int status = 0;

    if (seen == NULL)
        return no_memory(j);
    for (size_t i = 0; status == 0 && i < f->n_inputs; i++) {
        size_t group = (size_t)f->inputs[i].schema;

        if (!seen[group])
            status = take_group(j, f, group);
        seen[group] = true;
    }
    free(seen);
    return status;
}

/* What the first file says stands for all. */
static int take_first(struct join *j, const char *path)
{
    if (part_file_open(&j->first, path, j->error) != 0)
        return -1;
    j->n_groups = j->first.n_schemas;
    j->groups = calloc(j->n_groups + 1, sizeof *j->groups);
    j->order = malloc(j->first.options.n_parts * sizeof *j->order);
    if (j->groups == NULL || j->order == NULL)
        return no_memory(j);
    for (uint64_t i = 0; i < j->first.options.n_parts; i++)
        j->order[i] = SIZE_MAX;
    return 0;
}

static int look_at(struct join *j, size_t file)
{
    struct part_file f;
    int status;

    if (part_file_open(&f, j->files.input[file].path, j->error) != 0)
        return -1;
    status = check_run(j, &f) != 0 || check_number(j, &f, file) != 0 || take_groups(j, &f) != 0 ? -1 : 0;
    j->n_inputs += f.n_inputs;
    j->n_rows += f.n_rows;
    j->n_rejected += f.n_rejected;
    part_file_close(&f);
    return status;
}

static int look_at_all(struct join *j)
{
    int status = take_first(j, j->files.input[0].path);

    for (size_t i = 0; status == 0 && i < j->files.n; i++)
        status = look_at(j, i);
    if (status != 0 || check_complete(j) != 0 || check_rejected(j) != 0)
        return -1;
    for (size_t g = 0; g < j->n_groups; g++)
        if (settle_group(j, &j->groups[g]) != 0)
            return -1;
    return 0;
}

/* ---- paths ----------------------------------------------------------------------------------------------------- */

/* The folder of the output, which need not be there yet itself. Owner the caller. Errors NULL */
static char *output_directory(const char *output)
{
    const char *slash = strrchr(output, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(output, slash == output ? 1 : (size_t)(slash - output));
    char *real = folder != NULL ? realpath(folder, NULL) : NULL;

    free(folder);
    return real;
}

/* The path of a file as seen from a folder, both absolute. Owner the caller. Errors NULL */
static char *relative_path(const char *folder, const char *path)
{
    size_t common = 0, n_up = 0, i;
    char *relative, *to;

    for (i = 0; folder[i] != '\0' && folder[i] == path[i]; i++)
        if (path[i] == '/')
            common = i + 1;
    if (folder[i] == '\0' && path[i] == '/')
        common = i + 1;
    for (i = common; i < strlen(folder); i++)
        n_up += i == common || folder[i] == '/';
    relative = to = malloc(3 * n_up + strlen(path + common) + 1);
    if (relative == NULL)
        return NULL;
    for (i = 0; i < n_up; i++, to += 3)
        memcpy(to, "../", 3);
    memcpy(to, path + common, strlen(path + common) + 1);
    return relative;
}

/* A part as the output will look for it. Owner the caller. Errors NULL */
static char *path_from_output(const struct join *j, const char *path)
{
    char *real = realpath(path, NULL);
    char *relative = real != NULL ? relative_path(j->directory, real) : NULL;

    free(real);
    return relative;
}

/* ---- the second pass: rows ------------------------------------------------------------------------------------- */

/* Units and names of a group, from the first dataset of it. */
static int name_group(struct join *j, struct group *g, const struct part_file *f, const char *path)
{
    if (g->units != NULL)
        return 0;
    g->units = calloc(g->schema.n_fields + 1, sizeof *g->units);
    return g->units == NULL ? no_memory(j) : part_file_names(f, path, &g->schema, g->units, j->error);
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
    return j->block != NULL && j->chunks != NULL ? 0 : no_memory(j);
}

/* True when the part's chunks can stand in the output as they are. */
static bool same_chunks(struct join *j, const struct part_rows *r, size_t group, const struct packing *p)
{
    struct schema s;
    bool same;

    if (p->chunk_rows == 0 || r->chunk_rows != p->chunk_rows || j->out_rows % p->chunk_rows != 0 ||
        parse_group(j, &s, r->file, group) != 0)
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

static int copy_dataset(struct join *j, struct part_rows *r, const struct part_input *input)
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

/* ---- the second pass: a concatenation -------------------------------------------------------------------------- */

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
    return refuse(j, "%s", error);
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
        status = no_memory(j);
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
    char *file = path_from_output(j, r->file->path);

    if (longer != NULL)
        c->sources = longer;
    if (longer == NULL || file == NULL) {
        free(file);
        return no_memory(j);
    }
    c->sources[c->n_sources++] = (struct store_source){file, r->n_rows};
    return 0;
}

/* The rows of a part, or where they are. */
static int take_concat(struct join *j, const struct part_file *f)
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
            return no_memory(j);
    }
    name_index(index, c->path);
    if (name_group(j, c->group, f, input->dataset) != 0 || make_index_schema(j, &s) != 0 ||
        part_rows_open(&r, f, c->path, &c->group->schema, j->error) != 0)
        goto out;
    if (j->options->copy) {
        if (copy_dataset(j, &r, input) != 0)
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

static int end_concat(struct join *j, const char *path)
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

static void release_concat(struct concat *c)
{
    for (size_t i = 0; i < c->n_sources; i++)
        free((void *)(uintptr_t)c->sources[i].file);
    free(c->sources);
    free(c->index);
    free(c->path);
    part_attributes_release(&c->attributes);
}

/* ---- the second pass ------------------------------------------------------------------------------------------- */

static int copy_inputs(struct join *j, const struct part_file *f)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < f->n_inputs; i++) {
        const struct part_input *input = &f->inputs[i];
        struct group *g = &j->groups[input->schema];
        struct part_rows r = {0};

        if (signals_caught() != 0 || name_group(j, g, f, input->dataset) != 0 ||
            part_rows_open(&r, f, input->dataset, &g->schema, j->error) != 0 || copy_dataset(j, &r, input) != 0)
            status = -1;
        part_rows_close(&r);
    }
    return status;
}

static int link_inputs(struct join *j, const struct part_file *f)
{
    char *file = path_from_output(j, f->path);
    int status = file != NULL ? 0 : no_memory(j);

    for (size_t i = 0; status == 0 && i < f->n_inputs; i++)
        status = store_link(j->store, f->inputs[i].dataset, file, j->error);
    free(file);
    return status;
}

static int take_part(struct join *j, size_t file)
{
    struct part_file f;
    int status = 0;

    if (signals_caught() != 0 || part_file_open(&f, j->files.input[file].path, j->error) != 0)
        return -1;
    if (f.n_inputs > 0 && j->first.concat)
        status = take_concat(j, &f);
    else
        status = j->options->copy ? copy_inputs(j, &f) : link_inputs(j, &f);
    part_file_close(&f);
    return status;
}

/* Who made the file, and --attr: as the first part has it. */
static int sign(struct join *j)
{
    struct part_attributes a;
    int status = part_file_attributes(&j->first, &a, j->error);

    for (size_t i = 0; status == 0 && i < a.n; i++)
        status = store_root_attribute(j->store, &a.list[i], j->error);
    part_attributes_release(&a);
    return status;
}

static int take_all(struct join *j)
{
    int status = sign(j);

    for (uint64_t i = 0; status == 0 && i < j->first.options.n_parts; i++)
        status = take_part(j, j->order[i]);
    if (status == 0 && j->concat.path != NULL)
        status = end_concat(j, j->concat.path);
    return status == 0 && signals_caught() == 0 ? 0 : -1;
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The files of the arguments and of --files-from. They are no tables: their names may be alike. */
static int collect(struct join *j)
{
    struct options listing = *j->options;

    listing.concat = "parts";
    return inputs_collect(&j->files, &listing);
}

static int make(struct join *j, uint64_t *output_bytes)
{
    const struct options *o = j->options;
    struct store *store;
    size_t together = 1;

    if (store_check_output(o->output, o->force, j->error) != 0 || look_at_all(j) != 0)
        return -1;
    j->directory = output_directory(o->output);
    if (j->directory == NULL)
        return no_memory(j);
    if (j->n_groups > 0 && j->groups[0].schema.shape == SHAPE_COLUMNS)
        together = j->groups[0].schema.n_fields;
    if (store_create(&j->store, o->output, o->force, together, j->error) != 0 || take_all(j) != 0)
        return -1;
    store = j->store;
    j->store = NULL;
    return store_commit(store, output_bytes, j->error);
}

static void release_group(struct group *g)
{
    for (size_t i = 0; g->units != NULL && i < g->schema.n_fields; i++)
        free(g->units[i]);
    free(g->units);
    free(g->columns);
    schema_release(&g->schema);
}

static void release(struct join *j)
{
    store_discard(j->store);
    release_concat(&j->concat);
    for (size_t g = 0; j->groups != NULL && g < j->n_groups; g++)
        release_group(&j->groups[g]);
    free(j->groups);
    free(j->order);
    free(j->directory);
    free(j->block);
    free(j->chunks);
    part_file_close(&j->first);
    inputs_release(&j->files);
}

static void tell(const struct join *j, uint64_t output_bytes, double seconds)
{
    message_notice("%" PRIu64 " parts with %" PRIu64 " inputs, %" PRIu64 " rows%s -> %s (%" PRIu64 " bytes) in %.2f s",
                   j->first.options.n_parts, j->n_inputs, j->n_rows, j->options->copy ? " copied" : " linked",
                   j->options->output, output_bytes, seconds);
}

int join_run(const struct options *options, uint64_t *n_rejected)
{
    struct join j = {.options = options};
    double begun = now();
    uint64_t output_bytes = 0;
    int status = -1;

    if (collect(&j) == 0) {
        status = make(&j, &output_bytes);
        if (status == 0)
            tell(&j, output_bytes, now() - begun);
        else if (signals_caught() == 0)
            message_error("%s", j.error);
    }
    *n_rejected = j.n_rejected;
    release(&j);
    return status;
}
