/*
 * keep.h - memory for what is known of each input, which lasts until the end.
 *
 * fork(2) copies the page tables of private memory, and the parent then pays a fault for each page that it writes to:
 * with 100,000 inputs that would be 15,000 pages for each worker. Of shared mappings fork copies nothing, so they hold
 * whatever grows with the number of inputs. Workers look at it and leave it as it is.
 */
#ifndef SHMLOAD_KEEP_H
#define SHMLOAD_KEEP_H

#include <stddef.h>

#include "failure.h"

/*
 * Room for n elements of 'bytes' each, zeroed, aligned for any type. Not for more than one thread.
 * Owner   nobody: it is there until keep_release()
 * Errors  NULL with errno
 */
void *keep_room(size_t n, size_t bytes) MUST_USE;

/* A copy of n elements in such room; NULL for NULL. */
void *keep_copy(const void *from, size_t n, size_t bytes) MUST_USE;

/* Give all room back. */
void keep_release(void);

#endif
