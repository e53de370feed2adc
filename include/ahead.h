/*
 * ahead.h - inflates an input some blocks ahead of who parses it, on a processor that would be idle.
 *
 * The one thread of the program, and within one worker: what it makes is text that is parsed where it lies near, and a
 * process apart would have to be told of, paid for and killed. No fork happens while it runs.
 */
#ifndef SHMLOAD_AHEAD_H
#define SHMLOAD_AHEAD_H

#include <stdint.h>
#include <sys/types.h>

#include "failure.h"
#include "stream.h"

struct ahead;

/*
 * Start to read. The stream is not to be touched until ahead_close().
 * Range   a stream of a file: one that may have to wait for its bytes, as a pipe, could not be stopped
 * Owner   *ahead is the caller's, until ahead_close(); the stream stays the caller's
 * Errors  0, or -1: no memory or no thread to be had, and the stream may be read as it is
 */
int ahead_open(struct ahead **ahead, struct stream *stream) MUST_USE;

/* As stream_read(). */
ssize_t ahead_read(struct ahead *ahead, void *buffer, size_t buffer_bytes, struct failure *failure) MUST_USE;

/* As stream_position(), of the text that has been given out. */
uint64_t ahead_position(const struct ahead *ahead);

void ahead_close(struct ahead *ahead);

#endif
