/*
 * kernel_block.h - what the kernels share: the plain way for one record, and the frame of the SIMD kernels.
 *
 * Internal to the kernel*.c files.
 *
 * A SIMD kernel takes some dozen KiB of complete lines, a block, and does one thing at a time to all of it:
 *
 * 1. index     where every token starts and ends, where every line ends
 * 2. edit      only where a quote, a comment mark, NUL or a lone CR was seen: which lines are odd
 * 3. run       as many lines in a row as have exactly the expected tokens
 * 4. convert   the run, one group of columns after the other, all records of a group in one short loop
 * 5. mend      what step 4 could not do: single fields by convert_cell(), whole records by record_parse()
 *
 * and between the runs the odd lines, by the scalar kernel. It also takes over for some blocks where a block had more
 * for it and for step 5 than the vectors could settle: a file of 17 digits a number, or of quoted commas.
 *
 * Steps 1 and 4 are the engine's, in the processor's own vectors; 2, 3 and 5 are kernel_block.c and know no SIMD. The
 * gain is that nothing is decided per field: which type comes next is settled once per column and block, so the
 * processor sees loops without surprises. (Boncz, Zukowski and Nes, "MonetDB/X100: Hyper-Pipelining Query Execution",
 * 2005, on why a vector at a time beats a tuple at a time; Langdale and Lemire, "Parsing Gigabytes of JSON per
 * Second", 2019, on indexing text by bit masks first.)
 */
#ifndef SHMLOAD_KERNEL_BLOCK_H
#define SHMLOAD_KERNEL_BLOCK_H

#include "kernel.h"

/* ---- every kernel ---------------------------------------------------------------------------------------------- */

/*
 * True when convert_cell() has settled the field: stored it, and what it has to note of it is noted already. All else
 * is for record_parse().
 */
static inline bool kernel_is_settled(const struct kernel_state *k, const struct cell *cell, int code)
{
    return code == FAILURE_NONE ||
           (code == FAILURE_ROUNDED &&
            (k->rounded == NULL || rounded_is_noted(k->rounded, (uint32_t)(cell - k->schema->cells))));
}

/* Errors 0, or -1 on no memory with nothing left open. */
int kernel_state_open(struct kernel_state *k, const struct schema *schema, const struct dialect *dialect) MUST_USE;
void kernel_state_close(struct kernel_state *k);

/* Nothing done yet: clears what a call gives back. */
void kernel_job_begin(struct kernel_job *job);

/*
 * One record, or one blank or comment line, at job->text_used by record_parse(), whatever it is.
 * Returns false when the job ends here: the record is bad (job->failure) or not complete.
 */
bool kernel_plain_record(struct kernel_state *k, struct kernel_job *job);

/* True when no line has a fast way: fixed widths, no columns, or cells in another order than schema_bind() gives. */
bool kernel_plain_only(const struct schema *schema, const struct dialect *dialect);

/*
 * A number cell, and the values that may be missing ones: when a fast conversion gives a suspect, convert_cell() has to
 * look at the text. Values are 8 bytes: integers in two's complement, floats as the bits of their own width.
 */
struct number {
    const struct cell *cell;
    size_t n_suspects;
    uint64_t *suspects;
};

/* Errors 0, or -1 on no memory with nothing left to release. */
int kernel_number_init(struct number *n, const struct cell *cell) MUST_USE;
void kernel_number_release(struct number *n);

/* True when the value needs convert_cell(). */
static inline bool kernel_is_suspect(const struct number *n, uint64_t value)
{
    for (size_t i = 0; i < n->n_suspects; i++)
        if (n->suspects[i] == value)
            return true;
    return false;
}

/* The longest text that needs no second look in one cell: what it holds, and what 'longest' knows of already. */
static inline uint32_t kernel_text_limit(const struct schema *s, const uint32_t *longest, size_t cell)
{
    uint32_t limit = s->cells[cell].kind == KIND_STRING ? s->cells[cell].bytes : UINT32_MAX;

    return longest != NULL && longest[cell] < limit ? longest[cell] : limit;
}

/*
 * The lines from job->text_used to 'until', which all have their LF, by an open scalar kernel: its walk, else
 * record_parse(). A record that is more than one line may end past 'until'; it stops where the job's rows are full.
 * Returns as kernel_plain_record().
 */
bool kernel_scalar_lines(struct kernel *scalar, struct kernel_job *job, size_t until);

/* ---- the SIMD frame -------------------------------------------------------------------------------------------- */

enum {
    BLOCK_BYTES = 16 * 1024,       /* as a rule: text, index and rows then stay near the processor */
    BLOCK_BYTES_MIN = 512,         /* behind a line that ended the block before */
    BLOCK_BYTES_MAX = 65536 - 128, /* positions are 16 bits, 0xffff is none of them */
    BLOCK_SLACK = 128,             /* entries past the last token that vector loads and stores may touch */
    BLOCK_ENTRIES = BLOCK_BYTES_MAX + BLOCK_SLACK,
    BLOCK_COLUMNS_WIDE = 128,      /* from here on blocks are as large as they can be, to hold several records */
};

/*
 * A set of ASCII bytes of which no two have the same low nibble, as the table of a byte shuffle: b is in the set
 * when table[b & 15] == b. Slots without a member hold a byte of another nibble, which nothing can equal.
 */
struct byte_set {
    uint8_t table[16];
};

/* What an index looks for. */
struct alphabet {
    bool delimited;
    char delimiter;          /* when delimited */
    struct byte_set spaces;  /* blanks: all that ends a token, LF and CR too; delimited: blanks to trim */
    struct byte_set watched; /* the quote, and the first bytes of comments */
};

/*
 * The index of a block. A token is what lies between separators, not yet a field: quotes are still on it.
 * Positions count from text. Every line ends in LF.
 */
struct block {
    const char *text;
    size_t bytes;
    unsigned char *rows;     /* where its rows will go; to be fetched while the text is indexed */
    size_t n_lines, n_tokens;
    bool has_watched;        /* perhaps a watched byte or a NUL somewhere */
    bool has_lone_cr;        /* some CR has no LF behind it */
    bool has_padding;        /* delimited: a blank next to a separator */
    _Alignas(64) uint16_t line_end[BLOCK_ENTRIES]; /* where each line's LF is */
    _Alignas(64) uint16_t start[BLOCK_ENTRIES];    /* each token's first byte; BLOCK_NOWHERE past the last token */
    _Alignas(64) uint16_t end[BLOCK_ENTRIES];      /* the byte behind its last; a CR before the LF is not in it */
    _Alignas(64) uint8_t first[BLOCK_ENTRIES];     /* its first byte (whatever stands there, if it is empty) */
};

enum { BLOCK_NOWHERE = 0xffff };

/* Lines in a row with the expected tokens: record i is tokens token + i * n_columns and so on, and row i of rows. */
struct run {
    size_t line, token, n_records;
    unsigned char *rows;
};

struct block_kernel;

struct block_engine {
    /* Fill the block's index; its text and bytes are set. */
    void (*index)(struct block *block, const struct alphabet *alphabet);
    /* All records of the run into rows; for what is not settled, block_mark_long() or block_mend() was called. */
    void (*convert)(struct block_kernel *k, const struct run *run);
    /* The engine's plan for a schema, to free(). Errors NULL on no memory. */
    void *(*plan)(const struct block_kernel *k);
};

struct block_kernel {
    struct kernel_state state;
    const struct block_engine *engine;
    void *plan;
    struct kernel *scalar;       /* for odd lines */
    size_t n_mended;             /* fields of this block that were not the vectors' */
    unsigned n_scalar_blocks;    /* to come, before the vectors are tried again */
    bool plain_only;
    struct alphabet alphabet;
    size_t block_bytes, next_bytes; /* of a block as a rule, and of the next one at most */

    size_t n_columns, row_bytes;
    size_t n_strings, n_numbers;
    const struct cell **strings;
    struct number *numbers;      /* by column */
    bool *is_text;               /* per column: some string cell takes it */
    bool has_limits;
    uint16_t *limits;            /* per column, and then repeated for BLOCK_SLACK more: longest text that is good */

    struct block block;
    uint8_t odd[BLOCK_ENTRIES];  /* of each line: not for the fast way; valid when has_odd */
    bool has_odd;
    uint8_t redo[BLOCK_ENTRIES]; /* of each record in the run: to be done over by record_parse() */
    bool has_tally;
    struct { uint32_t n_missing, n_overflow; } tally[BLOCK_ENTRIES]; /* of each record in the run, when has_tally */
};

struct kernel *block_open(const struct schema *schema, const struct dialect *dialect,
                          const struct block_engine *engine);
void block_parse(struct kernel *k, struct kernel_job *job);
void block_close(struct kernel *k);

/* ---- for the engine's convert() -------------------------------------------------------------------------------- */

/* The text at one of the run's tokens is longer than its column allows. */
static inline void block_mark_long(struct block_kernel *k, size_t token_of_run)
{
    k->redo[token_of_run / k->n_columns] = 1;
}

/* One number field that the vectors left open: converted from its text, or its record marked to be done over. */
void block_mend(struct block_kernel *k, const struct run *run, size_t record, const struct cell *cell);

/*
 * Values of a number cell into the rows of n_values records from 'record' on.
 * values   as in struct number, 'stride' of them apart
 */
void block_place(const struct block_kernel *k, const struct run *run, size_t record, size_t n_values,
                 const struct cell *cell, const uint64_t *values, size_t stride);

#endif
