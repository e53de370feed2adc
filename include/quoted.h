/*
 * quoted.h - quoted text to fields, RFC 4180; quoted.c is the only file that includes csv.h.
 */
#ifndef SHMLOAD_QUOTED_H
#define SHMLOAD_QUOTED_H

#include <stddef.h>

#include "failure.h"

struct quoted;

/* Errors NULL on no memory. */
struct quoted *quoted_open(void);
void quoted_close(struct quoted *q);

/*
 * Length of the quoted field at 'text' (which begins with a quote), both quotes included; a doubled quote does not end
 * it. 0 when the text ends first.
 */
size_t quoted_extent(const char *text, size_t text_bytes);

/* Forget the fields undone for the record before. */
void quoted_reset(struct quoted *q);

/*
 * Undo the quotes of one field.
 * text      text_bytes as quoted_extent() measured them
 * Shape     *field: field_bytes bytes, into 'text' when nothing had to be undone, else into q's buffer
 * Owner     q, until quoted_reset() or quoted_close()
 * Errors    0, or -1 on no memory
 */
int quoted_undo(struct quoted *q, const char *text, size_t text_bytes, const char **field,
                size_t *field_bytes) MUST_USE;

#endif
