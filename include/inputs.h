/*
 * inputs.h - the input files: path, dataset path, size; refused before any work where they cannot be right.
 *
 * 1. inputs_collect() from the options
 * 2. read by everyone; the order is that of the datasets in the file
 * 3. inputs_release(), not before the options' release: paths point into argv
 */
#ifndef SHMLOAD_INPUTS_H
#define SHMLOAD_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "options.h"
#include "stream.h"

struct input {
    const char *path;        /* as given; "-" is standard input */
    const char *argument;    /* the same with its NAME=, if that was given */
    const char *dataset;     /* path below the root, groups included, without leading slash */
    uint64_t file_bytes;     /* 0 when not a regular file */
    bool regular;            /* can be read at any offset and has a size */
    struct stream_stamp stamp; /* of a regular file, at the time when it was first looked at */
};

struct inputs {
    size_t n;
    struct input *input;
    size_t first, end;       /* those that this run loads: all of them, or the part that part_choose() leaves */
    uint64_t file_bytes;     /* their sum */

    char *names;             /* all dataset names behind each other */
    char *list;              /* text of --files-from, which paths point into */
};

/*
 * Collect arguments and --files-from lists, derive dataset names (base name without a compression suffix and one
 * extension; NAME=PATH gives the name; --name-from path keeps directories as groups; --group goes in front), then
 * check all of them: exists, readable, no directory, not the output, no two with one dataset name, no name that is
 * also a group. With --concat every input has that dataset, and its own name does not matter.
 * Range    one stat(2) and access(2) each; nothing is opened but the list
 * Errors   0, or -1 after one clear line per trouble (at most ten, then a count) through message.h
 */
int inputs_collect(struct inputs *inputs, const struct options *options) MUST_USE;
void inputs_release(struct inputs *inputs);

/* Bytes of a path or name without one compression suffix (.gz .bgz .bz2 .xz .zst .zstd); a bare '.gz' stays whole. */
size_t inputs_unpacked_bytes(const char *path) MUST_USE;

#endif
