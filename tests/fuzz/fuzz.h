/*
 * fuzz.h - what the fuzz targets share: one function that libFuzzer calls with one input, and what stops it.
 *
 * The first bytes of an input choose options by their value modulo the number of choices, so that seeds can be typed;
 * the rest is the text. A broken promise is said and aborts, which libFuzzer keeps the input for.
 */
#ifndef SHMLOAD_FUZZ_H
#define SHMLOAD_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXPECT(condition)                                                                  \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);        \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

/* A heap block of just those bytes, so that the sanitizer sees a step past its end. */
static inline void *exactly(size_t bytes)
{
    void *block = malloc(bytes > 0 ? bytes : 1);

    EXPECT(block != NULL);
    return block;
}

#endif
