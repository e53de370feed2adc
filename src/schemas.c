/*
 * schemas.c - one schema for all inputs that have the same columns.
 *
 * Inputs are grouped by the number and the names of their columns; each group's schema comes from --dtype, or from
 * the surveys of all its inputs together. Inputs without records join a group where that is beyond doubt. The second
 * time, after surveys were widened by a parse, the groups stay and only types are found anew.
 */
#include "infer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "keep.h"
#include "message.h"

enum { PATH_SHOWN = 100, NAMES_TOLD = 4, PLACE_SHOWN = 40, PLACE_BYTES = PLACE_SHOWN + 32 };

static const size_t NO_SCHEMA = SIZE_MAX;

/* The work at hand. */
struct maker {
    struct schemas *schemas;
    struct finding *findings;
    const struct inputs *inputs;
    const struct options *options;
    struct schema overrides;   /* of 'name=type' */
    bool *used;                /* per override */
    bool *rule_used;           /* per missing rule */
    bool *units_used;          /* per --units */
    size_t *first;             /* per group, its first input */
    char *error;
};

static int no_memory(struct maker *m)
{
    snprintf(m->error, SCHEMA_ERROR, "no memory for the schemas");
    return -1;
}

/* Put the input's path before the sentence in error; '-' says little, so standard input is named as it was given. */
static int blame(struct maker *m, size_t input)
{
    char sentence[SCHEMA_ERROR];
    const struct input *blamed = &m->inputs->input[input];
    const char *path = strcmp(blamed->path, "-") == 0 ? blamed->argument : blamed->path;
    size_t bytes = strlen(path), skip = bytes > PATH_SHOWN ? bytes - PATH_SHOWN : 0;

    memcpy(sentence, m->error, SCHEMA_ERROR);
    sentence[SCHEMA_ERROR - 1] = '\0';
    if (snprintf(m->error, SCHEMA_ERROR, "%s%s: %s", skip > 0 ? "..." : "", path + skip, sentence) >= SCHEMA_ERROR)
        memcpy(m->error + SCHEMA_ERROR - 4, "...", 4);
    return -1;
}

/* ---- groups ---------------------------------------------------------------------------------------------------- */

/* True when the same dtype binds in the same way whatever an input's columns: then all inputs are one group. */
static bool is_one_for_all(const struct options *o, const struct schema *dtype)
{
    if (o->matrix)
        return false;
    if (o->usecols != NULL && o->usecols[strspn(o->usecols, "0123456789, \t")] != '\0')
        return false;
    if (o->usecols != NULL && o->names != NULL)
        return false;
    for (size_t i = 0; i < dtype->n_fields; i++)
        if (!dtype->fields[i].named && o->names == NULL)
            return false;
    return true;
}

/* FNV-1a over the names, their ends included. Source: Fowler, Noll and Vo. */
static uint64_t hash_names(uint32_t n_columns, char *const *names, size_t n_names)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ n_columns;

    for (size_t i = 0; i < n_names; i++) {
        const char *p = names[i];

        do
            hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
        while (*p++ != '\0');
    }
    return hash;
}

static bool same_columns(const struct finding *f, uint32_t n_columns, char *const *names, size_t n_names)
{
    if (f->n_columns != n_columns || f->n_names != n_names)
        return false;
    for (size_t i = 0; i < n_names; i++)
        if (f->names[i] != names[i] && strcmp(f->names[i], names[i]) != 0)
            return false;
    return true;
}

/* Groups by their columns: open addressing, twice as many slots as inputs at least. */
struct table {
    size_t mask;
    size_t *slots;          /* group + 1; 0: free */
};

static size_t *find_slot(const struct maker *m, const struct table *t, uint32_t n_columns, char *const *names,
                         size_t n_names)
{
    size_t i = (size_t)hash_names(n_columns, names, n_names) & t->mask;

    while (t->slots[i] != 0 && !same_columns(&m->findings[m->first[t->slots[i] - 1]], n_columns, names, n_names))
        i = (i + 1) & t->mask;
    return &t->slots[i];
}

static size_t new_group(struct maker *m, size_t input)
{
    m->first[m->schemas->n] = input;
    return m->schemas->n++;
}

/* The only line of an input is its header when others have just these names. */
static void take_header(struct finding *f)
{
    f->names = f->maybe;
    f->n_names = f->n_maybe;
    f->maybe = NULL;
    f->n_maybe = 0;
    f->header = true;
    f->text_start = f->maybe_start;
    f->lines_before = f->maybe_lines;
    if (f->surveys != NULL)
        memset(f->surveys, 0, f->n_columns * sizeof *f->surveys);
}

static void group_headers_only(struct maker *m, const struct table *t)
{
    for (size_t i = 0; i < m->inputs->n; i++) {
        struct finding *f = &m->findings[i];
        size_t slot = f->maybe == NULL ? 0 : *find_slot(m, t, (uint32_t)f->n_maybe, f->maybe, f->n_maybe);

        if (slot == 0)
            continue;
        take_header(f);
        f->schema = slot - 1;
    }
}

/* An input whose only line may be a header waits until the headers of the others are known. */
static int group_by_columns(struct maker *m)
{
    struct table t = {.mask = 1};

    while (t.mask < 2 * m->inputs->n)
        t.mask = 2 * t.mask + 1;
    t.slots = calloc(t.mask + 1, sizeof *t.slots);
    if (t.slots == NULL)
        return no_memory(m);
    for (size_t i = 0; i < m->inputs->n; i++) {
        struct finding *f = &m->findings[i];
        size_t *slot;

        f->schema = NO_SCHEMA;
        if (f->n_columns == 0 || (f->maybe != NULL && f->n_names == 0))
            continue;
        slot = find_slot(m, &t, f->n_columns, f->names, f->n_names);
        if (*slot == 0)
            *slot = new_group(m, i) + 1;
        f->schema = *slot - 1;
    }
    group_headers_only(m, &t);
    for (size_t i = 0; i < m->inputs->n; i++) {
        struct finding *f = &m->findings[i];
        size_t *slot;

        if (f->schema != NO_SCHEMA || f->n_columns == 0)
            continue;
        slot = find_slot(m, &t, f->n_columns, f->names, f->n_names);
        if (*slot == 0)
            *slot = new_group(m, i) + 1;
        f->schema = *slot - 1;
    }
    free(t.slots);
    return 0;
}

/* Inputs without records: the one group there is, else with a dtype a group of their own. */
static int group_empty(struct maker *m)
{
    size_t settled = m->schemas->n, empty = NO_SCHEMA;

    for (size_t i = 0; i < m->inputs->n; i++) {
        struct finding *f = &m->findings[i];

        if (f->schema != NO_SCHEMA)
            continue;
        if (settled == 1) {
            f->schema = 0;
        } else if (m->options->dtype != NULL) {
            empty = empty != NO_SCHEMA ? empty : new_group(m, i);
            f->schema = empty;
        } else {
            snprintf(m->error, SCHEMA_ERROR, "it has no records, %s",
                     settled == 0 ? "so no types can be found: leave it out, or give the types by --dtype" :
                                    "and the other inputs have different columns, any of which could be its own: leave "
                                    "it out, or load it in a run of its own with --dtype, and --append");
            return blame(m, i);
        }
    }
    return 0;
}

static int make_groups(struct maker *m, const struct schema *dtype)
{
    if (dtype != NULL && is_one_for_all(m->options, dtype)) {
        for (size_t i = 0; i < m->inputs->n; i++)
            m->findings[i].schema = 0;
        new_group(m, 0);
        return 0;
    }
    return group_by_columns(m) != 0 ? -1 : group_empty(m);
}

/* ---- surveys --------------------------------------------------------------------------------------------------- */

/* Each input has surveys of its own to widen, also those that had no records in the sample. */
static int give_surveys(struct finding *f, uint32_t n_columns)
{
    if (f->surveys != NULL || n_columns == 0)
        return 0;
    f->surveys = keep_room(n_columns, sizeof *f->surveys);
    if (f->surveys == NULL)
        return -1;
    f->n_columns = n_columns;
    return 0;
}

static int join_surveys(struct maker *m)
{
    struct schemas *s = m->schemas;

    for (size_t g = 0; g < s->n; g++) {
        s->surveys[g] = calloc(m->findings[m->first[g]].n_columns + 1u, sizeof **s->surveys);
        if (s->surveys[g] == NULL)
            return no_memory(m);
    }
    for (size_t i = 0; i < m->inputs->n; i++) {
        struct finding *f = &m->findings[i];

        if (give_surveys(f, m->findings[m->first[f->schema]].n_columns) != 0)
            return no_memory(m);
        for (uint32_t c = 0; c < f->n_columns; c++)
            survey_join(&s->surveys[f->schema][c], &f->surveys[c]);
    }
    return 0;
}

/* ---- types ----------------------------------------------------------------------------------------------------- */

/* The text column of a group's element. */
static size_t column_of(const struct finding *f, const int32_t *chosen, size_t element)
{
    if (chosen == NULL)
        return element;
    return (size_t)(chosen[element] >= 0 ? chosen[element] : (int64_t)f->n_columns + chosen[element]);
}

static bool is_for(const struct field *override, const struct field *f)
{
    return strcmp(override->name, f->name) == 0 ||
           (f->source_name != NULL && strcmp(override->name, f->source_name) == 0);
}

/* The type that a preset has for this text column. */
static int take_preset_type(struct maker *m, struct field *f, size_t column)
{
    const struct preset *p = m->options->preset;
    const char *type;

    if (p == NULL || column >= p->n_columns)
        return 0;
    type = p->columns[column].type;
    if (schema_parse_open_string(f, type, strlen(type)))
        return 0;
    return schema_parse_type(f, type, strlen(type), m->error);
}

/* --dtype name=type for this field, the last one if there are several. */
static void override_type(struct maker *m, struct field *f)
{
    for (size_t i = 0; i < m->overrides.n_fields; i++) {
        const struct field *o = &m->overrides.fields[i];

        if (!is_for(o, f))
            continue;
        m->used[i] = true;
        f->kind = o->kind;
        f->elem_bytes = o->elem_bytes;
        f->big_endian = o->big_endian;
        f->least_bytes = o->least_bytes;
    }
}

/* The same for the fields of a whole dtype, where nothing is found out. */
static int override_types(struct maker *m, struct schema *s)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        override_type(m, &s->fields[i]);
        if (s->fields[i].least_bytes == 0)
            continue;
        snprintf(m->error, SCHEMA_ERROR, "--dtype %.60s=S...: beside a whole dtype it wants a width, as in %.60s=S10",
                 s->fields[i].name, s->fields[i].name);
        return -1;
    }
    return 0;
}

/* The columns that one type is to hold: elements of a group. */
struct elements {
    size_t group;
    const int32_t *chosen;
    size_t first, n;
};

enum trouble { TROUBLE_TOO_LARGE, TROUBLE_NEGATIVE, TROUBLE_POSITIVE, TROUBLE_MISSING };

/* What all columns together have of the trouble is in this one. */
static bool has_trouble(const struct survey *s, const struct survey *joined, enum trouble trouble)
{
    switch (trouble) {
    case TROUBLE_TOO_LARGE: return s->too_large;
    case TROUBLE_NEGATIVE: return s->most_negative == joined->most_negative;
    case TROUBLE_POSITIVE: return s->most_positive == joined->most_positive;
    case TROUBLE_MISSING: return s->missing;
    }
    return false;
}

/* Where it is seen first: "a.txt", or of a matrix "a.txt, column 3"; --fill is in no input. */
static const char *trouble_place(const struct maker *m, const struct elements *e, const struct survey *joined,
                                 enum trouble trouble, char place[PLACE_BYTES])
{
    for (size_t i = 0; i < m->inputs->n; i++) {
        const struct finding *f = &m->findings[i];
        const char *path = m->inputs->input[i].path;
        size_t bytes = strlen(path), skip = bytes > PLACE_SHOWN ? bytes - PLACE_SHOWN : 0;

        for (size_t k = e->first; f->schema == e->group && f->surveys != NULL && k < e->first + e->n; k++) {
            size_t column = column_of(f, e->chosen, k);
            int n;

            if (!has_trouble(&f->surveys[column], joined, trouble))
                continue;
            n = snprintf(place, PLACE_BYTES, "%s%s", skip > 0 ? "..." : "", path + skip);
            if (m->options->matrix)
                snprintf(place + n, PLACE_BYTES - (size_t)n, ", column %zu", column);
            return place;
        }
    }
    return "--fill";
}

/* Which values fit no type, where they are, and what helps. */
static int refuse_type(struct maker *m, const struct elements *e, const struct field *f, const struct survey *s)
{
    bool needs_nan = s->missing && !f->missing.has_fill && !s->too_large, matrix = m->options->matrix;
    char place[PLACE_BYTES], other[PLACE_BYTES], what[256], cure[160];
    const char *low = trouble_place(m, e, s, TROUBLE_NEGATIVE, place);
    const char *high = trouble_place(m, e, s, TROUBLE_POSITIVE, other);

    if (s->too_large)
        snprintf(what, sizeof what, "integers past 64 bits (%s)", trouble_place(m, e, s, TROUBLE_TOO_LARGE, place));
    else if (needs_nan && s->most_positive >= s->most_negative)
        snprintf(what, sizeof what, "missing values (%s) beside %" PRIu64 " (%s), which is past what f8 holds exactly",
                 trouble_place(m, e, s, TROUBLE_MISSING, place), s->most_positive, high);
    else if (needs_nan)
        snprintf(what, sizeof what, "missing values (%s) beside -%" PRIu64 " (%s), which is past what f8 holds exactly",
                 trouble_place(m, e, s, TROUBLE_MISSING, other), s->most_negative, low);
    else if (s->most_positive <= INT64_MAX)
        snprintf(what, sizeof what, "-%" PRIu64 " (%s), which fits no 64-bit type", s->most_negative, low);
    else
        snprintf(what, sizeof what, "%" PRIu64 " (%s) and -%" PRIu64 " (%s), which fit no 64-bit type together",
                 s->most_positive, high, s->most_negative, low);

    if (matrix)
        snprintf(cure, sizeof cure, "%s--dtype f8", needs_nan ? "--fill VALUE, or " : "");
    else if (needs_nan)
        snprintf(cure, sizeof cure, "--fill '%.50s=VALUE', or --dtype '%.50s=S' or '=f8'", f->name, f->name);
    else
        snprintf(cure, sizeof cure, "--dtype '%.50s=S' or '=f8'", f->name);
    snprintf(m->error, SCHEMA_ERROR, "%s%.50s%s %s: give %s", matrix ? "--matrix: " : "field '",
             matrix ? "there are" : f->name, matrix ? "" : "' has", what, cure);
    return -1;
}

/* A fill value is stored among the column's integers, so it has a say in their type. */
static int guess_type(struct maker *m, const struct elements *e, struct field *f, const struct survey *survey)
{
    struct survey widened = *survey;

    if (f->missing.fill_text != NULL && survey->class == SURVEY_INTEGER) {
        struct survey fill = {0};

        survey_field(&fill, NULL, f->missing.fill_text, strlen(f->missing.fill_text), false);
        if (fill.class == SURVEY_INTEGER || fill.class == SURVEY_FLOAT)
            survey_join(&widened, &fill);
    }
    return survey_type(&widened, &f->missing, f) == FAILURE_NONE ? 0 : refuse_type(m, e, f, &widened);
}

static int type_fields(struct maker *m, size_t group, const int32_t *chosen)
{
    const struct finding *f = &m->findings[m->first[group]];
    struct schema *s = &m->schemas->schema[group];

    for (size_t i = 0; i < s->n_fields; i++) {
        struct field *field = &s->fields[i];
        size_t column = column_of(f, chosen, i);

        if (take_preset_type(m, field, column) != 0)
            return -1;
        override_type(m, field);
        if (field->kind != KIND_UNKNOWN && field->least_bytes == 0)
            continue;
        m->schemas->field_inferred[group][i] = true;
        m->schemas->inferred[group] = true;
        if (guess_type(m, &(struct elements){group, chosen, i, 1}, field, &m->schemas->surveys[group][column]) != 0)
            return -1;
    }
    return 0;
}

/* --source-column, behind the fields that come from the text. */
static int add_source(struct maker *m, struct schema *s)
{
    const char *name = m->options->source_column;

    if (name == NULL)
        return 0;
    for (size_t i = 0; i < s->n_fields; i++)
        if (strcmp(s->fields[i].name, name) == 0) {
            snprintf(m->error, SCHEMA_ERROR,
                     "--source-column '%.60s': there is such a column already: choose another name", name);
            return -1;
        }
    return schema_add_constant(s, name, sizeof(uint32_t)) == 0 ? 0 : no_memory(m);
}

/* ---- one schema ------------------------------------------------------------------------------------------------ */

/* Fields named after the columns, types to be found. */
static int add_fields(struct maker *m, struct schema *s, const struct columns *c, const int32_t *chosen, size_t n)
{
    const char **names = malloc((n + 1) * sizeof *names);
    char *block = NULL;
    int status = -1;

    if (names == NULL)
        return no_memory(m);
    if (columns_name(c, m->options, chosen, n, names, &block, m->error) == 0)
        status = columns_add_fields(s, names, n, m->error);
    free(block);
    free(names);
    return status;
}

/* A dtype's fields that have no names take those of their first columns. */
static int name_fields(struct maker *m, struct schema *s, const struct columns *c, const int32_t *chosen, size_t n)
{
    size_t elements = schema_elements(s), element = 0, n_named = 0;
    const char **names;
    char *block = NULL;
    int status = -1;

    for (size_t i = 0; i < s->n_fields; i++)
        n_named += s->fields[i].named;
    if (n_named == s->n_fields && (m->options->names == NULL || m->options->usecols != NULL))
        return 0;
    if (n_named > 0 && m->options->names != NULL && m->options->usecols == NULL) {
        snprintf(m->error, SCHEMA_ERROR, "--dtype and --names both name the columns: leave the names out of one, as in "
                 "--dtype 'S10,i4'");
        return -1;
    }
    if (chosen != NULL && n != elements)
        return 0; /* schema_bind() says what is wrong */
    names = malloc((elements + s->n_fields + 1) * sizeof *names);
    if (names == NULL)
        return no_memory(m);
    if (m->options->names != NULL && s->n_fields != elements && c->n != elements) {
        struct columns by_field = {0}; /* array members: one name for each field will do as well */

        status = columns_name(&by_field, m->options, NULL, elements, names, &block, m->error);
    } else {
        status = columns_name(c, m->options, chosen, elements, names, &block, m->error);
    }
    for (size_t i = 0; status == 0 && i < s->n_fields; element += s->fields[i++].n_elems) {
        struct field *f = &s->fields[i];

        if (f->named || names[element] == NULL)
            continue;
        f->named = true;
        if (schema_rename(f, names[element], strlen(names[element])) != 0)
            status = no_memory(m);
    }
    if (status == 0 && columns_clean(s) != 0)
        status = no_memory(m);
    free(block);
    free(names);
    return status;
}

/* One notice for each schema: "'a/b' is stored as 'a_b', 'x' as 'x_2', and 3 more". */
static void tell_cleaned(const struct maker *m, size_t group)
{
    const struct schema *s = &m->schemas->schema[group];
    const char *path = m->inputs->input[m->first[group]].path;
    char *text = NULL;
    size_t text_bytes, n = 0;
    FILE *out = open_memstream(&text, &text_bytes);

    if (out == NULL)
        return;
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct field *f = &s->fields[i];

        if (f->source_name == NULL)
            continue;
        if (n++ < NAMES_TOLD)
            fprintf(out, n == 1 ? "'%s' is stored as '%s'" : ", '%s' as '%s'", f->source_name, f->name);
    }
    if (n > NAMES_TOLD)
        fprintf(out, ", and %zu more", n - NAMES_TOLD);
    if (fclose(out) == 0 && n > 0)
        message_notice("%s: column %s", path, text);
    free(text);
}

/* For -v: which inputs have columns of their own. */
static void tell_groups(const struct maker *m)
{
    size_t *n = calloc(m->schemas->n, sizeof *n);

    if (n == NULL || m->schemas->n < 2) {
        free(n);
        return;
    }
    for (size_t i = 0; i < m->inputs->n; i++)
        n[m->findings[i].schema]++;
    message_detail("the inputs have %zu different sets of columns", m->schemas->n);
    for (size_t g = 0; g < m->schemas->n && g < NAMES_TOLD; g++)
        message_detail("columns as in %s: %zu input%s", m->inputs->input[m->first[g]].path, n[g], n[g] == 1 ? "" : "s");
    free(n);
}

static void apply_missing(struct maker *m, struct schema *s, bool delimited)
{
    const struct missing_rules *rules = &m->schemas->missing;

    for (size_t i = 0; i < s->n_fields; i++) {
        missing_rules_apply(rules, s->fields[i].name, s->fields[i].source_name, delimited, &s->fields[i].missing);
        for (size_t r = 0; r < rules->n; r++)
            m->rule_used[r] = m->rule_used[r] || missing_rule_names(&rules->rules[r], s->fields[i].name,
                                                                   s->fields[i].source_name);
    }
}

/* --units by the name that is stored or the one in the header. */
static void apply_units(struct maker *m, struct schema *s)
{
    for (size_t i = 0; i < m->options->n_units; i++) {
        const struct column_setting *units = &m->options->units[i];

        for (size_t k = 0; k < s->n_fields; k++) {
            struct field *f = &s->fields[k];

            if (strcmp(units->column, f->name) != 0 &&
                (f->source_name == NULL || strcmp(units->column, f->source_name) != 0))
                continue;
            f->units = units->text;
            m->units_used[i] = true;
        }
    }
}

static bool some_delimited(const struct maker *m, size_t group)
{
    if (m->options->delimiter != DELIMITER_AUTO)
        return m->options->delimiter != DELIMITER_BLANKS;
    for (size_t i = m->first[group]; i < m->inputs->n; i++)
        if (m->findings[i].schema == group && m->findings[i].dialect.delimiter != DELIMITER_BLANKS)
            return true;
    return false;
}

/* ---- one matrix ------------------------------------------------------------------------------------------------ */

/* The type that holds all columns; one with text in it has none. */
static int type_matrix(struct maker *m, size_t group, const int32_t *chosen, size_t n, struct field *f)
{
    const struct finding *first = &m->findings[m->first[group]];
    struct survey joined = {0};

    assert(m->schemas->surveys[group] != NULL && "made where no dtype is given");
    for (size_t i = 0; i < n; i++) {
        size_t column = column_of(first, chosen, i);
        const struct survey *s = &m->schemas->surveys[group][column];

        assert(m->schemas->surveys[group] != NULL); /* types are guessed here only */
        if (s->class == SURVEY_TEXT) {
            const char *name = column < first->n_names ? first->names[column] : "";

            snprintf(m->error, SCHEMA_ERROR, "--matrix: column %zu%s%.60s%s has text: choose columns of numbers with "
                     "--usecols, or say what is missing with --na", column, *name != '\0' ? " ('" : "", name,
                     *name != '\0' ? "')" : "");
            return -1;
        }
        survey_join(&joined, s);
    }
    m->schemas->field_inferred[group][0] = true;
    m->schemas->inferred[group] = true;
    return guess_type(m, &(struct elements){group, chosen, 0, n}, f, &joined);
}

/* The type that was given, for every column. */
static int take_element(struct maker *m, struct field *f)
{
    struct schema typed;

    if (schema_parse(&typed, m->options->dtype, m->error) != 0)
        return -1;
    f->kind = typed.fields[0].kind;
    f->elem_bytes = typed.fields[0].elem_bytes;
    f->big_endian = typed.fields[0].big_endian;
    schema_release(&typed);
    return 0;
}

/* The columns' names for an attribute, where all have one and HDF5 keeps as much. */
static int join_names(struct maker *m, struct schema *s, const char *const *names, size_t n)
{
    size_t bytes = 0;
    char *at;

    for (size_t i = 0; i < n; i++) {
        if (names[i] == NULL)
            return 0;
        bytes += strlen(names[i]) + 1;
    }
    if (bytes > OPTIONS_ATTRIBUTE_MOST) {
        message_notice("--matrix: the names of %zu columns are too long for an attribute and left out", n);
        return 0;
    }
    s->column_names = at = malloc(bytes);
    if (at == NULL)
        return no_memory(m);
    for (size_t i = 0; i < n; i++) {
        size_t name_bytes = strlen(names[i]);

        for (size_t k = 0; k < name_bytes; k++)
            at[k] = names[i][k] != '\n' ? names[i][k] : ' ';
        at[name_bytes] = i + 1 < n ? '\n' : '\0';
        at += name_bytes + 1;
    }
    return 0;
}

static int name_matrix(struct maker *m, struct schema *s, const struct columns *c, const int32_t *chosen, size_t n)
{
    const char **names = malloc(n * sizeof *names);
    char *block = NULL;
    int status = -1;

    if (names == NULL)
        return no_memory(m);
    if (columns_name(c, m->options, chosen, n, names, &block, m->error) == 0)
        status = join_names(m, s, names, n);
    free(block);
    free(names);
    return status;
}

/* One field with an element for each column. */
static int make_matrix(struct maker *m, size_t group)
{
    const struct finding *first = &m->findings[m->first[group]];
    struct columns c = {first->n_columns, first->n_names, first->names};
    struct schema *s = &m->schemas->schema[group];
    int32_t *chosen = NULL;
    struct field *f;
    size_t n;
    int status = -1;

    if (columns_choose(&c, m->options, &chosen, &n, m->error) != 0)
        return -1;
    n = chosen != NULL ? n : c.n;
    if (n == 0) {
        snprintf(m->error, SCHEMA_ERROR, "--matrix: there are no records, so the number of columns is not known");
        goto out;
    }
    m->schemas->field_inferred[group] = calloc(1, sizeof(bool));
    if (m->schemas->field_inferred[group] == NULL || schema_add(s, "values", strlen("values")) != 0) {
        no_memory(m);
        goto out;
    }
    s->shape = SHAPE_MATRIX;
    f = &s->fields[0];
    f->named = true;
    apply_missing(m, s, some_delimited(m, group));
    if ((m->options->dtype != NULL ? take_element(m, f) : type_matrix(m, group, chosen, n, f)) != 0)
        goto out;
    f->n_dims = 1;
    f->dims[0] = f->n_elems = (uint32_t)n;
    if (missing_fill(&m->schemas->missing, f, m->error) == 0 && name_matrix(m, s, &c, chosen, n) == 0)
        status = schema_bind(s, chosen, n, c.n, m->error);
    for (size_t i = 0; status == 0 && i < s->n_cells; i++)
        s->cells[i].guessed = m->schemas->field_inferred[group][0];

out:
    free(chosen);
    return status;
}

/* ---- all of one kind ------------------------------------------------------------------------------------------- */

static int make_schema(struct maker *m, size_t group)
{
    const struct finding *f = &m->findings[m->first[group]];
    struct columns c = {f->n_columns, f->n_names, f->names};
    struct schema *s = &m->schemas->schema[group];
    bool typed = m->options->dtype != NULL;
    int32_t *chosen = NULL;
    size_t n = 0;
    int status = -1;

    if (typed && m->options->usecols == NULL)
        c.n = 0; /* an input with another number of columns fails in its parse, with a line number */
    if (typed && schema_parse(s, m->options->dtype, m->error) != 0)
        return -1;
    if (columns_choose(&c, m->options, &chosen, &n, m->error) != 0)
        return -1;
    n = chosen != NULL ? n : c.n;
    if ((typed ? name_fields(m, s, &c, chosen, n) : add_fields(m, s, &c, chosen, n)) != 0)
        goto out;
    apply_missing(m, s, some_delimited(m, group));
    apply_units(m, s);
    m->schemas->field_inferred[group] = calloc(s->n_fields + 2, sizeof(bool)); /* and one for add_source() */
    if (m->schemas->field_inferred[group] == NULL) {
        no_memory(m);
        goto out;
    }
    if ((typed ? override_types(m, s) : type_fields(m, group, chosen)) != 0)
        goto out;
    for (size_t i = 0; i < s->n_fields; i++)
        if (missing_fill(&m->schemas->missing, &s->fields[i], m->error) != 0)
            goto out;
    s->shape = m->options->columns ? SHAPE_COLUMNS : SHAPE_RECORDS;
    if (add_source(m, s) == 0)
        status = schema_bind(s, chosen, n, c.n, m->error);
    for (size_t i = 0; status == 0 && i < s->n_cells; i++)
        s->cells[i].guessed = m->schemas->field_inferred[group][s->cells[i].field];

out:
    free(chosen);
    return status;
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

static int refuse_column(struct maker *m, const char *option, const char *column)
{
    const struct schema *s = &m->schemas->schema[0];
    const char **names = malloc((s->n_fields + 1) * sizeof *names);
    char list[SCHEMA_ERROR / 2];

    if (names == NULL)
        return no_memory(m);
    for (size_t i = 0; i < s->n_fields; i++)
        names[i] = s->fields[i].name;
    snprintf(m->error, SCHEMA_ERROR, "%s: there is no column '%.60s'; there are %s", option, column,
             columns_list(list, sizeof list, names, s->n_fields));
    free(names);
    return -1;
}

/* A name that no schema has is a slip of the keyboard. */
static int check_names(struct maker *m)
{
    const struct missing_rules *rules = &m->schemas->missing;

    for (size_t i = 0; i < m->overrides.n_fields; i++)
        if (!m->used[i])
            return refuse_column(m, "--dtype", m->overrides.fields[i].name);
    for (size_t i = 1; i < rules->n; i++)
        if (!m->rule_used[i] && !rules->rules[i].optional)
            return refuse_column(m, rules->rules[i].has_tokens ? "--na" : "--fill", rules->rules[i].column);
    for (size_t i = 0; i < m->options->n_units; i++)
        if (!m->units_used[i])
            return refuse_column(m, "--units", m->options->units[i].column);
    return 0;
}

static int allocate(struct maker *m)
{
    struct schemas *s = m->schemas;

    s->schema = calloc(s->n, sizeof *s->schema);
    s->inferred = calloc(s->n, sizeof *s->inferred);
    s->field_inferred = calloc(s->n, sizeof *s->field_inferred);
    s->surveys = calloc(s->n, sizeof *s->surveys);
    m->used = calloc(m->overrides.n_fields + 1, sizeof *m->used);
    m->rule_used = calloc(s->missing.n + 1, sizeof *m->rule_used);
    m->units_used = calloc(m->options->n_units + 1, sizeof *m->units_used);
    if (s->schema == NULL || s->inferred == NULL || s->field_inferred == NULL || s->surveys == NULL ||
        m->used == NULL || m->rule_used == NULL || m->units_used == NULL)
        return no_memory(m);
    return 0;
}

/* The groups of the first time, from the findings. */
static void keep_groups(struct maker *m, size_t n_groups)
{
    m->schemas->n = n_groups;
    for (size_t i = m->inputs->n; i-- > 0;)
        m->first[m->findings[i].schema] = i;
}

static int find_groups(struct maker *m, size_t n_groups)
{
    struct schema dtype = {0};
    int status;

    m->first = calloc(m->inputs->n + 1, sizeof *m->first);
    if (m->first == NULL)
        return no_memory(m);
    if (n_groups > 0) {
        keep_groups(m, n_groups);
        return 0;
    }
    if (m->options->dtype != NULL && schema_parse(&dtype, m->options->dtype, m->error) != 0)
        return -1;
    status = make_groups(m, m->options->dtype != NULL ? &dtype : NULL);
    schema_release(&dtype);
    return status;
}

static int make_all(struct maker *m, size_t n_groups)
{
    const struct options *o = m->options;

    if (missing_rules_make(&m->schemas->missing, o) != 0)
        return no_memory(m);
    if (o->dtype_override != NULL && schema_parse_override(&m->overrides, o->dtype_override, m->error) != 0)
        return -1;
    for (size_t i = 0; i < m->overrides.n_fields; i++)
        if (m->overrides.fields[i].n_dims > 0) {
            snprintf(m->error, SCHEMA_ERROR, "--dtype %.60s=...: an array takes several columns: give the whole dtype",
                     m->overrides.fields[i].name);
            return -1;
        }
    if (find_groups(m, n_groups) != 0 || allocate(m) != 0)
        return -1;
    if (o->dtype == NULL && join_surveys(m) != 0)
        return -1;
    for (size_t g = 0; g < m->schemas->n; g++) {
        if ((o->matrix ? make_matrix(m, g) : make_schema(m, g)) != 0)
            return m->inputs->n > 1 && m->schemas->n > 1 ? blame(m, m->first[g]) : -1;
        if (n_groups == 0)
            tell_cleaned(m, g);
    }
    if (n_groups == 0)
        tell_groups(m);
    return check_names(m);
}

int infer_schemas(struct schemas *schemas, struct finding *findings, const struct inputs *inputs,
                  const struct options *options, char error[SCHEMA_ERROR])
{
    struct maker m = {.schemas = schemas, .findings = findings, .inputs = inputs, .options = options, .error = error};
    size_t n_groups = schemas->n;
    int status;

    schemas_release(schemas);
    if (inputs->n == 0)
        return 0;
    status = make_all(&m, n_groups);
    schema_release(&m.overrides);
    free(m.used);
    free(m.rule_used);
    free(m.units_used);
    free(m.first);
    if (status != 0)
        schemas_release(schemas);
    return status;
}

void schemas_release(struct schemas *s)
{
    for (size_t g = 0; g < s->n; g++) {
        if (s->schema != NULL)
            schema_release(&s->schema[g]);
        if (s->field_inferred != NULL)
            free(s->field_inferred[g]);
        if (s->surveys != NULL)
            free(s->surveys[g]);
    }
    free(s->schema);
    free(s->inferred);
    free(s->field_inferred);
    free(s->surveys);
    missing_rules_release(&s->missing);
    memset(s, 0, sizeof *s);
}
