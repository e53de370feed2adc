/*
 * store_chunks.c - rows in chunks, packed or not.
 *
 * HDF5 writes them, whole chunks straight from the caller's memory, packed by us where they have filters: HDF5 is only
 * told which, for its readers. As columns, a chunk of rows is gathered into one array for each, and each is a chunk.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "store_inside.h"

/* The dataset's filters, for those who read it, and a packer that does what they would. */
static int set_filters(struct store *s, const struct packing *p, char error[STORE_ERROR])
{
    const unsigned zstd_level = p != NULL ? (unsigned)p->level : 0;

    packer_close(s->packer);
    s->packer = NULL;
    if (H5Premove_filter(s->chunked, H5Z_FILTER_ALL) < 0)
        return store_hdf5_failed(s, "create dataset", s->path, error);
    if (p == NULL)
        return 0;
    if ((p->shuffle && H5Pset_shuffle(s->chunked) < 0) ||
        (p->codec == PACK_DEFLATE && H5Pset_deflate(s->chunked, (unsigned)p->level) < 0) ||
        (p->codec == PACK_ZSTD &&
         H5Pset_filter(s->chunked, PACK_ZSTD_FILTER, H5Z_FLAG_OPTIONAL, 1, &zstd_level) < 0) ||
        (p->checksum && H5Pset_fletcher32(s->chunked) < 0))
        return store_hdf5_failed(s, "set the filters of", s->path, error);
    s->packer = packer_open(p);
    return s->packer == NULL ? store_write_failed(s, error) : 0;
}

/* Room for one chunk of rows that is filled, and for one on its way to the file. */
static int reserve_chunks(struct store *s, const struct packing *p, size_t chunk_bytes)
{
    size_t packed_bytes = p != NULL ? packer_most_bytes(p) : chunk_bytes;

    if (s->carry_bytes < chunk_bytes) {
        unsigned char *carry = realloc(s->carry, chunk_bytes);

        if (carry == NULL)
            return -1;
        s->carry = carry;
        s->carry_bytes = chunk_bytes;
    }
    free(s->packed);
    free(s->packed_parts);
    s->packed = malloc(packed_bytes);
    s->packed_parts = calloc(s->n_parts, sizeof *s->packed_parts);
    return s->packed != NULL && s->packed_parts != NULL ? 0 : -1;
}

static int create_chunked(struct store *s, struct store_part *p, char error[STORE_ERROR])
{
    p->dims[0] = s->chunk_rows;
    if (H5Pset_chunk(s->chunked, p->rank, p->dims) < 0)
        return store_hdf5_failed(s, "create dataset", p->path, error);
    p->dataset = store_create_dataset(s, p, 0, H5S_UNLIMITED, s->chunked, s->chunk_access, error);
    return p->dataset < 0 ? -1 : 0;
}

/* Open a dataset that is there; p->dims are as of now. */
static int open_part(struct store *s, struct store_part *p, char error[STORE_ERROR])
{
    hid_t space;

    p->dataset = H5Dopen2(s->h5, p->path, s->chunk_access);
    if (p->dataset < 0)
        return store_hdf5_failed(s, "open dataset", p->path, error);
    space = H5Dget_space(p->dataset);
    if (H5Sget_simple_extent_dims(space, p->dims, NULL) != p->rank)
        return store_hdf5_failed(s, "open dataset", p->path, error);
    (void)H5Sclose(space);
    s->n_rows = p->dims[0];
    return 0;
}

/* Take up where the dataset ends: the rows of a chunk that is not full are the first of the carry. */
static int resume_chunks(struct store *s, char error[STORE_ERROR])
{
    const bool apart = s->type->schema.shape == SHAPE_COLUMNS;

    for (size_t i = 0; i < s->n_parts; i++)
        if (open_part(s, &s->parts[i], error) != 0)
            return -1;
    s->carry_rows = (size_t)(s->n_rows % s->chunk_rows);
    for (size_t i = 0; i < s->n_parts && s->carry_rows > 0; i++) {
        const struct store_part *p = &s->parts[i];

        if (hdf5_read_rows(p->dataset, p->type, s->n_rows - s->carry_rows, s->carry_rows,
                           apart ? s->packed : s->carry) != 0)
            return store_hdf5_failed(s, "read dataset", p->path, error);
        if (apart)
            scatter_column(&s->type->schema, i, s->packed, s->carry_rows, s->carry);
    }
    return 0;
}

static int chunks_begin(struct store *s, const struct store_dataset *d, char error[STORE_ERROR])
{
    const bool places_now = d->reserved && d->packing == NULL; /* as the rows of the dataset are reserved */

    s->chunk_rows = d->chunk_rows;
    s->carry_rows = 0;
    if (reserve_chunks(s, d->packing, d->chunk_rows * s->row_bytes) != 0)
        return store_write_failed(s, error);
    if (set_filters(s, d->packing, error) != 0)
        return -1;
    if (H5Pset_alloc_time(s->chunked, places_now ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_INCR) < 0)
        return store_hdf5_failed(s, "create dataset", s->path, error);
    if (d->grows)
        return resume_chunks(s, error);
    for (size_t i = 0; i < s->n_parts; i++)
        if (store_go_on(s, error) != 0 || create_chunked(s, &s->parts[i], error) != 0)
            return -1;
    return 0;
}

static int extend_parts(struct store *s, uint64_t n_rows, char error[STORE_ERROR])
{
    for (size_t i = 0; i < s->n_parts; i++) {
        struct store_part *p = &s->parts[i];

        p->dims[0] = n_rows;
        if (H5Dset_extent(p->dataset, p->dims) < 0)
            return store_hdf5_failed(s, "extend dataset", p->path, error);
    }
    return 0;
}

/* One chunk of rows as the chunks of its parts, which stand one behind another. */
static int write_packed(struct store *s, uint64_t first_row, const unsigned char *packed,
                        const struct packed_chunk *chunks, char error[STORE_ERROR])
{
    const hsize_t offset[1 + SCHEMA_DIMS] = {first_row};

    for (size_t i = 0; i < s->n_parts; packed += chunks[i].packed_bytes, i++)
        if (H5Dwrite_chunk(s->parts[i].dataset, H5P_DEFAULT, chunks[i].filter_mask, offset, chunks[i].packed_bytes,
                           packed) < 0)
            return store_hdf5_failed(s, "write dataset", s->parts[i].path, error);
    return 0;
}

static int write_chunk(struct store *s, uint64_t first_row, const void *rows, char error[STORE_ERROR])
{
    size_t packed_bytes;

    if (s->packer != NULL) {
        if (packer_pack_parts(s->packer, rows, s->packed, s->packed_parts, &packed_bytes) != 0)
            return store_write_failed(s, error);
        return write_packed(s, first_row, s->packed, s->packed_parts, error);
    }
    for (size_t i = 0; i < s->n_parts; i++)
        s->packed_parts[i] = (struct packed_chunk){(uint32_t)(s->chunk_rows * s->parts[i].bytes), 0};
    if (s->type->schema.shape != SHAPE_COLUMNS)
        return write_packed(s, first_row, rows, s->packed_parts, error);
    gather_columns(&s->type->schema, rows, s->chunk_rows, s->packed);
    return write_packed(s, first_row, s->packed, s->packed_parts, error);
}

/* Copy into the seam's chunk as many rows as it still takes. Returns their number. */
static size_t fill_carry(struct store *s, const unsigned char *rows, size_t n_rows)
{
    size_t room = s->chunk_rows - s->carry_rows;
    size_t n = n_rows < room ? n_rows : room;

    if (n > 0)
        memcpy(s->carry + s->carry_rows * s->row_bytes, rows, n * s->row_bytes);
    s->carry_rows += n;
    return n;
}

/*
 * Chunk after chunk: the carry when a call before ended within one, then straight from the caller's rows. What is
 * left waits in the carry, so that the cuts between calls leave no trace.
 */
static int write_full_chunks(struct store *s, const unsigned char *rows, size_t n_rows, char error[STORE_ERROR])
{
    uint64_t next_row = s->n_rows - s->carry_rows; /* the next chunk begins there */
    size_t n = s->carry_rows > 0 ? fill_carry(s, rows, n_rows) : 0;

    if (s->carry_rows == s->chunk_rows) {
        if (write_chunk(s, next_row, s->carry, error) != 0)
            return -1;
        s->carry_rows = 0;
        next_row += s->chunk_rows;
    }
    for (; n_rows - n >= s->chunk_rows; n += s->chunk_rows, next_row += s->chunk_rows)
        if (write_chunk(s, next_row, rows + n * s->row_bytes, error) != 0)
            return -1;
    (void)fill_carry(s, rows + n * s->row_bytes, n_rows - n);
    return 0;
}

/* HDF5 has written: let the disk begin with it. */
static int write_back(struct store *s, char error[STORE_ERROR])
{
    haddr_t end;

    if (H5Fget_eoa(s->h5, &end) < 0)
        return store_hdf5_failed(s, "extend dataset", s->path, error);
    output_file_write_back(&s->file, (off_t)end);
    return 0;
}

static int chunks_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    if (extend_parts(s, s->n_rows + n_rows, error) != 0 || write_full_chunks(s, rows, n_rows, error) != 0)
        return -1;
    return write_back(s, error);
}

int store_packed(struct store *s, const void *packed, const struct packed_chunk *chunks, size_t n_rows,
                 char error[STORE_ERROR])
{
    assert(s->way == &store_way_chunks && s->carry_rows == 0 && "a packed chunk follows whole chunks");
    if (extend_parts(s, s->n_rows + n_rows, error) != 0 || write_packed(s, s->n_rows, packed, chunks, error) != 0)
        return -1;
    s->n_rows += n_rows;
    s->n_bytes += n_rows * s->row_bytes;
    return write_back(s, error);
}

static int chunks_end(struct store *s, char error[STORE_ERROR])
{
    size_t carried_bytes = s->carry_rows * s->row_bytes;

    if (s->carry_rows == 0)
        return 0;
    memset(s->carry + carried_bytes, 0, s->chunk_rows * s->row_bytes - carried_bytes);
    return write_chunk(s, s->n_rows - s->carry_rows, s->carry, error);
}

const struct store_way store_way_chunks = {
    .begin = chunks_begin,
    .rows = chunks_rows,
    .reserve = extend_parts,
    .end = chunks_end,
};
