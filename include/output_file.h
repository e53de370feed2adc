/*
 * output_file.h - one output file that appears under its name complete or not at all.
 *
 * All bytes go to a temporary in the same directory, ".<base>.shmload-<pid>.tmp". It stays locked while this
 * process or a child of it lives, so that the next run can tell the temporary of a dead run from a busy one.
 *
 * 1. output_file_open() checks the name and makes the temporary
 * 2. output_file_write(), output_file_move(), or another library that writes to f->temporary
 * 3. output_file_commit() gives it its name, or output_file_discard() removes it
 */
#ifndef SHMLOAD_OUTPUT_FILE_H
#define SHMLOAD_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "failure.h"

enum { OUTPUT_FILE_ERROR = 512 };

/* A file as it was at some time: another one, or another content, has another stamp. */
struct output_stamp {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec modified;
};

struct output_file {
    int fd;             /* of the temporary, read and write, closed on exec; -1 when there is none */
    bool force;         /* the name may be taken at the end */
    bool replaces;      /* a file had the name at the start; its permission bits go to the new one */
    mode_t mode;        /* those bits */
    bool copies;        /* the temporary began as a copy of that file, */
    struct output_stamp stamp; /* which must not change meanwhile */
    off_t written_back; /* the disk has been asked to take everything before this offset */
    char *name;         /* the name as given, for sentences */
    char *path;         /* the name with symbolic links followed */
    char *directory;    /* the directory of 'path' */
    char *temporary;    /* in 'directory' */
};

/*
 * What can be told before any work: the name is free or may be taken, its directory can be written to.
 * Errors   0, or -1 with one sentence in error
 */
int output_file_check(const char *name, bool force, char error[OUTPUT_FILE_ERROR]) MUST_USE;

/*
 * Make the temporary for 'name', an empty file, and remove those that dead runs for the same name have left.
 * A symbolic link is followed, also one that points to nothing yet: its target will be written.
 * force    false: an existing file is an error
 * Owner    the caller, until output_file_commit() or output_file_discard()
 * Errors   0, or -1 with one sentence in error and nothing to release
 */
int output_file_open(struct output_file *f, const char *name, bool force, char error[OUTPUT_FILE_ERROR]) MUST_USE;

/* Errors   0, or -1 with errno from stat(2) */
int output_file_stamp(const char *name, struct output_stamp *stamp) MUST_USE;

/*
 * As output_file_open() for an existing file, but the temporary begins as a copy of it: without any copying where the
 * file system can share blocks. The file itself is only read; one that is not as 'stamp' says, now or at the commit,
 * is an error, because what another program has put into it would be lost.
 */
int output_file_open_copy(struct output_file *f, const char *name, const struct output_stamp *stamp,
                          char error[OUTPUT_FILE_ERROR]) MUST_USE;

/*
 * Write all bytes at an offset. Large amounts are on their way to the disk before the commit asks for them.
 * Errors   0, or -1 with errno from pwrite(2)
 */
int output_file_write(struct output_file *f, const void *data, size_t bytes, off_t offset) MUST_USE;

/*
 * Ask the disk to begin with what lies before 'end' and has not been asked for, when it is enough to be worth
 * the call. For bytes that came into the file another way; never waits for the disk, never fails.
 */
void output_file_write_back(struct output_file *f, off_t end);

/*
 * Copy bytes within the file; the ranges may overlap. What the target does not cover keeps its old bytes.
 * Errors   0, or -1 with errno from malloc(3), pread(2) or pwrite(2)
 */
int output_file_move(struct output_file *f, off_t from, off_t to, off_t bytes) MUST_USE;

/*
 * A nameless file in the directory of 'f', for bytes on their way; it ends with output_file_discard().
 * Errors   0, or -1 with errno and nothing to release
 */
int output_file_scratch(struct output_file *scratch, const struct output_file *f) MUST_USE;

/* Read all bytes at an offset. Errors 0, or -1 with errno; EIO where the file ends too early */
int output_file_read(const struct output_file *f, void *data, size_t bytes, off_t offset) MUST_USE;

/*
 * Sync the file, and let the system forget its pages, so that what is read next comes from where it is kept. A file
 * system that lives in memory forgets nothing.
 * Errors   0, or -1 with errno from fsync(2)
 */
int output_file_settle(struct output_file *f) MUST_USE;

/* Cut the file at 'end'. Errors 0, or -1 with errno */
int output_file_truncate(struct output_file *f, off_t end) MUST_USE;

/*
 * Sync, give the file its name in one step, sync the directory; releases f either way, and the temporary is gone.
 * Without force a file that has taken the name meanwhile stays and is an error.
 * Errors   0, or -1 with one sentence in error
 */
int output_file_commit(struct output_file *f, char error[OUTPUT_FILE_ERROR]) MUST_USE;

/* Remove the temporary and release f. Keeps errno. */
void output_file_discard(struct output_file *f);

#endif
