/*
 * alone.c - a single rank: what ranks.h and together.h promise, for the program without MPI.
 */
#include <assert.h>
#include <stddef.h>

#include "ranks.h"
#include "together.h"

int ranks_begin(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

unsigned ranks_n(void)
{
    return 1;
}

bool ranks_lead(void)
{
    return true;
}

const char *ranks_library(void)
{
    return NULL;
}

int ranks_agree(int status)
{
    return status;
}

int ranks_check(const struct options *options, const struct inputs *inputs)
{
    (void)options;
    (void)inputs;
    return 0;
}

void ranks_share(const struct options *options, struct resources *resources)
{
    (void)options;
    (void)resources;
}

bool ranks_stopped(void)
{
    return false;
}

int ranks_end(int status)
{
    return status;
}

enum load_result together_load(struct load *load, struct plan *plan, int (*settle)(void *user), void *user,
                               struct store **store)
{
    (void)load;
    (void)plan;
    (void)settle;
    (void)user;
    *store = NULL;
    assert(false && "there is nobody else");
    return LOAD_FAILED;
}
