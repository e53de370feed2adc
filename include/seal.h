/*
 * seal.h - checksums of rows, for the comparison with what the file has of them.
 *
 * A seal stands for rows that follow one another in a dataset. Seals that follow one another are joined, and the seal
 * of the joined rows is the one that they would have had in one piece: so it does not matter how rows were cut into
 * blocks, slices and regions. A list has room for a fixed number; when it is full its seals are joined two by two.
 *
 * The checksum is the CRC-32 of ISO 3309, as gzip has it: isa-l takes it at the pace of memory, zlib joins.
 */
#ifndef SHMLOAD_SEAL_H
#define SHMLOAD_SEAL_H

#include <stddef.h>
#include <stdint.h>

enum { SEAL_BYTES = 1 << 20 }; /* of rows that are worth a seal of their own, to begin with */

struct seal {
    uint64_t first_row, n_rows; /* in the dataset */
    uint64_t n_bytes;           /* of these rows */
    uint32_t dataset;
    uint32_t checksum;          /* 0 of no rows */
};

struct seals {
    struct seal *list;     /* in the order of datasets and rows */
    size_t n, room;        /* room: more than there are datasets */
    uint64_t unit_bytes;   /* > 0; a seal of fewer bytes takes up what follows it */
};

/* The checksum of more bytes behind those of 'checksum', which is 0 at the start. */
uint32_t seal_checksum(uint32_t checksum, const void *bytes, size_t n_bytes);

/* 'more' behind the others. */
void seals_add(struct seals *s, const struct seal *more);

#endif
