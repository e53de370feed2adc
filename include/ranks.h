/*
 * ranks.h - several processes that do one run together, on one machine or on many: what main needs to know of them.
 *
 * Each process has a rank, and rank 0 leads: it alone speaks, and gives the output its name. All others do what it
 * does, with the same command line, and where one of them fails all hear of it. The plain program is a single rank and
 * knows no MPI: src/alone.c; the other one has src/mpi/.
 *
 * 1. ranks_begin(), before anything is said
 * 2. ranks_agree() after each thing that may fail on one rank only
 * 3. together_load() instead of load_run()
 * 4. ranks_end() gives the exit status
 */
#ifndef SHMLOAD_RANKS_H
#define SHMLOAD_RANKS_H

#include <stdbool.h>

#include "failure.h"
#include "inputs.h"
#include "options.h"
#include "resources.h"

/* From now on only the leader is heard. Errors 0, or -1 */
int ranks_begin(int *argc, char ***argv) MUST_USE;

unsigned ranks_n(void);
bool ranks_lead(void);

/* Which library joins the ranks, as it calls itself; NULL: none. */
const char *ranks_library(void);

/*
 * 0 when every rank comes with 0, else -1 in all of them. What a rank has said about its failure is said by the leader,
 * unless the leader has failed too and has said what there is to say.
 */
int ranks_agree(int status) MUST_USE;

/* What several ranks cannot do. inputs: NULL before they are known. Errors 0, or -1, said */
int ranks_check(const struct options *options, const struct inputs *inputs) MUST_USE;

/* Divide what a machine has among the ranks on it, and let all ranks reckon with the same. */
void ranks_share(const struct options *options, struct resources *resources);

/* True when another rank has failed and nothing is worth doing any more. */
bool ranks_stopped(void);

/* The leader's exit status, in all of them. */
int ranks_end(int status) MUST_USE;

#endif
