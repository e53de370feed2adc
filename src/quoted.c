/*
 * quoted.c - quoted text to fields, through libcsv.
 *
 * A field whose quotes are only around it is given as it stands. One with doubled quotes goes through libcsv, which
 * leaves its text in a buffer of its own, so it is copied to ours: a record may have many such fields. Our buffer is a
 * list of blocks, because fields handed out earlier must not move.
 */
#include "quoted.h"

#include <csv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    size_t used, capacity;
    char bytes[];
};

struct quoted {
    struct csv_parser parser;
    struct block *blocks;     /* newest first */
    const char *field;        /* what the callback kept last */
    size_t field_bytes;
    bool no_memory;
};

static char *quoted_reserve(struct quoted *q, size_t n_bytes)
{
    struct block *b = q->blocks;

    if (b == NULL || b->capacity - b->used < n_bytes) {
        size_t capacity = n_bytes > 64 * 1024 ? n_bytes : 64 * 1024;

        b = malloc(sizeof *b + capacity);
        if (b == NULL)
            return NULL;
        *b = (struct block){.next = q->blocks, .capacity = capacity};
        q->blocks = b;
    }
    b->used += n_bytes;
    return b->bytes + b->used - n_bytes;
}

static void keep_field(void *text, size_t text_bytes, void *user)
{
    struct quoted *q = user;
    char *copy = quoted_reserve(q, text_bytes);

    if (copy == NULL) {
        q->no_memory = true;
        return;
    }
    if (text_bytes > 0)
        memcpy(copy, text, text_bytes);
    q->field = copy;
    q->field_bytes = text_bytes;
}

/* Blanks are data to us: libcsv would take them off the ends of fields. */
static int no_space(unsigned char c)
{
    (void)c;
    return 0;
}

struct quoted *quoted_open(void)
{
    struct quoted *q = calloc(1, sizeof *q);

    if (q == NULL)
        return NULL;
    if (csv_init(&q->parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        free(q);
        return NULL;
    }
    csv_set_space_func(&q->parser, no_space);
    return q;
}

void quoted_reset(struct quoted *q)
{
    while (q->blocks != NULL && q->blocks->next != NULL) {
        struct block *b = q->blocks;

        q->blocks = b->next;
        free(b);
    }
    if (q->blocks != NULL)
        q->blocks->used = 0;
}

void quoted_close(struct quoted *q)
{
    if (q == NULL)
        return;
    quoted_reset(q);
    free(q->blocks);
    csv_free(&q->parser);
    free(q);
}

size_t quoted_extent(const char *text, size_t text_bytes)
{
    size_t i = 1;

    while (i < text_bytes) {
        const char *quote = memchr(text + i, '"', text_bytes - i);

        if (quote == NULL)
            return 0;
        i = (size_t)(quote - text) + 1;
        if (i == text_bytes || text[i] != '"')
            return i;
        i++;
    }
    return 0;
}

int quoted_undo(struct quoted *q, const char *text, size_t text_bytes, const char **field, size_t *field_bytes)
{
    if (memchr(text + 1, '"', text_bytes - 2) == NULL) {
        *field = text + 1;
        *field_bytes = text_bytes - 2;
        return 0;
    }
    q->no_memory = false;
    q->field = NULL;
    if (csv_parse(&q->parser, text, text_bytes, keep_field, NULL, q) != text_bytes ||
        csv_fini(&q->parser, keep_field, NULL, q) != 0 || q->no_memory || q->field == NULL)
        return -1;
    *field = q->field;
    *field_bytes = q->field_bytes;
    return 0;
}
