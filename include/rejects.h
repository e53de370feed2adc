/*
 * rejects.h - the file of the lines that were set aside: tab separated, one line for each.
 *
 * Columns: file, line, byte offset, column, reason, text. The text is the rest of the line; a line feed inside it (a
 * quoted field may have one) is written as \n.
 *
 * 1. rejects_open(); the file has a temporary name, as the output has (output_file.h)
 * 2. rejects_add() for each line
 * 3. rejects_finish(), when all are there; rejects_commit() when the output has its name; or rejects_discard()
 */
#ifndef SHMLOAD_REJECTS_H
#define SHMLOAD_REJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "failure.h"
#include "schema.h"

struct rejects;

/* path NULL: keep none; *rejects is NULL then, and fine below. Errors 0, or -1, said: it exists and no 'force', ... */
int rejects_open(struct rejects **rejects, const char *path, bool force) MUST_USE;

/* Errors are kept for rejects_finish(). */
void rejects_add(struct rejects *r, const char *input_path, const struct schema *schema, const struct failure *failure,
                 const char *text, size_t text_bytes);

/* Everything is on the disk then, and only the name is missing. Errors 0, or -1, said; discard it. */
int rejects_finish(struct rejects *r) MUST_USE;

/* Give it its name; r is gone either way. Errors 0, or -1, said, and no file. */
int rejects_commit(struct rejects *r) MUST_USE;

void rejects_discard(struct rejects *r);

#endif
