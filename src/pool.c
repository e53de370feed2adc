/*
 * pool.c - at most N workers at once: fork, talk, wait, stop.
 */
#include "pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"

int pool_init(struct pool *p, unsigned n_slots)
{
    memset(p, 0, sizeof *p);
    p->workers = calloc(n_slots, sizeof *p->workers);
    if (p->workers == NULL)
        return -1;
    p->n_slots = n_slots;
    for (unsigned i = 0; i < n_slots; i++)
        p->workers[i].channel = -1;
    return 0;
}

/*
 * A terminal's SIGINT reaches the whole process group; the parent decides what comes of it, so the child ignores it and
 * dies when the parent kills it or ends. The parent may be gone before prctl(2): hence the second look.
 */
static void become_worker(const struct pool *p, unsigned slot, int channel, pid_t parent)
{
    signals_in_child();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    for (unsigned i = 0; i < p->n_slots; i++)
        if (i != slot && p->workers[i].channel >= 0 && p->workers[i].channel != channel)
            close(p->workers[i].channel);
}

int pool_start(struct pool *p, unsigned slot, void (*work)(void *user, int channel), void *user)
{
    pid_t parent = getpid(), pid;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    pid = fork();
    if (pid < 0) {
        int saved = errno;

        close(ends[0]);
        close(ends[1]);
        errno = saved;
        return -1;
    }
    if (pid == 0) {
        close(ends[0]);
        become_worker(p, slot, ends[1], parent);
        work(user, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    p->workers[slot] = (struct pool_worker){.pid = pid, .channel = ends[0]};
    p->n_running++;
    return 0;
}

static void reap(struct pool *p, unsigned slot, int *wait_status)
{
    struct pool_worker *w = &p->workers[slot];

    if (w->channel >= 0)
        close(w->channel);
    while (waitpid(w->pid, wait_status, 0) < 0 && errno == EINTR)
        ;
    *w = (struct pool_worker){.pid = 0, .channel = -1};
    p->n_running--;
}

/* One byte from a worker, or its end. */
static void hear(struct pool *p, unsigned slot, struct pool_news *news)
{
    ssize_t n;

    news->slot = slot;
    do
        n = read(p->workers[slot].channel, &news->said, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1) {
        news->event = POOL_SAID;
        return;
    }
    news->event = POOL_ENDED;
    reap(p, slot, &news->wait_status);
}

void pool_wait(struct pool *p, int tick_ms, struct pool_news *news)
{
    struct timespec tick = {.tv_sec = tick_ms / 1000, .tv_nsec = (long)(tick_ms % 1000) * 1000000};
    struct pollfd fds[p->n_running + 1];
    unsigned slots[p->n_running + 1];
    nfds_t n = 0;
    int ready;

    memset(news, 0, sizeof *news);
    for (unsigned i = 0; i < p->n_slots; i++)
        if (p->workers[i].pid != 0) {
            fds[n] = (struct pollfd){.fd = p->workers[i].channel, .events = POLLIN};
            slots[n++] = i;
        }
    ready = ppoll(fds, n, &tick, signals_mask_before());
    if (signals_caught() != 0) {
        *news = (struct pool_news){.event = POOL_SIGNAL, .signal = signals_caught()};
        return;
    }
    news->event = ready < 0 && errno != EINTR ? POOL_ERROR : POOL_TICK;
    for (nfds_t i = 0; ready > 0 && i < n; i++)
        if (fds[i].revents != 0) {
            hear(p, slots[i], news);
            return;
        }
}

void pool_answer(struct pool *p, unsigned slot)
{
    if (p->workers[slot].pid != 0 && channel_say(p->workers[slot].channel, 'g') != 0)
        kill(p->workers[slot].pid, SIGKILL); /* it is gone, or would wait for ever: its end comes as an event */
}

void pool_kill(struct pool *p, unsigned slot)
{
    int status;

    if (p->workers[slot].pid == 0)
        return;
    kill(p->workers[slot].pid, SIGKILL);
    reap(p, slot, &status);
}

void pool_stop(struct pool *p)
{
    for (unsigned i = 0; i < p->n_slots; i++)
        if (p->workers[i].pid != 0)
            kill(p->workers[i].pid, SIGKILL);
    for (unsigned i = 0; i < p->n_slots; i++)
        pool_kill(p, i);
}

void pool_release(struct pool *p)
{
    if (p->workers == NULL)
        return;
    free(p->workers);
    memset(p, 0, sizeof *p);
}

int channel_say(int channel, char what)
{
    ssize_t n;

    do
        n = send(channel, &what, 1, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : -1;
}

int channel_await(int channel)
{
    ssize_t n;
    char answer;

    do
        n = read(channel, &answer, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : -1;
}
