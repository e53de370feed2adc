/*
 * seal.c - checksums of rows, for the comparison with what the file has of them.
 */
#include "seal.h"

#include <assert.h>
#include <isa-l/crc.h>
#include <stdbool.h>
#include <zlib.h>

uint32_t seal_checksum(uint32_t checksum, const void *bytes, size_t n_bytes)
{
    return crc32_gzip_refl(checksum, bytes, n_bytes);
}

static bool wants_more(const struct seals *s, const struct seal *last, const struct seal *next)
{
    return last->dataset == next->dataset && last->first_row + last->n_rows == next->first_row &&
           last->n_bytes < s->unit_bytes;
}

static void join(struct seal *last, const struct seal *next)
{
    last->checksum = (uint32_t)crc32_combine(last->checksum, next->checksum, (z_off_t)next->n_bytes);
    last->n_rows += next->n_rows;
    last->n_bytes += next->n_bytes;
}

/* To the end of the list, or into its last. */
static void put(struct seals *s, const struct seal *next)
{
    if (s->n > 0 && wants_more(s, &s->list[s->n - 1], next))
        join(&s->list[s->n - 1], next);
    else
        s->list[s->n++] = *next;
}

/* As if the unit had been twice as large from the start; what is put never overtakes what is read. */
static void coarsen(struct seals *s)
{
    size_t n = s->n;

    s->unit_bytes *= 2;
    s->n = 0;
    for (size_t i = 0; i < n; i++) {
        struct seal next = s->list[i];

        put(s, &next);
    }
}

void seals_add(struct seals *s, const struct seal *more)
{
    while (s->n == s->room && !wants_more(s, &s->list[s->n - 1], more)) {
        assert(s->unit_bytes <= UINT64_MAX / 2 && "there is room for more than one seal of each dataset");
        coarsen(s);
    }
    put(s, more);
}
