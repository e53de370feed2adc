/*
 * store_types.h - the HDF5 types of a schema, for those who read what the store has written.
 */
#ifndef SHMLOAD_STORE_TYPES_H
#define SHMLOAD_STORE_TYPES_H

#include "hdf5_library.h"
#include "schema.h"

/*
 * One type for each dataset that a table of that schema becomes: the compound, the matrix's element, or the columns'.
 * Owner   *ids is the caller's, n of them, until store_types_close()
 * Errors  0, or -1 with *at the field that HDF5 would not take
 */
int store_types_make(const struct schema *schema, hid_t **ids, size_t *n, size_t *at) MUST_USE;

/* NULL is fine. */
void store_types_close(hid_t *ids, size_t n);

#endif
