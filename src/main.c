/*
 * main.c - text files to one HDF5 file: the whole story.
 *
 * The options name the inputs. A look at each input's text settles its dialect and, where no dtype was given, a guess
 * of its types; from that come the schemas. The plan cuts the work into slices, usually one for each input. For each
 * slice a worker is forked, which turns text into packed records inside an anonymous shared mapping that was made
 * before the fork; the parent takes the records out in the order of the inputs and stores them. Workers know nothing of
 * HDF5, the parent does not parse.
 *
 * A guess that did not hold has cost one pass: the workers have seen all values by then, so the second pass fits. The
 * output is a temporary file until everything in it has been checked and is on the disk; then it gets its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codes.h"
#include "datasets.h"
#include "infer.h"
#include "inputs.h"
#include "join.h"
#include "keep.h"
#include "kernel.h"
#include "resources.h"
#include "load.h"
#include "message.h"
#include "options.h"
#include "outcome.h"
#include "part.h"
#include "plan.h"
#include "rejects.h"
#include "ranks.h"
#include "report.h"
#include "signals.h"
#include "store.h"
#include "together.h"
#include "verify.h"

enum { EXIT_STORED = 0, EXIT_FAILED = 1, EXIT_WRONG = 2, EXIT_SET_ASIDE = 3 };
enum { SAID_AT_MOST = 10 };

/* Everything one run owns. */
struct run {
    struct options options;
    struct inputs inputs;
    struct resources resources;
    const struct kernel_class *kernel_class;
    struct finding *findings;
    struct schemas schemas;
    struct standing standing;
    struct plan plan;
    struct verify verify;    /* --verify */
    struct account *accounts;
    struct rounded_columns rounded;
    char (*delimiters)[8];   /* names of them, as the accounts have them */
    double started;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int say(const char *error)
{
    message_error("%s", error);
    return -1;
}

/* The machine's side: kernel, jobs, memory. */
static int take_stock(struct run *run)
{
    const char *wanted = getenv("SHMLOAD_KERNEL");

    run->kernel_class = kernel_pick(wanted);
    if (run->kernel_class == NULL) {
        message_error("SHMLOAD_KERNEL: no kernel '%s' for this processor; see shmload --version", wanted);
        return -1;
    }
    run->resources = resources_find(run->options.jobs, run->options.memory_bytes);
    message_detail("jobs: %u (%s), memory: %llu MiB (%s), kernel: %s", run->resources.jobs, run->resources.jobs_rule,
                   (unsigned long long)(run->resources.memory_bytes >> 20), run->resources.memory_rule,
                   run->kernel_class->name);
    return 0;
}

/* --matrix with a dtype: the element's. */
static int check_element(const struct schema *typed)
{
    if (typed->n_fields == 1 && typed->fields[0].n_elems == 1 && typed->fields[0].kind != KIND_STRING)
        return 0;
    message_error("--matrix takes one type of numbers for all columns, such as --dtype f8");
    return -1;
}

/* Columns that a dtype on the command line asks for; 0 without one, or where it takes any number. Errors -1, said. */
static int count_typed_columns(const struct options *options, uint32_t *n_columns)
{
    struct schema typed;
    char error[SCHEMA_ERROR];
    int status;

    *n_columns = 0;
    if (options->dtype == NULL)
        return 0;
    if (schema_parse(&typed, options->dtype, error) != 0) {
        message_error("--dtype: %s", error);
        return -1;
    }
    if (!options->matrix)
        *n_columns = (uint32_t)schema_elements(&typed);
    status = options->matrix ? check_element(&typed) : 0;
    schema_release(&typed);
    return status;
}

/* Look at each input. */
static int look(struct run *run, uint32_t typed_columns)
{
    size_t n_failed = 0;

    run->findings = keep_room(run->inputs.n, sizeof *run->findings);
    run->accounts = keep_room(run->inputs.n, sizeof *run->accounts);
    run->delimiters = keep_room(run->inputs.n, sizeof *run->delimiters);
    if (run->findings == NULL || run->accounts == NULL || run->delimiters == NULL)
        return say("no memory");
    for (size_t i = 0; i < run->inputs.n && n_failed < SAID_AT_MOST; i++) {
        struct failure failure = {.field = -1};
        char error[SCHEMA_ERROR] = "";

        if (infer_input(&run->findings[i], &run->inputs.input[i], &run->options, run->options.dtype != NULL,
                        typed_columns, &failure, error) == 0)
            continue;
        n_failed++;
        if (*error != '\0')
            message_place("%s: %s", run->inputs.input[i].path, error);
        else
            report_failure(run->inputs.input[i].path, NULL, &failure);
    }
    if (n_failed == 0)
        infer_tell_others(run->inputs.n);
    infer_close(); /* no worker wants the samples */
    return n_failed == 0 ? 0 : -1;
}

/* Schemas from what has been seen and said, and whether they can be stored. */
static int settle_schemas(struct run *run)
{
    char error[STORE_ERROR];

    if (infer_schemas(&run->schemas, run->findings, &run->inputs, &run->options, error) != 0)
        return say(error);
    if (datasets_check(&run->options, &run->inputs, run->findings, &run->schemas, &run->standing, error) != 0)
        return say(error);
    return 0;
}

/* Each column is a dataset, and all of a table are open at once: the workers get what is left. Errors -1, said. */
static int set_memory_aside(struct run *run)
{
    const uint64_t mib = 1 << 20, needed = datasets_memory(&run->schemas);

    if (needed > run->resources.memory_bytes / 2) {
        message_error("--columns: so many datasets take %llu MiB of memory while they are written, which is too much "
                      "of %llu MiB (%s): take fewer with --usecols, or one with --matrix, or give --memory",
                      (unsigned long long)(needed / mib), (unsigned long long)(run->resources.memory_bytes / mib),
                      run->resources.memory_rule);
        return -1;
    }
    run->resources.memory_bytes -= needed;
    run->resources.aside_bytes = needed;
    return 0;
}

/* What the plan has to know of rows that are very long; types that are found may turn out to be wider. */
static void find_longest_rows(struct run *run)
{
    for (size_t i = 0; i < run->inputs.n; i++) {
        size_t group = run->findings[i].schema;
        const struct schema *s = &run->schemas.schema[group];
        uint64_t wanted = outcome_least_bytes(s);

        if (run->schemas.inferred != NULL && run->schemas.inferred[group])
            wanted += OUTCOME_ROWS * sizeof(double) * s->n_cells;
        if (wanted <= run->resources.region_bytes)
            continue;
        run->resources.region_bytes = wanted;
        run->resources.widest = run->inputs.input[i].path;
    }
}

static int settle_again(void *user)
{
    return settle_schemas(user);
}

/* One pass over all inputs; a second one where a guess did not hold. */
static enum load_result load(struct run *run, struct store **store, struct rejects **rejects)
{
    struct load job = {
        .options = &run->options,
        .inputs = &run->inputs,
        .findings = run->findings,
        .schemas = &run->schemas,
        .plan = &run->plan,
        .standing = &run->standing,
        .kernel_class = run->kernel_class,
        .accounts = run->accounts,
        .rounded = &run->rounded,
        .seals = run->options.verify ? &run->verify.seals : NULL,
    };
    enum load_result result;

    if (ranks_n() > 1)
        return together_load(&job, &run->plan, settle_again, run, store);
    result = load_run(&job, store, rejects);
    if (result != LOAD_MISFIT)
        return result;
    if (settle_schemas(run) != 0)
        return LOAD_FAILED;
    message_detail("a guessed type did not hold: reading once more with wider ones");
    job.final = true;
    return load_run(&job, store, rejects);
}

static void name_delimiters(struct run *run)
{
    for (size_t i = 0; i < run->inputs.n; i++)
        run->accounts[i].delimiter = infer_delimiter_name(run->findings[i].dialect.delimiter, run->delimiters[i]);
}

/* --verify: compare what is in the file with what the workers made. Errors -1, said */
static int read_back(struct run *run, struct store *store)
{
    struct verify *v = &run->verify;
    char error[STORE_ERROR];

    v->options = &run->options;
    v->inputs = &run->inputs;
    v->findings = run->findings;
    v->schemas = &run->schemas;
    v->jobs = run->plan.jobs;
    v->memory_bytes = run->resources.memory_bytes;
    if (store_settle(store, error) != 0)
        return say(error);
    v->path = store_temporary(store);
    if (verify_file(v, error) == 0)
        return 0;
    return *error != '\0' ? say(error) : -1; /* a signal says nothing */
}

/* The closing account. The output has its name by now. Errors -1: standard output did not take it. */
static int tell(struct run *run, uint64_t output_bytes)
{
    const struct options *o = &run->options;
    struct run_account account = {
        .n_inputs = run->inputs.end - run->inputs.first,
        .inputs = run->accounts + run->inputs.first,
        .output = o->dry_run ? NULL : o->output,
        .output_bytes = output_bytes,
        .seconds = now() - run->started,
        .stored = !o->dry_run,
        .kernel = run->kernel_class->name,
        .jobs = run->plan.jobs,
        .verified = o->verify && !o->dry_run,
    };
    int result = 0;

    if (!ranks_lead())
        return 0;
    name_delimiters(run);
    if (o->json)
        result = report_json(&account);
    else if (o->dry_run)
        result = report_dry_run(&account);
    if (!o->dry_run)
        report_account(&account, o->verbose);
    if (result == 0)
        return 0;
    if (o->dry_run)
        return say("standard output does not take the account");
    message_error("standard output does not take the account; %s is complete", o->output);
    return -1;
}

static uint64_t count_rejected(const struct run *run)
{
    uint64_t n = 0;

    for (size_t i = 0; i < run->inputs.n; i++)
        n += run->accounts[i].n_rejected;
    return n;
}

/*
 * Give the files their names, the output first: lines set aside beside no output would be worse than the reverse.
 * Errors -1, said.
 */
static int commit(struct run *run, struct store *store, struct rejects *rejects, uint64_t *output_bytes)
{
    char error[STORE_ERROR];

    if (store != NULL && run->options.verify && read_back(run, store) != 0) {
        store_discard(store);
        rejects_discard(rejects);
        return -1;
    }
    if (store != NULL && store_commit(store, output_bytes, error) != 0) {
        rejects_discard(rejects);
        return say(error);
    }
    if (rejects_commit(rejects) == 0)
        return 0;
    message_error("%s is complete, but the lines that were set aside are not kept", run->options.output);
    return -1;
}

/* The parts that other runs have made, to one file. Returns the exit status. */
static int do_join(const struct options *options)
{
    uint64_t n_rejected;

    signals_hold();
    if (join_run(options, &n_rejected) != 0)
        return EXIT_FAILED;
    return n_rejected > 0 ? EXIT_SET_ASIDE : EXIT_STORED;
}

/* All that comes before the first worker, but the plan. Errors -1, said */
static int prepare(struct run *run, uint32_t typed_columns)
{
    const struct options *o = &run->options;
    char error[STORE_ERROR];

    if (take_stock(run) != 0 || inputs_collect(&run->inputs, o) != 0 ||
        ranks_check(o, &run->inputs) != 0)
        return -1;
    if (o->part > 0 && part_choose(&run->inputs, o) != 0)
        return -1;
    if (!o->dry_run && store_check_output(o->output, o->force || o->append, error) != 0)
        return say(error);
    if (look(run, typed_columns) != 0 || settle_schemas(run) != 0 || set_memory_aside(run) != 0)
        return -1;
    find_longest_rows(run);
    return 0;
}

/* All but the signals and the release. Returns the exit status. */
static int do_run(struct run *run)
{
    struct store *store = NULL;
    struct rejects *rejects = NULL;
    uint32_t typed_columns;
    uint64_t output_bytes = 0; /* of a dry run */
    char error[STORE_ERROR];
    enum load_result result;

    if (count_typed_columns(&run->options, &typed_columns) != 0)
        return EXIT_WRONG;
    if (ranks_agree(prepare(run, typed_columns)) != 0)
        return EXIT_FAILED;
    ranks_share(&run->options, &run->resources);
    if (plan_make(&run->plan, &run->inputs, run->findings, &run->options, &run->resources, error) != 0) {
        message_error("%s", error);
        return EXIT_FAILED;
    }
    if (run->options.verify && verify_init(&run->verify, run->inputs.n) != 0) {
        message_error("no memory");
        return EXIT_FAILED;
    }
    signals_hold();
    result = load(run, &store, &rejects);
    if (result != LOAD_DONE || signals_caught() != 0) {
        store_discard(store);
        rejects_discard(rejects);
        return EXIT_FAILED;
    }
    if (ranks_agree(commit(run, store, rejects, &output_bytes)) != 0)
        return EXIT_FAILED;
    codes_tell(&run->schemas, run->findings, &run->inputs, &run->options);
    rounded_tell(&run->rounded, &run->schemas, run->findings, &run->inputs, &run->options);
    if (tell(run, output_bytes) != 0)
        return EXIT_FAILED;
    return count_rejected(run) > 0 ? EXIT_SET_ASIDE : EXIT_STORED;
}

static void release(struct run *run)
{
    plan_release(&run->plan);
    verify_release(&run->verify);
    schemas_release(&run->schemas);
    standing_release(&run->standing);
    for (size_t i = 0; run->findings != NULL && i < run->inputs.n; i++)
        finding_release(&run->findings[i]);
    inputs_release(&run->inputs);
    keep_release();
    options_release(&run->options);
}

/*
 * Descriptors 0 to 2 that came closed are opened on nothing, and the wrong way round, so that their use is an error
 * still: otherwise the output could get one of these numbers, and messages with it.
 */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
    struct run run = {.started = now()};
    enum options_result wish;
    int status, signal;

    mallopt(M_MXFAST, 0); /* no fastbins, which the first large malloc() of a worker walks, copying their pages */
    fill_standard_descriptors();
    if (ranks_begin(&argc, &argv) != 0)
        return EXIT_FAILED;
    wish = options_parse(&run.options, argc, argv);
    if (wish == OPTIONS_RUN && ranks_check(&run.options, NULL) != 0)
        wish = OPTIONS_WRONG;
    if (ranks_agree(wish == OPTIONS_WRONG ? -1 : 0) != 0)
        wish = OPTIONS_WRONG;
    if (wish != OPTIONS_RUN) {
        options_release(&run.options);
        return ranks_end(wish == OPTIONS_DONE ? EXIT_STORED : EXIT_WRONG);
    }
    message_level(run.options.quiet, run.options.verbose);
    signals_ignore();
    status = ranks_end(run.options.join ? do_join(&run.options) : do_run(&run));
    release(&run);
    signal = signals_caught();
    signals_release(); /* one that still waits ends us here */
    if (signal != 0)
        raise(signal);
    return status;
}
