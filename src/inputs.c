/*
 * inputs.c - the input files: path, dataset path, size; refused before any work where they cannot be right.
 *
 * All trouble is told at once rather than one file at a time, since a list of 100,000 is corrected once then.
 */
#include "inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep.h"
#include "message.h"
#include "textfile.h"

enum {
    MOST_TROUBLES = 10, /* told one by one */
    TROUBLE_BYTES = 10000,
};

struct collecting {
    const struct options *o;
    struct inputs *inputs;
    char *next_name;          /* free space in inputs->names */
    size_t n_troubles;
    bool standard_input_used;
    bool output_exists, rejects_exists;
    struct stat output, rejects;
};

static void __attribute__((format(printf, 2, 3))) trouble(struct collecting *c, const char *format, ...)
{
    if (++c->n_troubles > MOST_TROUBLES)
        return;
    char text[TROUBLE_BYTES];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    message_error("%s", text);
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

size_t inputs_unpacked_bytes(const char *path)
{
    static const char *const suffixes[] = {".gz", ".bgz", ".bz2", ".xz", ".zst", ".zstd"};
    const size_t n = strlen(path);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        const size_t suffix_bytes = strlen(suffixes[i]);
        if (n > suffix_bytes && path[n - suffix_bytes - 1] != '/' && strcmp(path + n - suffix_bytes, suffixes[i]) == 0)
            return n - suffix_bytes;
    }
    return n;
}

/* Bytes of a base name without compression suffix and then one extension; a leading dot begins neither. */
static size_t stem_bytes(const char *name)
{
    const size_t n = inputs_unpacked_bytes(name);
    for (size_t i = n; i-- > 1;)
        if (name[i] == '.')
            return i;
    return n;
}

/*
 * The path's directories as groups, written to 'name': './a//b/x.txt' and '/a/b/x.txt' give 'a/b/'.
 * '..' is kept, for the check of the whole to find.
 */
static char *write_directories(char *name, const char *path, const char *base)
{
    while (path < base) {
        const size_t part_bytes = strcspn(path, "/");
        const bool nothing = part_bytes == 0 || (part_bytes == 1 && path[0] == '.');
        if (!nothing) {
            memcpy(name, path, part_bytes);
            name += part_bytes;
            *name++ = '/';
        }
        path += part_bytes + 1;
    }
    return name;
}

/*
 * Write group and dataset name to the next free space, terminated.
 * given       NAME of NAME=PATH, or NULL
 * Returns     false where it cannot be a name in an HDF5 file
 */
static bool write_name(struct collecting *c, struct input *input, const char *given, size_t given_bytes)
{
    char *name = c->next_name;
    input->dataset = name;
    if (c->o->group != NULL)
        name += sprintf(name, "%s/", c->o->group);

    if (given != NULL) {
        memcpy(name, given, given_bytes);
        name += given_bytes;
    } else if (strcmp(input->path, "-") == 0) {
        name += sprintf(name, "stdin");
    } else {
        const char *slash = strrchr(input->path, '/');
        const char *base = slash != NULL ? slash + 1 : input->path;
        if (c->o->name_from == NAME_FROM_PATH)
            name = write_directories(name, input->path, base);
        const size_t base_bytes = stem_bytes(base);
        memcpy(name, base, base_bytes);
        name += base_bytes;
    }
    *name = '\0';
    c->next_name = name + 1;
    return options_is_dataset_path(input->dataset, (size_t)(name - input->dataset));
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What is wrong with a file that exists; NULL when nothing is. */
static const char *file_trouble(const struct collecting *c, const char *path, const struct stat *s)
{
    if (S_ISDIR(s->st_mode))
        return "is a directory; name the files in it";
    if (S_ISSOCK(s->st_mode))
        return "is a socket";
    if (c->output_exists && same_file(s, &c->output))
        return "is an input and the output; give another -o";
    if (c->rejects_exists && same_file(s, &c->rejects))
        return "is an input and the file for --rejects; name another";
    if (strcmp(path, "-") != 0 && access(path, R_OK) != 0)
        return strerror(errno);
    return NULL;
}

/* '-': once, open, and not the list too. Returns what is wrong or NULL. */
static const char *standard_input_trouble(struct collecting *c, struct stat *s)
{
    if (c->o->files_from != NULL && strcmp(c->o->files_from, "-") == 0)
        return "standard input has the list of files already (--files-from -)";
    if (c->standard_input_used)
        return "standard input can be read only once";
    c->standard_input_used = true;
    if (fstat(STDIN_FILENO, s) != 0 || (fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE) == O_WRONLY)
        return "standard input is closed";
    return NULL;
}

/*
 * FILE or NAME=PATH, checked: what exists as a whole is a FILE even with a '=' in it, otherwise the first '='
 * parts NAME from PATH.
 */
static void collect(struct collecting *c, const char *argument)
{
    struct input *input = &c->inputs->input[c->inputs->n++];
    struct stat s;
    const char *name = NULL, *equals = strchr(argument, '='), *wrong = NULL;

    *input = (struct input){.path = argument, .argument = argument, .dataset = ""};
    if (equals != NULL && stat(argument, &s) != 0) {
        name = argument;
        input->path = equals + 1;
    }
    if (strcmp(input->path, "-") == 0)
        wrong = standard_input_trouble(c, &s);
    else if (stat(input->path, &s) != 0)
        wrong = input->path[0] != '\0' ? strerror(errno) : "the path is empty";
    if (wrong == NULL)
        wrong = file_trouble(c, input->path, &s);
    if (wrong != NULL) {
        trouble(c, "%s: %s", argument, wrong);
        return;
    }
    if (S_ISREG(s.st_mode) && strcmp(input->path, "-") != 0) {
        input->regular = true;
        input->file_bytes = (uint64_t)s.st_size;
        input->stamp = stream_stamp_of(&s);
        c->inputs->file_bytes += input->file_bytes;
    }
    if (c->o->concat == NULL && !write_name(c, input, name, name != NULL ? (size_t)(equals - name) : 0))
        trouble(c, "%s: '%s' cannot be a dataset name: parts must not be empty, '.' or '..'%s", argument,
                input->dataset, name != NULL ? "" : "; give one as NAME=PATH");
}

/* One name for all. */
static void write_concat_name(struct collecting *c)
{
    const char *group = c->o->group;
    sprintf(c->next_name, "%s%s%s", group != NULL ? group : "", group != NULL ? "/" : "", c->o->concat);
    for (size_t i = 0; i < c->inputs->n; i++)
        c->inputs->input[i].dataset = c->next_name;
}

/* ---- names that collide ---------------------------------------------------------------------------------------- */

/* As strcmp(3), but '/' sorts before every other byte: whatever lies below 'a' follows right behind 'a'. */
static int compare_paths(const char *a, const char *b)
{
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    const int x = *a == '/' ? 1 : *a == '\0' ? 0 : 2 + (unsigned char)*a;
    const int y = *b == '/' ? 1 : *b == '\0' ? 0 : 2 + (unsigned char)*b;
    return x - y;
}

static int compare_inputs(const void *a, const void *b)
{
    const struct input *const *x = a, *const *y = b;
    const int order = compare_paths((*x)->dataset, (*y)->dataset);
    return order != 0 ? order : (*x > *y) - (*x < *y);
}

static bool is_below(const char *path, const char *group)
{
    const size_t group_bytes = strlen(group);
    return strncmp(path, group, group_bytes) == 0 && path[group_bytes] == '/';
}

/* No two inputs with one dataset, and no dataset where another needs a group. Errors 0, or -1 on no memory. */
static int check_names(struct collecting *c)
{
    const size_t n = c->inputs->n;
    const char *cure = c->o->name_from == NAME_FROM_PATH ? "NAME=PATH" : "NAME=PATH, or use --name-from path";
    struct input **sorted = malloc(n * sizeof(struct input *));
    if (sorted == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &c->inputs->input[i];
    qsort(sorted, n, sizeof(struct input *), compare_inputs);

    for (size_t i = 1; i < n; i++) {
        const struct input *before = sorted[i - 1], *input = sorted[i];
        if (strcmp(before->dataset, input->dataset) == 0 && strcmp(before->path, input->path) == 0)
            trouble(c, "%s is given twice: leave one out, or name one as NAME=PATH", input->path);
        else if (strcmp(before->dataset, input->dataset) == 0)
            trouble(c, "%s and %s would both be dataset '%s': name one as %s", before->path, input->path,
                    input->dataset, cure);
        else if (is_below(input->dataset, before->dataset))
            trouble(c, "%s would be dataset '%s', but %s needs a group there for '%s': name one as NAME=PATH",
                    before->path, before->dataset, input->path, input->dataset);
    }
    free(sorted);
    return 0;
}

/* ---- collecting ------------------------------------------------------------------------------------------------ */

/*
 * Cut a list into terminated entries, in place; empty ones vanish.
 * Shape   the entries stand behind each other from 'list' on, each with its NUL; their number is returned
 */
static size_t cut_list(char *list, size_t list_bytes, char separator)
{
    char *to = list;
    const char *end = list + list_bytes;
    size_t n = 0;

    for (const char *from = list; from < end;) {
        const char *stop = memchr(from, separator, (size_t)(end - from));
        const char *next = stop != NULL ? stop + 1 : end;
        size_t entry_bytes = (size_t)((stop != NULL ? stop : end) - from);
        while (separator == '\n' && entry_bytes > 0 && from[entry_bytes - 1] == '\r')
            entry_bytes--;
        if (entry_bytes > 0) {
            memmove(to, from, entry_bytes);
            to += entry_bytes;
            *to++ = '\0';
            n++;
        }
        from = next;
    }
    return n;
}

/* Take over the list that was read. Errors 0, or -1 after saying why. */
static int keep_list(struct inputs *inputs, char *list, size_t list_bytes)
{
    inputs->list = keep_copy(list, 1, list_bytes + 1); /* with its NUL */
    free(list);
    if (inputs->list != NULL)
        return 0;
    message_error("out of memory");
    return -1;
}

/* Read --files-from. Errors 0, or -1 after saying why. */
static int read_list(struct inputs *inputs, const struct options *o, size_t *n_entries)
{
    char *list = NULL;
    size_t list_bytes = 0;

    *n_entries = 0;
    if (o->files_from == NULL)
        return 0;
    if (textfile_read(o->files_from, &list, &list_bytes) != 0) {
        message_error("--files-from %s: %s", o->files_from, strerror(errno));
        return -1;
    }
    if (keep_list(inputs, list, list_bytes) != 0)
        return -1;
    if (!o->null_separated && memchr(inputs->list, '\0', list_bytes) != NULL) {
        message_error("--files-from %s: NUL byte in it; give --null where names end with NUL", o->files_from);
        return -1;
    }
    *n_entries = cut_list(inputs->list, list_bytes, o->null_separated ? '\0' : '\n');
    if (*n_entries == 0 && o->n_arguments == 0) {
        message_error("--files-from %s: no file in it", o->files_from);
        return -1;
    }
    return 0;
}

/* Room for every dataset name at most: it is never longer than its argument, but for 'stdin', group and NUL. */
static size_t names_bound(const struct options *o, const char *list, size_t n_entries)
{
    const size_t each = (o->group != NULL ? strlen(o->group) + 1 : 0) + sizeof "stdin";
    size_t bound = (o->n_arguments + n_entries) * each + (o->concat != NULL ? strlen(o->concat) + each : 0);
    for (size_t i = 0; i < o->n_arguments; i++)
        bound += strlen(o->arguments[i]);
    for (size_t i = 0; i < n_entries; i++) {
        const size_t entry_bytes = strlen(list);
        bound += entry_bytes;
        list += entry_bytes + 1;
    }
    return bound;
}

static void collect_all(struct collecting *c, size_t n_entries)
{
    const struct options *o = c->o;
    c->output_exists = o->output != NULL && stat(o->output, &c->output) == 0;
    c->rejects_exists = o->rejects != NULL && stat(o->rejects, &c->rejects) == 0;
    for (size_t i = 0; i < o->n_arguments; i++)
        collect(c, o->arguments[i]);
    const char *entry = c->inputs->list;
    for (size_t i = 0; i < n_entries; i++) {
        collect(c, entry);
        entry += strlen(entry) + 1;
    }
}

int inputs_collect(struct inputs *inputs, const struct options *options)
{
    struct collecting c = {.o = options, .inputs = inputs};
    size_t n_entries;

    *inputs = (struct inputs){0};
    if (read_list(inputs, options, &n_entries) != 0)
        return -1;
    inputs->input = keep_room(options->n_arguments + n_entries, sizeof *inputs->input);
    inputs->names = keep_room(1, names_bound(options, inputs->list, n_entries));
    if (inputs->input == NULL || inputs->names == NULL)
        goto no_memory;
    c.next_name = inputs->names;

    collect_all(&c, n_entries);
    /* Names of files that are not there say nothing; their lack has been told. */
    if (options->concat != NULL)
        write_concat_name(&c);
    else if (c.n_troubles == 0 && check_names(&c) != 0)
        goto no_memory;
    inputs->end = inputs->n;
    if (c.n_troubles > MOST_TROUBLES)
        message_error("%zu more inputs have trouble", c.n_troubles - MOST_TROUBLES);
    return c.n_troubles == 0 ? 0 : -1;

no_memory:
    message_error("out of memory");
    return -1;
}

void inputs_release(struct inputs *inputs)
{
    *inputs = (struct inputs){0};
}
