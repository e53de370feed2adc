/*
 * failing.c - a library for LD_PRELOAD that makes the n-th call of one function fail, in whichever process it comes.
 *
 *   FAILING_CALL    the function's name, as in the table below
 *   FAILING_AT      which call of it fails, from 1; 0: none, they are only counted
 *   FAILING_ERRNO   the errno it fails with, a number; 0: it does not fail, but reads or writes half of what it is to
 *   FAILING_EVER    set: all later calls fail too
 *   FAILING_COUNT   a file of 8 bytes, where calls are counted by all processes together
 *   FAILING_CALLER  program: calls from the program itself count; library: those from libraries; else all
 *   FAILING_PROGRAM where the program itself is, as libraries may be linked into it: from-to,from-to, in hexadecimal
 *                   and as nm(1) has the addresses
 *
 * Reads and writes of descriptors 0 to 2 are left alone: messages have to be heard.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *wanted; /* NULL: not ready, nothing fails */
static uint64_t at, *count;
static int error_number;
static bool ever, from_program, from_library;

enum { N_RANGES = 256 };

static struct range {
    uintptr_t from, to;
} program[N_RANGES];
static size_t n_ranges;

/* The first object is the program: it comes first, and all addresses of nm(1) are moved by the same. */
static int find_program(struct dl_phdr_info *object, size_t bytes, void *ranges)
{
    (void)bytes;
    for (const char *text = ranges; text != NULL && *text != '\0' && n_ranges < N_RANGES; n_ranges++) {
        char *end;

        program[n_ranges].from = object->dlpi_addr + strtoul(text, &end, 16);
        program[n_ranges].to = object->dlpi_addr + strtoul(end + (*end == '-'), &end, 16);
        text = end + (*end == ',');
    }
    return 1;
}

static bool is_program(const void *place)
{
    for (size_t i = 0; i < n_ranges; i++)
        if ((uintptr_t)place >= program[i].from && (uintptr_t)place < program[i].to)
            return true;
    return false;
}

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("FAILING_COUNT"), *number = getenv("FAILING_AT"), *caller = getenv("FAILING_CALLER");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (count == MAP_FAILED)
        return;
    dl_iterate_phdr(find_program, getenv("FAILING_PROGRAM"));
    at = number != NULL ? strtoull(number, NULL, 10) : 0;
    number = getenv("FAILING_ERRNO");
    error_number = number != NULL ? atoi(number) : EIO;
    ever = getenv("FAILING_EVER") != NULL;
    from_program = caller != NULL && strcmp(caller, "program") == 0;
    from_library = caller != NULL && strcmp(caller, "library") == 0;
    wanted = getenv("FAILING_CALL");
}

/* Count this call; true when it is to fail, with errno set. */
static bool fails(const char *name, const void *caller)
{
    uint64_t n;

    if (wanted == NULL || strcmp(name, wanted) != 0)
        return false;
    if ((from_program || from_library) && is_program(caller) != from_program)
        return false;
    n = __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    if (at == 0 || n < at || (n > at && !ever))
        return false;
    errno = error_number;
    return true;
}

/* NAME is defined as a function that may fail with 'bad' before it becomes libc's. */
#define FAILING(type, name, bad, parameters, arguments)                          \
    type name parameters                                                        \
    {                                                                           \
        static type (*next) parameters;                                         \
                                                                                \
        if (next == NULL)                                                       \
            next = (type(*) parameters)dlsym(RTLD_NEXT, #name);                 \
        return fails(#name, __builtin_return_address(0)) ? bad : next arguments; \
    }

/* The same for reads and writes, which can also be short. */
#define FAILING_BYTES(name, parameters, arguments)                               \
    ssize_t name parameters                                                     \
    {                                                                           \
        static ssize_t (*next) parameters;                                      \
                                                                                \
        if (next == NULL)                                                       \
            next = (ssize_t(*) parameters)dlsym(RTLD_NEXT, #name);              \
        if (fd > STDERR_FILENO && fails(#name, __builtin_return_address(0))) {  \
            if (error_number != 0)                                              \
                return -1;                                                      \
            n -= n / 2;                                                         \
        }                                                                       \
        return next arguments;                                                  \
    }

/* dlsym(3) itself may ask for memory, so these go to glibc by its own names. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t bytes)
{
    return fails("malloc", __builtin_return_address(0)) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    return fails("malloc", __builtin_return_address(0)) ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return fails("malloc", __builtin_return_address(0)) ? NULL : __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails("malloc", __builtin_return_address(0)) ? NULL : __libc_memalign(alignment, bytes);
}

char *strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = fails("malloc", __builtin_return_address(0)) ? NULL : __libc_malloc(bytes);

    return copy != NULL ? memcpy(copy, text, bytes) : NULL;
}

char *strndup(const char *text, size_t most)
{
    size_t bytes = strnlen(text, most);
    char *copy = fails("malloc", __builtin_return_address(0)) ? NULL : __libc_malloc(bytes + 1);

    if (copy != NULL)
        *(char *)mempcpy(copy, text, bytes) = '\0';
    return copy;
}

int asprintf(char **text, const char *format, ...)
{
    va_list values;
    int n = -1;

    va_start(values, format);
    if (!fails("malloc", __builtin_return_address(0)))
        n = vasprintf(text, format, values);
    va_end(values);
    return n;
}

FAILING(pid_t, fork, -1, (void), ())
FAILING(void *, mmap, MAP_FAILED, (void *where, size_t n, int p, int f, int fd, off_t o), (where, n, p, f, fd, o))
FAILING(int, madvise, -1, (void *where, size_t n, int advice), (where, n, advice))
FAILING(int, socketpair, -1, (int d, int t, int p, int ends[2]), (d, t, p, ends))
FAILING(int, ppoll, -1, (struct pollfd * f, nfds_t n, const struct timespec *t, const sigset_t *m), (f, n, t, m))
FAILING(ssize_t, send, -1, (int fd, const void *b, size_t n, int f), (fd, b, n, f))
FAILING_BYTES(read, (int fd, void *b, size_t n), (fd, b, n))
FAILING_BYTES(write, (int fd, const void *b, size_t n), (fd, b, n))
FAILING_BYTES(pread, (int fd, void *b, size_t n, off_t o), (fd, b, n, o))
FAILING_BYTES(pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o))
FAILING(int, ftruncate, -1, (int fd, off_t n), (fd, n))
FAILING(int, fsync, -1, (int fd), (fd))
FAILING(int, fchmod, -1, (int fd, mode_t m), (fd, m))
FAILING(int, link, -1, (const char *a, const char *b), (a, b))
FAILING(int, rename, -1, (const char *a, const char *b), (a, b))
FAILING(int, stat, -1, (const char *restrict p, struct stat *restrict s), (p, s))
FAILING(int, lstat, -1, (const char *restrict p, struct stat *restrict s), (p, s))
FAILING(int, fstat, -1, (int fd, struct stat *s), (fd, s))
FAILING(off_t, lseek, -1, (int fd, off_t o, int w), (fd, o, w))
FAILING(DIR *, opendir, NULL, (const char *p), (p))
FAILING(FILE *, fopen, NULL, (const char *p, const char *m), (p, m))
FAILING(int, mkostemp, -1, (char *p, int f), (p, f))
FAILING(int, pthread_create, errno, (pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *u), (t, a, f, u))

/* As on Linux, the descriptor is gone even where close(2) fails. */
int close(int fd)
{
    static int (*next)(int);

    if (next == NULL)
        next = (int (*)(int))dlsym(RTLD_NEXT, "close");
    int result = next(fd);
    return fails("close", __builtin_return_address(0)) ? -1 : result;
}

static mode_t mode_of(int flags, va_list values)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(values, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    static int (*next)(const char *, int, ...);
    va_list values;
    mode_t mode;

    va_start(values, flags);
    mode = mode_of(flags, values);
    va_end(values);
    if (next == NULL)
        next = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    return fails("open", __builtin_return_address(0)) ? -1 : next(path, flags, mode);
}

int fcntl(int fd, int command, ...)
{
    static int (*next)(int, int, ...);
    va_list values;
    void *value;

    va_start(values, command);
    value = va_arg(values, void *);
    va_end(values);
    if (next == NULL)
        next = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
    return fails("fcntl", __builtin_return_address(0)) ? -1 : next(fd, command, value);
}
