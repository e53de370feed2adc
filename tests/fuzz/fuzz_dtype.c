/*
 * fuzz_dtype.c - any text as a dtype: what is taken comes back the same from its printed form, and offsets are packed.
 */
#include "fuzz.h"

#include <string.h>

#include "schema.h"

enum { MOST_ELEMENTS = 100000 };

/* Rows are packed in the order of fields, each element with its cell and its column. */
static void check_layout(struct schema *s)
{
    char error[SCHEMA_ERROR] = "";
    size_t offset = 0, cell = 0;

    if (schema_elements(s) > MOST_ELEMENTS)
        return;
    if (schema_bind(s, NULL, 0, 0, error) != 0) {
        EXPECT(*error != '\0' && strlen(error) < SCHEMA_ERROR);
        return;
    }
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct field *f = &s->fields[i];

        EXPECT(f->offset == offset);
        for (uint32_t j = 0; j < f->n_elems; j++, cell++) {
            EXPECT(cell < s->n_cells && s->cells[cell].column == cell && s->cells[cell].field == i);
            EXPECT(s->cells[cell].offset == offset && s->cells[cell].bytes == f->elem_bytes);
            offset += f->elem_bytes;
        }
    }
    EXPECT(cell == s->n_cells && s->n_columns == cell && s->row_bytes == offset && s->exact);
}

static void check_round_trip(const struct schema *s)
{
    char error[SCHEMA_ERROR], *text = schema_dtype(s), *again;
    struct schema copy;

    EXPECT(text != NULL);
    if (schema_parse(&copy, text, error) != 0) {
        fprintf(stderr, "'%s': %s\n", text, error);
        abort();
    }
    again = schema_dtype(&copy);
    EXPECT(schema_equal(s, &copy) && strcmp(text, again) == 0);
    free(again);
    free(text);
    schema_release(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = exactly(size + 1), error[SCHEMA_ERROR] = "";
    struct schema s;

    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (schema_parse(&s, text, error) == 0) {
        check_round_trip(&s);
        check_layout(&s);
        schema_release(&s);
    } else {
        EXPECT(*error != '\0' && strlen(error) < SCHEMA_ERROR);
    }
    if (schema_is_override(text)) {
        *error = '\0';
        if (schema_parse_override(&s, text, error) == 0)
            schema_release(&s);
        else
            EXPECT(*error != '\0' && strlen(error) < SCHEMA_ERROR);
    }
    free(text);
    return 0;
}
