/*
 * kernel_block.c - the frame of the SIMD kernels: blocks, odd lines, runs, and mending.
 *
 * kernel_block.h tells the steps. Correctness rests on one rule: a line goes the fast way only when it has exactly the
 * expected tokens and nothing odd in it, and whatever the fast way leaves open is done by convert.h or record.h from
 * the text. So the engines need not know what is an error.
 */
#define _GNU_SOURCE /* memrchr */
#include "kernel_block.h"

#include <stdlib.h>
#include <string.h>

#include "kernel_number.h"

/* ---- opening --------------------------------------------------------------------------------------------------- */

/* A slot holds a byte whose low nibble is another slot's: nothing equals it there. */
static void byte_set_init(struct byte_set *set)
{
    for (size_t i = 0; i < sizeof set->table; i++)
        set->table[i] = (uint8_t)(i ^ 1);
}

/* False: the byte is no ASCII, or its slot is taken. */
static bool byte_set_add(struct byte_set *set, char c)
{
    uint8_t byte = (uint8_t)c, *slot = &set->table[byte & 15];

    if (byte >= 128 || (*slot != byte && *slot != ((byte & 15) ^ 1)))
        return false;
    *slot = byte;
    return true;
}

/* False: the dialect's comment marks do not fit one table. */
static bool alphabet_init(struct alphabet *a, const struct dialect *d)
{
    static const char blanks[] = {' ', '\t', '\v', '\f', '\n', '\r'};
    bool fits;

    a->delimited = d->delimiter != DELIMITER_BLANKS;
    a->delimiter = (char)d->delimiter;
    byte_set_init(&a->spaces);
    for (size_t i = 0; i < sizeof blanks; i++)
        if (!a->delimited || (is_blank(blanks[i]) && blanks[i] != a->delimiter))
            byte_set_add(&a->spaces, blanks[i]);

    byte_set_init(&a->watched);
    fits = byte_set_add(&a->watched, '"') && (!d->hash_comment || byte_set_add(&a->watched, '#'));
    for (size_t i = 0; i < d->n_comments; i++)
        fits = fits && byte_set_add(&a->watched, d->comments[i].text[0]);
    return fits;
}

static int split_cells(struct block_kernel *k, const struct schema *s)
{
    k->strings = malloc((s->n_cells + 1) * sizeof *k->strings);
    k->numbers = malloc((s->n_cells + 1) * sizeof *k->numbers);
    k->is_text = calloc(k->n_columns, sizeof *k->is_text);
    if (k->strings == NULL || k->numbers == NULL || k->is_text == NULL)
        return -1;
    for (size_t i = 0; i < s->n_cells; i++) {
        if (s->cells[i].kind == KIND_STRING) {
            k->strings[k->n_strings++] = &s->cells[i];
            k->is_text[s->cells[i].column] = true;
        } else {
            if (kernel_number_init(&k->numbers[k->n_numbers], &s->cells[i]) != 0)
                return -1;
            k->n_numbers++;
        }
    }
    return 0;
}

/* Per column the least of its cells' limits; then again from the first column on, for loads at any phase. */
static void set_limits(struct block_kernel *k, const uint32_t *longest)
{
    const struct schema *s = k->state.schema;

    k->has_limits = longest != NULL || k->n_strings > 0;
    memset(k->limits, 0xff, k->n_columns * sizeof *k->limits);
    for (size_t i = 0; i < s->n_cells; i++) {
        uint32_t limit = kernel_text_limit(s, longest, i);
        uint16_t *slot = &k->limits[s->cells[i].column];

        if (limit < *slot)
            *slot = (uint16_t)limit;
    }
    for (size_t i = 0; i < BLOCK_SLACK; i++)
        k->limits[k->n_columns + i] = k->limits[i];
}

static void *cache_aligned(size_t bytes)
{
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

struct kernel *block_open(const struct schema *schema, const struct dialect *dialect, const struct block_engine *engine)
{
    struct block_kernel *k = cache_aligned(sizeof *k);

    if (k == NULL)
        return NULL;
    /* The index is not touched: most of it never will be. */
    memset(k, 0, offsetof(struct block_kernel, block));
    k->has_tally = k->has_odd = false;
    k->engine = engine;
    k->n_columns = schema->n_columns;
    k->row_bytes = schema->row_bytes;
    k->block_bytes = k->next_bytes = k->n_columns < BLOCK_COLUMNS_WIDE ? BLOCK_BYTES : BLOCK_BYTES_MAX;
    k->plain_only = kernel_plain_only(schema, dialect) || k->n_columns > BLOCK_BYTES_MAX ||
                    !alphabet_init(&k->alphabet, dialect);
    if (kernel_state_open(&k->state, schema, dialect) != 0)
        goto fail;
    if (k->plain_only)
        return (struct kernel *)k;
    k->limits = malloc((k->n_columns + BLOCK_SLACK) * sizeof *k->limits);
    k->scalar = kernel_scalar.open(schema, dialect);
    if (k->limits == NULL || k->scalar == NULL || split_cells(k, schema) != 0)
        goto fail;
    set_limits(k, NULL);
    k->plan = engine->plan(k);
    if (k->plan == NULL)
        goto fail;
    return (struct kernel *)k;
fail:
    block_close((struct kernel *)k);
    return NULL;
}

void block_close(struct kernel *kernel)
{
    struct block_kernel *k = (struct block_kernel *)kernel;

    if (k == NULL)
        return;
    for (size_t i = 0; i < k->n_numbers; i++)
        kernel_number_release(&k->numbers[i]);
    free(k->numbers);
    free(k->strings);
    free(k->is_text);
    free(k->limits);
    free(k->plan);
    kernel_scalar.close(k->scalar);
    kernel_state_close(&k->state);
    free(k);
}

/* ---- odd lines ------------------------------------------------------------------------------------------------- */

static void begin_odd(struct block_kernel *k)
{
    memset(k->odd, 0, k->block.n_lines);
    k->has_odd = true;
}

/* The line of a position; 'line' is a line not after it. */
static size_t line_at(const struct block *b, size_t line, size_t position)
{
    while (b->line_end[line] < position)
        line++;
    return line;
}

/* Every line with that byte in it is odd. */
static void mark_lines_with(struct block_kernel *k, char byte)
{
    const struct block *b = &k->block;
    const char *p = b->text, *end = b->text + b->bytes;
    size_t line = 0;

    while (p < end && (p = memchr(p, byte, (size_t)(end - p))) != NULL) {
        line = line_at(b, line, (size_t)(p - b->text));
        k->odd[line] = 1;
        p = b->text + b->line_end[line] + 1;
    }
}

/* A CR is at home before a LF only; more than one there is record_parse()'s. */
static void mark_lone_cr(struct block_kernel *k)
{
    const struct block *b = &k->block;
    const char *p = b->text, *end = b->text + b->bytes;
    size_t line = 0;

    for (; (p = memchr(p, '\r', (size_t)(end - p))) != NULL; p++) {
        if (p[1] == '\n')
            continue;
        line = line_at(b, line, (size_t)(p - b->text));
        k->odd[line] = 1;
    }
}

/*
 * What is decided at the start of a line: a default comment, or in a file of one delimited column a blank line, which
 * has one (empty) token as good lines have.
 */
static void mark_line_starts(struct block_kernel *k)
{
    const struct block *b = &k->block;
    size_t at = 0;

    for (size_t line = 0; line < b->n_lines; line++) {
        while (at < b->line_end[line] && is_blank(b->text[at]) && b->text[at] != k->alphabet.delimiter)
            at++;
        if (b->text[at] == '#' && k->state.dialect->hash_comment)
            k->odd[line] = 1;
        if (b->text[at] == '\n' || b->text[at] == '\r')
            k->odd[line] = 1;
        at = b->line_end[line] + (size_t)1;
    }
}

/*
 * Take simple quotes off: '"' at the start, '"' at the end, none between. A token that starts with a quote and is not
 * like that makes its line odd; what follows in the line may then be cut in the wrong places, which does not matter.
 */
static void unquote(struct block_kernel *k)
{
    struct block *b = &k->block;
    size_t line = 0;

    for (size_t t = 0; t < b->n_tokens; t++) {
        const char *start = b->text + b->start[t], *end = b->text + b->end[t];

        if (*start != '"' || start == end)
            continue;
        if (end - start >= 2 && memchr(start + 1, '"', (size_t)(end - start) - 1) == end - 1) {
            b->start[t]++;
            b->end[t]--;
            b->first[t] = (uint8_t)start[1];
        } else {
            line = line_at(b, line, b->start[t]);
            k->odd[line] = 1;
        }
    }
}

/* The index saw something that is rare: find out what, and where. */
static void edit_block(struct block_kernel *k)
{
    const struct dialect *d = k->state.dialect;
    const struct block *b = &k->block;
    bool blank_lines = k->alphabet.delimited && k->n_columns == 1;

    k->has_odd = false;
    if (!b->has_watched && !b->has_lone_cr && !blank_lines)
        return;
    begin_odd(k);
    if (b->has_lone_cr)
        mark_lone_cr(k);
    if (blank_lines || (b->has_watched && d->hash_comment && memchr(b->text, '#', b->bytes) != NULL))
        mark_line_starts(k);
    if (!b->has_watched)
        return;
    mark_lines_with(k, '\0');
    for (size_t i = 0; i < d->n_comments; i++)
        mark_lines_with(k, d->comments[i].text[0]);
    if (memchr(b->text, '"', b->bytes) != NULL)
        unquote(k);
}

/* ---- mending --------------------------------------------------------------------------------------------------- */

void block_mend(struct block_kernel *k, const struct run *run, size_t record, const struct cell *cell)
{
    const struct block *b = &k->block;
    size_t t = run->token + record * k->n_columns + cell->column;
    const char *text = b->text + b->start[t], *end = b->text + b->end[t];
    unsigned char *row = run->rows + record * k->row_bytes;
    struct convert_tally tally = {0};
    uint64_t value;

    if (k->redo[record])
        return;
    k->n_mended++;
    /* Mostly a number of many digits, or with an exponent; then no missing token has been looked for. */
    if (!(cell->missing != NULL && cell->missing->has_numbers) && number_parse(cell, text, end, &value)) {
        number_store(cell, row, value);
        return;
    }
    if (!kernel_is_settled(&k->state, cell, convert_cell(cell, text, (size_t)(end - text), row, &tally))) {
        k->redo[record] = 1;
        return;
    }
    if ((tally.n_missing | tally.n_overflow) == 0)
        return;
    if (!k->has_tally) {
        memset(k->tally, 0, run->n_records * sizeof k->tally[0]);
        k->has_tally = true;
    }
    k->tally[record].n_missing += (uint32_t)tally.n_missing;
    k->tally[record].n_overflow += (uint32_t)tally.n_overflow;
}

/* Blanks around numbers do not count, but they do in a text's length. */
static void trim_numbers(struct block_kernel *k, const struct run *run)
{
    struct block *b = &k->block;

    for (size_t i = 0; i < k->n_numbers; i++) {
        size_t column = k->numbers[i].cell->column;
        size_t t = run->token + column;

        for (size_t r = 0; r < run->n_records; r++, t += k->n_columns) {
            if (b->end[t] - b->start[t] > k->limits[column])
                k->redo[r] = 1;
            if (k->is_text[column]) /* a string cell has the same token, and its blanks */
                continue;
            while (b->end[t] > b->start[t] && is_blank(b->text[b->end[t] - 1]))
                b->end[t]--;
            while (b->end[t] > b->start[t] && is_blank(b->text[b->start[t]]))
                b->start[t]++;
            b->first[t] = (uint8_t)b->text[b->start[t]];
        }
    }
}

/* ---- placing --------------------------------------------------------------------------------------------------- */

/* The n low bytes of each value, at its place in each row. Inlined with a constant n, this is one store per value. */
static inline __attribute__((always_inline)) void place_bytes(unsigned char *place, size_t row_bytes,
                                                              const uint64_t *values, size_t stride, size_t n_values,
                                                              size_t n)
{
    for (size_t i = 0; i < n_values; i++)
        memcpy(place + i * row_bytes, &values[i * stride], n);
}

static void place_swapped(unsigned char *place, size_t row_bytes, const uint64_t *values, size_t stride,
                          size_t n_values, size_t n)
{
    for (size_t i = 0; i < n_values; i++) {
        uint64_t swapped = __builtin_bswap64(values[i * stride] << (64 - 8 * n));

        memcpy(place + i * row_bytes, &swapped, n);
    }
}

void block_place(const struct block_kernel *k, const struct run *run, size_t record, size_t n_values,
                 const struct cell *cell, const uint64_t *values, size_t stride)
{
    unsigned char *place = run->rows + record * k->row_bytes + cell->offset;

    if (cell->swap)
        place_swapped(place, k->row_bytes, values, stride, n_values, cell->bytes);
    else if (cell->bytes == 4)
        place_bytes(place, k->row_bytes, values, stride, n_values, 4);
    else if (cell->bytes == 8)
        place_bytes(place, k->row_bytes, values, stride, n_values, 8);
    else if (cell->bytes == 2)
        place_bytes(place, k->row_bytes, values, stride, n_values, 2);
    else
        place_bytes(place, k->row_bytes, values, stride, n_values, 1);
}

/* ---- runs ------------------------------------------------------------------------------------------------------ */

/* How many lines from 'line' on, at most 'limit', are for the fast way; 'token' is the first at or after its start. */
static size_t regular_lines(const struct block_kernel *k, size_t line, size_t token, size_t limit)
{
    const struct block *b = &k->block;
    size_t n = 0, n_columns = k->n_columns;

    if (limit > b->n_lines - line)
        limit = b->n_lines - line;
    if (limit > (b->n_tokens - token) / n_columns)
        limit = (b->n_tokens - token) / n_columns;
    /* The last expected token is in the line, the next one is not. */
    while (n < limit && b->start[token + n_columns - 1] <= b->line_end[line + n] &&
           b->start[token + n_columns] > b->line_end[line + n] && !(k->has_odd && k->odd[line + n])) {
        token += n_columns;
        n++;
    }
    return n;
}

/* How a run ended. */
enum run_end {
    RUN_DONE,    /* all its records are rows */
    RUN_STOPPED, /* the job ends at one of its records */
    RUN_STRANGE, /* one of its lines was no record after all, or more than one line: the rest is to be indexed again */
};

static void add_tallies(const struct block_kernel *k, struct kernel_job *job, size_t from, size_t to)
{
    for (size_t record = from; k->has_tally && record < to; record++) {
        job->tally.n_missing += k->tally[record].n_missing;
        job->tally.n_overflow += k->tally[record].n_overflow;
    }
}

/* Redo the marked records in order, so that counts, failures and 'longest' come as if every line had been so done. */
static enum run_end finish_run(struct block_kernel *k, struct kernel_job *job, const struct run *run)
{
    const struct block *b = &k->block;
    const size_t first_row = job->n_rows, first_line = job->lines_used, base = (size_t)(b->text - job->text);
    const uint8_t *marked;
    size_t done = 0;

    while ((marked = memchr(k->redo + done, 1, run->n_records - done)) != NULL) {
        size_t record = (size_t)(marked - k->redo), line = run->line + record;

        add_tallies(k, job, done, record);
        done = record + 1;
        job->n_rows = first_row + record;
        job->lines_used = first_line + record;
        job->text_used = base + (line == 0 ? 0 : b->line_end[line - 1] + (size_t)1);
        if (!kernel_plain_record(&k->state, job))
            return RUN_STOPPED;
        if (job->n_rows != first_row + done || job->text_used != base + b->line_end[line] + 1)
            return RUN_STRANGE;
    }
    add_tallies(k, job, done, run->n_records);
    job->n_rows = first_row + run->n_records;
    job->lines_used = first_line + run->n_records;
    job->text_used = base + b->line_end[run->line + run->n_records - 1] + 1;
    return RUN_DONE;
}

static enum run_end parse_run(struct block_kernel *k, struct kernel_job *job, size_t line, size_t token,
                              size_t n_records)
{
    struct run run = {line, token, n_records, job->rows + job->n_rows * k->row_bytes};

    memset(k->redo, 0, n_records);
    k->has_tally = false;
    if (job->longest != NULL)
        set_limits(k, job->longest);
    if (k->block.has_padding)
        trim_numbers(k, &run);
    k->engine->convert(k, &run);
    return finish_run(k, job, &run);
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

/* Bytes of complete lines that make the next block; 0 when its first line is too long for one, or not complete. */
static size_t block_extent(const struct block_kernel *k, const char *text, size_t text_bytes)
{
    size_t bytes = text_bytes < k->next_bytes ? text_bytes : k->next_bytes;
    const char *lf = memrchr(text, '\n', bytes);

    if (lf == NULL && bytes < text_bytes) {
        bytes = text_bytes < BLOCK_BYTES_MAX ? text_bytes : BLOCK_BYTES_MAX;
        lf = memchr(text, '\n', bytes);
    }
    return lf != NULL ? (size_t)(lf - text) + 1 : 0;
}

/* False when the job ends in this block; else it is done, or what is left of it has to be indexed again. */
static bool parse_block(struct block_kernel *k, struct kernel_job *job)
{
    const struct block *b = &k->block;
    size_t line = 0, token = 0, base = job->text_used;

    while (line < b->n_lines && job->n_rows < job->capacity) {
        size_t n_records = regular_lines(k, line, token, job->capacity - job->n_rows);

        if (n_records > 0) {
            enum run_end end = parse_run(k, job, line, token, n_records);

            if (end != RUN_DONE)
                return end == RUN_STRANGE;
            line += n_records;
            token += n_records * k->n_columns;
        } else {
            if (!kernel_scalar_lines(k->scalar, job, job->text_used + 1))
                return false;
            k->n_mended += k->n_columns;
            while (line < b->n_lines && base + b->line_end[line] < job->text_used)
                line++;
            while (token < b->n_tokens && base + b->start[token] < job->text_used)
                token++;
        }
    }
    return true;
}

/* After a block of which most fields were not the vectors', the next ones are spared them. */
enum { SCALAR_BLOCKS = 16 };

/* The block at b->text, as its like have gone best of late. False when the job ends in it. */
static bool take_block(struct block_kernel *k, struct kernel_job *job)
{
    bool more;

    if (k->n_scalar_blocks > 0) {
        k->n_scalar_blocks--;
        return kernel_scalar_lines(k->scalar, job, job->text_used + k->block.bytes);
    }
    k->engine->index(&k->block, &k->alphabet);
    edit_block(k);
    k->n_mended = 0;
    more = parse_block(k, job);
    if (k->n_mended > k->block.n_tokens / 2)
        k->n_scalar_blocks = SCALAR_BLOCKS;
    return more;
}

/*
 * What lies behind a line at which a block was left has to be indexed and converted again. So a small block follows,
 * and blocks grow again while they are done to their ends; where already the small one is left, the scalar kernel does
 * better. Of text full of bad lines little is then done twice.
 */
static void size_next_block(struct block_kernel *k, bool left)
{
    if (left && k->next_bytes == BLOCK_BYTES_MIN && k->n_scalar_blocks == 0)
        k->n_scalar_blocks = SCALAR_BLOCKS;
    k->next_bytes = left ? BLOCK_BYTES_MIN : 2 * k->next_bytes;
    if (k->next_bytes > k->block_bytes)
        k->next_bytes = k->block_bytes;
}

void block_parse(struct kernel *kernel, struct kernel_job *job)
{
    struct block_kernel *k = (struct block_kernel *)kernel;
    struct block *b = &k->block;
    size_t block_end;
    bool more = true;

    kernel_job_begin(job);
    k->state.rounded = job->rounded;
    if (job->longest == NULL && !k->plain_only)
        set_limits(k, NULL);
    while (more && job->n_rows < job->capacity && job->text_used < job->text_bytes) {
        b->text = job->text + job->text_used;
        b->bytes = k->plain_only ? 0 : block_extent(k, b->text, job->text_bytes - job->text_used);
        if (b->bytes == 0) {
            more = kernel_plain_record(&k->state, job);
            continue;
        }
        b->rows = job->rows + job->n_rows * k->row_bytes;
        block_end = job->text_used + b->bytes;
        more = take_block(k, job);
        size_next_block(k, job->text_used < block_end && job->n_rows < job->capacity);
    }
}
