/*
 * region.h - an anonymous shared mapping, a region of it for each worker's rows; huge pages are its secret.
 *
 * 1. regions_map() by the parent before the first fork; the same region serves slice after slice
 * 2. region_enter() by each worker for the places where it will write a little;
 *    region_warm() by whoever is about to write rows: gives the next stretch huge pages where the kernel has them
 * 3. region_expose() by the parent before it hands rows to write(2)
 * 4. regions_unmap()
 *
 * A child cannot make a shared mapping larger, so its size is settled here; only what is touched costs memory.
 */
#ifndef SHMLOAD_REGION_H
#define SHMLOAD_REGION_H

#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

enum { REGION_HUGE_PAGE = 2 << 20 };

struct region {
    unsigned char *base;  /* aligned to REGION_HUGE_PAGE, if the address space has such a place */
    size_t bytes;
    size_t *warm_bytes;   /* how much of it has its pages; shared, so that the next worker knows */
};

/*
 * Map n regions of 'bytes' each, zeroed, shared with every child forked later. They are one mapping, since each
 * mapping has its price at each fork.
 * Range   n > 0, bytes > 0, rounded up to whole huge pages
 * Owner   the caller, until regions_unmap(); a child leaves them alone
 * Errors  0, or -1 with errno from mmap(2), or EOVERFLOW
 * Source  mmap(2): MAP_SHARED, MAP_ANONYMOUS, MAP_NORESERVE
 */
int regions_map(struct region *regions, unsigned n, size_t bytes) MUST_USE;
void regions_unmap(struct region *regions, unsigned n);

/*
 * Before a new process writes near that place: a fault to read maps all pages that are there of the 64 KiB around, one
 * to write only the page.
 */
void region_enter(const void *place);

/*
 * Get pages for the first 'bytes' of the region (those that are not there yet), huge ones if it can be.
 * Never fails: where the kernel has no such call, pages come one by one as they are touched.
 * Source  madvise(2): MADV_COLLAPSE, Linux 6.1
 */
void region_warm(struct region *r, size_t bytes);

/*
 * Map [offset, offset + bytes), which another process has filled, into this process in one go, so that write(2) does
 * not fault on each page.
 * Source  madvise(2): MADV_POPULATE_READ, Linux 5.14
 */
void region_expose(const struct region *r, size_t offset, size_t bytes);

#endif
