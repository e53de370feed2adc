/*
 * region.c - anonymous shared memory for the workers' rows.
 *
 * The first touch of a shared mapping costs a fault for each 4 KiB page, several times the cost of filling the page.
 * Shared memory gets huge pages by policy only (shmem_enabled, seldom set), but MADV_COLLAPSE asks for one here and
 * now and does not heed the policy: touch one byte of a 2 MiB stretch, collapse it, and one fault serves all of it.
 */
#include "region.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { PAGE_BYTES = 4096 };

/* An address where that many bytes are free now, aligned for huge pages; a hint to mmap(2), or NULL. */
static void *free_place(size_t bytes)
{
    const size_t huge = REGION_HUGE_PAGE;
    unsigned char *found = mmap(NULL, bytes + huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (found == MAP_FAILED)
        return NULL;
    munmap(found, bytes + huge);
    return found + (huge - (uintptr_t)found % huge) % huge;
}

/* The regions, and behind them a counter for each of how much is warm. */
static size_t mapping_bytes(unsigned n, size_t bytes)
{
    size_t counters = n * sizeof(size_t);

    return n * bytes + (counters + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* A huge page needs its address and its place in the mapping aligned alike, so the mapping's address is aligned. */
int regions_map(struct region *regions, unsigned n, size_t bytes)
{
    const size_t huge = REGION_HUGE_PAGE;
    unsigned char *base;

    memset(regions, 0, n * sizeof *regions);
    if (bytes == 0 || bytes > SIZE_MAX / 2 / n) {
        errno = EOVERFLOW;
        return -1;
    }
    bytes = (bytes + huge - 1) / huge * huge;
    base = mmap(free_place(mapping_bytes(n, bytes)), mapping_bytes(n, bytes), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -1;
    for (unsigned i = 0; i < n; i++)
        regions[i] = (struct region){.base = base + i * bytes, .bytes = bytes,
                                     .warm_bytes = (size_t *)(void *)(base + n * bytes) + i};
    return 0;
}

void regions_unmap(struct region *regions, unsigned n)
{
    if (n > 0 && regions[0].base != NULL)
        munmap(regions[0].base, mapping_bytes(n, regions[0].bytes));
    memset(regions, 0, n * sizeof *regions);
}

void region_enter(const void *place)
{
    (void)*(const volatile unsigned char *)place;
}

void region_warm(struct region *r, size_t bytes)
{
    if (bytes > r->bytes)
        bytes = r->bytes;
    while (*r->warm_bytes < bytes) {
        volatile unsigned char *next = r->base + *r->warm_bytes;
        unsigned char kept = *next;

        *next = kept; /* a page must be there, and written to, before it can become a huge one */
        if (madvise(r->base + *r->warm_bytes, REGION_HUGE_PAGE, MADV_COLLAPSE) != 0) {
            *r->warm_bytes = SIZE_MAX; /* not here: do not ask again */
            return;
        }
        *r->warm_bytes += REGION_HUGE_PAGE;
    }
}

void region_expose(const struct region *r, size_t offset, size_t bytes)
{
    size_t start = offset / PAGE_BYTES * PAGE_BYTES;

    if (bytes > 0)
        (void)madvise(r->base + start, offset + bytes - start, MADV_POPULATE_READ);
}
