/*
 * join_inside.h - what the files of the join share.
 *
 * join.c runs it; join_look.c is its first pass, over what the parts are; join_rows.c and join_concat.c are its second,
 * over their rows: a dataset for each input, or one for all of them.
 */
#ifndef SHMLOAD_JOIN_INSIDE_H
#define SHMLOAD_JOIN_INSIDE_H

#include "inputs.h"
#include "part_file.h"
#include "store.h"

enum { DIFFERENCE_BYTES = 300 };

/* What the parts have of a field: the widest type, and whether all have just this. */
struct column {
    bool differs;
    bool mixed;              /* also numbers and strings, or kinds of numbers */
    enum kind kind;
    uint32_t bytes;
};

/* One schema of the run: that of the inputs with the same columns. */
struct group {
    const char *first;       /* the first part that has inputs of it, NULL: none */
    struct schema schema;    /* as that part has it, and settled as wide as all need it */
    struct column *columns;  /* its fields */
    char difference[DIFFERENCE_BYTES]; /* between parts, "": none */
    char **units;            /* of its fields; NULL: not read yet */
};

/* The one dataset of --concat, part by part. */
struct concat {
    char *path;              /* NULL: no part with rows has come */
    bool begun;              /* with copy: the store has it */
    struct group *group;
    struct part_attributes attributes; /* of its first part, with the sums of all so far */
    size_t n_index;
    unsigned char *index;    /* rows of the index, as they will be stored */
    size_t n_sources;
    struct store_source *sources; /* without copy: one for each part that has rows; files are owned */
};

struct join {
    const struct options *options;
    struct inputs files;
    size_t *order;           /* file of each part, SIZE_MAX: none */
    struct part_file first;  /* what all parts have alike: of the first file; its path is NULL before */
    size_t n_groups;
    struct group *groups;
    uint64_t n_inputs, n_rows, n_rejected;
    struct store *store;
    struct concat concat;
    uint64_t out_rows;       /* of the dataset that is being written */
    char *directory;         /* of the output, without links */
    unsigned char *block;
    size_t block_bytes;
    struct packed_chunk *chunks; /* room for those of one chunk of rows */
    char error[STORE_ERROR];
};

/* ---- join.c ---------------------------------------------------------------------------------------------------- */

/* The sentence to j->error. Returns -1 */
int __attribute__((format(printf, 2, 3))) join_refuse(struct join *j, const char *format, ...);
int join_no_memory(struct join *j);

/* A part as the output will look for it. Owner the caller. Errors NULL */
char *join_path_from_output(const struct join *j, const char *path);

/* ---- join_look.c ----------------------------------------------------------------------------------------------- */

/* Open each part for a moment: settles the order of the parts and the groups. Errors 0, or -1 with j->error. */
int join_look_at_parts(struct join *j) MUST_USE;

/* A group's schema as a part has it. Owner the caller. Errors 0, or -1 with j->error */
int join_parse_group(struct join *j, struct schema *s, const struct part_file *f, size_t group) MUST_USE;

/* ---- join_rows.c ----------------------------------------------------------------------------------------------- */

/* Units and names of a group, from the first dataset of it. Errors 0, or -1 with j->error. */
int join_name_group(struct join *j, struct group *g, const struct part_file *f, const char *path) MUST_USE;

/* The rows of one dataset of a part, behind those that the output has of it. Errors 0, or -1 with j->error. */
int join_copy_dataset(struct join *j, struct part_rows *r, const struct part_input *input) MUST_USE;

/* ---- join_concat.c --------------------------------------------------------------------------------------------- */

/* The rows of a part, or where they are; the end of the dataset, and its index. Errors 0, or -1 with j->error. */
int join_take_concat(struct join *j, const struct part_file *f) MUST_USE;
int join_end_concat(struct join *j, const char *path) MUST_USE;
void join_release_concat(struct concat *c);

#endif
