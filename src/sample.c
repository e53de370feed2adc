/*
 * sample.c - some text of an input, read before its parse.
 */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "spool.h"

/* ---- buffers that stay ----------------------------------------------------------------------------------------- */

struct buffer {
    char *block;          /* KERNEL_PAD bytes, the text, KERNEL_PAD bytes */
    size_t capacity;      /* of the text */
};

static struct buffer start_buffer, piece_buffer;

static char *buffer_text(const struct buffer *b)
{
    return b->block + KERNEL_PAD;
}

/* Room for that many bytes; what was there stays. */
static int buffer_reserve(struct buffer *b, size_t bytes, struct failure *failure)
{
    char *grown;

    if (bytes <= b->capacity)
        return 0;
    grown = realloc(b->block, bytes + 2 * KERNEL_PAD);
    if (grown == NULL) {
        failure->code = FAILURE_MEMORY;
        return -1;
    }
    b->block = grown;
    b->capacity = bytes;
    return 0;
}

void sample_forget(void)
{
    free(start_buffer.block);
    free(piece_buffer.block);
    start_buffer = piece_buffer = (struct buffer){0};
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static int fail(struct failure *failure, int code)
{
    failure->code = code;
    failure->sys_errno = errno;
    return -1;
}

/* Until 'bytes' are there or the file ends. */
static ssize_t read_at(int fd, char *text, size_t bytes, uint64_t offset, struct failure *failure)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t n = pread(fd, text + done, bytes - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(failure, FAILURE_READ);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* A file that says it has no bytes may be one of /proc: its end is where reading ends. */
static int grow_plain(struct sample *s, size_t bytes, struct failure *failure)
{
    ssize_t n;

    if (s->file_bytes > 0 && bytes > s->file_bytes)
        bytes = (size_t)s->file_bytes;
    n = read_at(s->fd, buffer_text(&start_buffer) + s->bytes, bytes - s->bytes, s->bytes, failure);
    if (n < 0)
        return -1;
    s->ended = s->bytes + (size_t)n < bytes || (s->file_bytes > 0 && bytes == s->file_bytes);
    s->bytes += (size_t)n;
    return 0;
}

static int grow_stream(struct sample *s, size_t bytes, struct failure *failure)
{
    ssize_t n = stream_read(s->stream, buffer_text(&start_buffer) + s->bytes, bytes - s->bytes, failure);

    if (n < 0)
        return -1;
    s->bytes += (size_t)n;
    s->ended = s->bytes < bytes;
    return 0;
}

int sample_grow(struct sample *s, size_t bytes, struct failure *failure)
{
    if (s->ended || bytes <= s->bytes)
        return 0;
    if (buffer_reserve(&start_buffer, bytes > SAMPLE_WHOLE ? bytes : SAMPLE_WHOLE, failure) != 0)
        return -1;
    s->text = buffer_text(&start_buffer);
    return s->stream != NULL ? grow_stream(s, bytes, failure) : grow_plain(s, bytes, failure);
}

ssize_t sample_piece(const struct sample *s, uint64_t offset, size_t bytes, const char **text, struct failure *failure)
{
    if (buffer_reserve(&piece_buffer, bytes, failure) != 0)
        return -1;
    *text = buffer_text(&piece_buffer);
    return read_at(s->fd, buffer_text(&piece_buffer), bytes, offset, failure);
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

static int open_input(struct sample *s, const struct input *input, struct failure *failure, char error[SCHEMA_ERROR])
{
    if (strcmp(input->path, "-") != 0) {
        s->fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        return s->fd >= 0 ? 0 : fail(failure, FAILURE_OPEN);
    }
    s->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (s->fd >= 0)
        return 0;
    if (errno != EBADF)
        return fail(failure, FAILURE_OPEN);
    snprintf(error, SCHEMA_ERROR, "standard input is closed");
    return -1;
}

/* Standard input may well be a file, by redirection: then it is as good as one, read from its start. */
static bool is_whole_file(struct sample *s)
{
    struct stat status;

    if (fstat(s->fd, &status) != 0 || !S_ISREG(status.st_mode) || lseek(s->fd, 0, SEEK_CUR) != 0)
        return false;
    s->file_bytes = (uint64_t)status.st_size;
    return true;
}

static int spool(struct sample *s, const char *output, char error[SCHEMA_ERROR])
{
    int fd = spool_open(s->fd, output, &s->file_bytes, error);

    if (fd < 0)
        return -1;
    close(s->fd);
    s->fd = fd;
    return 0;
}

static int open_stream(struct sample *s, struct failure *failure)
{
    int fd = s->fd;

    if (s->keep_fd)
        fd = fcntl(s->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    else
        s->fd = -1;
    if (fd < 0)
        return fail(failure, FAILURE_OPEN);
    s->bytes = 0;
    s->ended = false;
    return stream_open_fd(&s->stream, fd, failure);
}

static bool has_ending(const char *path, const char *ending)
{
    size_t bytes = strlen(path), ending_bytes = strlen(ending);

    return bytes >= ending_bytes && strcmp(path + bytes - ending_bytes, ending) == 0;
}

/*
 * A file that ends before its codec can be told is text, but not where it has the name and the first bytes of one:
 * it was cut off.
 */
static int refuse_stub(const struct sample *s, const char *path, struct failure *failure)
{
    static const struct {
        const char *ending, *magic;
        enum codec codec;
    } stubs[] = {{".gz", "\x1f\x8b", CODEC_GZIP}, {".bz2", "BZh", CODEC_BZIP2}, {".xz", "\xfd" "7zXZ", CODEC_XZ},
                 {".zst", "\x28\xb5\x2f\xfd", CODEC_ZSTD}};

    for (size_t i = 0; i < sizeof stubs / sizeof *stubs; i++) {
        const char *codec = stream_codec_name(stubs[i].codec);
        size_t magic_bytes = strlen(stubs[i].magic);

        if (!s->ended || s->bytes == 0 || s->bytes > 5 || !has_ending(path, stubs[i].ending) ||
            memcmp(s->text, stubs[i].magic, s->bytes < magic_bytes ? s->bytes : magic_bytes) != 0)
            continue;
        failure->code = FAILURE_TRUNCATED;
        failure_quote(failure, codec, strlen(codec));
        return -1;
    }
    return 0;
}

/* What a regular file begins with tells whether it is read as it is. */
static int start_regular(struct sample *s, const char *path, bool typed, struct failure *failure)
{
    size_t bytes = typed ? SAMPLE_TYPED : s->file_bytes <= SAMPLE_WHOLE ? SAMPLE_WHOLE : SAMPLE_START;

    if (sample_grow(s, bytes, failure) != 0)
        return -1;
    s->codec = stream_codec((const unsigned char *)s->text, s->bytes);
    s->plain = s->codec == CODEC_PLAIN;
    if (s->plain)
        return refuse_stub(s, path, failure);
    if (open_stream(s, failure) != 0)
        return -1;
    return sample_grow(s, typed ? SAMPLE_TYPED : SAMPLE_STREAM, failure);
}

static int start_pipe(struct sample *s, struct failure *failure)
{
    s->keep_stream = true;
    if (open_stream(s, failure) != 0)
        return -1;
    s->codec = stream_kind(s->stream);
    return sample_grow(s, SAMPLE_TYPED, failure);
}

int sample_open(struct sample *s, const struct input *input, const struct options *options, bool typed,
                struct failure *failure, char error[SCHEMA_ERROR])
{
    bool regular = input->regular;
    int status;

    *s = (struct sample){.fd = -1, .file_bytes = input->file_bytes};
    if (open_input(s, input, failure, error) != 0)
        return -1;
    if (!regular) {
        regular = is_whole_file(s);
        if (!regular && !typed) {
            if (spool(s, options->output, error) != 0)
                goto failed;
            regular = true;
        }
        s->keep_fd = regular;
    }
    status = regular ? start_regular(s, input->path, typed, failure) : start_pipe(s, failure);
    if (status == 0)
        return 0;

failed:
    sample_close(s, NULL);
    return -1;
}

int sample_close(struct sample *s, struct finding *finding)
{
    int status = 0;

    if (finding != NULL && s->keep_stream) {
        finding->head = malloc(s->bytes + 2 * KERNEL_PAD);
        if (finding->head != NULL) {
            memcpy(finding->head, s->text, s->bytes);
            finding->head_bytes = s->bytes;
            finding->stream = s->stream;
            s->stream = NULL;
        } else {
            status = -1;
        }
    }
    if (finding != NULL && s->keep_fd) {
        finding->fd = s->fd;
        finding->fd_bytes = s->file_bytes;
        s->fd = -1;
    }
    if (s->stream != NULL)
        stream_close(s->stream);
    if (s->fd >= 0)
        close(s->fd);
    s->stream = NULL;
    s->fd = -1;
    return status;
}
