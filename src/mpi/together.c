/*
 * together.c - one file by several ranks.
 *
 *     leader   count share | receive, digest, say | lay out | write share | sync, rename
 *     others   count share | send                 |         | write share | sync
 *
 * A share is a run of slices that stand one behind another, with about as much text as any other. So within a rank all
 * is as on one machine: head, carry, quoted line feeds. That the text is parsed twice is the price for knowing
 * everything before the first byte is written: where each row goes, and that no rank will find an error.
 *
 * The leader alone makes datasets, groups and attributes, with the serial store and in the order of one machine: what
 * 1000 ranks would have to do together for each of 100,000 datasets would cost more than all else. Then the rows of
 * arrays go into the file by MPI-IO, and the bytes are those of one machine; packed chunks go by way of the leader.
 */
#include "together.h"

#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datasets.h"
#include "message.h"
#include "mpi_arrays.h"
#include "mpi_chunks.h"
#include "mpi_janitor.h"
#include "mpi_ranks.h"
#include "ranks.h"
#include "signals.h"

enum { SLICE_COST = 64 << 10 }; /* a fork and a dataset, in bytes of text that could be parsed meanwhile */

static int say(const char *error)
{
    message_error("%s", error);
    return -1;
}

/* ---- shares ---------------------------------------------------------------------------------------------------- */

/* As far as that is known: what is compressed, and not in blocks, counts as it lies on the disk. */
static uint64_t cost(const struct load *load, const struct slice *s)
{
    uint64_t file_bytes = load->inputs->input[s->input].file_bytes;

    if (s->to != UINT64_MAX)
        return SLICE_COST + s->to - s->from;
    return SLICE_COST + (file_bytes > s->file_from ? file_bytes - s->file_from : 0);
}

/* The slices of one among n_shares; they are the same on every rank that asks. */
static void take_share(struct load *load, const struct plan *plan, unsigned share, unsigned n_shares)
{
    uint64_t all = 0, before = 0;

    for (size_t i = 0; i < plan->n; i++)
        all += cost(load, &plan->slices[i]);
    load->from = load->n = 0;
    for (size_t i = 0; i < plan->n; i++) {
        uint64_t own = cost(load, &plan->slices[i]);
        unsigned whose = (unsigned)((long double)(before + own / 2) / (long double)all * n_shares);

        before += own;
        if ((whose < n_shares ? whose : n_shares - 1) != share)
            continue;
        if (load->n++ == 0)
            load->from = i;
    }
}

/* ---- counting -------------------------------------------------------------------------------------------------- */

/* Where a rank's slices begin and end in the text, as it found them. */
struct edges {
    uint64_t any;           /* slices */
    uint64_t first;         /* of them */
    uint64_t from, to;      /* text */
};

/*
 * Where another rank's last slice ended elsewhere than our first began. Ranks before us may be wrong too, and tell
 * better the next time: so all look, until nobody is wrong.
 * place   where our first slice should have begun
 * Returns true when some rank has to count anew; *ours tells whether we have
 */
static bool find_misplaced(const struct load *load, const struct plan *plan, uint64_t *place, bool *ours)
{
    struct edges own = {.any = load->results->bytes > 0, .first = load->from}, *all;
    uint64_t end = LOAD_PLACE_UNKNOWN;
    bool some = false;

    *ours = false;
    if (own.any)
        own.any = load_edges(load->results, &own.from, &own.to);
    all = calloc(ranks_n(), sizeof *all);
    if (all == NULL)
        MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Allgather(&own, 4, MPI_UINT64_T, all, 4, MPI_UINT64_T, MPI_COMM_WORLD);
    for (unsigned r = 0; r < ranks_n(); r++) {
        if (!all[r].any)
            continue;
        if (!plan->slices[all[r].first].first && end != LOAD_PLACE_UNKNOWN && all[r].from != LOAD_PLACE_UNKNOWN &&
            all[r].from != end) {
            some = true;
            *ours = *ours || (int)r == mpi_ranks_no();
            if ((int)r == mpi_ranks_no())
                *place = end;
        }
        end = all[r].to;
    }
    free(all);
    return some;
}

/* Errors -1, said, and the same for all ranks */
static int count_share(struct load *load, struct plan *plan)
{
    enum load_result result = load_count(load);
    uint64_t place;
    bool ours;

    while (ranks_agree(result == LOAD_DONE ? 0 : -1) == 0) {
        if (!find_misplaced(load, plan, &place, &ours))
            return 0;
        if (ours) {
            plan->slices[load->from].start = place;
            plan->slices[load->from].exact = true;
            result = load_count(load);
        }
    }
    return -1;
}

/* The results of all ranks, in their order. Owner the caller. Errors NULL, said */
static struct results *gather(const struct load *load)
{
    struct results *all = calloc(ranks_n(), sizeof *all);

    if (all == NULL)
        MPI_Abort(MPI_COMM_WORLD, 1);
    all[MPI_RANKS_LEADER] = *load->results;
    *load->results = (struct results){.data = NULL};
    for (unsigned r = MPI_RANKS_LEADER + 1; r < ranks_n(); r++) {
        mpi_ranks_receive(&all[r].bytes, sizeof all[r].bytes, (int)r, TAG_RESULTS);
        all[r].data = malloc(all[r].bytes + 1);
        if (all[r].data == NULL)
            MPI_Abort(MPI_COMM_WORLD, 1);
        mpi_ranks_receive(all[r].data, all[r].bytes, (int)r, TAG_RESULTS);
    }
    return all;
}

/* What all have found, digested by the leader; its verdict is everybody's. */
static enum load_result judge(const struct load *load)
{
    uint32_t verdict = LOAD_FAILED;

    mpi_ranks_meet();
    if (ranks_lead()) {
        struct results *all = gather(load);

        verdict = load_digest(load, all, ranks_n());
        for (unsigned r = 0; r < ranks_n(); r++)
            free(all[r].data);
        free(all);
    } else {
        mpi_ranks_send(&load->results->bytes, sizeof load->results->bytes, MPI_RANKS_LEADER, TAG_RESULTS);
        mpi_ranks_send(load->results->data, load->results->bytes, MPI_RANKS_LEADER, TAG_RESULTS);
    }
    mpi_ranks_meet();
    mpi_ranks_broadcast(&verdict, sizeof verdict);
    return (enum load_result)verdict;
}

/* What was seen of the columns, from the leader to all. */
static void spread_surveys(const struct load *load)
{
    struct survey *all;
    size_t n = 0, at = 0;

    for (size_t i = 0; i < load->inputs->n; i++)
        n += load->findings[i].surveys != NULL ? load->findings[i].n_columns : 0;
    all = calloc(n + 1, sizeof *all);
    if (all == NULL)
        MPI_Abort(MPI_COMM_WORLD, 1);
    for (int back = 0; back < 2; back++, at = 0) {
        for (size_t i = 0; i < load->inputs->n; i++) {
            const struct finding *f = &load->findings[i];

            if (f->surveys == NULL)
                continue;
            if (back)
                memcpy(f->surveys, all + at, f->n_columns * sizeof *all);
            else
                memcpy(all + at, f->surveys, f->n_columns * sizeof *all);
            at += f->n_columns;
        }
        if (!back)
            mpi_ranks_broadcast(all, n * sizeof *all);
    }
    free(all);
}

/* Everything is known after this, but the rows. */
static enum load_result count(struct load *load, struct plan *plan, int (*settle)(void *user), void *user)
{
    enum load_result result;

    take_share(load, plan, (unsigned)mpi_ranks_no(), ranks_n());
    if (count_share(load, plan) != 0)
        return LOAD_FAILED;
    result = judge(load);
    if (result != LOAD_MISFIT)
        return result;
    spread_surveys(load);
    if (ranks_agree(settle(user)) != 0)
        return LOAD_FAILED;
    message_detail("a guessed type did not hold: reading once more with wider ones");
    load->final = true;
    return count_share(load, plan) != 0 ? LOAD_FAILED : judge(load);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

/* The file as it will be, but for the rows. Errors -1, said */
static int lay_out(const struct load *load, struct store **store)
{
    char error[STORE_ERROR];

    if (datasets_lay_out(store, load->options, load->inputs, load->findings, load->schemas, load->standing,
                         load->accounts, mpi_janitor_start, error) != 0)
        return say(error);
    return store_hand_over(*store, error) == 0 ? 0 : say(error);
}

/* Its name, from the leader; relative ones must mean the same everywhere. Owner the caller. Errors NULL, said */
static char *share_name(const struct store *store)
{
    size_t bytes = store != NULL ? strlen(store_temporary(store)) + 1 : 0;
    char *path;

    mpi_ranks_broadcast(&bytes, sizeof bytes);
    path = calloc(1, bytes);
    if (path == NULL)
        MPI_Abort(MPI_COMM_WORLD, 1);
    if (store != NULL)
        memcpy(path, store_temporary(store), bytes);
    mpi_ranks_broadcast(path, bytes);
    return path;
}

static int check_shared(const struct load *load, const char *path)
{
    if (access(path, R_OK | W_OK) == 0)
        return 0;
    message_error("%s: its directory must be the same for all ranks, but here: %s", load->options->output,
                  strerror(errno));
    return -1;
}

/* What this machine has written is to be on the disk before the file gets its name. Errors -1, said */
static int sync_file(const struct load *load, const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int result = fd >= 0 ? fsync(fd) : -1;

    if (result != 0)
        message_error("%s: cannot write: %s", load->options->output, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return result;
}

static int place_share(const struct load *load)
{
    enum load_result result = load_place(load);

    if (result == LOAD_SIGNAL)
        mpi_ranks_rest(); /* ends all */
    if (result != LOAD_DONE && !ranks_stopped())
        mpi_ranks_stop();
    return result == LOAD_DONE ? 0 : -1;
}

static int write_arrays(struct load *load, const char *path)
{
    char error[STORE_ERROR];
    int result = 0;

    mpi_ranks_meet();
    if (mpi_arrays_open(&load->placing, path, error) != 0)
        result = say(error);
    if (ranks_agree(result) != 0)
        return -1; /* nothing can be closed together: the end will do */
    result = place_share(load);
    mpi_ranks_meet();
    if (mpi_arrays_close(load->placing, error) != 0)
        result = say(error);
    return result;
}

static int write_chunks(struct load *load, const char *path)
{
    char error[STORE_ERROR];
    int result = 0;

    if (ranks_lead())
        return mpi_chunks_serve(load, path, error) == 0 ? 0 : say(error);
    if (mpi_chunks_open(&load->placing, load, error) != 0) {
        result = say(error);
        mpi_ranks_stop();
    } else {
        result = place_share(load);
    }
    mpi_chunks_close(load->placing);
    return result;
}

/* Every slice begins where it was found to begin. */
static void settle_places(const struct load *load, struct plan *plan)
{
    mpi_ranks_broadcast(load->places, plan->n * sizeof *load->places);
    for (size_t i = 0; i < plan->n; i++) {
        plan->slices[i].start = load->places[i].from;
        plan->slices[i].exact = true;
    }
}

static int write_all(struct load *load, struct plan *plan, struct store **store)
{
    struct packing packing;
    bool packs = datasets_packing(&packing, load->options, load->standing, &load->schemas->schema[0]);
    char *path;
    int result;

    settle_places(load, plan);
    if (ranks_agree(ranks_lead() ? lay_out(load, store) : 0) != 0)
        return -1;
    path = share_name(*store);
    result = ranks_agree(check_shared(load, path));
    load->results = NULL;
    if (packs) /* the leader has enough to do */
        take_share(load, plan, (unsigned)mpi_ranks_no() - 1, ranks_n() - 1);
    if (result == 0)
        result = ranks_agree(packs ? write_chunks(load, path) : write_arrays(load, path));
    if (result == 0)
        result = ranks_agree(sync_file(load, path));
    free(path);
    return result;
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

enum load_result together_load(struct load *load, struct plan *plan, int (*settle)(void *user), void *user,
                               struct store **store)
{
    struct results own = {.data = NULL};
    enum load_result result = LOAD_FAILED;

    *store = NULL;
    load->results = &own;
    load->places = calloc(plan->n + 1, sizeof *load->places);
    if (load->places == NULL)
        MPI_Abort(MPI_COMM_WORLD, 1);
    result = count(load, plan, settle, user);
    if (result == LOAD_DONE && !load->options->dry_run && write_all(load, plan, store) != 0)
        result = LOAD_FAILED;
    if (result != LOAD_DONE) {
        store_discard(*store);
        *store = NULL;
    }
    free(own.data);
    free(load->places);
    load->results = NULL;
    load->places = NULL;
    return result;
}
