/*
 * store_contiguous.c - rows in one stretch of the file, which HDF5 lays out and we fill.
 *
 * A contiguous dataset is created over a stretch of the file that pwrite(2) fills through our own descriptor:
 *
 *   whole    the rows come in one call: create the dataset with its space allocated, ask where it lies, write there
 *   pieces   their number is known only at the end, when a contiguous dataset cannot grow any more. So the rows
 *            go right behind the end of the file, where HDF5 would put them next, and the dataset is created
 *            over them afterwards. Rehearsals tell where that will be: the dataset is created without rows, with
 *            its link and attributes, and deleted again, which also leaves holes of just the right sizes for
 *            them. Should HDF5 choose another place after all, as it does with few rows that fit a hole, the
 *            rows are moved there
 *   scratch  columns cannot be placed before their number of rows is known, so pieces of rows that will be columns
 *            wait in a scratch file without a name (memory is bounded), and the columns are taken from it
 *
 * While pieces are being written nothing may make HDF5 write to the file, which to its mind ends before them: no
 * flush, which would cut them off, and no eviction from its cache of metadata, which might hit them.
 */
#include <assert.h>
#include <stdlib.h>

#include "gather.h"
#include "store_inside.h"

enum {
    LINE_BYTES = 64,
    SCRATCH_BLOCK_BYTES = 4 << 20, /* of rows that become columns at a time */
};

/*
 * HDF5 aligns what is not small (STORE_ALIGN_FROM_BYTES), but the rows of a small dataset are to start on a page too:
 * so let the end of the file, where it will put them, be one. Before large ones too, or the gap in front of them would
 * be kept for small ones. Columns are many, and smaller still: for them a cache line will do.
 */
static int align_end(struct store *s)
{
    haddr_t unit = s->type->schema.shape == SHAPE_COLUMNS ? LINE_BYTES : STORE_PAGE_BYTES, end;

    if (H5Fget_eoa(s->h5, &end) < 0)
        return -1;
    return end % unit == 0 ? 0 : H5Fincrement_filesize(s->h5, unit - end % unit) < 0 ? -1 : 0;
}

/* The part's dataset over n_rows that are to be, or are already, at its place. 0 rows have no place. */
static int create_contiguous(struct store *s, struct store_part *p, uint64_t n_rows, char error[STORE_ERROR])
{
    haddr_t offset;
    bool aligns = s->type->schema.shape != SHAPE_COLUMNS || n_rows * p->bytes < STORE_ALIGN_FROM_BYTES;

    if (n_rows > 0 && aligns && align_end(s) != 0)
        return store_hdf5_failed(s, "place dataset", p->path, error);
    p->dataset = store_create_dataset(s, p, n_rows, n_rows, s->contiguous, H5P_DEFAULT, error);
    if (p->dataset < 0)
        return -1;
    if (n_rows == 0)
        return 0;
    offset = H5Dget_offset(p->dataset);
    if (offset == HADDR_UNDEF)
        return store_hdf5_failed(s, "place dataset", p->path, error);
    p->place = (off_t)offset;
    return 0;
}

static int create_all_contiguous(struct store *s, uint64_t n_rows, char error[STORE_ERROR])
{
    for (size_t i = 0; i < s->n_parts; i++)
        if (store_go_on(s, error) != 0 || create_contiguous(s, &s->parts[i], n_rows, error) != 0)
            return -1;
    return 0;
}

/* --- whole --- */

/* Rows [first_row, first_row + n_rows) to the places of their columns. gathered: room for them */
static int write_columns(struct store *s, uint64_t first_row, const void *rows, size_t n_rows, unsigned char *gathered,
                         char error[STORE_ERROR])
{
    gather_columns(&s->type->schema, rows, n_rows, gathered);
    for (size_t i = 0; i < s->n_parts; i++) {
        const struct store_part *p = &s->parts[i];

        if (output_file_write(&s->file, gathered + n_rows * p->offset, n_rows * p->bytes,
                              p->place + (off_t)(first_row * p->bytes)) != 0)
            return store_write_failed(s, error);
    }
    return 0;
}

static int whole_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    unsigned char *gathered;
    int result;

    assert(s->parts[0].dataset < 0 && "without 'pieces' rows come in one call");
    if (create_all_contiguous(s, n_rows, error) != 0)
        return -1;
    if (s->type->schema.shape != SHAPE_COLUMNS) {
        result = output_file_write(&s->file, rows, n_rows * s->row_bytes, s->parts[0].place);
        return result == 0 ? 0 : store_write_failed(s, error);
    }
    gathered = malloc(n_rows * s->row_bytes + 1);
    if (gathered == NULL)
        return store_write_failed(s, error);
    result = write_columns(s, 0, rows, n_rows, gathered, error);
    free(gathered);
    return result;
}

static int whole_end(struct store *s, char error[STORE_ERROR])
{
    return s->parts[0].dataset >= 0 ? 0 : create_all_contiguous(s, 0, error);
}

const struct store_way store_way_whole = {
    .rows = whole_rows,
    .reserve = create_all_contiguous,
    .end = whole_end,
};

/* --- scratch: rows that will be contiguous columns --- */

static int scratch_begin(struct store *s, const struct store_dataset *d, char error[STORE_ERROR])
{
    (void)d;
    return output_file_scratch(&s->scratch, &s->file) == 0 ? 0 : store_write_failed(s, error);
}

static int scratch_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    off_t written = (off_t)(s->n_rows * s->row_bytes);

    return output_file_write(&s->scratch, rows, n_rows * s->row_bytes, written) == 0 ? 0 : store_write_failed(s, error);
}

/* Block by block out of the scratch file into all columns. */
static int scratch_columns(struct store *s, unsigned char *block, size_t block_rows, char error[STORE_ERROR])
{
    for (uint64_t row = 0; row < s->n_rows; row += block_rows) {
        size_t n = s->n_rows - row < block_rows ? (size_t)(s->n_rows - row) : block_rows;

        if (output_file_read(&s->scratch, block, n * s->row_bytes, (off_t)(row * s->row_bytes)) != 0)
            return store_write_failed(s, error);
        if (write_columns(s, row, block, n, block + block_rows * s->row_bytes, error) != 0)
            return -1;
    }
    return 0;
}

static int scratch_end(struct store *s, char error[STORE_ERROR])
{
    size_t block_rows = s->row_bytes < SCRATCH_BLOCK_BYTES ? SCRATCH_BLOCK_BYTES / s->row_bytes : 1;
    unsigned char *block = malloc(2 * block_rows * s->row_bytes);
    int result = -1;

    if (block == NULL)
        (void)store_write_failed(s, error);
    else if (create_all_contiguous(s, s->n_rows, error) == 0)
        result = s->reserved ? 0 : scratch_columns(s, block, block_rows, error);
    free(block);
    output_file_discard(&s->scratch);
    return result;
}

const struct store_way store_way_scratch = {
    .begin = scratch_begin,
    .rows = scratch_rows,
    .end = scratch_end,
};

/* --- pieces --- */

/* While 'allowed' is false the metadata cache only grows. */
static int allow_evictions(struct store *s, bool allowed)
{
    H5AC_cache_config_t config = s->evictions;

    if (!allowed) {
        config.evictions_enabled = false;
        config.incr_mode = H5C_incr__off;
        config.flash_incr_mode = H5C_flash_incr__off;
        config.decr_mode = H5C_decr__off;
    }
    config.set_initial_size = false;
    return H5Fset_mdc_config(s->h5, &config) < 0 ? -1 : 0;
}

/*
 * Create the dataset without room for rows, and delete it.
 * *end is the end of the file between header and attributes, which is where HDF5 takes the room for rows
 */
static int rehearse(struct store *s, const struct store_dataset *d, haddr_t *end, char error[STORE_ERROR])
{
    hid_t dataset = store_create_dataset(s, &s->parts[0], 1, 1, s->rehearsal, H5P_DEFAULT, error);

    if (dataset < 0)
        return -1;
    if (H5Fget_eoa(s->h5, end) < 0) {
        (void)store_hdf5_failed(s, "prepare dataset", s->path, error);
        goto fail;
    }
    if (store_write_attributes(s, dataset, d->attributes, d->n_attributes, error) != 0)
        goto fail;
    if (H5Dclose(dataset) < 0 || H5Ldelete(s->h5, s->path, H5P_DEFAULT) < 0)
        return store_hdf5_failed(s, "prepare dataset", s->path, error);
    return 0;

fail:
    (void)H5Dclose(dataset);
    return -1;
}

/*
 * The first rehearsal makes the holes, or gives unused space at the end of the file back. The second starts from the
 * file as a rehearsal leaves it, as the dataset itself will, and so finds the place that it will have.
 */
static int pieces_begin(struct store *s, const struct store_dataset *d, char error[STORE_ERROR])
{
    haddr_t end;

    if (allow_evictions(s, false) != 0)
        return store_hdf5_failed(s, "prepare dataset", s->path, error);
    if (rehearse(s, d, &end, error) != 0 || rehearse(s, d, &end, error) != 0)
        return -1;
    s->place = (off_t)((end + STORE_PAGE_BYTES - 1) / STORE_PAGE_BYTES * STORE_PAGE_BYTES);
    return 0;
}

static int pieces_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    off_t written = (off_t)(s->n_rows * s->row_bytes);

    if (output_file_write(&s->file, rows, n_rows * s->row_bytes, s->place + written) != 0)
        return store_write_failed(s, error);
    return 0;
}

/* HDF5 has put the dataset elsewhere. What the rows leave beyond its end of the file is cut off. */
static int move_rows(struct store *s, off_t to, char error[STORE_ERROR])
{
    haddr_t end;

    if (H5Fget_eoa(s->h5, &end) < 0)
        return store_hdf5_failed(s, "place dataset", s->path, error);
    if (output_file_move(&s->file, s->place, to, (off_t)(s->n_rows * s->row_bytes)) != 0 ||
        output_file_truncate(&s->file, (off_t)end) != 0)
        return store_write_failed(s, error);
    return 0;
}

static int pieces_end(struct store *s, char error[STORE_ERROR])
{
    struct store_part *p = &s->parts[0];

    p->place = s->place;
    if (create_contiguous(s, p, s->n_rows, error) != 0)
        return -1;
    if (p->place != s->place && !s->reserved && move_rows(s, p->place, error) != 0)
        return -1;
    return 0;
}

static int pieces_closed(struct store *s, char error[STORE_ERROR])
{
    return allow_evictions(s, true) == 0 ? 0 : store_hdf5_failed(s, "close dataset", s->path, error);
}

const struct store_way store_way_pieces = {
    .begin = pieces_begin,
    .rows = pieces_rows,
    .end = pieces_end,
    .closed = pieces_closed,
};
