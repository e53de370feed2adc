/*
 * kernel_scalar.c - the kernel for any processor: one walk along each line, field after field.
 *
 * The walk converts a number while it looks for its end, eight digits at a time (digits.h), and looks for the end of
 * other fields eight bytes at a time. It never asks whether the text ends: it is only sent into lines that have their
 * LF, and every loop stops there. In a padded table it first tries whether a number ends where the one above it did,
 * and then takes it from its end, in one word. When anything is out of the ordinary the walk gives up, and the line
 * is done by record_parse() from its start.
 */
#define _GNU_SOURCE /* memrchr */
#include <stdlib.h>
#include <string.h>

#include "dialect.h"
#include "kernel_block.h"
#include "kernel_number.h"

/* What a byte is in plain text. */
enum byte_class {
    BYTE_DATA,
    BYTE_BLANK, /* and not the delimiter */
    BYTE_DELIMITER,
    BYTE_LINE_END, /* LF, CR */
    BYTE_ODD,      /* NUL, or what a comment mark begins with */
};

/* What to do with a column: the frequent cells have a way compiled for them alone. */
enum way {
    WAY_STRING,
    WAY_I4,
    WAY_I8,
    WAY_F4,
    WAY_F8,
    WAY_ANY,    /* one number cell of any kind */
    WAY_SHARED, /* no cell, or several */
};

/* A text column: the cells that take it, none or several. What the walk needs of a single cell is here at hand. */
struct column {
    enum way way;
    uint32_t offset;            /* of the one cell, in the row */
    uint32_t limit;             /* of the one cell: the longest text that needs no second look */
    unsigned width;             /* in a padded table, bytes from the column before to the end of this; else 0 */
    const struct number *cells; /* strings too: then there are no suspects */
    const uint32_t *limits;     /* of all cells */
    size_t n_cells;
};

struct scalar_kernel {
    struct kernel_state state;
    bool plain_only;
    bool delimited;
    bool hash_comment;
    bool checked;            /* numbers may have comment marks or delimiters in them: look where the field ends */
    uint8_t class[256];
    uint64_t delimiter_8;    /* the delimiter in all eight bytes */
    size_t n_columns;
    struct column *columns;
    struct number *cells;
    uint32_t *limits;        /* per cell: the longest text that needs no second look */
    size_t n_cells;
};

/* ---- opening --------------------------------------------------------------------------------------------------- */

static bool scalar_supported(void)
{
    return true;
}

static void set_classes(struct scalar_kernel *k, const struct dialect *d)
{
    for (int c = 0; c < 256; c++)
        k->class[c] = is_blank((char)c) ? BYTE_BLANK : BYTE_DATA;
    k->delimited = d->delimiter >= 0;
    k->delimiter_8 = (uint64_t)(uint8_t)d->delimiter * 0x0101010101010101u;
    if (k->delimited)
        k->class[d->delimiter] = BYTE_DELIMITER;
    k->class['\n'] = k->class['\r'] = BYTE_LINE_END;
    k->class['\0'] = BYTE_ODD;
    k->hash_comment = d->hash_comment;
    k->checked = d->n_comments > 0 || (k->delimited && strchr("+-.0123456789Ee", d->delimiter) != NULL);
    for (size_t i = 0; i < d->n_comments; i++)
        k->class[(uint8_t)d->comments[i].text[0]] = BYTE_ODD;
}

static void set_limits(struct scalar_kernel *k, const uint32_t *longest)
{
    for (size_t i = 0; i < k->n_cells; i++)
        k->limits[i] = kernel_text_limit(k->state.schema, longest, i);
    for (struct column *c = k->columns; c < k->columns + k->n_columns; c++)
        if (c->n_cells == 1)
            c->limit = c->limits[0];
}

static enum way way_of(const struct scalar_kernel *k, const struct column *column)
{
    const struct number *n = column->cells;

    if (column->n_cells != 1)
        return WAY_SHARED;
    if (n->cell->kind == KIND_STRING)
        return WAY_STRING;
    if (k->checked || n->n_suspects > 0 || n->cell->swap || n->cell->bytes < 4 || n->cell->kind == KIND_UINT)
        return WAY_ANY;
    if (n->cell->kind == KIND_INT)
        return n->cell->bytes == 4 ? WAY_I4 : WAY_I8;
    return n->cell->bytes == 4 ? WAY_F4 : WAY_F8;
}

static int set_columns(struct scalar_kernel *k, const struct schema *s)
{
    k->columns = calloc(k->n_columns, sizeof *k->columns);
    k->cells = malloc((s->n_cells + 1) * sizeof *k->cells);
    k->limits = malloc((s->n_cells + 1) * sizeof *k->limits);
    if (k->columns == NULL || k->cells == NULL || k->limits == NULL)
        return -1;
    for (; k->n_cells < s->n_cells; k->n_cells++) {
        struct column *column = &k->columns[s->cells[k->n_cells].column];

        if (kernel_number_init(&k->cells[k->n_cells], &s->cells[k->n_cells]) != 0)
            return -1;
        if (column->n_cells++ == 0) {
            column->cells = &k->cells[k->n_cells];
            column->limits = &k->limits[k->n_cells];
            column->offset = column->cells->cell->offset;
        }
    }
    for (size_t i = 0; i < k->n_columns; i++)
        k->columns[i].way = way_of(k, &k->columns[i]);
    set_limits(k, NULL);
    return 0;
}

static void scalar_close(struct kernel *kernel)
{
    struct scalar_kernel *k = (struct scalar_kernel *)kernel;

    if (k == NULL)
        return;
    for (size_t i = 0; i < k->n_cells; i++)
        kernel_number_release(&k->cells[i]);
    free(k->columns);
    free(k->cells);
    free(k->limits);
    kernel_state_close(&k->state);
    free(k);
}

static struct kernel *scalar_open(const struct schema *schema, const struct dialect *dialect)
{
    struct scalar_kernel *k = calloc(1, sizeof *k);

    if (k == NULL)
        return NULL;
    k->n_columns = schema->n_columns;
    k->plain_only = kernel_plain_only(schema, dialect);
    set_classes(k, dialect);
    if (kernel_state_open(&k->state, schema, dialect) != 0 || (!k->plain_only && set_columns(k, schema) != 0)) {
        scalar_close((struct kernel *)k);
        return NULL;
    }
    return (struct kernel *)k;
}

/* ---- the ends of fields ---------------------------------------------------------------------------------------- */

static inline enum byte_class class_of(const struct scalar_kernel *k, const char *p)
{
    return k->class[(uint8_t)*p];
}

/* All of a line's walk is compiled twice, with 'delimited' known. What is apart leaves the registers to the rest. */
#define INLINE static inline __attribute__((always_inline))
#define APART static __attribute__((noinline))

INLINE const char *skip_blanks(const struct scalar_kernel *k, const char *p)
{
    while (class_of(k, p) == BYTE_BLANK)
        p++;
    return p;
}

/* True where a plain field ends. Blanks are data between delimiters. */
INLINE bool ends_field(const struct scalar_kernel *k, const char *p, const bool delimited)
{
    enum byte_class class = class_of(k, p);

    return class != BYTE_DATA && !(class == BYTE_BLANK && delimited);
}

/*
 * The lowest byte that is less than 'bound' has its high bit set, and none below it; above it some may be wrong.
 * Range   bound 1..128
 * Source  Anderson, "Bit Twiddling Hacks", hasless(); a borrow can only come from a byte that is less
 */
static inline uint64_t bytes_less(uint64_t word, uint8_t bound)
{
    return (word - bound * UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* The end of the plain field at p: eight bytes at a time past those that can end no field. */
INLINE const char *find_end(const struct scalar_kernel *k, const char *p, const bool delimited)
{
    while (!k->checked) {
        uint64_t word = digits_load(p);
        uint64_t found = delimited ? bytes_less(word, '\r' + 1) | bytes_less(word ^ k->delimiter_8, 1)
                                   : bytes_less(word, ' ' + 1);
        if (found == 0) {
            p += 8;
            continue;
        }
        p += __builtin_ctzll(found) / 8;
        if (ends_field(k, p, delimited))
            return p;
        p++;
    }
    while (!ends_field(k, p, delimited))
        p++;
    return p;
}

/* The closing quote of the field that opens at p, if all is on this line and nothing doubled; else NULL. */
static const char *find_quote(const struct scalar_kernel *k, const char *p)
{
    for (p++; *p != '"'; p++)
        if (*p == '\n' || *p == '\r' || *p == '\0')
            return NULL;
    return p[1] != '"' && ends_field(k, p + 1, k->delimited) ? p : NULL;
}

/* ---- fields ---------------------------------------------------------------------------------------------------- */

/* A text with its place in the line: quotes are not in [text, end) but lie before 'next'. */
struct token {
    const char *text, *end;
    const char *next;
};

INLINE bool find_token(const struct scalar_kernel *k, const char *p, struct token *t, const bool delimited)
{
    if (*p == '"') {
        const char *quote = find_quote(k, p);

        if (quote != NULL)
            *t = (struct token){p + 1, quote, quote + 1};
        return quote != NULL;
    }
    t->text = p;
    t->next = t->end = find_end(k, p, delimited);
    return true;
}

/* Zeros behind a string: cells are mostly short, so eight bytes at a time where there are as many. */
static inline void store_string(const struct cell *cell, unsigned char *row, const char *text, size_t bytes)
{
    unsigned char *place = row + cell->offset;
    size_t at = 0;

    for (; at + 8 <= cell->bytes; at += 8) {
        uint64_t word = at < bytes ? digits_load(text + at) : 0;

        if (bytes - at < 8 && at < bytes)
            word &= ~UINT64_C(0) >> (64 - 8 * (bytes - at));
        word = htole64(word);
        memcpy(place + at, &word, sizeof word);
    }
    for (; at < cell->bytes; at++)
        place[at] = at < bytes ? (unsigned char)text[at] : 0;
}

/* Any cell from a token by the exact way. */
static const char *take_exact(const struct scalar_kernel *k, const struct cell *cell, uint32_t limit, const char *p,
                              unsigned char *row, struct convert_tally *tally)
{
    struct token t;

    if (!find_token(k, p, &t, k->delimited) || (size_t)(t.end - t.text) > limit ||
        !kernel_is_settled(&k->state, cell, convert_cell(cell, t.text, (size_t)(t.end - t.text), row, tally)))
        return NULL;
    return t.next;
}

INLINE const char *take_string(const struct scalar_kernel *k, const struct cell *cell, uint32_t limit, const char *p,
                               unsigned char *row, const bool delimited)
{
    struct token t;

    if (!find_token(k, p, &t, delimited) || (size_t)(t.end - t.text) > limit)
        return NULL;
    store_string(cell, row, t.text, (size_t)(t.end - t.text));
    return t.next;
}

/* NULL: not settled, nothing stored. 'n' is the cell's number, or one that is like it and known when compiled. */
INLINE const char *settle_number(const struct scalar_kernel *k, const struct number *n, uint32_t limit,
                                 const char *field, unsigned char *row, const bool delimited)
{
    const struct cell *cell = n->cell;
    const char *p = delimited ? skip_blanks(k, field) : field, *end;
    bool negative = *p == '-';
    uint64_t magnitude = 0, value;
    int32_t exponent;

    p += negative;
    if (cell->kind == KIND_FLOAT) {
        end = number_decimal(p, &magnitude, &exponent);
        if (end == NULL || !number_float_bits(cell, magnitude, exponent, negative, &value))
            return NULL;
    } else {
        end = number_few_digits(p, &magnitude);
        if (end == p || end - p > DECIMAL_DIGITS || magnitude > number_integer_limit(cell, negative))
            return NULL;
        value = negative ? -magnitude : magnitude;
    }
    if (delimited)
        end = skip_blanks(k, end);
    if (!ends_field(k, end, delimited) || (size_t)(end - field) > limit || kernel_is_suspect(n, value))
        return NULL;
    number_store(cell, row, value);
    return end;
}

/* Any one cell. */
static const char *take_cell(const struct scalar_kernel *k, const struct number *n, uint32_t limit, const char *p,
                             unsigned char *row, struct convert_tally *tally)
{
    const char *end;

    if (n->cell->kind == KIND_STRING)
        return take_string(k, n->cell, limit, p, row, k->delimited);
    end = settle_number(k, n, limit, p, row, k->delimited);
    if (end == NULL)
        return take_exact(k, n->cell, limit, p, row, tally);
    return k->checked && find_end(k, p, k->delimited) != end ? NULL : end;
}

/* A number cell of that kind and size, little-endian, without suspects: all that is settled when this is compiled. */
INLINE const char *take_settled(const struct scalar_kernel *k, const struct column *column, const char *p,
                                unsigned char *row, struct convert_tally *tally, const bool delimited,
                                const enum kind kind, const uint32_t bytes)
{
    const struct cell cell = {.offset = column->offset, .bytes = bytes, .kind = (uint8_t)kind};
    const char *end = settle_number(k, &(struct number){.cell = &cell}, column->limit, p, row, delimited);

    return end != NULL ? end : take_exact(k, column->cells->cell, column->limit, p, row, tally);
}

/* A column that no cell takes, or several. */
static const char *take_shared(const struct scalar_kernel *k, const struct column *column, const char *p,
                               unsigned char *row, struct convert_tally *tally)
{
    struct token t;

    if (!find_token(k, p, &t, k->delimited))
        return NULL;
    for (size_t i = 0; i < column->n_cells; i++)
        if (take_cell(k, &column->cells[i], column->limits[i], p, row, tally) != t.next)
            return NULL;
    return t.next;
}

INLINE const char *take_column(const struct scalar_kernel *k, const struct column *c, const char *p,
                               unsigned char *row, struct convert_tally *tally, const bool delimited)
{
    switch (c->way) {
    case WAY_STRING: return take_string(k, c->cells->cell, c->limit, p, row, delimited);
    case WAY_I4: return take_settled(k, c, p, row, tally, delimited, KIND_INT, 4);
    case WAY_I8: return take_settled(k, c, p, row, tally, delimited, KIND_INT, 8);
    case WAY_F4: return take_settled(k, c, p, row, tally, delimited, KIND_FLOAT, 4);
    case WAY_F8: return take_settled(k, c, p, row, tally, delimited, KIND_FLOAT, 8);
    case WAY_ANY: return take_cell(k, c->cells, c->limit, p, row, tally);
    case WAY_SHARED: break;
    }
    return take_shared(k, c, p, row, tally);
}

/* ---- padded tables --------------------------------------------------------------------------------------------- */

/*
 * The number at p if it ends where those above it did. As long as it does, where the next field begins hangs on no byte
 * of this one: no jump is guessed wrong, and the processor is at work on several fields at a time.
 * Returns NULL: not so, or not so simple; nothing stored
 */
APART const char *take_padded(const struct scalar_kernel *k, const struct column *c, const char *p, unsigned char *row)
{
    const struct number *n = c->cells;
    const char *end = p + c->width;
    uint32_t n_bytes;
    uint64_t value;

    if (!ends_field(k, end, false) || !number_padded(n->cell, p, c->width, &value, &n_bytes) || n_bytes > c->limit ||
        kernel_is_suspect(n, value))
        return NULL;
    number_store(n->cell, row, value);
    return end;
}

/* What a column's width is after a cell that ended there: two spaces before a number make it one of a padded table. */
INLINE unsigned padded_width(const struct scalar_kernel *k, const struct column *c, const char *p, const char *end)
{
    bool padded = p[0] == ' ' && p[1] == ' ' && end - p <= NUMBER_PADDED && !k->checked;

    return padded && c->way != WAY_STRING && c->way != WAY_SHARED ? (unsigned)(end - p) : 0;
}

/* The column that follows at p behind blanks. */
INLINE const char *take_spaced(const struct scalar_kernel *k, struct column *c, const char *p, unsigned char *row,
                               struct convert_tally *tally)
{
    const char *end = c->width > 0 ? take_padded(k, c, p, row) : NULL, *field;

    if (end != NULL)
        return end;
    field = skip_blanks(k, p);
    if (class_of(k, field) != BYTE_DATA)
        return NULL;
    end = take_column(k, c, field, row, tally, false);
    if (end != NULL && p[0] == ' ' && p[1] == ' ')
        c->width = padded_width(k, c, p, end);
    return end;
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

/* What begins a line decides whether it is a record: not if it is blank or a comment. */
INLINE bool begins_record(const struct scalar_kernel *k, const char *p)
{
    p = skip_blanks(k, p);
    return class_of(k, p) != BYTE_LINE_END && !(k->hash_comment && *p == '#');
}

/* The line at p into a row. Returns the next line; NULL: this one is not for the walk, and the row is undefined. */
INLINE const char *walk_line(const struct scalar_kernel *k, const char *p, unsigned char *row,
                             struct convert_tally *tally, const bool delimited)
{
    if (!begins_record(k, p))
        return NULL;
    for (struct column *c = k->columns, *end = c + k->n_columns; c < end; c++) {
        if (delimited) {
            if (c > k->columns && class_of(k, p++) != BYTE_DELIMITER)
                return NULL;
            p = take_column(k, c, p, row, tally, true);
        } else {
            p = take_spaced(k, c, p, row, tally);
        }
        if (p == NULL)
            return NULL;
    }
    if (!delimited)
        p = skip_blanks(k, p);
    p += *p == '\r';
    return *p == '\n' ? p + 1 : NULL;
}

/* Line after line up to 'lines_end', until one is not for the walk or the rows are full. */
INLINE void walk_lines(const struct scalar_kernel *k, struct kernel_job *job, const char *lines_end,
                       const bool delimited)
{
    const size_t row_bytes = k->state.schema->row_bytes, n_room = job->capacity - job->n_rows;
    unsigned char *row = job->rows + job->n_rows * row_bytes;
    const char *text = job->text + job->text_used;
    size_t n_rows = 0;

    for (; text < lines_end && n_rows < n_room; n_rows++, row += row_bytes) {
        struct convert_tally tally = job->tally;
        const char *next = walk_line(k, text, row, &tally, delimited);

        if (next == NULL)
            break;
        job->tally = tally;
        text = next;
    }
    job->text_used = (size_t)(text - job->text);
    job->lines_used += n_rows;
    job->n_rows += n_rows;
}

/* Two functions, for in one the two walks would crowd each other out of the registers. */
APART void walk_blanks(const struct scalar_kernel *k, struct kernel_job *job, const char *lines_end)
{
    walk_lines(k, job, lines_end, false);
}

APART void walk_delimited(const struct scalar_kernel *k, struct kernel_job *job, const char *lines_end)
{
    walk_lines(k, job, lines_end, true);
}

/*
 * The lines from job->text_used to 'until', of which those before 'complete' have their LF: as many as can be by the
 * walk, the others by record_parse(). Returns false when the job ends here.
 */
static bool parse_lines(struct scalar_kernel *k, struct kernel_job *job, size_t complete, size_t until)
{
    while (job->n_rows < job->capacity && job->text_used < until) {
        if (!k->plain_only && job->text_used < complete)
            (k->delimited ? walk_delimited : walk_blanks)(k, job, job->text + complete);
        if (job->n_rows == job->capacity || job->text_used >= until)
            break;
        if (!kernel_plain_record(&k->state, job))
            return false;
        if (job->longest != NULL && !k->plain_only)
            set_limits(k, job->longest);
    }
    return true;
}

bool kernel_scalar_lines(struct kernel *kernel, struct kernel_job *job, size_t until)
{
    struct scalar_kernel *k = (struct scalar_kernel *)kernel;

    k->state.rounded = job->rounded;
    set_limits(k, job->longest);
    return parse_lines(k, job, until, until);
}

static void scalar_parse(struct kernel *kernel, struct kernel_job *job)
{
    struct scalar_kernel *k = (struct scalar_kernel *)kernel;
    const char *lf = memrchr(job->text, '\n', job->text_bytes);

    kernel_job_begin(job);
    k->state.rounded = job->rounded;
    if (!k->plain_only)
        set_limits(k, job->longest);
    parse_lines(k, job, lf != NULL ? (size_t)(lf + 1 - job->text) : 0, job->text_bytes);
}

const struct kernel_class kernel_scalar = {"scalar", scalar_supported, scalar_open, scalar_parse, scalar_close};
