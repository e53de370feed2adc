/*
 * gather.c - packed rows to one array for each field, and back.
 *
 * Rows are done in blocks that stay in the cache while field after field is taken out of them: a pass over all rows for
 * each field would fetch every cache line once for each field in it.
 */
#include "gather.h"

#include <string.h>

enum { BLOCK_BYTES = 16 << 10 };

size_t gather_field_bytes(const struct field *f)
{
    return (size_t)f->elem_bytes * f->n_elems;
}

/* Copy n values of 'bytes' from places 'from_step' apart to places 'to_step' apart. Inlined for each common width. */
static inline __attribute__((always_inline)) void copy_values(unsigned char *to, size_t to_step,
                                                              const unsigned char *from, size_t from_step, size_t n,
                                                              size_t bytes)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * to_step, from + i * from_step, bytes);
}

static void copy_column(unsigned char *to, size_t to_step, const unsigned char *from, size_t from_step, size_t n,
                        size_t bytes)
{
    switch (bytes) {
    case 1:
        copy_values(to, to_step, from, from_step, n, 1);
        break;
    case 2:
        copy_values(to, to_step, from, from_step, n, 2);
        break;
    case 4:
        copy_values(to, to_step, from, from_step, n, 4);
        break;
    case 8:
        copy_values(to, to_step, from, from_step, n, 8);
        break;
    default:
        copy_values(to, to_step, from, from_step, n, bytes);
    }
}

void gather_columns(const struct schema *s, const void *rows, size_t n_rows, void *columns)
{
    const unsigned char *from = rows;
    unsigned char *to = columns;
    size_t block_rows = s->row_bytes < BLOCK_BYTES ? BLOCK_BYTES / s->row_bytes : 1;

    for (size_t row = 0; row < n_rows; row += block_rows) {
        size_t n = n_rows - row < block_rows ? n_rows - row : block_rows;

        for (size_t i = 0; i < s->n_fields; i++) {
            const struct field *f = &s->fields[i];
            size_t bytes = gather_field_bytes(f);

            copy_column(to + n_rows * f->offset + row * bytes, bytes, from + row * s->row_bytes + f->offset,
                        s->row_bytes, n, bytes);
        }
    }
}

void scatter_column(const struct schema *s, size_t field, const void *column, size_t n_rows, void *rows)
{
    const struct field *f = &s->fields[field];
    size_t bytes = gather_field_bytes(f);

    copy_column((unsigned char *)rows + f->offset, s->row_bytes, column, bytes, n_rows, bytes);
}
