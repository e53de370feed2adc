/*
 * mpi_ranks.h - what the parts of the program that know MPI share beyond ranks.h.
 *
 * Ranks wait for each other for as long as the slowest one parses, so every collective call is preceded by
 * mpi_ranks_meet(), which sleeps where MPI would burn a CPU that a worker could use, and which hears signals.
 */
#ifndef SHMLOAD_MPI_RANKS_H
#define SHMLOAD_MPI_RANKS_H

#include <stddef.h>
#include <stdint.h>

#include "failure.h"

enum { MPI_RANKS_LEADER = 0 };

/* Tags of messages between two ranks. */
enum { TAG_STOP = 1, TAG_RESULTS, TAG_CHUNKS };

int mpi_ranks_no(void);

/* Return when all ranks have come here. A signal to end ends all ranks. */
void mpi_ranks_meet(void);

/* While waiting for something else: sleep a moment; a signal to end ends all ranks. */
void mpi_ranks_rest(void);

/* The leader's bytes go to all. */
void mpi_ranks_broadcast(void *data, size_t bytes);

/* To or from one other rank, however many bytes. */
void mpi_ranks_send(const void *data, size_t bytes, int to, int tag);
void mpi_ranks_receive(void *data, size_t bytes, int from, int tag);

/* Let the other ranks know that this one has failed: see ranks_stopped(). */
void mpi_ranks_stop(void);

#endif
