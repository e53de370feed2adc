/*
 * codes.h - columns that are text for a few words among numbers: told at the end of a run, with what helps.
 */
#ifndef SHMLOAD_CODES_H
#define SHMLOAD_CODES_H

#include "infer.h"

/*
 * Say which columns are text because of one code, such as '?', among numbers: it may stand for a missing value that no
 * --na lists; and which are because their numbers are misspelt, or have decimal commas. As far as the surveys go.
 */
void codes_tell(const struct schemas *schemas, const struct finding *findings, const struct inputs *inputs,
                const struct options *options);

#endif
