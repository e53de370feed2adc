/*
 * progress.c - the line on the terminal while work goes on: share done, MB/s, files done, time left.
 */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "message.h"

static const double quiet_seconds = 1.0; /* a short run needs no line */
static const double pause_seconds = 0.2;

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void progress_init(struct progress *p, uint64_t total_bytes, size_t n_inputs, bool quiet)
{
    *p = (struct progress){
        .shown = !quiet && isatty(STDERR_FILENO),
        .started = now_seconds(),
        .total_bytes = total_bytes,
        .n_inputs = n_inputs,
    };
}

/* Time left if all goes on as it went: '0:12', '1:02:45'. */
static void print_left(char *text, size_t text_bytes, double seconds)
{
    const double most = 99 * 3600.0;
    const unsigned left = (unsigned)((seconds < most ? seconds : most) + 0.5);
    if (left >= 3600)
        snprintf(text, text_bytes, "%u:%02u:%02u", left / 3600, left / 60 % 60, left % 60);
    else
        snprintf(text, text_bytes, "%u:%02u", left / 60, left % 60);
}

const char *progress_line(const struct progress *p, double elapsed, uint64_t done_bytes, size_t n_done, char *line,
                          size_t line_bytes)
{
    const double rate = (double)done_bytes / elapsed;
    const char *doing = p->doing != NULL ? p->doing : "";
    char files[64] = "";
    if (p->n_inputs > 0)
        snprintf(files, sizeof files, ", %zu of %zu file%s", n_done, p->n_inputs, p->n_inputs == 1 ? "" : "s");
    if (p->total_bytes == 0) {
        snprintf(line, line_bytes, "%s%.1f MB, %.0f MB/s%s", doing, (double)done_bytes / 1e6, rate / 1e6, files);
        return line;
    }
    /* A file that grows, or a pipe beside files, gives more than the total. */
    const uint64_t done = done_bytes < p->total_bytes ? done_bytes : p->total_bytes;
    const double share = (double)done / (double)p->total_bytes;
    char left[24] = "?:??";
    if (done > 0)
        print_left(left, sizeof left, (double)(p->total_bytes - done) / rate);
    snprintf(line, line_bytes, "%s%.0f%%, %.0f MB/s%s, %s left", doing, share * 100, rate / 1e6, files, left);
    return line;
}

void progress_show(struct progress *p, uint64_t done_bytes, size_t n_done)
{
    if (!p->shown)
        return;
    const double now = now_seconds();
    if (now - p->started < quiet_seconds || now - p->last < pause_seconds)
        return;
    p->last = now;
    char line[160];
    message_progress(progress_line(p, now - p->started, done_bytes, n_done, line, sizeof line));
}

void progress_end(struct progress *p)
{
    if (p->shown)
        message_progress(NULL);
}
