/*
 * record.c - one line of text to one record, in any dialect: the plain and exact way.
 *
 * A line is walked from left to right with a cursor: find where the line ends, then field by field, each either quoted
 * (quoted.c knows how) or plain. What is no field is blank, delimiter, comment, or an error. The line's end moves on
 * when a quoted field runs over it, so a record may be several lines long.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "quoted.h"

struct record {
    const struct schema *schema;
    const struct dialect *dialect;
    struct quoted *quoted;
    struct record_field *fields;
    size_t n_fields, capacity;
    uint32_t n_rounded;             /* cells of the last row whose floats do not hold their integers; the first: */
    uint32_t rounded[ROUNDED_KEPT];
};

/* The walk along one record. */
struct cursor {
    const char *start;      /* of the record */
    const char *at;
    const char *line_end;   /* of the content: before the CRs and the LF */
    const char *next_line;  /* behind the LF */
    const char *text_end;
    bool last;
    uint32_t n_lines;
    struct failure *failure;
};

struct record *record_open(const struct schema *schema, const struct dialect *dialect)
{
    struct record *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->schema = schema;
    r->dialect = dialect;
    r->quoted = quoted_open();
    if (r->quoted == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

void record_close(struct record *r)
{
    if (r == NULL)
        return;
    quoted_close(r->quoted);
    free(r->fields);
    free(r);
}

/* ---- failures -------------------------------------------------------------------------------------------------- */

static uint64_t lines_between(const char *from, const char *to)
{
    uint64_t n = 0;

    while ((from = memchr(from, '\n', (size_t)(to - from))) != NULL) {
        from++;
        n++;
    }
    return n;
}

/* A failure at 'place', in the column that the next field would have. */
static enum record_status fail(const struct record *r, struct cursor *c, int code, const char *place)
{
    c->failure->code = code;
    c->failure->field = -1;
    c->failure->column_no = (uint32_t)(r->n_fields + 1);
    c->failure->line_no = lines_between(c->start, place);
    return RECORD_BAD;
}

/*
 * Text behind the quote, before the cursor, that closes the field at 'open'. Where there are line ends in the field the
 * quote at its start may be a stray one, which has taken good lines with it: their number goes along, as text_total.
 */
static enum record_status fail_junk(const struct record *r, struct cursor *c, const char *open)
{
    uint64_t n_lines = lines_between(open, c->at);

    c->failure->text_total = n_lines > UINT32_MAX ? UINT32_MAX : (uint32_t)n_lines;
    return fail(r, c, FAILURE_QUOTE_JUNK, open);
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

/* Set the line's end as seen from 'from'. False: the text ends first, and more is to come. */
static bool find_line_end(struct cursor *c, const char *from)
{
    const char *lf = memchr(from, '\n', (size_t)(c->text_end - from));

    if (lf == NULL && !c->last)
        return false;
    c->line_end = lf != NULL ? lf : c->text_end;
    c->next_line = lf != NULL ? lf + 1 : c->text_end;
    c->n_lines += lf != NULL;
    while (c->line_end > from && c->line_end[-1] == '\r')
        c->line_end--;
    return true;
}

static bool is_delimiter(const struct dialect *d, char c)
{
    return (unsigned char)c == d->delimiter;
}

static void skip_blanks(const struct dialect *d, struct cursor *c)
{
    while (c->at < c->line_end && is_blank(*c->at) && !is_delimiter(d, *c->at))
        c->at++;
}

/* Neither NUL nor CR may stand in plain text. */
static enum record_status check_plain(const struct record *r, struct cursor *c, const char *text, size_t text_bytes)
{
    const char *bad = memchr(text, '\0', text_bytes);

    if (bad != NULL)
        return fail(r, c, FAILURE_NUL, text);
    bad = memchr(text, '\r', text_bytes);
    return bad != NULL ? fail(r, c, FAILURE_CR, text) : RECORD_ROW;
}

/* ---- comments -------------------------------------------------------------------------------------------------- */

static bool mark_at(const struct dialect *d, const char *p, const char *end)
{
    for (size_t i = 0; i < d->n_comments; i++) {
        const struct comment_mark *m = &d->comments[i];

        if ((size_t)(end - p) >= m->bytes && memcmp(p, m->text, m->bytes) == 0)
            return true;
    }
    return false;
}

/* Where the first mark stands between p and end, or end. */
static const char *find_mark(const struct dialect *d, const char *p, const char *end)
{
    if (d->n_comments == 0)
        return end;
    while (p < end && !mark_at(d, p, end))
        p++;
    return p;
}

/* True when the rest of the line, from the cursor, is a comment. 'bounds': at the start or behind the last field. */
static bool at_comment(const struct dialect *d, const struct cursor *c, bool bounds)
{
    if (c->at == c->line_end)
        return false;
    return (bounds && d->hash_comment && *c->at == '#') || mark_at(d, c->at, c->line_end);
}

/* ---- fields ---------------------------------------------------------------------------------------------------- */

static bool add_field(struct record *r, struct record_field field)
{
    if (r->n_fields == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 64;
        struct record_field *grown = realloc(r->fields, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        r->fields = grown;
        r->capacity = capacity;
    }
    r->fields[r->n_fields++] = field;
    return true;
}

/* A field that begins with a quote: undo it and find the line's end behind it. */
static enum record_status take_quoted(struct record *r, struct cursor *c)
{
    const struct dialect *d = r->dialect;
    struct record_field f = {.at = (size_t)(c->at - c->start), .quoted = true};
    const char *open = c->at;
    size_t extent = quoted_extent(open, (size_t)(c->text_end - open));

    if (extent == 0 || (open + extent == c->text_end && !c->last)) {
        if (!c->last)
            return RECORD_MORE;
        return fail(r, c, FAILURE_QUOTE_OPEN, open);
    }
    if (quoted_undo(r->quoted, open, extent, &f.text, &f.bytes) != 0)
        return fail(r, c, FAILURE_MEMORY, open);
    f.full_bytes = f.bytes;
    c->at = open + extent;
    if (c->at > c->line_end) {
        c->n_lines += (uint32_t)lines_between(c->next_line, c->at);
        if (!find_line_end(c, c->at))
            return RECORD_MORE;
    }
    if (memchr(f.text, '\0', f.bytes) != NULL)
        return fail(r, c, FAILURE_NUL, open);
    if (c->at < c->line_end && !is_delimiter(d, *c->at) && !is_blank(*c->at) && !mark_at(d, c->at, c->line_end))
        return fail_junk(r, c, open);
    return add_field(r, f) ? RECORD_ROW : fail(r, c, FAILURE_MEMORY, open);
}

/* Behind a number in the last delimited field, a blank and '#' begin a comment; in a string they are data. */
static size_t cut_comment(const struct record *r, const char *text, size_t text_bytes)
{
    const char *hash = memchr(text, '#', text_bytes);
    bool negative, overflow;
    uint64_t magnitude;
    double number;
    size_t n;

    if (hash == NULL || hash == text || !is_blank(hash[-1]))
        return text_bytes;
    for (size_t i = 0; r->schema != NULL && i < r->schema->n_cells; i++) {
        const struct cell *cell = &r->schema->cells[i];

        if (cell->column == r->n_fields && cell->kind == KIND_STRING)
            return text_bytes;
    }
    n = (size_t)(hash - text);
    while (n > 0 && is_blank(text[n - 1]))
        n--;
    while (n > 0 && is_blank(*text)) {
        text++;
        n--;
    }
    if (convert_integer(text, n, &negative, &magnitude) == FAILURE_NOT_INTEGER &&
        convert_double(text, n, &number, &overflow) != FAILURE_NONE)
        return text_bytes;
    return (size_t)(hash - text);
}

static enum record_status take_plain(struct record *r, struct cursor *c, const char *end)
{
    struct record_field f = {.text = c->at, .bytes = (size_t)(end - c->at), .at = (size_t)(c->at - c->start)};
    enum record_status status = check_plain(r, c, f.text, f.bytes);

    f.full_bytes = f.bytes;
    c->at = end;
    if (status != RECORD_ROW)
        return status;
    return add_field(r, f) ? RECORD_ROW : fail(r, c, FAILURE_MEMORY, f.text);
}

/* Fields between runs of blanks. */
static enum record_status split_blanks(struct record *r, struct cursor *c, uint32_t expect)
{
    const struct dialect *d = r->dialect;
    enum record_status status = RECORD_ROW;

    while (status == RECORD_ROW) {
        const char *end;

        skip_blanks(d, c);
        if (c->at == c->line_end || at_comment(d, c, r->n_fields == 0 || r->n_fields == expect))
            return RECORD_ROW;
        if (*c->at == '"') {
            status = take_quoted(r, c);
            continue;
        }
        end = c->at;
        while (end < c->line_end && !is_blank(*end) && !mark_at(d, end, c->line_end))
            end++;
        status = take_plain(r, c, end);
    }
    return status;
}

/* Cut off what is a comment of the last field; delimiters may follow in it. True: the cursor is at the comment. */
static bool ends_in_comment(struct record *r, struct cursor *c)
{
    struct record_field *f = &r->fields[r->n_fields - 1];
    size_t bytes;

    r->n_fields--;
    bytes = cut_comment(r, f->text, f->bytes);
    r->n_fields++;
    if (bytes == f->bytes)
        return false;
    f->bytes = bytes;
    c->at = f->text + bytes;
    return true;
}

/* Fields between delimiters; the cursor is at the start of a line that is not blank. */
static enum record_status split_delimited(struct record *r, struct cursor *c, uint32_t expect)
{
    const struct dialect *d = r->dialect;
    enum record_status status;

    for (;;) {
        const char *start = c->at, *delimiter;

        if (c->at < c->line_end && *c->at == '"') {
            status = take_quoted(r, c);
            if (status != RECORD_ROW)
                return status;
            skip_blanks(d, c);
            if (c->at == c->line_end || at_comment(d, c, r->n_fields == expect))
                return RECORD_ROW;
            if (!is_delimiter(d, *c->at)) {
                r->n_fields--;
                return fail_junk(r, c, start);
            }
        } else {
            delimiter = memchr(start, d->delimiter, (size_t)(c->line_end - start));
            status = take_plain(r, c, find_mark(d, start, delimiter != NULL ? delimiter : c->line_end));
            if (status != RECORD_ROW)
                return status;
            if (d->hash_comment && r->n_fields == expect && ends_in_comment(r, c))
                return RECORD_ROW;
            if (c->at == c->line_end || !is_delimiter(d, *c->at))
                return RECORD_ROW;
        }
        c->at++;
    }
}

static void trim(struct record_field *f)
{
    while (f->bytes > 0 && is_blank(f->text[f->bytes - 1]))
        f->bytes--;
    while (f->bytes > 0 && is_blank(*f->text)) {
        f->text++;
        f->bytes--;
    }
    f->full_bytes = f->bytes;
}

/* Fields of fixed widths; what a short line lacks is empty. */
static enum record_status split_widths(struct record *r, struct cursor *c)
{
    const struct dialect *d = r->dialect;
    const char *mark = find_mark(d, c->at, c->line_end);
    enum record_status status;

    for (size_t i = 0; i < d->n_widths; i++) {
        size_t left = (size_t)(mark - c->at);

        status = take_plain(r, c, c->at + (left < d->widths[i] ? left : d->widths[i]));
        if (status != RECORD_ROW)
            return status;
        trim(&r->fields[r->n_fields - 1]);
    }
    skip_blanks(d, c);
    if (c->at < mark)
        return take_plain(r, c, mark);
    return RECORD_ROW;
}

enum record_status record_split(struct record *r, const char *text, size_t text_bytes, bool last, uint32_t expect,
                                struct record_field **fields, size_t *n_fields, struct record_extent *extent,
                                struct failure *failure)
{
    const struct dialect *d = r->dialect;
    struct cursor c = {.start = text, .at = text, .text_end = text + text_bytes, .last = last, .failure = failure};
    enum record_status status;

    *extent = (struct record_extent){0};
    *fields = NULL;
    *n_fields = 0;
    r->n_fields = 0;
    if (text_bytes == 0)
        return RECORD_MORE;
    if (!find_line_end(&c, text))
        return RECORD_MORE;
    *extent = (struct record_extent){(size_t)(c.next_line - text), c.n_lines};
    quoted_reset(r->quoted);

    skip_blanks(d, &c);
    if (c.at == c.line_end || at_comment(d, &c, true)) {
        status = check_plain(r, &c, c.at, (size_t)(c.line_end - c.at));
        return status == RECORD_ROW ? RECORD_NOTHING : status;
    }
    if (d->delimiter == DELIMITER_BLANKS) {
        status = split_blanks(r, &c, expect);
    } else {
        c.at = text;
        status = d->delimiter == DELIMITER_WIDTHS ? split_widths(r, &c) : split_delimited(r, &c, expect);
    }
    if (status == RECORD_ROW) /* what is left of the line is a comment */
        status = check_plain(r, &c, c.at, (size_t)(c.line_end - c.at));
    if (status == RECORD_ROW || (status == RECORD_BAD && failure->code != FAILURE_QUOTE_OPEN))
        *extent = (struct record_extent){(size_t)(c.next_line - text), c.n_lines};
    *fields = r->fields;
    *n_fields = r->n_fields;
    return status;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* The field that a cell takes, or NULL when the record is too short for it. */
static const struct record_field *field_of(const struct cell *cell, const struct record_field *fields, size_t n_fields)
{
    size_t column = cell->column;

    if (cell->from_end < 0) {
        size_t back = (size_t)-cell->from_end;

        return back <= n_fields ? &fields[n_fields - back] : NULL;
    }
    return column < n_fields ? &fields[column] : NULL;
}

static enum record_status wrong_count(int code, size_t column_no, size_t n_fields, struct failure *failure)
{
    failure->code = code;
    failure->field = -1;
    failure->column_no = (uint32_t)column_no;
    failure->text_total = (uint32_t)n_fields;
    return RECORD_BAD;
}

enum record_status record_parse(struct record *r, const char *text, size_t text_bytes, bool last, unsigned char *row,
                                uint32_t *longest, struct convert_tally *tally, struct record_extent *extent,
                                struct failure *failure)
{
    const struct schema *s = r->schema;
    struct convert_tally counted = {0};
    struct record_field *fields;
    size_t n_fields;
    enum record_status status;

    memset(failure, 0, sizeof *failure);
    r->n_rounded = 0;
    status = record_split(r, text, text_bytes, last, s->n_columns, &fields, &n_fields, extent, failure);
    if (status != RECORD_ROW)
        return status;
    if (s->exact && n_fields != s->n_columns)
        return n_fields < s->n_columns ? wrong_count(FAILURE_TOO_FEW, n_fields + 1, n_fields, failure)
                                       : wrong_count(FAILURE_TOO_MANY, s->n_columns + 1, n_fields, failure);
    for (size_t i = 0; i < s->n_cells; i++) {
        const struct record_field *f = field_of(&s->cells[i], fields, n_fields);

        if (f == NULL)
            return wrong_count(FAILURE_TOO_FEW, n_fields + 1, n_fields, failure);
        if (longest != NULL && f->full_bytes > longest[i])
            longest[i] = f->full_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)f->full_bytes;
    }
    for (size_t i = 0; i < s->n_cells; i++) {
        const struct cell *cell = &s->cells[i];
        const struct record_field *f = field_of(cell, fields, n_fields);
        int code = convert_cell(cell, f->text, f->bytes, row, &counted);

        if (code == FAILURE_ROUNDED && r->n_rounded < ROUNDED_KEPT)
            r->rounded[r->n_rounded++] = (uint32_t)i;
        if (code == FAILURE_NONE || code == FAILURE_ROUNDED)
            continue;
        failure->code = code;
        failure->field = (int32_t)cell->field;
        failure->column_no = (uint32_t)(f - fields) + 1;
        failure->line_no = lines_between(text, text + f->at);
        failure_quote(failure, f->text, f->bytes);
        return RECORD_BAD;
    }
    tally->n_missing += counted.n_missing;
    tally->n_overflow += counted.n_overflow;
    return RECORD_ROW;
}

void record_note_rounded(const struct record *r, const char *text, uint64_t line_no, struct rounded_list *list)
{
    for (uint32_t i = 0; i < r->n_rounded; i++) {
        const struct record_field *f = field_of(&r->schema->cells[r->rounded[i]], r->fields, r->n_fields);
        const char *value = f->text;
        size_t value_bytes = f->bytes;

        for (; value_bytes > 0 && is_blank(*value); value_bytes--)
            value++;
        while (value_bytes > 0 && is_blank(value[value_bytes - 1]))
            value_bytes--;
        rounded_note(list, r->rounded[i], line_no + lines_between(text, text + f->at), value, value_bytes);
    }
}
