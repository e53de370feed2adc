/*
 * bgzf.c - the blocks of a bgzip file.
 *
 *     block:  | 1f 8b 08 flags, 6 bytes | XLEN | extra: .. 'B' 'C' 2 0 BSIZE .. | deflate .. | CRC | ISIZE | next block
 *
 * One read of a few bytes around each seam tells the size of the text before it and the length of the block behind it.
 */
#include "bgzf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ISIZE_BYTES = 4,
    HEADER_BYTES = 12,       /* of a member, XLEN included */
    EXTRA_BYTES = 244,       /* a BC field further behind is not looked for */
    BLOCK_LEAST = HEADER_BYTES + 6 + 2 + 8,
    MARKS_MOST = 8192,
    APART_LEAST = 256 << 10, /* bytes of text between marks */
    AHEAD_BYTES = 8 << 20,   /* asked of the disk in one piece: small reads far apart would come one by one */
};

struct walk {
    int fd;
    uint64_t file_bytes, asked; /* the disk has been asked for so much */
    struct stream_place at;     /* of the block at hand */
    uint64_t apart;
};

static uint32_t little_endian(const unsigned char *bytes, size_t n)
{
    uint32_t value = 0;

    while (n-- > 0)
        value = value << 8 | bytes[n];
    return value;
}

/* BSIZE, the length of the block, from its header; 0: it has none. */
static uint32_t block_bytes(const unsigned char *header, size_t n_bytes)
{
    const unsigned char *at = header + HEADER_BYTES, *end;

    if (n_bytes < HEADER_BYTES || memcmp(header, "\x1f\x8b\x08", 3) != 0 || (header[3] & 4) == 0)
        return 0;
    end = at + little_endian(header + 10, 2);
    if (end > header + n_bytes)
        return 0;
    while (end - at >= 4) {
        uint32_t field_bytes = little_endian(at + 2, 2);

        if (memcmp(at, "BC", 2) == 0 && field_bytes == 2 && end - at >= 6)
            return little_endian(at + 4, 2) + 1;
        at += field_bytes + 4 < end - at ? field_bytes + 4 : end - at;
    }
    return 0;
}

static ssize_t read_at(struct walk *w, unsigned char *bytes, size_t n_bytes, uint64_t offset)
{
    ssize_t n;

    if (offset + AHEAD_BYTES / 2 > w->asked) {
        (void)posix_fadvise(w->fd, (off_t)w->asked, AHEAD_BYTES, POSIX_FADV_WILLNEED); /* advice */
        w->asked += AHEAD_BYTES;
    }
    do
        n = pread(w->fd, bytes, n_bytes, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Remember the block at hand, if the one before is far enough away; of too many every second one is dropped. */
static void mark(struct bgzf *b, struct walk *w)
{
    if (w->at.text - (b->n > 0 ? b->marks[b->n - 1].text : 0) < w->apart)
        return;
    if (b->n == MARKS_MOST) {
        for (size_t i = 0; i < MARKS_MOST / 2; i++)
            b->marks[i] = b->marks[2 * i + 1];
        b->n = MARKS_MOST / 2;
        w->apart *= 2;
    }
    b->marks[b->n++] = w->at;
}

static int walk_blocks(struct bgzf *b, struct walk *w)
{
    unsigned char bytes[ISIZE_BYTES + HEADER_BYTES + EXTRA_BYTES];
    unsigned char *header = bytes + ISIZE_BYTES;
    ssize_t n = read_at(w, header, sizeof bytes - ISIZE_BYTES, 0);

    while (n > 0) {
        uint32_t length = block_bytes(header, (size_t)n);

        if (length < BLOCK_LEAST || length > w->file_bytes - w->at.file)
            return -1;
        w->at.file += length;
        n = read_at(w, bytes, sizeof bytes, w->at.file - ISIZE_BYTES);
        if (n < ISIZE_BYTES)
            return -1;
        n -= ISIZE_BYTES;
        w->at.text += little_endian(bytes, ISIZE_BYTES);
        if (n > 0)
            mark(b, w);
    }
    b->text_bytes = w->at.text;
    return w->at.file == w->file_bytes ? 0 : -1;
}

int bgzf_walk(struct bgzf *b, const char *path)
{
    struct walk w = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), .apart = APART_LEAST};
    struct stat status;
    int result = -1;

    *b = (struct bgzf){0};
    if (w.fd < 0)
        return -1;
    b->marks = malloc(MARKS_MOST * sizeof *b->marks);
    if (b->marks != NULL && fstat(w.fd, &status) == 0) {
        w.file_bytes = (uint64_t)status.st_size;
        result = walk_blocks(b, &w);
    }
    close(w.fd);
    if (result != 0)
        bgzf_release(b);
    return result;
}

void bgzf_release(struct bgzf *b)
{
    free(b->marks);
    *b = (struct bgzf){0};
}
