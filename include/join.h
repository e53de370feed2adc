/*
 * join.h - the parts of a run (--part K/N) to one file: links to them, or a copy of their rows.
 *
 * The parts need not be given in order. That each is there once, and all are of one run, is checked before the output
 * is begun; it appears under its name complete or not at all, as that of every run.
 */
#ifndef SHMLOAD_JOIN_H
#define SHMLOAD_JOIN_H

#include "options.h"

/*
 * Make options->output of the parts in the arguments. With options->copy it is the file that one run over all inputs
 * makes, byte by byte, as long as both have the same libraries for compression; otherwise an external link for each
 * dataset, and a virtual dataset for a concatenation. Says what it did.
 * *n_rejected  lines that were set aside in all parts together
 * Range        signals_hold() comes before; memory stays under a few MiB and a chunk, whatever the parts hold
 * Errors       0, or -1, said, but for a signal; there is no output then
 */
int join_run(const struct options *options, uint64_t *n_rejected) MUST_USE;

#endif
