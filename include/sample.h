/*
 * sample.h - some text of an input, read before its parse: from its start, and pieces from further on.
 *
 * 1. sample_open(): the file is opened once and its start is read
 * 2. sample_grow() when that was too little, sample_piece() for text from the middle of a plain file
 * 3. sample_close(): closes, or hands what cannot be opened again on to the finding
 *
 * One sample at a time: the text stands in a buffer that is kept from input to input, so that 100,000 small files
 * cost 100,000 times open, pread and close, and nothing else.
 */
#ifndef SHMLOAD_SAMPLE_H
#define SHMLOAD_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer.h"

enum {
    SAMPLE_TYPED = 16 << 10,   /* bytes of text looked at when the types are given */
    SAMPLE_START = 64 << 10,   /* at the start of a plain file */
    SAMPLE_SURVEY = 16 << 10,  /* of these surveyed for types, when pieces follow */
    SAMPLE_PIECE = 4 << 10,    /* further on */
    SAMPLE_PIECES = 15,
    SAMPLE_WHOLE = SAMPLE_START + SAMPLE_PIECES * SAMPLE_PIECE, /* plain files up to here are read whole */
    SAMPLE_STREAM = 128 << 10, /* at the start of a stream */
    SAMPLE_LARGEST = 64 << 20, /* a first record must end by here */
};

struct sample {
    const char *text;     /* from the input's first byte of text */
    size_t bytes;
    bool ended;           /* that is all of the input */
    enum codec codec;
    bool plain;           /* regular and not compressed: can be read at any offset */
    uint64_t file_bytes;  /* when regular */

    int fd;               /* -1: none, or the stream's */
    bool keep_fd;         /* standard input, or a spooled pipe: there is no path to open again */
    struct stream *stream;
    bool keep_stream;     /* a pipe */
};

/*
 * typed    the types are given: a short look, and a pipe is not spooled
 * Errors   0, or -1 with failure->code set, or FAILURE_NONE there and a sentence in error
 */
int sample_open(struct sample *s, const struct input *input, const struct options *options, bool typed,
                struct failure *failure, char error[SCHEMA_ERROR]) MUST_USE;

/* Read on until there are 'bytes' bytes of text, or all. Errors as sample_open(). */
int sample_grow(struct sample *s, size_t bytes, struct failure *failure) MUST_USE;

/*
 * Text at 'offset' of a plain file; the sample's own text stays. Valid until the next call.
 * Errors   bytes read, or -1 with failure->code
 */
ssize_t sample_piece(const struct sample *s, uint64_t offset, size_t bytes, const char **text,
                     struct failure *failure) MUST_USE;

/*
 * Give the finding what it must carry on (stream, head, descriptor); close the rest.
 * finding  NULL: close all
 * Errors   0, or -1 on no memory, all closed
 */
int sample_close(struct sample *s, struct finding *finding);

/* Free the buffers kept between samples. */
void sample_forget(void);

#endif
