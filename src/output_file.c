/*
 * output_file.c - one output file that appears under its name complete or not at all.
 */
#define _GNU_SOURCE
#include "output_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spool.h"

enum {
    MAX_LINKS = 40,               /* as many symbolic links in a row as the kernel follows */
    MAX_BASE_BYTES = 200,         /* of the output's name in the temporary's, which must stay under NAME_MAX */
    LOCK_WAITS = 50,              /* for another run to unlink what it has locked, */
    LOCK_WAIT_NS = 10 * 1000000,  /* each so long */
    MAX_TRIES = 100,              /* names for the temporary: another host or container may have our pid */
    WRITE_BACK_BYTES = 8 << 20,   /* large enough for the disk, small enough to keep it busy from early on */
    WRITE_BYTES = 32 << 10,       /* one pwrite(2) */
    MOVE_BYTES = 4 << 20,
};

static int failed(char error[OUTPUT_FILE_ERROR], const char *name, const char *doing, int sys_errno)
{
    (void)snprintf(error, OUTPUT_FILE_ERROR, "%.300s: cannot %s: %s", name, doing, strerror(sys_errno));
    return -1;
}

static int refused(char error[OUTPUT_FILE_ERROR], const char *name, const char *reason)
{
    (void)snprintf(error, OUTPUT_FILE_ERROR, "%.300s: %s", name, reason);
    return -1;
}

/* --- names --- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Everything before the base, without the slash: "." where there is none, "/" at the root. Owner the caller. */
static char *directory_name(const char *path)
{
    size_t bytes = (size_t)(base_name(path) - path);

    if (bytes == 0)
        return strdup(".");
    return strndup(path, bytes > 1 ? bytes - 1 : 1);
}

/* The path that a link at 'path' stands for: beside the link, unless it is absolute. Owner the caller. */
static char *link_target(const char *path)
{
    char target[PATH_MAX];
    ssize_t bytes = readlink(path, target, sizeof target - 1);
    size_t before = (size_t)(base_name(path) - path);
    char *joined;

    if (bytes < 0)
        return NULL;
    target[bytes] = '\0';
    if (target[0] == '/')
        before = 0;
    joined = malloc(before + (size_t)bytes + 1);
    if (joined == NULL)
        return NULL;
    memcpy(joined, path, before);
    memcpy(joined + before, target, (size_t)bytes + 1);
    return joined;
}

/* realpath(3) would refuse a link to a file that is still to be made. Errors NULL with errno. */
static char *follow_links(const char *name)
{
    char *path = strdup(name);
    struct stat st;

    for (int n = 0; path != NULL && lstat(path, &st) == 0 && S_ISLNK(st.st_mode); n++) {
        char *next = NULL;

        if (n < MAX_LINKS)
            next = link_target(path);
        else
            errno = ELOOP;
        free(path);
        path = next;
    }
    return path;
}

/* --- what stands under the name already --- */

static int check_existing(struct output_file *f, char error[OUTPUT_FILE_ERROR])
{
    struct stat st;

    if (*base_name(f->path) == '\0')
        return refused(error, f->name, *f->name == '\0' ? "the output needs a name" : "is a directory");
    if (stat(f->path, &st) != 0)
        return errno == ENOENT ? 0 : failed(error, f->name, "create", errno);
    if (S_ISDIR(st.st_mode))
        return refused(error, f->name, "is a directory");
    if (!S_ISREG(st.st_mode))
        return refused(error, f->name, "is not a regular file");
    if (!f->force)
        return refused(error, f->name, "exists; --force replaces it");
    f->replaces = true;
    f->mode = st.st_mode & 0777;
    return 0;
}

/* --- the temporary --- */

/*
 * Lock the whole file for this open file description, which children inherit: the lock lives as long as the run.
 * Not flock(2), which HDF5 may use on the same file.
 * Errors  0, or -1 with errno, EAGAIN or EACCES when somebody else has it
 */
static int lock_temporary(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &whole);
}

static bool is_busy(int sys_errno)
{
    return sys_errno == EAGAIN || sys_errno == EACCES;
}

/* True for ".<base>.shmload-<digits and dashes>.tmp". */
static bool is_temporary_name(const char *entry, const char *base)
{
    char prefix[MAX_BASE_BYTES + 16];
    size_t bytes = (size_t)snprintf(prefix, sizeof prefix, ".%.*s.shmload-", MAX_BASE_BYTES, base);

    if (strncmp(entry, prefix, bytes) != 0 || !isdigit((unsigned char)entry[bytes]))
        return false;
    entry += bytes;
    entry += strspn(entry, "0123456789-");
    return strcmp(entry, ".tmp") == 0;
}

/* Only a lock that we get proves that its run is dead; where files cannot be locked nothing is removed. */
static void remove_if_dead(int directory_fd, const char *entry)
{
    int fd = openat(directory_fd, entry, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && lock_temporary(fd) == 0)
        (void)unlinkat(directory_fd, entry, 0);
    (void)close(fd);
}

/* Tidiness, not duty: whatever fails here is left as it is. */
static void remove_dead_temporaries(const struct output_file *f)
{
    const char *base = base_name(f->path);
    DIR *directory = opendir(f->directory);

    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (is_temporary_name(entry->d_name, base))
            remove_if_dead(dirfd(directory), entry->d_name);
    (void)closedir(directory);
}

/* Errors NULL on no memory. Owner the caller. */
static char *temporary_name(const struct output_file *f, int try_no)
{
    char suffix[16] = "";
    char *name = NULL;

    if (try_no > 0)
        (void)snprintf(suffix, sizeof suffix, "-%d", try_no);
    if (asprintf(&name, "%s/.%.*s.shmload-%ld%s.tmp", f->directory, MAX_BASE_BYTES, base_name(f->path),
                 (long)getpid(), suffix) < 0)
        return NULL;
    return name;
}

/*
 * True when the temporary is ours. Between our open and our lock, another run may have taken it for a dead one:
 * then it holds the lock, or has let go of it after the unlink. It does so at once: where a lock stays taken and the
 * file there, locks do not work, as on some network file systems, and nobody has it.
 */
static bool temporary_is_ours(int fd)
{
    const struct timespec wait = {.tv_nsec = LOCK_WAIT_NS};
    struct stat st;

    for (int n_waits = 0; lock_temporary(fd) != 0 && is_busy(errno) && n_waits < LOCK_WAITS; n_waits++)
        (void)nanosleep(&wait, NULL);
    return fstat(fd, &st) != 0 || st.st_nlink > 0;
}

/* Errors 0, or -1 with errno */
static int make_temporary(struct output_file *f)
{
    /* a private output stays private while it is made; the owner's bits because it is opened again by name */
    mode_t mode = f->replaces ? f->mode | 0600 : 0666;

    for (int try_no = 0; try_no < MAX_TRIES; try_no++) {
        free(f->temporary);
        f->temporary = temporary_name(f, try_no);
        if (f->temporary == NULL)
            return -1;
        f->fd = open(f->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (f->fd >= 0 && temporary_is_ours(f->fd))
            return 0;
        if (f->fd < 0 && errno != EEXIST)
            return -1;
        if (f->fd >= 0)
            (void)close(f->fd);
        f->fd = -1;
    }
    errno = EEXIST;
    return -1;
}

static void release(struct output_file *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    free(f->name);
    free(f->path);
    free(f->directory);
    free(f->temporary);
    *f = (struct output_file){.fd = -1};
}

/* Name, path and directory. Errors 0, or -1 with a sentence and nothing to release */
static int resolve(struct output_file *f, const char *name, bool force, char error[OUTPUT_FILE_ERROR])
{
    *f = (struct output_file){.fd = -1, .force = force};
    f->name = strdup(name);
    f->path = follow_links(name);
    if (f->path != NULL)
        f->directory = directory_name(f->path);
    if (f->name == NULL || f->directory == NULL)
        (void)failed(error, name, "create", errno);
    else if (check_existing(f, error) == 0)
        return 0;
    release(f);
    return -1;
}

int output_file_check(const char *name, bool force, char error[OUTPUT_FILE_ERROR])
{
    struct output_file f;
    int result = 0;

    if (resolve(&f, name, force, error) != 0)
        return -1;
    if (access(f.directory, W_OK | X_OK) != 0)
        result = failed(error, name, "create", errno);
    release(&f);
    return result;
}

int output_file_open(struct output_file *f, const char *name, bool force, char error[OUTPUT_FILE_ERROR])
{
    if (resolve(f, name, force, error) != 0)
        return -1;
    remove_dead_temporaries(f);
    if (make_temporary(f) != 0) {
        (void)failed(error, name, "create", errno);
        release(f);
        return -1;
    }
    return 0;
}

/* --- bytes --- */

void output_file_write_back(struct output_file *f, off_t end)
{
    if (end - f->written_back < WRITE_BACK_BYTES)
        return;
    (void)sync_file_range(f->fd, f->written_back, end - f->written_back, SYNC_FILE_RANGE_WRITE);
    f->written_back = end;
}

/*
 * A write to new pages of the file gets memory in pieces as large as it is. Up to eight pages come from what this
 * processor has freed last, which is warm; larger ones from the memory that was free for longest, which a virtual
 * machine's host has often taken back, and then has to clear and to map anew. So much is written at a time.
 */
static size_t next_write(size_t bytes, off_t offset)
{
    size_t whole = WRITE_BYTES - (size_t)offset % WRITE_BYTES;

    return bytes < whole ? bytes : whole;
}

int output_file_write(struct output_file *f, const void *data, size_t bytes, off_t offset)
{
    const unsigned char *from = data;

    while (bytes > 0) {
        ssize_t n = pwrite(f->fd, from, next_write(bytes, offset), offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (n == 0)
                errno = ENOSPC;
            return -1;
        }
        from += n;
        bytes -= (size_t)n;
        offset += n;
        output_file_write_back(f, offset);
    }
    return 0;
}

/* Errors 0, or -1 with errno; EIO where the file ends too early */
static int read_all(int fd, unsigned char *to, size_t bytes, off_t offset)
{
    while (bytes > 0) {
        ssize_t n = pread(fd, to, bytes, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (n == 0)
                errno = EIO;
            return -1;
        }
        to += n;
        bytes -= (size_t)n;
        offset += n;
    }
    return 0;
}

int output_file_move(struct output_file *f, off_t from, off_t to, off_t bytes)
{
    unsigned char *block = malloc(MOVE_BYTES);
    off_t done = 0;
    int result = block == NULL ? -1 : 0;

    while (result == 0 && done < bytes) {
        off_t n = bytes - done < MOVE_BYTES ? bytes - done : MOVE_BYTES;
        /* as memmove: what moves up starts with its end, so that nothing is overwritten before it is read */
        off_t at = to > from ? bytes - done - n : done;

        if (read_all(f->fd, block, (size_t)n, from + at) != 0 ||
            output_file_write(f, block, (size_t)n, to + at) != 0)
            result = -1;
        done += n;
    }
    free(block);
    return result;
}

int output_file_read(const struct output_file *f, void *data, size_t bytes, off_t offset)
{
    return read_all(f->fd, data, bytes, offset);
}

/* Its bytes need not reach the disk, so that is never asked for. */
int output_file_scratch(struct output_file *scratch, const struct output_file *f)
{
    *scratch = (struct output_file){.written_back = INT64_MAX / 2};
    scratch->fd = spool_nameless(f->directory);
    return scratch->fd >= 0 ? 0 : -1;
}

/* Pages that are not on the disk yet cannot be forgotten: hence the sync. */
int output_file_settle(struct output_file *f)
{
    if (fsync(f->fd) != 0)
        return -1;
    (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED);
    return 0;
}

int output_file_truncate(struct output_file *f, off_t end)
{
    return ftruncate(f->fd, end);
}

/* --- a copy --- */

static struct output_stamp stamp_of(const struct stat *st)
{
    return (struct output_stamp){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

static bool same_stamp(const struct output_stamp *a, const struct output_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

int output_file_stamp(const char *name, struct output_stamp *stamp)
{
    struct stat st;

    if (stat(name, &st) != 0)
        return -1;
    *stamp = stamp_of(&st);
    return 0;
}

/* By read(2) and write(2), from an offset on: what every file system can. */
static int copy_plainly(struct output_file *f, int from, off_t offset, off_t bytes)
{
    unsigned char *block = malloc(MOVE_BYTES);
    int result = block == NULL ? -1 : 0;

    while (result == 0 && offset < bytes) {
        size_t n = bytes - offset < MOVE_BYTES ? (size_t)(bytes - offset) : MOVE_BYTES;

        if (read_all(from, block, n, offset) != 0 || output_file_write(f, block, n, offset) != 0)
            result = -1;
        offset += (off_t)n;
    }
    free(block);
    return result;
}

/* Shared blocks, else a copy within the kernel, else one through us. Errors 0, or -1 with errno */
static int copy_all(struct output_file *f, int from, off_t bytes)
{
    off_t read_at = 0, write_at = 0;

    if (ioctl(f->fd, FICLONE, from) == 0)
        return 0;
    while (read_at < bytes) {
        ssize_t n = copy_file_range(from, &read_at, f->fd, &write_at, (size_t)(bytes - read_at), 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) /* not here, or not these two files; a full disk says so again */
            return copy_plainly(f, from, read_at, bytes);
    }
    return 0;
}

/* Errors 0, or -1 with a sentence */
static int copy_original(struct output_file *f, char error[OUTPUT_FILE_ERROR])
{
    int from = open(f->path, O_RDONLY | O_CLOEXEC);
    struct output_stamp now;
    struct stat st;
    int result = -1;

    if (from < 0)
        return failed(error, f->name, "read", errno);
    if (fstat(from, &st) != 0) {
        (void)failed(error, f->name, "read", errno);
    } else {
        now = stamp_of(&st);
        if (!same_stamp(&now, &f->stamp))
            (void)refused(error, f->name, "has changed meanwhile; nothing was added");
        else if (copy_all(f, from, st.st_size) != 0)
            (void)failed(error, f->name, "copy", errno);
        else
            result = 0;
    }
    (void)close(from);
    return result;
}

int output_file_open_copy(struct output_file *f, const char *name, const struct output_stamp *stamp,
                          char error[OUTPUT_FILE_ERROR])
{
    if (output_file_open(f, name, true, error) != 0)
        return -1;
    f->copies = true;
    f->stamp = *stamp;
    if (copy_original(f, error) == 0)
        return 0;
    output_file_discard(f);
    return -1;
}

static bool has_changed(const struct output_file *f)
{
    struct output_stamp now;

    return f->copies && (output_file_stamp(f->path, &now) != 0 || !same_stamp(&now, &f->stamp));
}

/* --- the end --- */

/* File systems without hard links leave only a look before the rename. Errors 0, or -1 with errno */
static int check_and_rename(const struct output_file *f)
{
    struct stat st;

    if (lstat(f->path, &st) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(f->temporary, f->path);
}

/* rename(2) replaces what is there, link(2) never does. Errors 0, or -1 with errno */
static int take_name(const struct output_file *f)
{
    if (f->force)
        return rename(f->temporary, f->path);
    if (link(f->temporary, f->path) == 0) {
        (void)unlink(f->temporary);
        return 0;
    }
    if (errno == EEXIST)
        return -1;
    return check_and_rename(f);
}

/* Some file systems cannot sync a directory, and one that we may not read cannot be opened: no reason to fail. */
static int sync_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = 0;

    if (fd < 0)
        return 0;
    if (fsync(fd) != 0 && errno != EINVAL && errno != EBADF && errno != ENOTSUP)
        result = -1;
    (void)close(fd);
    return result;
}

int output_file_commit(struct output_file *f, char error[OUTPUT_FILE_ERROR])
{
    int result;

    if (f->replaces && fchmod(f->fd, f->mode) != 0)
        result = failed(error, f->name, "keep its permissions", errno);
    else if (fsync(f->fd) != 0)
        result = failed(error, f->name, "write", errno);
    else if (has_changed(f))
        result = refused(error, f->name, "has changed meanwhile; nothing was added");
    else if (take_name(f) != 0)
        result = errno == EEXIST ? refused(error, f->name, "has appeared meanwhile and is kept; --force replaces it")
                                 : failed(error, f->name, "create", errno);
    else if (sync_directory(f->directory) != 0)
        result = failed(error, f->name, "sync its directory, though the file is complete", errno);
    else
        result = 0;
    if (result != 0)
        output_file_discard(f);
    else
        release(f);
    return result;
}

void output_file_discard(struct output_file *f)
{
    int kept_errno = errno;

    if (f->temporary != NULL)
        (void)unlink(f->temporary);
    release(f);
    errno = kept_errno;
}
