/*
 * missing.c - what --na and --fill say about each column.
 */
#include "missing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "convert.h"

/* ---- rules ----------------------------------------------------------------------------------------------------- */

/* The rule for that column, made when it is new. There is room for one per setting. */
static struct missing_rule *rule_for(struct missing_rules *r, const char *column)
{
    for (size_t i = 0; i < r->n; i++) {
        const char *known = r->rules[i].column;

        if (known == column || (known != NULL && column != NULL && strcmp(known, column) == 0))
            return &r->rules[i];
    }
    r->rules[r->n] = (struct missing_rule){.column = column};
    return &r->rules[r->n++];
}

static int add_token(struct missing_rule *rule, const char *text, size_t bytes)
{
    struct missing_token *grown = realloc(rule->tokens, (rule->n_tokens + 1) * sizeof *grown);
    struct missing_token *t;
    bool overflow;

    if (grown == NULL)
        return -1;
    rule->tokens = grown;
    t = &grown[rule->n_tokens++];
    *t = (struct missing_token){.text = text, .bytes = (uint32_t)bytes};
    /* 'nan' and 'inf' are words here: a column of integers may list them as missing */
    t->is_number = convert_double(text, bytes, &t->value, &overflow) == FAILURE_NONE && isfinite(t->value);
    return 0;
}

/* A comma separated list; blanks around its elements do not count. */
static int add_tokens(struct missing_rule *rule, const char *list)
{
    rule->has_tokens = true;
    if (*list == '\0')
        return 0;
    for (;;) {
        size_t bytes = strcspn(list, ","), skip = 0, end = bytes;

        while (skip < end && is_blank(list[skip]))
            skip++;
        while (end > skip && is_blank(list[end - 1]))
            end--;
        if (end == skip)
            rule->empty = true;
        else if (add_token(rule, list + skip, end - skip) != 0)
            return -1;
        if (list[bytes] == '\0')
            return 0;
        list += bytes + 1;
    }
}

int missing_rules_make(struct missing_rules *r, const struct options *options)
{
    r->n = 0;
    r->rules = calloc(1 + options->n_na + options->n_fill, sizeof *r->rules);
    if (r->rules == NULL)
        return -1;
    rule_for(r, NULL);
    for (size_t i = 0; i < options->n_na; i++) {
        struct missing_rule *rule = rule_for(r, options->na[i].column);

        rule->optional = options->na[i].optional;
        if (add_tokens(rule, options->na[i].text) != 0)
            goto no_memory;
    }
    for (size_t i = 0; i < options->n_fill; i++) {
        struct missing_rule *rule = rule_for(r, options->fill[i].column);

        rule->optional = false;
        rule->fill_text = options->fill[i].text;
    }
    if (!r->rules[0].has_tokens && add_tokens(&r->rules[0], OPTIONS_NA_DEFAULT) != 0)
        goto no_memory;
    return 0;

no_memory:
    missing_rules_release(r);
    return -1;
}

void missing_rules_release(struct missing_rules *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->rules[i].tokens);
    free(r->rules);
    *r = (struct missing_rules){0};
}

/* ---- columns --------------------------------------------------------------------------------------------------- */

bool missing_rule_names(const struct missing_rule *rule, const char *name, const char *source_name)
{
    return rule->column != NULL &&
           (strcmp(rule->column, name) == 0 || (source_name != NULL && strcmp(rule->column, source_name) == 0));
}

static void take_rule(struct missing *m, const struct missing_rule *rule, bool delimited)
{
    if (rule->has_tokens) {
        m->n_tokens = rule->n_tokens;
        m->tokens = rule->tokens;
        m->empty = delimited || rule->empty;
        m->has_numbers = false;
        for (size_t i = 0; i < rule->n_tokens; i++)
            m->has_numbers = m->has_numbers || rule->tokens[i].is_number;
    }
    if (rule->fill_text != NULL) {
        m->fill_text = rule->fill_text;
        m->has_fill = true;
    }
}

void missing_rules_apply(const struct missing_rules *r, const char *name, const char *source_name, bool delimited,
                         struct missing *missing)
{
    *missing = (struct missing){0};
    take_rule(missing, &r->rules[0], delimited);
    for (size_t i = 1; i < r->n; i++)
        if (missing_rule_names(&r->rules[i], name, source_name))
            take_rule(missing, &r->rules[i], delimited);
}

/* ---- fill values ----------------------------------------------------------------------------------------------- */

static bool is_filled_by_name(const struct missing_rules *r, const struct field *f)
{
    for (size_t i = 1; i < r->n; i++)
        if (r->rules[i].fill_text != NULL && missing_rule_names(&r->rules[i], f->name, f->source_name))
            return true;
    return false;
}

static int refuse_fill(const struct field *f, const char *reason, bool by_name, char error[SCHEMA_ERROR])
{
    const char *text = f->missing.fill_text;

    if (by_name)
        snprintf(error, SCHEMA_ERROR, "--fill %.60s=%.40s: '%.40s' %s (%c%u)", f->name, text, text, reason, f->kind,
                 f->elem_bytes);
    else
        snprintf(error, SCHEMA_ERROR,
                 "--fill %.40s: '%.40s' %s in field '%.40s' (%c%u): give one by --fill %.40s=VALUE", text, text, reason,
                 f->name, f->kind, f->elem_bytes, f->name);
    return -1;
}

int missing_fill(const struct missing_rules *r, struct field *field, char error[SCHEMA_ERROR])
{
    struct missing *m = &field->missing;
    struct cell cell = {.bytes = field->elem_bytes, .kind = (uint8_t)field->kind, .swap = field->big_endian};
    struct convert_tally tally = {0};
    bool by_name;
    int code;

    if (m->fill_text == NULL)
        return 0;
    by_name = is_filled_by_name(r, field);
    if (field->kind == KIND_STRING && by_name) {
        snprintf(error, SCHEMA_ERROR, "--fill %.60s=%.40s: field '%.60s' is S%u, and strings keep their text",
                 field->name, m->fill_text, field->name, field->elem_bytes);
        return -1;
    }
    m->has_fill = field->kind != KIND_STRING;
    if (!m->has_fill)
        return 0;
    code = convert_cell(&cell, m->fill_text, strlen(m->fill_text), m->fill, &tally);
    return code == FAILURE_NONE ? 0 : refuse_fill(field, failure_reason(code), by_name, error);
}

/* ---- what may be a code ---------------------------------------------------------------------------------------- */

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)c >= 0x80;
}

bool missing_is_likely(const char *text, size_t text_bytes)
{
    static const char *const words[] = {"na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "undef",
                                        "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!",
                                        "-1.#ind", "1.#qnan", "1.#inf", "-1.#inf"};
    size_t n = 0;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == text_bytes && strncasecmp(words[i], text, text_bytes) == 0)
            return true;
    while (n < text_bytes && !is_letter_or_digit(text[n]))
        n++;
    return text_bytes > 0 && n == text_bytes;
}
