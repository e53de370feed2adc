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

#include "join_inside.h"
#include "message.h"
#include "signals.h"

int join_refuse(struct join *j, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    (void)vsnprintf(j->error, sizeof j->error, format, values);
    va_end(values);
    return -1;
}

int join_no_memory(struct join *j)
{
    return join_refuse(j, "no memory for the join");
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

char *join_path_from_output(const struct join *j, const char *path)
{
    char *real = realpath(path, NULL);
    char *relative = real != NULL ? relative_path(j->directory, real) : NULL;

    free(real);
    return relative;
}

/* ---- the second pass ------------------------------------------------------------------------------------------- */

static int copy_inputs(struct join *j, const struct part_file *f)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < f->n_inputs; i++) {
        const struct part_input *input = &f->inputs[i];
        struct group *g = &j->groups[input->schema];
        struct part_rows r = {0};

        if (signals_caught() != 0 || join_name_group(j, g, f, input->dataset) != 0 ||
            part_rows_open(&r, f, input->dataset, &g->schema, j->error) != 0 || join_copy_dataset(j, &r, input) != 0)
            status = -1;
        part_rows_close(&r);
    }
    return status;
}

static int link_inputs(struct join *j, const struct part_file *f)
{
    char *file = join_path_from_output(j, f->path);
    int status = file != NULL ? 0 : join_no_memory(j);

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
        status = join_take_concat(j, &f);
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
        status = join_end_concat(j, j->concat.path);
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

    if (store_check_output(o->output, o->force, j->error) != 0 || join_look_at_parts(j) != 0)
        return -1;
    j->directory = output_directory(o->output);
    if (j->directory == NULL)
        return join_no_memory(j);
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
    join_release_concat(&j->concat);
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
