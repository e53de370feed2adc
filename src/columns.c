/*
 * columns.c - which text columns are wanted, what they are called, and names cleaned for those who read the file.
 */
#include "columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

enum { NAME_SHOWN = 60 };

/* ---- comma separated words ------------------------------------------------------------------------------------- */

/* Words of a list in one block, blanks around them off. NULL on no memory. */
static char **split_list(const char *list, size_t *n)
{
    size_t bytes = strlen(list) + 1;
    char **words, *at;

    *n = 1;
    for (const char *p = list; *p != '\0'; p++)
        *n += *p == ',';
    words = malloc(*n * sizeof *words + bytes);
    if (words == NULL)
        return NULL;
    at = (char *)(words + *n);
    memcpy(at, list, bytes);
    for (size_t i = 0; i < *n; i++) {
        size_t length = strcspn(at, ",");
        char *end = at + length;

        while (is_blank(*at))
            at++;
        words[i] = at;
        at = end + 1;
        while (end > words[i] && is_blank(end[-1]))
            end--;
        *end = '\0';
    }
    return words;
}

const char *columns_list(char *buffer, size_t buffer_bytes, const char *const *names, size_t n)
{
    size_t used = 0;

    *buffer = '\0';
    for (size_t i = 0; i < n; i++) {
        char name[NAME_SHOWN];
        int more;

        message_printable(name, sizeof name, names[i], strlen(names[i]));
        more = snprintf(buffer + used, buffer_bytes - used, "%s%s", i > 0 ? ", " : "", name);
        if (more < 0 || used + (size_t)more + sizeof ", ..." > buffer_bytes) {
            snprintf(buffer + used, buffer_bytes - used, "%s...", i > 0 ? ", " : "");
            break;
        }
        used += (size_t)more;
    }
    return buffer;
}

/* ---- choosing -------------------------------------------------------------------------------------------------- */

static bool take_column_number(const char *word, int32_t *number)
{
    const char *digits = word + (*word == '-' || *word == '+');
    int64_t value = 0;

    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    for (; *digits != '\0' && value <= INT32_MAX; digits++)
        value = 10 * value + (*digits - '0');
    value = value > INT32_MAX ? INT32_MAX : value;
    *number = (int32_t)(*word == '-' ? -value : value);
    return true;
}

static int refuse_name(const char *word, const char *const *names, size_t n, char error[SCHEMA_ERROR])
{
    char list[SCHEMA_ERROR / 2];

    if (n == 0)
        snprintf(error, SCHEMA_ERROR, "--usecols: there is no header to find column '%.60s' in: give its number, "
                 "from 0, or name all columns by --names", word);
    else
        snprintf(error, SCHEMA_ERROR, "--usecols: there is no column '%.60s'; there are %s", word,
                 columns_list(list, sizeof list, names, n));
    return -1;
}

static int find_column(const struct columns *c, const char *word, const char *const *names, size_t n, int32_t *number,
                       char error[SCHEMA_ERROR])
{
    if (take_column_number(word, number)) {
        int64_t place = *number >= 0 ? *number : (int64_t)c->n + *number;

        if (c->n == 0 || (place >= 0 && place < c->n))
            return 0;
        snprintf(error, SCHEMA_ERROR, "--usecols: column %d was asked for, but there are %u: from 0 to %u, or -1 to "
                 "-%u", *number, c->n, c->n - 1, c->n);
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], word) == 0) {
            *number = (int32_t)i;
            return 0;
        }
    return refuse_name(word, names, n, error);
}

int columns_choose(const struct columns *c, const struct options *options, int32_t **chosen, size_t *n_chosen,
                   char error[SCHEMA_ERROR])
{
    const char *const *names = (const char *const *)c->names;
    size_t n_names = c->n_names, n_given = 0;
    char **words, **given = NULL;
    int status = -1;

    *chosen = NULL;
    *n_chosen = 0;
    if (options->usecols == NULL)
        return 0;
    words = split_list(options->usecols, n_chosen);
    if (options->names != NULL)
        given = split_list(options->names, &n_given);
    if (given != NULL && (n_given == c->n || (c->n == 0 && n_given != *n_chosen))) {
        names = (const char *const *)given;
        n_names = n_given;
    }
    *chosen = malloc(*n_chosen * sizeof **chosen);
    if (words == NULL || *chosen == NULL || (options->names != NULL && given == NULL)) {
        snprintf(error, SCHEMA_ERROR, "no memory");
        goto out;
    }
    for (size_t i = 0; i < *n_chosen; i++)
        if (find_column(c, words[i], names, n_names, &(*chosen)[i], error) != 0)
            goto out;
    status = 0;

out:
    free(words);
    free(given);
    if (status != 0) {
        free(*chosen);
        *chosen = NULL;
        *n_chosen = 0;
    }
    return status;
}

/* ---- naming ---------------------------------------------------------------------------------------------------- */

static int check_given(char *const *words, size_t n, char error[SCHEMA_ERROR])
{
    for (size_t i = 0; i < n; i++) {
        if (*words[i] == '\0') {
            snprintf(error, SCHEMA_ERROR, "--names: name %zu is empty", i + 1);
            return -1;
        }
        if (strchr(words[i], '/') != NULL) {
            snprintf(error, SCHEMA_ERROR, "--names: '%.60s': HDF5 paths are made of '/', so names cannot have it: "
                     "take '_' instead", words[i]);
            return -1;
        }
        for (size_t j = 0; j < i; j++)
            if (strcmp(words[i], words[j]) == 0) {
                snprintf(error, SCHEMA_ERROR, "--names: '%.60s' is there twice: give each column a name of its own",
                         words[i]);
                return -1;
            }
    }
    return 0;
}

/* The text column that element i takes, or -1 when it is counted from an end that is not known. */
static int64_t column_of(const struct columns *c, const int32_t *chosen, size_t i)
{
    if (chosen == NULL)
        return (int64_t)i;
    if (chosen[i] >= 0)
        return chosen[i];
    return c->n > 0 ? (int64_t)c->n + chosen[i] : -1;
}

int columns_name(const struct columns *c, const struct options *options, const int32_t *chosen, size_t n,
                 const char **names, char **block, char error[SCHEMA_ERROR])
{
    size_t n_words = c->n_names;
    char *const *words = c->names;
    bool by_element = false;

    *block = NULL;
    if (options->names != NULL) {
        char **given = split_list(options->names, &n_words);

        if (given == NULL) {
            snprintf(error, SCHEMA_ERROR, "no memory");
            return -1;
        }
        *block = (char *)given;
        words = given;
        by_element = n_words == n && n_words != c->n;
        if (!by_element && c->n > 0 && n_words != c->n) {
            snprintf(error, SCHEMA_ERROR, "--names has %zu names, but there are %u columns", n_words, c->n);
            return -1;
        }
        if (check_given(words, n_words, error) != 0)
            return -1;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t column = by_element ? (int64_t)i : column_of(c, chosen, i);

        names[i] = column >= 0 && (uint64_t)column < n_words ? words[column] : NULL;
    }
    return 0;
}

int columns_add_fields(struct schema *s, const char *const *names, size_t n, char error[SCHEMA_ERROR])
{
    for (size_t i = 0; i < n; i++) {
        const char *name = names[i] != NULL ? names[i] : "";

        if (schema_add(s, name, strlen(name)) != 0)
            goto no_memory;
        s->fields[i].named = names[i] != NULL;
    }
    if (columns_clean(s) == 0)
        return 0;

no_memory:
    snprintf(error, SCHEMA_ERROR, "no memory for %zu columns", n);
    return -1;
}

/* ---- cleaning -------------------------------------------------------------------------------------------------- */

/* Rename, and remember the first name; one that never was is not remembered. */
static int change_name(struct field *f, const char *name)
{
    char *old = strdup(f->name);

    if (old == NULL || schema_rename(f, name, strlen(name)) != 0) {
        free(old);
        return -1;
    }
    if (f->named && f->source_name == NULL)
        f->source_name = old;
    else
        free(old);
    return 0;
}

/* PyTables keeps names that begin with _c_ _f_ _g_ _v_ for itself. */
static bool is_reserved(const char *name)
{
    return name[0] == '_' && name[1] != '\0' && strchr("cfgv", name[1]) != NULL && name[2] == '_';
}

static int clean_name(struct field *f, size_t number)
{
    char numbered[24], *name;
    int status;

    if (*f->name == '\0' || strcmp(f->name, ".") == 0) {
        snprintf(numbered, sizeof numbered, "f%zu", number);
        return change_name(f, numbered);
    }
    if (strchr(f->name, '/') == NULL && !is_reserved(f->name))
        return 0;
    name = strdup(f->name);
    if (name == NULL)
        return -1;
    for (char *slash = name; (slash = strchr(slash, '/')) != NULL;)
        *slash = '_';
    while (is_reserved(name))
        memmove(name, name + 1, strlen(name));
    status = change_name(f, name);
    free(name);
    return status;
}

/* A field's name before any was numbered. */
struct taken {
    const char *name;
    size_t field;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct taken *)a)->name, ((const struct taken *)b)->name);
}

static int compare_taken(const void *a, const void *b)
{
    size_t first = ((const struct taken *)a)->field, second = ((const struct taken *)b)->field;
    int order = compare_names(a, b);

    return order != 0 ? order : (first > second) - (first < second);
}

/* name -> name_2, or with the first number from *number on that no field has. */
static int number_name(struct field *f, const struct taken *sorted, size_t n, size_t *number)
{
    size_t bytes = strlen(f->name) + 24;
    char *name = malloc(bytes);
    struct taken key = {.name = name};
    int status;

    if (name == NULL)
        return -1;
    do
        snprintf(name, bytes, "%s_%zu", f->name, (*number)++);
    while (bsearch(&key, sorted, n, sizeof *sorted, compare_names) != NULL);
    status = change_name(f, name);
    free(name);
    return status;
}

/* Two names that were numbered cannot be the same: what stands before and behind the last '_' would be. */
static int number_repeated(struct schema *s)
{
    struct taken *sorted = malloc((s->n_fields + 1) * sizeof *sorted);
    size_t number = 2;
    int status = 0;

    if (sorted == NULL)
        return -1;
    for (size_t i = 0; i < s->n_fields; i++)
        sorted[i] = (struct taken){s->fields[i].name, i};
    qsort(sorted, s->n_fields, sizeof *sorted, compare_taken);
    for (size_t i = 1; i < s->n_fields && status == 0; i++) {
        if (strcmp(sorted[i - 1].name, sorted[i].name) != 0) {
            number = 2;
            continue;
        }
        sorted[i].name = sorted[i - 1].name; /* which stays, while its own is freed */
        status = number_name(&s->fields[sorted[i].field], sorted, s->n_fields, &number);
    }
    free(sorted);
    return status;
}

int columns_clean(struct schema *s)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (clean_name(&s->fields[i], i) != 0)
            return -1;
    return number_repeated(s);
}
