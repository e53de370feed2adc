/*
 * part.h - a run in parts (--part K/N), each a file of its own that can be made on another machine at another time.
 *
 * Every part looks at samples of all inputs, so that names, headers, types and layouts are those of one run; then it
 * loads its share of them. What the join has to know stands in the group PART_GROUP of its file:
 *
 *     inputs   a row for each input of the part, in their order, and as attributes what part of which run this is
 *     schemas  a row for each schema of the run
 *
 * 1. part_choose() once the inputs are collected
 * 2. part_write() when all datasets are stored
 * 3. part_file.h reads it
 */
#ifndef SHMLOAD_PART_H
#define SHMLOAD_PART_H

#include "infer.h"
#include "inputs.h"
#include "options.h"
#include "store.h"

#define PART_GROUP "shmload_part"
#define PART_INPUTS PART_GROUP "/inputs"
#define PART_SCHEMAS PART_GROUP "/schemas"

enum { PART_DIGEST_BYTES = 17 };

/*
 * Leave the part's inputs to this run: sets inputs->first, end and file_bytes. The parts are runs of inputs in the
 * order of the arguments; of all ways to cut the list the largest part is as small as can be, and no part is empty
 * while there are as many inputs as parts. Only number and sizes of the inputs count, so every part cuts alike.
 * Range    options->n_parts > 0, 0 < options->part <= options->n_parts
 * Errors   0, or -1, said: an input is no regular file, or would be stored where PART_GROUP is
 */
int part_choose(struct inputs *inputs, const struct options *options) MUST_USE;

/*
 * Store what the join has to know.
 * n_rows        stored in this part, and n_rejected set aside
 * most_rows     of each input of the run: what datasets_are_small() goes by
 * source_bytes  with --concat: width of the sources in its index
 * Errors        0, or -1 with a sentence
 */
int part_write(struct store *store, const struct options *options, const struct inputs *inputs,
               const struct finding *findings, const struct schemas *schemas, uint64_t n_rows, uint64_t n_rejected,
               const uint64_t *most_rows, size_t source_bytes, char error[STORE_ERROR]) MUST_USE;

#endif
