/*
 * hdf5_library.h - HDF5 as we want it: the one place that includes hdf5.h, and says which versions will do.
 *
 * For the files of the store, which write, standing.c, which reads what stands in a file already, part_file.c, which
 * reads parts, verify.c, which reads back, and those in src/mpi/ that put rows into one file together.
 */
#ifndef SHMLOAD_HDF5_LIBRARY_H
#define SHMLOAD_HDF5_LIBRARY_H

#include <hdf5.h>
#include <stdint.h>

#include "failure.h"

#if !H5_VERSION_GE(1, 10, 2)
#error "HDF5 1.10.2 or newer is needed: H5Fget_eoa, H5Dwrite_chunk, H5Fset_libver_bounds"
#endif

/* Silent, without locks, nothing at exit. Before the first call, and as often as one likes. */
void hdf5_prepare(void);

/* Why the last HDF5 call that failed did so; static text, until the next one fails. */
const char *hdf5_reason(void);

/* The errno behind that, where it was a system call that failed; else 0. */
int hdf5_system_error(void);

/* Make it the reason that there is no memory, for a failure that is ours. */
void hdf5_no_memory(void);

/*
 * Rows [first_row, first_row + n_rows) of a dataset, which are there. As many other dimensions as it has are whole.
 * type    of the values in memory, as a rule the file's
 * Errors  0, or -1 from HDF5
 */
int hdf5_read_rows(hid_t dataset, hid_t type, uint64_t first_row, uint64_t n_rows, void *rows) MUST_USE;
int hdf5_write_rows(hid_t dataset, hid_t type, uint64_t first_row, uint64_t n_rows, const void *rows) MUST_USE;

#endif
