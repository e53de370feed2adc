/*
 * missing.h - what --na and --fill say about each column: missing tokens, and the value that stands for them.
 *
 * 1. missing_rules_make() from the options
 * 2. missing_rules_apply() gives a column its tokens; missing_fill() its value, once its type is known
 * 3. missing_rules_release(), not before the schemas that point to the tokens, and before the options' release
 *
 * Tokens given for all columns (--na NA,.) stand instead of the default NA; those of a column (--na pct=-9999.0) stand
 * instead of all others in that column; given again they add up. --na '' is no token at all. An empty field is missing
 * in delimited and fixed-width text whatever the tokens, and elsewhere when an empty token is in the list ('NA,').
 */
#ifndef SHMLOAD_MISSING_H
#define SHMLOAD_MISSING_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "schema.h"

/* What was said about one column, or about all. */
struct missing_rule {
    const char *column;            /* NULL: all columns */
    bool has_tokens;               /* --na was given, even if empty */
    bool empty;                    /* an empty token was in the list */
    size_t n_tokens;
    struct missing_token *tokens;  /* owned; the texts are the options' */
    const char *fill_text;         /* NULL: none */
    bool optional;                 /* there need not be such a column */
};

struct missing_rules {
    size_t n;
    struct missing_rule *rules;    /* the first one is for all columns */
};

/* Owner the caller, until missing_rules_release(). Errors 0 or -1 on no memory. */
int missing_rules_make(struct missing_rules *r, const struct options *options) MUST_USE;

/*
 * The tokens for a column, and the fill value's text.
 * name, source_name   the column as stored and, or NULL, as the header has it: a rule may use either
 * delimited           an empty field is missing anyway
 */
void missing_rules_apply(const struct missing_rules *r, const char *name, const char *source_name, bool delimited,
                         struct missing *missing);

/*
 * The fill value as it stands in the row, for a field whose type and missing.fill_text are set; a value for all
 * columns leaves string columns alone.
 * Errors   0, or -1 with a sentence: it does not fit the type, or was given to a string column by name
 */
int missing_fill(const struct missing_rules *r, struct field *field, char error[SCHEMA_ERROR]) MUST_USE;

/* The rule at 'rule' names that field. */
bool missing_rule_names(const struct missing_rule *rule, const char *name, const char *source_name);

void missing_rules_release(struct missing_rules *r);

/* True for what people write for a missing value: signs only ('.', '--', '****'), or a word such as 'null' or 'N/A'. */
bool missing_is_likely(const char *text, size_t text_bytes);

#endif
