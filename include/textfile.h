/*
 * textfile.h - a small text file read whole: lists of inputs, dtypes.
 */
#ifndef SHMLOAD_TEXTFILE_H
#define SHMLOAD_TEXTFILE_H

#include <stddef.h>

#include "failure.h"

enum { TEXTFILE_LARGEST = 256 << 20 }; /* bytes; /dev/zero and the like must end somewhere */

/*
 * Read 'path' ("-": standard input) to its end.
 * Shape   *text: *text_bytes bytes, whatever they are, and a NUL behind them
 * Owner   *text is the caller's, to free()
 * Errors  0, or -1 with errno (EFBIG past TEXTFILE_LARGEST)
 */
int textfile_read(const char *path, char **text, size_t *text_bytes) MUST_USE;

#endif
