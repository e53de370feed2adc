/*
 * stream.c - the bytes of one input, plain or inflated.
 *
 * Below, take() hands out the bytes of the file: from a seekable file by pread(2), so that processes that share the
 * descriptor do not move each other's place and peeking needs no giving back; from a pipe by read(2), after the
 * few bytes that were peeked. Above it a plain stream goes straight into the caller's buffer, and a compressed one
 * goes through a buffer of its own and then member by member through its codec into the caller's buffer.
 */
#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"

enum { INPUT_BYTES = 256 << 10 }; /* of compressed bytes read at a time */

struct stream {
    int fd;
    bool seekable;
    bool eof;                         /* take() has met the end */
    uint64_t origin;                  /* where a seekable file stood when it was handed to us */
    uint64_t position;                /* bytes taken, from there */
    unsigned char head[STREAM_MAGIC]; /* peeked from a pipe, to be taken first */
    size_t head_bytes;

    enum codec codec;
    const struct codec_class *class;  /* this and the rest: of a compressed stream only */
    void *state;
    bool in_member;
    unsigned char *input;             /* INPUT_BYTES, of which [in, in + in_bytes) wait to be inflated */
    unsigned char *in;
    size_t in_bytes;
    uint64_t text;                    /* bytes given out, from the input's start */
    struct stream_place expected;     /* a member has to begin here; .file 0: nothing is expected */

    struct failure failure;           /* the first one, told again to whoever reads on */
};

static const struct codec_class *const classes[] = {
    [CODEC_PLAIN] = NULL,
    [CODEC_GZIP] = &codec_gzip,
    [CODEC_BZIP2] = &codec_bzip2,
    [CODEC_XZ] = &codec_xz,
    [CODEC_ZSTD] = &codec_zstd,
};

enum codec stream_codec(const unsigned char *head, size_t head_bytes)
{
    if (head_bytes >= 2 && memcmp(head, "\x1f\x8b", 2) == 0)
        return CODEC_GZIP;
    if (head_bytes >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
        return CODEC_ZSTD;
    if (head_bytes >= 4 && (head[0] & 0xf0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0)
        return CODEC_ZSTD; /* a skippable frame, with which pzstd begins */
    if (head_bytes < 6)
        return CODEC_PLAIN;
    if (memcmp(head, "\xfd" "7zXZ", 6) == 0)
        return CODEC_XZ;
    /* "BZh9" alone could be text: a block's or the stream's end mark must follow. */
    if (memcmp(head, "BZh", 3) == 0 && head[3] >= '1' && head[3] <= '9'
        && (memcmp(head + 4, "\x31\x41", 2) == 0 || memcmp(head + 4, "\x17\x72", 2) == 0))
        return CODEC_BZIP2;
    return CODEC_PLAIN;
}

const char *stream_codec_name(enum codec codec)
{
    static const char *const names[] = {
        [CODEC_PLAIN] = "plain",
        [CODEC_GZIP] = "gzip",
        [CODEC_BZIP2] = "bzip2",
        [CODEC_XZ] = "xz",
        [CODEC_ZSTD] = "zstd",
    };
    return names[codec];
}

/* Always -1, so that callers can return it. */
static int fail(struct failure *failure, int code, int sys_errno)
{
    *failure = (struct failure){ .code = code, .sys_errno = sys_errno, .field = -1 };
    return -1;
}

/* ---- the bytes of the file ---- */

static ssize_t read_some(const struct stream *s, void *buffer, size_t buffer_bytes)
{
    for (;;) {
        ssize_t got = s->seekable ? pread(s->fd, buffer, buffer_bytes, (off_t)(s->origin + s->position))
                                  : read(s->fd, buffer, buffer_bytes);
        if (got >= 0)
            return got;
        if (errno == EAGAIN) /* another process has made our pipe non-blocking: wait as if it had not */
            (void)poll(&(struct pollfd){ .fd = s->fd, .events = POLLIN }, 1, -1);
        else if (errno != EINTR)
            return -1;
    }
}

static size_t take_head(struct stream *s, unsigned char *buffer, size_t buffer_bytes)
{
    size_t n_bytes = s->head_bytes < buffer_bytes ? s->head_bytes : buffer_bytes;
    memcpy(buffer, s->head, n_bytes);
    s->head_bytes -= n_bytes;
    memmove(s->head, s->head + n_bytes, s->head_bytes);
    s->position += n_bytes;
    return n_bytes;
}

/* The next bytes of the file; fewer than asked for only at its end. Errors -1 with failure filled. */
static ssize_t take(struct stream *s, unsigned char *buffer, size_t buffer_bytes)
{
    size_t n_bytes = s->head_bytes > 0 ? take_head(s, buffer, buffer_bytes) : 0;

    while (n_bytes < buffer_bytes && !s->eof) {
        ssize_t got = read_some(s, buffer + n_bytes, buffer_bytes - n_bytes);
        if (got < 0)
            return fail(&s->failure, FAILURE_READ, errno);
        s->eof = got == 0;
        s->position += (size_t)got;
        n_bytes += (size_t)got;
    }
    return (ssize_t)n_bytes;
}

/* ---- members ---- */

/* See to it that at least 'wanted' bytes wait in the input buffer, if the file still has so many. */
static int refill(struct stream *s, size_t wanted)
{
    if (s->in_bytes >= wanted || s->eof)
        return 0;

    memmove(s->input, s->in, s->in_bytes);
    s->in = s->input;
    ssize_t got = take(s, s->input + s->in_bytes, INPUT_BYTES - s->in_bytes);
    if (got < 0)
        return -1;
    s->in_bytes += (size_t)got;
    return 0;
}

/* False when no member begins where one was expected. Asked where one begins, and at the end. */
static bool keeps_its_place(struct stream *s, bool at_end)
{
    uint64_t at = s->position - s->in_bytes;

    if (s->expected.file == 0 || (at < s->expected.file && !at_end))
        return true;
    if (at != s->expected.file || s->text != s->expected.text)
        return false;
    s->expected.file = 0;
    return true;
}

/*
 * Pass over zeros and begin the member that follows.
 * Errors  1 begun, 0 at the end of the input, -1 with failure filled
 */
static int next_member(struct stream *s)
{
    uint64_t n_zeros = 0;

    for (;;) {
        if (refill(s, STREAM_MAGIC) != 0)
            return -1;
        if (s->in_bytes == 0)
            return keeps_its_place(s, true) ? 0 : fail(&s->failure, FAILURE_CORRUPT, 0);
        if (*s->in != 0)
            break;
        s->in++;
        s->in_bytes--;
        n_zeros++;
    }

    if (stream_codec(s->in, s->in_bytes) != s->codec && s->expected.file == 0) { /* else what was expected is wrong */
        (void)fail(&s->failure, FAILURE_BEHIND, 0);
        s->failure.byte_offset = s->position - s->in_bytes - n_zeros;
        return -1;
    }

    size_t gap = s->class->gap_bytes;
    bool gap_fits = n_zeros == 0 || (gap > 0 && n_zeros % gap == 0);
    if (!gap_fits || stream_codec(s->in, s->in_bytes) != s->codec || !keeps_its_place(s, false))
        return fail(&s->failure, FAILURE_CORRUPT, 0);
    if (s->class->begin(s->state) != CODEC_GOES_ON)
        return fail(&s->failure, FAILURE_MEMORY, ENOMEM);
    s->in_member = true;
    return 1;
}

/* Inflate some of the member into the buffer. Errors bytes of text, perhaps 0, or -1 with failure filled. */
static ssize_t step(struct stream *s, unsigned char *buffer, size_t buffer_bytes)
{
    if (refill(s, 1) != 0)
        return -1;

    size_t room = buffer_bytes < CODEC_STEP_BYTES ? buffer_bytes : CODEC_STEP_BYTES;
    struct codec_io io = { .in = s->in, .in_bytes = s->in_bytes, .out = buffer, .out_bytes = room };
    enum codec_status status = s->class->step(s->state, &io);
    bool moved = io.in_bytes != s->in_bytes || io.out_bytes != room;

    s->in = io.in;
    s->in_bytes = io.in_bytes;
    switch (status) {
    case CODEC_GOES_ON:
        /* Without input it waits for more than there is; with input it is stuck on what cannot be. */
        if (!moved)
            return fail(&s->failure, s->in_bytes == 0 ? FAILURE_TRUNCATED : FAILURE_CORRUPT, 0);
        break;
    case CODEC_MEMBER_ENDS:
        s->in_member = false;
        break;
    case CODEC_DAMAGED:
        return fail(&s->failure, FAILURE_CORRUPT, 0);
    case CODEC_NO_MEMORY:
        return fail(&s->failure, FAILURE_MEMORY, ENOMEM);
    }
    s->text += room - io.out_bytes;
    if (s->expected.file != 0 && s->text > s->expected.text) /* its text, and it has not begun */
        return fail(&s->failure, FAILURE_CORRUPT, 0);
    return (ssize_t)(room - io.out_bytes);
}

static ssize_t take_inflated(struct stream *s, unsigned char *buffer, size_t buffer_bytes)
{
    size_t n_bytes = 0;

    while (n_bytes < buffer_bytes) {
        int member = s->in_member ? 1 : next_member(s);
        if (member < 0)
            return -1;
        if (member == 0)
            break;
        ssize_t got = step(s, buffer + n_bytes, buffer_bytes - n_bytes);
        if (got < 0)
            return -1;
        n_bytes += (size_t)got;
    }
    return (ssize_t)n_bytes;
}

/* ---- the face ---- */

/* Learn what kind of file the descriptor is. */
static int look(struct stream *s)
{
    struct stat st;

    if (fstat(s->fd, &st) != 0)
        return fail(&s->failure, FAILURE_OPEN, errno);
    if (S_ISDIR(st.st_mode))
        return fail(&s->failure, FAILURE_OPEN, EISDIR);

    off_t at = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ? lseek(s->fd, 0, SEEK_CUR) : -1;
    s->seekable = at >= 0;
    if (s->seekable) {
        s->origin = (uint64_t)at;
        (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice: nothing is lost without it */
    }
    return 0;
}

/* Settle the codec by the first bytes, and leave them to be taken. */
static int peek(struct stream *s)
{
    ssize_t got = take(s, s->head, STREAM_MAGIC);
    if (got < 0)
        return -1;
    s->codec = stream_codec(s->head, (size_t)got);
    s->position = 0;
    if (s->seekable)
        s->eof = false;
    else
        s->head_bytes = (size_t)got;
    return 0;
}

static int prepare_codec(struct stream *s)
{
    s->class = classes[s->codec];
    if (s->class == NULL)
        return 0;
    s->input = malloc(INPUT_BYTES);
    s->state = s->input != NULL ? s->class->open() : NULL;
    if (s->state == NULL)
        return fail(&s->failure, FAILURE_MEMORY, ENOMEM);
    s->in = s->input;
    return 0;
}

int stream_open_fd(struct stream **stream, int fd, struct failure *failure)
{
    struct stream *s = calloc(1, sizeof *s);
    if (s == NULL) {
        close(fd);
        return fail(failure, FAILURE_MEMORY, ENOMEM);
    }

    s->fd = fd;
    if (look(s) != 0 || peek(s) != 0 || prepare_codec(s) != 0) {
        *failure = s->failure;
        stream_close(s);
        return -1;
    }
    *stream = s;
    return 0;
}

/* A descriptor of our own, also for standard input, so that closing it leaves number 0 taken. */
static int open_path(const char *path)
{
    int fd;

    if (strcmp(path, "-") == 0)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd < 0 && errno == EINTR); /* a FIFO waits for its writer */
    return fd;
}

int stream_open(struct stream **stream, const char *path, struct failure *failure)
{
    int fd = open_path(path);
    if (fd < 0)
        return fail(failure, FAILURE_OPEN, errno);
    return stream_open_fd(stream, fd, failure);
}

enum codec stream_kind(const struct stream *stream)
{
    return stream->codec;
}

bool stream_is_seekable(const struct stream *stream)
{
    return stream->seekable;
}

ssize_t stream_read(struct stream *stream, void *buffer, size_t buffer_bytes, struct failure *failure)
{
    assert(buffer_bytes <= SSIZE_MAX);
    if (stream->failure.code == FAILURE_NONE) {
        ssize_t n_bytes = stream->class == NULL ? take(stream, buffer, buffer_bytes)
                                                : take_inflated(stream, buffer, buffer_bytes);
        if (n_bytes >= 0)
            return n_bytes;
        if (stream->failure.byte_offset == 0)
            stream->failure.byte_offset = stream->position - stream->in_bytes;
    }
    *failure = stream->failure;
    return -1;
}

int stream_seek(struct stream *stream, uint64_t offset)
{
    if (stream->codec != CODEC_PLAIN || !stream->seekable || offset > (uint64_t)INT64_MAX - stream->origin)
        return -1;
    stream->position = offset;
    stream->eof = false;
    stream->failure.code = FAILURE_NONE;
    return 0;
}

int stream_seek_member(struct stream *stream, struct stream_place place)
{
    if (stream->codec != CODEC_GZIP || !stream->seekable || place.file > (uint64_t)INT64_MAX - stream->origin)
        return -1;
    stream->position = place.file;
    stream->text = place.text;
    stream->eof = stream->in_member = false;
    stream->in_bytes = 0;
    stream->failure.code = FAILURE_NONE;
    return 0;
}

void stream_expect_member(struct stream *stream, struct stream_place place)
{
    stream->expected = place;
}

uint64_t stream_position(const struct stream *stream)
{
    return stream->position;
}

struct stream_stamp stream_stamp_of(const struct stat *status)
{
    return (struct stream_stamp){
        .bytes = status->st_size,
        .modified_s = status->st_mtim.tv_sec,
        .modified_ns = status->st_mtim.tv_nsec,
    };
}

int stream_stamp(const struct stream *stream, struct stream_stamp *stamp)
{
    struct stat status;

    if (fstat(stream->fd, &status) != 0)
        return -1;
    *stamp = stream_stamp_of(&status);
    return 0;
}

void stream_close(struct stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->state != NULL)
        stream->class->close(stream->state);
    free(stream->input);
    close(stream->fd);
    free(stream);
}
