/*
 * mpi_janitor.h - the leader's temporary is removed, however the leader ends.
 *
 * When one rank is lost, MPI kills the others, and SIGKILL leaves no time to tidy up. So a child in a session of its
 * own, which launchers do not kill with the ranks, waits for the leader's end and removes the temporary, if there is
 * one.
 *
 * 1. mpi_janitor_start() when the temporary is there
 * 2. mpi_janitor_end() when it is gone, or has its name
 */
#ifndef SHMLOAD_MPI_JANITOR_H
#define SHMLOAD_MPI_JANITOR_H

/* A system that gives no child or no pipe has no janitor: the next run would remove the temporary then. */
void mpi_janitor_start(const char *path);
void mpi_janitor_end(void);

#endif
