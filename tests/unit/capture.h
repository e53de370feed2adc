/*
 * capture.h - what the code under test prints on a descriptor, as a string.
 */
#ifndef SHMLOAD_TEST_CAPTURE_H
#define SHMLOAD_TEST_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct capture {
    int fd;    /* 1 or 2, which go to a nameless file for a while */
    int before;
    FILE *file;
};

static inline struct capture capture_start(int fd)
{
    struct capture c = {.fd = fd, .file = tmpfile()};

    fflush(stdout);
    c.before = dup(fd);
    if (c.file == NULL || c.before < 0 || dup2(fileno(c.file), fd) < 0)
        abort();
    return c;
}

/* Returned string: the caller's, to free(). */
static inline char *capture_stop(struct capture *c)
{
    char *text = NULL;
    size_t text_bytes = 0;

    fflush(stdout);
    dup2(c->before, c->fd);
    close(c->before);
    rewind(c->file);
    if (getdelim(&text, &text_bytes, '\0', c->file) < 0) {
        free(text);
        text = calloc(1, 1);
    }
    fclose(c->file);
    return text;
}

#endif
