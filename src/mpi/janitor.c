/*
 * janitor.c - the leader's temporary is removed, however the leader ends.
 */
#include "mpi_janitor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int line = -1; /* the leader's end; its end of file is the leader's end */
static pid_t janitor;

/* The temporary, and what MPI has put beside it under longer names: a lock file of Open MPI's, for one. */
static void remove_all(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    char name[PATH_MAX];
    DIR *directory;

    (void)snprintf(name, sizeof name, "%.*s", (int)(base - path), path);
    directory = opendir(slash != NULL ? name : ".");
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        if (strncmp(entry->d_name, base, strlen(base)) == 0)
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        (void)closedir(directory);
}

/*
 * Nothing of the leader's may stay open here, neither MPI's connections, whose end tells the launcher of the leader's
 * end, nor the temporary, whose lock tells the next run.
 */
static void __attribute__((noreturn)) wait_and_unlink(const char *path, int from)
{
    sigset_t all;
    char word;
    ssize_t n;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    if (from != 0 && dup2(from, 0) != 0)
        _exit(1);
    closefrom(1);
    do
        n = read(0, &word, 1);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        remove_all(path);
    _exit(0);
}

void mpi_janitor_start(const char *path)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    janitor = fork();
    if (janitor == 0)
        wait_and_unlink(path, ends[0]);
    (void)close(ends[0]);
    line = ends[1];
    if (janitor < 0)
        mpi_janitor_end();
}

void mpi_janitor_end(void)
{
    if (line < 0)
        return;
    (void)!write(line, "d", 1);
    (void)close(line);
    line = -1;
    while (janitor > 0 && waitpid(janitor, NULL, 0) < 0 && errno == EINTR)
        ;
    janitor = 0;
}
