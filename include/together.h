/*
 * together.h - load_run() by several ranks into one file.
 *
 * Every rank counts its share of the slices: rows are void, but schema, number of rows and all errors are known then,
 * before anything is written. The leader digests what all have found, lays the file out, and every rank parses its
 * share again and puts its rows where they belong.
 */
#ifndef SHMLOAD_TOGETHER_H
#define SHMLOAD_TOGETHER_H

#include "load.h"

/*
 * settle   makes the schemas anew, on each rank, from surveys that are the same everywhere. Errors 0, or -1, said
 * Shape    plan and load->final change on the way
 * store    as in load_run(), on the leader only
 */
enum load_result together_load(struct load *load, struct plan *plan, int (*settle)(void *user), void *user,
                               struct store **store);

#endif
