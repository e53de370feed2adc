/*
 * datasets.c - which dataset the rows of an input go to, in which layout, with which attributes.
 *
 * The layout follows from the inputs and the options alone, never from how the work was divided: the same command gives
 * the same bytes.
 */
#include "datasets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "message.h"
#include "part.h"
#include "plan.h"

enum {
    FEW_DATASETS = 256,            /* open together in what the parent has anyway */
    CHUNK_BYTES = 1 << 20,         /* of a chunk, where it is left to us */
    COLUMNS_CHUNK_BYTES = 4 << 20, /* as columns: of all columns' chunks together */
    CHUNK_BYTES_MOST = 1 << 30,
    SMALL_BYTES = 2 << 20,
    ATTRIBUTES = 8,
    TEXT_BYTES = 4096,
};

/* One input's row in the index of a concatenation. */
struct index_row {
    uint64_t first_row, n_rows;
};

struct datasets {
    struct store *store;
    const struct options *options;
    const struct inputs *inputs;
    const struct finding *findings;
    const struct schemas *schemas;
    const struct standing *standing;
    struct placing *placing;   /* NULL: rows go to the store */
    uint64_t next_row;         /* placing: of the dataset */
    bool reserves;             /* the rows are others' business */

    bool all_plain;            /* --concat: every input is a plain file */
    bool begun;                /* --concat: the one dataset is */
    /* of all inputs so far, and with --concat what stands already */
    uint64_t n_rows, n_rejected, text_bytes;
    struct index_row *index;   /* --concat: one for each input */

    bool small;                /* this input's rows wait here until all have come: they are stored at once */
    unsigned char *waiting;    /* room for SMALL_BYTES */
    size_t n_waiting, row_bytes, chunk_rows;
};

/* The attributes of one dataset, and the room for their texts. */
struct attributes {
    size_t n;
    struct store_attribute list[ATTRIBUTES];
    char source[TEXT_BYTES], missing[TEXT_BYTES], fill[TEXT_BYTES];
};

/* ---- attributes ------------------------------------------------------------------------------------------------ */

static struct store_attribute *add(struct attributes *a, const char *name, enum attribute_type type)
{
    a->list[a->n] = (struct store_attribute){.name = name, .type = type};
    return &a->list[a->n++];
}

/* The path of the text: a suffix that only tells how it was packed is left out, so x.gz and x.xz give the same file. */
static void write_source(char text[TEXT_BYTES], const struct input *input)
{
    size_t n = inputs_unpacked_bytes(input->path);

    snprintf(text, TEXT_BYTES, "%.*s", (int)(n < TEXT_BYTES ? n : TEXT_BYTES - 1), input->path);
}

static size_t append(char text[TEXT_BYTES], size_t used, const char *name, const char *value, size_t value_bytes)
{
    int n = snprintf(text + used, TEXT_BYTES - used, "%s%s=%.*s", used > 0 ? "," : "", name, (int)value_bytes, value);

    return n < 0 || (size_t)n >= TEXT_BYTES - used ? TEXT_BYTES - 1 : used + (size_t)n;
}

static bool is_whole_number_kind(enum kind kind)
{
    return kind == KIND_INT || kind == KIND_UINT;
}

/*
 * Numeric codes for missing values that stay in integer columns. One code for all of them is a number; codes that
 * differ from column to column are a text, 'column=code' with commas between.
 */
static void add_missing(struct attributes *a, const struct schema *s)
{
    const struct missing_token *only = NULL;
    bool several = false;
    size_t used = 0;

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct missing *m = &s->fields[i].missing;

        for (size_t k = 0; is_whole_number_kind(s->fields[i].kind) && !m->has_fill && k < m->n_tokens; k++) {
            if (!m->tokens[k].is_number)
                continue;
            several = several || (only != NULL && only->value != m->tokens[k].value);
            only = &m->tokens[k];
            used = append(a->missing, used, s->fields[i].name, m->tokens[k].text, m->tokens[k].bytes);
        }
    }
    if (several)
        add(a, "missing_value", ATTRIBUTE_TEXT)->text = a->missing;
    else if (only != NULL)
        add(a, "missing_value", ATTRIBUTE_NUMBER)->number = only->value;
}

static void add_fill(struct attributes *a, const struct schema *s)
{
    size_t used = 0;

    for (size_t i = 0; i < s->n_fields; i++)
        if (s->fields[i].missing.has_fill)
            used = append(a->fill, used, s->fields[i].name, s->fields[i].missing.fill_text,
                          strlen(s->fields[i].missing.fill_text));
    if (used > 0)
        add(a, "fill_value", ATTRIBUTE_TEXT)->text = a->fill;
}

static void describe(struct attributes *a, const struct schema *s, const struct input *input, uint64_t text_bytes,
                     uint64_t n_rows, uint64_t n_rejected)
{
    a->n = 0;
    if (input != NULL) {
        write_source(a->source, input);
        add(a, "source", ATTRIBUTE_TEXT)->text = a->source;
    }
    add(a, "source_bytes", ATTRIBUTE_COUNT)->count = text_bytes;
    add(a, "rows", ATTRIBUTE_COUNT)->count = n_rows;
    add(a, "rejected", ATTRIBUTE_COUNT)->count = n_rejected;
    add_missing(a, s);
    add_fill(a, s);
}

/* ---- layout ---------------------------------------------------------------------------------------------------- */

/*
 * The largest power of two of rows that is not over 1 MiB; as columns over 4 MiB, so that each column's part of them is
 * no crumb, and a chunk of rows is still much less than a worker's region.
 */
static size_t rows_per_chunk(size_t row_bytes, bool columns)
{
    size_t rows = 1;

    while (2 * rows * row_bytes <= (columns ? COLUMNS_CHUNK_BYTES : CHUNK_BYTES))
        rows *= 2;
    return rows;
}

/* Rows in a chunk: as asked for, or about 1 MiB of them. */
static size_t chunk_rows(const struct options *o, const struct schema *s)
{
    const size_t row_bytes = s->row_bytes;
    uint64_t rows = o->chunk_rows;

    if (o->chunk_bytes > 0)
        rows = o->chunk_bytes / row_bytes;
    if (o->chunk_rows == 0 && o->chunk_bytes == 0)
        return rows_per_chunk(row_bytes, s->shape == SHAPE_COLUMNS);
    if (rows > CHUNK_BYTES_MOST / row_bytes)
        rows = CHUNK_BYTES_MOST / row_bytes;
    return rows > 0 ? (size_t)rows : 1;
}

bool datasets_packing(struct packing *p, const struct options *o, const struct standing *standing,
                      const struct schema *schema)
{
    if (standing->rows) {
        *p = standing->packing;
        p->columns = schema->shape == SHAPE_COLUMNS ? schema : NULL;
        return standing->packs;
    }
    *p = (struct packing){
        .codec = o->codec,
        .level = o->level,
        .shuffle = o->shuffle == SHUFFLE_YES || (o->shuffle == SHUFFLE_AUTO && o->codec != PACK_NONE),
        .checksum = o->checksum,
        .row_bytes = schema->row_bytes,
        .elem_bytes = schema->shape == SHAPE_MATRIX ? schema->fields[0].elem_bytes : schema->row_bytes,
        .columns = schema->shape == SHAPE_COLUMNS ? schema : NULL,
        .chunk_rows = chunk_rows(o, schema),
    };
    return p->codec != PACK_NONE || p->shuffle || p->checksum;
}

static bool wants_chunks(const struct options *o)
{
    return o->codec != PACK_NONE || o->shuffle == SHUFFLE_YES || o->checksum || o->chunk_rows > 0 || o->chunk_bytes > 0;
}

static bool is_plain_file(const struct datasets *d, size_t input)
{
    return d->inputs->input[input].regular && d->findings[input].codec == CODEC_PLAIN;
}

/*
 * Plain files have a size beforehand and become arrays that can be mapped; streams become chunks, and so does what
 * may be meant to grow.
 */
static enum store_layout layout_of(const struct datasets *d, size_t input)
{
    if (d->standing->rows)
        return STORE_CHUNKED;
    if (d->options->layout != LAYOUT_AUTO)
        return d->options->layout == LAYOUT_CHUNKED ? STORE_CHUNKED : STORE_CONTIGUOUS;
    if (wants_chunks(d->options) || (d->options->append && d->options->concat != NULL))
        return STORE_CHUNKED;
    return (d->options->concat != NULL ? d->all_plain : is_plain_file(d, input)) ? STORE_CONTIGUOUS : STORE_CHUNKED;
}

static const struct schema *schema_of(const struct datasets *d, size_t input)
{
    return &d->schemas->schema[d->findings[input].schema];
}

/* Rows that the text of a small input can have at most; UINT64_MAX where that is of no use. */
static uint64_t rows_at_most(const struct datasets *d, size_t input)
{
    uint64_t file_bytes = d->inputs->input[input].file_bytes;

    if (layout_of(d, input) != STORE_CONTIGUOUS || !is_plain_file(d, input) || file_bytes >= PLAN_SLICE_MIN)
        return UINT64_MAX;
    return file_bytes / (2 * (uint64_t)schema_of(d, input)->n_columns) + 1;
}

/*
 * True when the rows cannot but be few, whatever the text holds. Told from the input alone: whether a dataset is stored
 * at once or in pieces must not depend on the memory at hand.
 */
bool datasets_are_small(uint64_t most_rows, size_t row_bytes)
{
    return most_rows < SMALL_BYTES / row_bytes;
}

static bool is_small(const struct datasets *d, size_t input)
{
    return datasets_are_small(rows_at_most(d, input), schema_of(d, input)->row_bytes);
}

/*
 * A value as typed: an integer of 64 bits is one, other decimals are floats, all else is text. What stands between
 * quotes is text, without them.
 * room  for the text: as much as the value
 */
static struct store_attribute typed_attribute(const struct column_setting *setting, char *room)
{
    const char *text = setting->text;
    size_t bytes = strlen(text);
    struct store_attribute a = {.name = setting->column, .type = ATTRIBUTE_TEXT, .text = text};
    bool negative, overflow;
    uint64_t magnitude;
    int code = convert_integer(text, bytes, &negative, &magnitude);

    if (bytes >= 2 && text[0] == '"' && text[bytes - 1] == '"') {
        a.text = memcpy(room, text + 1, bytes - 2);
        room[bytes - 2] = '\0';
    } else if (code == FAILURE_NONE && magnitude <= (uint64_t)INT64_MAX + negative) {
        a.type = ATTRIBUTE_INTEGER;
        a.integer = (int64_t)(negative ? -magnitude : magnitude);
    } else if (code == FAILURE_NOT_INTEGER && strpbrk(text, "0123456789") != NULL && convert_is_likely(text, bytes) &&
               convert_double(text, bytes, &a.number, &overflow) == FAILURE_NONE && !overflow) {
        a.type = ATTRIBUTE_NUMBER;
    }
    return a;
}

static int add_given(struct store *store, const struct options *o, char error[STORE_ERROR])
{
    char *room = malloc(OPTIONS_ATTRIBUTE_MOST + 1);
    int result = 0;

    if (room == NULL) {
        snprintf(error, STORE_ERROR, "no memory");
        return -1;
    }
    for (size_t i = 0; result == 0 && i < o->n_attributes; i++) {
        struct store_attribute a = typed_attribute(&o->attributes[i], room);

        result = store_root_attribute(store, &a, error);
    }
    free(room);
    return result;
}

/* Who made the file: nothing that changes from run to run. */
static int sign(struct store *store, char error[STORE_ERROR])
{
    const struct store_attribute program = {.name = "program", .type = ATTRIBUTE_TEXT, .text = "shmload"};
    const struct store_attribute version = {.name = "version", .type = ATTRIBUTE_TEXT, .text = SHMLOAD_VERSION};

    return store_root_attribute(store, &program, error) == 0 ? store_root_attribute(store, &version, error) : -1;
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

/* All inputs of a concatenation must have one schema. Errors 0, or -1 with a sentence that shows both */
static int check_alike(const struct inputs *inputs, const struct finding *findings, const struct schemas *schemas,
                       size_t input, char error[STORE_ERROR])
{
    const struct schema *a = &schemas->schema[findings[0].schema], *b = &schemas->schema[findings[input].schema];
    const char *first_path = inputs->input[0].path, *path = inputs->input[input].path;
    char *first, *other, cure[128];

    if (a->shape == SHAPE_MATRIX && a != b) {
        snprintf(error, STORE_ERROR,
                 "--concat: '%.130s' and '%.130s' have %u and %u columns, or other names of columns: choose those of "
                 "all by --usecols, or leave --concat out", first_path, path, a->fields[0].n_elems,
                 b->fields[0].n_elems);
        return -1;
    }
    if (schema_equal(a, b))
        return 0;
    first = schema_dtype(a);
    other = schema_dtype(b);
    if (a->n_fields > b->n_fields)
        standing_cure(cure, sizeof cure, b, a);
    else
        standing_cure(cure, sizeof cure, a, b);
    snprintf(error, STORE_ERROR, "--concat: '%.60s' has %.110s, but '%.60s' has %.110s: %s", first_path,
             first != NULL ? first : "?", path, other != NULL ? other : "?", cure);
    free(first);
    free(other);
    return -1;
}

static void name_index(char path[TEXT_BYTES], const struct inputs *inputs)
{
    snprintf(path, TEXT_BYTES, "%s_index", inputs->input[0].dataset);
}

/* The name must be free. Errors 0, or -1 with a sentence */
static int check_name(const struct standing_file *f, const char *output, const char *path, char error[STORE_ERROR])
{
    switch (standing_find(f, path)) {
    case STANDING_NOTHING:
        return 0;
    case STANDING_BLOCKED:
        snprintf(error, STORE_ERROR,
                 "%.150s: '%.200s' needs a group where there is a dataset already: name it as NAME=PATH", output, path);
        return -1;
    case STANDING_DATASET:
    case STANDING_GROUP:
        break;
    }
    snprintf(error, STORE_ERROR,
             "%.150s: '%.200s' is there already: name the new one as NAME=PATH, or use --group", output, path);
    return -1;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Inputs whose rows are there already, as when day*.txt is added each day: that may be wanted, so it is only said. */
static void tell_again(const struct standing *s, const char *output, const struct inputs *inputs)
{
    const char **sources = malloc((s->n_inputs + 1) * sizeof *sources), *first = NULL;
    size_t n_again = 0;

    for (size_t i = 0; sources != NULL && i < s->n_inputs; i++)
        sources[i] = s->inputs[i].source;
    if (sources != NULL)
        qsort(sources, s->n_inputs, sizeof *sources, by_text);
    for (size_t i = inputs->n; sources != NULL && i-- > 0;) {
        const char *path = inputs->input[i].path;

        if (strcmp(path, "-") == 0 || bsearch(&path, sources, s->n_inputs, sizeof *sources, by_text) == NULL)
            continue;
        first = path;
        n_again++;
    }
    free(sources);
    if (n_again == 1)
        message_notice("%s: rows of '%s' are there already, and are added again", output, first);
    else if (n_again > 1)
        message_notice("%s: rows of '%s' and %zu more inputs are there already, and are added again", output, first,
                       n_again - 1);
}

/* Rows for a dataset that is there, or one more beside it. */
static int check_concat(struct standing *standing, const struct standing_file *f, const char *output,
                        const struct inputs *inputs, const struct schema *schema, char error[STORE_ERROR])
{
    const char *path = inputs->input[0].dataset;
    char index[TEXT_BYTES];

    name_index(index, inputs);
    if (standing_find(f, path) != STANDING_DATASET && standing_find(f, path) != STANDING_GROUP)
        return check_name(f, output, path, error) != 0 ? -1 : check_name(f, output, index, error);
    if (standing_rows(standing, f, path, schema, error) != 0 || standing_index(standing, f, index, error) != 0)
        return -1;
    tell_again(standing, output, inputs);
    if (inputs->n <= UINT32_MAX - standing->n_inputs)
        return 0;
    snprintf(error, STORE_ERROR, "%.200s: more than 2^32 inputs in one dataset", path);
    return -1;
}

/* What the output has already, and whether it leaves room. */
static int check_standing(struct standing *standing, const struct options *o, const struct inputs *inputs,
                          const struct schema *schema, char error[STORE_ERROR])
{
    struct standing_file *f;
    int status = 0;

    if (!o->append || o->output == NULL || output_file_stamp(o->output, &standing->stamp) != 0)
        return 0;
    standing->file = true;
    if (standing_open(&f, o->output, error) != 0)
        return -1;
    if (o->concat != NULL)
        status = check_concat(standing, f, o->output, inputs, schema, error);
    for (size_t i = 0; o->concat == NULL && status == 0 && i < inputs->n; i++)
        status = check_name(f, o->output, inputs->input[i].dataset, error);
    if (standing_close(f) != 0 && status == 0) {
        snprintf(error, STORE_ERROR, "%.300s: --append: HDF5 cannot close this file", o->output);
        status = -1;
    }
    return status;
}

uint64_t datasets_memory(const struct schemas *schemas)
{
    size_t most = 0;

    for (size_t i = 0; i < schemas->n; i++)
        if (schemas->schema[i].shape == SHAPE_COLUMNS && schemas->schema[i].n_fields > most)
            most = schemas->schema[i].n_fields;
    return most > FEW_DATASETS ? (uint64_t)most * STORE_OPEN_BYTES : 0;
}

int datasets_check(const struct options *options, const struct inputs *inputs, const struct finding *findings,
                   const struct schemas *schemas, struct standing *standing, char error[STORE_ERROR])
{
    standing_release(standing);
    for (size_t i = 0; i < schemas->n; i++)
        if (store_check_schema(&schemas->schema[i], error) != 0)
            return -1;
    for (size_t i = 1; options->concat != NULL && i < inputs->n; i++)
        if (check_alike(inputs, findings, schemas, i, error) != 0)
            return -1;
    return check_standing(standing, options, inputs, &schemas->schema[findings[0].schema], error);
}

/* A new file, or a copy of the one there is. */
static int open_store(struct datasets *d, char error[STORE_ERROR])
{
    size_t together = d->options->columns && d->schemas->n > 0 ? d->schemas->schema[0].n_fields : 1;

    if (d->standing->file)
        return store_append(&d->store, d->options->output, &d->standing->stamp, together, error);
    return store_create(&d->store, d->options->output, d->options->force, together, error);
}

int datasets_open(struct datasets **datasets, const struct options *options, const struct inputs *inputs,
                  const struct finding *findings, const struct schemas *schemas, const struct standing *standing,
                  char error[STORE_ERROR])
{
    struct datasets *d = calloc(1, sizeof *d);

    *datasets = NULL;
    if (d == NULL)
        goto no_memory;
    *d = (struct datasets){.options = options, .inputs = inputs, .findings = findings, .schemas = schemas,
                           .standing = standing, .n_rows = standing->n_rows, .n_rejected = standing->n_rejected,
                           .text_bytes = standing->text_bytes};
    if (options->concat != NULL && (d->index = calloc(inputs->n, sizeof *d->index)) == NULL)
        goto no_memory;
    d->all_plain = true;
    for (size_t i = 0; d->all_plain && i < inputs->n; i++)
        d->all_plain = is_plain_file(d, i);
    d->waiting = malloc(SMALL_BYTES);
    if (d->waiting == NULL)
        goto no_memory;
    if (open_store(d, error) != 0 || sign(d->store, error) != 0 ||
        add_given(d->store, options, error) != 0)
        goto failed;
    *datasets = d;
    return 0;

no_memory:
    snprintf(error, STORE_ERROR, "no memory");
failed:
    datasets_discard(d);
    return -1;
}

int datasets_open_placing(struct datasets **datasets, const struct options *options, const struct inputs *inputs,
                          const struct finding *findings, const struct schemas *schemas,
                          const struct standing *standing, struct placing *placing, char error[STORE_ERROR])
{
    *datasets = malloc(sizeof **datasets);
    if (*datasets == NULL) {
        snprintf(error, STORE_ERROR, "no memory");
        return -1;
    }
    **datasets = (struct datasets){.options = options, .inputs = inputs, .findings = findings, .schemas = schemas,
                                   .standing = standing, .placing = placing};
    return 0;
}

void datasets_go_to(struct datasets *d, uint64_t row)
{
    d->next_row = row;
}

int datasets_begin(struct datasets *d, size_t input, const struct account *account, char error[STORE_ERROR])
{
    const struct schema *s = schema_of(d, input);
    bool concat = d->options->concat != NULL;
    struct attributes a;
    struct packing packing;
    bool packs = datasets_packing(&packing, d->options, d->standing, s);
    struct store_dataset dataset = {
        .path = d->inputs->input[input].dataset,
        .schema = s,
        .layout = layout_of(d, input),
        .chunk_rows = packing.chunk_rows,
        .packing = packs ? &packing : NULL,
        .grows = d->standing->rows,
        .pieces = concat || !is_small(d, input),
        .reserved = d->reserves,
    };

    if (concat && d->begun)
        return 0;
    d->begun = true;
    if (d->placing != NULL)
        return d->placing->class->begin(d->placing, &dataset, d->next_row, error);
    describe(&a, s, concat ? NULL : &d->inputs->input[input], account->text_bytes, 0, 0);
    dataset.attributes = a.list;
    dataset.n_attributes = a.n;
    d->small = !dataset.pieces;
    d->n_waiting = 0;
    d->row_bytes = s->row_bytes;
    d->chunk_rows = packing.chunk_rows;
    return store_begin(d->store, &dataset, error);
}

int datasets_rows(struct datasets *d, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    if (n_rows == 0)
        return 0;
    if (d->placing != NULL)
        return d->placing->class->rows(d->placing, rows, n_rows, error);
    if (!d->small)
        return store_rows(d->store, rows, n_rows, error);
    memcpy(d->waiting + d->n_waiting * d->row_bytes, rows, n_rows * d->row_bytes);
    d->n_waiting += n_rows;
    return 0;
}

int datasets_packed(struct datasets *d, const void *packed, const struct packed_chunk *chunk, char error[STORE_ERROR])
{
    if (d->placing != NULL)
        return d->placing->class->packed(d->placing, packed, chunk, error);
    return store_packed(d->store, packed, chunk, d->chunk_rows, error);
}

int datasets_end(struct datasets *d, size_t input, const struct account *account, char error[STORE_ERROR])
{
    struct attributes a;

    if (d->placing != NULL)
        return d->options->concat == NULL ? d->placing->class->end(d->placing, error) : 0;
    if (d->options->concat != NULL)
        d->index[input] = (struct index_row){d->n_rows, account->n_rows};
    d->n_rows += account->n_rows;
    d->n_rejected += account->n_rejected;
    d->text_bytes += account->text_bytes;
    if (d->options->concat != NULL)
        return 0;
    if (d->n_waiting > 0 && store_rows(d->store, d->waiting, d->n_waiting, error) != 0)
        return -1;
    describe(&a, schema_of(d, input), &d->inputs->input[input], account->text_bytes, account->n_rows,
             account->n_rejected);
    return store_end(d->store, a.list, a.n, error);
}

/* ---- the index of a concatenation ------------------------------------------------------------------------------- */

/* Bytes of the longest source, at least 1. */
static size_t longest_source(const struct datasets *d)
{
    char source[TEXT_BYTES];
    size_t longest = 1;

    for (size_t i = 0; i < d->standing->n_inputs; i++)
        if (strlen(d->standing->inputs[i].source) > longest)
            longest = strlen(d->standing->inputs[i].source);
    for (size_t i = 0; i < d->inputs->n; i++) {
        write_source(source, &d->inputs->input[i]);
        if (strlen(source) > longest)
            longest = strlen(source);
    }
    return longest;
}

static void fill_index_row(const struct schema *s, unsigned char *row, const char *source, uint64_t first_row,
                           uint64_t n_rows)
{
    memcpy(row, source, strlen(source));
    memcpy(row + s->fields[1].offset, &first_row, sizeof first_row);
    memcpy(row + s->fields[2].offset, &n_rows, sizeof n_rows);
}

/* Those that were there, and behind them the new ones. */
static void fill_index(const struct datasets *d, const struct schema *s, unsigned char *row)
{
    char source[TEXT_BYTES];

    for (size_t i = 0; i < d->standing->n_inputs; i++, row += s->row_bytes) {
        const struct standing_input *old = &d->standing->inputs[i];

        fill_index_row(s, row, old->source, old->first_row, old->n_rows);
    }
    for (size_t i = d->inputs->first; i < d->inputs->end; i++, row += s->row_bytes) {
        write_source(source, &d->inputs->input[i]);
        fill_index_row(s, row, source, d->index[i].first_row, d->index[i].n_rows);
    }
}

/*
 * The index as a dataset of its own: source, first row, rows; in the order of the inputs. It is made anew when rows
 * are added, because a longer source needs a wider field.
 */
static int write_index(struct datasets *d, char error[STORE_ERROR])
{
    size_t n = d->standing->n_inputs + d->inputs->end - d->inputs->first;
    char dtype[128], path[TEXT_BYTES];
    struct schema s = {0};
    unsigned char *rows = NULL;
    struct store_dataset dataset = {.path = path, .schema = &s, .layout = STORE_CONTIGUOUS};
    int result = -1;

    snprintf(dtype, sizeof dtype, "input:S%zu,first_row:u8,rows:u8", longest_source(d));
    name_index(path, d->inputs);
    if (d->standing->rows && store_remove(d->store, path, error) != 0)
        return -1;
    if (schema_parse(&s, dtype, error) != 0 || schema_bind(&s, NULL, 0, 0, error) != 0)
        goto out;
    rows = calloc(n, s.row_bytes);
    if (rows == NULL) {
        snprintf(error, STORE_ERROR, "no memory for the index");
        goto out;
    }
    fill_index(d, &s, rows);
    if (store_begin(d->store, &dataset, error) != 0 || store_rows(d->store, rows, n, error) != 0 ||
        store_end(d->store, NULL, 0, error) != 0)
        goto out;
    result = 0;
out:
    free(rows);
    schema_release(&s);
    return result;
}

/* The one dataset ends, and its index follows. */
static int end_concat(struct datasets *d, char error[STORE_ERROR])
{
    struct attributes a;

    describe(&a, schema_of(d, 0), NULL, d->text_bytes, d->n_rows, d->n_rejected);
    return store_end(d->store, a.list, a.n, error) == 0 ? write_index(d, error) : -1;
}

static int write_part(struct datasets *d, char error[STORE_ERROR])
{
    uint64_t *most_rows = calloc(d->inputs->n + 1, sizeof *most_rows);
    int status;

    if (most_rows == NULL) {
        snprintf(error, STORE_ERROR, "no memory");
        return -1;
    }
    for (size_t i = d->inputs->first; i < d->inputs->end; i++)
        most_rows[i] = rows_at_most(d, i);
    status = part_write(d->store, d->options, d->inputs, d->findings, d->schemas, d->n_rows, d->n_rejected,
                        most_rows, longest_source(d), error);
    free(most_rows);
    return status;
}

int datasets_close(struct datasets *d, struct store **store, char error[STORE_ERROR])
{
    *store = NULL;
    if (d->placing != NULL) {
        int result = d->begun && d->options->concat != NULL ? d->placing->class->end(d->placing, error) : 0;

        datasets_discard(d);
        return result;
    }
    if ((d->begun && d->options->concat != NULL && end_concat(d, error) != 0) ||
        (d->options->part > 0 && write_part(d, error) != 0)) {
        datasets_discard(d);
        return -1;
    }
    *store = d->store;
    d->store = NULL;
    datasets_discard(d);
    return 0;
}

/* The rows of one input, or with --concat of all inputs at once. */
static int reserve(struct datasets *d, size_t input, const struct account *accounts, char error[STORE_ERROR])
{
    uint64_t n_rows = accounts[input].n_rows;

    if (d->options->concat != NULL && input > 0)
        return 0;
    for (size_t i = 1; d->options->concat != NULL && i < d->inputs->n; i++)
        n_rows += accounts[i].n_rows;
    return store_reserve(d->store, n_rows, error);
}

int datasets_lay_out(struct store **store, const struct options *options, const struct inputs *inputs,
                     const struct finding *findings, const struct schemas *schemas, const struct standing *standing,
                     const struct account *accounts, void (*made)(const char *temporary), char error[STORE_ERROR])
{
    struct datasets *d;

    *store = NULL;
    if (datasets_open(&d, options, inputs, findings, schemas, standing, error) != 0)
        return -1;
    made(store_temporary(d->store));
    d->reserves = true;
    for (size_t i = 0; i < inputs->n; i++)
        if (datasets_begin(d, i, &accounts[i], error) != 0 || reserve(d, i, accounts, error) != 0 ||
            datasets_end(d, i, &accounts[i], error) != 0) {
            datasets_discard(d);
            return -1;
        }
    return datasets_close(d, store, error);
}

void datasets_discard(struct datasets *d)
{
    if (d == NULL)
        return;
    store_discard(d->store);
    free(d->waiting);
    free(d->index);
    free(d);
}
