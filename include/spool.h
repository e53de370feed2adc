/*
 * spool.h - a pipe's bytes kept in a nameless file, so that they can be read twice.
 */
#ifndef SHMLOAD_SPOOL_H
#define SHMLOAD_SPOOL_H

#include <stdint.h>

#include "failure.h"

enum { SPOOL_ERROR = 256 };

/*
 * Copy all of 'from' to a file that has no name and ends with its last descriptor.
 * Place    $TMPDIR, else the directory of 'output' (a path, may be NULL), else /tmp: the first that lets us
 * Owner    the descriptor returned is the caller's, standing at its start; 'from' stays the caller's
 * Errors   -1 with a sentence
 * Source   open(2): O_TMPFILE; where a file system lacks it, mkstemp(3) and unlink(2)
 */
int spool_open(int from, const char *output, uint64_t *bytes, char error[SPOOL_ERROR]) MUST_USE;

/* A nameless file in that directory. Owner the caller, of the descriptor. Errors -1 with errno */
int spool_nameless(const char *directory);

#endif
