/*
 * bgzf.h - the blocks of a bgzip file: where in the file and in its text they begin, told without inflating any.
 *
 * 1. bgzf_walk() a file
 * 2. its marks are places where reading may begin (stream_seek_member())
 * 3. bgzf_release()
 */
#ifndef SHMLOAD_BGZF_H
#define SHMLOAD_BGZF_H

#include <stddef.h>
#include <stdint.h>

#include "stream.h"

struct bgzf {
    size_t n;
    struct stream_place *marks; /* some of the blocks, without the first one; in order, no two on one byte of text */
    uint64_t text_bytes;        /* of the whole file, as its blocks say */
};

/*
 * Follow the blocks from the file's first byte to its last: each tells its size in a BC extra field and the size of its
 * text at its end. What they say is not proven by it; stream_expect_member() does that while the file is read, and a
 * file whose blocks lie is refused.
 * Range    marks stand about 256 KiB of text apart, further in files of more than 2 GiB: at most 8192
 * Errors   0, or -1 where this is no such file up to its end, or cannot be read, or there is no memory; then it is to
 *          be read as one stream, and whatever ails it will be told by that
 * Source   SAM specification, section 4.1; RFC 1952
 */
int bgzf_walk(struct bgzf *b, const char *path) MUST_USE;
void bgzf_release(struct bgzf *b);

#endif
