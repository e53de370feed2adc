/*
 * widen.c - a worker's own wider schema, once a guessed type did not hold.
 */
#include "widen.h"

#include <stdlib.h>

/* Twice the room that is needed, so that growing lengths come back only log n times. */
static uint32_t roomy(uint32_t longest)
{
    uint32_t room = 16;

    while (room < longest && room < UINT32_MAX / 4)
        room *= 2;
    return room < longest ? longest : room;
}

static void widen_field(struct field *f, const struct survey *a, const struct survey *b)
{
    struct survey joined = *a;

    survey_join(&joined, b);
    if (survey_type(&joined, &f->missing, f) != FAILURE_NONE)
        f->kind = KIND_STRING;
    if (f->kind == KIND_STRING)
        f->elem_bytes = roomy(joined.longest);
}

/* All columns have a say in the one type. That none holds them all is told later; until then any will do. */
static void widen_matrix(struct schema *s, const struct survey *guessed_from, const struct survey *surveys)
{
    struct field *f = &s->fields[0];
    uint32_t n_elems = f->n_elems;
    struct survey joined = {0};

    for (size_t i = 0; i < s->n_cells; i++) {
        survey_join(&joined, &guessed_from[s->cells[i].column]);
        survey_join(&joined, &surveys[s->cells[i].column]);
    }
    if (survey_type(&joined, &f->missing, f) != FAILURE_NONE || f->kind == KIND_STRING) {
        f->kind = KIND_FLOAT;
        f->elem_bytes = sizeof(double);
    }
    f->n_dims = 1;
    f->dims[0] = f->n_elems = n_elems;
}

/* Offsets anew: fields moved, each cell keeps its place inside its field. */
static void lay_out(struct schema *s)
{
    size_t offset = 0;

    for (size_t i = 0; i < s->n_fields; i++) {
        struct field *f = &s->fields[i];

        for (size_t j = 0; j < s->n_cells; j++) {
            struct cell *c = &s->cells[j];

            if (c->field == i) {
                c->offset = (uint32_t)((c->offset - f->offset) / c->bytes * f->elem_bytes + offset);
                c->bytes = f->elem_bytes;
                c->kind = (uint8_t)f->kind;
                c->missing = &f->missing;
            }
        }
        f->offset = offset;
        offset += (size_t)f->elem_bytes * f->n_elems;
    }
    s->row_bytes = offset;
}

int widen_schema(struct schema *wider, const struct schema *s, const bool *inferred, const struct survey *guessed_from,
                 const struct survey *surveys)
{
    if (schema_copy(wider, s) != 0)
        return -1;
    if (wider->shape == SHAPE_MATRIX)
        widen_matrix(wider, guessed_from, surveys);
    for (size_t i = 0; wider->shape != SHAPE_MATRIX && i < wider->n_cells; i++) {
        const struct cell *c = &wider->cells[i];

        if (inferred[c->field])
            widen_field(&wider->fields[c->field], &guessed_from[c->column], &surveys[c->column]);
    }
    lay_out(wider);
    return 0;
}
