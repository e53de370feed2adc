/*
 * delimiter.c - which byte parts the fields, where the text is to decide, and how many fields a record has.
 */
#include "delimiter.h"

#include <string.h>

enum { NUMBERS_KEPT = 16 };

/* A number of fields, and the records that vote for it. */
struct votes {
    uint32_t n_fields;
    size_t n;
};

/* How many fields the records of an excerpt have. */
struct count {
    size_t n_records;
    size_t n_bad;
    size_t n_open;         /* of these, such as open a quote that is never closed */
    uint32_t first;        /* fields of the first record */
    bool same;             /* all have as many */
    uint32_t least;
    struct votes most;     /* the number more than half of them have, if there is such a one */
    struct votes frequent[NUMBERS_KEPT];
    bool comma_ends;       /* some field ends in a comma */
    bool hash;             /* some field but the first begins with '#' */
    bool all_bare;         /* every record has a lone '#' at one and the same place */
    uint32_t before_hash;  /* least number of fields before such a '#', or of all where there is none */
    bool empty_quotes;     /* some field is "" */
};

/*
 * Misra and Gries: a number that more than one in n_kept + 1 records have is kept. Where one is kept, Boyer and Moore:
 * the number that more than half have, if any; and where two share them evenly, it is left without votes.
 */
static void vote(struct votes *kept, size_t n_kept, uint32_t n_fields)
{
    struct votes *mine = NULL;

    for (size_t i = 0; i < n_kept && (mine == NULL || mine->n == 0); i++)
        if (kept[i].n == 0 || kept[i].n_fields == n_fields)
            mine = &kept[i];
    if (mine != NULL)
        *mine = (struct votes){n_fields, mine->n + 1};
    for (size_t i = 0; mine == NULL && i < n_kept; i++)
        kept[i].n--;
}

/* The number that more records have than any other; of two it is the larger: a line cut short is no measure. */
static uint32_t most_frequent(const struct count *c)
{
    const struct votes *best = c->frequent, *v = best + 1;

    for (; v < c->frequent + NUMBERS_KEPT; v++)
        if (v->n > best->n || (v->n == best->n && v->n_fields > best->n_fields))
            best = v;
    return best->n > 0 ? best->n_fields : c->first;
}

/* Look for what may be a comment behind the last field: '#' at the start of a field that is not the first. */
static void look_for_hash(struct count *c, const struct walk *w)
{
    uint32_t before = (uint32_t)w->n_fields;
    bool bare = false;

    for (uint32_t i = 1; i < w->n_fields; i++) {
        const struct record_field *f = &w->fields[i];

        if (f->bytes > 0 && *f->text == '#' && !f->quoted) {
            before = i;
            bare = f->bytes == 1;
            c->hash = true;
            break;
        }
    }
    c->all_bare = bare && (c->n_records == 0 || (c->all_bare && before == c->before_hash));
    if (c->n_records == 0 || before < c->before_hash)
        c->before_hash = before;
}

static void count_record(struct count *c, const struct walk *w, bool blanks)
{
    uint32_t n = (uint32_t)w->n_fields;

    look_for_hash(c, w);
    for (size_t i = 0; blanks && i < n; i++) {
        const struct record_field *f = &w->fields[i];

        c->comma_ends = c->comma_ends || (f->bytes > 0 && !f->quoted && f->text[f->bytes - 1] == ',');
        c->empty_quotes = c->empty_quotes || (f->bytes == 0 && f->quoted);
    }
    if (c->n_records == 0) {
        c->first = c->least = n;
        c->same = true;
    }
    c->same = c->same && n == c->first;
    c->least = n < c->least ? n : c->least;
    c->n_records++;
    vote(&c->most, 1, n);
    vote(c->frequent, NUMBERS_KEPT, n);
}

static int count_records(struct count *c, const struct dialect *d, const struct excerpt *e, uint32_t expect,
                         size_t max_records)
{
    struct record *record = excerpt_record(d);
    enum record_status status;
    struct walk w;

    *c = (struct count){0};
    if (record == NULL)
        return -1;
    walk_begin(&w, record, e, expect);
    while ((max_records == 0 || c->n_records < max_records) && (status = walk_next(&w)) != RECORD_MORE) {
        if (status == RECORD_ROW)
            count_record(c, &w, d->delimiter == DELIMITER_BLANKS);
        c->n_bad += status == RECORD_BAD;
        c->n_open += status == RECORD_BAD && w.failure.code == FAILURE_QUOTE_OPEN;
    }
    return 0;
}

/* What one delimiter makes of the excerpt. */
struct verdict {
    uint32_t n_columns;
    bool agreed;
    bool opens_quote;  /* not agreed, for one that opens a quote and never closes it: all others agree */
    bool nothing;      /* no records, good or bad */
    bool empty_quotes;
    bool comma_ends;   /* and but for that all would agree */
    size_t n_common;   /* not agreed: records with the number that most or half of them have, two at least; else 0 */
    uint32_t common;
    bool likely;       /* and that is nine of ten */
    size_t n_odd;      /* the others, bad ones too */
    uint64_t odd_line; /* of the first of them */
    uint32_t odd_fields;
};

static int count_common(struct verdict *v, const struct dialect *d, const struct excerpt *e, size_t max_records)
{
    struct record *record = excerpt_record(d);
    enum record_status status;
    size_t seen = 0;
    struct walk w;

    if (record == NULL)
        return -1;
    walk_begin(&w, record, e, UINT32_MAX);
    while ((max_records == 0 || seen < max_records) && (status = walk_next(&w)) != RECORD_MORE) {
        seen += status == RECORD_ROW;
        v->n_common += status == RECORD_ROW && w.n_fields == v->common;
        if (status == RECORD_NOTHING || (status == RECORD_ROW && w.n_fields == v->common) || v->n_odd++ > 0)
            continue;
        v->odd_line = w.lines - w.extent.n_lines + 1;
        v->odd_fields = status == RECORD_ROW ? (uint32_t)w.n_fields : 0;
    }
    return 0;
}

/*
 * The number of fields that all records have. Comments behind the last field are told from data by it, and it is not
 * known: so where '#' begins a field and the records do not agree, try what stands before it.
 */
static int judge_freely(struct verdict *v, struct count *c, const struct dialect *d, const struct excerpt *e,
                        const struct delimiter_rule *rule)
{
    uint32_t before_hash;

    if (count_records(c, d, e, UINT32_MAX, rule->max_records) != 0)
        return -1;
    before_hash = c->before_hash;
    *v = (struct verdict){.n_columns = most_frequent(c)};
    if (c->same && !(c->all_bare && d->hash_comment)) {
        v->agreed = c->n_bad == c->n_open;
    } else if (c->hash && d->hash_comment) {
        bool comma_ends = c->comma_ends;
        struct count again;

        if (count_records(&again, d, e, before_hash, rule->max_records) != 0)
            return -1;
        if (again.same) {
            *v = (struct verdict){.n_columns = before_hash, .agreed = c->n_bad == c->n_open};
            comma_ends = again.comma_ends;
        }
        c->comma_ends = comma_ends;
    }
    return 0;
}

/* Where not all agree: what most of them do; or half, and the first one among them, if no other is a single field. */
static int judge_most(struct verdict *v, const struct count *c, const struct dialect *d, const struct excerpt *e,
                      const struct delimiter_rule *rule)
{
    bool tie = c->most.n == 0 && c->n_records > 0 && c->least >= 2;
    struct verdict most = *v;

    most.common = tie ? c->first : c->most.n_fields;
    if ((c->most.n == 0 && !tie) || most.common < 2 || most.common < rule->at_least ||
        (rule->exactly > 0 && most.common != rule->exactly) || (d->delimiter == DELIMITER_BLANKS && c->comma_ends))
        return 0;
    if (count_common(&most, d, e, rule->max_records) != 0)
        return -1;
    if (most.n_common < most.n_odd + !tie)
        return 0;
    most.likely = most.n_common >= 4 && most.n_common >= 9 * most.n_odd;
    *v = most;
    return 0;
}

static int judge(struct verdict *v, const struct dialect *d, const struct excerpt *e, const struct delimiter_rule *rule)
{
    bool blanks = d->delimiter == DELIMITER_BLANKS;
    struct count c;

    if (rule->exactly > 0) {
        if (count_records(&c, d, e, rule->exactly, rule->max_records) != 0)
            return -1;
        *v = (struct verdict){.n_columns = rule->exactly,
                              .agreed = c.n_bad == c.n_open && c.same && c.first == rule->exactly};
    } else if (rule->at_least > 0) {
        uint32_t least = rule->at_least > 2 ? rule->at_least : 2; /* one field says nothing of how it is parted */

        if (count_records(&c, d, e, UINT32_MAX, rule->max_records) != 0)
            return -1;
        *v = (struct verdict){.n_columns = most_frequent(&c),
                              .agreed = c.n_bad == c.n_open && c.n_records > 0 && c.least >= least};
    } else {
        if (judge_freely(v, &c, d, e, rule) != 0)
            return -1;
        v->agreed = v->agreed && v->n_columns >= 2;
    }
    v->comma_ends = v->agreed && blanks && c.comma_ends;
    v->agreed = v->agreed && !v->comma_ends;
    v->opens_quote = v->agreed && c.n_open == 1;
    v->agreed = v->agreed && c.n_open == 0;
    v->empty_quotes = c.empty_quotes;
    if (!v->agreed && judge_most(v, &c, d, e, rule) != 0)
        return -1;
    if (c.n_records == 0)
        v->n_columns = 0;
    v->nothing = c.n_records == 0 && c.n_bad == 0;
    return 0;
}

/* Some tab is not the one blank between two fields, or some space may be part of one. */
static bool tabs_may_differ(const struct excerpt *e)
{
    const char *at = e->text, *end = e->text + e->bytes;

    if (memchr(at, ' ', e->bytes) != NULL)
        return true;
    while ((at = memchr(at, '\t', (size_t)(end - at))) != NULL) {
        if (at == e->text || at[-1] == '\n' || at + 1 == end || at[1] == '\t' || at[1] == '\n' || at[1] == '\r')
            return true;
        at++;
    }
    return false;
}

bool delimiter_commas_are_decimal(const struct excerpt *e)
{
    const char *at = e->text, *end = e->text + e->bytes;
    bool some = false;

    for (; (at = memchr(at, ',', (size_t)(end - at))) != NULL; at++, some = true)
        if (at == e->text || at + 1 == end || at[-1] < '0' || at[-1] > '9' || at[1] < '0' || at[1] > '9')
            return false;
    return some;
}

static void dispute(struct delimiter_found *found, int delimiter, const struct verdict *v)
{
    found->disputed = delimiter;
    found->n_disputed = v->agreed ? v->n_columns : v->common;
    found->n_odd = v->n_odd;
    found->odd_line = v->odd_line;
    found->odd_fields = v->odd_fields;
}

/*
 * An ordinary table of tabs has as many fields by blanks, and they are the same unless some are empty. Else an equal
 * number does not mean the same fields.
 */
static bool is_rival(int delimiter, const struct verdict *v, const struct verdict *blanks)
{
    if (!v->agreed)
        return v->likely && v->common > blanks->n_columns;
    return delimiter == '\t' ? v->n_columns != blanks->n_columns || blanks->empty_quotes :
                               v->n_columns >= blanks->n_columns;
}

/*
 * Blanks have it; but 'date time,1.5,ok' is a record of two fields that way, and of three by commas; and where a field
 * is empty in every record of a table of tabs, there is one less by blanks.
 */
static int look_for_rival(const struct dialect *dialect, const struct excerpt *e, const struct delimiter_rule *rule,
                          const struct verdict *blanks, struct delimiter_found *found)
{
    bool decimal = delimiter_commas_are_decimal(e);
    const int rivals[] = {'\t', decimal ? ';' : ',', decimal ? ',' : ';'};
    struct dialect other = *dialect;

    for (size_t i = 0; i < sizeof rivals / sizeof *rivals && rule->exactly == 0 && rule->at_least == 0; i++) {
        struct verdict v;

        if (memchr(e->text, rivals[i], e->bytes) == NULL ||
            (rivals[i] == '\t' && !tabs_may_differ(e) && !blanks->empty_quotes))
            continue;
        other.delimiter = rivals[i];
        if (judge(&v, &other, e, rule) != 0)
            return -1;
        if (is_rival(rivals[i], &v, blanks)) {
            dispute(found, rivals[i], &v);
            found->empty_quotes = rivals[i] == '\t' && v.n_columns == blanks->n_columns;
            found->decimal_commas = decimal && rivals[i] == ';';
            return 0;
        }
    }
    return 0;
}

/* Commas have it, but '1,5;2,5' may be two fields. */
static int doubt_commas(const struct dialect *dialect, const struct excerpt *e, const struct delimiter_rule *rule,
                        struct delimiter_found *found)
{
    struct dialect other = *dialect;
    struct verdict v;

    if (dialect->delimiter != ',' || memchr(e->text, ';', e->bytes) == NULL || !delimiter_commas_are_decimal(e))
        return 0;
    other.delimiter = ';';
    if (judge(&v, &other, e, rule) != 0)
        return -1;
    if (v.agreed) {
        dispute(found, ';', &v);
        found->decimal_commas = true;
    }
    return 0;
}

/* Blanks for want of a better one: there is one that does for more records, or parts as many into more fields. */
static bool is_better(const struct verdict *v, const struct verdict *than)
{
    return v->n_common > than->n_common || (v->n_common == than->n_common && v->common > than->common);
}

static int choose(struct dialect *dialect, const struct excerpt *e, const struct delimiter_rule *rule,
                  struct verdict *chosen, struct delimiter_found *found)
{
    static const int candidates[] = {DELIMITER_BLANKS, '\t', ',', ';', '|'};
    struct verdict blanks = {0}, best = {0};

    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        struct verdict v;

        dialect->delimiter = candidates[i];
        if (judge(&v, dialect, e, rule) != 0)
            return -1;
        *chosen = v;
        if (v.nothing && candidates[i] == DELIMITER_BLANKS)
            return 0; /* a line of tabs is a blank line, not two empty fields, where there is nothing else */
        if (v.agreed && candidates[i] == DELIMITER_BLANKS)
            return look_for_rival(dialect, e, rule, &v, found);
        if (v.agreed || (v.opens_quote && candidates[i] != DELIMITER_BLANKS)) {
            found->disputed = DELIMITER_BLANKS;
            chosen->agreed = true; /* what is wrong with the quote, the parse will say */
            return doubt_commas(dialect, e, rule, found);
        }
        if (candidates[i] == DELIMITER_BLANKS)
            blanks = best = v;
        else if (is_better(&v, &best)) {
            best = v;
            dispute(found, candidates[i], &v);
        }
    }
    dialect->delimiter = DELIMITER_BLANKS;
    *chosen = blanks;
    found->kept_commas = blanks.comma_ends;
    return 0;
}

int delimiter_settle(struct dialect *dialect, const struct excerpt *e, const struct delimiter_rule *rule,
                     struct delimiter_found *found)
{
    bool settled = dialect->delimiter != DELIMITER_AUTO;
    struct verdict v;

    *found = (struct delimiter_found){.disputed = DELIMITER_BLANKS};
    if (dialect->delimiter == DELIMITER_WIDTHS) {
        found->n_columns = (uint32_t)dialect->n_widths;
        found->agreed = true;
        return 0;
    }
    if ((settled ? judge(&v, dialect, e, rule) : choose(dialect, e, rule, &v, found)) != 0)
        return -1;
    found->n_columns = settled && rule->exactly > 0 ? rule->exactly : v.n_columns;
    found->agreed = v.agreed;
    return 0;
}
