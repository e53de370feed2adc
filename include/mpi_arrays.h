/*
 * mpi_arrays.h - rows that need no packing, into one file by all ranks: parallel HDF5, by MPI-IO.
 *
 * 1. mpi_arrays_open() by all ranks together
 * 2. each puts its rows where they belong, when it likes, through the placing
 * 3. mpi_arrays_close() by all ranks together, whatever has happened
 */
#ifndef SHMLOAD_MPI_ARRAYS_H
#define SHMLOAD_MPI_ARRAYS_H

#include "placing.h"

/* Errors  0, or -1 with a sentence; the others may have succeeded */
int mpi_arrays_open(struct placing **placing, const char *path, char error[STORE_ERROR]) MUST_USE;

/* Errors  0, or -1 with a sentence; NULL is fine on all ranks at once */
int mpi_arrays_close(struct placing *placing, char error[STORE_ERROR]) MUST_USE;

#endif
