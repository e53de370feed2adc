/*
 * pack.h - one chunk of rows to the bytes that HDF5 stores for it.
 *
 * HDF5 sends a chunk through its filters in the one process that owns the file. A packer does the same in any process,
 * so that workers compress on all cores and the parent only calls H5Dwrite_chunk().
 *
 * 1. packer_open() by whoever will pack; it shares nothing with other processes, and within one only one thread packs
 * 2. packer_pack() for each chunk
 * 3. packer_close()
 *
 * The dataset has to be made with the filters of its packing, in this order:
 *
 *     shuffle     H5Pset_shuffle()
 *     deflate     H5Pset_deflate(), with the packing's level
 *     or zstd     H5Pset_filter(): PACK_ZSTD_FILTER, H5Z_FLAG_OPTIONAL, the level as its one value. As it is optional,
 *                 HDF5 makes the dataset even without a plugin for the filter; readers need the plugin
 *     fletcher32  H5Pset_fletcher32()
 */
#ifndef SHMLOAD_PACK_H
#define SHMLOAD_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "schema.h"

enum pack_codec { PACK_NONE, PACK_DEFLATE, PACK_ZSTD };

enum {
    PACK_ZSTD_FILTER = 32015, /* zstd's number among HDF5's registered filters */
    PACK_CHECKSUM_BYTES = 4
};

struct packing {
    enum pack_codec codec;
    int level;         /* deflate: 1 to 9; zstd: 1 to 22, from 20 on with much memory; none: ignored */
    bool shuffle;      /* byte by byte over elements of elem_bytes, as HDF5 does */
    bool checksum;
    size_t row_bytes;  /* > 0 */
    size_t elem_bytes; /* a divisor of row_bytes: all of them with a compound type; 0: the same */
    const struct schema *columns; /* not NULL: each field is a chunk of its own, of its elements; outlives the packer */
    size_t chunk_rows; /* > 0; a chunk has fewer than 2^32 bytes, HDF5's own limit */
};

/* One packed chunk; where packed_bytes is 0, the chunk stands there as rows, because packed it would not have fit. */
struct packed_chunk {
    uint32_t packed_bytes;
    uint32_t filter_mask;
};

struct packer;

/*
 * Owner   the packer is the caller's, until packer_close(); 'p' is copied
 * Errors  NULL on no memory
 */
struct packer *packer_open(const struct packing *p) MUST_USE;

/* NULL is fine. */
void packer_close(struct packer *k);

/* Chunks that come of one chunk of rows: 1, or with columns their number. */
size_t packer_parts(const struct packing *p);

/* Room for all that comes of one chunk of rows: the chunk's own bytes, and the checksums'. */
size_t packer_most_bytes(const struct packing *p);

/*
 * Pack one chunk.
 * Shape        rows: chunk_rows x row_bytes, all of them, zeros behind the last row of a dataset
 *              out: packer_most_bytes(); the same address as rows, or no byte in common
 * filter_mask  for H5Dwrite_chunk(): bit i is set when filter i of the pipeline, from 0, was left out: the codec, where
 *              it does not make the chunk smaller
 * Promise      the same rows give the same bytes, whatever was packed before; but another version of a compressing
 *              library, or isa-l on another kind of processor, may choose other bytes with the same meaning
 * Errors       0, or -1 on no memory (zstd only); then 'out' is void, and with it rows at the same address
 */
int packer_pack(struct packer *k, const void *rows, void *out, size_t *out_bytes, uint32_t *filter_mask) MUST_USE;

/*
 * Pack one chunk of rows into its parts: as packer_pack(), with columns one after another.
 * Shape   out: packer_most_bytes(), the parts one behind another, and all bytes of theirs in *out_bytes
 *         parts: packer_parts() of them, each with packed_bytes > 0
 */
int packer_pack_parts(struct packer *k, const void *rows, void *out, struct packed_chunk *parts,
                      size_t *out_bytes) MUST_USE;

#endif
