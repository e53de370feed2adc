/*
 * dtype.c - numpy's notation for a record, read into a schema and printed from one.
 *
 * Two forms are read: entries 'chr:S10,pos:i4' (also as lines of a file, with comments), and the Python list that
 * numpy prints, [('chr', 'S10'), ('pos', '<i4')]. Both end in type words, '<i4', '(2,3)f8', 'S10', which are read in
 * one place.
 *
 * Source  numpy reference, "Data type objects": array-protocol type strings, comma-separated field formats
 */
#include "schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is left to read, and where to complain. */
struct scan {
    const char *at, *end;
    char *error;
};

static int refuse(char error[SCHEMA_ERROR], const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char error[SCHEMA_ERROR], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error, SCHEMA_ERROR, format, arguments);
    va_end(arguments);
    return -1;
}

/* Words from the command line are quoted in sentences at no more than this length. */
static int brief(size_t bytes)
{
    return bytes < 60 ? (int)bytes : 60;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- type words ------------------------------------------------------------------------------------------------ */

struct type_name {
    const char *name;
    enum kind kind;
    uint32_t bytes;
};

static const struct type_name type_names[] = {
    {"i1", KIND_INT, 1},       {"i2", KIND_INT, 2},        {"i4", KIND_INT, 4},       {"i8", KIND_INT, 8},
    {"u1", KIND_UINT, 1},      {"u2", KIND_UINT, 2},       {"u4", KIND_UINT, 4},      {"u8", KIND_UINT, 8},
    {"f4", KIND_FLOAT, 4},     {"f8", KIND_FLOAT, 8},
    {"int8", KIND_INT, 1},     {"int16", KIND_INT, 2},     {"int32", KIND_INT, 4},    {"int64", KIND_INT, 8},
    {"uint8", KIND_UINT, 1},   {"uint16", KIND_UINT, 2},   {"uint32", KIND_UINT, 4},  {"uint64", KIND_UINT, 8},
    {"float32", KIND_FLOAT, 4}, {"float64", KIND_FLOAT, 8}, {"single", KIND_FLOAT, 4}, {"double", KIND_FLOAT, 8},
    {"int", KIND_INT, 8},      {"uint", KIND_UINT, 8},     {"float", KIND_FLOAT, 8},
    /* numpy's one-letter codes, as on 64-bit Linux */
    {"b", KIND_INT, 1},        {"h", KIND_INT, 2},         {"i", KIND_INT, 4},        {"l", KIND_INT, 8},
    {"q", KIND_INT, 8},        {"B", KIND_UINT, 1},        {"H", KIND_UINT, 2},       {"I", KIND_UINT, 4},
    {"L", KIND_UINT, 8},       {"Q", KIND_UINT, 8},        {"f", KIND_FLOAT, 4},      {"d", KIND_FLOAT, 8},
};

/* What numpy has and we have not; matched by the word's letters, without the digits behind them. */
static const struct absent_type {
    const char *letters, *advice;
} absent_types[] = {
    {"U", "text is stored as bytes: give Sn, n in bytes"},
    {"str", "text is stored as bytes: give Sn, n in bytes"},
    {"unicode", "text is stored as bytes: give Sn, n in bytes"},
    {"b", "there are no booleans: give i1 for 0 and 1, S5 for true and false"},
    {"bool", "there are no booleans: give i1 for 0 and 1, S5 for true and false"},
    {"?", "there are no booleans: give i1 for 0 and 1, S5 for true and false"},
    {"c", "there are no complex numbers: give two f8 fields"},
    {"complex", "there are no complex numbers: give two f8 fields"},
    {"M", "there are no dates: give Sn for their text, or i8 for numbers"},
    {"m", "there are no dates: give Sn for their text, or i8 for numbers"},
    {"datetime", "there are no dates: give Sn for their text, or i8 for numbers"},
    {"timedelta", "there are no dates: give Sn for their text, or i8 for numbers"},
    {"O", "there are no Python objects: give Sn, n in bytes"},
    {"object", "there are no Python objects: give Sn, n in bytes"},
    {"V", "there are no raw bytes: give Sn, n in bytes"},
    {"void", "there are no raw bytes: give Sn, n in bytes"},
    {"S", "it needs a length from 1, such as S10"},
    {"a", "it needs a length from 1, such as S10"},
    {"bytes", "it needs a length from 1, such as S10"},
};

static int refuse_type(const char *code, size_t code_bytes, char error[SCHEMA_ERROR])
{
    size_t letters = 0;

    while (letters < code_bytes && !is_digit(code[letters]) && code[letters] != '[')
        letters++;
    for (size_t i = 0; i < sizeof absent_types / sizeof *absent_types; i++)
        if (strlen(absent_types[i].letters) == letters && memcmp(absent_types[i].letters, code, letters) == 0)
            return refuse(error, "'%.*s': %s", brief(code_bytes), code, absent_types[i].advice);
    return refuse(error, "'%.*s' is no type: there are i1 i2 i4 i8, u1 u2 u4 u8, f4 f8, and Sn for n bytes of text",
                  brief(code_bytes), code);
}

/* Digits to a number below 2^31 - 1; what is larger stays there. False when there is no digit. */
static bool take_number(struct scan *s, uint32_t *number)
{
    const char *start = s->at;
    uint64_t value = 0;

    for (; s->at < s->end && is_digit(*s->at); s->at++)
        if (value <= INT32_MAX)
            value = 10 * value + (uint64_t)(*s->at - '0');
    *number = value > INT32_MAX ? INT32_MAX : (uint32_t)value;
    return s->at > start;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

static int add_dim(struct field *f, uint32_t dim, char error[SCHEMA_ERROR])
{
    if (f->n_dims == SCHEMA_DIMS)
        return refuse(error, "an array has at most %d dimensions", SCHEMA_DIMS);
    if (dim == 0)
        return refuse(error, "an array's dimensions are 1 at least");
    if (dim > INT32_MAX / f->n_elems)
        return refuse(error, "an array of that size makes too large a row");
    f->dims[f->n_dims++] = dim;
    f->n_elems *= dim;
    return 0;
}

/* '(3)', '(2,3)', '(3,)', '()' or '3', in a type word or as a shape of its own. Nothing there is fine. */
static int take_dims(struct scan *s, struct field *f)
{
    bool bracket = s->at < s->end && *s->at == '(';
    uint32_t dim;

    s->at += bracket;
    skip_space(s);
    while (take_number(s, &dim)) {
        if (add_dim(f, dim, s->error) != 0)
            return -1;
        skip_space(s);
        if (!bracket)
            return 0;
        if (s->at < s->end && *s->at == ',')
            s->at++;
        skip_space(s);
    }
    if (!bracket)
        return 0;
    if (s->at == s->end || *s->at != ')')
        return refuse(s->error, "an array's dimensions are written as in (3)f4 or (2,3)f8");
    s->at++;
    skip_space(s);
    return 0;
}

/* '<' and '=' are this machine's order, '|' is for types that have none. */
static void take_order(struct scan *s, bool *big_endian)
{
    if (s->at < s->end && strchr("<>=|", *s->at) != NULL) {
        *big_endian = *s->at == '>';
        s->at++;
        skip_space(s);
    }
}

static int take_type_code(struct scan *s, struct field *f)
{
    const char *code = s->at;
    size_t code_bytes = (size_t)(s->end - code);

    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++) {
        const struct type_name *t = &type_names[i];

        if (strlen(t->name) == code_bytes && memcmp(t->name, code, code_bytes) == 0) {
            f->kind = t->kind;
            f->elem_bytes = t->bytes;
            f->big_endian = f->big_endian && t->bytes > 1;
            return 0;
        }
    }
    if (code_bytes > 1 && (*code == 'S' || *code == 'a')) {
        s->at++;
        if (take_number(s, &f->elem_bytes) && s->at == s->end && f->elem_bytes > 0) {
            f->kind = KIND_STRING;
            f->big_endian = false;
            return 0;
        }
    }
    return refuse_type(code, code_bytes, s->error);
}

int schema_parse_type(struct field *f, const char *word, size_t word_bytes, char error[SCHEMA_ERROR])
{
    struct scan s = {word, word + word_bytes, error};

    f->big_endian = false;
    f->n_dims = 0;
    f->n_elems = 1;
    while (s.end > s.at && is_space(s.end[-1]))
        s.end--;
    skip_space(&s);
    if (s.at == s.end)
        return refuse(error, "a type is missing, such as i4, f8 or S10");
    take_order(&s, &f->big_endian);
    if (take_dims(&s, f) != 0)
        return -1;
    take_order(&s, &f->big_endian);
    if (take_type_code(&s, f) != 0)
        return -1;
    if ((uint64_t)f->elem_bytes * f->n_elems >= INT32_MAX)
        return refuse(error, "'%.*s' makes too large a row", brief(word_bytes), word);
    return 0;
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

static int refuse_field(char error[SCHEMA_ERROR], const char *name, size_t name_bytes)
{
    char reason[SCHEMA_ERROR];

    memcpy(reason, error, SCHEMA_ERROR);
    return refuse(error, "field '%.*s': %.180s", brief(name_bytes), name, reason);
}

static int check_name(const char *name, size_t name_bytes, char error[SCHEMA_ERROR])
{
    if (name_bytes == 0)
        return refuse(error, "a field's name is empty: give one, as in 'pos:i4', or none in any field, as in 'S10,i4'");
    if (memchr(name, '/', name_bytes) != NULL)
        return refuse(error, "field '%.*s': HDF5 paths are made of '/', so names cannot have it: take '_' instead",
                      brief(name_bytes), name);
    return 0;
}

/* Append a field; name NULL gives numpy's f0, f1 ... */
static struct field *append(struct schema *s, const char *name, size_t name_bytes, char error[SCHEMA_ERROR])
{
    char numbered[24];
    int numbered_bytes = snprintf(numbered, sizeof numbered, "f%zu", s->n_fields);

    if (schema_add(s, name != NULL ? name : numbered, name != NULL ? name_bytes : (size_t)numbered_bytes) != 0) {
        refuse(error, "no memory");
        return NULL;
    }
    s->fields[s->n_fields - 1].named = name != NULL;
    return &s->fields[s->n_fields - 1];
}

static int check_repeats(const struct schema *s, char error[SCHEMA_ERROR])
{
    const struct field *repeated;

    if (schema_repeated(s, &repeated) != 0)
        return refuse(error, "no memory");
    if (repeated != NULL)
        return refuse(error, "two fields are named '%.60s': give each a name of its own", repeated->name);
    return 0;
}

/* ---- entries: name:type,name:type ------------------------------------------------------------------------------ */

/* Spaces, line ends and comments; a '#' begins a comment where a word could begin. */
static void skip_void(struct scan *s)
{
    for (;;) {
        skip_space(s);
        if (s->at == s->end || *s->at != '#')
            return;
        while (s->at < s->end && *s->at != '\n')
            s->at++;
    }
}

/* The end of the entry at s->at: a comma outside parentheses, a line end, a comment or the end of the text. */
static const char *entry_end(const struct scan *s)
{
    const char *p = s->at;
    int depth = 0;

    for (; p < s->end && *p != '\n'; p++) {
        if (*p == ',' && depth <= 0)
            break;
        if (*p == '#' && is_space(p[-1])) /* an entry does not begin with '#', so p[-1] is its own */
            break;
        depth += (*p == '(') - (*p == ')');
    }
    return p;
}

bool schema_parse_open_string(struct field *f, const char *word, size_t word_bytes)
{
    struct scan s = {word, word + word_bytes, NULL};

    while (s.end > s.at && is_space(s.end[-1]))
        s.end--;
    skip_space(&s);
    if (s.at == s.end || *s.at != 'S')
        return false;
    s.at++;
    f->least_bytes = 1;
    if (s.at < s.end &&
        (!take_number(&s, &f->least_bytes) || f->least_bytes == 0 || s.end - s.at != 1 || *s.at != '+')) {
        f->least_bytes = 0;
        return false;
    }
    f->kind = KIND_STRING;
    f->elem_bytes = 0;
    return true;
}

static bool has_space(const char *text, size_t text_bytes)
{
    for (size_t i = 0; i < text_bytes; i++)
        if (is_space(text[i]))
            return true;
    return false;
}

/* One entry to one field. separator: ':' in a dtype, '=' in types for some columns. */
static int take_entry(struct schema *schema, const char *text, size_t text_bytes, char separator,
                      char error[SCHEMA_ERROR])
{
    const char *mark = memchr(text, separator, text_bytes), *end = text + text_bytes;
    const char *type = mark != NULL ? mark + 1 : text;
    size_t name_bytes = mark != NULL ? (size_t)(mark - text) : 0;
    struct field *f;

    if (mark == NULL && separator == ':' && *text != '(' && has_space(text, text_bytes))
        return refuse(error, "'%.*s': a field is written name:type, as in 'pos:i4'", brief(text_bytes), text);
    if (mark == NULL && separator == '=')
        return refuse(error, "'%.*s': types for some columns are written name=type", brief(text_bytes), text);
    if (separator == ':' && memchr(type, ':', (size_t)(end - type)) != NULL)
        return refuse(error, "'%.*s' has two colons: is a comma missing? (in a name: [('a:b', 'i4')])",
                      brief(text_bytes), text);
    while (name_bytes > 0 && is_space(text[name_bytes - 1]))
        name_bytes--;
    if (mark != NULL && separator == ':' && check_name(text, name_bytes, error) != 0)
        return -1;
    f = append(schema, mark != NULL ? text : NULL, name_bytes, error);
    if (f == NULL)
        return -1;
    if (separator == '=' && schema_parse_open_string(f, type, (size_t)(end - type)))
        return 0;
    if (schema_parse_type(f, type, (size_t)(end - type), error) != 0)
        return mark != NULL ? refuse_field(error, text, name_bytes) : -1;
    return 0;
}

static int parse_entries(struct schema *schema, struct scan s, char separator)
{
    for (skip_void(&s); s.at < s.end; skip_void(&s)) {
        const char *end = entry_end(&s), *text = s.at;

        s.at = end;
        while (end > text && is_space(end[-1]))
            end--;
        if (end == text)
            return refuse(s.error, "there is nothing between two commas, or before the first: a field is missing");
        if (take_entry(schema, text, (size_t)(end - text), separator, s.error) != 0)
            return -1;
        skip_void(&s);
        if (s.at < s.end && *s.at == ',')
            s.at++;
    }
    return 0;
}

/* ---- lists: [('name', 'type', shape), ...] --------------------------------------------------------------------- */

static bool take(struct scan *s, char c)
{
    skip_void(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t bytes = strlen(word);

    skip_void(s);
    if ((size_t)(s->end - s->at) < bytes || memcmp(s->at, word, bytes) != 0)
        return false;
    s->at += bytes;
    return true;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape behind a backslash stands for, as Python's repr() writes it; -1: none that we know. */
static int take_escape(struct scan *s)
{
    static const char letters[] = "\\'\"nrt", bytes[] = "\\'\"\n\r\t";
    const char *found;
    int high, low;

    if (s->at == s->end || *s->at == '\0')
        return -1;
    found = strchr(letters, *s->at);
    if (found != NULL) {
        s->at++;
        return (unsigned char)bytes[found - letters];
    }
    if (*s->at != 'x' || s->end - s->at < 3)
        return -1;
    high = hex_value(s->at[1]);
    low = hex_value(s->at[2]);
    s->at += 3;
    return high < 0 || low < 0 || 16 * high + low == 0 ? -1 : 16 * high + low;
}

/* A Python string into buffer, which has room for all that is left to read. */
static int take_string(struct scan *s, char *buffer, size_t *bytes)
{
    char quote;

    skip_void(s);
    if (s->at < s->end && (*s->at == 'b' || *s->at == 'u'))
        s->at++;
    if (s->at == s->end || (*s->at != '\'' && *s->at != '"'))
        return refuse(s->error, "a quoted word was expected at '%.*s'", brief((size_t)(s->end - s->at)), s->at);
    quote = *s->at++;
    for (*bytes = 0; s->at < s->end && *s->at != quote; (*bytes)++) {
        int c = (unsigned char)*s->at++;

        if (c == '\\' && (c = take_escape(s)) < 0)
            return refuse(s->error, "a name has a backslash that is not one of \\\\ \\' \\\" \\n \\r \\t \\xNN");
        buffer[*bytes] = (char)c;
    }
    if (s->at == s->end)
        return refuse(s->error, "a quote is not closed");
    s->at++;
    return 0;
}

/* The shape behind a type: 3, (3,) or (2, 3). */
static int take_shape(struct scan *s, struct field *f)
{
    skip_void(s);
    if (f->n_dims > 0)
        return refuse(s->error, "a field has one shape: in its type or behind it, not both");
    if (take_dims(s, f) != 0)
        return -1;
    if ((uint64_t)f->elem_bytes * f->n_elems >= INT32_MAX)
        return refuse(s->error, "that shape makes too large a row");
    return 0;
}

/* One ('name', 'type') or ('name', 'type', shape); the opening parenthesis has been taken. */
static int take_tuple(struct schema *schema, struct scan *s, char *buffer)
{
    struct field *f;
    size_t bytes = 0;

    skip_void(s);
    if (s->at < s->end && *s->at == '(')
        return refuse(s->error, "titles are not kept: write ('name', 'type')");
    if (take_string(s, buffer, &bytes) != 0 || check_name(buffer, bytes, s->error) != 0)
        return -1;
    f = append(schema, buffer, bytes, s->error);
    if (f == NULL)
        return -1;
    if (!take(s, ','))
        return refuse(s->error, "field '%.60s' has no type: write ('name', 'type')", f->name);
    skip_void(s);
    if (s->at < s->end && *s->at == '[')
        return refuse(s->error, "field '%.60s': records within records cannot be loaded: list their fields", f->name);
    if (take_string(s, buffer, &bytes) != 0)
        return -1;
    if (schema_parse_type(f, buffer, bytes, s->error) != 0)
        return refuse_field(s->error, f->name, strlen(f->name));
    if (take(s, ',') && !take(s, ')')) {
        if (take_shape(s, f) != 0)
            return refuse_field(s->error, f->name, strlen(f->name));
        take(s, ',');
    } else if (s->at[-1] == ')') {
        return 0;
    }
    return take(s, ')') ? 0 : refuse(s->error, "field '%.60s': ')' was expected behind its type", f->name);
}

static int parse_list(struct schema *schema, struct scan *s, char *buffer)
{
    bool wrapped = take_word(s, "np.dtype(") || take_word(s, "numpy.dtype(") || take_word(s, "dtype(");

    if (take(s, '{'))
        return refuse(s->error, "the form {'names': ...} is not read: write [('name', 'type'), ...]");
    if (!take(s, '['))
        return refuse(s->error, "a list was expected: [('name', 'type'), ...]");
    while (!take(s, ']')) {
        if (!take(s, '('))
            return refuse(s->error, "in a list each field is written ('name', 'type')");
        if (take_tuple(schema, s, buffer) != 0)
            return -1;
        if (!take(s, ',') && (s->at == s->end || *s->at != ']'))
            return refuse(s->error, "',' or ']' was expected behind field '%.60s'",
                          schema->fields[schema->n_fields - 1].name);
    }
    if (wrapped && !take(s, ')'))
        return refuse(s->error, "only the list is read between the parentheses of dtype()");
    skip_void(s);
    return s->at == s->end ? 0 : refuse(s->error, "there is more behind the list: '%.*s'",
                                        brief((size_t)(s->end - s->at)), s->at);
}

/* ---- the two forms --------------------------------------------------------------------------------------------- */

static bool is_list(struct scan s)
{
    skip_void(&s);
    return s.at < s.end && (strchr("[{", *s.at) != NULL || take_word(&s, "dtype(") || take_word(&s, "np.dtype(") ||
                            take_word(&s, "numpy.dtype("));
}

static int check_whole(const struct schema *s, char error[SCHEMA_ERROR])
{
    if (s->n_fields == 0)
        return refuse(error, "the dtype has no fields: give one such as 'chr:S10,pos:i4'");
    return check_repeats(s, error);
}

int schema_parse(struct schema *s, const char *text, char error[SCHEMA_ERROR])
{
    struct scan scan = {text, text + strlen(text), error};
    char *buffer = NULL;
    int status;

    memset(s, 0, sizeof *s);
    if (is_list(scan)) {
        buffer = malloc(strlen(text) + 1);
        status = buffer != NULL ? parse_list(s, &scan, buffer) : refuse(error, "no memory");
    } else {
        status = parse_entries(s, scan, ':');
    }
    if (status == 0)
        status = check_whole(s, error);
    if (status != 0)
        schema_release(s);
    free(buffer);
    return status;
}

int schema_parse_override(struct schema *s, const char *text, char error[SCHEMA_ERROR])
{
    struct scan scan = {text, text + strlen(text), error};

    memset(s, 0, sizeof *s);
    if (parse_entries(s, scan, '=') != 0) {
        schema_release(s);
        return -1;
    }
    return 0;
}

bool schema_is_override(const char *text)
{
    struct scan s = {text, text + strlen(text), NULL};
    const char *mark;

    skip_void(&s);
    if (s.at == s.end || is_list(s) || *s.at == '(')
        return false;
    mark = s.at + strcspn(s.at, ",:=\n");
    return *mark == '=' && mark > s.at && strspn(s.at, "0123456789") != (size_t)(mark - s.at); /* '3=f4' is an array */
}

/* ---- printing -------------------------------------------------------------------------------------------------- */

/* True when the name can stand before a colon as it is. */
static bool is_plain(const char *name)
{
    if (*name == '@') /* would read a file */
        return false;
    for (; *name != '\0'; name++)
        if ((unsigned char)*name <= ' ' || *name == 0x7f || strchr(",:;'\"#=()[]{}\\", *name) != NULL)
            return false;
    return true;
}

static void print_name(FILE *out, const char *name)
{
    fputc('\'', out);
    for (; *name != '\0'; name++) {
        if ((unsigned char)*name < ' ' || *name == 0x7f)
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)*name);
        else
            fprintf(out, *name == '\'' || *name == '\\' ? "\\%c" : "%c", *name);
    }
    fputc('\'', out);
}

/* '(3)' or '(2,3)', nothing for a scalar. */
static void print_shape(FILE *out, const struct field *f)
{
    for (uint32_t i = 0; i < f->n_dims; i++)
        fprintf(out, "%s%u%s", i == 0 ? "(" : ",", f->dims[i], i + 1 == f->n_dims ? ")" : "");
}

static void print_type(FILE *out, const struct field *f)
{
    fprintf(out, "%s%c%u", f->big_endian ? ">" : "", f->kind != KIND_UNKNOWN ? (int)f->kind : '?', f->elem_bytes);
}

static void print_entries(FILE *out, const struct schema *s)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        if (s->fields[i].constant)
            continue;
        fprintf(out, "%s%s:", i > 0 ? "," : "", s->fields[i].name);
        print_shape(out, &s->fields[i]);
        print_type(out, &s->fields[i]);
    }
}

static void print_list(FILE *out, const struct schema *s)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct field *f = &s->fields[i];

        if (f->constant)
            continue;
        fputs(i > 0 ? ", (" : "[(", out);
        print_name(out, f->name);
        fputs(", '", out);
        print_type(out, f);
        fputc('\'', out);
        if (f->n_dims == 1) {
            fprintf(out, ", (%u,)", f->dims[0]);
        } else if (f->n_dims > 1) {
            fputs(", ", out);
            print_shape(out, f);
        }
        fputc(')', out);
    }
    fputc(']', out);
}

char *schema_dtype(const struct schema *s)
{
    bool plain = true;
    char *text = NULL;
    size_t text_bytes;
    FILE *out = open_memstream(&text, &text_bytes);

    if (out == NULL)
        return NULL;
    if (s->shape == SHAPE_MATRIX)
        print_type(out, &s->fields[0]);
    for (size_t i = 0; i < s->n_fields; i++)
        plain = plain && (s->fields[i].constant || is_plain(s->fields[i].name));
    if (plain && s->shape != SHAPE_MATRIX)
        print_entries(out, s);
    else if (s->shape != SHAPE_MATRIX)
        print_list(out, s);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
