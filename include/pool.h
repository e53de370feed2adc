/*
 * pool.h - at most N workers at once: fork, talk, wait, stop. It is handed the work as a function and knows nothing
 * of it.
 *
 * A worker and its parent have one channel, a socketpair. The worker says one byte at a time; the parent answers one.
 * The end of file on it is how a worker's end is noticed, whatever ended it.
 *
 * 1. pool_init(), after signals_hold()
 * 2. pool_start() a worker in a free slot; pool_wait() for the next event; pool_answer() a worker that waits
 * 3. pool_stop() kills and reaps what is left; pool_release()
 */
#ifndef SHMLOAD_POOL_H
#define SHMLOAD_POOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "failure.h"

struct pool_worker {
    pid_t pid;    /* 0: the slot is free */
    int channel;  /* the parent's end, -1 when closed */
};

struct pool {
    unsigned n_slots;
    struct pool_worker *workers;
    unsigned n_running;
};

enum pool_event { POOL_SAID, POOL_ENDED, POOL_SIGNAL, POOL_TICK, POOL_ERROR };

struct pool_news {
    enum pool_event event;
    unsigned slot;
    char said;       /* POOL_SAID */
    int wait_status; /* POOL_ENDED */
    int signal;      /* POOL_SIGNAL: SIGINT, SIGTERM, SIGHUP or SIGQUIT was sent to us */
};

/* Errors 0 or -1 with errno. */
int pool_init(struct pool *p, unsigned n_slots) MUST_USE;

/*
 * Fork a worker for a free slot. In the child: signals_in_child(), death with the parent, every
 * other worker's channel closed; then work(user, channel), then _exit(0).
 * Errors  0, or -1 with errno (EAGAIN: no more processes now)
 */
int pool_start(struct pool *p, unsigned slot, void (*work)(void *user, int channel), void *user) MUST_USE;

/* The next event, or POOL_TICK after tick_ms without one. */
void pool_wait(struct pool *p, int tick_ms, struct pool_news *news);

/* Let the worker in that slot go on. One that is gone, or cannot be told and is killed, is noticed by pool_wait(). */
void pool_answer(struct pool *p, unsigned slot);

/* Kill and reap one worker, or all of them. */
void pool_kill(struct pool *p, unsigned slot);
void pool_stop(struct pool *p);

void pool_release(struct pool *p);

/* In the worker: say a byte; wait for the answer. Errors 0, or -1: the parent is gone. */
int channel_say(int channel, char what) MUST_USE;
int channel_await(int channel) MUST_USE;

#endif
