/*
 * delimiter.c - which byte parts the fields, where the text is to decide, and how many fields a record has.
 */
#include "delimiter.h"

#include <string.h>

/* How many fields the records of an excerpt have. */
struct count {
    size_t n_records;
    size_t n_bad;
    uint32_t first;        /* fields of the first record */
    bool same;             /* all have as many */
    uint32_t least;
    uint32_t common;       /* the number most records have, if more than half of them do */
    size_t n_common;
    size_t lead;           /* of 'common' over the others: Boyer and Moore's vote */
    bool comma_ends;       /* some field ends in a comma */
    bool hash;             /* some field but the first begins with '#' */
    bool all_bare;         /* every record has a lone '#' at one and the same place */
    uint32_t before_hash;  /* least number of fields before such a '#', or of all where there is none */
};

static void vote(struct count *c, uint32_t n_fields)
{
    if (c->lead == 0)
        c->common = n_fields;
    c->lead = c->common == n_fields ? c->lead + 1 : c->lead - 1;
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
    }
    if (c->n_records == 0) {
        c->first = c->least = n;
        c->same = true;
    }
    c->same = c->same && n == c->first;
    c->least = n < c->least ? n : c->least;
    c->n_records++;
    vote(c, n);
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
    }
    return 0;
}

/* What one delimiter makes of the excerpt. */
struct verdict {
    uint32_t n_columns;
    bool agreed;
    bool nothing;      /* no records, good or bad */
    bool likely;       /* not agreed, but nine records of ten have that number, two fields at least */
};

static int count_common(struct count *c, const struct dialect *d, const struct excerpt *e, size_t max_records)
{
    struct record *record = excerpt_record(d);
    enum record_status status;
    size_t seen = 0;
    struct walk w;

    c->n_common = 0;
    if (record == NULL)
        return -1;
    walk_begin(&w, record, e, UINT32_MAX);
    while ((max_records == 0 || seen < max_records) && (status = walk_next(&w)) != RECORD_MORE) {
        seen += status == RECORD_ROW;
        c->n_common += status == RECORD_ROW && w.n_fields == c->common;
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
    *v = (struct verdict){.n_columns = c->lead > 0 ? c->common : c->first};
    if (c->same && !(c->all_bare && d->hash_comment)) {
        v->agreed = c->n_bad == 0;
    } else if (c->hash && d->hash_comment) {
        bool comma_ends = c->comma_ends;
        struct count again;

        if (count_records(&again, d, e, before_hash, rule->max_records) != 0)
            return -1;
        if (again.same) {
            *v = (struct verdict){.n_columns = before_hash, .agreed = c->n_bad == 0};
            comma_ends = again.comma_ends;
        }
        c->comma_ends = comma_ends;
    }
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
                              .agreed = c.n_bad == 0 && c.same && c.first == rule->exactly};
    } else if (rule->at_least > 0) {
        uint32_t least = rule->at_least > 2 ? rule->at_least : 2; /* one field says nothing of how it is parted */

        if (count_records(&c, d, e, UINT32_MAX, rule->max_records) != 0)
            return -1;
        *v = (struct verdict){.n_columns = c.lead > 0 ? c.common : c.first,
                              .agreed = c.n_bad == 0 && c.n_records > 0 && c.least >= least};
    } else {
        if (judge_freely(v, &c, d, e, rule) != 0)
            return -1;
        v->agreed = v->agreed && v->n_columns >= 2;
    }
    v->agreed = v->agreed && !(blanks && c.comma_ends);
    if (!v->agreed && c.lead > 0 && c.common >= 2) {
        if (count_common(&c, d, e, rule->max_records) != 0)
            return -1;
        v->likely = c.n_common >= 4 && 10 * c.n_common >= 9 * c.n_records;
    }
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

/* An ordinary table of tabs has as many fields by blanks. Else an equal number does not mean the same fields. */
static bool is_rival(int delimiter, const struct verdict *v, uint32_t n_columns)
{
    return v->agreed && (delimiter == '\t' ? v->n_columns != n_columns : v->n_columns >= n_columns);
}

/*
 * Blanks have it; but 'date time,1.5,ok' is a record of two fields that way, and of three by commas; and where a field is
 * empty in every record of a table of tabs, there is one less by blanks.
 */
static int look_for_rival(const struct dialect *dialect, const struct excerpt *e, const struct delimiter_rule *rule,
                          uint32_t n_columns, struct delimiter_found *found)
{
    static const int rivals[] = {'\t', ',', ';'};
    struct dialect other = *dialect;

    for (size_t i = 0; i < sizeof rivals / sizeof *rivals && rule->exactly == 0 && rule->at_least == 0; i++) {
        struct verdict v;

        if (memchr(e->text, rivals[i], e->bytes) == NULL || (rivals[i] == '\t' && !tabs_may_differ(e)))
            continue;
        other.delimiter = rivals[i];
        if (judge(&v, &other, e, rule) != 0)
            return -1;
        if (is_rival(rivals[i], &v, n_columns)) {
            found->disputed = rivals[i];
            found->n_disputed = v.n_columns;
            return 0;
        }
    }
    return 0;
}

static int choose(struct dialect *dialect, const struct excerpt *e, const struct delimiter_rule *rule,
                  struct verdict *chosen, struct delimiter_found *found)
{
    static const int candidates[] = {DELIMITER_BLANKS, '\t', ',', ';', '|'};
    struct verdict blanks = {0};

    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        struct verdict v;

        dialect->delimiter = candidates[i];
        if (judge(&v, dialect, e, rule) != 0)
            return -1;
        *chosen = v;
        if (v.nothing && candidates[i] == DELIMITER_BLANKS)
            return 0; /* a line of tabs is a blank line, not two empty fields, where there is nothing else */
        if (v.agreed && candidates[i] == DELIMITER_BLANKS)
            return look_for_rival(dialect, e, rule, v.n_columns, found);
        if (v.agreed) {
            found->disputed = DELIMITER_BLANKS;
            return 0;
        }
        if (candidates[i] == DELIMITER_BLANKS)
            blanks = v;
        else if (v.likely && found->disputed == DELIMITER_BLANKS)
            found->disputed = candidates[i];
    }
    dialect->delimiter = DELIMITER_BLANKS;
    *chosen = blanks;
    if (blanks.likely)
        found->disputed = DELIMITER_BLANKS;
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
