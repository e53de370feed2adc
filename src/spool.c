/*
 * spool.c - a pipe's bytes kept in a nameless file, so that they can be read twice.
 */
#define _GNU_SOURCE /* O_TMPFILE, mkostemp */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 64 * 1024, PATH_BYTES = 4096 };

static int open_named(const char *directory)
{
    char path[PATH_BYTES];
    int fd, n = snprintf(path, sizeof path, "%s/.shmload-XXXXXX", directory);

    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

int spool_nameless(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    return fd >= 0 ? fd : open_named(directory);
}

/* The directory part of a path, in buffer; "." when it has none. */
static const char *directory_of(const char *path, char *buffer, size_t buffer_bytes)
{
    const char *slash = strrchr(path, '/');
    size_t bytes = slash == path ? 1 : (size_t)(slash != NULL ? slash - path : 0);

    if (bytes == 0 || bytes >= buffer_bytes)
        return ".";
    memcpy(buffer, path, bytes);
    buffer[bytes] = '\0';
    return buffer;
}

static int open_somewhere(const char *output)
{
    char buffer[PATH_BYTES];
    const char *wanted = getenv("TMPDIR");
    int fd = -1;

    if (wanted != NULL && *wanted != '\0')
        fd = spool_nameless(wanted);
    if (fd < 0 && output != NULL)
        fd = spool_nameless(directory_of(output, buffer, sizeof buffer));
    return fd >= 0 ? fd : spool_nameless("/tmp");
}

static int write_all(int fd, const char *block, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(fd, block, bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        block += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int spool_open(int from, const char *output, uint64_t *bytes, char error[SPOOL_ERROR])
{
    char block[BLOCK_BYTES];
    int fd = open_somewhere(output);

    *bytes = 0;
    if (fd < 0) {
        snprintf(error, SPOOL_ERROR, "no place to keep a pipe's text while its types are found (%s): give --dtype, or "
                 "set TMPDIR", strerror(errno));
        return -1;
    }
    for (;;) {
        ssize_t n = read(from, block, sizeof block);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            snprintf(error, SPOOL_ERROR, "read error: %s", strerror(errno));
            goto failed;
        }
        if (n == 0)
            break;
        if (write_all(fd, block, (size_t)n) != 0) {
            snprintf(error, SPOOL_ERROR, "no room to keep a pipe's text while its types are found (%s): give --dtype, "
                     "or set TMPDIR", strerror(errno));
            goto failed;
        }
        *bytes += (uint64_t)n;
    }
    if (lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    snprintf(error, SPOOL_ERROR, "read error: %s", strerror(errno));

failed:
    close(fd);
    return -1;
}
