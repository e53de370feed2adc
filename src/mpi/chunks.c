/*
 * chunks.c - rows that are packed, into one file by all ranks: through the leader.
 *
 * Parallel HDF5 has filters in collective calls only: all ranks would have to write to one dataset at a time, and wait
 * for one another's compression. So here workers pack, as they do on one machine, and the leader, who parses nothing,
 * writes ready-made chunks; what passes through it is a small part of the text.
 *
 * Where slices meet, their rows share a chunk. Such rows are sent as they are, and the leader packs the chunk when all
 * of them have come. Chunks are stored as they come, so the file's bytes, but nothing in it, may differ between runs.
 */
#include "mpi_chunks.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "datasets.h"
#include "mpi_ranks.h"
#include "mpi_table.h"
#include "ranks.h"

enum what { SAYS_DATASET, SAYS_ROWS, SAYS_CHUNK, SAYS_END };

/* Every message: this, and 'bytes' behind it: a path; rows; or sizes of the parts of a chunk, and the parts. */
struct note {
    uint64_t what;
    uint64_t schema;    /* SAYS_DATASET: its index */
    uint64_t first_row; /* SAYS_ROWS, SAYS_CHUNK: of the dataset */
    uint64_t n_rows;
    uint64_t bytes;
};

/* ---- the ranks that parse -------------------------------------------------------------------------------------- */

struct chunks {
    struct placing placing;
    const struct load *load;
    struct packing packing;
    uint64_t next_row;
    unsigned char *message; /* mapped, not from the heap: MPI may take its pages out of what workers inherit */
    size_t message_bytes;
};

/* Room for a message with so much behind the note. Errors 0, or -1 with a sentence */
static int reserve(struct chunks *c, size_t bytes, char error[STORE_ERROR])
{
    if (c->message_bytes >= sizeof(struct note) + bytes)
        return 0;
    if (c->message != NULL)
        (void)munmap(c->message, c->message_bytes);
    c->message_bytes = sizeof(struct note) + bytes;
    c->message = mmap(NULL, c->message_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c->message != MAP_FAILED)
        return 0;
    c->message = NULL;
    c->message_bytes = 0;
    (void)snprintf(error, STORE_ERROR, "no memory for %zu bytes of a chunk", bytes);
    return -1;
}

/* Send what stands behind the note. */
static void send(struct chunks *c, struct note note)
{
    memcpy(c->message, &note, sizeof note);
    mpi_ranks_send(c->message, sizeof note + note.bytes, MPI_RANKS_LEADER, TAG_CHUNKS);
}

static size_t parts_of(const struct schema *s)
{
    return s->shape == SHAPE_COLUMNS ? s->n_fields : 1;
}

static int chunks_begin(struct placing *placing, const struct store_dataset *d, uint64_t first_row,
                        char error[STORE_ERROR])
{
    struct chunks *c = (struct chunks *)placing;
    size_t path_bytes = strlen(d->path) + 1;
    size_t most = packer_most_bytes(d->packing) + parts_of(d->schema) * sizeof(struct packed_chunk);

    if (most < d->chunk_rows * d->schema->row_bytes)
        most = d->chunk_rows * d->schema->row_bytes;
    if (reserve(c, most > path_bytes ? most : path_bytes, error) != 0)
        return -1;
    c->packing = *d->packing;
    c->next_row = first_row;
    memcpy(c->message + sizeof(struct note), d->path, path_bytes);
    send(c, (struct note){.what = SAYS_DATASET, .schema = (uint64_t)(d->schema - c->load->schemas->schema),
                          .bytes = path_bytes});
    return 0;
}

/* No message has rows of two chunks. */
static int chunks_rows(struct placing *placing, const void *rows, size_t n_rows, char error[STORE_ERROR])
{
    struct chunks *c = (struct chunks *)placing;
    const struct packing *p = &c->packing;
    const unsigned char *at = rows;

    (void)error;
    for (size_t n; n_rows > 0; n_rows -= n, at += n * p->row_bytes, c->next_row += n) {
        n = p->chunk_rows - (size_t)(c->next_row % p->chunk_rows);
        n = n < n_rows ? n : n_rows;
        memcpy(c->message + sizeof(struct note), at, n * p->row_bytes);
        send(c, (struct note){.what = SAYS_ROWS, .first_row = c->next_row, .n_rows = n, .bytes = n * p->row_bytes});
    }
    return 0;
}

static int chunks_packed(struct placing *placing, const void *packed, const struct packed_chunk *chunks,
                         char error[STORE_ERROR])
{
    struct chunks *c = (struct chunks *)placing;
    size_t n = packer_parts(&c->packing), bytes = 0;
    unsigned char *at = c->message + sizeof(struct note);

    (void)error;
    for (size_t i = 0; i < n; i++)
        bytes += chunks[i].packed_bytes;
    memcpy(at, chunks, n * sizeof *chunks);
    memcpy(at + n * sizeof *chunks, packed, bytes);
    send(c, (struct note){.what = SAYS_CHUNK, .first_row = c->next_row, .n_rows = c->packing.chunk_rows,
                          .bytes = n * sizeof *chunks + bytes});
    c->next_row += c->packing.chunk_rows;
    return 0;
}

/* The leader closes a dataset when the next one comes. */
static int chunks_end(struct placing *placing, char error[STORE_ERROR])
{
    (void)placing;
    (void)error;
    return 0;
}

static const struct placing_class chunks_class = {
    .begin = chunks_begin,
    .rows = chunks_rows,
    .packed = chunks_packed,
    .end = chunks_end,
};

int mpi_chunks_open(struct placing **placing, const struct load *load, char error[STORE_ERROR])
{
    struct chunks *c = calloc(1, sizeof *c);

    *placing = NULL;
    if (c == NULL) {
        (void)snprintf(error, STORE_ERROR, "no memory");
        return -1;
    }
    *c = (struct chunks){.placing = {.class = &chunks_class}, .load = load};
    *placing = &c->placing;
    return 0;
}

void mpi_chunks_close(struct placing *placing)
{
    struct chunks *c = (struct chunks *)placing;
    const struct note end = {.what = SAYS_END};

    mpi_ranks_send(&end, sizeof end, MPI_RANKS_LEADER, TAG_CHUNKS);
    if (c != NULL && c->message != NULL)
        (void)munmap(c->message, c->message_bytes);
    free(c);
}

/* ---- the leader ------------------------------------------------------------------------------------------------ */

/* A chunk whose rows come from several slices. */
struct seam {
    uint64_t first_row;
    size_t n_rows, n_expected;
    char *path;            /* of the dataset, owned as what follows */
    unsigned char *rows;
    struct seam *next;
};

/* What one rank is at. */
struct source {
    bool open;
    char *path;            /* owned */
    struct mpi_table table;
    struct packing packing;
    struct packer *packer;
};

struct server {
    const struct load *load;
    hid_t h5;
    unsigned n_open;
    struct source *sources;
    struct seam *seams;
    unsigned char *message, *packed;
    size_t message_bytes, packed_bytes;
};

static int no_memory(char error[STORE_ERROR])
{
    (void)snprintf(error, STORE_ERROR, "no memory for the chunks");
    return -1;
}

static int grow(unsigned char **buffer, size_t *room, size_t bytes, char error[STORE_ERROR])
{
    unsigned char *larger;

    if (*room >= bytes)
        return 0;
    larger = realloc(*buffer, bytes);
    if (larger == NULL)
        return no_memory(error);
    *buffer = larger;
    *room = bytes;
    return 0;
}

static int close_source(struct source *s, char error[STORE_ERROR])
{
    int result = 0;

    if (s->open && mpi_table_close(&s->table) != 0)
        result = mpi_table_failed("close dataset", s->path, error);
    packer_close(s->packer);
    free(s->path);
    *s = (struct source){.open = false};
    return result;
}

static int open_source(struct server *v, struct source *s, const struct note *note, char error[STORE_ERROR])
{
    const struct schema *schema = &v->load->schemas->schema[note->schema];

    if (close_source(s, error) != 0)
        return -1;
    (void)datasets_packing(&s->packing, v->load->options, v->load->standing, schema);
    s->path = strdup((const char *)v->message);
    s->packer = packer_open(&s->packing);
    if (s->path == NULL || s->packer == NULL)
        return no_memory(error);
    if (grow(&v->packed, &v->packed_bytes, packer_most_bytes(&s->packing), error) != 0 ||
        mpi_table_open(&s->table, v->h5, s->path, schema, error) != 0)
        return -1;
    s->open = true;
    return 0;
}

static int write_chunk(const struct source *s, uint64_t first_row, const unsigned char *packed,
                       const struct packed_chunk *chunks, char error[STORE_ERROR])
{
    const hsize_t offset[1 + SCHEMA_DIMS] = {first_row};

    for (size_t i = 0; i < s->table.n_parts; packed += chunks[i].packed_bytes, i++)
        if (H5Dwrite_chunk(s->table.parts[i].dataset, H5P_DEFAULT, chunks[i].filter_mask, offset,
                           chunks[i].packed_bytes, packed) < 0)
            return mpi_table_failed("write dataset", s->path, error);
    return 0;
}

/* The seam of that chunk, or a new one. Errors NULL */
static struct seam *find_seam(struct server *v, const struct source *s, uint64_t first_row)
{
    uint64_t n_rows = s->table.parts[0].dims[0] - first_row;
    struct seam *seam;

    for (seam = v->seams; seam != NULL; seam = seam->next)
        if (seam->first_row == first_row && strcmp(seam->path, s->path) == 0)
            return seam;
    seam = calloc(1, sizeof *seam);
    if (seam == NULL)
        return NULL;
    seam->path = strdup(s->path);
    seam->rows = calloc(s->packing.chunk_rows, s->packing.row_bytes);
    if (seam->path == NULL || seam->rows == NULL) {
        free(seam->path);
        free(seam->rows);
        free(seam);
        return NULL;
    }
    seam->first_row = first_row;
    seam->n_expected = n_rows < s->packing.chunk_rows ? (size_t)n_rows : s->packing.chunk_rows;
    seam->next = v->seams;
    v->seams = seam;
    return seam;
}

static void drop_seam(struct server *v, struct seam *seam)
{
    struct seam **at = &v->seams;

    while (*at != seam)
        at = &(*at)->next;
    *at = seam->next;
    free(seam->path);
    free(seam->rows);
    free(seam);
}

/* Rows of a chunk that is not all one slice's: when all of them are there, it is packed. */
static int take_rows(struct server *v, struct source *s, const struct note *note, char error[STORE_ERROR])
{
    uint64_t within = note->first_row % s->packing.chunk_rows;
    struct seam *seam = find_seam(v, s, note->first_row - within);
    struct packed_chunk *parts = calloc(s->table.n_parts, sizeof *parts);
    size_t bytes;
    int result = 0;

    if (seam == NULL || parts == NULL) {
        free(parts);
        return no_memory(error);
    }
    memcpy(seam->rows + within * s->packing.row_bytes, v->message, note->bytes);
    seam->n_rows += note->n_rows;
    if (seam->n_rows == seam->n_expected) {
        result = packer_pack_parts(s->packer, seam->rows, v->packed, parts, &bytes) != 0
                     ? no_memory(error)
                     : write_chunk(s, seam->first_row, v->packed, parts, error);
        drop_seam(v, seam);
    }
    free(parts);
    return result;
}

/* One message from that rank. After an error nothing is stored any more, but all is received. */
static int take(struct server *v, int from, const struct note *note, bool wanted, char error[STORE_ERROR])
{
    struct source *s;

    if (note->what == SAYS_END)
        v->n_open--;
    if (!wanted || note->what == SAYS_END)
        return 0;
    s = &v->sources[from];
    switch ((enum what)note->what) {
    case SAYS_DATASET:
        return open_source(v, s, note, error);
    case SAYS_ROWS:
        return take_rows(v, s, note, error);
    case SAYS_CHUNK: {
        const struct packed_chunk *parts = (const struct packed_chunk *)(const void *)v->message;

        return write_chunk(s, note->first_row, v->message + s->table.n_parts * sizeof *parts, parts, error);
    }
    case SAYS_END:
        break;
    }
    return -1;
}

/* The next message of any rank; what follows the note is moved to the message's start. Returns the rank, or -1 */
static int receive(struct server *v, struct note *note, char error[STORE_ERROR])
{
    MPI_Status status;
    int here = 0, bytes;

    for (;;) {
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_CHUNKS, MPI_COMM_WORLD, &here, &status);
        if (here)
            break;
        mpi_ranks_rest();
    }
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    if (grow(&v->message, &v->message_bytes, (size_t)bytes, error) != 0)
        return -1;
    mpi_ranks_receive(v->message, (size_t)bytes, status.MPI_SOURCE, TAG_CHUNKS);
    memcpy(note, v->message, sizeof *note);
    memmove(v->message, v->message + sizeof *note, (size_t)bytes - sizeof *note);
    return status.MPI_SOURCE;
}

int mpi_chunks_serve(const struct load *load, const char *path, char error[STORE_ERROR])
{
    struct server v = {.load = load, .n_open = ranks_n() - 1};
    char ignored[STORE_ERROR];
    int result = 0;

    hdf5_prepare();
    v.sources = calloc(ranks_n(), sizeof *v.sources);
    v.h5 = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    if (v.sources == NULL)
        result = no_memory(error);
    else if (v.h5 < 0)
        result = mpi_table_failed("open", path, error);
    if (result != 0)
        mpi_ranks_stop();
    while (v.n_open > 0) {
        struct note note;
        int from = receive(&v, &note, error);

        if (from < 0 || take(&v, from, &note, result == 0, result == 0 ? error : ignored) != 0) {
            if (result == 0)
                mpi_ranks_stop();
            result = -1;
        }
    }
    for (unsigned i = 0; v.sources != NULL && i < ranks_n(); i++)
        if (close_source(&v.sources[i], result == 0 ? error : ignored) != 0)
            result = -1;
    if (v.h5 >= 0 && H5Fclose(v.h5) < 0 && result == 0)
        result = mpi_table_failed("write", "/", error);
    while (v.seams != NULL)
        drop_seam(&v, v.seams);
    free(v.sources);
    free(v.message);
    free(v.packed);
    return result;
}
