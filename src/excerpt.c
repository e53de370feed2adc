/*
 * excerpt.c - the records of a stretch of text, one after the other, as fields.
 */
#define _GNU_SOURCE /* memrchr */
#include "excerpt.h"

#include <stdlib.h>
#include <string.h>

/* ---- splitters that stay --------------------------------------------------------------------------------------- */

enum { READERS = 8 };

static struct reader {
    struct dialect dialect; /* record points to it */
    struct record *record;
    uint64_t asked;         /* when it was asked for last: the one longest ago makes way */
} readers[READERS];
static uint64_t n_asked;

static bool same_dialect(const struct dialect *a, const struct dialect *b)
{
    if (a->delimiter != b->delimiter || a->hash_comment != b->hash_comment || a->n_comments != b->n_comments ||
        a->n_widths != b->n_widths || a->widths != b->widths)
        return false;
    for (size_t i = 0; i < a->n_comments; i++)
        if (a->comments[i].text != b->comments[i].text || a->comments[i].bytes != b->comments[i].bytes)
            return false;
    return true;
}

struct record *excerpt_record(const struct dialect *dialect)
{
    struct reader *r = readers;

    n_asked++;
    for (size_t i = 0; i < READERS; i++) {
        if (readers[i].record != NULL && same_dialect(&readers[i].dialect, dialect)) {
            readers[i].asked = n_asked;
            return readers[i].record;
        }
        if (readers[i].asked < r->asked)
            r = &readers[i];
    }
    record_close(r->record);
    r->asked = n_asked;
    r->dialect = *dialect;
    r->record = record_open(NULL, &r->dialect);
    return r->record;
}

void excerpt_forget(void)
{
    for (size_t i = 0; i < READERS; i++) {
        record_close(readers[i].record);
        readers[i].record = NULL;
    }
}

/* ---- ordinary lines -------------------------------------------------------------------------------------------- */

/*
 * Most lines have no quotes, no '#' and no odd bytes; they are split here, several times as fast. Every other line
 * is left to record.c, which defines what a record is; so are blank lines and the last line without its end.
 */
enum { QUICK_FIELDS = 512 };

enum byte_class { BYTE_DATA, BYTE_PART, BYTE_END, BYTE_ODD };

static struct {
    int delimiter;                 /* the one that 'class' is for */
    uint8_t class[256];
    struct record_field fields[QUICK_FIELDS];
} quick = {.delimiter = DELIMITER_AUTO};

static void classify_bytes(int delimiter)
{
    static const char odd[] = {'"', '#', '\r', '\0'};

    memset(quick.class, BYTE_DATA, sizeof quick.class);
    for (size_t i = 0; i < sizeof odd; i++)
        quick.class[(unsigned char)odd[i]] = BYTE_ODD;
    quick.class['\n'] = BYTE_END;
    for (unsigned c = 0; c < 256; c++)
        if (delimiter == DELIMITER_BLANKS ? is_blank((char)c) : (int)c == delimiter)
            quick.class[c] = BYTE_PART;
    quick.delimiter = delimiter;
}

static inline enum byte_class class_at(const char *p)
{
    return quick.class[(unsigned char)*p];
}

/* The end of the data bytes from p on; the text ends in a line feed, so there is one. */
static inline const char *data_end(const char *p)
{
    while (class_at(p) == BYTE_DATA)
        p++;
    return p;
}

/* Split the line at w->at if it is an ordinary one, of a text that ends in a line feed. */
static bool split_ordinary(struct walk *w)
{
    const char *p = w->at;
    bool blanks = w->dialect->delimiter == DELIMITER_BLANKS;
    size_t n = 0;

    if (quick.delimiter != w->dialect->delimiter)
        classify_bytes(w->dialect->delimiter);
    if (!blanks && (is_blank(*p) || *p == '\n'))
        return false; /* perhaps a line of blanks */
    for (;;) {
        const char *start;

        while (blanks && class_at(p) == BYTE_PART)
            p++;
        if (blanks && class_at(p) == BYTE_END)
            break;
        start = p;
        p = data_end(p);
        if (class_at(p) == BYTE_ODD || n == QUICK_FIELDS)
            return false;
        quick.fields[n++] = (struct record_field){.text = start, .bytes = (size_t)(p - start),
                                                  .full_bytes = (size_t)(p - start), .at = (size_t)(start - w->at)};
        if (class_at(p) == BYTE_END)
            break;
        p++;
    }
    if (n == 0)
        return false;
    w->fields = quick.fields;
    w->n_fields = n;
    w->extent = (struct record_extent){(size_t)(p + 1 - w->at), 1};
    return true;
}

/* ---- walking --------------------------------------------------------------------------------------------------- */

static const struct dialect *dialect_of(const struct record *record)
{
    size_t i = 0;

    while (readers[i].record != record)
        i++;
    return &readers[i].dialect;
}

void walk_begin(struct walk *w, struct record *record, const struct excerpt *e, uint32_t expect)
{
    const char *end = e->text + e->bytes, *lf = e->bytes > 0 ? memrchr(e->text, '\n', e->bytes) : NULL;

    *w = (struct walk){.record = record, .dialect = dialect_of(record), .at = e->text, .end = end, .last = e->last,
                       .expect = expect};
    if (w->dialect->delimiter != DELIMITER_WIDTHS && w->dialect->n_comments == 0 && lf != NULL)
        w->ordinary_end = lf + 1;
}

enum record_status walk_next(struct walk *w)
{
    enum record_status status = RECORD_ROW;

    if (w->at == w->end)
        return RECORD_MORE;
    w->start = w->at;
    if (w->at >= w->ordinary_end || !split_ordinary(w))
        status = record_split(w->record, w->at, (size_t)(w->end - w->at), w->last, w->expect, &w->fields, &w->n_fields,
                              &w->extent, &w->failure);
    if (status == RECORD_MORE || w->extent.bytes == 0)
        return RECORD_MORE;
    if (status == RECORD_BAD)
        w->failure.line_no += w->lines + 1;
    w->at += w->extent.bytes;
    w->lines += w->extent.n_lines;
    return status;
}

void excerpt_cut_footer(struct excerpt *e, uint64_t n_lines)
{
    if (e->bytes > 0 && n_lines > 0 && e->text[e->bytes - 1] == '\n')
        e->bytes--; /* the line feed that ends the last line is no line of its own */
    for (; n_lines > 0 && e->bytes > 0; n_lines--) {
        const char *lf = memrchr(e->text, '\n', e->bytes);

        e->bytes = lf != NULL ? (size_t)(lf - e->text) + (n_lines == 1) : 0;
    }
}

char **excerpt_words(const struct record_field *fields, size_t n_fields)
{
    size_t bytes = n_fields * sizeof(char *) + n_fields;
    char **words, *at;

    for (size_t i = 0; i < n_fields; i++)
        bytes += fields[i].bytes;
    words = malloc(bytes + 1);
    if (words == NULL)
        return NULL;
    at = (char *)(words + n_fields);
    for (size_t i = 0; i < n_fields; i++) {
        const char *text = fields[i].text, *end = text + fields[i].bytes;

        while (end > text && is_blank(end[-1]))
            end--;
        while (text < end && is_blank(*text))
            text++;
        words[i] = at;
        memcpy(at, text, (size_t)(end - text));
        at += end - text;
        *at++ = '\0';
    }
    return words;
}
