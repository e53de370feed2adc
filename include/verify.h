/*
 * verify.h - reads the finished file back and compares its rows with the seals that the workers took.
 *
 * The rows come the way every reader gets them: through HDF5 and its filters, from a file opened anew, in processes of
 * their own that have none of the writer's memory. store_settle() comes first, so that the bytes are the file's.
 */
#ifndef SHMLOAD_VERIFY_H
#define SHMLOAD_VERIFY_H

#include "infer.h"
#include "inputs.h"
#include "options.h"
#include "seal.h"
#include "store.h"

struct verify {
    const struct options *options;
    const struct inputs *inputs;
    const struct finding *findings;
    const struct schemas *schemas;
    const char *path;          /* of the file to be read */
    unsigned jobs;             /* processes at most */
    uint64_t memory_bytes;     /* for all of them, unless one alone needs more */
    struct seals seals;        /* a seal's dataset is the number of its first input */
};

/* Room for the seals of n_datasets. Owner the caller, until verify_release(). Errors 0, or -1 on no memory */
int verify_init(struct verify *v, size_t n_datasets) MUST_USE;
void verify_release(struct verify *v);

/*
 * Errors  0, or -1 with a sentence: the first difference, with dataset and rows, or what cannot be read. No sentence
 *         where a signal asks to end
 */
int verify_file(const struct verify *v, char error[STORE_ERROR]) MUST_USE;

#endif
