/*
 * signals.h - the four signals that ask for an end: SIGINT, SIGTERM, SIGHUP, SIGQUIT.
 *
 * Until signals_hold() they end the program as they always do: there is nothing to tidy up yet, and it may be waiting
 * for a pipe. From there to signals_release() they are blocked except while the pool sleeps in ppoll(2), so they
 * arrive between two steps and never inside one: the output is whole or not there.
 */
#ifndef SHMLOAD_SIGNALS_H
#define SHMLOAD_SIGNALS_H

#include <signal.h>

/*
 * SIGPIPE and SIGXFSZ are ignored from now on: a reader who has gone and a file that is too large are errors of
 * write(2).
 */
void signals_ignore(void);

/* Before the first worker and the first file. A signal that was ignored before (nohup(1)) stays ignored. */
void signals_hold(void);

/* The one that arrived or is waiting to, or 0. */
int signals_caught(void);

/* The mask that was in force before: for ppoll(2). */
const sigset_t *signals_mask_before(void);

/*
 * In a forked worker: a terminal's SIGINT reaches the whole process group, but the parent decides what comes of it, so
 * the worker ignores it and dies when the parent kills it or ends.
 */
void signals_in_child(void);

/* Handlers and mask as they were; one of the four that still waits ends the program here. */
void signals_release(void);

#endif
