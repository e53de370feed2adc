/*
 * rejects.h - the file of the lines that were set aside: tab separated, one line for each.
 *
 * Columns: file, line, byte offset, column, reason, text. The text is the rest of the line; a line feed inside it (a
 * quoted field may have one) is written as \n.
 */
#ifndef SHMLOAD_REJECTS_H
#define SHMLOAD_REJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "failure.h"
#include "schema.h"

struct rejects;

/* path NULL: keep none; *rejects is NULL then. An existing file is refused unless 'force'. Errors 0 or -1, said. */
int rejects_open(struct rejects **rejects, const char *path, bool force) MUST_USE;

/* NULL is fine. Errors are kept for rejects_close(). */
void rejects_add(struct rejects *r, const char *input_path, const struct schema *schema, const struct failure *failure,
                 const char *text, size_t text_bytes);

/* keep: false removes the file again. Errors 0 or -1, said. */
int rejects_close(struct rejects *r, bool keep) MUST_USE;

#endif
