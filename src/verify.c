/*
 * verify.c - reads the finished file back and compares its rows with the seals that the workers took.
 *
 * The seals are dealt out in batches: whoever is free takes the next one. Each reader is a forked child with the file
 * opened for itself, because HDF5 does one thing at a time in a process and inflates slowly. What it finds it leaves in
 * memory that it shares with the parent; of all differences the first one in the file is told, whoever met it.
 *
 * A reader reads blocks of whole chunks and takes from them what the seals ask for, so that a chunk that a seal ends
 * in is not read again for the next seal.
 */
#include "verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#include "gather.h"
#include "hdf5_library.h"
#include "pool.h"
#include "progress.h"

enum {
    SEALS_LEAST = 1 << 16,     /* there is room for so many: one for each MiB of 64 GiB, before they are joined */
    BATCH_MOST = 64,
    BATCHES_EACH = 4,          /* for each reader, so that none has much to do while the others have nothing */
    BLOCK_BYTES = 1 << 20,     /* of rows that are read at once: they stay in the cache for their checksum */
    TICK_MS = 200,
};

/* What one reader found. */
struct finding_of_reader {
    bool failed;
    size_t seal;               /* the first one at which it did */
    char error[STORE_ERROR];
};

/* Shared by the parent and the readers. */
struct common {
    size_t next;               /* the seal that the next batch begins with */
    uint64_t bytes_done;
    struct finding_of_reader readers[];
};

/* A run of the whole. */
struct readers {
    const struct verify *verify;
    struct common *common;
    size_t common_bytes;
    size_t batch;              /* seals */
    unsigned n;
};

/* One child, and the dataset that it has open: the parts are those of a table, as in store_parts.c. */
struct reader {
    const struct readers *all;
    struct finding_of_reader *finding;
    hid_t h5, access;
    const struct schema *schema;
    uint32_t dataset;
    size_t n_parts;
    hid_t *parts;              /* NULL: none is open */
    uint64_t n_rows;
    unsigned char *rows, *column; /* a block, and as columns room for one of them */
    uint64_t block_row;        /* of the first row in the block */
    size_t block_rows, n_in_block;
};

/* ---- the list of seals ----------------------------------------------------------------------------------------- */

int verify_init(struct verify *v, size_t n_datasets)
{
    size_t room = 2 * n_datasets + SEALS_LEAST;

    v->seals = (struct seals){.list = calloc(room, sizeof *v->seals.list), .room = room, .unit_bytes = SEAL_BYTES};
    return v->seals.list != NULL ? 0 : -1;
}

void verify_release(struct verify *v)
{
    free(v->seals.list);
    v->seals = (struct seals){0};
}

/* ---- errors ---------------------------------------------------------------------------------------------------- */

/* After an HDF5 call that failed. */
static int cannot_read(struct reader *r, const char *what)
{
    (void)snprintf(r->finding->error, STORE_ERROR, "%.200s cannot be read back: %.160s", what, hdf5_reason());
    return -1;
}

static int no_memory(struct reader *r)
{
    (void)snprintf(r->finding->error, STORE_ERROR, "reading back: no memory");
    return -1;
}

static const char *path_of(const struct reader *r)
{
    return r->all->verify->inputs->input[r->dataset].dataset;
}

static int cannot_read_rows(struct reader *r)
{
    char place[200];

    (void)snprintf(place, sizeof place, "/%.120s: rows %llu to %llu", path_of(r),
                   (unsigned long long)r->block_row, (unsigned long long)(r->block_row + r->n_in_block - 1));
    return cannot_read(r, place);
}

static int differs(struct reader *r, const struct seal *s)
{
    (void)snprintf(r->finding->error, STORE_ERROR,
                   "/%.150s: rows %llu to %llu, read back, are not what was made of the text", path_of(r),
                   (unsigned long long)s->first_row, (unsigned long long)(s->first_row + s->n_rows - 1));
    return -1;
}

/* ---- a dataset ------------------------------------------------------------------------------------------------- */

static void close_dataset(struct reader *r)
{
    for (size_t i = 0; r->parts != NULL && i < r->n_parts; i++)
        if (r->parts[i] >= 0)
            (void)H5Dclose(r->parts[i]);
    free(r->parts);
    free(r->rows);
    free(r->column);
    r->parts = NULL;
    r->rows = r->column = NULL;
}

/* Rows that one H5Dread takes: whole chunks. */
static size_t rows_at_once(const struct reader *r)
{
    hid_t creation = H5Dget_create_plist(r->parts[0]);
    hsize_t chunk[1 + SCHEMA_DIMS] = {1};
    size_t most = BLOCK_BYTES / r->schema->row_bytes;

    if (H5Pget_layout(creation) == H5D_CHUNKED)
        (void)H5Pget_chunk(creation, 1 + SCHEMA_DIMS, chunk);
    (void)H5Pclose(creation);
    return most > chunk[0] ? most / (size_t)chunk[0] * (size_t)chunk[0] : (size_t)chunk[0];
}

/* Bytes that a part has of each row, 0 where it has no rows of ours, and its number of rows. */
static void look_at_part(hid_t part, size_t *row_bytes, uint64_t *n_rows)
{
    hsize_t dims[1 + SCHEMA_DIMS] = {0};
    hid_t space = H5Dget_space(part), type = H5Dget_type(part);
    int rank = H5Sget_simple_extent_ndims(space);
    bool fits = rank >= 1 && rank <= 1 + SCHEMA_DIMS && H5Sget_simple_extent_dims(space, dims, NULL) == rank;

    *row_bytes = fits ? H5Tget_size(type) : 0;
    *n_rows = dims[0];
    for (int i = 1; fits && i < rank; i++)
        *row_bytes *= dims[i];
    (void)H5Tclose(type);
    (void)H5Sclose(space);
}

static int open_part(struct reader *r, size_t i)
{
    const struct field *f = &r->schema->fields[i];
    bool column = r->schema->shape == SHAPE_COLUMNS;
    size_t expected = column ? gather_field_bytes(f) : r->schema->row_bytes, row_bytes = 0;
    char *path = NULL;
    uint64_t n_rows = 0;
    int result = -1;

    if (asprintf(&path, "/%s%s%s", path_of(r), column ? "/" : "", column ? f->name : "") < 0)
        return no_memory(r);
    r->parts[i] = H5Dopen2(r->h5, path, r->access);
    if (r->parts[i] >= 0)
        look_at_part(r->parts[i], &row_bytes, &n_rows);
    if (r->parts[i] < 0) {
        (void)cannot_read(r, path);
    } else if (row_bytes != expected || (i > 0 && n_rows != r->n_rows)) {
        (void)snprintf(r->finding->error, STORE_ERROR, "%.150s, read back, has another shape than was stored", path);
    } else {
        r->n_rows = n_rows;
        result = 0;
    }
    free(path);
    return result;
}

static int open_dataset(struct reader *r, uint32_t dataset)
{
    const struct verify *v = r->all->verify;
    size_t widest = 1;

    close_dataset(r);
    r->dataset = dataset;
    r->schema = &v->schemas->schema[v->findings[dataset].schema];
    r->n_parts = r->schema->shape == SHAPE_COLUMNS ? r->schema->n_fields : 1;
    r->parts = malloc(r->n_parts * sizeof *r->parts);
    if (r->parts == NULL)
        return no_memory(r);
    for (size_t i = 0; i < r->n_parts; i++)
        r->parts[i] = -1;
    for (size_t i = 0; i < r->n_parts; i++) {
        if (open_part(r, i) != 0)
            return -1;
        if (gather_field_bytes(&r->schema->fields[i]) > widest)
            widest = gather_field_bytes(&r->schema->fields[i]);
    }
    r->block_rows = rows_at_once(r);
    if (r->block_rows > r->n_rows)
        r->block_rows = r->n_rows > 0 ? (size_t)r->n_rows : 1;
    r->n_in_block = 0;
    r->rows = malloc(r->block_rows * r->schema->row_bytes);
    r->column = r->schema->shape == SHAPE_COLUMNS ? malloc(r->block_rows * widest) : NULL;
    return r->rows != NULL && (r->column != NULL || r->schema->shape != SHAPE_COLUMNS) ? 0 : no_memory(r);
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* The memory type is the file's: nothing is converted. Errors -1 from HDF5 */
static int read_part(hid_t part, uint64_t first_row, size_t n_rows, void *to)
{
    hid_t type = H5Dget_type(part);
    int result = hdf5_read_rows(part, type, first_row, n_rows, to);

    (void)H5Tclose(type);
    return result;
}

/* The block that has this row. */
static int read_block(struct reader *r, uint64_t row)
{
    uint64_t left;

    r->block_row = row / r->block_rows * r->block_rows;
    left = r->n_rows - r->block_row;
    r->n_in_block = left < r->block_rows ? (size_t)left : r->block_rows;
    for (size_t i = 0; i < r->n_parts; i++) {
        if (read_part(r->parts[i], r->block_row, r->n_in_block, r->column != NULL ? r->column : r->rows) != 0)
            return cannot_read_rows(r);
        if (r->column != NULL)
            scatter_column(r->schema, i, r->column, r->n_in_block, r->rows);
    }
    return 0;
}

static int check_rows(struct reader *r, const struct seal *s)
{
    const uint64_t end = s->first_row + s->n_rows;
    const size_t row_bytes = r->schema->row_bytes;
    uint32_t checksum = 0;

    for (uint64_t row = s->first_row, n; row < end; row += n) {
        if ((row < r->block_row || row >= r->block_row + r->n_in_block) && read_block(r, row) != 0)
            return -1;
        n = r->block_row + r->n_in_block - row;
        n = n < end - row ? n : end - row;
        checksum = seal_checksum(checksum, r->rows + (row - r->block_row) * row_bytes, n * row_bytes);
        __atomic_fetch_add(&r->all->common->bytes_done, n * row_bytes, __ATOMIC_RELAXED);
    }
    return checksum == s->checksum ? 0 : differs(r, s);
}

/* The last seal of a dataset knows how many rows there are, the others that there are enough. */
static int check_seal(struct reader *r, size_t i)
{
    const struct seals *seals = &r->all->verify->seals;
    const struct seal *s = &seals->list[i];
    uint64_t end = s->first_row + s->n_rows;
    bool last = i + 1 == seals->n || seals->list[i + 1].dataset != s->dataset;

    if ((r->parts == NULL || r->dataset != s->dataset) && open_dataset(r, s->dataset) != 0)
        return -1;
    if (last ? r->n_rows == end : r->n_rows >= end)
        return check_rows(r, s);
    (void)snprintf(r->finding->error, STORE_ERROR, "/%.150s, read back, has %llu rows, not %llu", path_of(r),
                   (unsigned long long)r->n_rows, (unsigned long long)end);
    return -1;
}

/* ---- the reader ------------------------------------------------------------------------------------------------ */

/* What HDF5 calls for a chunk of zstd. Returns 0 where it fails. Source  HDF5, H5Zregister() */
static size_t unpack_zstd(unsigned flags, size_t n_values, const unsigned values[], size_t packed_bytes, size_t *room,
                          void **buffer)
{
    unsigned long long bytes = ZSTD_getFrameContentSize(*buffer, packed_bytes);
    void *unpacked = NULL;

    (void)n_values;
    (void)values;
    if ((flags & H5Z_FLAG_REVERSE) != 0 && bytes < ZSTD_CONTENTSIZE_ERROR && bytes > 0)
        unpacked = H5allocate_memory(bytes, false);
    if (unpacked == NULL || ZSTD_decompress(unpacked, bytes, *buffer, packed_bytes) != bytes) {
        (void)H5free_memory(unpacked);
        return 0;
    }
    (void)H5free_memory(*buffer);
    *buffer = unpacked;
    *room = bytes;
    return bytes;
}

/* Files with zstd are made without the plugin that their readers need, and so are read back without it. */
static void provide_zstd(void)
{
    static const H5Z_class2_t zstd = {
        .version = H5Z_CLASS_T_VERS,
        .id = PACK_ZSTD_FILTER,
        .encoder_present = 1,
        .decoder_present = 1,
        .name = "zstd",
        .filter = unpack_zstd,
    };

    if (H5Zfilter_avail(PACK_ZSTD_FILTER) <= 0)
        (void)H5Zregister(&zstd);
}

static int open_file(struct reader *r)
{
    hdf5_prepare();
    provide_zstd();
    r->access = H5Pcreate(H5P_DATASET_ACCESS);
    r->h5 = H5Fopen(r->all->verify->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (r->h5 < 0)
        return cannot_read(r, "the file");
    return H5Pset_chunk_cache(r->access, 0, 0, H5D_CHUNK_CACHE_W0_DEFAULT) < 0 ? cannot_read(r, "the file") : 0;
}

/* Batch after batch, up to the first thing that is wrong. */
static int check_batches(struct reader *r)
{
    const struct readers *all = r->all;
    const size_t n = all->verify->seals.n;
    size_t from;

    while ((from = __atomic_fetch_add(&all->common->next, all->batch, __ATOMIC_RELAXED)) < n)
        for (size_t i = from; i < n && i - from < all->batch; i++) {
            r->finding->seal = i;
            if (check_seal(r, i) != 0) {
                __atomic_store_n(&all->common->next, n, __ATOMIC_RELAXED); /* what is before this is taken already */
                return -1;
            }
        }
    return 0;
}

/* The child's whole life. */
static void read_back(void *user, int channel)
{
    struct readers *all = user;
    struct reader r = {.all = all, .finding = &all->common->readers[all->n], .h5 = -1};

    (void)channel;
    r.finding->failed = true; /* until it is known */
    if (open_file(&r) == 0 && check_batches(&r) == 0)
        r.finding->failed = false;
    close_dataset(&r);
}

/* ---- the parent ------------------------------------------------------------------------------------------------ */

static uint64_t bytes_of(const struct seals *s)
{
    uint64_t n_bytes = 0;

    for (size_t i = 0; i < s->n; i++)
        n_bytes += s->list[i].n_bytes;
    return n_bytes;
}

/* As many as the jobs and the memory allow: a reader has a block, the columns of it, and HDF5 a chunk. */
static unsigned readers_at_most(const struct verify *v)
{
    uint64_t block_bytes = v->seals.unit_bytes > BLOCK_BYTES ? v->seals.unit_bytes : BLOCK_BYTES;
    uint64_t n = v->memory_bytes / (3 * block_bytes);

    return n == 0 ? 1 : n < v->jobs ? (unsigned)n : v->jobs;
}

/* Errors 0, or -1 with errno: not even one could be started */
static int start_readers(struct readers *all, struct pool *pool)
{
    const size_t n_seals = all->verify->seals.n;
    const unsigned wanted = readers_at_most(all->verify);

    all->batch = n_seals / (BATCHES_EACH * wanted) + 1;
    all->batch = all->batch < BATCH_MOST ? all->batch : BATCH_MOST;
    for (all->n = 0; all->n < wanted && all->n * all->batch < n_seals; all->n++)
        if (pool_start(pool, all->n, read_back, all) != 0)
            return all->n > 0 ? 0 : -1;
    return 0;
}

/* Until all have ended. Errors 0, or -1 with a sentence, without one after a signal */
static int await_readers(struct readers *all, struct pool *pool, char error[STORE_ERROR])
{
    struct progress progress;
    struct pool_news news;
    int result = 0;

    progress_init(&progress, bytes_of(&all->verify->seals), 0, all->verify->options->quiet);
    progress.doing = "verifying: ";
    while (pool->n_running > 0 && result == 0) {
        pool_wait(pool, TICK_MS, &news);
        progress_show(&progress, __atomic_load_n(&all->common->bytes_done, __ATOMIC_RELAXED), 0);
        if (news.event == POOL_SIGNAL || news.event == POOL_ERROR)
            result = -1;
        if (news.event == POOL_ERROR)
            (void)snprintf(error, STORE_ERROR, "cannot wait for those who read back: %s", strerror(errno));
        if (news.event == POOL_ENDED && news.wait_status != 0) {
            (void)snprintf(error, STORE_ERROR, "%.200s: a process that read it back was lost",
                           all->verify->options->output);
            result = -1;
        }
    }
    progress_end(&progress);
    return result;
}

static int tell_first(const struct readers *all, char error[STORE_ERROR])
{
    const struct finding_of_reader *first = NULL;

    for (unsigned i = 0; i < all->n; i++) {
        const struct finding_of_reader *f = &all->common->readers[i];

        if (f->failed && (first == NULL || f->seal < first->seal))
            first = f;
    }
    if (first == NULL)
        return 0;
    (void)snprintf(error, STORE_ERROR, "%.150s: %.350s", all->verify->options->output, first->error);
    return -1;
}

int verify_file(const struct verify *v, char error[STORE_ERROR])
{
    struct readers all = {.verify = v, .common_bytes = sizeof *all.common + v->jobs * sizeof *all.common->readers};
    struct pool pool;
    int result = -1;

    *error = '\0';
    all.common = mmap(NULL, all.common_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all.common == MAP_FAILED || pool_init(&pool, v->jobs) != 0) {
        (void)snprintf(error, STORE_ERROR, "no memory for reading back");
        goto out;
    }
    if (start_readers(&all, &pool) != 0)
        (void)snprintf(error, STORE_ERROR, "cannot start a process to read back: %s", strerror(errno));
    else if (await_readers(&all, &pool, error) == 0)
        result = tell_first(&all, error);
    pool_stop(&pool);
    pool_release(&pool);
out:
    if (all.common != MAP_FAILED)
        (void)munmap(all.common, all.common_bytes);
    return result;
}
