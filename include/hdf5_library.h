/*
 * hdf5_library.h - the one place that includes hdf5.h, and says which versions will do.
 *
 * For store.c, which writes, standing.c, which reads what stands in a file already, part_file.c, which reads parts, and
 * verify.c, which reads back.
 */
#ifndef SHMLOAD_HDF5_LIBRARY_H
#define SHMLOAD_HDF5_LIBRARY_H

#include <hdf5.h>

#if !H5_VERSION_GE(1, 10, 2)
#error "HDF5 1.10.2 or newer is needed: H5Fget_eoa, H5Dwrite_chunk, H5Fset_libver_bounds"
#endif

#endif
