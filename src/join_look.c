/*
 * join_look.c - the first pass of a join: is all there, is it of one run, and how wide are its types.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "join_inside.h"

enum { CURE_BYTES = 120 };

/* ---- is it all there --------------------------------------------------------------------------------------------- */

/* A second part of the same run? */
static int check_run(struct join *j, const struct part_file *f)
{
    const struct part_file *first = &j->first;

    if (strcmp(f->version, SHMLOAD_VERSION) != 0)
        return join_refuse(j, "%.200s: made by shmload %s, and this is %s: join by that one, or make the parts anew",
                           f->path, f->version, SHMLOAD_VERSION);
    if (f->options.n_parts != first->options.n_parts)
        return join_refuse(j, "%.150s is one of %" PRIu64 " parts and %.150s one of %" PRIu64 ": give those of one run",
                           first->path, first->options.n_parts, f->path, f->options.n_parts);
    if (strcmp(f->all_inputs, first->all_inputs) != 0)
        return join_refuse(j, "%.150s and %.150s are of different runs: the lists of inputs, or their sizes, differ: "
                           "make the parts anew from one list", first->path, f->path);
    if (strcmp(f->all_options, first->all_options) != 0 || f->n_schemas != first->n_schemas)
        return join_refuse(j, "%.150s and %.150s were made with different options: make the parts anew with the same",
                           first->path, f->path);
    return 0;
}

/* Every number once. */
static int check_number(struct join *j, const struct part_file *f, size_t file)
{
    size_t *slot = &j->order[f->options.part - 1];

    if (*slot != SIZE_MAX)
        return join_refuse(j, "%.150s and %.150s are both part %" PRIu64 " of %" PRIu64 ": leave one out",
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
    return join_refuse(j, "part %" PRIu64 " of %" PRIu64 " is missing%s: name its file too, or make it by --part "
                       "%" PRIu64 "/%" PRIu64, first, n_parts, more, first, n_parts);
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
    return join_refuse(j, "%" PRIu64 " bad lines in all parts together, more than --max-errors allows", j->n_rejected);
}

/* ---- types ------------------------------------------------------------------------------------------------------- */

int join_parse_group(struct join *j, struct schema *s, const struct part_file *f, size_t group)
{
    char error[SCHEMA_ERROR];

    if (schema_parse(s, f->dtypes[group], error) != 0)
        return join_refuse(j, "%.200s: %.250s", f->path, error);
    s->shape = f->shape;
    if (schema_bind(s, NULL, 0, 0, error) == 0)
        return 0;
    schema_release(s);
    return join_refuse(j, "%.200s: %.250s", f->path, error);
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
        return schema_bind(&g->schema, NULL, 0, 0, error) == 0 ? 0 : join_refuse(j, "%s", error);
    write_cure(g, cure);
    return join_refuse(j, "%s, by values that no sample had: %smake all parts anew with --dtype '%s'", g->difference,
                  mixed ? "" : "join with --copy, or ", cure);
}

/* The group as its first part has it. */
static int begin_group(struct join *j, struct group *g, const struct part_file *f, size_t group)
{
    if (join_parse_group(j, &g->schema, f, group) != 0)
        return -1;
    g->first = f->path;
    g->columns = calloc(g->schema.n_fields + 1, sizeof *g->columns);
    if (g->columns == NULL)
        return join_no_memory(j);
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
    if (join_parse_group(j, &s, f, group) != 0)
        return -1;
    if (s.n_fields != g->schema.n_fields)
        status = join_refuse(j, "%.150s and %.150s have different columns: make the parts anew", g->first, f->path);
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
        return join_no_memory(j);
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
        return join_no_memory(j);
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

int join_look_at_parts(struct join *j)
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
