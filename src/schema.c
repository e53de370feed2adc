/*
 * schema.c - the record: its fields, and where each text column goes in the row.
 *
 * dtype.c reads and prints the notation; here fields are kept, bound, copied and compared.
 */
#include "schema.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_LARGEST = INT32_MAX }; /* bytes: offsets in cells have 32 bits */

/* ---- fields ---------------------------------------------------------------------------------------------------- */

static char *copy_text(const char *text, size_t bytes)
{
    char *copy = malloc(bytes + 1);

    if (copy != NULL) {
        memcpy(copy, text, bytes);
        copy[bytes] = '\0';
    }
    return copy;
}

/* Fields have room for the next power of two: it needs no member of its own. */
static size_t room_for(size_t n)
{
    size_t room = 1;

    while (room < n)
        room *= 2;
    return room;
}

int schema_add(struct schema *s, const char *name, size_t name_bytes)
{
    struct field *f;

    if ((s->n_fields & (s->n_fields - 1)) == 0) { /* full */
        struct field *grown = realloc(s->fields, room_for(s->n_fields + 1) * sizeof *grown);

        if (grown == NULL)
            return -1;
        s->fields = grown;
    }
    f = &s->fields[s->n_fields];
    *f = (struct field){.kind = KIND_UNKNOWN, .n_elems = 1};
    f->name = copy_text(name, name_bytes);
    if (f->name == NULL)
        return -1;
    s->n_fields++;
    return 0;
}

int schema_add_constant(struct schema *s, const char *name, uint32_t elem_bytes)
{
    struct field *f;

    if (schema_add(s, name, strlen(name)) != 0)
        return -1;
    f = &s->fields[s->n_fields - 1];
    f->kind = KIND_UINT;
    f->elem_bytes = elem_bytes;
    f->named = true;
    f->constant = true;
    return 0;
}

const struct field *schema_constant(const struct schema *s)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (s->fields[i].constant)
            return &s->fields[i];
    return NULL;
}

int schema_rename(struct field *f, const char *name, size_t name_bytes)
{
    char *copy = copy_text(name, name_bytes);

    if (copy == NULL)
        return -1;
    free(f->name);
    f->name = copy;
    return 0;
}

/* By name, then by place, so that the second of two stands behind the first. */
static int compare_names(const void *a, const void *b)
{
    const struct field *const *first = a, *const *second = b;
    int order = strcmp((*first)->name, (*second)->name);

    return order != 0 ? order : (*first > *second) - (*first < *second);
}

int schema_repeated(const struct schema *s, const struct field **repeated)
{
    const struct field **sorted = malloc((s->n_fields + 1) * sizeof *sorted);

    *repeated = NULL;
    if (sorted == NULL)
        return -1;
    for (size_t i = 0; i < s->n_fields; i++)
        sorted[i] = &s->fields[i];
    qsort(sorted, s->n_fields, sizeof *sorted, compare_names);
    for (size_t i = 1; i < s->n_fields && *repeated == NULL; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            *repeated = sorted[i];
    free(sorted);
    return 0;
}

size_t schema_elements(const struct schema *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_fields; i++)
        n += s->fields[i].constant ? 0 : s->fields[i].n_elems;
    return n;
}

/* ---- binding --------------------------------------------------------------------------------------------------- */

/* Offsets of the fields, one behind the other. */
static int lay_out(struct schema *s, char error[SCHEMA_ERROR])
{
    s->row_bytes = 0;
    for (size_t i = 0; i < s->n_fields; i++) {
        struct field *f = &s->fields[i];
        uint64_t bytes = (uint64_t)f->elem_bytes * f->n_elems;

        assert(f->kind != KIND_UNKNOWN && f->elem_bytes > 0);
        if (bytes > ROW_LARGEST - s->row_bytes) {
            snprintf(error, SCHEMA_ERROR, "a row would have more than 2 GiB at field '%.60s'", f->name);
            return -1;
        }
        f->offset = s->row_bytes;
        s->row_bytes += (size_t)bytes;
    }
    return 0;
}

/* One cell for each element; columns follow. */
static int make_cells(struct schema *s, size_t n_cells, char error[SCHEMA_ERROR])
{
    struct cell *c = calloc(n_cells + 1, sizeof *c);

    if (c == NULL) {
        snprintf(error, SCHEMA_ERROR, "no memory for %zu columns", n_cells);
        return -1;
    }
    free(s->cells);
    s->cells = c;
    s->n_cells = n_cells;
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct field *f = &s->fields[i];

        for (uint32_t k = 0; k < f->n_elems && !f->constant; k++, c++) {
            c->field = (uint32_t)i;
            c->offset = (uint32_t)(f->offset + (size_t)k * f->elem_bytes);
            c->bytes = f->elem_bytes;
            c->kind = (uint8_t)f->kind;
            c->swap = f->big_endian;
            c->missing = &f->missing;
        }
    }
    return 0;
}

static int take_column(struct cell *c, int32_t column, uint32_t n_columns, char error[SCHEMA_ERROR])
{
    int64_t from_start = column >= 0 ? column : (int64_t)n_columns + column;

    if (n_columns > 0 && (from_start < 0 || from_start >= n_columns)) {
        snprintf(error, SCHEMA_ERROR, "column %d was asked for, but there are %u: from 0 to %u, or -1 to -%u", column,
                 n_columns, n_columns - 1, n_columns);
        return -1;
    }
    c->column = from_start >= 0 ? (uint32_t)from_start : 0;
    c->from_end = column < 0 ? column : 0;
    return 0;
}

/* By column, then by place in the row. */
static int compare_cells(const void *a, const void *b)
{
    const struct cell *first = a, *second = b;

    if (first->column != second->column)
        return first->column < second->column ? -1 : 1;
    return (first->offset > second->offset) - (first->offset < second->offset);
}

static int take_columns(struct schema *s, const int32_t *usecols, uint32_t n_columns, char error[SCHEMA_ERROR])
{
    uint32_t needed = 1;

    for (size_t i = 0; i < s->n_cells; i++) {
        struct cell *c = &s->cells[i];
        uint32_t reach;

        if (take_column(c, usecols[i], n_columns, error) != 0)
            return -1;
        reach = c->from_end < 0 ? (uint32_t)-c->from_end : c->column + 1;
        needed = reach > needed ? reach : needed;
    }
    qsort(s->cells, s->n_cells, sizeof *s->cells, compare_cells);
    s->n_columns = n_columns > 0 ? n_columns : needed;
    return 0;
}

int schema_bind(struct schema *s, const int32_t *usecols, size_t n_usecols, uint32_t n_columns,
                char error[SCHEMA_ERROR])
{
    size_t n_cells = schema_elements(s);

    if (usecols != NULL && n_usecols != n_cells) {
        snprintf(error, SCHEMA_ERROR, "the dtype takes %zu columns, but %zu were chosen", n_cells, n_usecols);
        return -1;
    }
    if (usecols == NULL && n_columns > 0 && n_columns != n_cells) {
        snprintf(error, SCHEMA_ERROR, "the dtype takes %zu columns, but the text has %u", n_cells, n_columns);
        return -1;
    }
    if (lay_out(s, error) != 0 || make_cells(s, n_cells, error) != 0)
        return -1;
    s->exact = usecols == NULL;
    if (usecols != NULL)
        return take_columns(s, usecols, n_columns, error);
    for (size_t i = 0; i < n_cells; i++)
        s->cells[i].column = (uint32_t)i;
    s->n_columns = (uint32_t)n_cells;
    return 0;
}

/* ---- whole schemas --------------------------------------------------------------------------------------------- */

static int copy_field(struct field *to, const struct field *from)
{
    *to = *from;
    to->name = copy_text(from->name, strlen(from->name));
    to->source_name = from->source_name != NULL ? copy_text(from->source_name, strlen(from->source_name)) : NULL;
    return to->name == NULL || (from->source_name != NULL && to->source_name == NULL) ? -1 : 0;
}

int schema_copy(struct schema *to, const struct schema *from)
{
    *to = *from;
    to->n_fields = 0;
    to->fields = malloc(room_for(from->n_fields) * sizeof *to->fields);
    to->cells = malloc((from->n_cells + 1) * sizeof *to->cells);
    to->column_names = from->column_names != NULL ? strdup(from->column_names) : NULL;
    if (to->fields == NULL || to->cells == NULL || (from->column_names != NULL && to->column_names == NULL))
        goto no_memory;
    while (to->n_fields < from->n_fields) {
        int status = copy_field(&to->fields[to->n_fields], &from->fields[to->n_fields]);

        to->n_fields++;
        if (status != 0)
            goto no_memory;
    }
    for (size_t i = 0; i < from->n_cells; i++) {
        to->cells[i] = from->cells[i];
        to->cells[i].missing = &to->fields[to->cells[i].field].missing;
    }
    return 0;

no_memory:
    schema_release(to);
    return -1;
}

static bool field_equal(const struct field *a, const struct field *b)
{
    return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->big_endian == b->big_endian &&
           a->elem_bytes == b->elem_bytes && a->n_dims == b->n_dims &&
           memcmp(a->dims, b->dims, a->n_dims * sizeof *a->dims) == 0;
}

char *schema_full_dtype(const struct schema *s)
{
    struct schema copy;
    char *text;

    if (schema_copy(&copy, s) != 0)
        return NULL;
    copy.shape = SHAPE_RECORDS;
    for (size_t i = 0; i < copy.n_fields; i++)
        copy.fields[i].constant = false;
    text = schema_dtype(&copy);
    schema_release(&copy);
    return text;
}

bool schema_equal(const struct schema *a, const struct schema *b)
{
    if (a->n_fields != b->n_fields || a->shape != b->shape)
        return false;
    for (size_t i = 0; i < a->n_fields; i++)
        if (!field_equal(&a->fields[i], &b->fields[i]))
            return false;
    return true;
}

void schema_release(struct schema *s)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        free(s->fields[i].name);
        free(s->fields[i].source_name);
    }
    free(s->fields);
    free(s->cells);
    free(s->column_names);
    memset(s, 0, sizeof *s);
}
