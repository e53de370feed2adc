/*
 * mpi_chunks.h - rows that are packed, into one file by all ranks: through the leader.
 *
 * 1. mpi_chunks_open() by the ranks that parse; what they place goes to the leader, and comes to an end by
 *    mpi_chunks_close()
 * 2. meanwhile the leader is in mpi_chunks_serve(), until all of them have closed
 */
#ifndef SHMLOAD_MPI_CHUNKS_H
#define SHMLOAD_MPI_CHUNKS_H

#include "load.h"
#include "placing.h"

/* Errors  0, or -1 with a sentence */
int mpi_chunks_open(struct placing **placing, const struct load *load, char error[STORE_ERROR]) MUST_USE;

/* NULL, which could not be opened, is closed too. */
void mpi_chunks_close(struct placing *placing);

/* path: the file as it was laid out. Errors 0, or -1 with a sentence; in any case all have closed then */
int mpi_chunks_serve(const struct load *load, const char *path, char error[STORE_ERROR]) MUST_USE;

#endif
