/*
 * header.c - the line that names the columns: where it may stand, and whether it does.
 */
#include "header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "survey.h"

/* '1,5' is no number that can be read, but no name either. */
static bool is_one_number(const char *text, size_t bytes)
{
    struct survey s = {0};

    survey_field(&s, NULL, text, bytes, false);
    return s.class == SURVEY_INTEGER || s.class == SURVEY_FLOAT || s.commas == SURVEY_COMMA;
}

/* Nor are several, as '20 40' is where only blanks stand between them and the delimiter is another. */
static bool is_number(const char *text, size_t bytes)
{
    const char *end = text + bytes, *word;
    size_t n_words = 0;

    while (text < end) {
        for (word = text; text < end && !is_blank(*text); text++)
            ;
        if (text > word && !is_one_number(word, (size_t)(text - word)))
            return false;
        n_words += text > word;
        text += text < end;
    }
    return n_words > 0;
}

/* ---- scanning -------------------------------------------------------------------------------------------------- */

static void look_for_numbers(struct headline *line, const struct record_field *fields, size_t n_fields)
{
    line->n = n_fields;
    line->all_numbers = n_fields > 0;
    line->some_number = false;
    for (size_t i = 0; i < n_fields; i++) {
        bool number = is_number(fields[i].text, fields[i].bytes);

        line->all_numbers = line->all_numbers && number;
        line->some_number = line->some_number || number;
        if (line->some_number && !line->all_numbers)
            return;
    }
}

static int take_words(struct headline *line, const struct walk *w)
{
    line->words = excerpt_words(w->fields, w->n_fields);
    return line->words != NULL ? 0 : -1;
}

/* The bytes of the comment mark that p begins with, 0: none. A run of '#' is one mark. */
static size_t mark_bytes(const struct dialect *d, const char *p, size_t bytes)
{
    size_t n = 0;

    while (d->hash_comment && n < bytes && p[n] == '#')
        n++;
    for (size_t i = 0; n == 0 && i < d->n_comments; i++)
        if (bytes >= d->comments[i].bytes && memcmp(p, d->comments[i].text, d->comments[i].bytes) == 0)
            n = d->comments[i].bytes;
    return n;
}

/* What a comment line says, as fields of the same dialect, and all of it; a blank line says nothing. */
static bool comment_text(const struct walk *w, const struct dialect *d, struct excerpt *text, struct excerpt *line)
{
    const char *p = w->start, *end = w->start + w->extent.bytes;
    size_t mark;

    while (p < end && is_blank(*p))
        p++;
    mark = mark_bytes(d, p, (size_t)(end - p));
    *text = (struct excerpt){p + mark, (size_t)(end - p) - mark, true};
    *line = (struct excerpt){w->start, w->extent.bytes, true};
    return mark > 0;
}

static int take_comment(struct headline *line, struct record *record, const struct excerpt *text)
{
    struct walk w;

    line->words = NULL;
    line->n = 0;
    walk_begin(&w, record, text, UINT32_MAX);
    if (walk_next(&w) != RECORD_ROW)
        return 0;
    look_for_numbers(line, w.fields, w.n_fields);
    return take_words(line, &w);
}

/* Names with blanks in them may be parted by tabs where the data are read by blanks. */
static int retake_by_tabs(struct headline *line, const struct dialect *dialect, const struct excerpt *text,
                          uint32_t n_columns)
{
    struct dialect tabs = *dialect;
    struct record *record;
    struct headline retaken;

    if (line->n == n_columns || dialect->delimiter != DELIMITER_BLANKS || memchr(text->text, '\t', text->bytes) == NULL)
        return 0;
    tabs.delimiter = '\t';
    record = excerpt_record(&tabs);
    if (record == NULL || take_comment(&retaken, record, text) != 0)
        return -1;
    if (retaken.n == n_columns) {
        free(line->words);
        *line = retaken;
    } else {
        free(retaken.words);
    }
    return 0;
}

/* No width ends inside a word of the line. */
static bool stands_in_columns(const struct excerpt *line, const struct dialect *d)
{
    size_t at = 0;

    for (size_t i = 0; i < d->n_widths; i++) {
        at += d->widths[i];
        if (at >= line->bytes)
            return i > 0;
        if ((unsigned char)line->text[at - 1] > ' ' && (unsigned char)line->text[at] > ' ')
            return false;
    }
    return true;
}

/*
 * Columns of fixed width stand under their names: the line is cut with its mark, which is then taken off the first
 * word. Any line can be cut, so one whose words are cut through is no header.
 */
static int retake_by_widths(struct headline *line, const struct dialect *dialect, const struct excerpt *text)
{
    struct dialect plain = *dialect;
    struct record *record;
    char *first;

    if (dialect->delimiter != DELIMITER_WIDTHS)
        return 0;
    free(line->words);
    *line = (struct headline){0};
    if (!stands_in_columns(text, dialect))
        return 0;
    plain.hash_comment = false;
    plain.n_comments = 0;
    record = excerpt_record(&plain);
    if (record == NULL || take_comment(line, record, text) != 0)
        return -1;
    if (line->n > 0) {
        first = line->words[0];
        line->words[0] += mark_bytes(dialect, first, strlen(first));
    }
    return 0;
}

int header_scan(struct headlines *h, struct walk *w, const struct dialect *dialect, bool keep_record)
{
    struct excerpt comment = {0}, line = {0};
    enum record_status status;
    bool adjacent = false;

    *h = (struct headlines){0};
    while ((status = walk_next(w)) == RECORD_NOTHING) {
        adjacent = comment_text(w, dialect, &comment, &line);
        h->commented = h->commented || adjacent;
    }
    if (adjacent && (take_comment(&h->comment, w->record, &comment) != 0 ||
                     retake_by_tabs(&h->comment, dialect, &comment, w->expect) != 0 ||
                     retake_by_widths(&h->comment, dialect, &line) != 0)) {
        headlines_release(h);
        return -1;
    }
    if (status != RECORD_ROW)
        return 0;
    if (adjacent) { /* the comment went through the same splitter: split the record again */
        w->at = w->start;
        w->lines -= w->extent.n_lines;
        walk_next(w);
    }
    look_for_numbers(&h->record, w->fields, w->n_fields);
    return !h->record.some_number || keep_record ? take_words(&h->record, w) : 0;
}

void headlines_release(struct headlines *h)
{
    free(h->record.words);
    free(h->comment.words);
    h->record.words = h->comment.words = NULL;
}

bool header_numbers_below(struct walk w, const bool *numeric)
{
    enum record_status status;

    do
        status = walk_next(&w);
    while (status == RECORD_NOTHING);
    for (size_t i = 0; status != RECORD_MORE && i < w.n_fields && i < w.expect; i++) /* of a bad one what is good */
        if (numeric[i] && is_number(w.fields[i].text, w.fields[i].bytes))
            return true;
    return false;
}

/* ---- judging --------------------------------------------------------------------------------------------------- */

static bool fits(const struct headline *line, uint32_t n_columns)
{
    return line->words != NULL && line->n == n_columns;
}

/* ',gene,call': row labels in front that have no name, as data frames are written. */
static bool names_all_but_the_index(const struct headline *line)
{
    for (size_t i = 0; i < line->n; i++)
        if ((*line->words[i] == '\0') != (i == 0))
            return false;
    return line->n > 1;
}

/* A missing token above numbers is a missing value, no name; so it says nothing for a header. */
static bool stands_above_numbers(const struct headline *line, const bool *numeric, const struct missing *missing)
{
    if (names_all_but_the_index(line) && numeric != NULL && numeric[0])
        return true;
    for (size_t i = 0; numeric != NULL && i < line->n; i++)
        if (numeric[i] &&
            !convert_is_missing(missing, KIND_STRING, line->words[i], strlen(line->words[i])))
            return true;
    return false;
}

static enum header_place refuse(const struct headline *line, uint32_t n_columns, char error[SCHEMA_ERROR])
{
    const char *hint = line->n + 1 == n_columns ? "R's write.table leaves out the name of the row names; " : "";

    snprintf(error, SCHEMA_ERROR, "the header has %zu names for %u columns: %sgive all by --names, and leave the line "
             "out by --skip-lines", line->n, n_columns, hint);
    return HEADER_WRONG;
}

/* --header yes, where nothing was found as by auto. */
static enum header_place insist(const struct headlines *h, uint32_t n_columns, char error[SCHEMA_ERROR])
{
    if (fits(&h->comment, n_columns))
        return HEADER_COMMENT;
    if (fits(&h->record, n_columns) && (!h->commented || !h->record.some_number))
        return HEADER_RECORD;
    if (h->record.words == NULL && h->comment.words == NULL)
        return HEADER_NONE; /* nothing there at all */
    return refuse(h->commented && h->comment.words != NULL ? &h->comment : &h->record, n_columns, error);
}

enum header_place header_judge(const struct headlines *h, enum header_mode mode, uint32_t n_columns,
                               const bool *numeric, const struct missing *missing, char error[SCHEMA_ERROR])
{
    if (mode == HEADER_NO)
        return HEADER_NONE;
    if (fits(&h->record, n_columns) && !h->record.some_number && stands_above_numbers(&h->record, numeric, missing))
        return HEADER_RECORD;
    if (fits(&h->comment, n_columns) && !h->comment.all_numbers)
        return HEADER_COMMENT;
    return mode == HEADER_YES ? insist(h, n_columns, error) : HEADER_NONE;
}
