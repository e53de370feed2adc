/*
 * ranks.c - several processes that do one run together, joined by MPI.
 *
 * Workers are forked while MPI is at work, which is safe because they never call it: they parse into a region that was
 * mapped before, and leave by _exit(2). What MPI sends lies in memory that no worker needs, as a network card may have
 * taken it out of what a child inherits.
 */
#include "ranks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "mpi_janitor.h"
#include "mpi_ranks.h"
#include "signals.h"

enum {
    REST_NS = 200 * 1000,
    CPUS_MOST = 8192,
    SAID_BYTES = 64 << 10,     /* of a rank's messages, for the leader */
    AT_ONCE_BYTES = 1 << 30,   /* counts are of type int */
};

static int rank, n_ranks = 1;
static char library[MPI_MAX_LIBRARY_VERSION_STRING];
static char said[SAID_BYTES];
static size_t said_bytes;
static bool stopped; /* by another rank */

static void keep_said(const char *line, size_t bytes)
{
    if (bytes > sizeof said - said_bytes)
        return;
    memcpy(said + said_bytes, line, bytes);
    said_bytes += bytes;
}

/* Only the leader has something to print. */
static int hush(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
        return -1;
    (void)close(nowhere);
    message_divert(keep_said);
    return 0;
}

int ranks_begin(int *argc, char ***argv)
{
    int bytes;

    if (MPI_Init(argc, argv) != MPI_SUCCESS)
        return -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    if (MPI_Get_library_version(library, &bytes) != MPI_SUCCESS)
        strcpy(library, "?");
    library[strcspn(library, "\n,")] = '\0';
    for (char *c = library; *c != '\0'; c++)
        if (*c == '\t')
            *c = ' ';
    return rank == MPI_RANKS_LEADER ? 0 : hush();
}

unsigned ranks_n(void)
{
    return (unsigned)n_ranks;
}

bool ranks_lead(void)
{
    return rank == MPI_RANKS_LEADER;
}

int mpi_ranks_no(void)
{
    return rank;
}

const char *ranks_library(void)
{
    return library;
}

/* ---- waiting and talking --------------------------------------------------------------------------------------- */

static void heed_signals(void)
{
    if (signals_caught() != 0)
        MPI_Abort(MPI_COMM_WORLD, 128 + signals_caught());
}

void mpi_ranks_rest(void)
{
    const struct timespec moment = {.tv_nsec = REST_NS};

    heed_signals();
    (void)nanosleep(&moment, NULL);
}

void mpi_ranks_meet(void)
{
    MPI_Request all;
    int here = 0;

    heed_signals();
    MPI_Ibarrier(MPI_COMM_WORLD, &all);
    for (;;) {
        MPI_Test(&all, &here, MPI_STATUS_IGNORE);
        if (here)
            return;
        mpi_ranks_rest();
    }
}

void mpi_ranks_broadcast(void *data, size_t bytes)
{
    unsigned char *at = data;

    for (size_t n; bytes > 0; at += n, bytes -= n) {
        n = bytes < AT_ONCE_BYTES ? bytes : AT_ONCE_BYTES;
        MPI_Bcast(at, (int)n, MPI_BYTE, MPI_RANKS_LEADER, MPI_COMM_WORLD);
    }
}

void mpi_ranks_send(const void *data, size_t bytes, int to, int tag)
{
    const unsigned char *at = data;

    for (size_t n; bytes > 0; at += n, bytes -= n) {
        n = bytes < AT_ONCE_BYTES ? bytes : AT_ONCE_BYTES;
        MPI_Send(at, (int)n, MPI_BYTE, to, tag, MPI_COMM_WORLD);
    }
}

void mpi_ranks_receive(void *data, size_t bytes, int from, int tag)
{
    unsigned char *at = data;

    for (size_t n; bytes > 0; at += n, bytes -= n) {
        n = bytes < AT_ONCE_BYTES ? bytes : AT_ONCE_BYTES;
        MPI_Recv(at, (int)n, MPI_BYTE, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
}

void mpi_ranks_stop(void)
{
    for (int to = 0; to < n_ranks; to++)
        if (to != rank)
            MPI_Send(NULL, 0, MPI_BYTE, to, TAG_STOP, MPI_COMM_WORLD);
}

bool ranks_stopped(void)
{
    int told = 1;

    while (n_ranks > 1 && told) {
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_STOP, MPI_COMM_WORLD, &told, MPI_STATUS_IGNORE);
        if (!told)
            break;
        MPI_Recv(NULL, 0, MPI_BYTE, MPI_ANY_SOURCE, TAG_STOP, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        stopped = true;
    }
    return stopped;
}

/* ---- agreement ------------------------------------------------------------------------------------------------- */

/* What the rank has said, through the leader. */
static void pass_on(int culprit)
{
    char from[MPI_MAX_PROCESSOR_NAME + 1] = "";
    int from_bytes;

    if (rank == culprit) {
        MPI_Get_processor_name(from, &from_bytes);
        mpi_ranks_send(from, sizeof from, MPI_RANKS_LEADER, TAG_RESULTS);
        mpi_ranks_send(&said_bytes, sizeof said_bytes, MPI_RANKS_LEADER, TAG_RESULTS);
        mpi_ranks_send(said, said_bytes, MPI_RANKS_LEADER, TAG_RESULTS);
    } else if (ranks_lead()) {
        mpi_ranks_receive(from, sizeof from, culprit, TAG_RESULTS);
        mpi_ranks_receive(&said_bytes, sizeof said_bytes, culprit, TAG_RESULTS);
        mpi_ranks_receive(said, said_bytes, culprit, TAG_RESULTS);
        message_relay(said, said_bytes);
        message_detail("so says rank %d on %s", culprit, from);
    }
}

int ranks_agree(int status)
{
    /* one that has only been told to stop has nothing to say */
    int failed = status != 0 && (!stopped || said_bytes > 0) ? rank : INT_MAX, culprit = failed;
    int any = status != 0, some = any;

    if (n_ranks == 1)
        return status;
    mpi_ranks_meet();
    MPI_Allreduce(&any, &some, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    MPI_Allreduce(&failed, &culprit, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (some && culprit != INT_MAX && culprit != MPI_RANKS_LEADER)
        pass_on(culprit);
    said_bytes = 0;
    return some ? -1 : 0;
}

int ranks_end(int status)
{
    if (n_ranks > 1) {
        mpi_ranks_meet();
        (void)ranks_stopped();
        mpi_ranks_broadcast(&status, sizeof status);
    }
    mpi_janitor_end();
    MPI_Finalize();
    return status;
}

/* ---- what several ranks cannot do, and what they share --------------------------------------------------------- */

static int refuse(const char *what, const char *why)
{
    message_error("%s: not with several ranks: %s", what, why);
    return -1;
}

int ranks_check(const struct options *o, const struct inputs *inputs)
{
    if (n_ranks == 1)
        return 0;
    if (o->append)
        return refuse("--append", "a file is laid out as a whole; run one rank, or shmload");
    if (o->part > 0 || o->join)
        return refuse(o->join ? "--join" : "--part", "they are another way to the same end");
    if (o->verify)
        return refuse("--verify", "what has been stored is known to the rank that stored it; run one rank, or shmload");
    if (o->rejects != NULL)
        return refuse("--rejects", "the lines would have to be collected; --max-errors alone works");
    if (o->files_from != NULL && strcmp(o->files_from, "-") == 0)
        return refuse("--files-from -", "only one of them has the standard input; give a file");
    for (size_t i = 0; inputs != NULL && i < inputs->n; i++)
        if (!inputs->input[i].regular)
            return refuse(inputs->input[i].path, "each input is read twice, and anywhere; give files");
    return 0;
}

/* CPUs that the ranks on this machine may use between them. */
static unsigned count_cpus(MPI_Comm here)
{
    enum { BYTES = CPUS_MOST / 8 };
    unsigned char own[BYTES] = {0}, all[BYTES] = {0};
    unsigned n = 0;

    if (sched_getaffinity(0, sizeof own, (cpu_set_t *)(void *)own) != 0)
        return 1;
    MPI_Allreduce(own, all, BYTES, MPI_UNSIGNED_CHAR, MPI_BOR, here);
    for (size_t i = 0; i < BYTES; i++)
        n += (unsigned)__builtin_popcount(all[i]);
    return n;
}

/* --jobs, --memory and SLURM_CPUS_PER_TASK are meant for one rank; all else is the machine's. */
static void divide(const struct options *o, struct resources *r)
{
    unsigned cpus, n;
    MPI_Comm here;
    int n_here;

    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &n_here);
    cpus = count_cpus(here);
    MPI_Comm_free(&here);
    n = (unsigned)n_here;
    if (r->jobs < cpus && strcmp(r->jobs_rule, "affinity mask") != 0)
        cpus = r->jobs; /* the job's on this machine */
    if (o->jobs == 0 && r->jobs > cpus / n && strcmp(r->jobs_rule, "SLURM_CPUS_PER_TASK") != 0)
        r->jobs = cpus / n > 0 ? cpus / n : 1;
    if (o->memory_bytes == 0)
        r->memory_bytes /= n;
}

void ranks_share(const struct options *o, struct resources *r)
{
    uint64_t least[2];

    if (n_ranks == 1)
        return;
    divide(o, r);
    least[0] = r->jobs;
    least[1] = r->memory_bytes;
    MPI_Allreduce(MPI_IN_PLACE, least, 2, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
    r->jobs = (unsigned)least[0];
    r->memory_bytes = least[1];
    r->ranks = (unsigned)n_ranks;
    message_detail("ranks: %d, each with jobs: %u, memory: %llu MiB", n_ranks, r->jobs,
                   (unsigned long long)(r->memory_bytes >> 20));
}
