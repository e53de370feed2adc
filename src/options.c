/*
 * options.c - the command line as words and numbers; checks options against each other, opens no input.
 *
 * The table 'entries' is all there is to know of an option: its letter and name, what it takes, where that goes, and
 * its line of help. getopt_long(3) gets its arrays from the table, --help prints it. What an option means for another
 * is in contradiction(), looked at once when all are read, so that their order does not matter.
 */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "kernel.h"
#include "message.h"
#include "ranks.h"
#include "schema.h"
#include "store.h"
#include "textfile.h"

enum {
    HELP_COLUMN = 29, /* where the explanations begin */
    COMPLAINT_BYTES = 1024,
};

static const struct options defaults = {
    .delimiter = DELIMITER_AUTO,
    .header = HEADER_AUTO,
    .layout = LAYOUT_AUTO,
    .name_from = NAME_FROM_BASE,
    .max_errors_percent = -1.0,
    .digest = DIGEST_START,
};

struct entry {
    char letter;          /* 0: no short form */
    const char *name;     /* NULL: 'help' is the heading of a group */
    const char *argument; /* NULL: takes none; of take_choice the very words, 'auto|yes|no' */
    const char *help;
    bool (*take)(struct options *o, const struct entry *e, const char *text); /* false: said what is wrong;
                                                                                 NULL: printed at once */
    size_t place;         /* of take_flag, _text, _list, _count, _choice and _size: where in struct options */
};

/* ---- complaints ------------------------------------------------------------------------------------------------ */

static bool __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
    char text[COMPLAINT_BYTES];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    message_error("%s; try 'shmload --help'", text);
    return false;
}

static bool no_memory(void)
{
    message_error("out of memory");
    return false;
}

/* Keep a string made here until options_release(). Returns it, or NULL (and frees it) on no memory. */
static char *own(struct options *o, char *text)
{
    char **larger = text != NULL ? realloc(o->owned, (o->n_owned + 1) * sizeof *larger) : NULL;
    if (larger == NULL) {
        free(text);
        return NULL;
    }
    o->owned = larger;
    o->owned[o->n_owned++] = text;
    return text;
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

/* digits[.digits], whatever the locale: whole + fraction / fraction_of. */
struct decimal_text {
    uint64_t whole;
    uint64_t fraction;
    uint64_t fraction_of; /* 1, 10, ... 10^6; digits after the sixth are read and dropped */
    const char *rest;     /* what follows the number */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Errors  false: no digit where the number starts, or more than 64 bits hold */
static bool read_decimal(const char *text, struct decimal_text *d)
{
    *d = (struct decimal_text){.fraction_of = 1, .rest = text};
    if (!is_digit(*d->rest))
        return false;
    for (; is_digit(*d->rest); d->rest++) {
        const uint64_t digit = (uint64_t)(*d->rest - '0');
        if (d->whole > (UINT64_MAX - digit) / 10)
            return false;
        d->whole = d->whole * 10 + digit;
    }
    if (*d->rest != '.')
        return true;
    for (d->rest++; is_digit(*d->rest); d->rest++) {
        if (d->fraction_of == 1000000)
            continue;
        d->fraction = d->fraction * 10 + (uint64_t)(*d->rest - '0');
        d->fraction_of *= 10;
    }
    return true;
}

static bool read_count(const char *text, uint64_t least, uint64_t most, uint64_t *count)
{
    struct decimal_text d;
    if (!read_decimal(text, &d) || *d.rest != '\0' || strchr(text, '.') != NULL)
        return false;
    *count = d.whole;
    return least <= d.whole && d.whole <= most;
}

/* '512M', '1.5G', '64KiB', '100MB', '4096': K M G T are powers of 1024 with or without 'B' or 'iB'. */
static bool read_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KkMmGgTt";
    struct decimal_text d;
    if (!read_decimal(text, &d))
        return false;

    uint64_t unit = 1;
    const char *found = *d.rest != '\0' ? strchr(units, *d.rest) : NULL;
    if (found != NULL) {
        unit = UINT64_C(1) << (10 * ((found - units) / 2 + 1));
        d.rest++;
        if (d.rest[0] == 'i' && (d.rest[1] == 'B' || d.rest[1] == 'b'))
            d.rest++;
    }
    if (*d.rest == 'B' || *d.rest == 'b')
        d.rest++;
    if (*d.rest != '\0' || d.whole >= UINT64_MAX / unit)
        return false;
    *bytes = d.whole * unit + d.fraction * unit / d.fraction_of;
    return true;
}

/* ---- what options take ----------------------------------------------------------------------------------------- */

static void *place_of(struct options *o, const struct entry *e)
{
    return (char *)o + e->place;
}

static bool take_flag(struct options *o, const struct entry *e, const char *text)
{
    (void)text;
    bool *flag = place_of(o, e);
    *flag = true;
    return true;
}

static bool take_text(struct options *o, const struct entry *e, const char *text)
{
    const char **place = place_of(o, e);
    if (*text == '\0')
        return wrong("--%s wants %s, not an empty word", e->name, e->argument);
    *place = text;
    return true;
}

/* Names or numbers between commas; what they mean is settled when the columns are known. */
static bool take_list(struct options *o, const struct entry *e, const char *text)
{
    const char **place = place_of(o, e);
    const size_t text_bytes = strlen(text);
    if (text_bytes == 0 || text[0] == ',' || text[text_bytes - 1] == ',' || strstr(text, ",,") != NULL)
        return wrong("--%s wants %s, each not empty, not '%s'", e->name, e->argument, text);
    *place = text;
    return true;
}

static bool take_count(struct options *o, const struct entry *e, const char *text)
{
    uint64_t *count = place_of(o, e);
    if (!read_count(text, 0, UINT64_MAX, count))
        return wrong("--%s wants a number from 0, not '%s'", e->name, text);
    return true;
}

static bool take_size(struct options *o, const struct entry *e, const char *text)
{
    uint64_t *bytes = place_of(o, e);
    if (!read_size(text, bytes))
        return wrong("--%s wants a size such as 512M or 4G, not '%s'", e->name, text);
    if (*bytes < OPTIONS_SIZE_LEAST)
        return wrong("--%s %s is too small: give 1M or more", e->name, text);
    return true;
}

static bool take_memory(struct options *o, const struct entry *e, const char *text)
{
    if (!take_size(o, e, text))
        return false;
    if (o->memory_bytes < OPTIONS_MEMORY_LEAST)
        return wrong("--memory %s is too small: give %uM or more", text, OPTIONS_MEMORY_LEAST >> 20);
    return true;
}

static_assert(sizeof(enum header_mode) == sizeof(unsigned) && sizeof(enum layout_mode) == sizeof(unsigned) &&
                  sizeof(enum name_mode) == sizeof(unsigned),
              "take_choice stores an unsigned int");

/* The words are in the order of the enum's values. */
static bool take_choice(struct options *o, const struct entry *e, const char *text)
{
    const size_t text_bytes = strlen(text);
    unsigned *choice = place_of(o, e);
    unsigned number = 0;

    for (const char *word = e->argument; *word != '\0'; number++) {
        const size_t word_bytes = strcspn(word, "|");
        if (word_bytes == text_bytes && memcmp(word, text, text_bytes) == 0) {
            *choice = number;
            return true;
        }
        word += word_bytes + (word[word_bytes] == '|');
    }
    return wrong("--%s wants %s, not '%s'", e->name, e->argument, text);
}

static bool take_jobs(struct options *o, const struct entry *e, const char *text)
{
    uint64_t jobs;
    if (!read_count(text, 1, OPTIONS_JOBS_MOST, &jobs))
        return wrong("--%s wants a number from 1 to %d, not '%s'", e->name, OPTIONS_JOBS_MOST, text);
    o->jobs = (unsigned)jobs;
    return true;
}

/* Words for delimiters; the first of a value is the one that --help shows. */
static const struct {
    const char *word;
    int delimiter;
} delimiter_words[] = {
    {"auto", DELIMITER_AUTO},     {"blanks", DELIMITER_BLANKS}, {"whitespace", DELIMITER_BLANKS},
    {"space", DELIMITER_BLANKS},  {"tab", '\t'},                {"\\t", '\t'},
    {"comma", ','},               {"semicolon", ';'},           {"pipe", '|'},
};
enum { N_DELIMITER_WORDS = sizeof delimiter_words / sizeof delimiter_words[0] };

static bool take_delimiter(struct options *o, const struct entry *e, const char *text)
{
    for (size_t i = 0; i < N_DELIMITER_WORDS; i++) {
        if (strcmp(text, delimiter_words[i].word) == 0) {
            o->delimiter = delimiter_words[i].delimiter;
            return true;
        }
    }
    if (strlen(text) != 1)
        return wrong("--%s wants auto, blanks, tab, comma, semicolon, pipe or one byte, not '%s'", e->name, text);
    if (text[0] == '\n' || text[0] == '\r' || text[0] == '"')
        return wrong("--%s cannot be a line end or a quote; choose another byte", e->name);
    o->delimiter = (unsigned char)text[0];
    return true;
}

static bool take_comment(struct options *o, const struct entry *e, const char *text)
{
    o->comments_given = true;
    if (*text == '\0') {
        o->n_comments = 0;
        return true;
    }
    if (strpbrk(text, "\r\n") != NULL)
        return wrong("--%s: a mark cannot contain a line end", e->name);
    if (o->n_comments == MAX_COMMENT_MARKS)
        return wrong("--%s: more than %d marks", e->name, MAX_COMMENT_MARKS);
    o->comments[o->n_comments++] = (struct comment_mark){.text = text, .bytes = strlen(text)};
    return true;
}

static bool take_widths(struct options *o, const struct entry *e, const char *text)
{
    size_t n = 1;
    for (const char *comma = strchr(text, ','); comma != NULL; comma = strchr(comma + 1, ','))
        n++;
    uint32_t *widths = calloc(n, sizeof *widths);
    if (widths == NULL)
        return no_memory();
    free(o->widths);
    o->widths = widths;
    o->n_widths = n;

    const char *at = text;
    for (size_t i = 0; i < n; i++) {
        struct decimal_text d;
        if (!read_decimal(at, &d) || d.whole == 0 || d.whole > UINT32_MAX || memchr(at, '.', (size_t)(d.rest - at)) ||
            *d.rest != (i + 1 < n ? ',' : '\0'))
            return wrong("--%s wants widths in bytes, each 1 or more, such as 11,4,2,8, not '%s'", e->name, text);
        widths[i] = (uint32_t)d.whole;
        at = d.rest + 1;
    }
    return true;
}

static bool append_setting(struct column_setting **settings, size_t *n, struct column_setting setting)
{
    struct column_setting *larger = realloc(*settings, (*n + 1) * sizeof *larger);
    if (larger == NULL)
        return no_memory();
    *settings = larger;
    larger[(*n)++] = setting;
    return true;
}

/* TEXT or COLUMN=TEXT, told apart by the first '='; so '=TEXT' is for a TEXT with a '=' in it. */
static bool add_setting(struct options *o, struct column_setting **settings, size_t *n, const char *text)
{
    struct column_setting setting = {.column = NULL, .text = text};
    const char *equals = strchr(text, '=');
    if (equals != NULL)
        setting.text = equals + 1;
    if (equals != NULL && equals != text) {
        setting.column = own(o, strndup(text, (size_t)(equals - text)));
        if (setting.column == NULL)
            return no_memory();
    }
    return append_setting(settings, n, setting);
}

static bool take_na(struct options *o, const struct entry *e, const char *text)
{
    (void)e;
    return add_setting(o, &o->na, &o->n_na, text);
}

static bool take_fill(struct options *o, const struct entry *e, const char *text)
{
    if (*text == '\0' || text[strlen(text) - 1] == '=')
        return wrong("--%s wants VALUE or COLUMN=VALUE, not '%s'", e->name, text);
    return add_setting(o, &o->fill, &o->n_fill, text);
}

/* KEY=TEXT, split at the first '='; a key that was given before takes the new text. */
static bool set_key(struct options *o, const struct entry *e, struct column_setting **settings, size_t *n,
                    const char *text)
{
    const size_t before = *n;
    if (strchr(text, '=') == NULL || *text == '=')
        return wrong("--%s wants %s, not '%s'", e->name, e->argument, text);
    if (!add_setting(o, settings, n, text))
        return false;
    const char *key = (*settings)[before].column;
    assert(key != NULL); /* the text has a '=' */
    for (size_t i = 0; i < before; i++) {
        if (strcmp((*settings)[i].column, key) == 0) {
            (*settings)[i] = (*settings)[before];
            *n = before;
        }
    }
    return true;
}

static bool take_attribute(struct options *o, const struct entry *e, const char *text)
{
    if (strncmp(text, "program=", 8) == 0 || strncmp(text, "version=", 8) == 0)
        return wrong("--%s: shmload sets '%.*s' itself: take another key", e->name, 7, text);
    if (strlen(text) > OPTIONS_ATTRIBUTE_MOST)
        return wrong("--%s: more than %d bytes, which HDF5 does not keep in an attribute", e->name,
                     OPTIONS_ATTRIBUTE_MOST);
    return set_key(o, e, &o->attributes, &o->n_attributes, text);
}

static bool take_units(struct options *o, const struct entry *e, const char *text)
{
    return set_key(o, e, &o->units, &o->n_units, text);
}

static bool take_max_errors(struct options *o, const struct entry *e, const char *text)
{
    struct decimal_text d;
    const bool number = read_decimal(text, &d);

    o->max_errors_given = true;
    o->max_errors = 0;
    o->max_errors_percent = defaults.max_errors_percent;
    if (number && strcmp(d.rest, "%") == 0) {
        o->max_errors_percent = (double)d.whole + (double)d.fraction / (double)d.fraction_of;
        if (o->max_errors_percent <= 100.0)
            return true;
    } else if (read_count(text, 0, UINT64_MAX, &o->max_errors)) {
        return true;
    }
    return wrong("--%s wants a number of lines or a percentage such as 0.5%%, not '%s'", e->name, text);
}

bool options_is_dataset_path(const char *text, size_t text_bytes)
{
    const char *end = text + text_bytes;
    for (const char *part = text;; part++) {
        const char *slash = memchr(part, '/', (size_t)(end - part));
        const char *part_end = slash != NULL ? slash : end;
        const size_t part_bytes = (size_t)(part_end - part);
        if (part_bytes == 0 || (part_bytes <= 2 && memcmp(part, "..", part_bytes) == 0))
            return false;
        if (slash == NULL)
            return true;
        part = slash;
    }
}

/* A path in the file, '/a/b/' as good as 'a/b'. Returns NULL after saying what is wrong. */
static const char *dataset_path(struct options *o, const struct entry *e, const char *text)
{
    size_t start = strspn(text, "/"), end = strlen(text);
    while (end > start && text[end - 1] == '/')
        end--;
    if (!options_is_dataset_path(text + start, end - start)) {
        wrong("--%s '%s' cannot be a name in an HDF5 file: parts must not be empty, '.' or '..'", e->name, text);
        return NULL;
    }
    const char *path = own(o, strndup(text + start, end - start));
    if (path == NULL)
        no_memory();
    return path;
}

static bool take_group(struct options *o, const struct entry *e, const char *text)
{
    if (strcmp(text, "/") == 0) {
        o->group = NULL;
        return true;
    }
    o->group = dataset_path(o, e, text);
    return o->group != NULL;
}

static bool take_concat(struct options *o, const struct entry *e, const char *text)
{
    o->concat = dataset_path(o, e, text);
    return o->concat != NULL;
}

static bool take_source_column(struct options *o, const struct entry *e, const char *text)
{
    if (*text == '\0' || strchr(text, '/') != NULL)
        return wrong("--%s wants the name of a field, not empty and without '/', not '%s'", e->name, text);
    o->source_column = text;
    return true;
}

/* The dtype in a file, as it stands there. Returns NULL after saying what is wrong. */
static const char *dtype_of_file(struct options *o, const char *path)
{
    char *text;
    size_t n;
    if (strcmp(path, "-") == 0) {
        wrong("--dtype @-: standard input is for tables; name a file");
        return NULL;
    }
    if (textfile_read(path, &text, &n) != 0) {
        wrong("--dtype @%s: %s", path, strerror(errno));
        return NULL;
    }
    if (memchr(text, '\0', n) != NULL) {
        free(text);
        wrong("--dtype @%s: NUL byte in it: not a text file?", path);
        return NULL;
    }
    if (own(o, text) == NULL) {
        no_memory();
        return NULL;
    }
    return text;
}

static bool take_dtype(struct options *o, const struct entry *e, const char *text)
{
    if (text[0] == '@' && (text = dtype_of_file(o, text + 1)) == NULL)
        return false;
    if (*text == '\0')
        return wrong("--%s is empty: give one such as 'chr:S10,pos:i4'", e->name);
    if (!schema_is_override(text)) {
        o->dtype = text;
        return true;
    }
    if (o->dtype_override == NULL) {
        o->dtype_override = text;
        return true;
    }
    /* by a line end, since the first may be a file that ends in a comment */
    const size_t joined_bytes = strlen(o->dtype_override) + strlen(text) + 2;
    char *joined = own(o, malloc(joined_bytes));
    if (joined == NULL)
        return no_memory();
    snprintf(joined, joined_bytes, "%s\n%s", o->dtype_override, text);
    o->dtype_override = joined;
    return true;
}

/* LEVEL, gzip:LEVEL, zstd or zstd:LEVEL. */
static bool take_compress(struct options *o, const struct entry *e, const char *text)
{
    const bool zstd = strncmp(text, "zstd", 4) == 0;
    const char *level = zstd ? text + 4 : strncmp(text, "gzip:", 5) == 0 ? text + 5 : text;
    const int most = zstd ? 22 : 9;
    uint64_t n = 3;

    if (zstd && *level == ':')
        level++;
    if ((!zstd || *level != '\0') && !read_count(level, 1, (uint64_t)most, &n))
        return wrong("--%s wants a level from 1 to 9, gzip:1 to gzip:9, or zstd[:1 to 22], not '%s'", e->name, text);
    o->codec = zstd ? PACK_ZSTD : PACK_DEFLATE;
    o->level = (int)n;
    return true;
}

/* A plain number is rows, one with a unit is bytes. */
static bool take_chunk(struct options *o, const struct entry *e, const char *text)
{
    o->chunk_rows = o->chunk_bytes = 0;
    if (read_count(text, 1, UINT32_MAX, &o->chunk_rows))
        return true;
    o->chunk_rows = 0;
    if (read_size(text, &o->chunk_bytes) && o->chunk_bytes > 0)
        return true;
    return wrong("--%s wants a number of rows, or a size such as 512K, not '%s'", e->name, text);
}

/* K/N, as in $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT. */
static bool take_part(struct options *o, const struct entry *e, const char *text)
{
    struct decimal_text part, parts;

    if (!read_decimal(text, &part) || *part.rest != '/' || memchr(text, '.', (size_t)(part.rest - text)) != NULL ||
        !read_count(part.rest + 1, 1, OPTIONS_PARTS_MOST, &parts.whole))
        return wrong("--%s wants K/N, the K-th of N parts, as in 3/8 or "
                     "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT, not '%s'", e->name, text);
    if (part.whole == 0)
        return wrong("--%s %s: parts count from 1: let the job array do so too, by --array=1-%llu, or add 1 to its "
                     "number",
                     e->name, text, (unsigned long long)parts.whole);
    if (part.whole > parts.whole)
        return wrong("--%s %s: there is no part %llu of %llu: let the job array be --array=1-N, and N that of K/N",
                     e->name, text, (unsigned long long)part.whole, (unsigned long long)parts.whole);
    o->part = part.whole;
    o->n_parts = parts.whole;
    return true;
}

static bool take_shuffle(struct options *o, const struct entry *e, const char *text)
{
    (void)text;
    o->shuffle = *e->name == 'n' ? SHUFFLE_NO : SHUFFLE_YES;
    return true;
}

/* ---- presets --------------------------------------------------------------------------------------------------- */

static bool take_preset(struct options *o, const struct entry *e, const char *text)
{
    o->preset = preset_find(text);
    return o->preset != NULL || wrong("--%s: there is no '%s'; --%s help lists them", e->name, text, e->name);
}

/* All names of the preset, as --names takes them. */
static bool name_by_preset(struct options *o)
{
    const struct preset *p = o->preset;
    size_t names_bytes = 1;
    for (size_t i = 0; i < p->n_columns; i++)
        names_bytes += strlen(p->columns[i].name) + 1;

    char *names = own(o, calloc(names_bytes, 1)), *end = names;
    if (names == NULL)
        return no_memory();
    for (size_t i = 0; i < p->n_columns; i++)
        end += sprintf(end, "%s%s", i > 0 ? "," : "", p->columns[i].name);
    o->names = names;
    return true;
}

/* The preset's missing codes, for the columns as they are called in this run. */
static bool add_missing_of_preset(struct options *o)
{
    const char *name = o->names;
    for (size_t i = 0; i < o->preset->n_columns; i++) {
        const size_t name_bytes = strcspn(name, ",");
        struct column_setting setting = {.text = o->preset->columns[i].missing, .optional = true};
        if (setting.text != NULL) {
            setting.column = own(o, strndup(name, name_bytes));
            if (setting.column == NULL)
                return no_memory();
            if (!append_setting(&o->na, &o->n_na, setting))
                return false;
        }
        name += name_bytes + (name[name_bytes] == ',');
    }
    return true;
}

static bool take_widths_of_preset(struct options *o)
{
    const size_t widths_bytes = o->preset->n_columns * sizeof *o->widths;
    o->widths = malloc(widths_bytes);
    if (o->widths == NULL)
        return no_memory();
    memcpy(o->widths, o->preset->widths, widths_bytes);
    o->n_widths = o->preset->n_columns;
    return true;
}

static size_t count_words(const char *list)
{
    size_t n = 1;
    for (; *list != '\0'; list++)
        n += *list == ',';
    return n;
}

/* What was not given comes from the preset. A full dtype stands instead of its columns. */
static bool fill_from_preset(struct options *o)
{
    const struct preset *p = o->preset;
    if (o->delimiter == DELIMITER_AUTO && o->n_widths == 0) {
        if (p->widths != NULL && !take_widths_of_preset(o))
            return false;
        o->delimiter = p->widths == NULL ? p->delimiter : DELIMITER_AUTO;
    }
    if (o->dtype != NULL)
        return true;
    if (o->names == NULL && !name_by_preset(o))
        return false;
    if (count_words(o->names) != p->n_columns)
        return wrong("--names has %zu names, but --preset %s has %zu columns: name all, or leave --names out",
                     count_words(o->names), p->name, p->n_columns);
    return o->n_na > 0 || add_missing_of_preset(o);
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

#define IN(member) offsetof(struct options, member)

static const struct entry entries[] = {
    {0, NULL, NULL, "Output", NULL, 0},
    {'o', "output", "FILE", "the HDF5 file to make", take_text, IN(output)},
    {'f', "force", NULL, "replace the output file if it exists", take_flag, IN(force)},
    {'a', "append", NULL, "add to the output file if it exists", take_flag, IN(append)},
    {0, "verify", NULL, "read all rows back before the output gets its name", take_flag, IN(verify)},
    {'g', "group", "G", "put all datasets below group G", take_group, 0},
    {0, "name-from", "base|path", "name datasets by file name or by path", take_choice, IN(name_from)},
    {0, "concat", "NAME", "all inputs in one dataset, in their order", take_concat, 0},
    {0, "source-column", "NAME", "a last field with the input's number, in --concat", take_source_column, 0},
    {0, "columns", NULL, "a group for each input, a dataset for each column", take_flag, IN(columns)},
    {0, "matrix", NULL, "numbers of one type, as one array: rows by columns", take_flag, IN(matrix)},
    {0, "layout", "auto|contiguous|chunked", "how rows are stored", take_choice, IN(layout)},
    {'z', "compress", "LEVEL", "1 to 9 as gzip, readable everywhere; or zstd[:N]", take_compress, 0},
    {0, "chunk", "ROWS|SIZE", "rows, or bytes such as 512K, in a chunk [about 1M]", take_chunk, 0},
    {0, "shuffle", NULL, "shuffle bytes in chunks [with --compress]", take_shuffle, 0},
    {0, "no-shuffle", NULL, "compress without shuffling", take_shuffle, 0},
    {0, "checksum", NULL, "a checksum (Fletcher32) on each chunk", take_flag, IN(checksum)},
    {0, "attr", "KEY=VALUE", "an attribute of the file; repeatable", take_attribute, 0},
    {0, "units", "COL=UNIT", "a column's unit, as its attribute; repeatable", take_units, 0},

    {0, NULL, NULL, "Input", NULL, 0},
    {'T', "files-from", "LIST", "more inputs, one on each line of LIST", take_text, IN(files_from)},
    {'0', "null", NULL, "names in LIST end with NUL instead", take_flag, IN(null_separated)},

    {0, NULL, NULL, "Parts, as of a job array", NULL, 0},
    {0, "part", "K/N", "the K-th of N parts of the inputs, K from 1", take_part, 0},
    {0, "join", NULL, "the arguments are all parts: make one file", take_flag, IN(join)},
    {0, "copy", NULL, "with --join: their rows, instead of links to them", take_flag, IN(copy)},

    {0, NULL, NULL, "Records", NULL, 0},
    {0, "preset", "NAME|help", "a known format: columns, types, missing codes", take_preset, 0},
    {'t', "dtype", "DTYPE|@FILE", "'chr:S10,pos:i4,x:f8', or some types: 'pos=i8'", take_dtype, 0},
    {'d', "delimiter", "D", "blanks, tab, comma or any one byte", take_delimiter, 0},
    {0, "widths", "W,W,...", "fixed-width columns of so many bytes", take_widths, 0},
    {0, "header", "auto|yes|no", "the first line has the names", take_choice, IN(header)},
    {0, "names", "A,B,...", "column names, instead of the header's", take_list, IN(names)},
    {0, "usecols", "C,C,...", "columns to keep: name, number from 0, -1 is last", take_list, IN(usecols)},
    {0, "comment", "MARK", "MARK starts a comment, '' none; repeatable [#]", take_comment, 0},
    {0, "skip-lines", "N", "lines to skip at the start", take_count, IN(skip_lines)},
    {0, "skip-footer", "N", "lines to skip at the end", take_count, IN(skip_footer)},
    {0, "na", "[COL=]A,B,...", "texts for missing, instead of [" OPTIONS_NA_DEFAULT "]", take_na, 0},
    {0, "fill", "[COL=]VALUE", "stored for missing numbers; repeatable", take_fill, 0},

    {0, NULL, NULL, "Bad lines", NULL, 0},
    {0, "max-errors", "N|P%", "set so many bad lines aside [none]", take_max_errors, 0},
    {0, "rejects", "FILE", "keep lines set aside, with place and reason", take_text, IN(rejects)},

    {0, NULL, NULL, "Machine", NULL, 0},
    {'j', "jobs", "N", "workers at a time [all CPUs we may use]", take_jobs, 0},
    {0, "memory", "SIZE", "bound, such as 512M or 4G [half of what is free]", take_memory, IN(memory_bytes)},
    {0, "slice", "SIZE", "text for one worker at a time, 1M or more", take_size, IN(slice_bytes)},

    {0, NULL, NULL, "Talk", NULL, 0},
    {'n', "dry-run", NULL, "print dtype, rows and bytes; write nothing", take_flag, IN(dry_run)},
    {0, "json", NULL, "print the account as JSON", take_flag, IN(json)},
    {'q', "quiet", NULL, "only errors", take_flag, IN(quiet)},
    {'v', "verbose", NULL, "a line for each input, and what was found out", take_flag, IN(verbose)},
    {'h', "help", NULL, "print this", NULL, 0},
    {'V', "version", NULL, "print versions", NULL, 0},
};
enum { N_ENTRIES = sizeof entries / sizeof entries[0] };

/* ---- printing -------------------------------------------------------------------------------------------------- */

/* The default as the user would type it, "" where there is none to show. */
static void default_text(const struct entry *e, char *text, size_t text_bytes)
{
    const void *place = (const char *)&defaults + e->place;
    text[0] = '\0';
    if (e->take == take_count) {
        const uint64_t *count = place;
        snprintf(text, text_bytes, " [%llu]", (unsigned long long)*count);
    } else if (e->take == take_choice) {
        const unsigned *choice = place;
        const char *word = e->argument;
        assert(word != NULL);
        for (unsigned i = 0; i < *choice; i++)
            word += strcspn(word, "|") + 1;
        snprintf(text, text_bytes, " [%.*s]", (int)strcspn(word, "|"), word);
    } else if (e->take == take_delimiter) {
        size_t i = 0;
        while (delimiter_words[i].delimiter != defaults.delimiter)
            i++;
        snprintf(text, text_bytes, " [%s]", delimiter_words[i].word);
    }
}

static void print_entry(const struct entry *e)
{
    char left[64], shown_default[32];
    if (e->name == NULL) {
        printf("\n%s\n", e->help);
        return;
    }
    const char dash = e->letter != 0 ? '-' : ' ', comma = e->letter != 0 ? ',' : ' ';
    int left_bytes = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", dash, e->letter != 0 ? e->letter : ' ', comma,
                              e->name, e->argument != NULL ? " " : "", e->argument != NULL ? e->argument : "");
    if (left_bytes + 2 > HELP_COLUMN) {
        printf("%s\n", left);
        left[0] = '\0';
    }
    default_text(e, shown_default, sizeof shown_default);
    printf("%-*s%s%s\n", HELP_COLUMN, left, e->help, shown_default);
}

static void print_help(void)
{
    printf("usage: shmload [OPTION]... FILE... -o OUT.h5\n\n"
           "Load text tables into one HDF5 file: a worker process and a dataset for each.\n"
           "FILE is text, plain or compressed; NAME=FILE names its dataset; - is standard\n"
           "input. Without options, delimiter, header and types come from the data.\n");
    for (size_t i = 0; i < N_ENTRIES; i++)
        print_entry(&entries[i]);
    printf("\nExit status: 0 all stored, 1 failed and nothing written, 2 wrong command line,\n"
           "3 stored but lines were set aside. More in shmload(1).\n");
}

/* A format's columns, as many as fit on three lines. */
static void print_columns(const struct preset *p)
{
    enum { MARGIN = 4, WIDTH = 68, LINES = 3 }; /* room for the end of a long list */
    int at = 0, lines = 0;
    for (size_t i = 0; i < p->n_columns; i++) {
        const int bytes = (int)strlen(p->columns[i].name) + 1;
        if (at == 0 || at + bytes > WIDTH) {
            if (lines++ == LINES) {
                printf(" ... (%zu)", p->n_columns);
                break;
            }
            printf("%s%*s", at > 0 ? "\n" : "", MARGIN, "");
            at = MARGIN;
        }
        at += printf("%s%s", p->columns[i].name, i + 1 < p->n_columns ? "," : "");
    }
    putchar('\n');
}

static void print_presets(void)
{
    const struct preset *p;
    for (size_t i = 0; (p = preset_at(i)) != NULL; i++) {
        printf("%-16s  %s\n", p->name, p->title);
        print_columns(p);
    }
}

static void print_version(void)
{
    char hdf5[64];
    store_library_version(hdf5, sizeof hdf5);
    const char *wanted = getenv("SHMLOAD_KERNEL");
    const struct kernel_class *kernel = kernel_pick(wanted);
    printf("shmload %s\nHDF5 %s\n", SHMLOAD_VERSION, hdf5);
    if (ranks_library() != NULL)
        printf("MPI %s\n", ranks_library());
    if (kernel != NULL)
        printf("kernel %s\n", kernel->name);
    else
        printf("kernel none: SHMLOAD_KERNEL=%s is unknown or not for this processor\n", wanted);
}

static enum options_result print_and_be_done(void (*print)(void))
{
    print();
    if (fflush(stdout) == 0 && !ferror(stdout))
        return OPTIONS_DONE;
    message_error("standard output: %s", strerror(errno));
    return OPTIONS_WRONG;
}

/* ---- parsing --------------------------------------------------------------------------------------------------- */

/* Values that getopt_long(3) returns: a letter, or this plus the index into the table. */
enum { LONG_OPTION = 256 };

struct getopt_arrays {
    char letters[2 * N_ENTRIES + 2];
    struct option words[N_ENTRIES + 1];
};

/* 'a' is all zero, so both arrays end where we stop. */
static void getopt_arrays_fill(struct getopt_arrays *a)
{
    char *letter = a->letters;
    struct option *word = a->words;

    *letter++ = ':'; /* it keeps silent, and we find the words */
    for (int i = 0; i < N_ENTRIES; i++) {
        const struct entry *e = &entries[i];
        if (e->name == NULL)
            continue;
        *word++ = (struct option){.name = e->name,
                                  .has_arg = e->argument != NULL ? required_argument : no_argument,
                                  .val = LONG_OPTION + i};
        if (e->letter == 0)
            continue;
        *letter++ = e->letter;
        if (e->argument != NULL)
            *letter++ = ':';
    }
}

static const struct entry *entry_of(int value)
{
    if (value >= LONG_OPTION)
        return &entries[value - LONG_OPTION];
    for (size_t i = 0; i < N_ENTRIES; i++)
        if (entries[i].letter != 0 && entries[i].letter == value)
            return &entries[i];
    return NULL;
}

/* '--ma' may be '--max-errors' or '--memory': name the first two that an unknown word could be short for. */
static bool wrong_word(const char *word)
{
    const char *name = word + 2, *found[2] = {NULL, NULL};
    const size_t name_bytes = strcspn(name, "=");
    size_t n = 0;
    for (size_t i = 0; i < N_ENTRIES && n < 2; i++)
        if (entries[i].name != NULL && strncmp(entries[i].name, name, name_bytes) == 0)
            found[n++] = entries[i].name;
    if (n == 2)
        return wrong("'%s' may be --%s or --%s: give more letters", word, found[0], found[1]);
    return wrong("unknown option '%s'", word);
}

/* What getopt_long(3) refused, in our words. */
static bool wrong_option(int value, char **argv)
{
    const struct entry *e = optopt != 0 ? entry_of(optopt) : NULL;
    if (value == ':' && e != NULL)
        return wrong("--%s wants %s", e->name, e->argument);
    if (e != NULL)
        return wrong("--%s takes no argument", e->name);
    if (optopt != 0)
        return wrong("unknown option '-%c'", optopt);
    return wrong_word(argv[optind - 1]);
}

static bool is_among(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(name, *names) != 0)
        names++;
    return *names != NULL;
}

/* Options that say what to store, and how, are the same in all parts of a run; these need not be. */
static void digest_option(struct options *o, const struct entry *e, const char *text)
{
    static const char *const others[] = {"output", "force", "files-from", "null", "part", "rejects", "jobs", "memory",
                                         "slice", "dry-run", "json", "quiet", "verify", "verbose", NULL};

    if (is_among(e->name, others))
        return;
    o->digest = digest_text(o->digest, e->name);
    o->digest = digest_text(o->digest, text != NULL ? text : "");
    if (e->take == take_dtype && text != NULL && text[0] == '@') /* what the file says, whatever its name */
        o->digest = digest_text(o->digest, o->dtype_override != NULL ? o->dtype_override : o->dtype);
}

/* What the parts hold was said when they were made. */
static bool is_of_join(const struct entry *e)
{
    static const char *const names[] = {"output", "force", "files-from", "null", "join", "copy", "quiet", "verbose",
                                        NULL};

    return is_among(e->name, names);
}

/* What one option means for another; NULL when all is well. */
static const char *contradiction(const struct options *o)
{
    if (o->n_arguments == 0 && o->files_from == NULL)
        return "no input: give FILE... (or --files-from LIST)";
    if (o->output == NULL && !o->dry_run)
        return "no output: give -o FILE (or --dry-run to look only)";
    if (o->output != NULL && strcmp(o->output, "-") == 0)
        return "an HDF5 file cannot go to standard output: give -o FILE";
    if (o->quiet && o->verbose)
        return "--quiet and --verbose contradict each other: leave one out";
    if (o->null_separated && o->files_from == NULL)
        return "--null is about --files-from LIST: give it too, or leave --null out";
    if (o->n_widths > 0 && o->delimiter != DELIMITER_AUTO)
        return "--widths and --delimiter contradict each other: leave one out";
    if (o->copy && !o->join)
        return "--copy is about --join: give it too, or leave --copy out";
    if (o->append && o->part > 0)
        return "--part makes a file of its own, to be joined with the others: leave --append out";
    if (o->append && o->force)
        return "--append and --force contradict each other: leave one out";
    if (o->matrix && o->columns)
        return "--matrix and --columns contradict each other: leave one out";
    if (o->matrix && o->dtype_override != NULL)
        return "--matrix has one type for all columns: give it as --dtype f8, without a name";
    if (o->matrix && (o->n_units > 0 || o->source_column != NULL))
        return "--matrix has no columns of their own for --units or --source-column: leave it out, or these";
    if (o->source_column != NULL && o->concat == NULL)
        return "--source-column is about --concat NAME: give it too, or leave --source-column out";
    if (o->layout == LAYOUT_CONTIGUOUS && (o->codec != PACK_NONE || o->shuffle == SHUFFLE_YES || o->checksum ||
                                           o->chunk_rows > 0 || o->chunk_bytes > 0))
        return "--layout contiguous has no chunks to compress, shuffle, check or size: leave it out";
    if (o->rejects != NULL && !o->max_errors_given)
        return "--rejects needs --max-errors N or P%: how many lines may be set aside";
    if (o->rejects != NULL && o->output != NULL && strcmp(o->rejects, o->output) == 0)
        return "--rejects and --output are one file: name another";
    return NULL;
}

static bool keep_arguments(struct options *o, int argc, char **argv)
{
    if (optind >= argc)
        return true;
    o->n_arguments = (size_t)(argc - optind);
    o->arguments = malloc(o->n_arguments * sizeof *o->arguments);
    if (o->arguments == NULL)
        return no_memory();
    for (size_t i = 0; i < o->n_arguments; i++)
        o->arguments[i] = argv[optind + (int)i];
    return true;
}

enum options_result options_parse(struct options *o, int argc, char **argv)
{
    struct getopt_arrays arrays = {0};
    const char *beyond_join = NULL;
    int value;

    *o = defaults;
    getopt_arrays_fill(&arrays);
    opterr = 0;
    optind = 0; /* glibc and musl: start anew, as a test does */
    while ((value = getopt_long(argc, argv, arrays.letters, arrays.words, NULL)) != -1) {
        const struct entry *e = value != '?' && value != ':' ? entry_of(value) : NULL;
        if (e == NULL) {
            wrong_option(value, argv);
            return OPTIONS_WRONG;
        }
        if (e->letter == 'h')
            return print_and_be_done(print_help);
        if (e->letter == 'V')
            return print_and_be_done(print_version);
        if (e->take == take_preset && strcmp(optarg, "help") == 0)
            return print_and_be_done(print_presets);
        if (!e->take(o, e, optarg))
            return OPTIONS_WRONG;
        digest_option(o, e, optarg);
        if (!is_of_join(e))
            beyond_join = e->name;
    }
    if (!keep_arguments(o, argc, argv))
        return OPTIONS_WRONG;

    const char *trouble = contradiction(o);
    if (trouble != NULL) {
        wrong("%s", trouble);
        return OPTIONS_WRONG;
    }
    if (o->join && beyond_join != NULL) {
        wrong("--%s and --join do not go together: what is in the parts was settled when they were made", beyond_join);
        return OPTIONS_WRONG;
    }
    if (o->preset != NULL && !fill_from_preset(o))
        return OPTIONS_WRONG;
    if (o->n_widths > 0)
        o->delimiter = DELIMITER_WIDTHS;
    return OPTIONS_RUN;
}

void options_release(struct options *o)
{
    for (size_t i = 0; i < o->n_owned; i++)
        free(o->owned[i]);
    free(o->owned);
    free(o->arguments);
    free(o->widths);
    free(o->na);
    free(o->fill);
    free(o->attributes);
    free(o->units);
    *o = defaults;
}
