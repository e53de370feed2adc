/*
 * advice.c - what helps when the lines of a text do not agree.
 *
 * A part of a text tells what the table is: delimiter, number of fields, whether there are numbers in it. Records
 * that are not like that, all above or all below, are a preamble and a footer. Where some are in between, one is bad
 * and more are headings of blocks.
 */
#define _GNU_SOURCE /* memmem, memrchr */
#include "advice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "delimiter.h"
#include "infer.h"
#include "message.h"
#include "survey.h"

enum {
    ADVISED_AT_MOST = 5,  /* inputs of one run */
    FEWEST_RECORDS = 4,   /* of a table, to be sure that it is one */
    FEWEST_BELOW = 2,     /* or of numbers, below lines that have none */
    FEW_ABOVE = 5,
    BLOCK_LINES = 6,      /* of a block between headings, which is looked for so far: */
    BLOCKS_WITHIN = 60,
    FEWEST_BETWEEN = 2,   /* to be no bad line, but headings */
    WORD_LEAST = 3,       /* bytes of a word that may be a comment's mark */
    WORD_MOST = 32,
    SHAPE_FIELDS = 64,    /* compared with those of the table */
};

static unsigned n_advised;

/* What the records of the table have in common. */
struct table {
    struct dialect dialect;
    uint32_t n_columns;
    bool numbers;          /* half of them have one */
    uint64_t may_be_number, may_be_word; /* bit i: of field i, in some record that has a number */
    bool in_blocks;        /* it was found between headings only */
};

/* Where the table lies; lines are physical ones, from the text's first line as 1. */
struct extent {
    uint64_t n_records;    /* of the table */
    uint64_t n_odd;        /* records that are not of the table */
    uint64_t odd_above;    /* the last line above it that has another number of fields, 0: none */
    uint64_t last;         /* its last line */
    uint64_t n_lines;      /* of the text */
    char mark;             /* a sign that odd records begin with, 0: there is none */
    uint64_t n_marked;     /* so many of them do */
    uint64_t n_headers;    /* and so many do not, but have as many words as the table has columns, above it */
    uint64_t like_record;  /* the first odd line that may be a record, cut short or run together, 0: there is none */
    uint32_t like_fields;  /* its fields */
    uint32_t n_words;      /* fields of the first of those, when it has no number; else 0 */
    uint32_t last_words;   /* and of the last */
    bool header;           /* words above it that are as many as its columns */
    bool commas;           /* by blanks, and the last has fields that end in a comma */
    bool numbers_above;    /* some line above it has a number */
    uint64_t n_between;    /* odd records between its first and its last one */
    uint64_t between;      /* the first of them: its line */
    uint64_t n_open;       /* its records that end in a delimiter */
    bool repeats;          /* some of them have its number of fields */
    uint32_t number;       /* the first field of its first record that is a number, from 1; 0: none */
    char word[WORD_MOST];  /* that all odd records begin with; empty: there is none */
};

/* ---- what the table is ----------------------------------------------------------------------------------------- */

/* The whole lines between two twelfths of the text. */
static struct excerpt part_of(const struct excerpt *e, size_t from, size_t to)
{
    const char *start = e->text + e->bytes * from / 12, *end = e->text + e->bytes * to / 12;
    const char *first = memchr(start, '\n', (size_t)(end - start)), *last = memrchr(start, '\n', (size_t)(end - start));

    if (first == last)
        return (struct excerpt){start, 0, false};
    return (struct excerpt){first + 1, (size_t)(last - first), false};
}

static struct excerpt behind_lines(const struct excerpt *e, uint64_t n_lines)
{
    const char *at = e->text, *end = e->text + e->bytes;

    for (; n_lines > 0 && at < end; n_lines--) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));

        at = lf != NULL ? lf + 1 : end;
    }
    return (struct excerpt){at, (size_t)(end - at), e->last};
}

static bool is_number(const struct record_field *f)
{
    struct survey s = {0};

    survey_field(&s, NULL, f->text, f->bytes, false);
    return s.number;
}

/* The first field that is one, from 1; 0: none is. */
static uint32_t find_number(const struct walk *w)
{
    for (size_t i = 0; i < w->n_fields; i++)
        if (is_number(&w->fields[i]))
            return (uint32_t)i + 1;
    return 0;
}

static bool has_number(const struct walk *w)
{
    return find_number(w) > 0;
}

static void take_shape(struct table *t, const struct walk *w)
{
    for (size_t i = 0; i < w->n_fields && i < SHAPE_FIELDS; i++)
        *(is_number(&w->fields[i]) ? &t->may_be_number : &t->may_be_word) |= UINT64_C(1) << i;
}

/* It has other fields than the table in number, but none in kind. */
static bool is_like_record(const struct table *t, const struct walk *w)
{
    for (size_t i = 0; i < w->n_fields && i < t->n_columns && i < SHAPE_FIELDS; i++)
        if (((is_number(&w->fields[i]) ? t->may_be_number : t->may_be_word) >> i & 1) == 0)
            return false;
    return w->n_fields != t->n_columns && has_number(w);
}

/* Whether half of the records have a number: one may be the header. Errors 0 or -1 on no memory. */
static int look_for_numbers(struct table *t, const struct excerpt *e)
{
    struct record *record = excerpt_record(&t->dialect);
    enum record_status status;
    size_t n = 0, n_with = 0;
    struct walk w;

    if (record == NULL)
        return -1;
    walk_begin(&w, record, e, t->n_columns);
    while ((status = walk_next(&w)) != RECORD_MORE) {
        if (status != RECORD_ROW)
            continue;
        n++;
        if (!has_number(&w))
            continue;
        n_with++;
        take_shape(t, &w);
    }
    t->numbers = 2 * n_with >= n;
    t->n_columns = n > 1 ? t->n_columns : 0; /* one record is no table */
    return 0;
}

/* What a part of the text is; n_columns is 0 where it is no table. Errors 0 or -1 on no memory. */
static int judge_part(struct table *t, const struct advice_case *c, const struct excerpt *part)
{
    struct delimiter_rule rule = {.exactly = c->exactly};
    struct delimiter_found found;

    *t = (struct table){.dialect = c->dialect};
    if (delimiter_settle(&t->dialect, part, &rule, &found) != 0)
        return -1;
    t->n_columns = found.agreed ? found.n_columns : 0;
    if (t->n_columns == 0 || look_for_numbers(t, part) != 0)
        return t->n_columns == 0 ? 0 : -1;
    if (t->numbers || found.disputed == DELIMITER_BLANKS || found.n_odd > 0)
        return 0;
    t->dialect.delimiter = found.disputed; /* by blanks there are no numbers: it may well be the other one */
    if (delimiter_settle(&t->dialect, part, &rule, &found) != 0)
        return -1;
    t->n_columns = found.n_columns;
    return look_for_numbers(t, part);
}

/* Some lines in a row that agree, where headings are among all larger parts. Errors 0 or -1 on no memory. */
static int find_block(struct table *t, const struct advice_case *c)
{
    for (uint64_t n_above = 0; n_above <= BLOCKS_WITHIN && t->n_columns == 0; n_above += BLOCK_LINES / 2) {
        struct excerpt part = behind_lines(&c->text, n_above), rest = behind_lines(&part, BLOCK_LINES);

        part.bytes -= rest.bytes;
        if (judge_part(t, c, &part) != 0)
            return -1;
        t->n_columns = t->numbers ? t->n_columns : 0;
    }
    t->in_blocks = true;
    return 0;
}

/* Where lines above or below are many, they may be in one part or the other. Errors 0 or -1 on no memory. */
static int find_table(struct table *t, const struct advice_case *c)
{
    static const size_t parts[][2] = {{4, 8}, {6, 10}, {8, 12}, {2, 6}, {6, 12}, {0, 6}};

    *t = (struct table){0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && t->n_columns == 0; i++) {
        struct excerpt part = part_of(&c->text, parts[i][0], parts[i][1]);

        if (judge_part(t, c, &part) != 0)
            return -1;
    }
    for (uint64_t n_above = 1; n_above <= FEW_ABOVE && t->n_columns == 0; n_above++) {
        struct excerpt part = behind_lines(&c->text, n_above); /* of a short text the parts have no two records */

        if (judge_part(t, c, &part) != 0)
            return -1;
        t->n_columns = t->numbers ? t->n_columns : 0;
    }
    return t->n_columns > 0 ? 0 : find_block(t, c);
}

/* ---- where it lies --------------------------------------------------------------------------------------------- */

static bool is_sign(char c)
{
    return c != '\0' && strchr("%!;*/\\$@&~|>", c) != NULL;
}

/* Fit for a list on a command line as it is. */
static bool is_plain_word(const char *word, size_t word_bytes)
{
    for (size_t i = 0; i < word_bytes; i++) {
        char c = word[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' && c != '.')
            return false;
    }
    return true;
}

static bool ends_in_comma(const struct walk *w)
{
    bool some = false;

    for (size_t i = 0; w->dialect->delimiter == DELIMITER_BLANKS && i < w->n_fields; i++) {
        const struct record_field *f = &w->fields[i];

        some = some || (!f->quoted && f->bytes > 0 && f->text[f->bytes - 1] == ',');
    }
    return some;
}

static void take_word(struct extent *x, const struct walk *w)
{
    const struct record_field *f = w->fields;
    bool fits = w->n_fields > 0 && f->bytes >= WORD_LEAST && f->bytes < WORD_MOST && is_plain_word(f->text, f->bytes) &&
                (f->text[0] | 0x20) >= 'a';

    if (fits && x->n_odd == 0)
        memcpy(x->word, f->text, f->bytes);
    else if (!fits || strlen(x->word) != f->bytes || memcmp(x->word, f->text, f->bytes) != 0)
        x->word[0] = '\0';
}

/* True when it begins with the mark. */
static bool take_mark(struct extent *x, const struct walk *w)
{
    const char *p = w->start;

    while (p < w->at && is_blank(*p))
        p++;
    if (x->n_marked == 0 && p < w->at && is_sign(*p))
        x->mark = *p;
    if (p == w->at || x->mark == '\0' || *p != x->mark)
        return false;
    x->n_marked++;
    return true;
}

/* Above a header or a heading there are no records: 'Serial,12' is none there. */
static void take_likeness(struct extent *x, const struct table *t, const struct walk *w)
{
    bool like = is_like_record(t, w);

    if (!like && x->n_records == 0)
        x->like_record = 0;
    if (!like || x->like_record > 0)
        return;
    x->like_record = w->lines - w->extent.n_lines + 1;
    x->like_fields = (uint32_t)w->n_fields;
}

static void take_odd(struct extent *x, const struct table *t, const struct walk *w, bool counts)
{
    bool above = x->n_records == 0, marked = take_mark(x, w);

    take_word(x, w);
    x->n_odd++;
    x->header = x->header || (counts && above);
    x->n_headers += counts && above && !marked;
    take_likeness(x, t, w);
    if (!above || counts)
        return;
    x->numbers_above = x->numbers_above || has_number(w);
    if (x->odd_above == 0)
        x->n_words = has_number(w) ? 0 : (uint32_t)w->n_fields;
    x->last_words = has_number(w) ? 0 : (uint32_t)w->n_fields;
    x->commas = ends_in_comma(w);
    x->odd_above = w->lines;
}

/*
 * A record is of the table when it has its number of fields, and a number where the table has. So a header is none,
 * though it counts as many fields; a repeated one below is none either.
 */
static int measure(struct extent *x, const struct table *t, const struct excerpt *e)
{
    struct record *record = excerpt_record(&t->dialect);
    enum record_status status;
    uint64_t odd_at_last = 0, first_odd = 0;
    bool counted = false;
    struct walk w;

    *x = (struct extent){0};
    if (record == NULL)
        return -1;
    walk_begin(&w, record, e, t->n_columns);
    while ((status = walk_next(&w)) != RECORD_MORE) {
        bool counts = status == RECORD_ROW && w.n_fields == t->n_columns;

        if (status == RECORD_NOTHING)
            continue;
        if (!counts || (t->numbers && !has_number(&w))) {
            first_odd = x->n_odd == odd_at_last ? w.lines : first_odd;
            counted = (x->n_odd > odd_at_last && counted) || counts;
            take_odd(x, t, &w, counts);
            continue;
        }
        if (x->n_records++ == 0)
            x->number = find_number(&w);
        else if (x->n_odd > odd_at_last) {
            x->between = x->n_between == 0 ? first_odd : x->between;
            x->n_between += x->n_odd - odd_at_last;
            x->repeats = x->repeats || counted;
        }
        odd_at_last = x->n_odd;
        x->last = w.lines;
        x->n_open += w.fields[w.n_fields - 1].bytes == 0 && !w.fields[w.n_fields - 1].quoted;
    }
    x->n_lines = w.lines;
    return 0;
}

/* ---- saying it ------------------------------------------------------------------------------------------------- */

/* 'the first 6 lines', 'the first line' */
static void count_lines(char *text, size_t text_bytes, const char *which, uint64_t n)
{
    if (n == 1)
        snprintf(text, text_bytes, "the %s line", which);
    else
        snprintf(text, text_bytes, "the %s %" PRIu64 " lines", which, n);
}

/* 'a' above '1,5': two columns and a title, or one of decimal commas and its name. */
static void tell_decimal_commas(const struct advice_case *c, const struct extent *x)
{
    message_notice("%s: if the numbers have decimal commas, give points by tr , . <FILE | shmload NAME=-; if they are "
                   "two columns by comma, try --skip-lines %" PRIu64, c->path, c->lines_before + x->odd_above);
}

/* The line right above the table may be a header that does not fit by one word. */
static bool may_be_header(const struct advice_case *c, const struct table *t, const struct extent *x)
{
    return c->options->dtype == NULL && c->options->names == NULL && !x->header && x->last_words > 1 &&
           (x->last_words == t->n_columns + 1 || x->last_words + 1 == t->n_columns);
}

static void tell(const struct advice_case *c, const struct table *t, const struct extent *x, uint64_t n_below)
{
    char above[48] = "", below[48] = "", cure[96] = "", by[32] = "", names[64] = "", word[8];
    uint64_t n_above = x->odd_above;
    size_t n = 0;

    if (n_above > 0) {
        count_lines(above, sizeof above, "first", n_above);
        n = (size_t)snprintf(cure, sizeof cure, "--skip-lines %" PRIu64, c->lines_before + n_above);
    }
    if (n_below > 0) {
        count_lines(below, sizeof below, "last", n_below);
        snprintf(cure + n, sizeof cure - n, "%s--skip-footer %" PRIu64, n > 0 ? " " : "",
                 c->options->skip_footer + n_below);
    }
    if (t->dialect.delimiter != DELIMITER_BLANKS)
        snprintf(by, sizeof by, " by %s", infer_delimiter_name(t->dialect.delimiter, word));
    if (n_above > 1 && may_be_header(c, t, x))
        snprintf(names, sizeof names, "; if line %" PRIu64 " has names, give them by --names",
                 c->lines_before + n_above);
    message_notice("%s: %s%s%s %s no part of the table of %" PRIu32 " fields%s, it seems: try %s%s", c->path, above,
                   n_above > 0 && n_below > 0 ? " and " : "", below, n_above + n_below == 1 ? "is" : "are",
                   t->n_columns, by, cure, names);
}

/* The words of the first record between commas, for --names behind a name of their own; false: not fit for that. */
static bool list_words(const struct advice_case *c, const struct table *t, char *list, size_t list_bytes)
{
    struct record *record = excerpt_record(&t->dialect);
    enum record_status status;
    size_t used = 0;
    struct walk w;

    if (record == NULL)
        return false;
    walk_begin(&w, record, &c->text, UINT32_MAX);
    while ((status = walk_next(&w)) == RECORD_NOTHING)
        ;
    for (size_t i = 0; status == RECORD_ROW && i < w.n_fields; i++) {
        const struct record_field *f = &w.fields[i];

        if (f->bytes == 0 || used + f->bytes + 2 > list_bytes || !is_plain_word(f->text, f->bytes))
            return false;
        used += (size_t)snprintf(list + used, list_bytes - used, ",%.*s", (int)f->bytes, f->text);
    }
    return used > 0;
}

/* write.table of R writes no name above the row names, which stand in front. */
static void tell_row_names(const struct advice_case *c, const struct table *t, uint64_t n_above)
{
    char names[200] = "";

    if (c->options->dtype == NULL && c->options->names == NULL && !list_words(c, t, names, sizeof names))
        snprintf(names, sizeof names, ",NAME,...");
    message_notice("%s: the header has one name less than there are columns, as write.table of R makes it: give "
                   "--skip-lines %" PRIu64 "%s%s", c->path, c->lines_before + n_above,
                   *names != '\0' ? " --names row" : "", names);
}

/* 'a,b,c' above '1,2,3,' */
static void tell_open_records(const struct advice_case *c, const struct table *t, uint64_t n_above)
{
    char names[200] = "";

    if (!list_words(c, t, names, sizeof names))
        snprintf(names, sizeof names, ",NAME,...");
    message_notice("%s: the records end in a delimiter, and the header does not: give --skip-lines %" PRIu64
                   " --names %s,empty", c->path, c->lines_before + n_above, names + 1);
}

static void tell_header(const struct advice_case *c, const struct table *t, const struct extent *x)
{
    if (x->n_words + 1 == t->n_columns && x->n_open == x->n_records && c->options->dtype == NULL &&
        c->options->names == NULL) {
        tell_open_records(c, t, x->odd_above);
        return;
    }
    if (x->n_words + 1 == t->n_columns && !x->commas) {
        tell_row_names(c, t, x->odd_above);
        return;
    }
    message_notice("%s: the first line has %" PRIu32 " words above %" PRIu32 " columns: if it is the header, give "
                   "--skip-lines %" PRIu64 " --names NAME,...", c->path, x->n_words, t->n_columns,
                   c->lines_before + x->odd_above);
}

/* All odd lines begin with the mark, and the others do not have it. */
static bool is_marked(const struct advice_case *c, const struct extent *x)
{
    const char *end = c->text.text + c->text.bytes;

    if (x->mark == '\0' || x->n_marked + x->n_headers != x->n_odd)
        return false;
    for (const char *line = c->text.text, *next; line < end; line = next) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));

        next = lf != NULL ? lf + 1 : end;
        while (line < next && is_blank(*line))
            line++;
        if (line < next && *line != x->mark && memchr(line, x->mark, (size_t)(next - line)) != NULL)
            return false;
    }
    return true;
}

/* A mark that is given stands instead of '#'. */
static const char *and_hash(const struct advice_case *c)
{
    return memchr(c->text.text, '#', c->text.bytes) != NULL ? " --comment '#'" : "";
}

static void tell_mark(const struct advice_case *c, const struct extent *x)
{
    message_notice("%s: the lines %s the records all begin with '%c': if they are comments, give --comment '%c'%s",
                   c->path, x->n_between > 0 ? "between" : x->odd_above > 0 ? "above" : "below", x->mark, x->mark,
                   and_hash(c));
}

/* "-d ',' --max-errors 3", in 'cure' of 64 bytes. */
static const char *set_aside(char *cure, const struct table *t, uint64_t n, bool percent)
{
    char byte[4] = {(char)t->dialect.delimiter}, by[16] = "";

    if (t->dialect.delimiter != DELIMITER_BLANKS)
        snprintf(by, sizeof by, "-d '%s' ", t->dialect.delimiter == '\t' ? "\\t" : byte);
    snprintf(cure, 64, "%s--max-errors %" PRIu64 "%s", by, n, percent ? "%" : "");
    return cure;
}

/* So many lines may be set aside already. */
static bool may_set_aside(const struct options *o, uint64_t n, uint64_t percent)
{
    return o->max_errors_given && (o->max_errors >= n || o->max_errors_percent >= (double)percent);
}

/* A record cut short is no heading: what it has would be lost unseen with it. */
static void tell_like_record(const struct advice_case *c, const struct table *t, const struct extent *x)
{
    char cure[64], other[64] = "take it out";

    if (x->odd_above > 0 && x->n_odd == 1)
        snprintf(other, sizeof other, "try --skip-lines %" PRIu64, c->lines_before + x->odd_above);
    message_notice("%s: line %" PRIu64 " is like a record, but has %" PRIu32 " field%s where the others have %" PRIu32
                   ": mend it, or set it aside by %s; only if it is no record, %s", c->path,
                   c->lines_before + x->like_record, x->like_fields, x->like_fields == 1 ? "" : "s", t->n_columns,
                   set_aside(cure, t, x->n_odd - x->n_headers, false), other);
}

/* The word is nowhere but where it begins an odd record. */
static bool is_rare(const char *word, uint64_t n, const struct excerpt *e)
{
    const char *at = e->text, *end = at + e->bytes;

    for (; (at = memmem(at, (size_t)(end - at), word, strlen(word))) != NULL; at += strlen(word))
        if (n-- == 0)
            return false;
    return n == 0;
}

/*
 * Headings of blocks: lines that all begin with one word, or have other fields, or are the table's own header. Where
 * records begin with words too, or the lines may be records that are cut short, no option is named that drops them
 * unseen.
 */
static bool tell_between(const struct advice_case *c, const struct table *t, const struct extent *x)
{
    uint64_t percent = 100 * x->n_odd / (x->n_records + x->n_odd) + 1;
    bool words = (t->may_be_word & 1) == 0 && x->word[0] != '\0';
    char number[48] = "", cure[64];

    if (x->n_between < FEWEST_BETWEEN || x->n_records < FEWEST_RECORDS || x->n_records < 2 * x->n_odd)
        return false;
    if (t->numbers && x->number > 0)
        snprintf(number, sizeof number, " && $%" PRIu32 " ~ /^[-+.0-9]/", x->number);
    if (words && !c->options->comments_given && is_rare(x->word, x->n_odd, &c->text))
        message_notice("%s: lines that begin with '%s' are no part of the table of %" PRIu32 " fields, it seems: try "
                       "--comment %s%s", c->path, x->word, t->n_columns, x->word, and_hash(c));
    else if (t->dialect.delimiter == DELIMITER_BLANKS && x->like_record == 0)
        message_notice("%s: line %" PRIu64 " and others stand between the records of %" PRIu32 " fields: to leave them "
                       "out, try awk 'NF == %" PRIu32 "%s' FILE | shmload NAME=-", c->path,
                       c->lines_before + x->between, t->n_columns, t->n_columns, number);
    else if (may_set_aside(c->options, x->n_odd, percent))
        return true;
    else if (!x->repeats)
        message_notice("%s: line %" PRIu64 " and others stand between the records of %" PRIu32 " fields: to set them "
                       "aside, try %s", c->path, c->lines_before + x->between, t->n_columns,
                       set_aside(cure, t, percent, true));
    else
        return false;
    return true;
}

static bool is_sure(const struct table *t, const struct extent *x, uint64_t n_below)
{
    if (x->n_records >= FEWEST_RECORDS)
        return x->n_records >= x->n_odd;
    return x->n_records >= FEWEST_BELOW && t->numbers && x->odd_above > 0 && !x->numbers_above && n_below == 0;
}

/* What is above the table and below. */
static void tell_around(const struct advice_case *c, const struct table *t, const struct extent *x, uint64_t n_below)
{
    if (x->like_record > 0)
        tell_like_record(c, t, x);
    else if (x->n_odd == 1 && x->odd_above > 0 && x->n_words > 1 && n_below == 0)
        tell_header(c, t, x);
    else if (x->n_odd == 1 && x->n_words == 1 && t->dialect.delimiter == ',' && t->n_columns == 2 &&
             delimiter_commas_are_decimal(&c->text))
        tell_decimal_commas(c, x);
    else
        tell(c, t, x, n_below);
}

int advice_give(const struct advice_case *c, bool *given)
{
    struct table t;
    struct extent x;
    uint64_t n_below;

    *given = false;
    if (n_advised >= ADVISED_AT_MOST)
        return 0;
    if (find_table(&t, c) != 0)
        return -1;
    if (t.n_columns < 2)
        return 0;
    if (measure(&x, &t, &c->text) != 0)
        return -1;
    n_below = c->whole ? x.n_lines - x.last : 0;
    if (x.n_odd > 0 && x.n_records >= FEWEST_RECORDS && !c->options->comments_given && is_marked(c, &x)) {
        tell_mark(c, &x);
    } else if (x.n_between > 0) {
        if (!tell_between(c, &t, &x))
            return 0;
    } else if (t.in_blocks || x.n_odd == 0 || !is_sure(&t, &x, n_below) || (x.odd_above == 0 && n_below == 0)) {
        return 0;
    } else {
        tell_around(c, &t, &x, n_below);
    }
    n_advised++;
    *given = true;
    return 0;
}

void advice_forget(void)
{
    n_advised = 0;
}
