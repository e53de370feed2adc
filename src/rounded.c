/*
 * rounded.c - integers that an f8 does not hold exactly, where nobody asked for f8: noted by workers, told at the end.
 *
 * A column is f8 for one fraction, for a missing code that is written as one, or for what another input has in it; the
 * integers beside may then be identifiers, of which an f8 holds 15 digits. So that is said. It costs no look at the
 * data: numbers of so many digits leave the kernels' fast ways anyhow.
 */
#include "rounded.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "convert.h"
#include "infer.h"
#include "message.h"

/* ---- noting ---------------------------------------------------------------------------------------------------- */

bool rounded_is_noted(const struct rounded_list *list, uint32_t cell)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->first[i].cell == cell)
            return true;
    return list->n == ROUNDED_KEPT;
}

void rounded_note(struct rounded_list *list, uint32_t cell, uint64_t line_no, const char *text, size_t text_bytes)
{
    struct rounded *r;

    if (rounded_is_noted(list, cell))
        return;
    r = &list->first[list->n++];
    *r = (struct rounded){.line_no = line_no, .cell = cell, .text_bytes = (uint32_t)text_bytes};
    memcpy(r->text, text, text_bytes < ROUNDED_TEXT ? text_bytes : ROUNDED_TEXT);
}

static void take_value(struct rounded_columns *c, size_t schema, size_t input, uint64_t lines_before,
                       const struct rounded *value)
{
    struct rounded_column *column = c->column;

    while (column < c->column + c->n && (column->schema != schema || column->value.cell != value->cell))
        column++;
    if (column == c->column + ROUNDED_TOLD) {
        c->more = true;
        return;
    }
    if (column == c->column + c->n) {
        c->n++;
        *column = (struct rounded_column){.schema = schema, .input = input, .value = *value};
        column->value.line_no += lines_before;
    }
    if (column->n_inputs == 0 || column->last_input != input)
        column->n_inputs++;
    column->last_input = input;
}

void rounded_take(struct rounded_columns *c, size_t schema, size_t input, uint64_t lines_before,
                  const struct rounded_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        take_value(c, schema, input, lines_before, &list->first[i]);
}

/* ---- telling --------------------------------------------------------------------------------------------------- */

enum { WORDS = 2048 };

/* What is known of a column when it is told. */
struct story {
    const struct rounded_column *column;
    const struct schemas *schemas;
    const struct finding *findings;
    const struct inputs *inputs;
    const struct field *field;
    uint32_t text_column;
    bool matrix;
};

/* Some column that shares the type has fractions there; of a matrix all do. */
static bool has_fractions(const struct story *s, const struct survey *surveys)
{
    const struct schema *schema = &s->schemas->schema[s->column->schema];

    if (surveys == NULL || !s->matrix)
        return surveys != NULL && surveys[s->text_column].fraction;
    for (size_t i = 0; i < schema->n_cells; i++)
        if (surveys[schema->cells[i].column].fraction)
            return true;
    return false;
}

/* The first input of the schema that has fractions there; s->inputs->n: none is known. */
static size_t find_fractions(const struct story *s)
{
    size_t i = 0;

    while (i < s->inputs->n &&
           (s->findings[i].schema != s->column->schema || !has_fractions(s, s->findings[i].surveys)))
        i++;
    return i;
}

/* The integer type that holds the value; NULL: none. */
static const char *integer_type(const struct rounded *value)
{
    bool negative;
    uint64_t magnitude;

    if (value->text_bytes > ROUNDED_TEXT ||
        convert_integer(value->text, value->text_bytes, &negative, &magnitude) != FAILURE_NONE)
        return NULL;
    if (magnitude <= INT64_MAX)
        return "i8";
    return negative ? NULL : "u8";
}

/* What the fill value may be: the code that the column has already. */
static void choose_fill(const struct missing *m, char fill[WORDS])
{
    snprintf(fill, WORDS, "VALUE");
    for (size_t i = 0; i < m->n_tokens; i++) {
        double value = m->tokens[i].value;

        if (m->tokens[i].is_number && fabs(value) < 0x1p53 && value == floor(value)) {
            snprintf(fill, WORDS, "%.0f", value);
            return;
        }
    }
}

/* fractions: the first input that has any */
static void say_why(const struct story *s, size_t fractions, char why[WORDS])
{
    if (fractions == s->inputs->n)
        snprintf(why, WORDS, "missing values that are not written as integers");
    else if (s->matrix)
        snprintf(why, WORDS, "values of the matrix that are no integers");
    else if (has_fractions(s, s->findings[s->column->input].surveys))
        snprintf(why, WORDS, "values that are no integers");
    else
        snprintf(why, WORDS, "values in %.300s that are no integers", s->inputs->input[fractions].path);
}

static void say_cure(const struct story *s, size_t fractions, char cure[WORDS])
{
    const char *type = integer_type(&s->column->value), *name = s->field->name;
    bool integers = fractions == s->inputs->n && type != NULL;
    char fill[WORDS];

    choose_fill(&s->field->missing, fill);
    if (s->matrix && integers)
        snprintf(cure, WORDS, "give --dtype %s --fill %.60s", type, fill);
    else if (s->matrix)
        snprintf(cure, WORDS, "leave the column out by --usecols, or load without --matrix");
    else if (integers)
        snprintf(cure, WORDS, "give --dtype '%.300s=%s' --fill '%.300s=%.60s', or --dtype '%.300s=S' to keep the "
                 "digits", name, type, name, fill, name);
    else
        snprintf(cure, WORDS, "give --dtype '%.300s=S' to keep the digits", name);
}

/* "column 'id'"; of a matrix its number, and the name where there is one. */
static void name_column(const struct story *s, char text[WORDS])
{
    const struct finding *f = &s->findings[s->column->input];
    const char *name = s->text_column < f->n_names ? f->names[s->text_column] : "";

    if (!s->matrix)
        snprintf(text, WORDS, "column '%.300s'", s->field->name);
    else if (*name != '\0')
        snprintf(text, WORDS, "column %" PRIu32 " ('%.300s')", s->text_column, name);
    else
        snprintf(text, WORDS, "column %" PRIu32, s->text_column);
}

static void tell_column(const struct story *s)
{
    const struct rounded *v = &s->column->value;
    char column[WORDS], why[WORDS], cure[WORDS], more[64] = "";
    size_t n_more = s->column->n_inputs - 1, fractions = find_fractions(s);

    name_column(s, column);
    say_why(s, fractions, why);
    say_cure(s, fractions, cure);
    if (n_more > 0)
        snprintf(more, sizeof more, " (and so in %zu more input%s)", n_more, n_more == 1 ? "" : "s");
    message_notice("%s:%" PRIu64 ": %s is f8 for %s, and that rounds the integer %.*s%s%s: %s",
                   s->inputs->input[s->column->input].path, v->line_no, column, why,
                   (int)(v->text_bytes < ROUNDED_TEXT ? v->text_bytes : ROUNDED_TEXT), v->text,
                   v->text_bytes > ROUNDED_TEXT ? "..." : "", more, cure);
}

static struct story story_of(const struct rounded_column *c, const struct schemas *schemas,
                             const struct finding *findings, const struct inputs *inputs, const struct options *options)
{
    const struct schema *schema = &schemas->schema[c->schema];
    const struct cell *cell = &schema->cells[c->value.cell];

    return (struct story){.column = c, .schemas = schemas, .findings = findings, .inputs = inputs,
                          .field = &schema->fields[cell->field], .text_column = cell->column,
                          .matrix = options->matrix};
}

void rounded_tell(const struct rounded_columns *c, const struct schemas *schemas, const struct finding *findings,
                  const struct inputs *inputs, const struct options *options)
{
    for (size_t i = 0; i < c->n; i++) {
        struct story s = story_of(&c->column[i], schemas, findings, inputs, options);

        tell_column(&s);
    }
    if (c->more)
        message_notice("further columns are f8 and have integers that it rounds");
}

/* ---- refusing -------------------------------------------------------------------------------------------------- */

/* Nothing but integers and missing values has been seen where the type comes from. */
static bool is_for_missing_values(const struct story *s)
{
    const struct schema *schema = &s->schemas->schema[s->column->schema];
    const struct survey *surveys = s->schemas->surveys[s->column->schema];
    struct survey joined = {0};

    if (surveys == NULL)
        return false;
    if (s->matrix)
        for (size_t i = 0; i < schema->n_cells; i++)
            survey_join(&joined, &surveys[schema->cells[i].column]);
    else
        joined = surveys[s->text_column];
    return joined.class <= SURVEY_INTEGER && joined.missing;
}

bool rounded_refuse(const struct rounded_columns *c, const struct schemas *schemas, const struct finding *findings,
                    const struct inputs *inputs, const struct options *options)
{
    bool refused = false;

    for (size_t i = 0; i < c->n; i++) {
        struct story s = story_of(&c->column[i], schemas, findings, inputs, options);
        const struct rounded *v = &c->column[i].value;
        char column[WORDS], cure[WORDS];

        if (!is_for_missing_values(&s))
            continue;
        refused = true;
        name_column(&s, column);
        if (s.matrix)
            snprintf(cure, WORDS, "--fill VALUE, or --dtype f8");
        else
            snprintf(cure, WORDS, "--fill '%.300s=VALUE', or --dtype '%.300s=S' or '=f8'", s.field->name,
                     s.field->name);
        message_error("%s:%" PRIu64 ": %s has %.*s%s beside missing values, for which it is f8, and f8 rounds that: "
                      "give %s", inputs->input[c->column[i].input].path, v->line_no, column,
                      (int)(v->text_bytes < ROUNDED_TEXT ? v->text_bytes : ROUNDED_TEXT), v->text,
                      v->text_bytes > ROUNDED_TEXT ? "..." : "", cure);
    }
    return refused;
}
