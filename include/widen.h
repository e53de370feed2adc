/*
 * widen.h - a worker's own wider schema, once a guessed type did not hold.
 *
 * The rows of such a pass are void, but the rest of the slice still has to be looked at. It is read on at full speed
 * with a schema that the misfits widen as they come, so only misfits are looked at one by one.
 */
#ifndef SHMLOAD_WIDEN_H
#define SHMLOAD_WIDEN_H

#include "schema.h"
#include "survey.h"

/*
 * Make 'wider' from 's': guessed fields get the type that holds what their column's surveys (both) saw; strings get
 * room to spare, so that ever longer ones do not come back one by one.
 * surveys, guessed_from   per text column
 * Owner                   *wider: the caller, until schema_release()
 * Errors                  0 or -1 on no memory
 */
int widen_schema(struct schema *wider, const struct schema *s, const bool *inferred, const struct survey *guessed_from,
                 const struct survey *surveys) MUST_USE;

#endif
