/*
 * textfile.c - a small text file read whole: lists of inputs, dtypes.
 */
#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_ROOM = 4096 };

static int read_to_end(int fd, char **text, size_t *text_bytes)
{
    size_t room = FIRST_ROOM, n = 0;
    char *buffer = malloc(room);
    ssize_t got = 1;

    while (buffer != NULL && got != 0) {
        got = read(fd, buffer + n, room - n - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        n += (size_t)got;
        if (n + 1 < room)
            continue;
        room *= 2;
        char *larger = n < TEXTFILE_LARGEST ? realloc(buffer, room) : NULL;
        if (larger == NULL) {
            errno = n < TEXTFILE_LARGEST ? ENOMEM : EFBIG;
            got = -1;
            break;
        }
        buffer = larger;
    }
    if (buffer == NULL || got < 0) {
        const int errno_kept = errno;
        free(buffer);
        errno = errno_kept;
        return -1;
    }
    buffer[n] = '\0';
    *text = buffer;
    *text_bytes = n;
    return 0;
}

int textfile_read(const char *path, char **text, size_t *text_bytes)
{
    const int standard_input = strcmp(path, "-") == 0;
    const int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;

    const int result = read_to_end(fd, text, text_bytes);
    if (!standard_input) {
        const int errno_kept = errno;
        close(fd);
        errno = errno_kept;
    }
    return result;
}
