/*
 * kinds.c - text that is known by its first lines: formats that hold no table, or some lines beside it.
 */
#define _GNU_SOURCE /* memmem */
#include "kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "delimiter.h"
#include "message.h"

enum {
    TOLD_AT_MOST = 5,      /* inputs of one run */
    LINES_OF_TRACKS = 100, /* where they are looked for */
    XYZ_FIELDS = 4,        /* of an atom, at least: its element and place */
};

static unsigned n_told;

/* ---- lines ----------------------------------------------------------------------------------------------------- */

bool kinds_line_begins(const char *line, const char *end, const char *words)
{
    while (line < end && is_blank(*line))
        line++;
    for (;;) {
        size_t bytes = strcspn(words, ",");

        if ((size_t)(end - line) >= bytes && memcmp(line, words, bytes) == 0 &&
            (line + bytes == end || is_blank(line[bytes]) || line[bytes] == '\r' || line[bytes] == '\n'))
            return true;
        if (words[bytes] == '\0')
            return false;
        words += bytes + 1;
    }
}

struct line {
    const char *text;
    size_t bytes;          /* without its end and the blanks before that */
    bool ended;            /* it has an end */
};

/* The next line; false: there is none. */
static bool take_line(struct excerpt *e, struct line *line)
{
    const char *lf = memchr(e->text, '\n', e->bytes);
    size_t bytes = lf != NULL ? (size_t)(lf + 1 - e->text) : e->bytes;

    *line = (struct line){e->text, bytes, lf != NULL || e->last};
    while (line->bytes > 0 && (is_blank(line->text[line->bytes - 1]) || line->text[line->bytes - 1] == '\n' ||
                               line->text[line->bytes - 1] == '\r'))
        line->bytes--;
    e->text += bytes;
    e->bytes -= bytes;
    return bytes > 0;
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Letters as of a sequence, with '-', '*' and '.' among them. */
static bool is_sequence(const struct line *line)
{
    size_t n = 0;

    for (; n < line->bytes && (is_letter(line->text[n]) || strchr("-*.", line->text[n]) != NULL); n++)
        ;
    return n > 0 && n == line->bytes && is_letter(line->text[0]);
}

/* The line is a number and no more; 0: it is not. */
static uint64_t lone_number(const struct line *line)
{
    uint64_t number = 0;
    size_t i = 0;

    while (i < line->bytes && is_blank(line->text[i]))
        i++;
    if (line->bytes - i > 9)
        return 0;
    for (; i < line->bytes; i++) {
        if (line->text[i] < '0' || line->text[i] > '9')
            return 0;
        number = 10 * number + (uint64_t)(line->text[i] - '0');
    }
    return number;
}

/* ---- no tables ------------------------------------------------------------------------------------------------- */

/* Text that is no table, by its first bytes, and what helps. */
static const struct {
    const char *bytes, *sentence;
} kinds[] = {
    {"netcdf ", "this is a dump of a NetCDF file: ncgen -k nc4 makes a file of it that is HDF5 already"},
    {"<?xml", "this is XML, and no table of lines"},
    {"<VOTABLE", "this is XML, and no table of lines"},
    {"<!DOCTYPE", "this is HTML: perhaps what a server said instead of sending the file"},
    {"<!doctype", "this is HTML: perhaps what a server said instead of sending the file"},
    {"<html", "this is HTML: perhaps what a server said instead of sending the file"},
    {"{\"", "this is JSON: make lines of it, as by jq -r '[.a, .b] | @csv'"},
    {"[{", "this is JSON: make lines of it, as by jq -r '.[] | [.a, .b] | @csv'"},
    {"@HD\t", "these are alignments with a varying number of fields: give samtools view FILE | shmload --usecols "
               "0,1,2,3,4,5,6,7,8,9,10 NAME=-"},
    {"@SQ\t", "these are alignments with a varying number of fields: give samtools view FILE | shmload --usecols "
               "0,1,2,3,4,5,6,7,8,9,10 NAME=-"},
};

static const char *find_kind(const struct excerpt *e)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t bytes = strlen(kinds[i].bytes);

        if (e->bytes >= bytes && memcmp(e->text, kinds[i].bytes, bytes) == 0)
            return kinds[i].sentence;
    }
    return NULL;
}

/* '>name' and '@name' with sequences below. */
static const char *find_sequences(struct excerpt e)
{
    struct line name, sequence, plus, quality;

    if (!take_line(&e, &name) || name.bytes < 2 || !take_line(&e, &sequence) || !is_sequence(&sequence))
        return NULL;
    if (*name.text == '>')
        return "this is FASTA: sequences, and no table; seqkit fx2tab makes lines of them";
    if (*name.text == '@' && take_line(&e, &plus) && plus.bytes > 0 && *plus.text == '+' && take_line(&e, &quality) &&
        quality.bytes == sequence.bytes)
        return "this is FASTQ: reads, and no table; seqkit fx2tab makes lines of them";
    return NULL;
}

/* ---- lines beside a table -------------------------------------------------------------------------------------- */

const char *kinds_delimiter_option(int delimiter, char buffer[16])
{
    snprintf(buffer, 16, delimiter == '\t' ? "-d '\\t'" : "-d '%c'", delimiter);
    return buffer;
}

/* 'sep=;' is for Excel, and no record. */
bool kinds_tell_separator(const struct advice_case *c)
{
    const char *p = c->text.text;
    size_t bytes = c->text.bytes;
    char option[16];

    if (bytes < 6 || strncasecmp(p, "sep=", 4) != 0 || p[4 + 1 + (p[5] == '\r' && bytes > 6)] != '\n')
        return false;
    if (n_told++ < TOLD_AT_MOST)
        message_notice("%s: the first line only names the delimiter, as for Excel: give --skip-lines %" PRIu64 " %s%s",
                       c->path, c->lines_before + 1, kinds_delimiter_option(p[4], option),
                       p[4] != ',' && delimiter_commas_are_decimal(&c->text) ?
                       ", and points for decimal commas by tr , . <FILE | shmload NAME=-" : "");
    return true;
}

/* 'track name=...' */
static bool is_track_line(const char *line, const char *end)
{
    return kinds_line_begins(line, end, "track") && memchr(line, '=', (size_t)(end - line)) != NULL;
}

bool kinds_is_for_browser(const char *word)
{
    return kinds_line_begins(word, word + strlen(word), "track,browser,variableStep,fixedStep");
}

bool kinds_tell_tracks(const struct advice_case *c)
{
    const char *end = c->text.text + c->text.bytes;
    bool track = false, browser = false, wiggle = false, hash = false;
    uint64_t line_no = c->lines_before, first = 0;

    for (const char *line = c->text.text, *next; line < end && line_no < LINES_OF_TRACKS; line = next) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));

        next = lf != NULL ? lf + 1 : end;
        line_no++;
        hash = hash || *line == '#';
        track = track || is_track_line(line, next);
        browser = browser || kinds_line_begins(line, next, "browser");
        wiggle = wiggle || kinds_line_begins(line, next, "variableStep,fixedStep");
        if (first == 0 && (track || browser || wiggle))
            first = line_no;
    }
    if (first == 0 || (c->options->comments_given && !wiggle))
        return false;
    if (n_told++ >= TOLD_AT_MOST)
        return true;
    if (wiggle)
        message_notice("%s: this is a wiggle track, which has positions in lines of their own: convert it to bedGraph, "
                       "by wigToBigWig and bigWigToBedGraph", c->path);
    else
        message_notice("%s: line %" PRIu64 " is for a genome browser, and no record: give%s%s%s", c->path, first,
                       track ? " --comment 'track '" : "", browser ? " --comment 'browser '" : "",
                       hash ? " --comment '#'" : "");
    return true;
}

static const char matrix_market[] = "%%MatrixMarket ";

static bool is_matrix_market(const struct excerpt *e)
{
    size_t bytes = sizeof matrix_market - 1;

    return e->bytes > bytes && strncasecmp(e->text, matrix_market, bytes) == 0;
}

/* Comments, then the sizes, then the entries: as many fields as the sizes often have, so '%' alone does not do. */
static bool tell_matrix_market(const struct advice_case *c)
{
    struct excerpt e = c->text;
    struct line first, line;
    const char *names = "";
    uint64_t n = 1;

    if (!is_matrix_market(&e) || !take_line(&e, &first))
        return false;
    while (take_line(&e, &line) && (line.bytes == 0 || *line.text == '%'))
        n++;
    if (memmem(first.text, first.bytes, "coordinate", 10) != NULL)
        names = memmem(first.text, first.bytes, "complex", 7) != NULL   ? " --names row,column,real,imaginary" :
                memmem(first.text, first.bytes, "pattern", 7) != NULL ? " --names row,column" :
                                                                          " --names row,column,value";
    if (c->options->dtype != NULL || c->options->names != NULL)
        names = "";
    if (n_told++ < TOLD_AT_MOST)
        message_notice("%s: this is a matrix of Matrix Market, and its first %" PRIu64 " lines are comments and sizes: "
                       "give --skip-lines %" PRIu64 "%s", c->path, n + 1, c->lines_before + n + 1, names);
    return true;
}

/* 'O 0.1 0.2 0.3' */
static bool is_atom(const struct line *line)
{
    size_t n = 0, at = 0;

    while (at < line->bytes) {
        while (at < line->bytes && is_blank(line->text[at]))
            at++;
        if (at == line->bytes || (n == 0 && !is_letter(line->text[at])) ||
            (n > 0 && n < XYZ_FIELDS && memchr("+-.0123456789", line->text[at], 13) == NULL))
            break;
        while (at < line->bytes && !is_blank(line->text[at]))
            at++;
        n++;
    }
    return n >= XYZ_FIELDS;
}

/*
 * Frames of 'n_atoms' lines below a line that says so and another: how many there are in the text, the last one perhaps
 * in part. 0: it is something else.
 */
static unsigned count_frames(struct excerpt e, uint64_t *n_atoms)
{
    struct line line;
    bool some = false;
    unsigned n = 0;

    for (*n_atoms = 0; take_line(&e, &line); n++) {
        uint64_t said = lone_number(&line);

        if (said == 0 && line.bytes == 0 && n > 0)
            return n; /* behind the last one */
        if (said == 0 || (n > 0 && said != *n_atoms) || !take_line(&e, &line))
            return 0;
        *n_atoms = said;
        for (uint64_t i = 0; i < said && take_line(&e, &line) && line.ended; i++, some = true)
            if (!is_atom(&line))
                return 0;
    }
    return some ? n : 0;
}

static bool tell_xyz(const struct advice_case *c)
{
    bool by_blanks = c->options->delimiter == DELIMITER_AUTO || c->options->delimiter == DELIMITER_BLANKS;
    uint64_t n_atoms;
    unsigned n_frames = by_blanks ? count_frames(c->text, &n_atoms) : 0;

    if (n_frames == 0 || n_told++ >= TOLD_AT_MOST)
        return n_frames > 0;
    if (n_frames == 1)
        message_notice("%s: this is an XYZ file: give --skip-lines %" PRIu64 " to leave out the number of atoms and "
                       "the comment", c->path, c->lines_before + 2);
    else
        message_notice("%s: this is an XYZ file of several frames: to leave out the two lines above each, try awk "
                       "'(NR - %" PRIu64 ") %% %" PRIu64 " > 1' FILE | shmload NAME=-", c->path, c->lines_before + 1,
                       n_atoms + 2);
    return true;
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

bool kinds_agree(const struct advice_case *c)
{
    return (c->text.bytes > 0 && *c->text.text == '{') || is_matrix_market(&c->text);
}

bool kinds_tell(const struct advice_case *c)
{
    const char *sentence = find_kind(&c->text);

    if (sentence == NULL)
        sentence = find_sequences(c->text);
    if (sentence == NULL)
        return tell_matrix_market(c) || tell_xyz(c) || kinds_tell_tracks(c);
    if (n_told++ < TOLD_AT_MOST)
        message_notice("%s: %s", c->path, sentence);
    return true;
}

void kinds_forget(void)
{
    n_told = 0;
}
