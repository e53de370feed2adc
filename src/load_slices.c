/*
 * load_slices.c - what slices have made: their rows to the store, and into the accounts what became of the rest.
 *
 * All of it happens in the order of the slices: the slice is the head, and the input is the head's.
 */
#include <stdlib.h>
#include <string.h>

#include "load_driver.h"
#include "message.h"
#include "signals.h"

enum { FAILED_INPUTS = 10 }; /* with so many bad inputs no further one is begun */

/* Physical lines of the head's input before the head: the first slice has what is skipped in front of it. */
static uint64_t lines_before(const struct driver *d, size_t slice)
{
    const struct slice *s = slice_of(d, slice);

    if (d->load->placing != NULL)
        return d->load->places[slice].lines_before;
    return s->first ? d->load->findings[s->input].lines_before : d->lines_done;
}

/* ---- storing --------------------------------------------------------------------------------------------------- */

/* Rows are void. */
static void drop_datasets(struct driver *d)
{
    datasets_discard(d->datasets);
    d->datasets = NULL;
}

void driver_fail(struct driver *d)
{
    d->failed = true;
    drop_datasets(d);
}

void driver_give_up(struct driver *d)
{
    driver_fail(d);
    d->stop = true;
}

void driver_say_store_error(const char *error)
{
    if (signals_caught() == 0)
        message_error("%s", error);
}

void driver_fail_store(struct driver *d, const char *error)
{
    driver_say_store_error(error);
    driver_give_up(d);
}

/* Seals are as long as chunks at least, so that few chunks have to be read twice to compare them. */
static void begin_seals(struct driver *d, size_t input)
{
    const struct load *load = d->load;
    const struct schema *schema = schema_of(d, input);
    struct seal none = {.dataset = load->options->concat != NULL ? 0 : (uint32_t)input};
    struct packing packing;

    if (load->seals == NULL || (load->options->concat != NULL && input > load->inputs->first))
        return;
    (void)datasets_packing(&packing, load->options, load->standing, schema);
    if (load->seals->unit_bytes < packing.chunk_rows * schema->row_bytes)
        load->seals->unit_bytes = packing.chunk_rows * schema->row_bytes;
    d->rows_sealed = none.first_row = load->standing->n_rows;
    seals_add(load->seals, &none); /* a dataset without rows has a seal too */
}

/* What the region's rows were when the worker had made them. */
void driver_take_seals(struct driver *d, const struct slot *s)
{
    const struct outcome *o = outcome_of(s);

    if (d->load->seals == NULL || !rows_wanted(d))
        return;
    for (size_t i = 0; i < o->n_seals; i++) {
        struct seal seal = o->seals[i];

        seal.dataset = d->load->options->concat != NULL ? 0 : (uint32_t)slice_of(d, s->slice)->input;
        seal.first_row = d->rows_sealed;
        d->rows_sealed += seal.n_rows;
        seals_add(d->load->seals, &seal);
    }
}

int driver_open_datasets(struct driver *d, char error[STORE_ERROR])
{
    const struct load *load = d->load;

    return datasets_open(&d->datasets, load->options, load->inputs, load->findings, load->schemas, load->standing,
                         error);
}

/* Before the first rows of an input. */
static void begin_input(struct driver *d, size_t input)
{
    char error[STORE_ERROR];

    if (d->datasets != NULL && d->load->placing != NULL)
        datasets_go_to(d->datasets, d->load->places[d->head].first_row);
    if (d->datasets == NULL && driver_open_datasets(d, error) != 0)
        driver_fail_store(d, error);
    else if (datasets_begin(d->datasets, input, &d->load->accounts[input], error) != 0)
        driver_fail_store(d, error);
    begin_seals(d, input);
    d->head_begun = true;
}

/* Rows before the first whole chunk, the chunks, and the rows behind them. Errors 0, or -1 with a sentence. */
static int store_chunks(struct driver *d, const struct slot *s, const struct packing *p, size_t n_rows,
                        char error[STORE_ERROR])
{
    const struct outcome *o = outcome_of(s);
    const struct packed_chunk *chunks = (const struct packed_chunk *)(const void *)(s->region.base + s->at.chunks);
    const unsigned char *at = s->region.base + s->at.rows;
    size_t n_tail = n_rows - o->rows_lead - o->n_chunks * p->chunk_rows;

    if (datasets_rows(d->datasets, at, o->rows_lead, error) != 0)
        return -1;
    at += o->rows_lead * p->row_bytes;
    for (size_t i = 0; i < o->n_chunks; i++, chunks += packer_parts(p), at += p->chunk_rows * p->row_bytes)
        if ((chunks->packed_bytes > 0 ? datasets_packed(d->datasets, at, chunks, error)
                                      : datasets_rows(d->datasets, at, p->chunk_rows, error)) != 0)
            return -1;
    return datasets_rows(d->datasets, at, n_tail, error);
}

static int store_region_rows(struct driver *d, struct slot *s, size_t offset, size_t n_rows, char error[STORE_ERROR])
{
    const struct schema *schema = schema_of(d, slice_of(d, s->slice)->input);
    struct packing packing;

    region_expose(&s->region, offset, n_rows * schema->row_bytes);
    if (datasets_packing(&packing, d->load->options, d->load->standing, schema))
        return store_chunks(d, s, &packing, n_rows, error);
    return datasets_rows(d->datasets, s->region.base + offset, n_rows, error);
}

void driver_take_rows(struct driver *d, struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    size_t row_bytes = schema_of(d, slice->input)->row_bytes;
    size_t ready = __atomic_load_n(&outcome_of(s)->rows_ready, __ATOMIC_ACQUIRE);
    size_t offset = s->at.rows + s->rows_taken * row_bytes;
    char error[STORE_ERROR];

    if (!rows_wanted(d) || outcome_of(s)->misfit)
        return;
    if (!d->head_begun)
        begin_input(d, slice->input);
    if (d->failed || ready <= s->rows_taken)
        return;
    if (store_region_rows(d, s, offset, ready - s->rows_taken, error) != 0)
        driver_fail_store(d, error);
    s->rows_taken = ready;
}

/* They stand at the region's end, the first one last. */
void driver_take_rejects(struct driver *d, struct slot *s)
{
    const struct outcome *o = outcome_of(s);
    const struct slice *slice = slice_of(d, s->slice);
    const unsigned char *end = s->region.base + s->at.rows + s->at.rows_bytes / 8 * 8;
    const unsigned char *at = end - o->rejects_bytes;
    const struct reject **list;
    size_t n = 0;

    if (d->rejects == NULL || o->rejects_bytes == 0)
        return;
    for (const unsigned char *p = at; p < end; p += ((const struct reject *)(const void *)p)->entry_bytes)
        n++;
    list = calloc(n, sizeof *list);
    if (list == NULL) {
        message_error("no memory for the lines that were set aside");
        driver_fail(d);
        return;
    }
    for (size_t i = n; i-- > 0; at += list[i]->entry_bytes)
        list[i] = (const struct reject *)(const void *)at;
    for (size_t i = 0; i < n; i++) {
        struct failure f = list[i]->failure;

        f.line_no += lines_before(d, s->slice);
        rejects_add(d->rejects, d->load->inputs->input[slice->input].path, schema_of(d, slice->input), &f,
                    (const char *)(list[i] + 1), list[i]->text_bytes);
    }
    free(list);
}

/* ---- what a slice came to -------------------------------------------------------------------------------------- */

/* One line for each of the first bad records of the input. They are errors when they are too many to set aside. */
static void tell_failures(struct driver *d, const struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);

    for (uint32_t i = 0; !d->input_lost && i < o->n_failures && d->n_told < OUTCOME_FAILURES; i++, d->n_told++) {
        struct failure f = o->failures[i];

        f.line_no += lines_before(d, s->slice);
        report_failure(d->load->inputs->input[slice->input].path, schema_of(d, slice->input), &f);
    }
}

bool driver_too_many_bad(const struct driver *d, bool at_end)
{
    const struct options *o = d->load->options;

    if (!o->max_errors_given)
        return d->n_bad > 0;
    if (o->max_errors_percent >= 0)
        return at_end && (double)d->n_bad > o->max_errors_percent / 100 * (double)d->n_read;
    return d->n_bad > o->max_errors;
}

void driver_fail_input(struct driver *d)
{
    driver_fail(d);
    if (++d->n_failed_inputs == FAILED_INPUTS)
        d->stop = true;
}

/* Join what the worker saw into what is known of its input: only misfits widen anything. */
static void take_surveys(struct driver *d, const struct slot *s)
{
    size_t input = slice_of(d, s->slice)->input;
    struct finding *f = &d->load->findings[input];
    const struct schema *schema = schema_of(d, input);
    const struct survey *surveys = (const struct survey *)(const void *)(s->region.base + s->at.surveys);
    const uint32_t *longest = (const uint32_t *)(const void *)(s->region.base + s->at.longest);

    if (!d->load->schemas->inferred[f->schema] || d->load->final || f->surveys == NULL)
        return;
    for (size_t i = 0; i < schema->n_columns && i < f->n_columns; i++) {
        struct survey seen = surveys[i];

        seen.line_no += seen.line_no > 0 ? lines_before(d, s->slice) : 0;
        survey_join(&f->surveys[i], &seen);
    }
    for (size_t i = 0; i < schema->n_cells; i++) {
        struct survey *column = &f->surveys[schema->cells[i].column];

        column->longest = longest[i] > column->longest ? longest[i] : column->longest;
    }
}

static void add_to_account(struct driver *d, const struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);
    struct account *a = &d->load->accounts[slice->input];

    a->text_bytes = o->text_to;
    a->file_bytes = o->file_bytes > a->file_bytes ? o->file_bytes : a->file_bytes;
    a->n_lines += o->n_lines;
    a->n_rows += o->n_rows;
    if (d->load->options->max_errors_given) {
        a->n_rejected += o->n_bad;
        a->rejected_lines += o->bad_lines;
    }
    a->n_missing += o->tally.n_missing;
    a->n_overflow += o->tally.n_overflow;
    d->lines_done = lines_before(d, s->slice) + o->n_lines;
    d->n_bad_input += o->n_bad;
    d->n_read += o->n_rows + o->n_bad;
}

static void end_input(struct driver *d, size_t input)
{
    char error[STORE_ERROR];

    if (d->n_told > 0 && d->n_bad_input > d->n_told && !d->input_lost)
        report_more_failures(d->load->inputs->input[input].path, d->n_bad_input - d->n_told);
    if (d->n_bad_input > 0 && driver_too_many_bad(d, false))
        driver_fail_input(d);
    if (rows_wanted(d) && datasets_end(d->datasets, input, &d->load->accounts[input], error) != 0)
        driver_fail_store(d, error);
    d->head_begun = d->input_lost = false;
    d->n_bad_input = d->n_told = 0;
}

/* What makes regions larger, beside more memory: fewer of them. */
static const char *larger_regions(const struct load *load)
{
    if (load->inputs->n == 1 && load->plan->n_regions > 1)
        return ", or --jobs 1 --slice 1T";
    return load->plan->jobs > 2 ? ", or --jobs 1" : "";
}

void driver_fail_slice(struct driver *d, const struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);
    struct failure f = o->fatal;

    if (d->input_lost)
        return;
    d->input_lost = true;
    if (s->wait_status != 0 || o->state != OUTCOME_DONE)
        f = (struct failure){.code = FAILURE_LOST, .sys_errno = s->wait_status, .field = -1};
    if (f.line_no > 0)
        f.line_no += lines_before(d, s->slice);
    if (f.code == FAILURE_TRUNCATED || f.code == FAILURE_CORRUPT || f.code == FAILURE_BEHIND)
        failure_quote(&f, stream_codec_name(d->load->findings[slice->input].codec),
                      strlen(stream_codec_name(d->load->findings[slice->input].codec)));
    if (f.code == FAILURE_LINE_LONG)
        failure_quote(&f, larger_regions(d->load), strlen(larger_regions(d->load)));
    report_failure(d->load->inputs->input[slice->input].path, schema_of(d, slice->input), &f);
    driver_fail_input(d);
}

/* A guess did not hold: whatever has been stored is void. */
static void note_misfit(struct driver *d, const struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    struct account *a = &d->load->accounts[slice->input];
    struct failure f = outcome_of(s)->misfit_at;

    if (!a->parsed_twice && !d->input_lost) {
        f.line_no += lines_before(d, s->slice);
        report_misfit(a->path, schema_of(d, slice->input), &f);
    }
    a->parsed_twice = true;
    d->misfit = true;
    drop_datasets(d);
}

/* Where the slice stands among all, for load_place(). */
static void note_place(const struct driver *d, const struct slot *s)
{
    const struct outcome *o = outcome_of(s);
    const struct slice *slice = slice_of(d, s->slice);
    uint64_t before = 0;

    if (d->load->places == NULL)
        return;
    if (s->slice > 0 && (!slice->first || d->load->options->concat != NULL))
        before = d->load->places[s->slice - 1].first_row + d->load->places[s->slice - 1].n_rows;
    d->load->places[s->slice] = (struct slice_place){o->text_from, before, o->n_rows, lines_before(d, s->slice)};
}

void driver_step_on(struct driver *d, struct slot *s)
{
    d->bytes_done += bytes_taken(d, s);
    d->text_done = has_failed(s) ? LOAD_PLACE_UNKNOWN : outcome_of(s)->text_to;
    s->state = SLOT_FREE;
    d->n_busy--;
    d->head++;
}

void driver_end_slice(struct driver *d, struct slot *s)
{
    const struct slice *slice = slice_of(d, s->slice);
    const struct outcome *o = outcome_of(s);
    const struct options *options = d->load->options;

    note_place(d, s);
    if (has_failed(s)) {
        driver_fail_slice(d, s);
    } else {
        if (o->misfit)
            note_misfit(d, s);
        take_surveys(d, s);
        driver_take_rejects(d, s);
        driver_take_seals(d, s);
        rounded_take(d->load->rounded, d->load->findings[slice->input].schema, slice->input,
                     lines_before(d, s->slice), &o->rounded);
        d->n_bad += o->n_bad;
        if (!options->max_errors_given || options->rejects == NULL || driver_too_many_bad(d, false))
            tell_failures(d, s);
        add_to_account(d, s);
    }
    if (slice->last)
        end_input(d, slice->input);
    driver_step_on(d, s);
}
