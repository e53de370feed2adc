/*
 * codes.c - columns that are text for a few words among numbers: told at the end of a run, with what helps.
 */
#include "codes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "misspelt.h"

enum { NAMES_TOLD = 4, PLACE_BYTES = 4200, VALUE_BYTES = 64 };

/* Why a column is text; of each the cure is another. */
enum why { WHY_CODE, WHY_COMMAS, WHY_GROUPS, WHY_LIMIT, WHY_MINUS, WHY_SPACE, WHY_THIN, WHY_FLAG, WHY_NOTHING };

static const enum misspelt misspelt[WHY_NOTHING] = {
    [WHY_GROUPS] = MISSPELT_GROUPS, [WHY_LIMIT] = MISSPELT_LIMIT, [WHY_MINUS] = MISSPELT_MINUS,
    [WHY_SPACE] = MISSPELT_SPACE,   [WHY_THIN] = MISSPELT_THIN,   [WHY_FLAG] = MISSPELT_FLAG,
};

/* A list of words between commas, each once, and of how many columns they were found in. */
struct codes {
    size_t n;
    char columns[SCHEMA_ERROR];
    char words[SCHEMA_ERROR];
    size_t words_bytes;
    uint32_t first;        /* text column of the first of them */
};

static bool has_word(const struct codes *c, const char *word, size_t word_bytes)
{
    for (const char *p = c->words; *p != '\0'; p += p[strcspn(p, ",")] == ',' ? strcspn(p, ",") + 1 : strcspn(p, ","))
        if (strcspn(p, ",") == word_bytes && memcmp(p, word, word_bytes) == 0)
            return true;
    return false;
}

static void add_column(struct codes *c, const struct field *f, uint32_t column)
{
    size_t used = strlen(c->columns);

    c->first = c->n == 0 ? column : c->first;
    if (c->n++ < NAMES_TOLD)
        snprintf(c->columns + used, sizeof c->columns - used, "%s'%.40s'", used > 0 ? ", " : "", f->name);
}

static void add_code(struct codes *c, const struct survey *s)
{
    char code[SURVEY_CODES];
    size_t code_bytes = survey_code(s, code);

    if (has_word(c, code, code_bytes) || c->words_bytes + code_bytes + 2 > sizeof c->words)
        return;
    c->words_bytes += (size_t)snprintf(c->words + c->words_bytes, sizeof c->words - c->words_bytes, "%s%.*s",
                                       c->words_bytes > 0 ? "," : "", (int)code_bytes, code);
}

/* '1,5' and its like, and no other text. */
static bool has_commas(const struct survey *s)
{
    return s->commas == SURVEY_COMMA;
}

/* One text that may well stand for a missing value, and that --na can list. */
static bool may_be_code(const struct survey *s)
{
    char code[SURVEY_CODES];
    size_t code_bytes = survey_code(s, code);

    return s->number && code_bytes > 0 && memchr(code, ',', code_bytes) == NULL &&
           memchr(code, '=', code_bytes) == NULL &&
           (missing_is_likely(code, code_bytes) || s->misspelt == MISSPELT_LIMIT);
}

static enum why why_text(const struct field *f, const struct survey *s)
{
    if (f->kind != KIND_STRING || f->least_bytes > 0)
        return WHY_NOTHING;
    if (may_be_code(s))
        return WHY_CODE;
    if (s->misspelt == MISSPELT_GROUPS)
        return WHY_GROUPS;
    if (has_commas(s))
        return WHY_COMMAS;
    if (!s->number || s->misspelt == 0 || (s->misspelt & MISSPELT_NOT) != 0)
        return WHY_NOTHING;
    for (enum why why = WHY_LIMIT; why < WHY_NOTHING; why++)
        if ((s->misspelt & misspelt[why]) != 0)
            return why;
    return WHY_GROUPS;
}

/* ---- telling --------------------------------------------------------------------------------------------------- */

/* Where the first text of a column stands. */
struct place {
    char words[PLACE_BYTES];     /* the path, and the line where it is known */
    const struct survey *survey;
    int delimiter;
};

/* In the first input of the group that has any there, as far as that is known. False: there is no such input. */
static bool find_place(struct place *p, size_t group, uint32_t column, const struct schemas *schemas,
                       const struct finding *findings, const struct inputs *inputs)
{
    size_t input = inputs->n;
    bool known = false;

    p->survey = &schemas->surveys[group][column];
    for (size_t i = 0; i < inputs->n && !known; i++) {
        const struct finding *f = &findings[i];

        if (f->schema != group)
            continue;
        input = input == inputs->n ? i : input;
        if (f->surveys == NULL || column >= f->n_columns || f->surveys[column].code_bytes == 0)
            continue;
        known = true;
        input = i;
        p->survey = &f->surveys[column];
    }
    if (input == inputs->n)
        return false;
    p->delimiter = findings[input].dialect.delimiter;
    if (known && p->survey->line_no > 0)
        snprintf(p->words, sizeof p->words, "%s:%" PRIu64, inputs->input[input].path, p->survey->line_no);
    else
        snprintf(p->words, sizeof p->words, "%s", inputs->input[input].path);
    return true;
}

static const char *are_text(const struct codes *c)
{
    return c->n > NAMES_TOLD ? " and more are text" : c->n > 1 ? " are text" : " is text";
}

/* Where the comma is the delimiter too, such numbers stand in quotes, and tr would part them. */
static const char *points_for_commas(int delimiter)
{
    return delimiter == ',' ? "if they are decimal ones, write points" :
                              "if they are decimal ones, give points by tr , . <FILE | shmload NAME=-";
}

static void tell_codes(const struct codes *c, const char *place, const struct options *options)
{
    message_notice("%s: column%s %s%s for '%s' among numbers: if that means missing, give --na '%s%s'", place,
                   c->n > 1 ? "s" : "", c->columns, are_text(c), c->words,
                   options->n_na == 0 ? OPTIONS_NA_DEFAULT "," : "", c->words);
}

static void tell_others(const struct codes *c, const struct place *p, enum why why)
{
    bool decimal = why == WHY_GROUPS && has_commas(p->survey);
    char value[VALUE_BYTES] = "such text";

    if (p->survey->first_bytes > 0)
        snprintf(value, sizeof value, "'%.*s'", (int)p->survey->first_bytes, p->survey->first);
    if (why == WHY_COMMAS)
        message_notice("%s: column%s %s%s for commas in numbers: %s", p->words, c->n > 1 ? "s" : "", c->columns,
                       are_text(c), points_for_commas(p->delimiter));
    else
        message_notice("%s: column%s %s%s for %s among numbers: %s%s%s", p->words, c->n > 1 ? "s" : "", c->columns,
                       are_text(c), value, misspelt_cure(misspelt[why], p->delimiter == ','), decimal ? "; " : "",
                       decimal ? points_for_commas(p->delimiter) : "");
}

static void gather(struct codes codes[WHY_NOTHING], const struct schemas *schemas, size_t group)
{
    const struct schema *s = &schemas->schema[group];

    for (size_t i = 0; i < s->n_cells; i++) {
        const struct cell *cell = &s->cells[i];
        const struct field *f = &s->fields[cell->field];
        const struct survey *survey = &schemas->surveys[group][cell->column];
        enum why why = schemas->field_inferred[group][cell->field] ? why_text(f, survey) : WHY_NOTHING;

        if (why == WHY_NOTHING)
            continue;
        add_column(&codes[why], f, cell->column);
        if (why == WHY_CODE)
            add_code(&codes[why], survey);
    }
}

void codes_tell(const struct schemas *schemas, const struct finding *findings, const struct inputs *inputs,
                const struct options *options)
{
    for (size_t g = 0, told = 0; g < schemas->n && told < NAMES_TOLD; g++) {
        struct codes codes[WHY_NOTHING] = {0};
        bool some = false;

        if (!schemas->inferred[g] || schemas->surveys[g] == NULL)
            continue;
        gather(codes, schemas, g);
        for (enum why why = 0; why < WHY_NOTHING; why++) {
            struct place place;

            if (codes[why].n == 0 || !find_place(&place, g, codes[why].first, schemas, findings, inputs))
                continue;
            some = true;
            if (why == WHY_CODE)
                tell_codes(&codes[why], place.words, options);
            else
                tell_others(&codes[why], &place, why);
        }
        told += some;
    }
}
