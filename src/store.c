/*
 * store.c - the HDF5 file from its temporary to its name, and one dataset after another in it.
 *
 * HDF5 does the book-keeping and we do the writing. How rows reach the file is a dataset's way: store_contiguous.c has
 * three of them, store_chunks.c one.
 */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_inside.h"

_Static_assert((int)STORE_ERROR == (int)OUTPUT_FILE_ERROR, "sentences are passed through");

enum {
    METADATA_BLOCK_BYTES = 16 << 10, /* HDF5 takes metadata from the file in blocks of this size */
    CACHE_BYTES = 4 << 20,           /* of metadata */
    FLUSHED_TOGETHER = 256,          /* tables */
    EVICTED_TOGETHER = 256,          /* datasets of a table */
};

/* --- the file --- */

/* Errors -1 from HDF5 */
static hid_t creation_list(H5D_layout_t layout, H5D_alloc_time_t when)
{
    hid_t list = store_creation_list();

    if (list >= 0 && (H5Pset_layout(list, layout) < 0 || H5Pset_alloc_time(list, when) < 0 ||
                      H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) < 0))
        store_close_id(&list);
    return list;
}

static int make_lists(struct store *s)
{
    s->scalar = H5Screate(H5S_SCALAR);
    s->contiguous = creation_list(H5D_CONTIGUOUS, H5D_ALLOC_TIME_EARLY);
    s->rehearsal = creation_list(H5D_CONTIGUOUS, H5D_ALLOC_TIME_LATE);
    s->chunked = creation_list(H5D_CHUNKED, H5D_ALLOC_TIME_INCR);
    s->chunk_access = H5Pcreate(H5P_DATASET_ACCESS);
    s->with_groups = H5Pcreate(H5P_LINK_CREATE);
    if (s->scalar < 0 || s->contiguous < 0 || s->rehearsal < 0 || s->chunked < 0 || s->chunk_access < 0 ||
        s->with_groups < 0)
        return -1;
    if (H5Pset_chunk_cache(s->chunk_access, 0, 0, H5D_CHUNK_CACHE_W0_DEFAULT) < 0 ||
        H5Pset_create_intermediate_group(s->with_groups, 1) < 0)
        return -1;
    return 0;
}

/*
 * The cache of metadata is kept small, as each page of the heap is shared anew with every worker that is forked. But
 * the names in a group are one piece, which is read and written for each new one where the cache cannot hold it.
 */
static int set_cache(hid_t access)
{
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};

    if (H5Pget_mdc_config(access, &config) < 0)
        return -1;
    config.set_initial_size = true;
    config.initial_size = config.max_size = CACHE_BYTES;
    config.min_size = CACHE_BYTES;
    config.incr_mode = H5C_incr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    config.decr_mode = H5C_decr__off;
    return H5Pset_mdc_config(access, &config) < 0 ? -1 : 0;
}

/*
 * The cache's size counts bytes of the file, and in memory the attributes of a table are ten times that, so they go
 * when it is closed. But HDF5 goes through the whole cache for each, which is not for thousands that are closed
 * together.
 * A library that can write in parallel has no eviction on close, not even for those who write alone.
 */
static int set_eviction(hid_t access, size_t together)
{
#ifdef H5_HAVE_PARALLEL
    (void)access;
    (void)together;
    return 0;
#else
    return H5Pset_evict_on_close(access, together <= EVICTED_TOGETHER) < 0 ? -1 : 0;
#endif
}

/*
 * Rows start on a page. The library's own small pieces of rows would not be where the end of the file says, so it
 * makes none; its blocks of metadata are larger than it likes by default, as every dataset costs a few kilobytes.
 * Errors -1 from HDF5
 */
static hid_t access_list(size_t together)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);

    if (H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) < 0 ||
        H5Pset_alignment(access, STORE_ALIGN_FROM_BYTES, STORE_PAGE_BYTES) < 0 ||
        set_cache(access) != 0 || set_eviction(access, together) != 0 ||
        H5Pset_meta_block_size(access, METADATA_BLOCK_BYTES) < 0 || H5Pset_small_data_block_size(access, 0) < 0) {
        (void)H5Pclose(access);
        return -1;
    }
    return access;
}

/* The root group, as the datasets, keeps no times. Errors -1 from HDF5 */
static hid_t create_file(const char *path, size_t together)
{
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    hid_t access = access_list(together);
    hid_t h5 = -1;

    if (access >= 0 && H5Pset_obj_track_times(creation, false) >= 0)
        h5 = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    (void)H5Pclose(creation);
    (void)H5Pclose(access);
    return h5;
}

static hid_t open_file(const char *path, size_t together)
{
    hid_t access = access_list(together);
    hid_t h5 = access >= 0 ? H5Fopen(path, H5F_ACC_RDWR, access) : -1;

    if (access >= 0)
        (void)H5Pclose(access);
    return h5;
}

int store_check_output(const char *output, bool force, char error[STORE_ERROR])
{
    return output_file_check(output, force, error);
}

/* Errors NULL with a sentence */
static struct store *allocate(size_t together, char error[STORE_ERROR])
{
    struct store *s = malloc(sizeof *s);

    if (s == NULL) {
        (void)snprintf(error, STORE_ERROR, "%s", strerror(ENOMEM));
        return NULL;
    }
    *s = (struct store){
        .together = together,
        .low = H5F_LIBVER_EARLIEST,
        .file = {.fd = -1},
        .scratch = {.fd = -1},
        .h5 = -1,
        .scalar = -1,
        .contiguous = -1,
        .rehearsal = -1,
        .chunked = -1,
        .chunk_access = -1,
        .with_groups = -1,
    };
    for (size_t i = 0; i < TEXT_TYPES_KEPT; i++)
        s->text_types[false][i] = s->text_types[true][i] = -1;
    return s;
}

/* The temporary is there: make it an HDF5 file, or open the one that it is. */
static int open_temporary(struct store *s, char error[STORE_ERROR])
{
    hdf5_prepare();
    s->evictions.version = H5AC__CURR_CACHE_CONFIG_VERSION;
    s->h5 = s->appends ? open_file(s->file.temporary, s->together) : create_file(s->file.temporary, s->together);
    if (s->h5 < 0 || make_lists(s) != 0 || H5Fget_mdc_config(s->h5, &s->evictions) < 0)
        return store_hdf5_failed(s, s->appends ? "open" : "create", "/", error);
    return 0;
}

int store_create(struct store **store, const char *output, bool force, size_t together,
                 char error[STORE_ERROR])
{
    struct store *s = allocate(together, error);

    *store = NULL;
    if (s == NULL)
        return -1;
    if (output_file_open(&s->file, output, force, error) != 0 || open_temporary(s, error) != 0) {
        store_discard(s);
        return -1;
    }
    *store = s;
    return 0;
}

int store_append(struct store **store, const char *output, const struct output_stamp *stamp, size_t together,
                 char error[STORE_ERROR])
{
    struct store *s = allocate(together, error);

    *store = NULL;
    if (s == NULL)
        return -1;
    s->appends = true;
    if (output_file_open_copy(&s->file, output, stamp, error) != 0 || open_temporary(s, error) != 0) {
        store_discard(s);
        return -1;
    }
    *store = s;
    return 0;
}

int store_remove(struct store *s, const char *path, char error[STORE_ERROR])
{
    return H5Ldelete(s->h5, path, H5P_DEFAULT) < 0 ? store_hdf5_failed(s, "replace dataset", path, error) : 0;
}

/* --- one dataset --- */

static const struct store_way *way_of(const struct store_dataset *d)
{
    if (d->layout == STORE_CHUNKED)
        return &store_way_chunks;
    if (!d->pieces)
        return &store_way_whole;
    return d->schema->shape == SHAPE_COLUMNS ? &store_way_scratch : &store_way_pieces;
}

int store_begin(struct store *s, const struct store_dataset *d, char error[STORE_ERROR])
{
    if (store_begin_table(s, d, error) != 0)
        return -1;
    s->way = way_of(d);
    return s->way->begin != NULL ? s->way->begin(s, d, error) : 0;
}

int store_rows(struct store *s, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    int result;

    assert(s->way != NULL && "store_begin() comes first");
    result = s->way->rows(s, rows, n_rows, error);
    s->n_rows += n_rows;
    s->n_bytes += n_rows * s->row_bytes;
    return result;
}

int store_reserve(struct store *s, uint64_t n_rows, char error[STORE_ERROR])
{
    int result = 0;

    assert(s->reserved && s->n_rows == 0 && "a dataset begun for it, once");
    if (s->way->reserve != NULL)
        result = s->way->reserve(s, n_rows, error);
    s->n_rows = n_rows;
    s->n_bytes += n_rows * s->row_bytes;
    return result;
}

/* Whenever HDF5 closes a dataset it goes through all metadata that is not yet written. */
static int flush_sometimes(struct store *s, char error[STORE_ERROR])
{
    s->n_unflushed++;
    if (s->n_unflushed < FLUSHED_TOGETHER)
        return 0;
    s->n_unflushed = 0;
    return H5Fflush(s->h5, H5F_SCOPE_LOCAL) < 0 ? store_hdf5_failed(s, "write", "/", error) : 0;
}

int store_end(struct store *s, const struct store_attribute *attributes, size_t n_attributes,
              char error[STORE_ERROR])
{
    assert(s->way != NULL && "store_begin() comes first");
    if (s->way->end(s, error) != 0)
        return -1;
    if (store_set_format(s, H5F_LIBVER_EARLIEST) != 0)
        return store_hdf5_failed(s, "write", s->path, error);
    if (store_describe(s, attributes, n_attributes, error) != 0 || store_close_datasets(s, error) != 0)
        return -1;
    if (s->way->closed != NULL && s->way->closed(s, error) != 0)
        return -1;
    s->way = NULL;
    return flush_sometimes(s, error);
}

/* --- the end --- */

/* All ids but the file's: an open dataset would keep the file open. */
static void close_ids(struct store *s)
{
    hid_t *lists[] = {&s->scalar,  &s->contiguous,   &s->rehearsal,
                      &s->chunked, &s->chunk_access, &s->with_groups};

    store_close_parts(s);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        store_close_id(lists[i]);
    for (size_t i = 0; i < TEXT_TYPES_KEPT; i++) {
        store_close_id(&s->text_types[false][i]);
        store_close_id(&s->text_types[true][i]);
    }
    store_forget_types(s);
}

/* Whatever went unnoticed before: HDF5 refuses to open a file that is shorter than it says. */
static bool opens_again(const char *path)
{
    hid_t h5 = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);

    return h5 >= 0 && H5Fclose(h5) >= 0;
}

/* The flush is apart because it says more about what failed than the close would. */
static int close_file(struct store *s, char error[STORE_ERROR])
{
    hid_t h5 = s->h5;

    close_ids(s);
    assert(H5Fget_obj_count(h5, H5F_OBJ_ALL) == 1 && "nothing in the file is open");
    if (H5Fflush(h5, H5F_SCOPE_LOCAL) < 0)
        return store_hdf5_failed(s, "write", "/", error);
    s->h5 = -1;
    if (H5Fclose(h5) < 0 || !opens_again(s->file.temporary))
        return store_hdf5_failed(s, "write", "/", error);
    return 0;
}

int store_settle(struct store *s, char error[STORE_ERROR])
{
    assert(s->way == NULL && "store_end() comes first");
    if (close_file(s, error) != 0)
        return -1;
    return output_file_settle(&s->file) == 0 ? 0 : store_write_failed(s, error);
}

int store_hand_over(struct store *s, char error[STORE_ERROR])
{
    if (s->h5 >= 0)
        return close_file(s, error);
    return opens_again(s->file.temporary) ? 0 : store_hdf5_failed(s, "read", "/", error);
}

int store_commit(struct store *s, uint64_t *file_bytes, char error[STORE_ERROR])
{
    struct stat status;
    int result = 0;

    assert(s->way == NULL && "store_end() comes first");
    result = store_hand_over(s, error);
    *file_bytes = fstat(s->file.fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    if (result == 0)
        result = output_file_commit(&s->file, error);
    store_discard(s);
    return result;
}

/* The temporary goes first: what HDF5 still writes as it closes then has no name. */
void store_discard(struct store *s)
{
    if (s == NULL)
        return;
    output_file_discard(&s->file);
    output_file_discard(&s->scratch);
    close_ids(s);
    if (s->h5 >= 0)
        (void)H5Fclose(s->h5);
    free(s->carry);
    free(s->packed);
    free(s->packed_parts);
    packer_close(s->packer);
    free(s);
}

const char *store_temporary(const struct store *s)
{
    return s == NULL ? NULL : s->file.temporary;
}

uint64_t store_bytes(const struct store *s)
{
    return s->n_bytes;
}

void store_library_version(char *text, size_t text_bytes)
{
    unsigned major = 0, minor = 0, release = 0;

    (void)H5get_libversion(&major, &minor, &release);
    (void)snprintf(text, text_bytes, "%u.%u.%u", major, minor, release);
}
