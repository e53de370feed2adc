/*
 * stream.h - the bytes of one input, plain or inflated, block by block; the only face of the codecs.
 *
 * 1. stream_open() a path (or "-"), told plain or compressed by its first bytes, never by its name
 * 2. stream_read() until it gives 0
 * 3. stream_close()
 */
#ifndef SHMLOAD_STREAM_H
#define SHMLOAD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "failure.h"

enum codec { CODEC_PLAIN, CODEC_GZIP, CODEC_BZIP2, CODEC_XZ, CODEC_ZSTD };

enum { STREAM_MAGIC = 6 }; /* bytes that settle the codec */

/* What a file's status says of its bytes. The inode's number does not: some file systems give a new one each time. */
struct stream_stamp {
    int64_t bytes, modified_s, modified_ns;
};

/*
 * By magic number: gzip 1f 8b | bzip2 BZh1-9 and 31 41 or 17 72 | xz fd 37 7a 58 5a 00 | zstd 28 b5 2f fd, or 5x 2a
 * 4d 18 of a skippable frame. Fewer bytes than the magic are plain.
 */
enum codec stream_codec(const unsigned char *head, size_t head_bytes);
const char *stream_codec_name(enum codec codec);

struct stream;

/*
 * path     the file, or "-" for standard input
 * Owner    *stream is the caller's, until stream_close()
 * Errors   0, or -1 with failure->code FAILURE_OPEN, FAILURE_READ or FAILURE_MEMORY
 */
int stream_open(struct stream **stream, const char *path, struct failure *failure) MUST_USE;

/*
 * The same on a descriptor. A seekable file is an input from where the descriptor stands now to its end; its place is
 * not moved, so processes may share it.
 * Owner    the descriptor is the stream's from here on: closed by stream_close(), and at once when this fails
 */
int stream_open_fd(struct stream **stream, int fd, struct failure *failure) MUST_USE;

enum codec stream_kind(const struct stream *stream);

/* True of a file, false of what may have to wait for its bytes. */
bool stream_is_seekable(const struct stream *stream);

/*
 * Fill buffer with the next bytes of text; less than asked for only at the end of the input.
 * Errors   bytes read, 0 at the end, or -1 with failure->code FAILURE_READ, FAILURE_TRUNCATED, FAILURE_CORRUPT,
 *          FAILURE_BEHIND or FAILURE_MEMORY; after a failure the same one again. A failure takes the text before it in
 *          the same buffer with it. A compressed stream must end whole: several members in a row are one text (in xz
 *          with zeros between them by fours), zero padding after the last is allowed, any other rest is
 *          FAILURE_BEHIND.
 */
ssize_t stream_read(struct stream *stream, void *buffer, size_t buffer_bytes, struct failure *failure) MUST_USE;

/*
 * Start over at 'offset' bytes from the input's start; past its end there is nothing to read.
 * Errors   0, or -1 (not plain, not seekable)
 */
int stream_seek(struct stream *stream, uint64_t offset) MUST_USE;

/* Where a gzip member begins: in the file, and its text in the text; both in bytes from the input's start. */
struct stream_place {
    uint64_t file, text;
};

/*
 * Start over at a member that is said to begin there.
 * Errors   0, or -1 (not gzip, not seekable)
 */
int stream_seek_member(struct stream *stream, struct stream_place place) MUST_USE;

/*
 * A member must begin just there: if not, reading fails with FAILURE_CORRUPT when it comes that far in the file, or
 * past that byte of text, or to the end. So two parts of a file are the whole of it, when the first one was read past
 * the place where they were cut.
 */
void stream_expect_member(struct stream *stream, struct stream_place place);

/*
 * Where the next byte of the file will be taken, in bytes from the input's start (compressed ones for a compressed
 * stream, which reads ahead): for progress.
 */
uint64_t stream_position(const struct stream *stream);

/* The stamp of the open file. Errors 0, or -1 with errno */
int stream_stamp(const struct stream *stream, struct stream_stamp *stamp) MUST_USE;
struct stream_stamp stream_stamp_of(const struct stat *status);

void stream_close(struct stream *stream);

#endif
