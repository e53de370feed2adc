/*
 * shuffle.h - rows of bytes to columns of bytes, as HDF5's shuffle filter stores them.
 */
#ifndef SHMLOAD_SHUFFLE_H
#define SHMLOAD_SHUFFLE_H

#include <stddef.h>

/*
 * Write all first bytes of the rows, then all second bytes, and so on.
 * Shape   n_rows x row_bytes in, row_bytes x n_rows out: byte j of row i goes to columns[j * n_rows + i]
 * Range   any; the two may not overlap
 * Source  HDF5 file format specification, filter 2, whose element is here the whole row
 */
void shuffle(const unsigned char *rows, size_t n_rows, size_t row_bytes, unsigned char *columns);

#endif
