/*
 * progress.h - the line on the terminal while work goes on: share done, MB/s, files done, time left.
 *
 * 1. progress_init() when the work starts
 * 2. progress_show() as often as one likes: it draws nothing before a second has passed, then at most five times
 *    a second, and nothing at all where standard error is no terminal or --quiet was given
 * 3. progress_end() wipes the line
 */
#ifndef SHMLOAD_PROGRESS_H
#define SHMLOAD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool shown;                /* on a terminal, and not quiet */
    double started, last;      /* CLOCK_MONOTONIC, seconds */
    uint64_t total_bytes;      /* of input files, as they are on disk, or of what else is to be done; 0: unknown */
    size_t n_inputs;           /* 0: files are not told */
    const char *doing;         /* in front of all else; NULL, as after progress_init(): nothing */
};

void progress_init(struct progress *p, uint64_t total_bytes, size_t n_inputs, bool quiet);

/* done_bytes: of total_bytes, done so far. n_done: inputs stored. */
void progress_show(struct progress *p, uint64_t done_bytes, size_t n_done);
void progress_end(struct progress *p);

/*
 * The line's text: '42%, 1034 MB/s, 17 of 40 files, 0:12 left'; without files where there are none, without share and
 * time left where the total is unknown. elapsed: seconds since the start, > 0. Returns line, cut to line_bytes with the
 * terminator.
 */
const char *progress_line(const struct progress *p, double elapsed, uint64_t done_bytes, size_t n_done, char *line,
                          size_t line_bytes);

#endif
