/*
 * signals.c - the four signals that ask for an end: SIGINT, SIGTERM, SIGHUP, SIGQUIT.
 */
#include "signals.h"

#include <stdbool.h>
#include <stddef.h>

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { N_ENDING = sizeof ending / sizeof *ending };

static volatile sig_atomic_t noted;
static bool ignoring, holding;
static struct sigaction before[N_ENDING], pipe_before, size_before;
static sigset_t mask_before;

static void note(int signal)
{
    noted = signal;
}

void signals_ignore(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGPIPE, &ignore, &pipe_before);
    sigaction(SIGXFSZ, &ignore, &size_before);
    ignoring = true;
}

void signals_hold(void)
{
    struct sigaction take_note = {.sa_handler = note};
    sigset_t block;

    noted = 0;
    sigemptyset(&block);
    for (int i = 0; i < N_ENDING; i++) {
        sigaction(ending[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) {
            sigaction(ending[i], &take_note, NULL);
            sigaddset(&block, ending[i]);
        }
    }
    sigprocmask(SIG_BLOCK, &block, &mask_before);
    holding = true;
}

int signals_caught(void)
{
    sigset_t waiting;

    if (noted == 0 && holding && sigpending(&waiting) == 0)
        for (int i = 0; i < N_ENDING; i++)
            if (sigismember(&waiting, ending[i]) == 1)
                return ending[i];
    return noted;
}

const sigset_t *signals_mask_before(void)
{
    return holding ? &mask_before : NULL;
}

void signals_in_child(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    for (int i = 0; i < N_ENDING; i++)
        sigaction(ending[i], &ignore, NULL);
    if (holding)
        sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

void signals_release(void)
{
    if (ignoring) {
        sigaction(SIGPIPE, &pipe_before, NULL);
        sigaction(SIGXFSZ, &size_before, NULL);
        ignoring = false;
    }
    if (!holding)
        return;
    for (int i = 0; i < N_ENDING; i++)
        sigaction(ending[i], &before[i], NULL);
    holding = false;
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
}
