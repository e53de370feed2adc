/*
 * infer.c - what can be known of an input before its parse.
 *
 * An input is opened once and a sample of its text is read: enough to hold two records, all of a small file. The
 * sample settles the delimiter, then the header, then it is surveyed column by column; of a larger plain file,
 * pieces up to its end are surveyed too. Whatever the guess, the parse looks at every value.
 */
#define _GNU_SOURCE /* memrchr */
#include "infer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"
#include "columns.h"
#include "delimiter.h"
#include "excerpt.h"
#include "header.h"
#include "keep.h"
#include "kinds.h"
#include "message.h"
#include "sample.h"

enum {
    TOLD_AT_MOST = 5,       /* inputs of one run, of what may be wrong with their delimiter */
    RECORDS_TYPED = 100,    /* looked at for the delimiter when the types are given */
    PIECE_LARGEST = 1 << 20,
};

static const uint64_t NOT_KNOWN = UINT64_MAX;

/* One input under the glass. */
struct look {
    const struct input *input;
    const struct options *options;
    bool typed;
    uint32_t expected;      /* columns of the dtype */
    struct sample *sample;
    struct finding *f;
    struct excerpt text;    /* of the sample, from f->text_start on, without footer */
    struct record *record;  /* splitter for the dialect */
    uint32_t needed;        /* fields that a record needs for --usecols; 1 without */
    bool counts_back;       /* columns were chosen from the end */
    bool lines_joined;      /* some record has line feeds in quotes */
    bool told;              /* what kind of text it is: nothing else is to be said of its first lines */
    struct failure *failure;
    char *error;
};

static int no_memory(struct look *l)
{
    l->failure->code = FAILURE_MEMORY;
    return -1;
}

/* ---- where the text starts ------------------------------------------------------------------------------------- */

static bool begins_with(const struct sample *s, const char *bytes, size_t n)
{
    return s->bytes >= n && memcmp(s->text, bytes, n) == 0;
}

/* What people give by mistake, by its first bytes, and what helps. */
static const struct {
    const char *bytes;
    size_t n;
    const char *sentence;
} strangers[] = {
    {"\xff\xfe", 2, "this is UTF-16 text; convert it with iconv -f UTF-16 -t UTF-8"},
    {"\xfe\xff", 2, "this is UTF-16 text; convert it with iconv -f UTF-16 -t UTF-8"},
    {"PK\3\4", 4, "this is a zip archive, or a workbook: unzip it, or save its sheet as CSV"},
    {"\x89HDF\r\n", 6, "this is an HDF5 file already"},
    {"CDF\1", 4, "this is a NetCDF file, and no text: nccopy -k nc4 makes HDF5 of it"},
    {"CDF\2", 4, "this is a NetCDF file, and no text: nccopy -k nc4 makes HDF5 of it"},
    {"\xd0\xcf\x11\xe0", 4, "this is an old workbook: save its sheet as CSV"},
    {"version https://git-lfs.github.com/spec/", 40, "this only points to a file in Git LFS: get it by git lfs pull"},
    {"\x1f\x9d", 2, "this was packed by compress(1): load it by zcat FILE | shmload NAME=-"},
};

static int refuse_stranger(struct look *l)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (begins_with(l->sample, strangers[i].bytes, strangers[i].n)) {
            snprintf(l->error, SCHEMA_ERROR, "%s", strangers[i].sentence);
            return -1;
        }
    return 0;
}

/* Behind the last line that a preset has above the records; blank lines and comments may be among them. */
static const char *pass_heading(const char *at, const char *end, const char *words, uint64_t *lines)
{
    const char *behind = at;
    uint64_t n = 0;

    for (const char *line = at; line < end;) {
        const char *lf = memchr(line, '\n', (size_t)(end - line)), *next = lf != NULL ? lf + 1 : end;

        n++;
        if (kinds_line_begins(line, next, words)) {
            behind = next;
            *lines += n;
            n = 0;
        } else if (*line != '#' && *line != '\n' && *line != '\r') {
            break;
        }
        line = next;
    }
    return behind;
}

/* Behind the byte order mark, the skipped lines and a preset's heading. False: they go on past the sample. */
static bool find_start(struct look *l)
{
    const struct sample *s = l->sample;
    const char *at = s->text + (begins_with(s, "\xef\xbb\xbf", 3) ? 3 : 0), *end = s->text + s->bytes;
    uint64_t lines = 0;
    bool found;

    while (lines < l->options->skip_lines) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));

        if (lf == NULL) {
            at = end;
            break;
        }
        at = lf + 1;
        lines++;
    }
    found = lines == l->options->skip_lines || s->ended;
    if (found && l->options->preset != NULL && l->options->preset->heading != NULL)
        at = pass_heading(at, end, l->options->preset->heading, &lines);
    l->f->text_start = (uint64_t)(at - s->text);
    l->f->lines_before = lines;
    l->text = (struct excerpt){at, (size_t)(end - at), s->ended};
    if (s->ended)
        excerpt_cut_footer(&l->text, l->options->skip_footer);
    return found;
}

/* ---- dialect --------------------------------------------------------------------------------------------------- */

static void take_dialect(struct dialect *d, const struct options *o)
{
    d->delimiter = o->delimiter;
    d->hash_comment = !o->comments_given;
    d->n_comments = o->n_comments;
    memcpy(d->comments, o->comments, sizeof d->comments);
    d->n_widths = o->n_widths;
    d->widths = o->widths;
}

static void need_column(struct look *l, int64_t number)
{
    uint32_t reach = (uint32_t)(number < 0 ? -number : number + 1);

    l->counts_back = l->counts_back || number < 0;
    l->needed = reach > l->needed ? reach : l->needed;
}

/* Fields that a record needs for --usecols, as far as its words are numbers. */
static void need_numbers(struct look *l)
{
    l->needed = 1;
    l->counts_back = false;
    for (const char *p = l->options->usecols; p != NULL && *p != '\0'; p += *p == ',') {
        char *end;
        long number = strtol(p, &end, 10);
        size_t bytes = strcspn(p, ",");

        if (end == p + bytes && number < UINT16_MAX && number > -UINT16_MAX)
            need_column(l, number);
        p += bytes;
    }
}

/* And as far as its words are names: of --names, or of the line above the data, which is its header then. */
static void need_names(struct look *l, const struct headline *line)
{
    bool fits = line->words != NULL && line->n == l->f->n_columns;
    struct columns c = {l->f->n_columns, fits ? line->n : 0, fits ? line->words : NULL};
    char ignored[SCHEMA_ERROR];
    int32_t *chosen;
    size_t n_chosen;

    if (columns_choose(&c, l->options, &chosen, &n_chosen, ignored) != 0)
        return;
    for (size_t i = 0; i < n_chosen; i++)
        need_column(l, chosen[i]);
    free(chosen);
}

/* Fields that each record must have, as far as options say; 0: that is to be found. */
static uint32_t fields_known(const struct look *l)
{
    if (l->options->usecols != NULL)
        return 0;
    if (l->typed)
        return l->expected;
    return l->options->preset != NULL ? (uint32_t)l->options->preset->n_columns : 0;
}

static unsigned n_told;

/* Inputs with trouble, and with advice on options against it; the first of these. */
static struct {
    size_t n_troubled, n_advised;
    const char *path;
} advised;

static void note_advice(const struct look *l)
{
    if (advised.n_advised++ == 0)
        advised.path = l->input->path;
}

/* All agree, but not on one way to part them. */
static void tell_rival(struct look *l, const struct delimiter_found *found)
{
    char by[8], other[8], option[16], odd[48] = "", more[96] = "";

    if (found->n_odd > 0) {
        snprintf(odd, sizeof odd, ", but for line %" PRIu64, l->f->lines_before + found->odd_line);
        snprintf(more, sizeof more, " --max-errors %zu", found->n_odd);
    } else if (found->empty_quotes) {
        snprintf(more, sizeof more, ": then empty fields are missing values");
    } else if (found->decimal_commas) {
        snprintf(more, sizeof more, ", and points for decimal commas by tr , . <FILE | shmload NAME=-");
    }
    message_notice("%s: the lines agree on %" PRIu32 " fields by %s, and on %" PRIu32 " by %s%s; it is read by %s: if "
                   "that is wrong, give %s%s", l->input->path, found->n_columns,
                   infer_delimiter_name(l->f->dialect.delimiter, by), found->n_disputed,
                   infer_delimiter_name(found->disputed, other), odd,
                   infer_delimiter_name(l->f->dialect.delimiter, by),
                   kinds_delimiter_option(found->disputed, option), more);
}

/* Most of them agree by some delimiter, which a line or two keep from being taken. */
static void tell_odd(struct look *l, const struct delimiter_found *found)
{
    char word[8], option[16], more[48] = "", odd[48] = "cannot be read";

    if (found->odd_fields > 0)
        snprintf(odd, sizeof odd, "has %" PRIu32, found->odd_fields);
    if (l->options->usecols == NULL || found->odd_fields == 0)
        snprintf(more, sizeof more, " --max-errors %zu", found->n_odd);
    message_notice("%s: many lines have %" PRIu32 " fields by %s, but line %" PRIu64 " %s; so it is read by blanks: if "
                   "that is wrong, mend the line, or give %s%s", l->input->path, found->n_disputed,
                   infer_delimiter_name(found->disputed, word), l->f->lines_before + found->odd_line, odd,
                   kinds_delimiter_option(found->disputed, option), more);
}

/* By that delimiter some field is '  "...', which is not quoted. *line: the first such. Errors 0, or -1 on no memory */
static int find_late_quote(struct look *l, int delimiter, uint64_t *line)
{
    struct dialect d = l->f->dialect;
    enum record_status status;
    struct record *record;
    struct walk w;

    *line = 0;
    d.delimiter = delimiter;
    if ((delimiter != ',' && delimiter != ';') || memchr(l->text.text, '"', l->text.bytes) == NULL)
        return 0;
    record = excerpt_record(&d);
    if (record == NULL)
        return no_memory(l);
    walk_begin(&w, record, &l->text, UINT32_MAX);
    while (*line == 0 && (status = walk_next(&w)) != RECORD_MORE)
        for (size_t i = 0; status == RECORD_ROW && *line == 0 && i < w.n_fields; i++) {
            const struct record_field *f = &w.fields[i];
            size_t at = 0;

            while (at < f->bytes && is_blank(f->text[at]))
                at++;
            if (!f->quoted && at > 0 && at < f->bytes && f->text[at] == '"')
                *line = l->f->lines_before + w.lines;
        }
    return 0;
}

/* A quote behind a blank is data, and so is the delimiter behind it. *told: there is such a one. */
static int tell_late_quotes(struct look *l, const struct delimiter_found *found, bool *told)
{
    int delimiter = found->agreed || l->options->delimiter != DELIMITER_AUTO ? l->f->dialect.delimiter : ',';
    uint64_t line;

    if (find_late_quote(l, delimiter, &line) != 0)
        return -1;
    *told = line > 0;
    if (*told && n_told++ < TOLD_AT_MOST)
        message_notice("%s: line %" PRIu64 " has a blank between '%c' and a quote, which is no quote then: take such "
                       "blanks out by sed 's/%c[[:blank:]]*\"/%c\"/g' FILE | shmload NAME=-", l->input->path, line,
                       delimiter, delimiter, delimiter);
    return 0;
}

static struct advice_case case_of(const struct look *l)
{
    return (struct advice_case){.path = l->input->path, .options = l->options, .text = l->text,
                                .lines_before = l->f->lines_before, .dialect = l->f->dialect,
                                .whole = l->sample->ended};
}

/* Where records do not agree: what may help. */
static int tell_disagreement(struct look *l, const struct delimiter_found *found)
{
    struct advice_case c = case_of(l);
    bool given = l->told = kinds_tell_separator(&c);

    advised.n_troubled += given || !found->agreed;
    if (given)
        note_advice(l);
    if (!given && (!found->agreed || kinds_agree(&c)))
        given = l->told = kinds_tell(&c);
    if (!given && tell_late_quotes(l, found, &given) != 0)
        return -1;
    if (given)
        return 0;
    if (found->agreed && found->disputed != DELIMITER_BLANKS && n_told++ < TOLD_AT_MOST)
        tell_rival(l, found);
    if (found->agreed)
        return 0;
    c.dialect.delimiter = l->options->delimiter;
    c.exactly = fields_known(l);
    if (l->options->usecols == NULL && advice_give(&c, &given) != 0)
        return no_memory(l);
    if (given)
        note_advice(l);
    if (!given && found->disputed != DELIMITER_BLANKS && n_told++ < TOLD_AT_MOST)
        tell_odd(l, found);
    else if (!given && found->kept_commas && n_told++ < TOLD_AT_MOST)
        message_notice("%s: it is read by blanks, and commas behind fields are part of them: if that is wrong, take "
                       "them out by tr -d , <FILE | shmload NAME=-", l->input->path);
    return 0;
}

static int settle_dialect(struct look *l, struct delimiter_found *found)
{
    struct delimiter_rule rule = {.max_records = l->typed ? RECORDS_TYPED : 0};

    need_numbers(l);
    take_dialect(&l->f->dialect, l->options);
    rule.exactly = fields_known(l);
    if (l->typed && rule.exactly == 0)
        rule.at_least = l->needed;
    if (delimiter_settle(&l->f->dialect, &l->text, &rule, found) != 0)
        return no_memory(l);
    l->f->n_columns = found->n_columns > 0 || l->typed ? found->n_columns : rule.exactly;
    l->record = excerpt_record(&l->f->dialect);
    return l->record != NULL ? 0 : no_memory(l);
}

/* True when the sample has records enough to tell a header from data; bad ones will not get better with more text. */
static bool has_two_records(const struct look *l)
{
    enum record_status status;
    size_t n = 0;
    struct walk w;

    walk_begin(&w, l->record, &l->text, l->f->n_columns);
    while (n < 2 && (status = walk_next(&w)) != RECORD_MORE)
        n += status != RECORD_NOTHING;
    return n == 2;
}

/* No record is a good one, or the first one has a NUL: that is no text, and all there is to say. */
static int refuse_bad_text(struct look *l)
{
    bool hopeless = !l->typed && l->f->n_columns == 0;
    enum record_status status;
    struct walk w;

    walk_begin(&w, l->record, &l->text, UINT32_MAX);
    while ((status = walk_next(&w)) == RECORD_NOTHING)
        ;
    if (status != RECORD_BAD || !(hopeless || (w.failure.code == FAILURE_NUL && !l->options->max_errors_given)))
        return 0;
    *l->failure = w.failure;
    l->failure->field = -1;
    l->failure->line_no += l->f->lines_before;
    return -1;
}

/* Take text until the dialect can be settled. */
static int settle(struct look *l)
{
    struct sample *s = l->sample;
    struct delimiter_found found;

    for (;;) {
        bool started = find_start(l);

        if (refuse_stranger(l) != 0)
            return -1;
        if (started) {
            if (settle_dialect(l, &found) != 0)
                return -1;
            if (s->ended || has_two_records(l))
                break;
        }
        if (s->bytes >= SAMPLE_LARGEST) {
            if (started && memchr(l->text.text, '\n', l->text.bytes) != NULL)
                break;
            snprintf(l->error, SCHEMA_ERROR, "%s in the first %d MiB: is this text?",
                     started ? "a line does not end" : "--skip-lines finds too few lines", SAMPLE_LARGEST >> 20);
            return -1;
        }
        if (sample_grow(s, 4 * s->bytes < SAMPLE_LARGEST ? 4 * s->bytes : SAMPLE_LARGEST, l->failure) != 0)
            return -1;
    }
    return refuse_bad_text(l) != 0 ? -1 : tell_disagreement(l, &found);
}

/* ---- surveys --------------------------------------------------------------------------------------------------- */

/* The missing tokens of each text column. */
struct tokens {
    struct missing_rules rules;
    struct missing general;
    struct missing *own;    /* one for each column, where --na names columns, else NULL */
};

static const struct missing *tokens_of(const struct tokens *t, size_t column)
{
    return t->own != NULL ? &t->own[column] : &t->general;
}

static void survey_record(const struct look *l, const struct walk *w, const struct tokens *t, uint64_t line_no)
{
    size_t n = l->f->n_columns;

    if (w->n_fields < l->needed || (w->n_fields != n && (l->options->usecols == NULL || l->counts_back)))
        return; /* an odd record is an error of the parse, not a hint */
    n = w->n_fields < n ? w->n_fields : n;
    for (size_t i = 0; i < n; i++) {
        const struct record_field *f = &w->fields[i];

        survey_field(&l->f->surveys[i], tokens_of(t, i), f->text, f->bytes, f->quoted);
        survey_place(&l->f->surveys[i], line_no);
        if (f->full_bytes > l->f->surveys[i].longest)
            l->f->surveys[i].longest = (uint32_t)f->full_bytes;
    }
}

/* Pieces further on will be surveyed too: a part of the start will do. A survey costs far more than a parse. */
static bool has_pieces(const struct look *l)
{
    return l->sample->plain && !l->sample->ended;
}

static struct excerpt to_survey(const struct look *l, struct excerpt e)
{
    const char *lf;

    if (!has_pieces(l) || e.bytes <= SAMPLE_SURVEY)
        return e;
    lf = memchr(e.text + SAMPLE_SURVEY, '\n', e.bytes - SAMPLE_SURVEY);
    if (lf != NULL)
        e.bytes = (size_t)(lf + 1 - e.text);
    return e;
}

/* lines_before: physical lines of the input before the excerpt; NOT_KNOWN in its middle. */
static void survey_excerpt(struct look *l, const struct excerpt *e, const struct tokens *t, uint64_t lines_before)
{
    enum record_status status;
    struct walk w;

    walk_begin(&w, l->record, e, l->f->n_columns);
    while ((status = walk_next(&w)) != RECORD_MORE) {
        if (status != RECORD_ROW)
            continue;
        l->lines_joined = l->lines_joined || w.extent.n_lines > 1;
        survey_record(l, &w, t, lines_before != NOT_KNOWN ? lines_before + w.lines - w.extent.n_lines + 1 : 0);
    }
}

/* A piece that begins inside a quoted field would be misread; then some line in it has an odd number of quotes. */
static bool quotes_pair(const struct excerpt *e)
{
    const char *end = e->text + e->bytes;
    bool odd = false;

    if (memchr(e->text, '"', e->bytes) == NULL)
        return true;
    for (const char *p = e->text; p < end; p++) {
        odd ^= *p == '"';
        if (*p == '\n' && odd)
            return false;
    }
    return !odd;
}

/* Whole lines of a piece. */
static struct excerpt whole_lines(const char *text, size_t bytes, bool last)
{
    const char *first = memchr(text, '\n', bytes), *end = text + bytes;
    const char *lf = last ? end - 1 : memrchr(text, '\n', bytes);

    if (first == NULL || lf <= first)
        return (struct excerpt){text, 0, last};
    return (struct excerpt){first + 1, (size_t)(lf - first), last};
}

/* Pieces at even distances up to the end of a plain file. */
static int survey_pieces(struct look *l, size_t line_bytes, const struct tokens *t)
{
    const struct sample *s = l->sample;
    size_t bytes = 4 * line_bytes > SAMPLE_PIECE ? 4 * line_bytes : SAMPLE_PIECE;
    uint64_t rest = s->file_bytes - s->bytes;

    bytes = bytes < PIECE_LARGEST ? bytes : PIECE_LARGEST;
    if (rest < bytes)
        bytes = (size_t)rest;
    for (uint64_t i = 1; i <= SAMPLE_PIECES; i++) {
        bool last = i == SAMPLE_PIECES;
        uint64_t offset = s->file_bytes - bytes - (rest - bytes) / SAMPLE_PIECES * (SAMPLE_PIECES - i);
        const char *text;
        ssize_t n = sample_piece(s, offset, bytes, &text, l->failure);
        struct excerpt e;

        if (n < 0)
            return -1;
        e = whole_lines(text, (size_t)n, last);
        if (last)
            excerpt_cut_footer(&e, l->options->skip_footer);
        if (quotes_pair(&e))
            survey_excerpt(l, &e, t, NOT_KNOWN);
    }
    return 0;
}

/* ---- missing tokens of columns --------------------------------------------------------------------------------- */

static bool name_columns(const struct missing_rules *r)
{
    for (size_t i = 1; i < r->n; i++)
        if (r->rules[i].has_tokens)
            return true;
    return false;
}

static int make_tokens(struct look *l, struct tokens *t)
{
    *t = (struct tokens){0};
    if (missing_rules_make(&t->rules, l->options) != 0)
        return no_memory(l);
    missing_rules_apply(&t->rules, "", NULL, l->f->dialect.delimiter != DELIMITER_BLANKS, &t->general);
    return 0;
}

static void release_tokens(struct tokens *t)
{
    missing_rules_release(&t->rules);
    free(t->own);
}

/* Tokens column by column, now that names are known. */
static int name_tokens(struct look *l, struct tokens *t)
{
    const struct finding *f = l->f;
    struct columns c = {f->n_columns, f->n_names, f->names};
    struct schema s = {0};
    int32_t *chosen = NULL;
    size_t n = 0;
    const char **names = NULL;
    char *block = NULL;
    int status = -1;

    if (columns_choose(&c, l->options, &chosen, &n, l->error) != 0)
        return -1;
    n = chosen != NULL ? n : f->n_columns;
    names = malloc((n + 1) * sizeof *names);
    t->own = malloc((f->n_columns + 1) * sizeof *t->own);
    if (names == NULL || t->own == NULL) {
        no_memory(l);
        goto out;
    }
    if (columns_name(&c, l->options, chosen, n, names, &block, l->error) != 0 ||
        columns_add_fields(&s, names, n, l->error) != 0)
        goto out;
    for (size_t i = 0; i < f->n_columns; i++)
        t->own[i] = t->general;
    for (size_t i = n; i-- > 0;) { /* of a repeated column the first name counts */
        int64_t column = chosen == NULL ? (int64_t)i : chosen[i] >= 0 ? chosen[i] : (int64_t)f->n_columns + chosen[i];

        missing_rules_apply(&t->rules, s.fields[i].name, s.fields[i].source_name,
                            f->dialect.delimiter != DELIMITER_BLANKS, &t->own[column]);
    }
    status = 0;

out:
    schema_release(&s);
    free(block);
    free(names);
    free(chosen);
    return status;
}

/* ---- header ---------------------------------------------------------------------------------------------------- */

/* The text column of an element, -1: none that is there. */
static int64_t column_of(size_t element, const int32_t *chosen, size_t n_chosen, uint32_t n_columns)
{
    int64_t column = (int64_t)element;

    if (chosen != NULL && element >= n_chosen)
        return -1;
    if (chosen != NULL)
        column = chosen[element] >= 0 ? chosen[element] : (int64_t)n_columns + chosen[element];
    return column < n_columns ? column : -1;
}

static bool are_field_names(const struct schema *s, const struct headline *words)
{
    if (s->n_fields != words->n)
        return false;
    for (size_t i = 0; i < words->n; i++)
        if (strcmp(s->fields[i].name, words->words[i]) != 0)
            return false;
    return true;
}

/*
 * With a dtype: which columns it has as numbers. 'words' are the names that --usecols may mean. Words alone, with no
 * number below, are bad data rather than a header, unless they are just the names of the dtype. 'below' has passed
 * them.
 */
static int numeric_by_dtype(struct look *l, const struct headline *words, const struct walk *below, bool *numeric)
{
    struct columns c = {l->f->n_columns, words->n, words->words};
    struct schema s;
    char ignored[SCHEMA_ERROR];
    int32_t *chosen = NULL;
    size_t n_chosen, element = 0;

    if (l->options->dtype == NULL)
        return 0;
    if (schema_parse(&s, l->options->dtype, l->error) != 0)
        return -1;
    if (columns_choose(&c, l->options, &chosen, &n_chosen, ignored) == 0)
        for (size_t i = 0; i < s.n_fields; i++)
            for (uint32_t k = 0; k < s.fields[i].n_elems; k++, element++) {
                int64_t column = column_of(element, chosen, n_chosen, c.n);

                if (column >= 0 && s.fields[i].kind != KIND_STRING)
                    numeric[column] = true;
            }
    if (!header_numbers_below(*below, numeric) && !are_field_names(&s, words))
        memset(numeric, 0, l->f->n_columns * sizeof *numeric);
    free(chosen);
    schema_release(&s);
    return 0;
}

/* Which columns are numbers below the first record: as surveyed, or as the dtype has it. Owner: the caller. */
static int find_numeric(struct look *l, const struct headline *words, const struct walk *below, bool **numeric)
{
    const struct finding *f = l->f;

    *numeric = NULL;
    if (words->words == NULL || words->n != f->n_columns || l->options->header == HEADER_NO)
        return 0; /* no header anyway */
    *numeric = calloc(f->n_columns + 1u, sizeof **numeric);
    if (*numeric == NULL)
        return no_memory(l);
    for (size_t i = 0; f->surveys != NULL && i < f->n_columns; i++)
        (*numeric)[i] = f->surveys[i].class == SURVEY_INTEGER || f->surveys[i].class == SURVEY_FLOAT;
    for (size_t i = 0; l->typed && l->options->matrix && i < f->n_columns; i++)
        (*numeric)[i] = true;
    return l->typed && !l->options->matrix ? numeric_by_dtype(l, words, below, *numeric) : 0;
}

static void take_names(struct finding *f, struct headline *line)
{
    f->header = true;
    f->n_names = line->n;
    f->names = line->words;
    line->words = NULL;
}

/* A line that may yet turn out to be the header: see infer_schemas(). */
static void take_maybe(struct finding *f, struct headline *line)
{
    f->n_maybe = line->words != NULL ? line->n : 0;
    f->maybe = line->words;
    line->words = NULL;
}

/* Do what the place asks for. w has just passed the first record. */
static void take_header(struct look *l, struct headlines *h, enum header_place place, const struct walk *w)
{
    size_t passed = (size_t)(w->at - l->text.text);

    if (place == HEADER_COMMENT) {
        take_names(l->f, &h->comment);
    } else if (place == HEADER_RECORD) {
        take_names(l->f, &h->record);
        l->f->text_start += passed;
        l->f->lines_before += w->lines;
        l->text.text += passed;
        l->text.bytes -= passed;
    }
}

/* All that was surveyed is missing. */
static bool has_no_values(const struct finding *f)
{
    for (size_t i = 0; i < f->n_columns; i++)
        if (f->surveys[i].class != SURVEY_NOTHING)
            return false;
    return f->n_columns > 0;
}

/*
 * The one line of an input may be a header all the same, and so may one above nothing but missing values. w has just
 * passed it, and it is not in the surveys.
 */
static void remember_lone_line(struct look *l, struct headlines *h, struct walk w)
{
    struct finding *f = l->f;

    if (l->typed || l->options->header != HEADER_AUTO || f->header)
        return;
    f->maybe_start = f->text_start + (uint64_t)(w.at - l->text.text);
    f->maybe_lines = f->lines_before + w.lines;
    if (l->sample->ended && walk_next(&w) == RECORD_MORE)
        take_maybe(f, f->n_columns > 0 ? &h->record : &h->comment);
    else if (h->record.n == f->n_columns && has_no_values(f))
        take_maybe(f, &h->record);
}

static void survey_some(struct look *l, struct excerpt e, const struct tokens *t, uint64_t lines_before)
{
    e = to_survey(l, e);
    if (l->f->surveys != NULL)
        survey_excerpt(l, &e, t, lines_before);
}

/* The first record, once what is below it is in the surveys: its text stands first. */
static int survey_first(struct look *l, struct excerpt first, const struct tokens *t, uint64_t lines_before)
{
    struct survey *below = l->f->surveys;

    if (below == NULL)
        return 0;
    l->f->surveys = calloc(l->f->n_columns, sizeof *below);
    if (l->f->surveys == NULL) {
        l->f->surveys = below;
        return no_memory(l);
    }
    survey_some(l, first, t, lines_before);
    for (size_t i = 0; i < l->f->n_columns; i++)
        survey_join(&l->f->surveys[i], &below[i]);
    free(below);
    return 0;
}

/* The column is text, for commas in its numbers or for other words beside them. */
static bool has_spoilt_numbers(const struct survey *s, bool by_commas)
{
    return s->class == SURVEY_TEXT && (by_commas ? s->commas == SURVEY_COMMA : s->number);
}

/* Lines above the first number of the column, where all its words are in these, as units below names; else 0. */
static uint64_t lines_above_numbers(struct walk w, const struct missing *missing, uint32_t column)
{
    uint64_t n_above = w.lines;
    bool words = false, numbers = false;
    enum record_status status;

    while ((status = walk_next(&w)) != RECORD_MORE) {
        struct survey s = {0};

        if (status == RECORD_ROW && column < w.n_fields)
            survey_field(&s, missing, w.fields[column].text, w.fields[column].bytes, false);
        if (s.class == SURVEY_TEXT && numbers)
            return 0;
        words = words || s.class == SURVEY_TEXT;
        numbers = numbers || s.number;
        n_above = numbers ? n_above : w.lines;
    }
    return words && numbers ? n_above : 0;
}

static void trim_line(const char **line, const char **end)
{
    while (*line < *end && is_blank(**line))
        ++*line;
    while (*line < *end && (is_blank((*end)[-1]) || (*end)[-1] == '\n' || (*end)[-1] == '\r'))
        --*end;
}

/* The line is there again below w: its number; 0: it is not. */
static uint64_t find_again(const char *line, const char *line_end, struct walk w)
{
    enum record_status status;

    while ((status = walk_next(&w)) != RECORD_MORE) {
        const char *other = w.start, *end = w.at;

        trim_line(&other, &end);
        if (status == RECORD_ROW && end - other == line_end - line && memcmp(other, line, (size_t)(end - other)) == 0)
            return w.lines;
    }
    return 0;
}

/* The header stands again among the records, as where a program was started anew. */
static bool tell_header_again(const struct look *l, const struct headline *words, const struct walk *w)
{
    enum { MARK_MOST = 80, NAMES_MOST = 400 };
    const char *line = w->start, *end = w->at;
    char names[NAMES_MOST] = "";
    uint64_t again;
    size_t used = 0;

    trim_line(&line, &end);
    again = find_again(line, end, *w);
    if (again == 0 || memchr(line, '\'', (size_t)(end - line)) != NULL || end - line > MARK_MOST)
        return false;
    for (size_t i = 0; i < words->n && used < NAMES_MOST; i++)
        used += (size_t)snprintf(names + used, NAMES_MOST - used, i > 0 ? ",%s" : "%s", words->words[i]);
    message_notice("%s: line %" PRIu64 " is the first line again: if that is the header, give --comment '%.*s'%s "
                   "--names '%s'", l->input->path, l->f->lines_before + again, (int)(end - line), line,
                   memchr(l->text.text, '#', l->text.bytes) != NULL ? " --comment '#'" : "",
                   used < NAMES_MOST ? names : "NAME,...");
    return true;
}

/*
 * Words above no numbers are no header; but there would be numbers, were it not for what is said here. w has just
 * passed the words.
 */
static void tell_lost_header(const struct look *l, const struct headline *words, const struct walk *w,
                             const struct missing *missing)
{
    const struct finding *f = l->f;

    if (l->options->header != HEADER_AUTO || f->surveys == NULL || words->words == NULL || words->some_number ||
        words->n != f->n_columns || n_told >= TOLD_AT_MOST)
        return;
    for (uint32_t i = 0; i < f->n_columns; i++) {
        bool by_commas = f->dialect.delimiter != ',' && has_spoilt_numbers(&f->surveys[i], true);
        char code[SURVEY_CODES];
        size_t code_bytes;
        uint64_t n_above;

        if (!by_commas && !has_spoilt_numbers(&f->surveys[i], false))
            continue;
        n_told++;
        if (!by_commas && tell_header_again(l, words, w))
            return;
        code_bytes = survey_code(&f->surveys[i], code);
        n_above = by_commas ? 0 : lines_above_numbers(*w, missing, i);
        if (by_commas)
            message_notice("%s: the numbers below '%.40s' have commas: if they are decimal ones, give points by tr , . "
                           "<FILE | shmload NAME=-, and the first line is the header", l->input->path, words->words[i]);
        else if (n_above > 0)
            message_notice("%s: the numbers below '%.40s' begin behind line %" PRIu64 ": if what is above them are "
                           "names and units, give --skip-lines %" PRIu64 " --names NAME,...", l->input->path,
                           words->words[i], f->lines_before + n_above, f->lines_before + n_above);
        else if (code_bytes > 0 && missing_is_likely(code, code_bytes))
            message_notice("%s: the first line is data, as below '%.40s' there is '%.*s' among the numbers: if that "
                           "means missing, give --na '%s%.*s', and the first line is the header", l->input->path,
                           words->words[i], (int)code_bytes, code, l->options->n_na == 0 ? OPTIONS_NA_DEFAULT "," : "",
                           (int)code_bytes, code);
        else
            message_notice("%s: the first line is data, as below '%.40s' there is text among the numbers: if it is the "
                           "header, give --header yes", l->input->path, words->words[i]);
        return;
    }
}

/* What is below the first record is surveyed, and then the record itself when it is no header. */
static int find_header(struct look *l, const struct tokens *t)
{
    struct excerpt first = l->text;
    struct headlines h;
    enum header_place place = HEADER_WRONG;
    bool *numeric = NULL;
    uint64_t above = l->f->lines_before;
    struct walk w;

    walk_begin(&w, l->record, &l->text, l->f->n_columns);
    if (header_scan(&h, &w, &l->f->dialect, l->options->header == HEADER_YES) != 0)
        return no_memory(l);
    first.bytes = (size_t)(w.at - first.text);
    need_names(l, &h.comment);
    need_names(l, &h.record);
    survey_some(l, (struct excerpt){w.at, (size_t)(w.end - w.at), w.last}, t, above + w.lines);
    if (find_numeric(l, &h.record, &w, &numeric) == 0)
        place = header_judge(&h, l->options->header, l->f->n_columns, numeric, &t->general, l->error);
    if (place == HEADER_RECORD && kinds_is_for_browser(*h.record.words)) {
        struct advice_case c = case_of(l);

        (void)kinds_tell_tracks(&c);
    }
    if (place != HEADER_WRONG) {
        take_header(l, &h, place, &w);
        remember_lone_line(l, &h, w);
    }
    if (place == HEADER_NONE && !l->told)
        tell_lost_header(l, &h.record, &w, &t->general);
    if ((place == HEADER_NONE || place == HEADER_COMMENT) && survey_first(l, first, t, above) != 0)
        place = HEADER_WRONG;
    headlines_release(&h);
    free(numeric);
    return place != HEADER_WRONG ? 0 : -1;
}

/* ---- one input ------------------------------------------------------------------------------------------------- */

static size_t line_bytes(const struct look *l)
{
    size_t n = 1;

    for (const char *p = l->text.text, *end = p + l->text.bytes; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        n++;
    return l->text.bytes / n;
}

static int survey_input(struct look *l)
{
    struct finding *f = l->f;
    struct tokens t;
    int status = -1;

    if (make_tokens(l, &t) != 0)
        return -1;
    if (!l->typed && f->n_columns > 0) {
        f->surveys = calloc(f->n_columns, sizeof *f->surveys);
        if (f->surveys == NULL) {
            no_memory(l);
            goto out;
        }
    }
    if (find_header(l, &t) != 0)
        goto out;
    if (f->surveys != NULL && name_columns(&t.rules)) {
        if (name_tokens(l, &t) != 0)
            goto out;
        memset(f->surveys, 0, f->n_columns * sizeof *f->surveys);
        survey_some(l, l->text, &t, f->lines_before);
    }
    if (f->surveys != NULL && has_pieces(l) && !l->lines_joined &&
        survey_pieces(l, line_bytes(l), &t) != 0)
        goto out;
    status = 0;

out:
    release_tokens(&t);
    return status;
}

/* The words of a header in lasting memory, one block as they were. Errors NULL */
static char **keep_words(char **words, size_t n)
{
    size_t bytes = n * sizeof *words;
    char **kept, *at;

    for (size_t i = 0; i < n; i++)
        bytes += strlen(words[i]) + 1;
    kept = keep_room(1, bytes);
    if (kept == NULL)
        return NULL;
    at = (char *)(kept + n);
    for (size_t i = 0; i < n; i++) {
        kept[i] = at;
        at = stpcpy(at, words[i]) + 1;
    }
    return kept;
}

/* What the heap has of the finding goes: to lasting memory, when it is wanted. Errors 0, or -1 on no memory */
static int leave_heap(struct finding *f, bool wanted)
{
    struct survey *surveys = f->surveys;
    char **names = f->names, **maybe = f->maybe;
    bool kept;

    f->surveys = wanted ? keep_copy(surveys, f->n_columns, sizeof *surveys) : NULL;
    f->names = wanted && names != NULL ? keep_words(names, f->n_names) : NULL;
    f->maybe = wanted && maybe != NULL ? keep_words(maybe, f->n_maybe) : NULL;
    kept = !f->surveys == !surveys && !f->names == !names && !f->maybe == !maybe;
    free(surveys);
    free(names);
    free(maybe);
    return kept ? 0 : -1;
}

int infer_input(struct finding *f, const struct input *input, const struct options *options,
                bool typed, uint32_t expected_columns, struct failure *failure, char error[SCHEMA_ERROR])
{
    struct sample sample;
    struct look look = {.input = input, .options = options, .typed = typed, .expected = expected_columns,
                        .sample = &sample, .f = f, .failure = failure, .error = error};

    *f = (struct finding){.fd = -1};
    memset(failure, 0, sizeof *failure);
    *error = '\0';
    if (sample_open(&sample, input, options, typed, failure, error) != 0)
        return -1;
    f->codec = sample.codec;
    f->sliceable = sample.plain && input->regular;
    if (settle(&look) != 0 || survey_input(&look) != 0) {
        sample_close(&sample, NULL);
        (void)leave_heap(f, false);
        finding_release(f);
        return -1;
    }
    if (leave_heap(f, true) != 0 || sample_close(&sample, f) != 0) {
        finding_release(f);
        return no_memory(&look);
    }
    return 0;
}

void infer_tell_others(size_t n_inputs)
{
    size_t n_fine = n_inputs - advised.n_troubled;

    if (advised.n_advised == 0 || n_fine == 0)
        return;
    message_notice("%s: an option counts for all files, and %zu of the %zu want none: load this one%s in a run of %s "
                   "own, with --append, or mend %s", advised.path, n_fine, n_inputs,
                   advised.n_advised > 1 ? " and its like" : "", advised.n_advised > 1 ? "their" : "its",
                   advised.n_advised > 1 ? "them" : "it");
}

void infer_close(void)
{
    n_told = 0;
    memset(&advised, 0, sizeof advised);
    advice_forget();
    kinds_forget();
    excerpt_forget();
    sample_forget();
}

const char *infer_delimiter_name(int delimiter, char buffer[8])
{
    switch (delimiter) {
    case DELIMITER_BLANKS: return "blanks";
    case DELIMITER_AUTO: return "auto";
    case DELIMITER_WIDTHS: return "fixed widths";
    case '\t': return "tab";
    case ',': return "comma";
    case ';': return "semicolon";
    case ' ': return "space";
    default:
        snprintf(buffer, 8, delimiter > ' ' && delimiter < 0x7f ? "'%c'" : "\\x%02x", (unsigned char)delimiter);
        return buffer;
    }
}

void finding_release(struct finding *f)
{
    free(f->head);
    if (f->stream != NULL)
        stream_close(f->stream);
    if (f->fd > STDERR_FILENO) /* ours are higher; in a finding of zeros it is 0 */
        close(f->fd);
    *f = (struct finding){.fd = -1};
}
