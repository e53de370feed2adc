/*
 * bad_disk.c - a disk that lies, for tests: preloaded, it does one thing wrong and says that all went well.
 *
 * BAD_DISK=HOW,NTH,AT   to the NTH transfer, from 0, of at least LEAST_BYTES:
 *     flip        byte AT of it is written with all its bits turned
 *     drop        it is not written
 *     short       only its first AT bytes are written
 *     elsewhere   it is written AT bytes further on
 *     read        byte AT of what is read back is turned
 *     wait        what is read back never comes; a file 'waiting' in the working directory says so
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { LEAST_BYTES = 32768 };

static char how[16];
static long nth = -1, at;

static void __attribute__((constructor)) begin(void)
{
    const char *text = getenv("BAD_DISK");

    if (text == NULL || sscanf(text, "%15[a-z],%ld,%ld", how, &nth, &at) != 3)
        abort();
}

/* The output while it has no name, not an input. */
static int is_temporary(int fd)
{
    char link[64], name[4096] = "";

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, name, sizeof name - 1) > 0 && strstr(name, ".shmload-") != NULL;
}

static int is_the_one(size_t n, int reading)
{
    static long count;
    int wanted = strcmp(how, "read") == 0 || strcmp(how, "wait") == 0;

    return n >= LEAST_BYTES && wanted == reading && count++ == nth;
}

static ssize_t really_write(int fd, const void *from, size_t n, off_t offset)
{
    ssize_t (*next)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64");

    return next(fd, from, n, offset);
}

static ssize_t write_wrong(int fd, const void *from, size_t n, off_t offset)
{
    unsigned char *copy;

    if (strcmp(how, "drop") == 0)
        return (ssize_t)n;
    if (strcmp(how, "short") == 0)
        return really_write(fd, from, (size_t)at, offset) == at ? (ssize_t)n : -1;
    if (strcmp(how, "elsewhere") == 0)
        return really_write(fd, from, n, offset + at);
    if (at >= (long)n)
        abort();
    copy = malloc(n);
    memcpy(copy, from, n);
    copy[at] = (unsigned char)~copy[at];
    n = (size_t)really_write(fd, copy, n, offset);
    free(copy);
    return (ssize_t)n;
}

ssize_t pwrite64(int fd, const void *from, size_t n, off64_t offset)
{
    return is_the_one(n, 0) ? write_wrong(fd, from, n, offset) : really_write(fd, from, n, offset);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t offset)
{
    return pwrite64(fd, from, n, offset);
}

ssize_t pread64(int fd, void *to, size_t n, off64_t offset)
{
    ssize_t (*next)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread64");
    ssize_t got = next(fd, to, n, offset);

    if (got <= at || !is_temporary(fd) || !is_the_one(n, 1))
        return got;
    if (strcmp(how, "wait") == 0 && close(creat("waiting", 0666)) == 0)
        for (;;)
            pause();
    ((unsigned char *)to)[at] ^= 0xff;
    return got;
}

ssize_t pread(int fd, void *to, size_t n, off_t offset)
{
    return pread64(fd, to, n, offset);
}
