/*
 * datasets.h - which dataset the rows of an input go to, in which layout, with which attributes.
 *
 * 1. datasets_check() tells trouble, and what stands in the output already
 * 2. datasets_open(): one dataset for each input, or one for all of them (--concat) and its index
 * 3. in the order of the inputs: datasets_begin(), datasets_rows() as often as it takes, datasets_end()
 * 4. datasets_close()
 *
 * Where several processes fill one file, one of them lays it out: all but the rows. Then each of them opens the
 * datasets for placing, and says before each input where its rows begin.
 */
#ifndef SHMLOAD_DATASETS_H
#define SHMLOAD_DATASETS_H

#include "infer.h"
#include "inputs.h"
#include "options.h"
#include "outcome.h"
#include "pack.h"
#include "placing.h"
#include "report.h"
#include "standing.h"
#include "store.h"

struct datasets;

/*
 * The packing of rows of that schema, as the dataset that takes them has it, or else as the options ask for. False:
 * chunks, if any, are stored as they are.
 */
bool datasets_packing(struct packing *p, const struct options *options, const struct standing *standing,
                      const struct schema *schema);

/*
 * True when rows of that width are stored at once, because an input cannot have but a few.
 * most_rows  that its text can have, UINT64_MAX where that does not count
 */
bool datasets_are_small(uint64_t most_rows, size_t row_bytes);

/*
 * Makes the store: the output's temporary file.
 * Owner   *datasets is the caller's until datasets_close()
 * Errors  0, or -1 with a sentence
 */
int datasets_open(struct datasets **datasets, const struct options *options, const struct inputs *inputs,
                  const struct finding *findings, const struct schemas *schemas, const struct standing *standing,
                  char error[STORE_ERROR]) MUST_USE;

/* Bytes of memory for the datasets that will be open together, where they are many. */
uint64_t datasets_memory(const struct schemas *schemas);

/*
 * What can be known to fail before any work: a schema that HDF5 cannot take, inputs of several schemas for --concat,
 * with --append a name that is taken or a dataset that cannot take the rows.
 * Owner   *standing, all zeros or filled before, is filled anew: the caller's, until standing_release()
 * Errors  0, or -1 with a sentence
 */
int datasets_check(const struct options *options, const struct inputs *inputs, const struct finding *findings,
                   const struct schemas *schemas, struct standing *standing, char error[STORE_ERROR]) MUST_USE;

/*
 * The same for a file that is laid out already: rows go to 'placing', which stays the caller's.
 * Errors  0, or -1 with a sentence
 */
int datasets_open_placing(struct datasets **datasets, const struct options *options, const struct inputs *inputs,
                          const struct finding *findings, const struct schemas *schemas,
                          const struct standing *standing, struct placing *placing, char error[STORE_ERROR]) MUST_USE;

/* The row of the input's dataset that will be the next one stored. Only for placing */
void datasets_go_to(struct datasets *d, uint64_t row);

/*
 * Every dataset with its attributes and room for its rows.
 * accounts  one for each input, final
 * made      is told the temporary's path as soon as it is there
 * Errors  0 with the store, or -1 with a sentence
 */
int datasets_lay_out(struct store **store, const struct options *options, const struct inputs *inputs,
                     const struct finding *findings, const struct schemas *schemas, const struct standing *standing,
                     const struct account *accounts, void (*made)(const char *temporary),
                     char error[STORE_ERROR]) MUST_USE;

/* account: what is known so far (nothing but the text's size), and at the end all of it. */
int datasets_begin(struct datasets *d, size_t input, const struct account *account, char error[STORE_ERROR]) MUST_USE;
int datasets_rows(struct datasets *d, const void *rows, size_t n_rows, char error[STORE_ERROR]) MUST_USE;
int datasets_packed(struct datasets *d, const void *packed, const struct packed_chunk *chunk,
                    char error[STORE_ERROR]) MUST_USE;
int datasets_end(struct datasets *d, size_t input, const struct account *account, char error[STORE_ERROR]) MUST_USE;

/*
 * After the last input: what is left to write, and the store is handed to the caller.
 * Errors  0, or -1 with a sentence; the store is discarded then
 */
int datasets_close(struct datasets *d, struct store **store, char error[STORE_ERROR]) MUST_USE;

/* Forget all, the store too. NULL is fine. */
void datasets_discard(struct datasets *d);

#endif
