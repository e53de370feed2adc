/*
 * keep.c - memory for what is known of each input, in a few shared mappings.
 */
#include "keep.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN_BYTES = 16, FIRST_BYTES = 1 << 20, MAPPINGS = 64 };

/* Each mapping is as large as all before it together, so there are few of them. */
static struct mapping {
    unsigned char *base;
    size_t bytes;
} mappings[MAPPINGS];
static size_t n_mappings, all_bytes;
static size_t used_bytes; /* of the last mapping */

static int add_mapping(size_t least_bytes)
{
    size_t bytes = all_bytes > FIRST_BYTES ? all_bytes : FIRST_BYTES;
    void *base;

    if (n_mappings == MAPPINGS) {
        errno = ENOMEM;
        return -1;
    }
    bytes = bytes > least_bytes ? bytes : least_bytes;
    base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED && bytes > least_bytes) { /* no room for growth: only what is needed */
        bytes = least_bytes;
        base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    if (base == MAP_FAILED)
        return -1;
    mappings[n_mappings++] = (struct mapping){base, bytes};
    all_bytes += bytes;
    used_bytes = 0;
    return 0;
}

void *keep_room(size_t n, size_t bytes)
{
    size_t wanted;
    void *room;

    if (__builtin_mul_overflow(n, bytes, &wanted) || wanted > SIZE_MAX / 2) {
        errno = ENOMEM;
        return NULL;
    }
    wanted = (wanted + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    if (n_mappings == 0 || mappings[n_mappings - 1].bytes - used_bytes < wanted)
        if (add_mapping(wanted) != 0)
            return NULL;
    room = mappings[n_mappings - 1].base + used_bytes;
    used_bytes += wanted;
    return room;
}

void *keep_copy(const void *from, size_t n, size_t bytes)
{
    void *copy = from != NULL ? keep_room(n, bytes) : NULL;

    return copy != NULL ? memcpy(copy, from, n * bytes) : NULL;
}

void keep_release(void)
{
    while (n_mappings > 0) {
        n_mappings--;
        munmap(mappings[n_mappings].base, mappings[n_mappings].bytes);
    }
    all_bytes = used_bytes = 0;
}
