/*
 * digest.h - a number that stands for texts: other texts have another one, as good as surely.
 *
 * 1. DIGEST_START
 * 2. digest_text() for one text after another; the same texts in the same order give the same number everywhere
 *
 * Source  FNV-1a of 64 bits by Fowler, Noll and Vo: no protection against those who want two texts to look alike
 */
#ifndef SHMLOAD_DIGEST_H
#define SHMLOAD_DIGEST_H

#include <stdint.h>

#define DIGEST_START UINT64_C(14695981039346656037)

/* The terminator counts, so that 'ab', 'c' is not 'a', 'bc'. */
static inline uint64_t digest_text(uint64_t digest, const char *text)
{
    do
        digest = (digest ^ (unsigned char)*text) * UINT64_C(1099511628211);
    while (*text++ != '\0');
    return digest;
}

#endif
