/*
 * gather.h - packed rows to one array for each field, and back.
 *
 * n rows make n * row_bytes of arrays, one behind the other in the order of the fields: field f's array begins at
 * n * f->offset.
 */
#ifndef SHMLOAD_GATHER_H
#define SHMLOAD_GATHER_H

#include <stddef.h>

#include "schema.h"

/* Shape  both n_rows x schema->row_bytes bytes, no byte in common; n_rows may be 0 */
void gather_columns(const struct schema *schema, const void *rows, size_t n_rows, void *columns);

/* One field's array into its places in the rows. Shape  column: n_rows x the field's bytes */
void scatter_column(const struct schema *schema, size_t field, const void *column, size_t n_rows, void *rows);

/* Bytes that a field takes in the row. */
size_t gather_field_bytes(const struct field *f);

#endif
