/*
 * kernel.c - the list of kernels, the choice, and what all of them do alike.
 */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_block.h"

const struct kernel_class *const kernel_classes[] = {
#if defined(__x86_64__)
    &kernel_avx512,
    &kernel_avx2,
#endif
    &kernel_scalar,
    NULL,
};

const struct kernel_class *kernel_pick(const char *wanted)
{
    bool any = wanted == NULL || *wanted == '\0';

    for (size_t i = 0; kernel_classes[i] != NULL; i++)
        if ((any || strcmp(wanted, kernel_classes[i]->name) == 0) && kernel_classes[i]->supported())
            return kernel_classes[i];
    return NULL;
}

int kernel_state_open(struct kernel_state *k, const struct schema *schema, const struct dialect *dialect)
{
    *k = (struct kernel_state){.schema = schema, .dialect = dialect, .record = record_open(schema, dialect)};
    return k->record != NULL ? 0 : -1;
}

void kernel_state_close(struct kernel_state *k)
{
    record_close(k->record);
    k->record = NULL;
}

void kernel_job_begin(struct kernel_job *job)
{
    job->n_rows = 0;
    job->text_used = 0;
    job->lines_used = 0;
    job->bad = (struct record_extent){0};
    memset(&job->failure, 0, sizeof job->failure);
}

bool kernel_plain_record(struct kernel_state *k, struct kernel_job *job)
{
    unsigned char *row = job->rows + job->n_rows * k->schema->row_bytes;
    struct record_extent extent;
    struct failure failure;

    switch (record_parse(k->record, job->text + job->text_used, job->text_bytes - job->text_used, job->last, row,
                         job->longest, &job->tally, &extent, &failure)) {
    case RECORD_MORE:
        return false;
    case RECORD_BAD:
        job->bad = extent;
        job->failure = failure;
        job->failure.line_no += job->lines_used + 1;
        job->failure.byte_offset = job->text_used;
        return false;
    case RECORD_ROW:
        if (job->rounded != NULL)
            record_note_rounded(k->record, job->text + job->text_used, job->lines_used + 1, job->rounded);
        job->n_rows++;
        break;
    case RECORD_NOTHING:
        break;
    }
    job->text_used += extent.bytes;
    job->lines_used += extent.n_lines;
    return true;
}

bool kernel_plain_only(const struct schema *schema, const struct dialect *dialect)
{
    if (dialect->delimiter != DELIMITER_BLANKS && dialect->delimiter < 0)
        return true;
    for (size_t i = 0; i < schema->n_cells; i++) {
        const struct cell *c = &schema->cells[i];

        if (c->column >= schema->n_columns || (i > 0 && c->column < c[-1].column))
            return true;
    }
    return schema->n_columns == 0;
}

/* The integer that a missing token stands for, as it would be stored. False: no integer can equal it. */
static bool integer_token(const struct missing_token *token, uint64_t *value)
{
    bool negative;
    uint64_t magnitude;

    if (convert_integer(token->text, token->bytes, &negative, &magnitude) != FAILURE_NONE) {
        double size = fabs(token->value);

        if (!(size < 0x1p64) || size != floor(size))
            return false;
        negative = token->value < 0;
        magnitude = (uint64_t)size;
    }
    *value = negative ? -magnitude : magnitude;
    return true;
}

/* The bits of a float of the cell's width. A token's text may round to another one, but then so does its double. */
static uint64_t float_bits(const struct cell *cell, double value)
{
    float narrow = (float)value;
    uint32_t narrow_bits;
    uint64_t bits;

    memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
    memcpy(&bits, &value, sizeof bits);
    return cell->bytes == sizeof narrow ? narrow_bits : bits;
}

int kernel_number_init(struct number *n, const struct cell *cell)
{
    const struct missing *m = cell->missing;
    uint64_t value;

    *n = (struct number){.cell = cell};
    if (m == NULL || !m->has_numbers)
        return 0;
    n->suspects = malloc(2 * m->n_tokens * sizeof *n->suspects);
    if (n->suspects == NULL)
        return -1;
    for (size_t i = 0; i < m->n_tokens; i++) {
        if (!m->tokens[i].is_number)
            continue;
        if (cell->kind == KIND_FLOAT) { /* both zeros equal each other, but not in bits */
            n->suspects[n->n_suspects++] = float_bits(cell, m->tokens[i].value);
            n->suspects[n->n_suspects++] = float_bits(cell, -m->tokens[i].value);
        } else if (integer_token(&m->tokens[i], &value)) {
            n->suspects[n->n_suspects++] = value;
        }
    }
    return 0;
}

void kernel_number_release(struct number *n)
{
    free(n->suspects);
    n->suspects = NULL;
}
